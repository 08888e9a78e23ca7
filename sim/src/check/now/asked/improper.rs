//! What cannot be is refused, whoever is asked, and by the code that says why: acknowledgements that there are not, a client's records for the
//! coordinators' topic, a transaction, a deletion where a topic's policy has none, half of a producer's identity, a session time-out out of
//! bounds, authentication on plain text, rules for nobody (ACLs), and a member that shares no assignor with the others.

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::batch::Header;
use esker_core::error::ErrorCode;
use esker_core::group::{Settings, Sight};
use esker_core::id::PartitionKey;
use esker_core::io::Request;
use esker_core::metadata::Topic;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{JoinGroupRequest, ProduceRequest, RequestKind, ResponseKind};

/// The client that may write to the coordinators' topics.
const ADMIN: &str = "__admin_client";

/// Codes that say nothing of what was asked: who was asked is not the right one, or not now.
const ELSEWHERE: [ErrorCode; 7] = [
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::NotCoordinator,
    ErrorCode::CoordinatorNotAvailable,
    ErrorCode::CoordinatorLoadInProgress,
    ErrorCode::KafkaStorageError,
    ErrorCode::UnknownTopicOrPartition,
    ErrorCode::UnknownTopicId,
];

/// Requests without an answer, each with what is wrong with it, and the code for that.
#[derive(Debug, Default)]
pub struct Improper {
    asked: Map<At, (&'static str, ErrorCode)>,
}

impl Improper {
    pub fn on_request(&mut self, at: At, request: &Request, core: &Core) {
        let found = match &request.body {
            RequestKind::Produce(body) => produce(body, request.client_id.as_str(), core),
            RequestKind::DeleteRecords(body) => {
                let parts = body.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)));
                let mut named = parts.filter_map(|(topic, one)| Some((core.image.topic_named(&topic.name)?, one)));
                let wrong = named.next().and_then(|(topic, one)| deletion(topic, one.partition_index, core));
                // Of several some may be deleted.
                wrong.filter(|_| named.next().is_none())
            }
            RequestKind::InitProducerId(body) => {
                let half = (body.producer_id.0 == -1) != (body.producer_epoch == -1);
                half.then_some(("half of a producer's identity", ErrorCode::InvalidRequest))
            }
            RequestKind::SaslHandshake(_) | RequestKind::SaslAuthenticate(_) => {
                Some(("authentication where nobody authenticates", ErrorCode::IllegalSaslState))
            }
            RequestKind::DescribeAcls(_) | RequestKind::CreateAcls(_) | RequestKind::DeleteAcls(_) => {
                Some(("rules where there is no authorizer", ErrorCode::SecurityDisabled))
            }
            // Without a name there is no group, whatever else is wrong.
            RequestKind::JoinGroup(body) if !body.group_id.is_empty() => {
                core.groups.sight(&body.group_id).and_then(|sight| join(body, &sight, core.groups.settings()))
            }
            _ => None,
        };
        if let Some(found) = found {
            self.asked.insert(at, found);
        }
    }

    /// It is heard when the node takes clients: what is so by then nobody has seen.
    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, body: &ResponseKind) -> Result<(), Broken> {
        let Some((what, wanted)) = self.asked.remove(&at) else { return Ok(()) };
        let told: Vec<i16> = match body {
            ResponseKind::Produce(told) => {
                told.responses.iter().flat_map(|topic| &topic.partition_responses).map(|one| one.error_code).collect()
            }
            ResponseKind::DeleteRecords(told) => {
                told.topics.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code).collect()
            }
            ResponseKind::InitProducerId(told) => vec![told.error_code],
            ResponseKind::JoinGroup(told) => vec![told.error_code],
            ResponseKind::DescribeAcls(told) => vec![told.error_code],
            ResponseKind::CreateAcls(told) => told.results.iter().map(|one| one.error_code).collect(),
            ResponseKind::DeleteAcls(told) => told.filter_results.iter().map(|one| one.error_code).collect(),
            ResponseKind::SaslHandshake(told) => vec![told.error_code],
            ResponseKind::SaslAuthenticate(told) => vec![told.error_code],
            _ => Vec::new(),
        };
        judge(what, wanted, &told)
    }
}

