//! Loads and unloads the group coordinator's shards as this node gains and loses the lead of `__consumer_offsets` partitions,
//! and carries out what the coordinator decides.

use crate::id::PartitionKey;
use crate::metadata::Text;
use crate::node::Node;
use crate::partition::PartitionEvent;
use crate::time::Now;

#[derive(Debug, Default)]
pub(super) struct Coordinators {}

// The surface; bodies follow.
#[allow(unused_variables)]
impl Coordinators {
    /// Something changed in some partition (of any topic).
    pub fn on_partition_event(&mut self, node: &mut Node, now: Now, key: PartitionKey, event: PartitionEvent) {}

    /// The partition is no longer kept here.
    pub fn forget(&mut self, node: &mut Node, key: PartitionKey) {}

    /// A topic was deleted: its committed offsets go.
    pub fn on_topic_deleted(&mut self, node: &mut Node, now: Now, name: &Text) {}

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {}
}
