//! Leaders move when brokers come and go, when an admin asks, and back to the preferred replica after a while.

use super::election::{Election, change};
use super::{Controller, Decision};
use crate::config::topic_def;
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, PartitionKey};
use crate::metadata::{Partition, Record, Topic};
use crate::mutant::{self, Mutant};
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};

/// Most leaders that one turn moves to where they had better be (`QuorumController.MAX_ELECTIONS_PER_IMBALANCE`).
const REBALANCED_MAX: usize = 1000;

/// `ElectionType` of the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Preferred,
    Unclean,
}

impl Controller {
    /// `gone` leave all in-sync sets and all leaderships; `back` may lead again, and takes what nobody leads.
    pub(super) fn leader_updates(&self, gone: &[NodeId], back: Option<NodeId>, records: &mut Vec<Record>) {
        let acceptable = |node: NodeId| !gone.contains(&node) && (back == Some(node) || self.image.active(node));
        for topic in self.image.topics() {
            let election = self.election_of(topic);
            for (key, was) in topic.each_partition() {
                let touched = was.isr.iter().chain(&was.leader).any(|node| gone.contains(node));
                let waits = back.is_some_and(|node| was.leader.is_none() && was.has_replica(node))
                    && !mutant::is(Mutant::BackLeadsNothing);
                if !touched && !waits {
                    continue;
                }
                let left = was.isr.iter().copied().filter(|node| !gone.contains(node));
                // All that were in sync may have been fenced at once, and stayed: whoever is back first goes on without the others, or it would
                // leave the set to the dead when it is fenced again (seed 1795816221374).
                let (living, dead): (Vec<NodeId>, Vec<NodeId>) = left.partition(|node| acceptable(*node));
                let isr = if living.is_empty() { dead } else { living };
                let next = change(was, isr, was.recovering, election, &acceptable);
                records.extend(next.map(|state| Record::Partition { key, state }));
            }
        }
    }

    pub(super) fn leads_any(&self, node: NodeId) -> bool {
        self.image.topics().any(|topic| topic.partitions.iter().any(|state| state.leader == Some(node)))
    }

    /// Whether the topic's partitions may be led from outside the in-sync set, and so by whom they are led.
    pub(super) fn election_of(&self, topic: &Topic) -> Election {
        if mutant::is(Mutant::UncleanUnasked) || self.unclean_allowed(topic) {
            Election::Unclean
        } else {
            Election::Online
        }
    }

