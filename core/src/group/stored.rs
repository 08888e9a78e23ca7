//! A shard as the records that would make it again: for the simulator's checkers.

use super::groups::{Groups, Place};
use super::records::Entry;
use super::shard::Shard;
use alloc::vec::Vec;
use bytes::Bytes;

impl Groups {
    /// The records of a partition whose shard is active: one for each group (those too that have only offsets) and each committed offset.
    pub fn stored(&self, partition: i32) -> Option<Vec<Entry>> {
        match self.shards.get(&partition)? {
            Place::Active(shard) => Some(shard.stored()),
            Place::Loading(_) => None,
        }
    }
}

impl Shard {
    fn stored(&self) -> Vec<Entry> {
        let groups = self.groups.values().map(|group| {
            group.stored(&|id| group.members.get(id).map_or_else(Bytes::new, |member| member.assignment.clone()))
        });
        let offsets = self.offsets.groups().flat_map(|group| {
            let topics = self.offsets.of_group(group);
            topics.flat_map(move |(topic, partitions)| {
                partitions.iter().map(move |(partition, kept)| Entry::Offset {
                    group: group.clone(),
                    topic: topic.clone(),
                    partition: *partition,
                    value: Some(kept.committed.clone()),
                })
            })
        });
        groups.chain(offsets).collect()
    }
}
