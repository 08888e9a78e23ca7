//! Requests about offsets that wait: lookups by time, and deletions.

use crate::id::{DirId, Offset, PartitionKey};
use crate::partition::Isolation;
use alloc::vec::Vec;
use kafka_protocol::messages::{DeleteRecordsResponse, ListOffsetsResponse};

/// A ListOffsets of which some lookups read the disk first.
#[derive(Debug)]
pub struct ListingOffsets {
    pub isolation: Option<Isolation>,
    /// Any replica may answer, not its leader alone.
    pub replica: bool,
    /// The answer: complete but for what waits.
    pub response: ListOffsetsResponse,
    pub waits: Vec<OffsetWait>,
}

/// One lookup of it.
#[derive(Clone, Copy, Debug)]
pub struct OffsetWait {
    /// Its place in the answer: topic, and partition in the topic.
    pub place: (u32, u32),
    pub partition: PartitionKey,
    pub dir: DirId,
    pub timestamp: i64,
}

/// A DeleteRecords whose logs were moved, and not yet those of every follower.
#[derive(Debug)]
pub struct DeletingRecords {
    pub response: DeleteRecordsResponse,
    pub waits: Vec<DeleteWait>,
}

/// One partition of it.
#[derive(Clone, Copy, Debug)]
pub struct DeleteWait {
    pub place: (u32, u32),
    pub partition: PartitionKey,
    pub dir: DirId,
    /// Where every replica's log has to start.
    pub start: Offset,
}
