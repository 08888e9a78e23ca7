//! Heartbeats of a group's members, and what happens when they stop.

use super::super::records::Entry;
use super::super::timers::Timer;
use super::super::turn::Turn;
use super::group::{Group, Phase};
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use crate::time::Span;
use kafka_protocol::messages::{HeartbeatRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

impl Group {
    /// A member says that it lives. The refusal REBALANCE_IN_PROGRESS is how it learns that it has to join again.
    pub fn on_heartbeat(&mut self, turn: &mut Turn<'_>, request: &HeartbeatRequest) -> Result<(), ErrorCode> {
        match self.validate_generation(&request.member_id, request.group_instance_id.as_ref(), request.generation_id) {
            Err(ErrorCode::IllegalGeneration) if mutant::is(Mutant::HeartbeatAnyGeneration) => {}
            known => known?,
        }
        if !mutant::is(Mutant::HeartbeatNotCounted) {
            self.expect_again(turn, &request.member_id);
        }
        match self.phase {
            Phase::Empty => Err(ErrorCode::UnknownMemberId),
            Phase::Preparing { .. } if mutant::is(Mutant::RebalanceNotTold) => Ok(()),
            Phase::Preparing { .. } => Err(ErrorCode::RebalanceInProgress),
            Phase::Completing | Phase::Stable => Ok(()),
        }
    }

    /// Gives a member its session time-out anew.
    pub fn expect_again(&self, turn: &mut Turn<'_>, id: &StrBytes) {
        // The group's own `id`: the request's is a slice of its frame.
        if let Some((id, member)) = self.members.get_key_value(id) {
            turn.arm(self.session(id), Span::from_kafka_millis(i64::from(member.session_timeout_ms)));
        }
    }

    /// A session time-out has passed in silence.
    pub fn on_session_expired(&mut self, turn: &mut Turn<'_>, id: &StrBytes) -> Option<Entry> {
        if mutant::is(Mutant::NoSessionTimeout) && self.members.contains_key(id) {
            self.expect_again(turn, id);
            return None;
        }
        if self.pending_joins.contains(id) {
            self.remove(id);
            if mutant::is(Mutant::PendingExpiryUnheard) {
                return None;
            }
            return self.complete_join_if_all(turn);
        }
        let member = self.members.get(id)?;
        // Its timer starts again when it gets what it waits for.
        if member.is_excused() {
            return None;
        }
        self.dismiss(turn, id);
        match self.phase {
            Phase::Stable | Phase::Completing => self.rebalance(turn),
            Phase::Preparing { .. } => self.complete_join_if_all(turn),
            Phase::Empty => None,
        }
    }

    /// Takes a member out. A join of its own that waits is told to begin anew; a sync, that it is no member.
    pub fn dismiss(&mut self, turn: &mut Turn<'_>, id: &StrBytes) {
        turn.timers.cancel(&Timer::Session { group: self.id.clone(), member: id.clone() });
        let Some(member) = self.remove(id) else { return };
        if let Some(hold) = member.joining {
            let response = JoinGroupResponse::default().with_protocol_name(None);
            turn.release(hold, response.with_error_code(ErrorCode::UnknownMemberId.code()));
        }
        if let Some(hold) = member.syncing.filter(|_| !mutant::is(Mutant::DismissedSyncWaits)) {
            turn.release(hold, super::sync::refused(ErrorCode::UnknownMemberId));
        }
    }

    /// In the join phase: ends it when nobody is missing any more.
    fn complete_join_if_all(&mut self, turn: &mut Turn<'_>) -> Option<Entry> {
        match self.phase {
            Phase::Preparing { .. } if self.has_all_joined() => self.complete_join(turn),
            Phase::Preparing { .. } | Phase::Empty | Phase::Completing | Phase::Stable => None,
        }
    }
}
