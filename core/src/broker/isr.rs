//! Changes of in-sync sets that this node's leaders ask of the controller: AlterPartition (KIP-497), one request under
//! way at a time, with all that is to be asked.

use crate::error::ErrorCode;
use crate::id::{BrokerEpoch, CallId, LeaderEpoch, NodeId, PartitionEpoch, PartitionKey, Uuid};
use crate::io::{CallFault, Lane};
use crate::node::Node;
use crate::partition::{Granted, PartitionEvent, Proposal};
use crate::time::{Mono, Now, Span};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse, ApiKey, BrokerId, ResponseKind};

/// The version spoken between Esker nodes: topic ids and broker epochs (KIP-903).
const VERSION: i16 = 3;
/// How long an answer may take before the request counts as lost.
const PATIENCE: Span = Span::from_millis(5_000);
/// How long to wait when there is no controller, or it did not answer.
const BACKOFF: Span = Span::from_millis(100);

#[derive(Debug)]
struct Asked {
    call: CallId,
    until: Mono,
    /// What was asked of, with the proposal's serial.
    partitions: BTreeMap<PartitionKey, u64>,
}

#[derive(Debug, Default)]
pub(super) struct IsrChanges {
    /// Partitions that have something to ask, or may have.
    wanting: BTreeSet<PartitionKey>,
    asked: Option<Asked>,
    not_before: Option<Mono>,
}

impl IsrChanges {
    pub fn next_deadline(&self) -> Option<Mono> {
        match &self.asked {
            Some(asked) => Some(asked.until),
            None if self.wanting.is_empty() => None,
            None => self.not_before,
        }
    }

    pub fn on_partition_event(&mut self, key: PartitionKey, event: PartitionEvent) {
        if event.isr {
            self.wanting.insert(key);
        }
    }

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {
        if self.asked.as_ref().is_some_and(|asked| asked.until <= now.mono) {
            self.give_up(node, now, ErrorCode::RequestTimedOut);
        }
        if self.not_before.is_some_and(|at| at <= now.mono) {
            self.not_before = None;
        }
    }

    /// Asks, if there is something to ask and nothing is under way. Whether it asked.
    pub fn settle(&mut self, node: &mut Node, now: Now, broker_epoch: Option<BrokerEpoch>) -> bool {
        if self.asked.is_some() || self.wanting.is_empty() || self.not_before.is_some() {
            return false;
        }
        let (Some(epoch), Some(to)) = (broker_epoch, node.controller_address()) else {
            self.not_before = Some(now.mono + BACKOFF);
            return false;
        };
        let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
        let mut partitions = BTreeMap::new();
        for key in core::mem::take(&mut self.wanting) {
            let Some(proposal) = node.partitions.get_mut(key).and_then(|partition| partition.isr_proposal(now)) else {
                continue;
            };
            topics.entry(key.topic).or_default().push(wire(&proposal));
            partitions.insert(key, proposal.serial);
        }
        if partitions.is_empty() {
            return false;
        }
        let topics = topics
            .into_iter()
            .map(|(topic, partitions)| TopicData::default().with_topic_id(topic.into()).with_partitions(partitions))
            .collect();
        let request = AlterPartitionRequest::default()
            .with_broker_id(BrokerId(node.config.node.0))
            .with_broker_epoch(epoch.0)
            .with_topics(topics);
        let call = node.out.call(to, Lane::Control, ApiKey::AlterPartition, VERSION, request.into());
        self.asked = Some(Asked { call, until: now.mono + PATIENCE, partitions });
        true
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.call == call)
    }

    pub fn on_call_done(&mut self, node: &mut Node, now: Now, result: Result<Box<ResponseKind>, CallFault>) {
        match result.map(|body| *body) {
            Ok(ResponseKind::AlterPartition(response)) if response.error_code == 0 => self.take(node, now, response),
            Ok(ResponseKind::AlterPartition(response)) => {
                let code = ErrorCode::try_from_code(response.error_code).unwrap_or(ErrorCode::UnknownServerError);
                self.give_up(node, now, code);
            }
            Ok(_) | Err(_) => self.give_up(node, now, ErrorCode::NetworkException),
        }
    }

    fn take(&mut self, node: &mut Node, now: Now, response: AlterPartitionResponse) {
        let Some(mut asked) = self.asked.take() else { return };
        for topic in response.topics {
            for answer in topic.partitions {
                let key = PartitionKey { topic: topic.topic_id.into(), partition: answer.partition_index };
                let Some(serial) = asked.partitions.remove(&key) else { continue };
                let granted = match ErrorCode::try_from_code(answer.error_code) {
                    None if answer.error_code == 0 => Ok(Granted {
                        leader_epoch: LeaderEpoch(answer.leader_epoch),
                        partition_epoch: PartitionEpoch(answer.partition_epoch),
                        isr: answer.isr.iter().map(|node| NodeId(node.0)).collect(),
                    }),
                    code => Err(code.unwrap_or(ErrorCode::UnknownServerError)),
                };
                answered(node, now, key, serial, granted);
            }
        }
        for (key, serial) in asked.partitions {
            answered(node, now, key, serial, Err(ErrorCode::UnknownServerError));
        }
    }

    fn give_up(&mut self, node: &mut Node, now: Now, code: ErrorCode) {
        let Some(asked) = self.asked.take() else { return };
        self.not_before = Some(now.mono + BACKOFF);
        for (key, serial) in asked.partitions {
            answered(node, now, key, serial, Err(code));
        }
    }
}

fn answered(node: &mut Node, now: Now, key: PartitionKey, serial: u64, answer: Result<Granted, ErrorCode>) {
    let Some(partition) = node.partitions.get_mut(key) else { return };
    let dir = partition.dir();
    let event = partition.on_isr_answer(now, serial, answer);
    node.partitions.note(dir, event);
}

fn wire(proposal: &Proposal) -> PartitionData {
    let isr = proposal
        .isr
        .iter()
        .map(|(node, epoch)| BrokerState::default().with_broker_id(BrokerId(node.0)).with_broker_epoch(epoch.0));
    PartitionData::default()
        .with_partition_index(proposal.partition.partition)
        .with_leader_epoch(proposal.leader_epoch.0)
        .with_partition_epoch(proposal.partition_epoch.0)
        .with_new_isr_with_epochs(isr.collect())
}
