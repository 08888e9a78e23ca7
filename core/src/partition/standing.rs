use crate::id::{LeaderEpoch, NodeId, PartitionEpoch};
use alloc::vec::Vec;

/// What the metadata says of a partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The assigned replicas, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The in-sync set that the controller granted; part of `replicas`.
    pub isr: Vec<NodeId>,
    /// `None`: the partition has no leader.
    pub leader: Option<NodeId>,
    /// Grows with every change of the leader.
    pub leader_epoch: LeaderEpoch,
    /// Grows with every change of anything (KIP-497).
    pub partition_epoch: PartitionEpoch,
}
