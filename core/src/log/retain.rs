//! Chores: retention, segments by age, delayed deletes, flushes, expiry.

use super::settle::Then;
use super::{Log, LogEvent, SyncPolicy};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Note, Out};
use crate::time::{Mono, Now};

impl Log {
    /// Moves the start of the log up to `to` (DeleteRecords). Kept over a restart by the node's `log-start-offset-checkpoint`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `to` is beyond `end()` or negative.
    pub fn raise_start(&mut self, now: Now, to: Offset, _out: &mut Out) -> Result<(), Refusal> {
        self.usable()?;
        if to < Offset::ZERO || to > self.end {
            return Err(Refusal::new(ErrorCode::OffsetOutOfRange));
        }
        if to > self.start {
            self.start = to;
            self.epochs.cut_start(to);
            self.retention_due = now.mono;
        }
        Ok(())
    }

    /// Chores: rolls by time, retention (below `watermark` only), delayed deletes, flushes, expiry of producers.
    pub fn on_tick(&mut self, now: Now, watermark: Offset, out: &mut Out) -> LogEvent {
        if !self.is_open() {
            return LogEvent::Nothing;
        }
        self.cold.forget_idle(now.mono);
        self.delete_retired(now, out);
        self.flush_if_due(now, out);
        if self.retention_due > now.mono || self.cutting.is_some() {
            return LogEvent::Nothing;
        }
        self.retention_due = now.mono + self.config.retention_check;
        self.producers.expire(now.wall.0, self.producer_expiry_ms());
        if self.active().size > 0 && self.active().is_due(&self.config, -1, now.wall) {
            self.roll(now, self.end, out);
        }
        let start = self.start;
        let watermark = watermark.min(self.synced);
        self.retain(now, watermark, out);
        assert!(self.start >= start && self.start <= self.end, "retention moves the start up");
        if self.start > start { LogEvent::StartMoved } else { LogEvent::Nothing }
    }

    /// When [`Self::on_tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Mono> {
        if !self.is_open() {
            return None;
        }
        let retired = self.retired.front().map(|retired| retired.0);
        [Some(self.retention_due), retired, self.flush_due, self.cold.deadline()].into_iter().flatten().min()
    }

    pub(super) fn producer_expiry_ms(&self) -> i64 {
        i64::try_from(self.config.producer_expiry.as_millis()).unwrap_or(i64::MAX)
    }

    fn delete_retired(&mut self, now: Now, out: &mut Out) {
        while let Some((_, name)) = self.retired.pop_front_if(|retired| retired.0 <= now.mono) {
            self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
        }
    }

    fn flush_if_due(&mut self, now: Now, out: &mut Out) {
        if self.flush_due.is_some_and(|due| due <= now.mono) && matches!(self.config.sync, SyncPolicy::Os { .. }) {
            self.flush_due = None;
            self.unflushed = 0;
            let file = self.file(FileName::Log(self.active().base));
            self.change(DiskOp::Sync { file }, Then::Nothing, out);
        }
    }

    /// Drops the segments at the front that are too old, too much, or below the start (Kafka: `UnifiedLog.deleteOldSegments`).
    fn retain(&mut self, now: Now, watermark: Offset, out: &mut Out) {
        let mut count = 0;
        let mut over = self.size_limit().map_or(0, |limit| self.size().saturating_sub(limit));
        for place in 0..self.segments.len() {
            let end = self.segment_end(place);
            let segment = &self.segments[place];
            let last = place + 1 == self.segments.len();
            let below = end <= self.start && !last;
            let too_much = over >= segment.size && over > 0 && segment.size > 0;
            if end > watermark || (last && segment.size == 0) {
                break;
            }
            if !(below || too_much || self.is_too_old(now, place, out)) {
                break;
            }
            over = over.saturating_sub(self.segments[place].size);
            count += 1;
        }
        if count == 0 {
            return;
        }
        if count == self.segments.len() {
            self.roll(now, self.end, out);
        }
        self.retire(now, count, out);
    }

    fn size_limit(&self) -> Option<u64> {
        if self.config.delete_policy { u64::try_from(self.config.retention_bytes).ok() } else { None }
    }

    fn is_too_old(&mut self, now: Now, place: usize, out: &mut Out) -> bool {
        if !self.config.delete_policy || self.config.retention_ms < 0 {
            return false;
        }
        // Not known yet: the disk was asked, and the next check will know.
        let Ok(Some((largest, _))) = self.largest_of(now, place, out) else {
            if self.segments[place].largest.is_none() && self.segments[place].damaged.is_none() {
                self.retention_due = now.mono + crate::time::Span::from_millis(1000);
            }
            return false;
        };
        let newest = if largest >= 0 { largest } else { self.segments[place].created.0 };
        now.wall.0.saturating_sub(newest) > self.config.retention_ms
    }

    /// Takes the first segments out of the log; their batches stay on disk under another name for a while, for the replies that name them.
    fn retire(&mut self, now: Now, count: usize, out: &mut Out) {
        assert!(count < self.segments.len(), "a segment stays");
        let gone = now.mono + self.config.file_delete_delay;
        let dropped: alloc::vec::Vec<Offset> = self.segments.drain(..count).map(|segment| segment.base).collect();
        let first = self.segments[0].base;
        for base in dropped {
            self.change(DiskOp::Rename { from: self.file(FileName::Log(base)), to: FileName::RetiredLog(base) }, Then::Nothing, out);
            for name in [FileName::Index(base), FileName::TimeIndex(base), FileName::TxnIndex(base)] {
                self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
            }
            // One after the other, so that a crash leaves no hole.
            self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
            self.retired.push_back((gone, FileName::RetiredLog(base)));
        }
        while let Some((offset, _)) = self.snapshots.first_key_value().filter(|(offset, _)| **offset < first) {
            let offset = *offset;
            self.snapshots.remove(&offset);
            self.change(DiskOp::Delete { file: self.file(FileName::ProducerSnapshot(offset)) }, Then::Nothing, out);
        }
        while self.tail.front().is_some_and(|front| front.segment < first) {
            self.tail.pop_front();
        }
        self.changed = true;
        self.start = self.start.max(first);
        self.epochs.cut_start(self.start);
        out.note(Note::SegmentsDropped { dir: self.dir, start: self.start, count: u32::try_from(count).unwrap_or(u32::MAX) });
    }
}
