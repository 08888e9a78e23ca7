//! The cluster's state as a whole, and looking things up in it.

use super::{Broker, Configs, Partition, Resource, Text, Topic};
use crate::id::{LeaderEpoch, NodeId, Offset, PartitionKey, Uuid};
use alloc::collections::BTreeMap;

/// The cluster's state as of [`Image::offset`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Image {
    pub(super) offset: Offset,
    pub(super) epoch: LeaderEpoch,
    pub(super) cluster_id: Option<Text>,
    pub(super) features: BTreeMap<Text, i16>,
    pub(super) brokers: BTreeMap<NodeId, Broker>,
    pub(super) topics: BTreeMap<Uuid, Topic>,
    /// Exactly the names of `topics`.
    pub(super) names: BTreeMap<Text, Uuid>,
    pub(super) broker_configs: BTreeMap<NodeId, Configs>,
    pub(super) broker_default: Configs,
    /// The lowest producer id not given out yet.
    pub(super) next_producer_id: i64,
    /// Sum of the partitions of all topics.
    pub(super) partitions: usize,
}

static NO_CONFIGS: Configs = Configs::new();

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl Image {
    /// The state before the first record.
    pub const fn new() -> Self {
        Self {
            offset: Offset::NONE,
            epoch: LeaderEpoch(0),
            cluster_id: None,
            features: BTreeMap::new(),
            brokers: BTreeMap::new(),
            topics: BTreeMap::new(),
            names: BTreeMap::new(),
            broker_configs: BTreeMap::new(),
            broker_default: Configs::new(),
            next_producer_id: 0,
            partitions: 0,
        }
    }

    /// The offset of the last record that is in the image; -1 before the first.
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// The epoch of the quorum's leader that wrote it.
    pub const fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    pub const fn cluster_id(&self) -> Option<&Text> {
        self.cluster_id.as_ref()
    }

    pub const fn features(&self) -> &BTreeMap<Text, i16> {
        &self.features
    }

    pub const fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// All registered brokers, fenced ones as well, by id.
    pub fn brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values()
    }

    pub fn broker(&self, id: NodeId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// Registered and not fenced: clients see it.
    pub fn alive(&self, id: NodeId) -> bool {
        self.broker(id).is_some_and(|broker| !broker.fenced)
    }

    /// May lead and be in in-sync sets.
    pub fn active(&self, id: NodeId) -> bool {
        self.broker(id).is_some_and(Broker::active)
    }

    /// All topics by id.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// All topics by name.
    pub fn topics_by_name(&self) -> impl Iterator<Item = &Topic> {
        self.names.values().filter_map(|id| self.topics.get(id))
    }

    /// The topics whose names are not below `name`, by name.
    pub fn topics_from<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Topic> + use<'a> {
        let from = (core::ops::Bound::Included(name), core::ops::Bound::Unbounded);
        self.names.range::<str, _>(from).filter_map(|(_, id)| self.topics.get(id))
    }

    pub fn topic(&self, id: Uuid) -> Option<&Topic> {
        self.topics.get(&id)
    }

    pub fn topic_named(&self, name: &str) -> Option<&Topic> {
        self.names.get(name).and_then(|id| self.topics.get(id))
    }

    pub fn partition(&self, key: PartitionKey) -> Option<&Partition> {
        self.topic(key.topic)?.partition(key.partition)
    }

    /// How many partitions all topics have.
    pub const fn partition_count(&self) -> usize {
        self.partitions
    }

    /// The partitions of which `node` holds a replica.
    pub fn partitions_of(&self, node: NodeId) -> impl Iterator<Item = (PartitionKey, &Partition)> {
        self.topics.values().flat_map(Topic::each_partition).filter(move |(_, state)| state.has_replica(node))
    }

    /// What was set on the resource itself; nothing that it inherits.
    pub fn configs(&self, resource: Resource) -> &Configs {
        match resource {
            Resource::Topic(id) => self.topic(id).map_or(&NO_CONFIGS, |topic| &topic.configs),
            Resource::Broker(id) => self.broker_configs.get(&id).unwrap_or(&NO_CONFIGS),
            Resource::BrokerDefault => &self.broker_default,
        }
    }

    /// One config that was set on the resource itself.
    pub fn config(&self, resource: Resource, name: &str) -> Option<&str> {
        self.configs(resource).get(name).map(|value| value.as_str())
    }

    /// Notes that the log goes on to `offset` in `epoch` with something that is no record of the metadata
    /// (the quorum's own control records).
    pub fn advance(&mut self, offset: Offset, epoch: LeaderEpoch) {
        assert!(offset >= self.offset, "the metadata's log only grows");
        assert!(epoch >= self.epoch, "the quorum's epochs only rise");
        self.offset = offset;
        self.epoch = epoch;
    }

    /// Asserts what must hold after every record.
    pub fn check(&self) {
        assert_eq!(self.names.len(), self.topics.len(), "each topic has one name");
        let mut partitions = 0;
        for (id, topic) in &self.topics {
            assert!(*id == topic.id && self.names.get(topic.name.as_str()) == Some(id), "a topic is found by its name");
            partitions += topic.partitions.len();
            topic.partitions.iter().for_each(Partition::check);
        }
        assert_eq!(partitions, self.partitions, "the partitions are counted");
        assert!(self.brokers.iter().all(|(id, broker)| *id == broker.id), "a broker lies under its id");
        assert!(self.next_producer_id >= 0, "producer ids are not negative");
    }
}
