//! What found no room on the medium, and what has to stay behind it.

use esker_core::id::DirId;
use esker_core::io::{DiskDone, DiskFault, DiskOp, DiskTag};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How long until what found no room is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// Operations that wait for room, by folder and there in order.
#[derive(Debug, Default)]
pub struct Waiting {
    folders: BTreeMap<DirId, VecDeque<(DiskTag, DiskOp)>>,
    again: Option<Instant>,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Whether operations of the folder wait: the next one has to wait behind them.
    pub fn holds(&self, dir: DirId) -> bool {
        self.folders.contains_key(&dir)
    }

    /// An operation waits, behind those of its folder that do.
    pub fn hold(&mut self, dir: DirId, tag: DiskTag, op: DiskOp) {
        self.folders.entry(dir).or_default().push_back((tag, op));
        self.again.get_or_insert_with(|| Instant::now() + RETRY);
    }

    /// When they are to be tried again.
    pub const fn again(&self) -> Option<Instant> {
        self.again
    }

    /// All of them, if it is time to try again: the order within each folder is as it was.
    pub fn due(&mut self) -> Vec<(DiskTag, DiskOp)> {
        if self.again.is_none_or(|again| again > Instant::now()) {
            return Vec::new();
        }
        self.again = None;
        std::mem::take(&mut self.folders).into_values().flatten().collect()
    }

    /// The folder is to be removed: nobody waits any more for what waits there.
    pub fn give_up(&mut self, dir: DirId) -> impl Iterator<Item = (DiskTag, Result<DiskDone, DiskFault>)> {
        self.folders.remove(&dir).into_iter().flatten().map(|(tag, _)| (tag, Err(DiskFault::Full)))
    }
}

/// Whether the operation can be tried again after it found no room. A sync cannot: what was to become durable may be gone.
pub const fn may_wait(op: &DiskOp) -> bool {
    match op {
        DiskOp::Append { .. }
        | DiskOp::Create { .. }
        | DiskOp::Replace { .. }
        | DiskOp::OpenDir { .. }
        | DiskOp::Rename { .. }
        | DiskOp::RenameDir { .. } => true,
        DiskOp::Folders
        | DiskOp::RemoveDir { .. }
        | DiskOp::List { .. }
        | DiskOp::Sync { .. }
        | DiskOp::Read { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Delete { .. }
        | DiskOp::SyncDir { .. }
        | DiskOp::Unpack { .. } => false,
    }
}
