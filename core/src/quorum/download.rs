//! A snapshot on its way from the leader.

use super::snapshot_file::SnapshotId;
use alloc::vec::Vec;

/// The file's bytes so far. They lie in memory until they are whole: a snapshot's file appears at once or not at all.
#[derive(Clone, Debug)]
pub struct Download {
    pub id: SnapshotId,
    pub bytes: Vec<u8>,
    /// Whole, checked, and being written.
    pub writing: bool,
}

impl Download {
    pub const fn new(id: SnapshotId) -> Self {
        Self { id, bytes: Vec::new(), writing: false }
    }
}
