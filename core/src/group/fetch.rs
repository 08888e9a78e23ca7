//! OffsetFetch as a shard answers it.

use super::delete::tombstone;
use super::offsets::Kept;
use super::records::Entry;
use super::refuse::no_offset;
use super::shard::Shard;
use super::text::own;
use crate::error::ErrorCode;
use crate::id::Offset;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;

impl Shard {
    /// A group's committed offsets (all of them where the request names no topics), and the record that must be committed
    /// before anybody may be told: what was appended last is what is told, once it cannot be lost any more.
    pub fn fetch(&self, request: &OffsetFetchRequestGroup, require_stable: bool) -> (OffsetFetchResponseGroup, Offset) {
        let group = &request.group_id.0;
        let told = |topic: &StrBytes, index: i32, kept: Option<&Kept>| {
            if require_stable && self.offsets.is_unstable(&(group.clone(), topic.clone(), index)) {
                return no_offset(index).with_error_code(ErrorCode::UnstableOffsetCommit.code());
            }
            kept.map_or_else(|| no_offset(index), |kept| offset(index, kept))
        };
        let mut topics = Vec::new();
        match &request.topics {
            Some(asked) => {
                for topic in asked {
                    let known = |index: i32| told(&topic.name.0, index, self.offsets.get(group, &topic.name.0, index));
                    let most = if mutant::is(Mutant::FetchFirstPartition) { 1 } else { usize::MAX };
                    let partitions = topic.partition_indexes.iter().take(most).map(|index| known(*index)).collect();
                    let name = TopicName(own(&topic.name.0));
                    topics.push(OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions));
                }
            }
            None => {
                let all = self.offsets.of_group(group).count();
                for (topic, partitions) in self
                    .offsets
                    .of_group(group)
                    .take(all - usize::from(mutant::is(Mutant::FetchAllLacksLast) && all > 0))
                {
                    let partitions = partitions.iter().map(|(index, kept)| told(topic, *index, Some(kept))).collect();
                    let name = TopicName(topic.clone());
                    topics.push(OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions));
                }
            }
        }
        // What a group does not have any more was said by some record, too.
        let until = self.offsets.last_of(group).unwrap_or(Offset(self.end.0 - 1));
        let until = if mutant::is(Mutant::OffsetsToldUncommitted) { Offset::NONE } else { until };
        (OffsetFetchResponseGroup::default().with_group_id(GroupId(own(group))).with_topics(topics), until)
    }
}

/// A record that says nothing: the end of an offset of no topic. Once it is committed its leader has had no successor before it.
pub(super) fn barrier(group: &StrBytes) -> Entry {
    tombstone((own(group), StrBytes::new(), -1))
}

fn offset(index: i32, kept: &Kept) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_offset(kept.committed.offset)
        .with_committed_leader_epoch(kept.committed.leader_epoch)
        .with_metadata(Some(kept.committed.metadata.clone()))
}
