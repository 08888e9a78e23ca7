//! What kind of operation one is.

use esker_core::id::DirId;
use esker_core::io::{DiskOp, FileId, FileName};

/// Logs that an operation takes out of the journal's hands.
#[derive(Clone, Copy)]
pub enum Touched {
    File(FileId),
    Files(FileId, FileId),
    Dir(DirId),
}

/// Whether the operation is the write thread's.
pub const fn changes(op: &DiskOp) -> bool {
    match op {
        DiskOp::Folders | DiskOp::List { .. } | DiskOp::Read { .. } | DiskOp::Unpack { .. } => false,
        DiskOp::OpenDir { .. }
        | DiskOp::RenameDir { .. }
        | DiskOp::RemoveDir { .. }
        | DiskOp::Create { .. }
        | DiskOp::Append { .. }
        | DiskOp::Sync { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Replace { .. }
        | DiskOp::Rename { .. }
        | DiskOp::Delete { .. }
        | DiskOp::SyncDir { .. } => true,
    }
}

/// Whether the operation's completion promises durability.
pub const fn is_durable(op: &DiskOp) -> bool {
    match op {
        DiskOp::Append { sync, .. } => *sync,
        DiskOp::OpenDir { .. }
        | DiskOp::RenameDir { .. }
        | DiskOp::RemoveDir { .. }
        | DiskOp::Sync { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Replace { .. }
        | DiskOp::SyncDir { .. } => true,
        DiskOp::Create { .. }
        | DiskOp::Rename { .. }
        | DiskOp::Delete { .. }
        | DiskOp::Folders
        | DiskOp::List { .. }
        | DiskOp::Read { .. }
        | DiskOp::Unpack { .. } => false,
    }
}

/// The logs that the operation makes others, but for appends.
pub fn touched(op: &DiskOp) -> Option<Touched> {
    let log = |file: &FileId| matches!(file.name, FileName::Log(_));
    match op {
        DiskOp::Create { file }
        | DiskOp::Truncate { file, .. }
        | DiskOp::Replace { file, .. }
        | DiskOp::Delete { file } => log(file).then_some(Touched::File(*file)),
        DiskOp::Rename { from, to } => {
            let to = FileId::new(from.dir, *to);
            (log(from) || log(&to)).then_some(Touched::Files(*from, to))
        }
        DiskOp::RenameDir { dir, .. } | DiskOp::RemoveDir { dir } => Some(Touched::Dir(*dir)),
        DiskOp::Append { .. }
        | DiskOp::Sync { .. }
        | DiskOp::OpenDir { .. }
        | DiskOp::SyncDir { .. }
        | DiskOp::Folders
        | DiskOp::List { .. }
        | DiskOp::Read { .. }
        | DiskOp::Unpack { .. } => None,
    }
}

/// How many bytes an append brings.
pub fn appended(op: &DiskOp) -> u64 {
    let DiskOp::Append { bytes, .. } = op else { return 0 };
    bytes.iter().map(|part| part.len() as u64).sum()
}

pub const fn dir_of(op: &DiskOp) -> DirId {
    match op {
        DiskOp::OpenDir { dir, .. }
        | DiskOp::RenameDir { dir, .. }
        | DiskOp::RemoveDir { dir }
        | DiskOp::List { dir }
        | DiskOp::SyncDir { dir } => *dir,
        DiskOp::Create { file }
        | DiskOp::Append { file, .. }
        | DiskOp::Sync { file }
        | DiskOp::Read { file, .. }
        | DiskOp::Truncate { file, .. }
        | DiskOp::Replace { file, .. }
        | DiskOp::Delete { file } => file.dir,
        DiskOp::Rename { from, .. } => from.dir,
        DiskOp::Folders | DiskOp::Unpack { .. } => DirId::ROOT,
    }
}
