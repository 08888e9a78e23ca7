//! What a crash takes.

use esker_core::io::{DiskOp, FileId, FileName};
use serde::{Deserialize, Serialize};

/// What a crash does to what was not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Only the process died: the page cache is whole.
    Nothing,
    /// All is lost.
    All,
    /// A first part was written, up to any byte.
    Torn,
    /// Some pages were written, in no order.
    Pages,
}

/// What is left of an operation whose last step, making it durable, did not happen.
pub(super) fn without_sync(op: DiskOp) -> DiskOp {
    match op {
        DiskOp::Append { file, at, bytes, .. } => DiskOp::Append { file, at, bytes, sync: false },
        // An append of nothing: the file must be there, and stays as it is.
        DiskOp::Sync { file } => DiskOp::Append { file, at: 0, bytes: Vec::new(), sync: false },
        DiskOp::SyncDir { dir } => DiskOp::Delete { file: FileId::new(dir, FileName::CleanShutdown) },
        other => other,
    }
}
