//! What a partition tells those above it: what was appended, what changed.

use crate::id::{LeaderEpoch, Offset};
use crate::io::DiskFault;
use crate::time::Wall;

/// What a producer waits for (`acks`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// `0`: nothing.
    None,
    /// `1`: the leader's stable storage.
    Leader,
    /// `-1`: that of every replica in sync.
    All,
}

/// A batch was appended, or had been before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Offset of its first record.
    pub base: Offset,
    /// The offset after its last record: what the watermark has to reach.
    pub end: Offset,
    /// With `LogAppendTime` the time that the records got.
    pub append_time: Option<Wall>,
    /// Where the log starts.
    pub start: Offset,
    /// The epoch in which it was appended.
    pub epoch: LeaderEpoch,
}

/// What changed while a partition handled something: whoever waits for it is to be looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PartitionEvent {
    /// The log is open; its role has begun.
    pub opened: bool,
    /// Leader or epoch are others.
    pub role: bool,
    /// Consumers may read further.
    pub watermark_moved: bool,
    /// The log has grown or was cut.
    pub end_moved: bool,
    /// More of the log is on stable storage.
    pub synced_moved: bool,
    /// The log, or that of a follower as the leader knows it, starts later.
    pub start_moved: bool,
    /// Bytes that a reader waited for are in memory.
    pub warm: bool,
    /// The log was closed in order.
    pub closed: bool,
    /// The in-sync set changed, or a change of it is to be proposed to the controller.
    pub isr: bool,
    /// The folder is another topic's, which had this one's name.
    pub foreign: bool,
    /// The disk failed a change: final for the node.
    pub failed: Option<DiskFault>,
}

impl PartitionEvent {
    /// Nothing changed.
    pub const NONE: Self = Self {
        opened: false,
        role: false,
        watermark_moved: false,
        end_moved: false,
        synced_moved: false,
        start_moved: false,
        warm: false,
        closed: false,
        isr: false,
        foreign: false,
        failed: None,
    };

    /// Whether anything changed.
    pub fn any(&self) -> bool {
        *self != Self::NONE
    }

    /// Both, one after the other.
    pub fn and(self, later: Self) -> Self {
        Self {
            opened: self.opened || later.opened,
            role: self.role || later.role,
            watermark_moved: self.watermark_moved || later.watermark_moved,
            end_moved: self.end_moved || later.end_moved,
            synced_moved: self.synced_moved || later.synced_moved,
            start_moved: self.start_moved || later.start_moved,
            warm: self.warm || later.warm,
            closed: self.closed || later.closed,
            isr: self.isr || later.isr,
            foreign: self.foreign || later.foreign,
            failed: self.failed.or(later.failed),
        }
    }
}
