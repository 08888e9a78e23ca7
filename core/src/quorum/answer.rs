//! What the quorum tells those above it.

use crate::id::{LeaderEpoch, Offset};
use crate::io::Records;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::FetchResponse;

/// A Fetch reply; the records of its only partition lie beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchReply {
    pub response: Box<FetchResponse>,
    pub records: Records,
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer<R> {
    Reply(R),
    /// The answer has to wait: for the vote's write, for bytes from the disk, for news to fetch. The same request is
    /// asked again, with [`Turn::Again`], whenever [`Changes::ask_again`] is told, and with [`Turn::Last`] at its deadline.
    Wait,
}

impl<R> Answer<R> {
    pub fn map<S>(self, reply: impl FnOnce(R) -> S) -> Answer<S> {
        match self {
            Self::Reply(body) => Answer::Reply(reply(body)),
            Self::Wait => Answer::Wait,
        }
    }
}

/// How often a request was asked before. A Fetch counts as a sign of life of its sender only the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    First,
    Again,
    /// Its time is over: what there is, is the answer.
    Last,
}

/// What happened since it was last asked for: whoever waits for it is to be looked at again.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// The log is open, the role has begun.
    pub opened: bool,
    /// Role, leader or epoch are others.
    pub role: bool,
    /// The watermark moved: records may be committed, and `next_committed` may have more.
    pub committed: bool,
    /// `next_committed` answered `Wait` and can now go on.
    pub readable: bool,
    /// Requests that wait ([`Answer::Wait`]) are to be asked again.
    pub ask_again: bool,
    /// A snapshot that was handed in lies on disk.
    pub snapshot: bool,
    /// The log is closed in order.
    pub closed: bool,
    /// The disk, or what lies on it, failed: final for the node. The text names the thing.
    pub failed: Option<String>,
}

/// What comes next in the committed log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Committed {
    /// The whole state as of `offset` (exclusive), in place of all that came before.
    Snapshot { offset: Offset, epoch: LeaderEpoch, bytes: Bytes },
    /// The records of one append, from `base`; none for a batch of the quorum's own. `last` is the batch's last offset.
    Batch { base: Offset, last: Offset, epoch: LeaderEpoch, records: Vec<Bytes> },
    /// Asked for from the disk; [`Changes::readable`] tells when to go on.
    Wait,
    /// Nothing more is committed.
    None,
}
