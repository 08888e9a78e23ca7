//! The way of what is committed to the layer above.

use super::snapshot_file::SnapshotId;
use crate::id::Offset;
use alloc::collections::VecDeque;
use bytes::Bytes;

/// Where the layer above stands.
///
/// **Invariant**: `next` never passes the watermark, and goes back only to a snapshot's offset.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    pub next: Offset,
    /// It gets this one first.
    pub snapshot: Option<SnapshotId>,
    /// Committed batches that were read already, the first of them at or before `next`.
    pub ready: VecDeque<Bytes>,
}

impl Drain {
    /// The snapshot stands for all that was before.
    pub fn begin_with(&mut self, id: SnapshotId) {
        self.snapshot = Some(id);
        self.next = id.offset;
        self.ready.clear();
    }
}
