//! How far a node has come with opening, and what its own disk operations are for.

use super::election::Election;
use super::journal::Journal;
use super::snapshot_file::SnapshotId;
use crate::id::{LeaderEpoch, NodeId, Offset, Uuid};
use crate::io::{DiskDone, DiskFault, FileName};
use alloc::collections::BTreeMap;
use bytes::Bytes;

/// How an operation ended.
pub type DiskResult = Result<DiskDone, DiskFault>;

/// What an operation of the quorum's own is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    OpenFolder,
    List,
    ReadState,
    ReadSnapshot(SnapshotId),
    /// The vote file, with what it will hold.
    WriteState(Election),
    /// A snapshot of this node's own, with the size of its file.
    WriteSnapshot(SnapshotId, u64),
    /// A snapshot from the leader.
    InstallSnapshot(SnapshotId, Bytes),
    DeleteSnapshot,
}

/// How far the node has come.
#[derive(Debug)]
pub enum Stage {
    /// Not asked to open yet.
    Closed,
    Opening(Boot),
    Open(Journal),
    /// The disk failed: nothing is done any more.
    Failed,
}

/// A larger snapshot is not read or fetched: it would be a false length.
pub const SNAPSHOT_BYTES_MAX: u64 = 2 << 30;

/// What was found so far.
#[derive(Debug)]
pub struct Boot {
    pub clean: bool,
    pub durable: Offset,
    pub election: Election,
    pub directories: BTreeMap<NodeId, Uuid>,
    /// There is a file with the vote.
    pub has_state: bool,
    /// Snapshots on disk with the size of their files.
    pub snapshots: BTreeMap<SnapshotId, u64>,
    pub has_log: bool,
    /// Waits for the log to open.
    pub journal: Option<Journal>,
}

impl Boot {
    pub const fn new(clean: bool, durable: Offset) -> Self {
        Self {
            clean,
            durable,
            election: Election::NONE,
            directories: BTreeMap::new(),
            has_state: false,
            snapshots: BTreeMap::new(),
            has_log: false,
            journal: None,
        }
    }

    pub fn on_files(&mut self, files: &[(FileName, u64)]) {
        for (name, size) in files {
            match name {
                FileName::MetadataSnapshot(offset, epoch) if *size <= SNAPSHOT_BYTES_MAX => {
                    self.snapshots.insert(SnapshotId { offset: *offset, epoch: LeaderEpoch(*epoch) }, *size);
                }
                FileName::Log(_) => self.has_log = true,
                FileName::QuorumState => self.has_state = true,
                _ => {}
            }
        }
    }
}
