//! SyncGroup as a group handles it: the leader's assignments, committed, then told to all.

use super::super::text::{own, own_bytes};
use super::super::timers::Timer;
use super::super::turn::{Then, Turn};
use super::group::{Group, Phase};
use crate::error::ErrorCode;
use crate::id::HoldId;
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

impl Group {
    /// A member asks for its assignment; the leader brings everybody's. They are told when the leader's are committed.
    pub fn on_sync(&mut self, turn: &mut Turn<'_>, hold: HoldId, request: &SyncGroupRequest) {
        let member = &request.member_id;
        if let Err(code) = self.validate_sync(request) {
            return turn.release(hold, refused(code));
        }
        match self.phase {
            Phase::Empty => turn.release(hold, refused(ErrorCode::UnknownMemberId)),
            Phase::Preparing { .. } => turn.release(hold, refused(ErrorCode::RebalanceInProgress)),
            Phase::Completing => {
                self.wait_for_assignment(turn, hold, member);
                if self.is_leader(member) {
                    self.propose_assignments(turn, request);
                }
            }
            Phase::Stable => {
                self.synced(turn, member);
                turn.release(hold, self.assigned(member));
            }
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.validate_generation(&request.member_id, request.group_instance_id.as_ref(), request.generation_id)?;
        let differs = |said: &Option<StrBytes>, own: &Option<StrBytes>| match (said, own) {
            (Some(said), Some(own)) => said != own,
            (None, _) | (_, None) => false,
        };
        let wrong = differs(&request.protocol_type, &self.protocol_type) && !mutant::is(Mutant::SyncAnyType)
            || differs(&request.protocol_name, &self.protocol);
        if wrong && !mutant::is(Mutant::SyncAnyProtocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn wait_for_assignment(&mut self, turn: &mut Turn<'_>, hold: HoldId, id: &StrBytes) {
        let member = self.members.get_mut(id);
        if let Some(before) =
            member.and_then(|member| member.syncing.replace(hold)).filter(|_| !mutant::is(Mutant::FirstSyncUnanswered))
        {
            // It asked again: nobody waits for the first answer any more, but it holds the place of those behind it.
            turn.release(before, refused(ErrorCode::RebalanceInProgress));
        }
        self.synced(turn, id);
    }

    fn synced(&mut self, turn: &mut Turn<'_>, id: &StrBytes) {
        if !mutant::is(Mutant::SyncNotNoted) {
            self.pending_syncs.remove(id);
        }
        if self.pending_syncs.is_empty() {
            turn.timers.cancel(&Timer::Sync { group: self.id.clone() });
        }
    }

    fn propose_assignments(&self, turn: &mut Turn<'_>, request: &SyncGroupRequest) {
        let brought: BTreeMap<&StrBytes, &Bytes> =
            request.assignments.iter().map(|one| (&one.member_id, &one.assignment)).collect();
        // Members that the leader left out get nothing; strangers that it brought are left out.
        let assignments: BTreeMap<StrBytes, Bytes> = self
            .members
            .iter()
            .map(|(id, member)| {
                let stays = mutant::is(Mutant::TwoOwners) && !member.assignment.is_empty();
                let given = if stays { Some(&member.assignment) } else { brought.get(id).copied() };
                (own(id), given.map_or_else(Bytes::new, own_bytes))
            })
            .collect();
        let entry = self.stored(&|id| assignments.get(id).cloned().unwrap_or_default());
        let then = Then::Assigned { group: self.id.clone(), generation: self.generation, assignments };
        turn.propose(vec![entry], then);
    }

    /// The leader's assignments are committed, or (`Err`) are not.
    pub fn on_assigned(
        &mut self,
        turn: &mut Turn<'_>,
        generation: i32,
        result: Result<&BTreeMap<StrBytes, Bytes>, ErrorCode>,
    ) -> Option<super::super::records::Entry> {
        // While they were on their way somebody may have come or gone.
        let old = self.generation != generation && !mutant::is(Mutant::AssignedOfOldGeneration);
        if self.phase != Phase::Completing || old {
            return None;
        }
        match result {
            Ok(assignments) => {
                for (id, member) in &mut self.members {
                    member.assignment = assignments.get(id).cloned().unwrap_or_default();
                }
                self.enter(turn, Phase::Stable);
                self.answer_syncs(turn, |group, id| group.assigned(id));
                None
            }
            Err(code) => {
                self.propagate_refusal(turn, code);
                self.rebalance(turn)
            }
        }
    }

    /// Nobody has an assignment any more; who waits for one is told why.
    pub fn propagate_refusal(&mut self, turn: &mut Turn<'_>, code: ErrorCode) {
        assert_eq!(self.phase, Phase::Completing, "group {}: assignments to take back", self.id.as_str());
        for member in self.members.values_mut() {
            if !mutant::is(Mutant::TwoOwners) {
                member.assignment = Bytes::new();
            }
        }
        self.answer_syncs(turn, |_, _| refused(code));
    }

    fn answer_syncs(&mut self, turn: &mut Turn<'_>, answer: impl Fn(&Self, &StrBytes) -> SyncGroupResponse) {
        let ids: Vec<StrBytes> = self.members.keys().cloned().collect();
        for id in &ids {
            if let Some(hold) = self.members.get_mut(id).and_then(|member| member.syncing.take()) {
                turn.release(hold, answer(self, id));
                self.expect_again(turn, id);
            }
        }
    }

    fn assigned(&self, id: &StrBytes) -> SyncGroupResponse {
        SyncGroupResponse::default()
            .with_protocol_type(self.protocol_type.clone())
            .with_protocol_name(self.protocol.clone())
            .with_assignment(self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default())
    }
}

/// A SyncGroup that gets nothing.
pub(crate) fn refused(code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(code.code())
}
