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
        if !mutant::is(Mutant::EpochsNotWritten) {
            self.write_epochs(out);
        }
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
        if !mutant::is(Mutant::RollUnsynced) {
            self.change(DiskOp::Sync { file: self.file(FileName::Log(base)) }, Then::Nothing, out);
        }
        self.unflushed = 0;
        self.flush_due = None;
        let segment = self.active_mut();
        if !mutant::is(Mutant::SealForgetsTime) {
            segment.push_largest();
        }
        let (offsets, times) = (segment.index.offsets_file(), segment.index.times_file());
        segment.index_files = (offsets.len() as u64, times.len() as u64);
        segment.believed = segment.size;
        self.change(DiskOp::Replace { file: self.file(FileName::Index(base)), bytes: offsets }, Then::Nothing, out);
        self.change(DiskOp::Replace { file: self.file(FileName::TimeIndex(base)), bytes: times }, Then::Nothing, out);
    }

    /// Writes the producers as of `end()`. Not while they are being read again, nor if that met what it could not read: recovery then
    /// begins at an older snapshot.
    pub(super) fn write_snapshot(&mut self, out: &mut Out) {
        if self.replay.is_none() && !self.producers_gap {
            let file = self.file(FileName::ProducerSnapshot(self.end));
            let bytes = snapshot::write(&self.producers);
            self.snapshots.insert(self.end, bytes.len() as u64);
            self.change(DiskOp::Replace { file, bytes }, Then::Nothing, out);
        }
    }

    /// Makes all durable for a clean [`Self::open`]: [`LogEvent::Closed`] is returned, or comes when the disk is done. Appends are
    /// refused from now on. A truncation that still looks for its place ends first: cut at any other place, the log would lack records
    /// that others count on this replica for.
    #[must_use = "a log that did not change is closed at once"]
    pub fn close(&mut self, out: &mut Out) -> LogEvent {
        if !self.is_open() {
            return LogEvent::Nothing;
        }
        if !self.changed {
            self.phase = Phase::Closed;
            return LogEvent::Closed;
        }
        self.phase = Phase::Closing;
        if self.cutting.is_none() {
            self.finish_close(out);
        }
        LogEvent::Nothing
    }

    /// Where the log ends is known: writes all that a clean open reads.
    pub(super) fn finish_close(&mut self, out: &mut Out) {
        assert!(matches!(self.phase, Phase::Closing) && self.cutting.is_none(), "closing, and not being cut");
        self.seal_active(out);
        self.epochs.cut_end(self.end);
        if !mutant::is(Mutant::CloseEpochsUnwritten) {
            self.write_epochs(out);
        }
        self.write_snapshot(out);
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Closed, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Bench, Disk};
    use super::super::model::{batch, read_all};
    use super::super::{LogConfig, Opening, Origin};
    use super::*;
    use crate::id::LeaderEpoch;

    /// Twenty batches that lie in one file, with few places known, and none of the first in memory.
    fn twenty() -> Bench {
        let config =
            LogConfig { segment_bytes: 100_000, index_interval_bytes: 1000, tail_bytes: 1, ..Default::default() };
        let mut bench = Bench::opened(Disk::default(), config, Opening::default());
        for value in 0..20u8 {
            let bytes = batch(&[value; 110], 1, None);
            bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
            bench.settle();
        }
        bench
    }

    #[test]
    fn a_log_that_closes_while_it_is_being_cut_keeps_all_that_was_not_to_go() {
        let mut bench = twenty();
        let whole = read_all(&mut bench, 10_000);
        // In a new process no place in the file is known but those of the index.
        let mut bench = bench.restart();
        let to = Offset(5);
        bench.log.truncate(bench.now, to, &mut bench.out);
        assert!(!bench.log.is_settled(), "the place of the cut has to be looked up");
        let mut bench = bench.restart();
        assert_eq!(bench.log.end(), to);
        let kept = read_all(&mut bench, 10_000);
        assert_eq!((kept.len(), &kept[..]), (whole.len() / 4, &whole[..whole.len() / 4]));
    }

    #[test]
    fn a_log_that_closes_while_it_is_being_cut_fails_rather_than_cut_anywhere() {
        let mut bench = twenty().restart();
        bench.log.truncate(bench.now, Offset(5), &mut bench.out);
        assert_eq!(bench.log.close(&mut bench.out), LogEvent::Nothing);
        bench.disk.fail_at = Some(bench.disk.count + 1);
        bench.settle();
        assert!(!bench.log.is_closed() && bench.log.fault().is_some());
        assert!(bench.events.iter().any(|event| matches!(event, LogEvent::Failed(_))));
    }
}
