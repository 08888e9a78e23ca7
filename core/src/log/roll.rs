//! The end of a segment and the beginning of the next one; the end of the log's life in this process.

use super::pending::Then;
use super::segment::Segment;
use super::{Log, LogEvent, Phase, snapshot};
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;

impl Log {
    /// Closes the active segment and begins one at `base`.
    ///
    /// The old segment, its indexes, the producers as of its end and the new name are durable before the new segment takes a byte
    /// (operations of a folder take effect in order): recovery needs to look at the last segment only.
    pub(super) fn roll(&mut self, now: Now, base: Offset, out: &mut Out) {
        assert!(base >= self.end && base > self.active().base, "segments rise");
        self.changed = true;
        self.seal_active(out);
        self.active_mut().index.thin();
        self.write_epochs(out);
        self.write_snapshot(out);
        self.change(DiskOp::Create { file: self.file(FileName::Log(base)) }, Then::Nothing, out);
        if !mutant::is(Mutant::NoDirSyncOnRoll) {
            self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
        }
        self.segments.push(Segment::new(base, now.wall));
        out.note(Note::SegmentRolled { dir: self.dir, base });
    }

    /// Makes the active segment and its indexes durable as they are.
    fn seal_active(&mut self, out: &mut Out) {
        let base = self.active().base;
        self.change(DiskOp::Sync { file: self.file(FileName::Log(base)) }, Then::Nothing, out);
        self.unflushed = 0;
        self.flush_due = None;
        let segment = self.active_mut();
        segment.push_largest();
        let (offsets, times) = (segment.index.offsets_file(), segment.index.times_file());
        segment.index_files = (offsets.len() as u64, times.len() as u64);
        segment.believed = segment.size;
        self.change(DiskOp::Replace { file: self.file(FileName::Index(base)), bytes: offsets }, Then::Nothing, out);
        self.change(DiskOp::Replace { file: self.file(FileName::TimeIndex(base)), bytes: times }, Then::Nothing, out);
    }

    /// Writes the producers as of `end()`. Not while they are being read again: recovery then begins at an older snapshot.
    fn write_snapshot(&mut self, out: &mut Out) {
        if self.replay.is_none() {
            let file = self.file(FileName::ProducerSnapshot(self.end));
            let bytes = snapshot::write(&self.producers);
            self.snapshots.insert(self.end, bytes.len() as u64);
            self.change(DiskOp::Replace { file, bytes }, Then::Nothing, out);
        }
    }

    /// Makes all durable for a clean [`Self::open`]: [`LogEvent::Closed`] is returned, or comes when the disk is done. Appends are
    /// refused from now on.
    #[must_use = "a log that did not change is closed at once"]
    pub fn close(&mut self, now: Now, out: &mut Out) -> LogEvent {
        if !self.is_open() {
            return LogEvent::Nothing;
        }
        if !self.changed {
            self.phase = Phase::Closed;
            return LogEvent::Closed;
        }
        self.cut_now(now, out);
        self.phase = Phase::Closing;
        self.seal_active(out);
        self.epochs.cut_end(self.end);
        self.write_epochs(out);
        self.write_snapshot(out);
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Closed, out);
        LogEvent::Nothing
    }
}
