//! A member whose heartbeat was taken has its whole session time-out again before it is put out.

use super::{At, Broken};
use crate::table::Map;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};
use kafka_protocol::protocol::StrBytes;

/// The heartbeats without an answer: group and member.
#[derive(Debug, Default)]
pub struct Heard {
    asked: Map<At, (StrBytes, StrBytes)>,
}

impl Heard {
    pub fn on_request(&mut self, at: At, request: &HeartbeatRequest) {
        self.asked.insert(at, (request.group_id.0.clone(), request.member_id.clone()));
    }

    pub fn on_reply(&mut self, at: At, response: &HeartbeatResponse, core: &Core, now: Mono) -> Result<(), Broken> {
        let Some((group, member)) = self.asked.remove(&at) else { return Ok(()) };
        match core.groups.session_of(&group, &member).filter(|_| response.error_code == 0) {
            Some((until, session)) => judge(&member, now, until, session),
            None => Ok(()),
        }
    }
}

fn judge(member: &str, now: Mono, until: Mono, session: Span) -> Result<(), Broken> {
    if until >= now + session {
        return Ok(());
    }
    let left = until.since(now).as_millis();
    Err(("not-heard", format!("takes a heartbeat of {member}, and gives it {left} ms of {} ms", session.as_millis())))
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
}
