//! A static member that starts anew takes its own place again (KIP-345); and a group that leaves this node.

use super::super::records::Entry;
use super::super::turn::{Replaced, Then, Turn};
use super::group::{Group, Member, Phase};
use super::join::{Join, Joined, refuse};
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use alloc::boxed::Box;
use alloc::vec::Vec;
use kafka_protocol::messages::JoinGroupResponse;
use kafka_protocol::protocol::StrBytes;

/// From this version on a leader can be told that it leads and is not to assign (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

impl Group {
    /// A static member starts anew: it has lost its id and gets another one, and the old one is fenced. In a stable group
    /// whose assignor stays the same nobody else needs to notice (KIP-345).
    pub fn replace_static(
        &mut self,
        turn: &mut Turn<'_>,
        join: &Join<'_>,
        instance: &StrBytes,
        old: &StrBytes,
    ) -> Joined {
        let new = &join.fresh_id;
        let leader_before = self.leader.clone().unwrap_or_default();
        self.move_static(turn, instance, old, new);
        self.expect_again(turn, new);
        let before = self.members.get(new).cloned()?;
        self.update(turn, join, new);
        match self.phase {
            Phase::Empty => None,
            Phase::Preparing { .. } => self.maybe_complete_join(turn).map(|entry| (entry, Then::Nothing)),
            // The leader may be assigning to the old id.
            Phase::Completing if mutant::is(Mutant::ReplacedWhileCompletingWaits) => None,
            Phase::Completing => self.prepare(turn).map(|entry| (entry, Then::Nothing)),
            Phase::Stable if self.select_protocol() != self.protocol => {
                self.rebalance(turn).map(|entry| (entry, Then::Nothing))
            }
            Phase::Stable => {
                let replaced = Replaced {
                    generation: self.generation,
                    instance: instance.clone(),
                    old: old.clone(),
                    new: new.clone(),
                    leader_before,
                    can_skip_assignment: join.ask.version >= SKIP_ASSIGNMENT_VERSION,
                    protocols_before: before.protocols,
                    rebalance_timeout_ms_before: before.rebalance_timeout_ms,
                    session_timeout_ms_before: before.session_timeout_ms,
                };
                let entry = self.stored(&|id| self.members.get(id).map(|m| m.assignment.clone()).unwrap_or_default());
                Some((entry, Then::Replaced { group: self.id.clone(), replaced: Box::new(replaced) }))
            }
        }
    }

    /// The new id of a static member is committed, or (`Err`) is not: then the old one has its place again. Where another
    /// generation has begun since, the new one was told to its member, and stays (seed 50000003018).
    pub fn on_replaced(
        &mut self,
        turn: &mut Turn<'_>,
        replaced: &Replaced,
        result: Result<(), ErrorCode>,
    ) -> Option<Entry> {
        let new = &replaced.new;
        if self.statics.get(&replaced.instance) != Some(new) {
            return None;
        }
        let Err(code) = result else {
            // If a rebalance began meanwhile its join waits for the next generation, as everybody's.
            if self.phase == Phase::Stable {
                self.answer_replaced(turn, replaced);
            }
            return None;
        };
        if self.generation != replaced.generation && !mutant::is(Mutant::ReplacedRevertsLater) {
            return None;
        }
        let member = self.members.get_mut(new)?;
        let waiting = member.joining.take();
        // Where a rebalance began meanwhile others may have joined that go with what it says now, and not with what it said before.
        if self.phase == Phase::Stable {
            member.rebalance_timeout_ms = replaced.rebalance_timeout_ms_before;
            member.session_timeout_ms = replaced.session_timeout_ms_before;
            self.say(new, replaced.protocols_before.clone());
        }
        if let Some(hold) = waiting {
            refuse(turn, hold, &StrBytes::new(), code);
        }
        self.move_static(turn, &replaced.instance, new, &replaced.old);
        self.expect_again(turn, &replaced.old);
        None
    }

    fn answer_replaced(&mut self, turn: &mut Turn<'_>, replaced: &Replaced) {
        let new = &replaced.new;
        let leads = self.is_leader(new);
        let told: JoinGroupResponse = if replaced.can_skip_assignment {
            self.joined(new, leads).with_skip_assignment(leads)
        } else {
            // Told the old leader's id it takes itself for a follower, and asks for its assignment.
            self.joined(new, false).with_leader(replaced.leader_before.clone())
        };
        if let Some(hold) = self.members.get_mut(new).and_then(|member| member.joining.take()) {
            turn.release(hold, told);
            self.expect_again(turn, new);
        }
    }

    /// Gives a static member's place to another id. Whoever waits under the old one is fenced.
    fn move_static(&mut self, turn: &mut Turn<'_>, instance: &StrBytes, old: &StrBytes, new: &StrBytes) {
        let Some(mut member) = self.take(old) else { return };
        // Its place is not new, and it is not put out while its join waits (seed 74000008997).
        member.is_new = false;
        turn.timers.cancel(&self.session(old));
        if let Some(hold) = member.joining.take() {
            refuse(turn, hold, old, ErrorCode::FencedInstanceId);
        }
        if let Some(hold) = member.syncing.take() {
            turn.release(hold, super::sync::refused(ErrorCode::FencedInstanceId));
        }
        if mutant::is(Mutant::ReplacedKeepsOld) {
            let stays = Member { instance: None, joining: None, syncing: None, ..member.clone() };
            self.put(old.clone(), stays);
            self.expect_again(turn, old);
        }
        if self.pending_syncs.remove(old) {
            self.pending_syncs.insert(new.clone());
        }
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
        let before = self.put(new.clone(), member);
        assert!(before.is_none(), "group {}: a member in the place of another", self.id.as_str());
        let holder = self.statics.insert(instance.clone(), new.clone());
        assert_eq!(holder.as_ref(), Some(old), "group {}: a place that was not there", self.id.as_str());
    }

    /// The answers that wait in the group when the node loses it.
    pub fn on_unload(&mut self, turn: &mut Turn<'_>, code: ErrorCode) {
        let ids: Vec<StrBytes> = self.members.keys().cloned().collect();
        for id in &ids {
            let Some(member) = self.members.get_mut(id) else { continue };
            let (joining, syncing) = (member.joining.take(), member.syncing.take());
            if let Some(hold) = joining {
                refuse(turn, hold, id, code);
            }
            if let Some(hold) = syncing {
                turn.release(hold, super::sync::refused(code));
            }
        }
    }
}
