//! The join phase, from the first who joins to the new generation.

use super::super::records::Entry;
use super::super::timers::Timer;
use super::super::turn::Turn;
use super::group::{FirstDelay, Group, Phase};
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use crate::time::Span;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::JoinGroupResponse;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::protocol::StrBytes;

/// Where static members alone are left and none came, so much goes by at least until they are looked at again.
const NOBODY_CAME_AGAIN: Span = Span::from_millis(100);

// Each of these answers the record of a generation without members, if it came to one: the caller proposes it together
// with the reply that waits for it.
impl Group {
    /// Somebody came, went or changed: begins the join phase, or looks whether it can end.
    pub fn rebalance(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        match self.phase {
            Phase::Empty | Phase::Completing | Phase::Stable => self.prepare(turn),
            Phase::Preparing { first: None } if mutant::is(Mutant::JoinRestartsWait) && !self.has_all_joined() => {
                turn.arm(Timer::Join { group: self.id.clone() }, self.rebalance_timeout());
                None
            }
            Phase::Preparing { .. } => self.maybe_complete_join(turn),
        }
    }

    /// Begins the join phase.
    pub fn prepare(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        if self.phase == Phase::Completing {
            self.propagate_refusal(turn, ErrorCode::RebalanceInProgress);
        }
        self.pending_syncs.clear();
        turn.timers.cancel(&Timer::Sync { group: self.id.clone() });
        if self.is_empty() {
            // The group is new: give others the time to come, too (KIP-134).
            let delay = turn.settings.initial_rebalance_delay;
            let left = Span(self.rebalance_timeout().0.saturating_sub(delay.0));
            self.enter(turn, Phase::Preparing { first: Some(FirstDelay { extended: false, delay, left }) });
            turn.arm(Timer::Join { group: self.id.clone() }, delay);
            return None;
        }
        self.enter(turn, Phase::Preparing { first: None });
        if self.has_all_joined() {
            return self.complete_join(turn);
        }
        turn.arm(Timer::Join { group: self.id.clone() }, self.rebalance_timeout());
        None
    }

    /// Ends the join phase when nobody is missing; the first one of a group ends by time alone.
    pub fn maybe_complete_join(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        match self.phase {
            Phase::Preparing { first: None } if self.has_all_joined() => self.complete_join(turn),
            Phase::Preparing { .. } | Phase::Empty | Phase::Completing | Phase::Stable => None,
        }
    }

    /// The members have had their time to join.
    pub fn on_join_expired(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        let Phase::Preparing { first } = &mut self.phase else { return None };
        if let Some(first) = first
            && first.extended
            && first.left > Span::ZERO
        {
            let next = first.left.min(turn.settings.initial_rebalance_delay);
            let left = Span(first.left.0.saturating_sub(first.delay.0));
            *first = FirstDelay { extended: false, delay: next, left };
            turn.arm(Timer::Join { group: self.id.clone() }, next);
            return None;
        }
        self.complete_join(turn)
    }