    /// `unclean.leader.election.enable`, as it is in force for the topic.
    fn unclean_allowed(&self, topic: &Topic) -> bool {
        let def = topic_def("unclean.leader.election.enable");
        let value = def.and_then(|def| self.layers().topic_value(def, &topic.configs));
        value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// Leaderless partitions of topics that allow it are led by whoever is there, at whatever loss.
    pub(super) fn unclean_elections(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for topic in self.image.topics() {
            if topic.partitions.iter().all(|state| state.leader.is_some())
                || self.election_of(topic) != Election::Unclean
            {
                continue;
            }
            for (key, was) in topic.each_partition().filter(|(_, was)| was.leader.is_none()) {
                let next = self.elect(was, Election::Unclean);
                records.extend(next.map(|state| Record::Partition { key, state }));
            }
        }
        records
    }

    /// What a broker whose disk is full leads goes to replicas in sync whose disks are not: there producers are taken. It stays in
    /// sync, and leaves the set when it lags, as any follower does.
    pub(super) fn hand_over(&self, full: NodeId, records: &mut Vec<Record>) {
        if mutant::is(Mutant::FullKeepsLead) {
            return;
        }
        let roomy = |node: NodeId| self.image.active(node) && !self.sessions.is_full(node);
        let led = self.image.topics().flat_map(Topic::each_partition).filter(|(_, was)| was.leader == Some(full));
        let moved = led.filter(|(_, was)| was.isr.iter().any(|node| roomy(*node))).filter_map(|(key, was)| {
            let state = change(was, was.isr.clone(), was.recovering, Election::Online, &roomy)?;
            Some(Record::Partition { key, state })
        });
        records.extend(moved.take(REBALANCED_MAX));
    }

    /// Whether the replica that is to lead is one whose disk is full: it is not elected for being preferred.
    fn preferred_is_full(&self, was: &Partition) -> bool {
        was.preferred().is_some_and(|node| self.sessions.is_full(node))
    }

    /// Leaders go back to the first replica where it is in sync again (`auto.leader.rebalance.enable`).
    pub(super) fn preferred_elections(&self) -> Vec<Record> {
        let away = self.image.topics().flat_map(Topic::each_partition);
        let away = away.filter(|(_, was)| was.leader.is_some() && was.leader != was.preferred());
        let away = away.filter(|(_, was)| !self.preferred_is_full(was));
        let elected = away.filter_map(|(key, was)| Some((key, self.elect(was, Election::Preferred)?)));
        elected.take(REBALANCED_MAX).map(|(key, state)| Record::Partition { key, state }).collect()
    }

    fn elect(&self, was: &Partition, election: Election) -> Option<Partition> {
        change(was, was.isr.clone(), was.recovering, election, &|node| self.image.active(node))
    }

    /// ElectLeaders: as an admin asks, for the partitions named, or for all (those that need none are left out then).
    pub fn decide_elect_leaders(&self, request: &ElectLeadersRequest) -> Decision<ElectLeadersResponse> {
        let asked = match request.election_type {
            0 => Asked::Preferred,
            1 => Asked::Unclean,
            other => return self.elect_nothing(request, other),
        };
        let mut records = Vec::new();
        let mut results = Vec::new();
        let mut result = |topic: TopicName, partitions: Vec<PartitionResult>| {
            results.push(ReplicaElectionResult::default().with_topic(topic).with_partition_result(partitions));
        };
        match &request.topic_partitions {
            None => {
                for topic in self.image.topics_by_name() {
                    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
                    let each =
                        (0..count).map(|number| (number, self.elect_leader(&topic.name, number, asked, &mut records)));
                    let needed = each.filter(|(_, outcome)| {
                        !outcome.as_ref().is_err_and(|r| r.code == ErrorCode::ElectionNotNeeded)
                    });
                    let partitions = needed.map(|(number, outcome)| partition_result(number, outcome)).collect();
                    result(TopicName(topic.name.wire()), partitions);
                }
            }
            Some(topics) => {
                for topic in topics {
                    let each = topic.partitions.iter();
                    let partitions =
                        each.map(|n| partition_result(*n, self.elect_leader(&topic.topic, *n, asked, &mut records)));
                    let partitions = partitions.collect();
                    result(topic.topic.clone(), partitions);
                }
            }
        }
        // The same partition may be named twice: its second record would repeat the first one's epoch.
        let mut seen = alloc::collections::BTreeSet::new();
        records.retain(|record| !matches!(record, Record::Partition { key, .. } if !seen.insert(*key)));
        Decision { records, reply: ElectLeadersResponse::default().with_replica_election_results(results) }
    }

    /// An election type that nobody knows: the whole request is refused.
    fn elect_nothing(&self, request: &ElectLeadersRequest, asked: i8) -> Decision<ElectLeadersResponse> {
        let refusal = Refusal::because(ErrorCode::InvalidRequest, format!("Unknown election type {asked}"));
        let topics = request.topic_partitions.iter().flatten().map(|topic| {
            let each = topic.partitions.iter().map(|n| partition_result(*n, Err(refusal.clone())));
            ReplicaElectionResult::default().with_topic(topic.topic.clone()).with_partition_result(each.collect())
        });
        let reply = ElectLeadersResponse::default()
            .with_error_code(refusal.code.code())
            .with_replica_election_results(topics.collect());
        Decision { records: Vec::new(), reply }
    }

    fn elect_leader(&self, name: &str, number: i32, asked: Asked, records: &mut Vec<Record>) -> Result<(), Refusal> {
        let unknown = |message| Refusal::because(ErrorCode::UnknownTopicOrPartition, message);
        let topic = self.image.topic_named(name).ok_or_else(|| unknown(format!("No such topic as {name}")))?;
        let was = topic.partition(number).ok_or_else(|| unknown(format!("No such partition as {name}-{number}")))?;
        let (done, election, failed) = match asked {
            Asked::Preferred => {
                let there = was.leader.is_some() && was.leader == was.preferred();
                let failed =
                    Refusal::because(ErrorCode::PreferredLeaderNotAvailable, "The preferred leader was not available.");
                (there, Election::Preferred, failed)
            }
            Asked::Unclean => {
                let why = "Eligible topic partition leaders are not available.";
                (was.leader.is_some(), Election::Unclean, Refusal::because(ErrorCode::EligibleLeadersNotAvailable, why))
            }
        };
        if done && mutant::is(Mutant::ElectNotNeededIsDone) {
            return Ok(());
        }
        if done {
            let why = "Leader election not needed for topic partition.";
            return Err(Refusal::because(ErrorCode::ElectionNotNeeded, why));
        }
        if asked == Asked::Preferred && self.preferred_is_full(was) {
            return Err(failed);
        }
        let state = self.elect(was, election).ok_or(failed)?;
        let key = PartitionKey { topic: topic.id, partition: number };
        records.push(Record::Partition { key, state });
        Ok(())
    }
}

fn partition_result(number: i32, outcome: Result<(), Refusal>) -> PartitionResult {
    let result = PartitionResult::default().with_partition_id(number).with_error_message(None);
    match outcome {
        Ok(()) => result,
        Err(refusal) => result.with_error_code(refusal.code.code()).with_error_message(refusal.wire_message()),
    }
}
