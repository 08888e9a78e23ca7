//! A record changes the image.

use super::{Image, Partition, Record, Resource, Text, Topic};
use crate::id::{NodeId, Offset, PartitionKey, Uuid};
use crate::mutant::{self, Mutant};
use alloc::string::String;
use core::fmt;

/// What one record changed: the node acts on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The cluster's id is known now.
    Cluster,
    Feature,
    /// The broker registered, or its state or addresses changed.
    Broker(NodeId),
    BrokerRemoved(NodeId),
    /// A topic was made; it has no partitions yet.
    Topic(Uuid),
    /// A topic is gone, with all its partitions.
    TopicRemoved {
        id: Uuid,
        name: Text,
        partitions: i32,
    },
    /// A partition was made or changed.
    Partition(PartitionKey),
    Config(Resource),
    ProducerIds,
    /// The record names what is not there, and changed nothing. No decision of ours makes such a record.
    Stray,
}

impl Change {
    /// A topic is gone.
    pub(super) fn removed(topic: &Topic) -> Self {
        let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        Self::TopicRemoved { id: topic.id, name: topic.name.clone(), partitions }
    }
}

impl Image {
    /// Takes in the record at `offset`; the only way in which an image changes. The same records make the same image.
    pub fn apply(&mut self, offset: Offset, record: &Record) -> Change {
        assert!(offset >= self.offset, "records are applied in their order");
        self.offset = offset;
        match record {
            Record::Cluster { id } => {
                self.cluster_id = Some(id.clone());
                Change::Cluster
            }
            Record::Feature { name, level } => {
                if *level > 0 {
                    self.features.insert(name.clone(), *level);
                } else {
                    self.features.remove(name);
                }
                Change::Feature
            }
            Record::Broker(broker) => {
                self.brokers.insert(broker.id, broker.clone());
                Change::Broker(broker.id)
            }
            Record::BrokerState { id, epoch, fenced, leaving } => match self.brokers.get_mut(id) {
                Some(broker) if broker.epoch == *epoch => {
                    broker.fenced = *fenced;
                    broker.leaving = *leaving;
                    Change::Broker(*id)
                }
                Some(_) | None => Change::Stray,
            },
            Record::BrokerRemoved { id, epoch } => {
                if self.broker(*id).is_none_or(|broker| broker.epoch != *epoch) {
                    return Change::Stray;
                }
                self.brokers.remove(id);
                Change::BrokerRemoved(*id)
            }
            Record::Topic { id, name } => self.apply_topic(*id, name),
            Record::TopicRemoved { id } => self.apply_topic_removed(*id),
            Record::Partition { key, state } => self.apply_partition(*key, state),
            Record::Config { resource, name, value } => self.apply_config(*resource, name, value.as_ref()),
            Record::ProducerIds { next } => {
                self.next_producer_id = self.next_producer_id.max(*next);
                Change::ProducerIds
            }
        }
    }

    fn apply_topic(&mut self, id: Uuid, name: &Text) -> Change {
        if self.topics.contains_key(&id) || self.names.contains_key(name) {
            return Change::Stray;
        }
        self.names.insert(name.clone(), id);
        let topic = Topic { id, name: name.clone(), partitions: Default::default(), configs: Default::default() };
        self.topics.insert(id, topic);
        Change::Topic(id)
    }

    fn apply_topic_removed(&mut self, id: Uuid) -> Change {
        let Some(topic) = self.topics.remove(&id) else { return Change::Stray };
        if !mutant::is(Mutant::DeletedNameStays) {
            self.names.remove(&topic.name);
        }
        self.partitions -= topic.partitions.len();
        Change::removed(&topic)
    }

    fn apply_partition(&mut self, key: PartitionKey, state: &Partition) -> Change {
        let Some(topic) = self.topics.get_mut(&key.topic) else { return Change::Stray };
        let Ok(place) = usize::try_from(key.partition) else { return Change::Stray };
        if place == topic.partitions.len() {
            topic.partitions.push(state.clone());
            self.partitions += 1;
        } else if let Some(known) = topic.partitions.get_mut(place) {
            known.clone_from(state);
        } else {
            return Change::Stray;
        }
        Change::Partition(key)
    }

    fn apply_config(&mut self, resource: Resource, name: &Text, value: Option<&Text>) -> Change {
        let configs = match resource {
            Resource::Topic(id) => match self.topics.get_mut(&id) {
                Some(topic) => &mut topic.configs,
                None => return Change::Stray,
            },
            Resource::Broker(id) => self.broker_configs.entry(id).or_default(),
            Resource::BrokerDefault => &mut self.broker_default,
        };
        match value {
            Some(value) => configs.insert(String::from(name.as_str()), String::from(value.as_str())),
            None => configs.remove(name.as_str()),
        };
        if let Resource::Broker(id) = resource
            && self.broker_configs.get(&id).is_some_and(|configs| configs.is_empty())
        {
            self.broker_configs.remove(&id);
        }
        Change::Config(resource)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => write!(f, "cluster id"),
            Self::Feature => write!(f, "feature"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::BrokerRemoved(id) => write!(f, "broker {id} removed"),
            Self::Topic(id) => write!(f, "topic {id}"),
            Self::TopicRemoved { name, .. } => write!(f, "topic {name} removed"),
            Self::Partition(key) => write!(f, "partition {key}"),
            Self::Config(resource) => write!(f, "config of {resource}"),
            Self::ProducerIds => write!(f, "producer ids"),
            Self::Stray => write!(f, "stray record"),
        }
    }
}