    /// Ends the join phase with those who are there. Static members that did not come keep their place until their session
    /// ends; but one of those who came has to lead.
    pub fn complete_join(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        assert!(matches!(self.phase, Phase::Preparing { .. }), "group {}: no join phase to end", self.id.as_str());
        turn.timers.cancel(&Timer::Join { group: self.id.clone() });
        let late: Vec<StrBytes> = self
            .members
            .iter()
            .filter(|(_, member)| member.joining.is_none() && member.instance.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for id in late.iter().filter(|_| !mutant::is(Mutant::LateMembersStay)) {
            self.dismiss(turn, id);
        }
        if self.members.is_empty() {
            return Some(self.become_empty(turn));
        }
        if !self.elect_leader() {
            // Nobody came, but static members still have time: they get it. One that says it needs none is looked at again all the same,
            // and not at once.
            turn.arm(Timer::Join { group: self.id.clone() }, self.rebalance_timeout().max(NOBODY_CAME_AGAIN));
            return None;
        }
        self.begin_generation(turn);
        None
    }

    fn become_empty(&mut self, turn: &mut Turn<'_>) -> Entry {
        self.count_generation();
        self.protocol = None;
        self.leader = None;
        self.pending_syncs.clear();
        if !mutant::is(Mutant::EmptyStillSubscribed) {
            self.subscribed = self.compute_subscribed();
        }
        self.enter(turn, Phase::Empty);
        self.stored(&|_| Bytes::new())
    }

    /// Tells everybody who joined the new generation.
    fn begin_generation(&mut self, turn: &mut Turn<'_>) {
        if !mutant::is(Mutant::GenerationNotCounted) {
            self.count_generation();
        }
        self.protocol = self.select_protocol();
        assert!(self.protocol.is_some(), "group {}: no assignor that all members know", self.id.as_str());
        self.subscribed = self.compute_subscribed();
        self.enter(turn, Phase::Completing);
        self.pending_syncs = self.members.keys().cloned().collect();
        let ids: Vec<StrBytes> = self.members.keys().cloned().collect();
        for id in &ids {
            self.complete_member_join(turn, id, self.is_leader(id));
            self.expect_again(turn, id);
            if let Some(member) = self.members.get_mut(id) {
                member.is_new = mutant::is(Mutant::NewForEver);
            }
        }
        turn.arm(Timer::Sync { group: self.id.clone() }, self.rebalance_timeout());
    }

    /// Members that did not ask for their assignment in time are gone.
    pub fn on_sync_expired(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        if self.pending_syncs.is_empty() {
            return None;
        }
        assert!(matches!(self.phase, Phase::Completing | Phase::Stable), "group {}: nothing to sync", self.id.as_str());
        let silent: Vec<StrBytes> = self.pending_syncs.iter().cloned().collect();
        for id in &silent {
            self.dismiss(turn, id);
        }
        if mutant::is(Mutant::SilentSyncsUnheard) && !self.members.is_empty() {
            return None;
        }
        self.prepare(turn)
    }

    /// The current generation as a join's answer.
    pub fn joined(&self, id: &StrBytes, with_members: bool) -> JoinGroupResponse {
        JoinGroupResponse::default()
            .with_member_id(id.clone())
            .with_generation_id(self.generation)
            .with_protocol_type(self.protocol_type.clone())
            .with_protocol_name(self.protocol.clone())
            .with_leader(self.leader.clone().unwrap_or_default())
            .with_members(if with_members { self.members_for_leader() } else { Vec::new() })
    }

    /// Answers a member's join, if one waits.
    pub fn complete_member_join(&mut self, turn: &mut Turn<'_>, id: &StrBytes, with_members: bool) {
        if let Some(hold) = self.members.get_mut(id).and_then(|member| member.joining.take()) {
            turn.release(hold, self.joined(id, with_members));
        }
    }

    /// The members and what they say to the chosen assignor.
    pub fn members_for_leader(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.clone().unwrap_or_default();
        let told = self.members.iter().map(|(id, member)| {
            JoinGroupResponseMember::default()
                .with_member_id(id.clone())
                .with_group_instance_id(member.instance.clone())
                .with_metadata(if mutant::is(Mutant::FirstSubscriptionTold) {
                    member.protocols.first().map(|first| first.1.clone()).unwrap_or_default()
                } else {
                    member.metadata(&protocol)
                })
        });
        told.collect()
    }

    /// Sees to it that the leader is one who joined. `false`: nobody did.
    fn elect_leader(&mut self) -> bool {
        let joined = |id: &StrBytes| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if !self.leader.as_ref().is_some_and(joined) {
            let next = self.members.keys().find(|id| joined(id)).cloned();
            if next.is_none() {
                return false;
            }
            self.leader = next;
        }
        true
    }

    fn count_generation(&mut self) {
        // A log may hold any number: after the last one comes the first.
        self.generation = self.generation.checked_add(1).unwrap_or(0).max(0);
    }

    pub fn enter(&mut self, turn: &Turn<'_>, phase: Phase) {
        self.phase = phase;
        self.since = Some(turn.now.wall);
    }
}
