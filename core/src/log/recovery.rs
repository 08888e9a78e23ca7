//! The state of an opening under way: what was asked, and how far the scan has come.

use super::config::Opening;
use crate::id::Offset;
use crate::io::FileName;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// What is being asked.
#[derive(Debug)]
pub(super) enum Step {
    List,
    Metadata,
    Epochs,
    Offsets,
    Times { offsets: Bytes },
    Snapshot { offset: Offset },
    Scan,
}

/// An opening under way.
#[derive(Debug)]
pub(super) struct Recovery {
    pub opening: Opening,
    pub step: Step,
    pub files: BTreeMap<FileName, u64>,
    /// The checkpoint of the epochs is missing or damaged: the batches tell them.
    pub epochs_lost: bool,
    /// Snapshots not tried yet.
    pub candidates: Vec<Offset>,
    pub scan: Scan,
}

impl Recovery {
    pub fn new(opening: Opening) -> Self {
        let (step, files, scan) = (Step::List, BTreeMap::new(), Scan::default());
        Self { opening, step, files, epochs_lost: false, candidates: Vec::new(), scan }
    }

    pub fn names(&self) -> Vec<FileName> {
        self.files.keys().copied().collect()
    }

    pub fn size(&self, name: FileName) -> u64 {
        self.files.get(&name).copied().unwrap_or(0)
    }
}

/// How far a scan has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// The segment, by its place, and the byte.
    pub place: usize,
    pub at: u64,
    /// Bytes that the next batch is known to need.
    pub need: u64,
    /// The producers are known as of this offset: batches before tell nothing new.
    pub known: Offset,
    /// The offset behind the last good batch.
    pub reached: Offset,
    /// The batch at `at` is known to end at or before it: an index entry says so, or a search has looked at it.
    pub first_ends: Offset,
    /// Where the last good batch begins, and its first offset.
    pub last: Option<(u64, Offset)>,
    /// Bytes of the last segment's file as found.
    pub on_disk: u64,
    /// Bytes scanned.
    pub bytes: u64,
    /// The next whole batch is being looked for, behind a damaged place.
    pub in_damage: bool,
}

impl Scan {
    pub fn new(place: usize, at: u64, known: Offset, reached: Offset, on_disk: u64) -> Self {
        let first_ends = Offset::ZERO;
        Self { place, at, need: 0, known, reached, first_ends, last: None, on_disk, bytes: 0, in_damage: false }
    }
}
