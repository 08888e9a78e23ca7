//! A member whose heartbeat was taken has its whole session time-out again before it is put out, and so has one that commits: as long as
//! it said when it joined, whoever coordinates its group by then.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, OffsetCommitRequest, OffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

/// Group and member.
type Who = (StrBytes, StrBytes);

/// The heartbeats, commits and joins without an answer.
#[derive(Debug, Default)]
pub struct Heard {
    asked: Map<At, (Who, Mono)>,
    joins: Map<At, (StrBytes, i32)>,
    /// How long each may be silent, in ms, as it said last, and the epoch of the coordinator that it said it to.
    sessions: Map<Who, (LeaderEpoch, i32)>,
}

impl Heard {
    pub fn on_request(&mut self, at: At, now: Mono, request: &HeartbeatRequest) {
        self.asked.insert(at, ((request.group_id.0.clone(), request.member_id.clone()), now));
    }

    pub fn on_commit(&mut self, at: At, now: Mono, request: &OffsetCommitRequest) {
        if request.generation_id_or_member_epoch >= 0 {
            self.asked.insert(at, ((request.group_id.0.clone(), request.member_id.clone()), now));
        }
    }

    pub fn on_join(&mut self, at: At, request: &JoinGroupRequest) {
        self.joins.insert(at, (request.group_id.0.clone(), request.session_timeout_ms));
    }

    pub fn on_joined(&mut self, at: At, response: &JoinGroupResponse, core: &Core) {
        let Some((group, session)) = self.joins.remove(&at).filter(|_| response.error_code == 0) else { return };
        if let Some(epoch) = epoch_of(core, &group) {
            self.sessions.insert((group, response.member_id.clone()), (epoch, session));
        }
    }

    /// It waits until its node takes clients, and is heard then.
    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, response: &HeartbeatResponse, core: &Core) -> Result<(), Broken> {
        self.look(at, response.error_code == 0, core)
    }

    pub fn on_committed(&mut self, at: At, response: &OffsetCommitResponse, core: &Core) -> Result<(), Broken> {
        let taken = response.topics.iter().flat_map(|topic| &topic.partitions).any(|part| part.error_code == 0);
        self.look(at, taken, core)
    }

    fn look(&mut self, at: At, taken: bool, core: &Core) -> Result<(), Broken> {
        let Some((who, since)) = self.asked.remove(&at).filter(|_| taken) else { return Ok(()) };
        let Some((until, session)) = core.groups.session_of(&who.0, &who.1) else { return Ok(()) };
        // One that has been succeeded and does not know it has not heard what was said to its successor.
        let epoch = epoch_of(core, &who.0);
        let said = self.sessions.get(&who).filter(|(said_in, _)| epoch.is_some_and(|epoch| *said_in <= epoch));
        judge_session(&who.1, session, said.map(|(_, session)| *session))?;
        judge(&who.1, since, until, session)
    }
}

/// The epoch in which the node coordinates the group.
fn epoch_of(core: &Core, group: &StrBytes) -> Option<LeaderEpoch> {
    core.groups.epoch_of(core.groups.partition_of(group))
}

/// The member said `joined` when it joined.
fn judge_session(member: &str, session: Span, joined: Option<i32>) -> Result<(), Broken> {
    match joined.filter(|joined| session != Span::from_kafka_millis(i64::from(*joined))) {
        None => Ok(()),
        Some(joined) => {
            let ms = session.as_millis();
            Err(("other-session", format!("gives {member} {ms} ms, which said that it may be silent for {joined} ms")))
        }
    }
}

/// What came at `now` was taken.
fn judge(member: &str, now: Mono, until: Mono, session: Span) -> Result<(), Broken> {
    if until >= now + session {
        return Ok(());
    }
    let left = until.since(now).as_millis();
    Err(("not-heard", format!("hears of {member}, and gives it {left} ms of {} ms", session.as_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_that_does_not_count_is_caught() {
        let (now, session) = (Mono(5_000), Span(1_000));
        assert!(judge("m", now, Mono(6_000), session).is_ok());
        assert_eq!(judge("m", now, Mono(5_999), session).unwrap_err().0, "not-heard");
    }

    #[test]
    fn another_session_than_was_asked_for_is_caught() {
        let session = Span::from_millis(500);
        assert!(judge_session("m", session, Some(500)).is_ok() && judge_session("m", session, None).is_ok());
        assert_eq!(judge_session("m", session, Some(1_000)).unwrap_err().0, "other-session");
    }
}
