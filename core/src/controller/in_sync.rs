//! AlterPartition: a leader asks for another in-sync set, and the controller grants it or says why not (KIP-497, KIP-841, KIP-903).
//! One without the leader makes another of the set the leader.

use super::election::change;
use super::{Controller, Decision};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, PartitionKey, Uuid};
use crate::metadata::{Partition, Record, Topic};
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData as Asked};
use kafka_protocol::messages::alter_partition_response::{PartitionData, TopicData};
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse, BrokerId};

/// A member of the in-sync set asked for, and the incarnation of it that caught up; no epoch: any (older requests).
struct Member {
    node: NodeId,
    epoch: Option<i64>,
}

impl Controller {
    /// Each partition of the request is granted or refused by itself.
    pub fn decide_alter_partition(
        &self,
        version: i16,
        request: &AlterPartitionRequest,
    ) -> Decision<AlterPartitionResponse> {
        let asker = NodeId(request.broker_id.0);
        if let Err(refusal) = self.broker_of_epoch(asker, request.broker_epoch) {
            return Decision::only(AlterPartitionResponse::default().with_error_code(refusal.code.code()));
        }
        let mut records = Vec::new();
        let mut seen = BTreeSet::new();
        let mut topics = Vec::with_capacity(request.topics.len());
        for asked in &request.topics {
            let topic = self.image.topic(Uuid::from(asked.topic_id));
            let each = asked.partitions.iter().map(|partition| {
                let outcome = topic.ok_or(Refusal::new(ErrorCode::UnknownTopicId)).and_then(|topic| {
                    let key = PartitionKey { topic: topic.id, partition: partition.partition_index };
                    // Named a second time it would be decided against a state that is not any more.
                    if !seen.insert(key) {
                        return Err(ErrorCode::InvalidUpdateVersion.into());
                    }
                    self.alter(asker, version, topic, partition, &mut records)
                });
                answer(partition.partition_index, outcome)
            });
            topics.push(TopicData::default().with_topic_id(asked.topic_id).with_partitions(each.collect()));
        }
        Decision { records, reply: AlterPartitionResponse::default().with_topics(topics) }
    }

    /// One partition's state after the change; its record goes to `records`.
    fn alter(
        &self,
        asker: NodeId,
        version: i16,
        topic: &Topic,
        asked: &Asked,
        records: &mut Vec<Record>,
    ) -> Result<Partition, Refusal> {
        let was = topic.partition(asked.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        fits_epochs(asker, was, asked)?;
        let members = members_of(version, asked);
        self.may_be_in_sync(was, asked, &members)?;
        let isr: Vec<NodeId> = members.iter().map(|member| member.node).collect();
        let election = self.election_of(topic);
        let recovering = asked.leader_recovery_state == 1 || mutant::is(Mutant::RecoveryNeverEnds) && was.recovering;
        let next = change(was, isr, recovering, election, &|node| self.image.active(node));
        let Some(next) = next else { return Ok(was.clone()) };
        let shrunk = was.isr.iter().any(|node| !next.in_sync(*node));
        if !(shrunk && mutant::is(Mutant::IsrNotPersisted)) {
            let key = PartitionKey { topic: topic.id, partition: asked.partition_index };
            records.push(Record::Partition { key, state: next.clone() });
        }
        if next.leader != Some(asker) {
            return Err(ErrorCode::NewLeaderElected.into());
        }
        Ok(next)
    }

    fn may_be_in_sync(&self, was: &Partition, asked: &Asked, members: &[Member]) -> Result<(), Refusal> {
        let once: BTreeSet<NodeId> = members.iter().map(|member| member.node).collect();
        let replicas_once = once.len() == members.len() && once.iter().all(|node| was.has_replica(*node));
        let recovering = asked.leader_recovery_state == 1;
        // A leader may ask for a set without itself, which Kafka's never does: its bytes are damaged, and another takes over.
        if !replicas_once || once.is_empty() || !matches!(asked.leader_recovery_state, 0 | 1) {
            return Err(ErrorCode::InvalidRequest.into());
        }
        if recovering && (members.len() > 1 || !was.recovering) {
            return Err(ErrorCode::InvalidRequest.into());
        }
        let eligible = |member: &Member| {
            self.image.broker(member.node).is_some_and(|broker| {
                (broker.active() || mutant::is(Mutant::FencedIntoIsr))
                    && (member.epoch.is_none_or(|epoch| epoch == broker.epoch.0)
                        || mutant::is(Mutant::MemberEpochIgnored))
            })
        };
        if members.iter().all(eligible) { Ok(()) } else { Err(ErrorCode::IneligibleReplica.into()) }
    }
}

/// Who asks must be the leader, and know the partition as it is.
fn fits_epochs(asker: NodeId, was: &Partition, asked: &Asked) -> Result<(), Refusal> {
    if asked.leader_epoch > was.leader_epoch.0 || asked.partition_epoch > was.epoch.0 {
        // The leader knows more than this controller: there is another one.
        return Err(ErrorCode::NotController.into());
    }
    if asked.leader_epoch < was.leader_epoch.0 {
        return Err(ErrorCode::FencedLeaderEpoch.into());
    }
    if was.leader != Some(asker) {
        return Err(ErrorCode::InvalidRequest.into());
    }
    if asked.partition_epoch < was.epoch.0 && !mutant::is(Mutant::AlterOldState) {
        return Err(ErrorCode::InvalidUpdateVersion.into());
    }
    Ok(())
}

fn members_of(version: i16, asked: &Asked) -> Vec<Member> {
    if version < 3 {
        return asked.new_isr.iter().map(|id| Member { node: NodeId(id.0), epoch: None }).collect();
    }
    let member = |state: &BrokerState| Member {
        node: NodeId(state.broker_id.0),
        epoch: (state.broker_epoch != -1).then_some(state.broker_epoch),
    };
    asked.new_isr_with_epochs.iter().map(member).collect()
}

fn answer(number: i32, outcome: Result<Partition, Refusal>) -> PartitionData {
    let data = PartitionData::default().with_partition_index(number);
    match outcome {
        Err(refusal) => data.with_error_code(refusal.code.code()),
        Ok(state) => data
            .with_leader_id(BrokerId(state.leader.unwrap_or(NodeId::NONE).0))
            .with_leader_epoch(state.leader_epoch.0)
            .with_isr(state.isr.iter().map(|node| BrokerId(node.0)).collect())
            .with_leader_recovery_state(i8::from(state.recovering))
            .with_partition_epoch(state.epoch.0),
    }
}
