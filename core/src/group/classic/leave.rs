//! LeaveGroup as a group handles it: members go, by their own wish or an administrator's.

use super::super::records::Entry;
use super::super::text::own;
use super::super::timers::Timer;
use super::super::turn::Turn;
use super::group::{Group, Phase};
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use kafka_protocol::messages::LeaveGroupResponse;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;

impl Group {
    /// Members leave, or an administrator names static ones that are to (no member id, only the instance's).
    pub fn on_leave(&mut self, turn: &mut Turn<'_>, leaving: &[MemberIdentity]) -> (LeaveGroupResponse, Option<Entry>) {
        let mut left = false;
        let mut members = Vec::new();
        for one in leaving {
            let later = !members.is_empty();
            let result = if later && mutant::is(Mutant::LeaveFirstOnly) { Ok(()) } else { self.leave(turn, one) };
            left |= result.is_ok();
            members.push(
                MemberResponse::default()
                    .with_member_id(own(&one.member_id))
                    .with_group_instance_id(one.group_instance_id.as_ref().map(own))
                    .with_error_code(result.err().map_or(0, |code| code.code())),
            );
        }
        let entry = match self.phase {
            Phase::Stable | Phase::Completing
                if left && (self.members.is_empty() || !mutant::is(Mutant::LeaveNotNoticed)) =>
            {
                self.rebalance(turn)
            }
            Phase::Preparing { .. } if left && !mutant::is(Mutant::LeaveWhileJoiningUnheard) => {
                self.maybe_complete_join(turn)
            }
            Phase::Empty | Phase::Preparing { .. } | Phase::Completing | Phase::Stable => None,
        };
        (LeaveGroupResponse::default().with_members(members), entry)
    }

    fn leave(&mut self, turn: &mut Turn<'_>, one: &MemberIdentity) -> Result<(), ErrorCode> {
        if one.member_id.is_empty() {
            let holder = one.group_instance_id.as_ref().and_then(|instance| self.statics.get(instance)).cloned();
            let holder = holder.ok_or(ErrorCode::UnknownMemberId)?;
            if !mutant::is(Mutant::NamedLeaveIgnored) {
                self.dismiss(turn, &holder);
            }
        } else if self.pending_joins.remove(&one.member_id) {
            turn.timers.cancel(&Timer::Session { group: self.id.clone(), member: one.member_id.clone() });
        } else {
            self.validate_member(&one.member_id, one.group_instance_id.as_ref())?;
            self.dismiss(turn, &one.member_id);
        }
        Ok(())
    }
}
