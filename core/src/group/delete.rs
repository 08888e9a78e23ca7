//! Offsets and groups that are deleted: by request, or with their topic.

use super::beside::Beside;
use super::records::Entry;
use super::shard::Shard;
use super::text::own;
use crate::error::ErrorCode;
use crate::id::Uuid;
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

impl Shard {
    /// Single offsets of a group go, unless its members read the topic.
    pub fn delete_offsets(
        &self,
        request: &OffsetDeleteRequest,
        refused: Vec<OffsetDeleteResponseTopic>,
    ) -> Result<(Vec<Entry>, OffsetDeleteResponse), ErrorCode> {
        let id = &request.group_id.0;
        let group = self.groups.get(id).ok_or(ErrorCode::GroupIdNotFound)?;
        group.validate_offset_delete()?;
        let mut entries = Vec::new();
        let mut topics = Beside::new(refused, |topic| &topic.name);
        for topic in &request.topics {
            let subscribed = group.is_subscribed(&topic.name.0) && !mutant::is(Mutant::SubscribedOffsetsDeleted);
            let code = if subscribed { ErrorCode::GroupSubscribedToTopic.code() } else { 0 };
            let name = TopicName(own(&topic.name.0));
            let mut partitions = Vec::new();
            for partition in &topic.partitions {
                let index = partition.partition_index;
                partitions
                    .push(OffsetDeleteResponsePartition::default().with_partition_index(index).with_error_code(code));
                let place = (group.id.clone(), name.0.clone(), index);
                let known = self.offsets.get(&place.0, &place.1, index).is_some() || self.offsets.is_unstable(&place);
                if code == 0 && known && !mutant::is(Mutant::OffsetStays) {
                    entries.push(tombstone(place));
                }
            }
            let beside = topics.of(&topic.name, || OffsetDeleteResponseTopic::default().with_name(name));
            beside.partitions.extend(partitions);
        }
        Ok((entries, OffsetDeleteResponse::default().with_topics(topics.done())))
    }

    /// The records that end a group and all its offsets.
    pub fn delete_group(&self, id: &StrBytes) -> Result<Vec<Entry>, ErrorCode> {
        self.groups.get(id).ok_or(ErrorCode::GroupIdNotFound)?.validate_delete()?;
        let places = self.offsets.places_of(id).into_iter().filter(|_| !mutant::is(Mutant::GroupLeavesOffsets));
        let mut entries: Vec<Entry> = places.map(tombstone).collect();
        entries.push(Entry::Group { group: own(id), value: None });
        Ok(entries)
    }

    /// The records that end what was committed for topics that are gone.
    pub fn delete_topics(&self, topics: &BTreeSet<&StrBytes>) -> Vec<Entry> {
        let places = self.offsets.places_of_topics(topics).into_iter();
        places.filter(|_| !mutant::is(Mutant::TopicLeavesOffsets)).map(tombstone).collect()
    }

    /// The records that end what was committed for topics that do not exist, or are others than they were.
    pub fn delete_others(&self, exists: impl Fn(&StrBytes, Uuid) -> bool) -> Vec<Entry> {
        let gone = self.offsets.groups().flat_map(|group| {
            let topics = self.offsets.of_group(group);
            let all = topics.flat_map(|(topic, partitions)| partitions.iter().map(move |one| (topic, one)));
            let gone = all.filter(|(topic, (_, kept))| !exists(topic, kept.committed.topic_id));
            gone.map(move |(topic, (partition, _))| tombstone((group.clone(), topic.clone(), *partition)))
        });
        gone.collect()
    }
}

/// The record that ends a committed offset.
pub(super) fn tombstone((group, topic, partition): (StrBytes, StrBytes, i32)) -> Entry {
    Entry::Offset { group, topic, partition, value: None }
}
