//! Replicas move to other brokers, and back where that is given up (KIP-455).
//!
//! ```text
//!            asked for                     all of `replicas − removing` in sync
//! at rest ─────────────▶ reassigning ───────────────────────────────────────────▶ at rest
//!                          │  replicas = target, then what is to go                replicas = target
//!                          └── cancelled ──▶ at rest, replicas = replicas − adding
//! ```
//!
//! While it lasts the partition has the replicas of before and after: the new ones follow and join the in-sync set as any
//! replica does. Whichever change of the partition brings the last of them into it ends the reassignment as well
//! (`election`); what is no replica then is dropped by its broker when it hears of it.

use super::election::{Election, change_to};
use super::topics::{RECORDS_MAX, too_much};
use super::{Controller, Decision};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, PartitionKey};
use crate::metadata::{Partition, Record, Topic};
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, TopicName,
};

impl Controller {
    /// Each partition by itself (`ReplicationControlManager.alterPartitionReassignments`); `replicas` null cancels.
    ///
    /// # Errors (a partition's)
    /// `UNKNOWN_TOPIC_OR_PARTITION`; `INVALID_REPLICA_ASSIGNMENT` for replicas that no partition can have, and for a cancellation
    /// that would leave nobody in sync (where no unclean election is allowed); `INVALID_REPLICATION_FACTOR` for another number of replicas where the request does not
    /// allow it (KIP-860); `NO_REASSIGNMENT_IN_PROGRESS` where there is nothing to cancel; `INVALID_REQUEST` for a partition named twice.
    pub fn decide_alter_partition_reassignments(
        &self,
        request: &AlterPartitionReassignmentsRequest,
    ) -> Decision<AlterPartitionReassignmentsResponse> {
        let mut records = Vec::new();
        let mut seen = BTreeSet::new();
        let mut responses = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let each = topic.partitions.iter().map(|asked| {
                let decided = self.reassign(&topic.name, asked, request.allow_replication_factor_change);
                let outcome = decided.and_then(|(key, next)| {
                    // Named a second time it would be decided against a state that is not any more.
                    if !seen.insert(key) {
                        return Err(Refusal::because(ErrorCode::InvalidRequest, "the partition is named twice"));
                    }
                    if records.len() >= RECORDS_MAX {
                        return Err(too_much());
                    }
                    records.extend(next.map(|state| Record::Partition { key, state }));
                    Ok(())
                });
                answer(asked.partition_index, outcome)
            });
            let partitions = each.collect();
            responses
                .push(ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions));
        }
        let reply = AlterPartitionReassignmentsResponse::default()
            .with_error_message(None)
            .with_allow_replication_factor_change(request.allow_replication_factor_change)
            .with_responses(responses);
        Decision { records, reply }
    }

    /// The partition that is meant, and its state after what was asked; no state: it is as wanted.
    fn reassign(
        &self,
        name: &str,
        asked: &ReassignablePartition,
        any_factor: bool,
    ) -> Result<(PartitionKey, Option<Partition>), Refusal> {
        let unknown = |why| Refusal::because(ErrorCode::UnknownTopicOrPartition, why);
        let number = asked.partition_index;
        let topic = self.image.topic_named(name);
        let topic = topic.ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
        let was = topic.partition(number);
        let was = was.ok_or_else(|| unknown(format!("Unable to find partition {name}:{number}.")))?;
        let next = match &asked.replicas {
            None => self.revert(topic, number, was)?,
            Some(brokers) => {
                let wanted = self.assignable(brokers)?;
                if !any_factor {
                    same_factor(was, wanted.len())?;
                }
                self.aim_at(was, wanted)
            }
        };
        Ok((PartitionKey { topic: topic.id, partition: number }, next))
    }

    /// The partition on its way to the replicas `wanted`, or there. Nobody who holds a replica gives it up on the way, also not one
    /// that a reassignment before was about to add.
    ///
    /// `adding` is what the step adds; a step that adds nothing leaves it, so that cancelling still knows what was there first.
    /// (Kafka's `changePartitionReassignment` leaves `removing` likewise where a step removes nothing: who is asked for in the second step
    /// and was to go in the first goes all the same. Here it stays.)
    fn aim_at(&self, was: &Partition, wanted: Vec<NodeId>) -> Option<Partition> {
        let removing = missing_in(&wanted, &was.replicas);
        let adding = missing_in(&was.replicas, &wanted);
        let replicas = wanted.into_iter().chain(removing.iter().copied()).collect();
        let adding = if adding.is_empty() { was.adding.clone() } else { adding };
        let aim = Partition { replicas, adding, removing, ..was.clone() };
        change_to(was, aim, Election::Online, &|node| self.image.active(node))
    }

    /// The partition without what its reassignment has added (Kafka's `PartitionReassignmentRevert`).
    fn revert(&self, topic: &Topic, number: i32, was: &Partition) -> Result<Option<Partition>, Refusal> {
        if !was.is_reassigning() {
            return Err(ErrorCode::NoReassignmentInProgress.into());
        }
        let stay = |nodes: &[NodeId]| {
            nodes
                .iter()
                .copied()
                .filter(|node| !was.adding.contains(node) || mutant::is(Mutant::RevertKeepsAdded))
                .collect()
        };
        let (replicas, mut isr): (Vec<NodeId>, Vec<NodeId>) = (stay(&was.replicas), stay(&was.isr));
        let election = self.election_of(topic);
        if isr.is_empty() {
            // Everybody who has all committed records goes: who leads then may lack some.
            let first = replicas.first().filter(|_| election == Election::Unclean).copied();
            isr.push(first.ok_or_else(|| {
                let why = format!(
                    "Unable to revert partition assignment for {}:{number} because it would require an unclean leader election.",
                    topic.name
                );
                Refusal::because(ErrorCode::InvalidReplicaAssignment, why)
            })?);
        }
        let aim = Partition { replicas, isr, adding: Vec::new(), removing: Vec::new(), ..was.clone() };
        Ok(change_to(was, aim, election, &|node| self.image.active(node)))
    }

    /// The reassignments under way: of the topics named, or all. What is not there is not named in the answer.
    pub fn list_partition_reassignments(
        &self,
        request: &ListPartitionReassignmentsRequest,
    ) -> ListPartitionReassignmentsResponse {
        let topics: Vec<OngoingTopicReassignment> = match &request.topics {
            None => self.image.topics_by_name().filter_map(|topic| ongoing(topic, 0..partitions(topic))).collect(),
            Some(named) => named
                .iter()
                .filter_map(|asked| {
                    ongoing(self.image.topic_named(&asked.name)?, asked.partition_indexes.iter().copied())
                })
                .collect(),
        };
        ListPartitionReassignmentsResponse::default().with_error_message(None).with_topics(topics)
    }
}

