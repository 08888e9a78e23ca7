//! What is committed, and its way to the layer above.

use super::answer::Committed;
use super::machine::Quorum;
use super::role::Role;
use super::snapshot_file::{self, SnapshotId};
use crate::batch::{Header, Records};
use crate::id::Offset;
use crate::io::Out;
use crate::log::Loading;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;

/// How much is read ahead of the layer above.
const READ_BYTES: usize = 1 << 20;

/// A batch as the layer above gets it; `None`: it is malformed.
fn unpack(batch: &Bytes) -> Option<Committed> {
    let header = Header::read(batch)?;
    let mut records = Vec::new();
    if !header.is_control() {
        for record in Records::of(batch).ok()? {
            records.push(batch.slice_ref(record.ok()?.value?));
        }
    }
    let (base, last, epoch) = (header.base_offset(), header.last_offset(), header.leader_epoch());
    Some(Committed::Batch { base, last, epoch, records })
}

impl Quorum {
    /// What `next_committed` gives out next.
    pub fn next_offset(&self) -> Offset {
        self.drain.next
    }

    /// Whether this node leads, and `next_committed` has given out all that was there before its epoch began:
    /// only then may the layer above decide anything.
    pub fn is_drained(&self) -> bool {
        match &self.role {
            Role::Leader(role) => {
                self.drain.snapshot.is_none()
                    && (self.drain.next > role.epoch_start || mutant::is(Mutant::ActivateBeforeDrained))
            }
            Role::Unattached(_) | Role::Prospective(_) | Role::Candidate(_) | Role::Follower(_) | Role::Resigned(_) => {
                false
            }
        }
    }

    /// The next piece of the committed log, in order; after the start, and after a snapshot was installed, a snapshot first.
    pub fn next_committed(&mut self, now: Now, out: &mut Out) -> Committed {
        // A node that stops before it has read all that was committed reads it the next time (seed 92076 of the full stack).
        if self.closing || self.journal().is_none() {
            return Committed::None;
        }
        if let Some(id) = self.drain.snapshot {
            return self.next_snapshot(id, out);
        }
        while self.drain.next < self.watermark {
            let (next, watermark) = (self.drain.next, self.watermark);
            if let Some(batch) = self.drain.ready.pop_front() {
                let len = batch.len() as u64;
                match unpack(&batch) {
                    Some(Committed::Batch { last, .. }) if last < next => {}
                    Some(Committed::Batch { base, last, .. }) if base > next || last >= watermark => {
                        self.fail(format!("the metadata log has a batch from {base} to {last} where {next} is wanted"));
                        return Committed::None;
                    }
                    Some(committed @ Committed::Batch { last, .. }) => {
                        self.drain.next = last.plus(1);
                        self.behind_snapshot += len;
                        return committed;
                    }
                    Some(Committed::Snapshot { .. } | Committed::Wait | Committed::None) | None => {
                        self.fail(format!("the metadata log's batch at {next} is malformed"));
                        return Committed::None;
                    }
                }
                continue;
            }
            let Some(journal) = self.journal_mut() else { return Committed::None };
            match journal.log.load(now, next, watermark, READ_BYTES, out) {
                Ok(Loading::Batches(batches)) if batches.is_empty() => return Committed::None,
                Ok(Loading::Batches(batches)) => self.drain.ready = batches.into(),
                Ok(Loading::Wait) => return Committed::Wait,
                Ok(Loading::End) => return Committed::None,
                Err(why) => {
                    self.fail(format!("the metadata log cannot be read at {next}: {why}"));
                    return Committed::None;
                }
            }
        }
        Committed::None
    }

    fn next_snapshot(&mut self, id: SnapshotId, out: &mut Out) -> Committed {
        match &self.warm_snapshot {
            Some((warm, file, _)) if *warm == id => match snapshot_file::unwrap(file) {
                Ok(bytes) => {
                    self.drain.snapshot = None;
                    Committed::Snapshot { offset: id.offset, epoch: id.epoch, bytes }
                }
                Err(why) => {
                    self.fail(format!("snapshot {id} is {why}"));
                    Committed::None
                }
            },
            Some(_) | None => {
                self.warm_up(id, out);
                Committed::Wait
            }
        }
    }

    /// A leader counts who has what, and moves the watermark.
    pub(super) fn advance(&mut self) {
        let Some(journal) = self.journal() else { return };
        let end = journal.log.end();
        let own = if mutant::is(Mutant::WatermarkUnsynced) { end } else { journal.log.synced() };
        let Role::Leader(role) = &mut self.role else { return };
        let Some(committed) = role.committed(own) else { return };
        assert!(committed <= end, "{committed} is committed of a log that ends at {end}");
        if committed > self.watermark {
            role.established = true;
            self.raise_watermark(committed);
        }
    }

    pub(super) fn raise_watermark(&mut self, to: Offset) {
        if to > self.watermark {
            self.watermark = to;
            self.changes.committed = true;
            self.changes.ask_again = true;
        }
    }
}
