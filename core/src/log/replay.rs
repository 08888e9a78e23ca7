//! The state of a replay.

use super::producers::Producers;
use crate::id::Offset;

/// The producers, read again from a snapshot and the batches behind it.
#[derive(Debug)]
pub(super) struct Replay {
    pub producers: Producers,
    /// What is below is in `producers`; `None`: the snapshot is yet to be read.
    pub next: Option<Offset>,
    /// The change behind which the snapshots on disk are those of this history: a read does not see what is under way.
    pub behind: u64,
}
