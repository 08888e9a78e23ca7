//! AlterPartitionReassignments (key 45, versions 0 to 1): moves replicas (KIP-455). Moving is not built yet: what changes nothing is
//! answered as Kafka answers it, what would move a replica is refused with `UNSUPPORTED_VERSION` and says so.
//!
//! * `replicas` null cancels: `NO_REASSIGNMENT_IN_PROGRESS`, since none ever is.
//! * An unknown topic or partition: `UNKNOWN_TOPIC_OR_PARTITION`.

use crate::error::{ErrorCode, Refusal};
use crate::io::Ask;
use crate::metadata::Partition;
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId};
use kafka_protocol::protocol::StrBytes;

/// Answers each partition by itself.
pub fn on_alter_partition_reassignments(
    node: &mut Node,
    _now: Now,
    ask: Ask,
    request: AlterPartitionReassignmentsRequest,
) {
    let mut responses = Vec::new();
    for topic in request.topics {
        let known = node.image.topic_named(topic.name.as_str());
        let mut partitions = Vec::new();
        for wanted in topic.partitions {
            let state = known.and_then(|topic| topic.partition(wanted.partition_index));
            let answer = ReassignablePartitionResponse::default().with_partition_index(wanted.partition_index);
            partitions.push(match decide(state, wanted.replicas.as_deref()) {
                Ok(()) => answer.with_error_message(None),
                Err(refusal) => answer
                    .with_error_code(refusal.code.code())
                    .with_error_message(refusal.message.map(StrBytes::from_string)),
            });
        }
        responses.push(ReassignableTopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    let response = AlterPartitionReassignmentsResponse::default()
        .with_error_message(None)
        .with_allow_replication_factor_change(request.allow_replication_factor_change)
        .with_responses(responses);
    ask.reply(&mut node.out, response);
}

fn decide(state: Option<&Partition>, replicas: Option<&[BrokerId]>) -> Result<(), Refusal> {
    let state = state.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let Some(replicas) = replicas else { return Err(ErrorCode::NoReassignmentInProgress.into()) };
    if state.replicas.iter().map(|node| node.0).eq(replicas.iter().map(|broker| broker.0)) {
        return Ok(());
    }
    Err(Refusal::because(ErrorCode::UnsupportedVersion, "Esker cannot move replicas yet."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn only_what_changes_nothing_is_granted() {
        let state = Partition::new([NodeId(1), NodeId(2)].into(), [NodeId(1)].into());
        let code = |state, replicas: Option<&[i32]>| {
            let replicas: Option<Vec<_>> = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
            decide(state, replicas.as_deref()).err().map(|refusal| refusal.code)
        };
        assert_eq!(code(Some(&state), Some(&[1, 2])), None);
        assert_eq!(code(Some(&state), Some(&[2, 1])), Some(ErrorCode::UnsupportedVersion));
        assert_eq!(code(Some(&state), None), Some(ErrorCode::NoReassignmentInProgress));
        assert_eq!(code(None, Some(&[1])), Some(ErrorCode::UnknownTopicOrPartition));
    }
}
