//! What a partition has for a reader.

use super::PRODUCERS_TAG;
use crate::api::place;
use crate::error::{ErrorCode, Refusal};
use crate::id::{DirId, LeaderEpoch, NodeId, PartitionKey};
use crate::io::{Out, Records};
use crate::log::Reading;
use crate::metadata::Image;
use crate::mutant::{self, Mutant};
use crate::node::{Found, Partitions, Reader, Slot, SlotKey};
use crate::partition::{FetchQuery, Fetched, Isolation, Partition};
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::fetch_response::{EpochEndOffset, LeaderIdAndEpoch, PartitionData};

/// From this version on topics are named by id alone.
pub(super) const TOPIC_IDS: i16 = 13;

/// What is the same for all looks of one answer.
pub(super) struct Scene<'a> {
    pub now: Now,
    pub version: i16,
    pub reader: Reader,
    pub partitions: &'a mut Partitions,
    pub image: &'a Image,
    pub out: &'a mut Out,
}

impl Scene<'_> {
    /// Looks at one partition; `room`: bytes left in the answer.
    pub fn look(
        &mut self,
        slot: &Slot,
        room: usize,
        whole_first: bool,
    ) -> (Option<PartitionKey>, Option<DirId>, Found) {
        let number = slot.key.partition;
        let key = match self.find(slot) {
            Ok(key) => key,
            Err(code) => return (None, None, self.refused(number, None, code.into(), None)),
        };
        let Some(partition) = self.partitions.get_mut(key) else {
            return (None, None, self.refused(number, Some(key), ErrorCode::NotLeaderOrFollower.into(), None));
        };
        let dir = partition.dir();
        let wanted = slot.wanted.query;
        let query = FetchQuery { max_bytes: wanted.max_bytes.min(room), ..wanted };
        let told =
            partition.on_fetch(self.now, &query, self.reader.replica, self.reader.isolation, whole_first, self.out);
        let found = match told {
            Ok(fetched) => self.found(number, query.max_bytes, fetched),
            Err(refusal) => {
                // A follower that is out of range learns where to begin anew, and with which producers.
                let bounds = self.reader.replica.map(|_| (partition.watermark().0, partition.log_start().0));
                let begins = bounds.is_some() && refusal.code == ErrorCode::OffsetOutOfRange;
                let producers = if begins { partition.producers_at_start() } else { None };
                let mut found = self.refused(number, Some(key), refusal, bounds);
                found.data.unknown_tagged_fields.extend(producers.map(|bytes| (PRODUCERS_TAG, bytes)));
                found
            }
        };
        (Some(key), Some(dir), found)
    }

    /// The partition: the one it was before if that is still here, else as the metadata has it now.
    fn find(&self, slot: &Slot) -> Result<PartitionKey, ErrorCode> {
        if let Some(key) = slot.partition
            && self.partitions.get(key).is_some()
        {
            return Ok(key);
        }
        let SlotKey { topic, name, partition } = &slot.key;
        let topic = if self.version >= TOPIC_IDS {
            self.image.topic(*topic).ok_or(ErrorCode::UnknownTopicId)?
        } else {
            self.image.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)?
        };
        if topic.partition(*partition).is_none() {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        Ok(PartitionKey { topic: topic.id, partition: *partition })
    }

    fn found(&self, number: i32, max_bytes: usize, fetched: Fetched) -> Found {
        let (records, more, cold) = match fetched.reading {
            // What has no room in this answer is looked at again for the next, whether its log moves or not (seed 527).
            Reading::Ready { records: Records::Empty, more } => (Records::Empty, more, more),
            Reading::Ready { records, more } => (records, more, false),
            Reading::Wait => (Records::Empty, false, true),
        };
        let mut data = PartitionData::default()
            .with_partition_index(number)
            .with_high_watermark(fetched.watermark.0)
            .with_last_stable_offset(fetched.stable.0)
            .with_log_start_offset(fetched.start.0)
            .with_aborted_transactions((self.reader.isolation == Isolation::Stable).then(Vec::new));
        if let Some((epoch, end)) = fetched.diverging {
            data.diverging_epoch = EpochEndOffset::default().with_epoch(epoch.0).with_end_offset(end.0);
        }
        let bytes = records.len();
        // Whoever takes no more than that waits for no more.
        let counts = if more && !mutant::is(Mutant::RestNotCounted) { bytes.max(max_bytes) } else { bytes };
        Found { bytes, counts, data, records, cold, urgent: fetched.diverging.is_some() }
    }

    fn refused(&self, number: i32, key: Option<PartitionKey>, refusal: Refusal, bounds: Option<(i64, i64)>) -> Found {
        let (watermark, start) = bounds.unwrap_or((-1, -1));
        let mut data = PartitionData::default()
            .with_partition_index(number)
            .with_error_code(refusal.code.code())
            .with_high_watermark(watermark)
            .with_last_stable_offset(-1)
            .with_log_start_offset(start)
            .with_aborted_transactions(None);
        let elsewhere = matches!(refusal.code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
        if let Some(key) = key.filter(|_| elsewhere && self.version >= 12) {
            let (leader, epoch) = self.leader(key);
            data.current_leader =
                LeaderIdAndEpoch::default().with_leader_id(BrokerId(leader.0)).with_leader_epoch(epoch.0);
        }
        Found { data, records: Records::Empty, bytes: 0, counts: 0, cold: false, urgent: true }
    }

    fn leader(&self, key: PartitionKey) -> (NodeId, LeaderEpoch) {
        let state = self.partitions.get(key).and_then(Partition::state).or_else(|| self.image.partition(key));
        place::leader_of(state)
    }
}
