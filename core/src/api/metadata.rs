//! Metadata (key 3, versions 0 to 13): brokers, topics, partitions, leaders, from the committed image.
//!
//! * No topics named: all (version 0: an empty list; from version 1: null). Internal topics are marked.
//! * Topics by id from version 12; where one is, those by name are not looked at. Ids or null names before: `INVALID_REQUEST`.
//! * An unknown name: `UNKNOWN_TOPIC_OR_PARTITION`, or `INVALID_TOPIC_EXCEPTION` where no topic may be called so. Where
//!   `auto.create.topics.enable` holds and the client does not forbid it, the topic is asked of the active controller; the
//!   client looks again.
//! * Brokers are told by their addresses at the listener by which the request came; one that has no such listener is left out.
//! * A partition without a leader: `LEADER_NOT_AVAILABLE`; with one that cannot be reached by the listener: `LISTENER_NOT_FOUND`. Version 0 leaves out replicas that are not there, and says
//!   `REPLICA_NOT_AVAILABLE`.

use super::auto_topics;
use super::cluster_view::{
    CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS, controller_id, ids, in_sync, leader, offline, operations, visible,
};
use super::place::{self, ListenerName};
use crate::controller::check_topic_name;
use crate::error::ErrorCode;
use crate::id::{NodeId, Uuid};
use crate::io::Ask;
use crate::metadata::{Image, Partition, Topic, is_internal};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Answers at once.
pub fn on_metadata(node: &mut Node, _now: Now, ask: Ask, request: MetadataRequest) {
    let wanted = match &request.topics {
        None => None,
        Some(topics) if topics.is_empty() && ask.version == 0 && !mutant::is(Mutant::EmptyNamesNone) => None,
        Some(topics) => Some(topics.as_slice()),
    };
    if ask.version < 12 && wanted.is_some_and(|topics| topics.iter().any(by_id)) {
        return ask.reply(&mut node.out, refused(wanted.unwrap_or_default()));
    }
    let at = place::listener(node, &ask);
    let operations_of_topics = request.include_topic_authorized_operations;
    let view = View { image: &node.image, at, version: ask.version, operations: operations_of_topics };
    let mut unknown = Vec::new();
    let topics = match wanted {
        None => {
            let mut all: Vec<_> = view.image.topics_by_name().map(|topic| view.topic(topic)).collect();
            if mutant::is(Mutant::MetadataLacksLast) {
                all.pop();
            }
            all
        }
        Some(topics) if topics.iter().any(by_id) => view.topics_by_id(topics),
        Some(topics) => view.topics_by_name(topics, &mut unknown),
    };
    let brokers = visible(&node.image, at).map(|(broker, address)| {
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
        .with_controller_id(controller_id(node, at))
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
    /// Where the client came in.
    at: ListenerName<'a>,
    version: i16,
    operations: bool,
}

impl View<'_> {
    fn topics_by_id(&self, wanted: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
        let once: BTreeSet<Uuid> =
            wanted.iter().map(|t| Uuid::from(t.topic_id)).filter(|id| *id != Uuid::ZERO).collect();
        let each = once.into_iter().map(|id| match self.image.topic(id) {
            Some(topic) => self.topic(topic),
            None => self.missing(None, ErrorCode::UnknownTopicId).with_topic_id(id.into()),
        });
        each.collect()
    }

    /// `unknown` gets the names that a topic could be made under.
    fn topics_by_name(
        &self,
        wanted: &[MetadataRequestTopic],
        unknown: &mut Vec<StrBytes>,
    ) -> Vec<MetadataResponseTopic> {
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
            .with_partitions(
                (0..).zip(&topic.partitions).map(|(number, state)| self.partition(number, state)).collect(),
            )
    }

    fn partition(&self, number: i32, state: &Partition) -> MetadataResponsePartition {
        let (leader, code) = match leader(self.image, self.at, state) {
            // Earlier clients do not know the code.
            (none, code) if self.version < 6 && code != 0 => (none, ErrorCode::LeaderNotAvailable.code()),
            told => told,
        };
        let partition = MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(leader)
            .with_leader_epoch(state.leader_epoch.0);
        if self.version > 0 {
            let (isr, _) = in_sync(self.image, state);
            return partition
                .with_error_code(code)
                .with_replica_nodes(ids(&state.replicas))
                .with_isr_nodes(ids(if mutant::is(Mutant::IsrToldIsReplicas) { &state.replicas } else { isr }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BrokerEpoch, Offset, PartitionKey};
    use crate::metadata::{Broker, Endpoint, Record};
    use alloc::vec;

    /// Brokers 1 and 2, the second fenced; `t` has a leader in its first partition alone.
    fn image() -> Image {
        let mut image = Image::new();
        for (id, fenced) in [(1, false), (2, true)] {
            let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "h".into(), port: 1, security: 0 };
            let broker = Broker {
                id: NodeId(id),
                epoch: BrokerEpoch(0),
                incarnation: Uuid(1),
                endpoints: vec![endpoint],
                rack: None,
                directories: vec![],
                fenced,
                leaving: false,
            };
            image.apply(Offset(0), &Record::Broker(broker));
        }
        let topic = Uuid(7);
        image.apply(Offset(0), &Record::Topic { id: topic, name: "t".into() });
        let led = Partition::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1)]);
        let headless = Partition { leader: None, ..Partition::new(vec![NodeId(2)], vec![NodeId(2)]) };
        for (partition, state) in (0..).zip([led, headless]) {
            image.apply(Offset(0), &Record::Partition { key: PartitionKey { topic, partition }, state });
        }
        image
    }

    fn named(name: &'static str) -> MetadataRequestTopic {
        MetadataRequestTopic::default().with_name(Some(TopicName(name.into())))
    }

    #[test]
    fn partitions_are_told_with_their_leaders_and_what_is_offline() {
        let image = image();
        let view = View { image: &image, at: ListenerName(None), version: 12, operations: false };
        let topics = view.topics_by_name(&[named("t"), named("t")], &mut Vec::new());
        assert_eq!(topics.len(), 1, "named twice, told once");
        let [led, headless] = topics[0].partitions.as_slice() else { panic!("two partitions") };
        assert_eq!((led.error_code, led.leader_id.0, led.offline_replicas.clone()), (0, 1, vec![BrokerId(2)]));
        assert_eq!((headless.error_code, headless.leader_id.0), (ErrorCode::LeaderNotAvailable.code(), -1));
        assert_eq!((headless.isr_nodes.clone(), topics[0].topic_authorized_operations), (vec![], NOT_ASKED));
    }

    #[test]
    fn version_0_leaves_out_what_is_not_there() {
        let image = image();
        let view = View { image: &image, at: ListenerName(None), version: 0, operations: true };
        let topics = view.topics_by_name(&[named("t")], &mut Vec::new());
        let led = &topics[0].partitions[0];
        assert_eq!(
            (led.error_code, led.replica_nodes.clone()),
            (ErrorCode::ReplicaNotAvailable.code(), vec![BrokerId(1)])
        );
        assert_eq!(topics[0].topic_authorized_operations, NOT_ASKED);
    }

    #[test]
    fn only_a_proper_name_is_worth_a_topic() {
        let image = image();
        let view = View { image: &image, at: ListenerName(None), version: 12, operations: false };
        let mut unknown = Vec::new();
        let topics = view.topics_by_name(&[named("new"), named("a/b"), named("")], &mut unknown);
        let codes: Vec<_> = topics.iter().map(|topic| ErrorCode::try_from_code(topic.error_code)).collect();
        let invalid = Some(ErrorCode::InvalidTopicException);
        assert_eq!(codes, [Some(ErrorCode::UnknownTopicOrPartition), invalid, invalid]);
        assert_eq!(unknown.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn topics_by_id() {
        let image = image();
        let view = View { image: &image, at: ListenerName(None), version: 12, operations: false };
        let by_id = |id: u128| MetadataRequestTopic::default().with_topic_id(Uuid(id).into()).with_name(None);
        let topics = view.topics_by_id(&[by_id(7), by_id(8)]);
        assert_eq!(topics[0].name.as_ref().map(|name| name.as_str()), Some("t"));
        assert_eq!(
            (ErrorCode::try_from_code(topics[1].error_code), topics[1].name.clone()),
            (Some(ErrorCode::UnknownTopicId), None)
        );
    }
}
