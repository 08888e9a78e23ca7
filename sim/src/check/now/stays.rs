//! A member that has its assignment, and says that it lives, stays in its group: it is put out when it leaves, when another takes its
//! place, when it does not come to a rebalance in time, or when it was silent for a session.

use super::{At, Broken};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

/// Group and member.
type Who = (StrBytes, StrBytes);

/// A member that was told its assignment.
#[derive(Clone, Copy, Debug)]
struct Settled {
    node: usize,
    epoch: LeaderEpoch,
    /// When it was told last that all is well.
    well: Option<Mono>,
}

#[derive(Debug, Default)]
pub struct Stays {
    /// What came and is not answered, and when.
    asked: Map<At, (Who, Mono)>,
    joins: Map<At, (StrBytes, Span)>,
    /// How long each may be silent, or away from a rebalance: the shorter of the two.
    patience: Map<Who, Span>,
    settled: Map<Who, Settled>,
}

impl Stays {
    /// Whoever joins is not settled; in the name of an instance it may take another's place.
    pub fn on_join(&mut self, at: At, request: &JoinGroupRequest) {
        let group = &request.group_id.0;
        let shorter = request.session_timeout_ms.min(request.rebalance_timeout_ms);
        self.joins.insert(at, (group.clone(), Span::from_kafka_millis(i64::from(shorter))));
        if request.group_instance_id.is_some() {
            self.forget(group);
        } else {
            self.settled.remove(&(group.clone(), request.member_id.clone()));
        }
    }

    pub fn on_joined(&mut self, at: At, response: &JoinGroupResponse) {
        if let Some((group, patience)) = self.joins.remove(&at).filter(|_| response.error_code == 0) {
            self.patience.insert((group, response.member_id.clone()), patience);
        }
    }

    pub fn on_sync(&mut self, at: At, now: Mono, request: &SyncGroupRequest) {
        self.asked.insert(at, ((request.group_id.0.clone(), request.member_id.clone()), now));
    }

    pub fn on_synced(&mut self, node: usize, at: At, response: &SyncGroupResponse, core: &Core) {
        let who = self.asked.remove(&at).filter(|_| response.error_code == 0);
        if let Some((who, _)) = who
            && let Some(epoch) = core.groups.epoch_of(core.groups.partition_of(&who.0))
        {
            self.settled.insert(who, Settled { node, epoch, well: None });
        }
    }

    pub fn on_leave(&mut self, request: &LeaveGroupRequest) {
        self.forget(&request.group_id.0);
    }

    fn forget(&mut self, group: &StrBytes) {
        self.settled.retain(|(of, _), _| of != group);
    }

    pub fn on_heartbeat(&mut self, at: At, now: Mono, request: &HeartbeatRequest) {
        self.asked.insert(at, ((request.group_id.0.clone(), request.member_id.clone()), now));
    }

    /// It waits until its node takes clients.
    pub fn put_off(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, node: usize, at: At, response: &HeartbeatResponse, core: &Core) -> Result<(), Broken> {
        let Some((who, came)) = self.asked.remove(&at) else { return Ok(()) };
        let epoch = core.groups.epoch_of(core.groups.partition_of(&who.0));
        let here = |settled: &Settled| settled.node == node && Some(settled.epoch) == epoch;
        let Some(settled) = self.settled.get_mut(&who).filter(|settled| here(settled)) else { return Ok(()) };
        if response.error_code == 0 {
            settled.well = Some(came);
            return Ok(());
        }
        let well = settled.well;
        self.settled.remove(&who);
        let gone = response.error_code == ErrorCode::UnknownMemberId.code();
        let patience = self.patience.get(&who).copied();
        match (well, patience) {
            (Some(well), Some(patience)) if gone => judge(&who.1, came.since(well), patience),
            _ => Ok(()),
        }
    }
}

/// The member was put out so long after all was well.
fn judge(member: &str, after: Span, patience: Span) -> Result<(), Broken> {
    if after >= patience {
        return Ok(());
    }
    let (after, patience) = (after.as_millis(), patience.as_millis());
    Err((
        "put-out",
        format!("does not know {member}, which was well {after} ms ago and may be silent for {patience} ms"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_was_heard_just_now_stays() {
        let patience = Span::from_millis(100);
        assert!(judge("m", patience, patience).is_ok(), "it was silent");
        assert_eq!(judge("m", Span::from_millis(99), patience).unwrap_err().0, "put-out");
    }
}
