//! What an operator watches of a node: how many partitions, and how well they are.

use super::Node;
use crate::partition::Partition;

/// Counts of one moment, under the names of Kafka's gauges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Replicas on this node (`ReplicaManager.PartitionCount`).
    pub partitions: u64,
    /// Of them, those that lead (`ReplicaManager.LeaderCount`).
    pub leaders: u64,
    /// Led here, with a replica that is not in sync (`ReplicaManager.UnderReplicatedPartitions`).
    pub under_replicated: u64,
    /// Led here, with fewer in sync than acks=all needs (`ReplicaManager.UnderMinIsrPartitionCount`).
    pub under_min_isr: u64,
    /// Without a leader in the whole cluster; 0 unless this node is the active controller
    /// (`KafkaController.OfflinePartitionsCount`).
    pub offline: u64,
    /// Whether this node is the active controller (`KafkaController.ActiveControllerCount`).
    pub is_active_controller: bool,
}

impl Node {
    /// Looks at every partition: for now and then, not for each input.
    pub fn status(&self) -> Status {
        let mut status = Status { is_active_controller: self.controller.is_some(), ..Status::default() };
        for partition in self.partitions.iter() {
            status.count(partition);
        }
        if status.is_active_controller {
            let all = self.image.topics().flat_map(|topic| &topic.partitions);
            status.offline = all.filter(|partition| partition.leader.is_none()).count() as u64;
        }
        status
    }
}

impl Status {
    fn count(&mut self, partition: &Partition) {
        self.partitions += 1;
        let Some(state) = partition.state().filter(|_| partition.is_leader()) else { return };
        self.leaders += 1;
        self.under_replicated += u64::from(state.isr.len() < state.replicas.len());
        self.under_min_isr += u64::from(state.isr.len() < partition.min_insync().min(state.replicas.len()));
    }
}