/// Who of `nodes` is not in `set`, in the order of their ids.
fn missing_in(set: &[NodeId], nodes: &[NodeId]) -> Vec<NodeId> {
    let missing: BTreeSet<NodeId> = nodes.iter().copied().filter(|node| !set.contains(node)).collect();
    missing.into_iter().collect()
}

/// A partition has as many replicas as before: those that it will have when the reassignment under way has ended.
fn same_factor(was: &Partition, wanted: usize) -> Result<(), Refusal> {
    let factor = was.replicas.iter().filter(|node| !was.removing.contains(node)).count();
    if factor == wanted || mutant::is(Mutant::FactorNotChecked) {
        return Ok(());
    }
    let why = format!("The replication factor is changed from {factor} to {wanted}");
    Err(Refusal::because(ErrorCode::InvalidReplicationFactor, why))
}

fn partitions(topic: &Topic) -> i32 {
    i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)
}

fn ongoing(topic: &Topic, numbers: impl Iterator<Item = i32>) -> Option<OngoingTopicReassignment> {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|node| BrokerId(node.0)).collect();
    let states = numbers.filter_map(|number| Some((number, topic.partition(number)?)));
    let each = states.filter(|(_, state)| state.is_reassigning()).map(|(number, state)| {
        OngoingPartitionReassignment::default()
            .with_partition_index(number)
            .with_replicas(ids(&state.replicas))
            .with_adding_replicas(ids(&state.adding))
            .with_removing_replicas(ids(&state.removing))
    });
    let partitions: Vec<_> = each.collect();
    let told = OngoingTopicReassignment::default().with_name(TopicName(topic.name.wire()));
    (!partitions.is_empty()).then(|| told.with_partitions(partitions))
}

fn answer(number: i32, outcome: Result<(), Refusal>) -> ReassignablePartitionResponse {
    let answer = ReassignablePartitionResponse::default().with_partition_index(number).with_error_message(None);
    match outcome {
        Ok(()) => answer,
        Err(refusal) => answer.with_error_code(refusal.code.code()).with_error_message(refusal.wire_message()),
    }
}
