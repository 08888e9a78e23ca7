//! Which partition a request means, who leads it, and where that node is reached.

use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, PartitionKey, Uuid};
use crate::io::{Address, Ask, Listener};
use crate::metadata::{self, Broker, Text, Topic};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use kafka_protocol::messages::TopicName;

/// The topic that a request names: by id where the version has ids, else by name.
///
/// # Errors
/// `UNKNOWN_TOPIC_ID`, `UNKNOWN_TOPIC_OR_PARTITION`.
pub(super) fn topic<'a>(node: &'a Node, by_id: bool, id: Uuid, name: &str) -> Result<&'a Topic, ErrorCode> {
    if by_id && mutant::is(Mutant::TopicIdIgnored) {
        node.image.topics().next().ok_or(ErrorCode::UnknownTopicId)
    } else if by_id {
        node.image.topic(id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        node.image.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// A topic's name for an answer that may wait. The request's is a slice of its whole frame, which would wait as well.
pub(super) fn name(known: Option<&Topic>, asked: &TopicName) -> TopicName {
    let known = known.map(|topic| &topic.name).filter(|name| *name == asked.as_str());
    TopicName(known.map_or_else(|| Text::from(asked.as_str()).wire(), Text::wire))
}

/// The node's data folder, as its configuration names it.
pub(super) fn data_folder(node: &Node) -> Option<&str> {
    ["log.dirs", "log.dir"].iter().find_map(|name| node.config.file.get(*name)).map(|path| path.trim())
}

/// The partition, if there is one of that number and this node keeps a replica of it (Kafka's `getPartitionOrError`).
///
/// # Errors
/// `UNKNOWN_TOPIC_OR_PARTITION`; `NOT_LEADER_OR_FOLLOWER` if only others keep it.
pub(super) fn partition(node: &Node, topic: &Topic, number: i32) -> Result<PartitionKey, ErrorCode> {
    if topic.partition(number).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let key = PartitionKey { topic: topic.id, partition: number };
    if node.partitions.get(key).is_none() {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    Ok(key)
}

/// Leader and epoch as this node knows them best (KIP-951); -1 each where there is none.
pub(super) fn leader(node: &Node, key: PartitionKey) -> (NodeId, LeaderEpoch) {
    let state = node.partitions.get(key).and_then(|partition| partition.state());
    leader_of(state.or_else(|| node.image.partition(key)))
}

/// Leader and epoch that a state names; -1 each where it names none.
pub(super) fn leader_of(state: Option<&metadata::Partition>) -> (NodeId, LeaderEpoch) {
    state.map_or((NodeId::NONE, LeaderEpoch::NONE), |state| (state.leader.unwrap_or(NodeId::NONE), state.leader_epoch))
}

/// The broker, if clients may be sent there, and where.
pub(super) fn endpoint<'a>(node: &'a Node, ask: &Ask, id: NodeId) -> Option<(&'a Broker, Address)> {
    let broker = node.image.broker(id).filter(|broker| !broker.fenced)?;
    Some((broker, listener(node, ask).address(broker)?))
}

/// The listener at which who asked reaches brokers: the one of the name by which the request came
/// (Kafka: `KRaftMetadataCache.getAliveEndpoint`). A broker that has none of that name cannot be reached from there.
pub(super) fn listener<'a>(node: &'a Node, ask: &Ask) -> ListenerName<'a> {
    let door = node.config.doors.get(usize::from(ask.door)).filter(|door| door.listener == Listener::Broker);
    ListenerName(door.map(|door| door.name.as_str()))
}

/// `None`: the listener of the brokers among themselves.
#[derive(Clone, Copy)]
pub(super) struct ListenerName<'a>(pub Option<&'a str>);

impl ListenerName<'_> {
    pub fn address(self, broker: &Broker) -> Option<Address> {
        self.0.map_or_else(|| broker.main_address(), |name| broker.address(name))
    }
}
