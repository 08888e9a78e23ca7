//! What is worth telling an operator.

use crate::id::{DirId, LeaderEpoch, NodeId, Offset, PartitionKey};
use alloc::string::String;
use core::fmt;

/// The topic of a text that an operator has to act on: another process has this node's id.
pub const ID_TAKEN: &str = "id-taken";

/// Another: a log ends below what it had promised.
pub const LOG_LOST: &str = "log-lost";

/// Another: a topic that somebody uses could not be made.
pub const NOT_MADE: &str = "not-made";

/// Another: a checkpoint could not be read, and what it vouched for is not known.
pub const CHECKPOINT: &str = "checkpoint";

/// Another: a voter does not vote, for it voted from another folder.
pub const DISBELIEVED: &str = "disbelieved";

/// Another: offsets are missing between two segments of a log.
pub const GAP: &str = "log-gap";

/// Another: the folder of a replica that is nobody's is kept.
pub const STRAY: &str = "stray";

/// Something worth telling: data, which the shell turns into a log line and a counter, the simulator into a trace line.
///
/// A variant is one rare or important event; the hot path (an append, a fetch) notes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// A log was opened: what recovery found and did.
    LogOpened { dir: DirId, start: Offset, end: Offset, cut_bytes: u64, scanned_bytes: u64 },
    /// A log was cut back to `to`.
    LogTruncated { dir: DirId, from: Offset, to: Offset },
    /// A log began a new segment.
    SegmentRolled { dir: DirId, base: Offset },
    /// Old segments were dropped; the log now starts at `start`.
    SegmentsDropped { dir: DirId, start: Offset, count: u32 },
    /// Bytes on disk failed their check when they were read.
    Damaged { dir: DirId, base: Offset, at: u64 },
    /// This replica began to lead the partition.
    Leads { partition: PartitionKey, epoch: LeaderEpoch },
    /// This replica began to follow.
    Follows { partition: PartitionKey, leader: NodeId, epoch: LeaderEpoch },
    /// The quorum's state of this node changed.
    Quorum { role: &'static str, epoch: LeaderEpoch, leader: NodeId },
    /// The medium is nearly full: from now on appends of this kind are refused, with so many bytes left.
    NoRoom { whose: &'static str, left: u64 },
    /// There is room for everybody again.
    RoomAgain { left: u64 },
    /// Anything else worth a line; a counter is kept under `topic`.
    Text { topic: &'static str, text: String },
}

impl Note {
    /// Its name in counters; a text's is its topic.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LogOpened { .. } => "log-opened",
            Self::LogTruncated { .. } => "log-truncated",
            Self::SegmentRolled { .. } => "segment-rolled",
            Self::SegmentsDropped { .. } => "segments-dropped",
            Self::Damaged { .. } => "damaged",
            Self::Leads { .. } => "leads",
            Self::Follows { .. } => "follows",
            Self::Quorum { .. } => "quorum",
            Self::NoRoom { .. } => "no-room",
            Self::RoomAgain { .. } => "room-again",
            Self::Text { topic, .. } => topic,
        }
    }

    /// The log that it is about.
    pub const fn dir(&self) -> Option<DirId> {
        match self {
            Self::LogOpened { dir, .. }
            | Self::LogTruncated { dir, .. }
            | Self::SegmentRolled { dir, .. }
            | Self::SegmentsDropped { dir, .. }
            | Self::Damaged { dir, .. } => Some(*dir),
            Self::Leads { .. }
            | Self::Follows { .. }
            | Self::Quorum { .. }
            | Self::NoRoom { .. }
            | Self::RoomAgain { .. }
            | Self::Text { .. } => None,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogOpened { dir, start, end, cut_bytes, scanned_bytes } => {
                write!(f, "{dir} opened from {start} to {end}, scanned {scanned_bytes}, cut {cut_bytes}")
            }
            Self::LogTruncated { dir, from, to } => write!(f, "{dir} truncated from {from} to {to}"),
            Self::SegmentRolled { dir, base } => write!(f, "{dir} rolled at {base}"),
            Self::SegmentsDropped { dir, start, count } => {
                write!(f, "{dir} dropped {count} segments, starts at {start}")
            }
            Self::Damaged { dir, base, at } => write!(f, "{dir} damaged in segment {base} at byte {at}"),
            Self::Leads { partition, epoch } => write!(f, "leads {partition} in {epoch}"),
            Self::Follows { partition, leader, epoch } => write!(f, "follows {leader} on {partition} in {epoch}"),
            Self::Quorum { role, epoch, leader } => write!(f, "quorum {role} in {epoch}, leader {leader}"),
            Self::NoRoom { whose, left } => {
                write!(f, "no room for records of a {whose}: {left} bytes are left on the disk")
            }
            Self::RoomAgain { left } => write!(f, "room again: {left} bytes are left on the disk"),
            Self::Text { topic, text } => write!(f, "{topic}: {text}"),
        }
    }
}
