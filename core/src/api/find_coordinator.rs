//! FindCoordinator (key 10, versions 0 to 6): who coordinates a group (key type 0), or several (from version 4 on, KIP-699).
//!
//! A group's coordinator leads the partition of `__consumer_offsets` that the group is in. As long as nobody does:
//! `COORDINATOR_NOT_AVAILABLE`; a topic that is not there yet is made then. Coordinators of share groups (2, from version 6 on) are not there
//! yet: `COORDINATOR_NOT_AVAILABLE` as well, but of a key that names no share of a group `INVALID_REQUEST`. Other key types: `INVALID_REQUEST`.
//!
//! Of transactions (key type 1) there is none either: [`super::no_transactions`].

use super::{auto_topics, no_transactions, place};
use crate::error::{ErrorCode, Refusal};
use crate::group;
use crate::id::{NodeId, Uuid};
use crate::io::{Address, Ask};
use crate::node::Node;
use crate::time::Now;
use alloc::string::ToString;
use alloc::vec::Vec;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
/// From this version on there are several keys.
const BATCHED_VERSION: i16 = 4;
const SHARE_VERSION: i16 = 6;

/// Answers each key by itself.
pub fn on_find_coordinator(node: &mut Node, _now: Now, ask: Ask, request: FindCoordinatorRequest) {
    let mut find = |key: &StrBytes| find(node, &ask, request.key_type, key);
    let response = if ask.version < BATCHED_VERSION {
        alone(find(&request.key))
    } else {
        let mut coordinators = Vec::new();
        for key in &request.coordinator_keys {
            coordinators.push(among_others(key, find(key)));
        }
        FindCoordinatorResponse::default().with_coordinators(coordinators)
    };
    ask.reply(&mut node.out, response);
}

fn find(node: &mut Node, ask: &Ask, key_type: i8, key: &str) -> Result<(NodeId, Address), Refusal> {
    match key_type {
        GROUP => {}
        TRANSACTION => return Err(no_transactions::refusal()),
        SHARE if ask.version >= SHARE_VERSION && is_share_key(key) => {
            return Err(ErrorCode::CoordinatorNotAvailable.into());
        }
        _ => return Err(ErrorCode::InvalidRequest.into()),
    }
    let Some(partition) = node.coordinator_of(key) else {
        // Nobody waits for the topic: clients ask again until it is there.
        auto_topics::create(node, &[StrBytes::from_static_str(group::TOPIC)]);
        return Err(ErrorCode::CoordinatorNotAvailable.into());
    };
    let leader = node.image.partition(partition).and_then(|state| state.leader);
    let found = leader.and_then(|leader| place::endpoint(node, ask, leader));
    found.map(|(broker, at)| (broker.id, at)).ok_or(ErrorCode::CoordinatorNotAvailable.into())
}

/// A group, a topic's id and a partition, with colons between (Kafka's `SharePartitionKey`); a group's name may have more of them.
fn is_share_key(key: &str) -> bool {
    // Java's `split` leaves out what is empty at the end.
    let mut parts = key.trim_end_matches(':').rsplitn(3, ':');
    let (partition, topic, group) = (parts.next(), parts.next(), parts.next());
    partition.is_some_and(|partition| partition.parse::<i32>().is_ok())
        && topic.is_some_and(|topic| Uuid::parse(topic).is_some())
        && group.is_some_and(|group| group.bytes().any(|byte| byte > b' '))
}

fn alone(found: Result<(NodeId, Address), Refusal>) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default();
    match found {
        Ok((id, at)) => response
            .with_node_id(BrokerId(id.0))
            .with_host(at.host)
            .with_port(i32::from(at.port))
            .with_error_message(Some(StrBytes::from_static_str("NONE"))),
        Err(refusal) => response
            .with_error_code(refusal.code.code())
            .with_error_message(refusal.wire_message().or(Some(StrBytes::from_string(refusal.code.to_string()))))
            .with_node_id(BrokerId(-1))
            .with_port(-1),
    }
}

fn among_others(key: &StrBytes, found: Result<(NodeId, Address), Refusal>) -> Coordinator {
    let coordinator = Coordinator::default().with_key(key.clone());
    match found {
        Ok((id, at)) => coordinator.with_node_id(BrokerId(id.0)).with_host(at.host).with_port(i32::from(at.port)),
        Err(refusal) => {
            let coordinator = coordinator.with_error_code(refusal.code.code()).with_node_id(BrokerId(-1)).with_port(-1);
            match refusal.wire_message() {
                Some(message) => coordinator.with_error_message(Some(message)),
                None => coordinator,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_share_names_a_group_a_topic_and_a_partition() {
        for key in ["g:AAAAAAAAAAAAAAAAAAAAAA:0", "a:b:AAAAAAAAAAAAAAAAAAAAAQ:12", "g:AAAAAAAAAAAAAAAAAAAAAA:0:"] {
            assert!(is_share_key(key), "{key}");
        }
        for key in [
            "",
            "g",
            "g:AAAAAAAAAAAAAAAAAAAAAA",
            " :AAAAAAAAAAAAAAAAAAAAAA:0",
            "g:topic:0",
            "g:AAAAAAAAAAAAAAAAAAAAAA:x",
        ] {
            assert!(!is_share_key(key), "{key}");
        }
    }
}