/// All of a Produce is for one topic, or nothing is said of it.
fn produce(request: &ProduceRequest, client: &str, core: &Core) -> Option<(&'static str, ErrorCode)> {
    let [topic] = request.topic_data.as_slice() else { return None };
    let known = match topic.name.is_empty() {
        true => core.image.topic(topic.topic_id.into()),
        false => core.image.topic_named(&topic.name),
    }?;
    if topic.partition_data.iter().any(|data| known.partition(data.index).is_none()) {
        return None;
    }
    if known.internal() && client != ADMIN {
        return Some(("records for the coordinators", ErrorCode::InvalidTopicException));
    }
    if !matches!(request.acks, -1..=1) {
        return Some(("acknowledgements that there are not", ErrorCode::InvalidRequiredAcks));
    }
    let of_transaction = |bytes: &bytes::Bytes| Header::read(bytes).is_some_and(|header| header.is_transactional());
    let mut batches = topic.partition_data.iter().map(|data| data.records.as_ref());
    batches
        .all(|bytes| bytes.is_some_and(of_transaction))
        .then_some(("records of a transaction", ErrorCode::TransactionalIdAuthorizationFailed))
}

fn deletion(topic: &Topic, partition: i32, core: &Core) -> Option<(&'static str, ErrorCode)> {
    if topic.internal() {
        return Some(("a deletion of the coordinators' records", ErrorCode::InvalidTopicException));
    }
    let replica = core.partitions.get(PartitionKey { topic: topic.id, partition })?;
    let config = replica.log().config();
    let kept = config.compact_policy && !config.delete_policy;
    kept.then_some(("a deletion where the policy is to compact", ErrorCode::PolicyViolation))
}

fn join(request: &JoinGroupRequest, sight: &Sight, settings: &Settings) -> Option<(&'static str, ErrorCode)> {
    let sessions = settings.session_timeout_min_ms..=settings.session_timeout_max_ms;
    if !sessions.contains(&request.session_timeout_ms) {
        return Some(("a session time-out out of bounds", ErrorCode::InvalidSessionTimeout));
    }
    let knows = |name: &str| {
        sight.members.iter().all(|member| member.protocols.iter().any(|(known, _)| known.as_str() == name))
    };
    let shares = request.protocols.iter().any(|one| knows(&one.name));
    let same = sight.members.is_empty() || sight.protocol_type.as_ref() == Some(&request.protocol_type);
    let room = sight.members.len() < settings.group_max_size;
    (room && !(same && shares)).then_some(("a member like none of the others", ErrorCode::InconsistentGroupProtocol))
}

fn judge(what: &str, wanted: ErrorCode, told: &[i16]) -> Result<(), Broken> {
    let right = |code: i16| code == wanted.code() || ELSEWHERE.iter().any(|known| known.code() == code);
    match told.iter().find(|code| !right(**code)) {
        None => Ok(()),
        Some(code) => Err(("taken-wrongly", format!("answers {code} to {what}, where {wanted:?} is right"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::{sight, text};
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;

    #[test]
    fn who_shares_nothing_with_the_others_is_no_member() {
        let group = sight("Stable", 4, &[("a", None)]);
        let settings = Settings::default();
        let judge = |kind: &'static str, assignor: &'static str, session| {
            let assignor = JoinGroupRequestProtocol::default().with_name(text(assignor));
            let request = JoinGroupRequest::default().with_protocol_type(text(kind)).with_session_timeout_ms(session);
            join(&request.with_protocols(vec![assignor]), &group, &settings).map(|found| found.1)
        };
        assert_eq!(judge("consumer", "range", 10_000), None);
        assert_eq!(judge("consumer", "sticky", 10_000), Some(ErrorCode::InconsistentGroupProtocol));
        assert_eq!(judge("connect", "range", 10_000), Some(ErrorCode::InconsistentGroupProtocol));
        assert_eq!(judge("consumer", "range", 1), Some(ErrorCode::InvalidSessionTimeout));
    }

    #[test]
    fn done_or_another_reason_is_caught() {
        let judge = |codes: &[i16]| judge("it", ErrorCode::PolicyViolation, codes).is_ok();
        assert!(judge(&[ErrorCode::PolicyViolation.code(), ErrorCode::NotLeaderOrFollower.code()]));
        assert!(!judge(&[0]) && !judge(&[ErrorCode::InvalidRequest.code()]));
    }
}
