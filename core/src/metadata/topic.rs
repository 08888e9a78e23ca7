//! What is known of a topic and its partitions.

use super::Text;
use crate::config::Given;
use crate::id::{LeaderEpoch, NodeId, PartitionEpoch, PartitionKey, Uuid};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Configs that were set on something, by name.
pub type Configs = Given;

/// A partition's state, as its last record says it.
///
/// `leader` is none or in `isr`; `isr`, `adding`, `removing` and `elr` are in `replicas`, none twice; `elr` and `isr` have nothing in common.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Partition {
    /// Who holds a replica; the first one is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// The in-sync set: each has every committed record.
    pub isr: Vec<NodeId>,
    pub leader: Option<NodeId>,
    /// Rises with every change of the leader.
    pub leader_epoch: LeaderEpoch,
    /// Rises with every change of the partition.
    pub epoch: PartitionEpoch,
    /// The leader was elected from outside the in-sync set and still has to recover (KIP-704).
    pub recovering: bool,
    /// Replicas that a reassignment adds (KIP-455).
    pub adding: Vec<NodeId>,
    /// Replicas that a reassignment takes away.
    pub removing: Vec<NodeId>,
    /// Left the in-sync set, yet still has every committed record (KIP-966).
    pub elr: Vec<NodeId>,
    /// Was eligible until it shut down without order (KIP-966).
    pub last_known_elr: Vec<NodeId>,
}

/// A topic: its name, its partitions by their number, its configs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Topic {
    pub id: Uuid,
    pub name: Text,
    pub partitions: Vec<Partition>,
    pub configs: Configs,
}

impl Partition {
    /// A new partition: everybody in sync, the first replica of `isr` leads.
    pub fn new(replicas: Vec<NodeId>, isr: Vec<NodeId>) -> Self {
        let leader = isr.first().copied();
        Self {
            replicas,
            isr,
            leader,
            leader_epoch: LeaderEpoch(0),
            epoch: PartitionEpoch(0),
            recovering: false,
            adding: Vec::new(),
            removing: Vec::new(),
            elr: Vec::new(),
            last_known_elr: Vec::new(),
        }
    }

    pub fn preferred(&self) -> Option<NodeId> {
        self.replicas.first().copied()
    }

    pub fn has_replica(&self, node: NodeId) -> bool {
        self.replicas.contains(&node)
    }

    pub fn in_sync(&self, node: NodeId) -> bool {
        self.isr.contains(&node)
    }

    /// Whether replicas are being added or taken away (KIP-455).
    pub fn is_reassigning(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// Asserts what binds the fields to each other.
    pub fn check(&self) {
        assert!(!self.replicas.is_empty(), "a partition has replicas: {self}");
        assert!(self.leader.is_none_or(|leader| self.in_sync(leader)), "the leader is in sync: {self}");
        for (name, set) in
            [("isr", &self.isr), ("adding", &self.adding), ("removing", &self.removing), ("elr", &self.elr)]
        {
            assert!(set.iter().all(|node| self.has_replica(*node)), "{name} is within the replicas: {self}");
        }
        for set in [&self.replicas, &self.isr, &self.elr] {
            let twice = set.iter().enumerate().any(|(at, node)| set[..at].contains(node));
            assert!(!twice, "nobody is in a set twice: {self}");
        }
        assert!(self.elr.iter().all(|node| !self.in_sync(*node)), "eligible means not in sync: {self}");
        assert!(self.leader_epoch.0 >= 0 && self.epoch.0 >= 0, "epochs begin at zero: {self}");
    }
}

impl Topic {
    pub fn partition(&self, number: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(number).ok()?)
    }

    /// Its partitions with their numbers.
    pub fn each_partition(&self) -> impl Iterator<Item = (PartitionKey, &Partition)> {
        (0..).zip(&self.partitions).map(|(partition, state)| (PartitionKey { topic: self.id, partition }, state))
    }

    /// Kafka's own topics, whose names clients may not choose: they are shown as internal.
    pub fn internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Whether a topic of that name is Kafka's own (`org.apache.kafka.common.internals.Topic`).
pub fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.leader {
            Some(leader) => write!(f, "leader {leader}")?,
            None => write!(f, "no leader")?,
        }
        write!(f, " {} {} replicas {:?} isr {:?}", self.leader_epoch, self.epoch, self.replicas, self.isr)?;
        for (name, set) in [("elr", &self.elr), ("adding", &self.adding), ("removing", &self.removing)] {
            if !set.is_empty() {
                write!(f, " {name} {set:?}")?;
            }
        }
        if self.recovering {
            write!(f, " recovering")?;
        }
        Ok(())
    }
}
