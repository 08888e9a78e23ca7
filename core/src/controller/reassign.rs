//! AlterPartitionReassignments: the order of a partition's replicas changes. Moving replicas to other nodes is not built.

use super::{Controller, Decision};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, PartitionEpoch, PartitionKey};
use crate::metadata::{Partition, Record};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};
use kafka_protocol::protocol::StrBytes;

impl Controller {
    /// Each partition by itself. The same replicas in another order are a change of the preferred leader, complete at once, as
    /// in Kafka (`ReplicationControlManager.changePartitionReassignment` with nothing to add or remove).
    ///
    /// # Errors (a partition's)
    /// `UNKNOWN_TOPIC_OR_PARTITION`; `NO_REASSIGNMENT_IN_PROGRESS` for `replicas` null, which cancels: none ever is;
    /// `UNSUPPORTED_VERSION` where a replica would have to move; `INVALID_REQUEST` for a partition named twice.
    pub fn decide_alter_partition_reassignments(
        &self,
        request: &AlterPartitionReassignmentsRequest,
    ) -> Decision<AlterPartitionReassignmentsResponse> {
        let mut records = Vec::new();
        let mut seen = BTreeSet::new();
        let mut responses = Vec::new();
        for topic in &request.topics {
            let known = self.image.topic_named(topic.name.as_str());
            let mut partitions = Vec::new();
            for asked in &topic.partitions {
                let state = known.and_then(|topic| Some((topic.id, topic.partition(asked.partition_index)?)));
                let decided = match state {
                    None => Err(ErrorCode::UnknownTopicOrPartition.into()),
                    Some((topic, state)) => {
                        let key = PartitionKey { topic, partition: asked.partition_index };
                        if seen.insert(key) {
                            reordered(state, asked).map(|next| next.map(|state| Record::Partition { key, state }))
                        } else {
                            Err(Refusal::because(ErrorCode::InvalidRequest, "the partition is named twice"))
                        }
                    }
                };
                let answer = ReassignablePartitionResponse::default().with_partition_index(asked.partition_index);
                partitions.push(match decided {
                    Ok(record) => {
                        records.extend(record);
                        answer.with_error_message(None)
                    }
                    Err(refusal) => answer
                        .with_error_code(refusal.code.code())
                        .with_error_message(refusal.message.map(StrBytes::from_string)),
                });
            }
            let response = ReassignableTopicResponse::default().with_name(topic.name.clone());
            responses.push(response.with_partitions(partitions));
        }
        let reply = AlterPartitionReassignmentsResponse::default()
            .with_error_message(None)
            .with_allow_replication_factor_change(request.allow_replication_factor_change)
            .with_responses(responses);
        Decision { records, reply }
    }
}

/// The partition with its replicas in the order asked for; `None`: they are in it.
fn reordered(state: &Partition, asked: &ReassignablePartition) -> Result<Option<Partition>, Refusal> {
    let Some(replicas) = &asked.replicas else { return Err(ErrorCode::NoReassignmentInProgress.into()) };
    let wanted: Vec<NodeId> = replicas.iter().map(|broker| NodeId(broker.0)).collect();
    if wanted == state.replicas {
        return Ok(None);
    }
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (state.replicas.iter().collect(), wanted.iter().collect());
    if ours != theirs || wanted.len() != state.replicas.len() {
        return Err(Refusal::because(ErrorCode::UnsupportedVersion, "Esker cannot move replicas yet."));
    }
    let epoch = state.epoch.0.checked_add(1).ok_or(ErrorCode::UnknownServerError)?;
    Ok(Some(Partition { replicas: wanted, epoch: PartitionEpoch(epoch), ..state.clone() }))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Cluster, nodes};
    use super::*;
    use alloc::vec;
    use kafka_protocol::messages::alter_partition_reassignments_request::ReassignableTopic;
    use kafka_protocol::messages::{BrokerId, TopicName};

    /// The error code of one partition of `t`, and what was decided.
    fn ask(cluster: &mut Cluster, topic: &'static str, replicas: Option<&[i32]>) -> i16 {
        let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
        let partition = ReassignablePartition::default().with_replicas(replicas);
        let topic = ReassignableTopic::default().with_name(TopicName(topic.into())).with_partitions(vec![partition]);
        let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]);
        let decision = cluster.controller.decide_alter_partition_reassignments(&request);
        cluster.take(decision).responses[0].partitions[0].error_code
    }

    #[test]
    fn replicas_change_their_order_and_nothing_else() {
        let mut cluster = Cluster::of(3);
        let key = cluster.topic("t", &[&[1, 2]], &[]);
        let before = cluster.partition(key).clone();
        assert_eq!(ask(&mut cluster, "t", Some(&[1, 2])), 0);
        assert_eq!(*cluster.partition(key), before, "nothing to do");
        assert_eq!(ask(&mut cluster, "t", Some(&[2, 1])), 0);
        let after = cluster.partition(key);
        assert_eq!((&after.replicas, after.leader, &after.isr), (&nodes(&[2, 1]), before.leader, &before.isr));
        assert!(after.epoch > before.epoch && after.leader_epoch == before.leader_epoch);
    }

    #[test]
    fn what_would_move_a_replica_is_refused() {
        let mut cluster = Cluster::of(3);
        let key = cluster.topic("t", &[&[1, 2]], &[]);
        let before = cluster.partition(key).clone();
        for (replicas, code) in [
            (Some(&[1, 3][..]), ErrorCode::UnsupportedVersion),
            (Some(&[1, 2, 3]), ErrorCode::UnsupportedVersion),
            (Some(&[1, 2, 2]), ErrorCode::UnsupportedVersion),
            (Some(&[]), ErrorCode::UnsupportedVersion),
            (None, ErrorCode::NoReassignmentInProgress),
        ] {
            assert_eq!(ask(&mut cluster, "t", replicas), code.code(), "{replicas:?}");
        }
        assert_eq!(ask(&mut cluster, "other", Some(&[1])), ErrorCode::UnknownTopicOrPartition.code());
        assert_eq!(*cluster.partition(key), before);
    }
}
