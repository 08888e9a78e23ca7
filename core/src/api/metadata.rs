//! Metadata (key 3, versions 0 to 13): brokers, topics, partitions, leaders, from the committed image.
//!
//! * No topics named: all (version 0: an empty list; from version 1: null). Internal topics are marked.
//! * Topics by id from version 12; where one is, those by name are not looked at. Ids or null names before: `INVALID_REQUEST`.
//! * An unknown name: `UNKNOWN_TOPIC_OR_PARTITION`, or `INVALID_TOPIC_EXCEPTION` where no topic may be called so. Where
//!   `auto.create.topics.enable` holds and the client does not forbid it, the topic is asked of the active controller; the
//!   client looks again.
//! * A partition without a leader: `LEADER_NOT_AVAILABLE`. Version 0 leaves out replicas that are not there, and says
//!   `REPLICA_NOT_AVAILABLE`.

use super::auto_topics;
use super::cluster_view::{CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS, controller_id, ids, leader, offline, operations, visible};
use crate::controller::check_topic_name;
use crate::error::ErrorCode;
use crate::id::{NodeId, Uuid};
use crate::io::Ask;
use crate::metadata::{Image, Partition, Topic, is_internal};
use crate::node::Node;
use crate::time::Now;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Answers at once.
pub fn on_metadata(node: &mut Node, _now: Now, ask: Ask, request: MetadataRequest) {
    let wanted = match &request.topics {
        None => None,
        Some(topics) if topics.is_empty() && ask.version == 0 => None,
        Some(topics) => Some(topics.as_slice()),
    };
    if ask.version < 12 && wanted.is_some_and(|topics| topics.iter().any(by_id)) {
        return ask.reply(&mut node.out, refused(wanted.unwrap_or_default()));
    }
    let view = View { image: &node.image, version: ask.version, operations: request.include_topic_authorized_operations };
    let mut unknown = Vec::new();
    let topics = match wanted {
        None => view.image.topics_by_name().map(|topic| view.topic(topic)).collect(),
        Some(topics) if topics.iter().any(by_id) => view.topics_by_id(topics),
        Some(topics) => view.topics_by_name(topics, &mut unknown),
    };
    let brokers = visible(&node.image).map(|(broker, address)| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(broker.id.0))
            .with_host(address.host)
            .with_port(address.port.into())
            .with_rack(broker.rack.as_ref().map(|rack| rack.wire()))
    });
    let asked = request.include_cluster_authorized_operations && (8..=10).contains(&ask.version);
    let response = MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_cluster_id(node.image.cluster_id().map(|id| id.wire()))
        .with_controller_id(controller_id(node))
        .with_cluster_authorized_operations(operations(asked, CLUSTER_OPERATIONS))
        .with_topics(topics);
    if node.config.topics.auto_create && (ask.version < 4 || request.allow_auto_topic_creation) {
        auto_topics::create(node, &unknown);
    }
    ask.reply(&mut node.out, response);
}

fn by_id(topic: &MetadataRequestTopic) -> bool {
    topic.name.is_none() || Uuid::from(topic.topic_id) != Uuid::ZERO
}

/// The whole request is wrong: each topic is told so, and nothing else.
fn refused(topics: &[MetadataRequestTopic]) -> MetadataResponse {
    let each = topics.iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_error_code(ErrorCode::InvalidRequest.code())
            .with_name(Some(topic.name.clone().unwrap_or_default()))
            .with_topic_id(topic.topic_id)
            .with_topic_authorized_operations(NOT_ASKED)
    });
    MetadataResponse::default()
        .with_cluster_id(None)
        .with_controller_id(BrokerId(NodeId::NONE.0))
        .with_cluster_authorized_operations(NOT_ASKED)
        .with_topics(each.collect())
}

/// The image as one request wants to see it.
struct View<'a> {
    image: &'a Image,
    version: i16,
    operations: bool,
}

impl View<'_> {
    fn topics_by_id(&self, wanted: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
        let once: BTreeSet<Uuid> = wanted.iter().map(|t| Uuid::from(t.topic_id)).filter(|id| *id != Uuid::ZERO).collect();
        let each = once.into_iter().map(|id| match self.image.topic(id) {
            Some(topic) => self.topic(topic),
            None => self.missing(None, ErrorCode::UnknownTopicId).with_topic_id(id.into()),
        });
        each.collect()
    }

    /// `unknown` gets the names that a topic could be made under.
    fn topics_by_name(&self, wanted: &[MetadataRequestTopic], unknown: &mut Vec<StrBytes>) -> Vec<MetadataResponseTopic> {
        let mut once = BTreeSet::new();
        let names = wanted.iter().filter_map(|topic| topic.name.as_ref()).filter(|name| once.insert(name.as_str()));
        let each = names.map(|name| match (self.image.topic_named(name), check_topic_name(name)) {
            (Some(topic), _) => self.topic(topic),
            (None, Ok(())) => {
                unknown.push(name.0.clone());
                self.missing(Some(name), ErrorCode::UnknownTopicOrPartition)
            }
            (None, Err(refusal)) => self.missing(Some(name), refusal.code),
        });
        each.collect()
    }

    fn missing(&self, name: Option<&TopicName>, code: ErrorCode) -> MetadataResponseTopic {
        MetadataResponseTopic::default()
            .with_error_code(code.code())
            .with_name(name.cloned())
            .with_is_internal(name.is_some_and(|name| is_internal(name)))
            .with_topic_authorized_operations(NOT_ASKED)
    }

    fn topic(&self, topic: &Topic) -> MetadataResponseTopic {
        let asked = self.operations && self.version >= 8;
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(topic.name.wire())))
            .with_topic_id(topic.id.into())
            .with_is_internal(topic.internal())
            .with_topic_authorized_operations(operations(asked, TOPIC_OPERATIONS))
            .with_partitions((0..).zip(&topic.partitions).map(|(number, state)| self.partition(number, state)).collect())
    }

    fn partition(&self, number: i32, state: &Partition) -> MetadataResponsePartition {
        let (leader, code) = leader(self.image, state);
        let partition = MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(leader)
            .with_leader_epoch(state.leader_epoch.0);
        if self.version > 0 {
            return partition
                .with_error_code(code)
                .with_replica_nodes(ids(&state.replicas))
                .with_isr_nodes(ids(&state.isr))
                .with_offline_replicas(offline(self.image, state));
        }
        let there = |nodes: &[NodeId]| nodes.iter().copied().filter(|node| self.image.alive(*node)).collect::<Vec<_>>();
        let (replicas, isr) = (there(&state.replicas), there(&state.isr));
        let some_gone = replicas.len() < state.replicas.len() || isr.len() < state.isr.len();
        let gone = if some_gone { ErrorCode::ReplicaNotAvailable.code() } else { 0 };
        partition
            .with_error_code(if code == 0 { gone } else { code })
            .with_replica_nodes(ids(&replicas))
            .with_isr_nodes(ids(&isr))
    }
}
