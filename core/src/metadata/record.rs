//! The records: what the metadata log says.

use super::{Broker, Partition, Text};
use crate::id::{BrokerEpoch, NodeId, PartitionKey, Uuid};
use core::fmt;
use serde::{Deserialize, Serialize};

/// What a config belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Resource {
    Topic(Uuid),
    Broker(NodeId),
    /// The default of all brokers, set while they run.
    BrokerDefault,
}

/// What the metadata log says. A record holds a whole state, never a difference: applied twice it says the same.
///
/// Variants are only ever appended, and no field changes: `codec` counts them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Record {
    /// The cluster's id; the first record of all.
    Cluster {
        id: Text,
    },
    /// A finalised feature and its level (KIP-584).
    Feature {
        name: Text,
        /// 0: the feature is off.
        level: i16,
    },
    /// A broker registered, or registered anew.
    Broker(Broker),
    /// A registered broker was fenced, unfenced, or began to shut down.
    BrokerState {
        id: NodeId,
        epoch: BrokerEpoch,
        fenced: bool,
        leaving: bool,
    },
    BrokerRemoved {
        id: NodeId,
        epoch: BrokerEpoch,
    },
    /// A topic was made; its partitions follow.
    Topic {
        id: Uuid,
        name: Text,
    },
    /// A topic was deleted, its partitions and configs with it.
    TopicRemoved {
        id: Uuid,
    },
    /// A partition was made or changed. New ones come in the order of their numbers.
    Partition {
        key: PartitionKey,
        state: Partition,
    },
    /// A config was set, or (without a value) taken back.
    Config {
        resource: Resource,
        name: Text,
        value: Option<Text>,
    },
    /// Producer ids below `next` are given out.
    ProducerIds {
        next: i64,
    },
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(id) => write!(f, "topic {id}"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::BrokerDefault => write!(f, "all brokers"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster { id } => write!(f, "cluster {id}"),
            Self::Feature { name, level } => write!(f, "feature {name} {level}"),
            Self::Broker(broker) => write!(f, "{broker}"),
            Self::BrokerState { id, epoch, fenced, leaving } => {
                write!(f, "broker {id} {epoch} fenced={fenced} leaving={leaving}")
            }
            Self::BrokerRemoved { id, epoch } => write!(f, "broker {id} {epoch} removed"),
            Self::Topic { id, name } => write!(f, "topic {name} {id}"),
            Self::TopicRemoved { id } => write!(f, "topic {id} removed"),
            Self::Partition { key, state } => write!(f, "partition {key} {state}"),
            Self::Config { resource, name, value: Some(value) } => write!(f, "config of {resource} {name}={value}"),
            Self::Config { resource, name, value: None } => write!(f, "config of {resource} {name} taken back"),
            Self::ProducerIds { next } => write!(f, "producer ids below {next}"),
        }
    }
}
