//! What can be wrong with a disk.

use esker_core::io::DiskOp;

/// Faults that wait to strike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// So many next syncs fail.
    pub sync: u32,
    /// So many next writes fail.
    pub write: u32,
    /// So many next reads fail.
    pub read: u32,
    /// Bytes that can still be written; `None`: as many as one likes.
    pub room: Option<u64>,
}

/// One operation that fails, by its number among all that the disk completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nth {
    /// Counted from 1.
    pub at: u64,
    pub how: How,
}

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// With an error of the medium; whether it took effect nobody knows.
    Io,
    /// Its sync fails: the write is in the page cache, and may never reach the medium.
    Sync,
    /// The medium is full, half way; when it is tried again there is room.
    Full,
}

impl How {
    pub const ALL: [Self; 3] = [Self::Io, Self::Sync, Self::Full];

    /// Whether an operation can fail so.
    pub fn fits(self, op: &DiskOp) -> bool {
        match self {
            Self::Io => true,
            Self::Sync => matches!(op, DiskOp::Sync { .. } | DiskOp::Append { sync: true, .. }),
            Self::Full => takes_room(op).is_some(),
        }
    }
}

/// Bytes that an operation takes of the medium; `None`: it needs no room. A name takes one.
pub(super) fn takes_room(op: &DiskOp) -> Option<u64> {
    match op {
        DiskOp::Append { bytes, .. } => Some(bytes.iter().map(|part| part.len() as u64).sum()),
        DiskOp::Replace { bytes, .. } => Some(bytes.len() as u64),
        DiskOp::Create { .. } | DiskOp::OpenDir { .. } | DiskOp::Rename { .. } | DiskOp::RenameDir { .. } => Some(1),
        DiskOp::Folders
        | DiskOp::RemoveDir { .. }
        | DiskOp::List { .. }
        | DiskOp::Sync { .. }
        | DiskOp::Read { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Delete { .. }
        | DiskOp::SyncDir { .. }
        | DiskOp::Unpack { .. } => None,
    }
}

pub(super) const fn removes(op: &DiskOp) -> bool {
    matches!(op, DiskOp::RemoveDir { .. })
}
