//! The state of a replay.

use super::producers::Producers;
use crate::id::Offset;

/// How often a read that fails is tried: what the disk does not give this time it may the next, and what is damaged stays so.
pub(super) const TRIES: u32 = 3;

/// The producers, read again from a snapshot and the batches behind it.
#[derive(Debug)]
pub(super) struct Replay {
    pub producers: Producers,
    /// What is below is in `producers`; `None`: the snapshot is yet to be read.
    pub next: Option<Offset>,
    /// The change behind which the snapshots on disk are those of this history: a read does not see what is under way.
    pub behind: u64,
    /// How often what comes next could not be read.
    pub failed: u32,
    /// Something was passed over.
    pub gaps: bool,
}
