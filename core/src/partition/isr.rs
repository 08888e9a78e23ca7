use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionKey};
use alloc::vec::Vec;

/// A change of the in-sync set that the leader asks of the controller (AlterPartition, KIP-497).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    pub partition: PartitionKey,
    pub leader_epoch: LeaderEpoch,
    /// The state that the change starts from.
    pub partition_epoch: PartitionEpoch,
    /// The whole new set, each with the incarnation that the leader knows of it (KIP-903); `BrokerEpoch(-1)`: none known.
    pub isr: Vec<(NodeId, BrokerEpoch)>,
}

/// What the controller made of the partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub isr: Vec<NodeId>,
}
