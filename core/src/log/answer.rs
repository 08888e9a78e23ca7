//! What a log is given and what it answers.

use crate::id::{LeaderEpoch, Offset};
use crate::io::{DiskFault, Records};
use alloc::vec::Vec;
use bytes::Bytes;

/// Who appends through the leader: it decides what is validated and what may be assigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A producer: one batch, whole and checked by `batch::verify`; no markers; sequences count.
    Client,
    /// A coordinator or the controller on this node: any number of batches, made by us.
    Coordinator,
}

/// What an append was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    pub first: Offset,
    pub last: Offset,
    /// In ms since 1970; -1 where the producer's own timestamps count.
    pub log_append_time: i64,
    /// These records were in the log before (KIP-98): nothing was written, the offsets are those of then.
    pub duplicate: bool,
}

/// The answer to a read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    Ready {
        /// Whole batches, the first of which holds the offset asked for; empty where the log has nothing (yet).
        records: Records,
        /// Batches below `until` follow: there was no room for them, or they are elsewhere.
        more: bool,
    },
    /// The disk is asked; ask again after [`LogEvent::Warm`].
    Wait,
}

impl Reading {
    /// There is nothing.
    pub const NOTHING: Self = Self::Ready { records: Records::Empty, more: false };
}

/// The answer to a read for ourselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loading {
    /// Whole, checked batches, one each; the first holds the offset asked for (or is the first behind it, where it was compacted away).
    Batches(Vec<Bytes>),
    /// As [`Reading::Wait`].
    Wait,
    /// There is nothing from that offset on.
    End,
}

/// The answer to a question about time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeLookup {
    Found {
        offset: Offset,
        timestamp: i64,
        epoch: LeaderEpoch,
    },
    /// No record is so late.
    None,
    /// As [`Reading::Wait`].
    Wait,
}

/// What a completion or a tick has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogEvent {
    /// The log is open: appends and reads are served.
    Opened,
    /// `synced()` has moved up.
    Synced,
    /// A read that was told to wait may be asked again.
    Warm,
    /// Dropped segments or DeleteRecords moved `start()`.
    StartMoved,
    /// `close` is done: everything is durable, and the next `open` may be a clean one.
    Closed,
    /// The folder is another topic's, as its `partition.metadata` says: nothing in it was touched, and the log does not open.
    Foreign,
    /// What was not to be missing ([`Opening::whole_to`](super::Opening)) is damaged, or the log ends before it: nothing in the folder was touched, so
    /// that what is there may be mended, and the log does not open.
    Damaged {
        end: Offset,
    },
    Nothing,
    /// An operation failed whose failure is final: the log takes nothing any more, the node stops.
    Failed(DiskFault),
}
