//! Chores: retention, segments by age, delayed deletes, flushes, expiry.

use super::pending::Then;
use super::{Log, LogEvent, SyncPolicy};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now, Span, earliest};

/// After so long without an append the tail is given up: with many logs it is most of the memory.
const TAIL_IDLE: Span = Span::from_millis(10_000);
/// When retention looks again after it had to ask the disk.
const RETRY: Span = Span::from_millis(1000);

impl Log {
    /// Moves the start of the log up to `to` (DeleteRecords). Kept over a restart by the node's `log-start-offset-checkpoint`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `to` is beyond `end()` or negative.
    pub fn raise_start(&mut self, now: Now, to: Offset) -> Result<(), Refusal> {
        self.usable()?;
        if to < Offset::ZERO || to > self.end {
            return Err(Refusal::new(ErrorCode::OffsetOutOfRange));
        }
        if to > self.start {
            self.start = to;
            self.epochs.cut_start(to);
            self.dropping_due = Some(now.mono);
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
        if self.appended_at + TAIL_IDLE <= now.mono {
            self.release_tail();
            self.appended_at = now.mono;
        }
        let checks = self.retention_due <= now.mono;
        if !checks && self.dropping_due.is_none_or(|due| due > now.mono) {
            return LogEvent::Nothing;
        }
        if self.cutting.is_some() {
            let due = if checks { &mut self.retention_due } else { self.dropping_due.get_or_insert(now.mono) };
            *due = now.mono + RETRY;
            return LogEvent::Nothing;
        }
        self.dropping_due = None;
        let start = self.start;
        let watermark = watermark.min(self.synced);
        if checks {
            self.check_age(now, out);
        }
        self.retain(now, watermark, checks, out);
        assert!(self.start >= start && self.start <= self.end, "retention moves the start up");
        if self.start > start { LogEvent::StartMoved } else { LogEvent::Nothing }
    }

    /// What a check of retention does beside dropping segments.
    fn check_age(&mut self, now: Now, out: &mut Out) {
        self.retention_due = now.mono + self.config.retention_check;
        self.producers.expire(now.wall.0, self.producer_expiry_ms());
        if self.active().size > 0 && self.active().is_due(&self.config, -1, now.wall) {
            self.roll(now, self.end, out);
        }
    }

    /// When [`Self::on_tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Mono> {
        if !self.is_open() {
            return None;
        }
        let retired = self.retired.front().map(|retired| retired.0);
        let tail = (self.tail.bytes() > 0).then(|| self.appended_at + TAIL_IDLE);
        earliest([Some(self.retention_due), self.dropping_due, retired, self.flush_due, self.cold.deadline(), tail])
    }

    pub(super) fn producer_expiry_ms(&self) -> i64 {
        i64::try_from(self.config.producer_expiry.as_millis()).unwrap_or(i64::MAX)
    }

    fn delete_retired(&mut self, now: Now, out: &mut Out) {
        while let Some((_, name)) = self.retired.pop_front_if(|retired| retired.0 <= now.mono) {
            if !mutant::is(Mutant::RetiredStay) {
                self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
            }
        }
    }

    /// What was acked out of the system's memory comes under the policy that is now: one that is stricter holds for it, too.
    pub(super) fn flush_for(&mut self, now: Mono) {
        if self.unflushed == 0 {
            return;
        }
        let due = match self.config.sync {
            SyncPolicy::Always => Some(now),
            SyncPolicy::Os { flush_messages, .. } if self.unflushed >= flush_messages => Some(now),
            SyncPolicy::Os { flush_ms: i64::MAX, .. } => None,
            SyncPolicy::Os { flush_ms, .. } => Some(now + Span::from_kafka_millis(flush_ms)),
        };
        self.flush_due = earliest([self.flush_due, due]);
    }

    fn flush_if_due(&mut self, now: Now, out: &mut Out) {
        if self.flush_due.is_none_or(|due| due > now.mono) {
            return;
        }
        self.flush_due = None;
        self.unflushed = 0;
        if !mutant::is(Mutant::FlushNeverDue) {
            let file = self.file(FileName::Log(self.active().base));
            self.change(DiskOp::Sync { file }, Then::Nothing, out);
        }
    }

    /// Drops the segments at the front that are below the start or, where retention `checks`, too old or too much
    /// (Kafka: `UnifiedLog.deleteOldSegments`).
    fn retain(&mut self, now: Now, watermark: Offset, checks: bool, out: &mut Out) {
        let mut count = 0;
        let checks = checks && !mutant::is(Mutant::RetentionNever);
        let limit = self.size_limit().filter(|_| checks);
        let mut over = limit.map_or(0, |limit| self.size().saturating_sub(limit));
        for place in 0..self.segments.len() {
            let end = self.segment_end(place);
            let segment = &self.segments[place];
            let last = place + 1 == self.segments.len();
            let below = end <= self.start.plus(i64::from(mutant::is(Mutant::SegmentDroppedEarly))) && !last;
            let too_much =
                (over >= segment.size || mutant::is(Mutant::RetentionTooMuch)) && over > 0 && segment.size > 0;
            if end > watermark && !mutant::is(Mutant::RetentionUncommitted) || (last && segment.size == 0) {
                break;
            }
            if !(below || too_much || (checks && self.is_too_old(now, place, out))) {
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
        if self.config.delete_policy || mutant::is(Mutant::RetentionOfCompacted) {
            u64::try_from(self.config.retention_bytes).ok()
        } else {
            None
        }
    }

    fn is_too_old(&mut self, now: Now, place: usize, out: &mut Out) -> bool {
        if !self.config.delete_policy || self.config.retention_ms < 0 {
            return false;
        }
        // Not known yet: the disk was asked, and retention goes on when it has answered. (What has to be walked through takes a while.)
        let Ok(Some((largest, _))) = self.largest_of(now, place, out) else {
            if self.segments[place].largest.is_none() && self.segments[place].damaged.is_none() {
                self.retention_due = now.mono + RETRY;
                self.retention_waits = true;
            }
            return false;
        };
        let newest = if largest >= 0 && !mutant::is(Mutant::RetentionByCreation) {
            largest
        } else {
            self.segments[place].created.0
        };
        let part = if mutant::is(Mutant::RetentionTooYoung) { 2 } else { 1 };
        now.wall.0.saturating_sub(newest) > self.config.retention_ms / part
    }

    /// Takes the first segments out of the log; their batches stay on disk under another name for a while, for the replies that name them.
    fn retire(&mut self, now: Now, count: usize, out: &mut Out) {
        assert!(count < self.segments.len(), "a segment stays");
        let gone =
            if mutant::is(Mutant::RetiredDeletedAtOnce) { now.mono } else { now.mono + self.config.file_delete_delay };
        let dropped: alloc::vec::Vec<Offset> = self.segments.drain(..count).map(|segment| segment.base).collect();
        let first = self.segments[0].base;
        for base in dropped {
            self.change(
                DiskOp::Rename { from: self.file(FileName::Log(base)), to: FileName::RetiredLog(base) },
                Then::Nothing,
                out,
            );
            for name in [FileName::Index(base), FileName::TimeIndex(base), FileName::TxnIndex(base)]
                .into_iter()
                .filter(|_| !mutant::is(Mutant::RetiredIndexStays))
            {
                self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
            }
            // One after the other, so that a crash leaves no hole.
            self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
            self.retired.push_back((gone, FileName::RetiredLog(base)));
        }
        while let Some((offset, _)) = self
            .snapshots
            .first_key_value()
            .filter(|(offset, _)| **offset < first && !mutant::is(Mutant::OldSnapshotsStay))
        {
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
        out.note(Note::SegmentsDropped {
            dir: self.dir,
            start: self.start,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LeaderEpoch;
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::{batch, config, read_all};
    use crate::log::{LogConfig, Opening, Origin};

    const HOUR: i64 = 3_600_000;

    /// Ten batches, three in a segment, a minute apart.
    fn ten(config: LogConfig) -> Bench {
        let mut bench = Bench::opened(Disk::default(), config, Opening::default());
        for _ in 0..10 {
            let mut bytes = crate::batch::Builder::new();
            bytes.push(bench.now.wall.0, None, Some(&[1; 140]), &[]);
            bench.log.append(bench.now, LeaderEpoch(0), bytes.finish(), Origin::Client, &mut bench.out).unwrap();
            bench.settle();
            bench.pass(Span::from_millis(60_000));
        }
        assert_eq!(bench.log.segments.len(), 4);
        bench
    }

    fn tick(bench: &mut Bench, watermark: i64) -> LogEvent {
        bench.log.retention_due = bench.now.mono;
        let event = bench.log.on_tick(bench.now, Offset(watermark), &mut bench.out);
        bench.settle();
        bench.log.check();
        event
    }

    #[test]
    fn old_segments_go_by_size_but_not_beyond_the_watermark() {
        let size = ten(config()).log.size() as i64;
        let mut bench = ten(LogConfig { retention_bytes: size * 6 / 10, ..config() });
        assert_eq!(tick(&mut bench, 2), LogEvent::Nothing);
        assert_eq!(tick(&mut bench, 10), LogEvent::StartMoved);
        assert_eq!((bench.log.start(), bench.log.segments.len()), (Offset(3), 3));
        assert!(read_all(&mut bench, 500).len() as i64 > size * 6 / 10);
        let from = bench.log.start();
        assert!(bench.log.read(bench.now, Offset(from.0 - 1), Offset(10), 1, true, &mut bench.out).is_err());
    }

    #[test]
    fn old_segments_go_by_time_and_the_last_one_rolls_first() {
        let mut bench = ten(LogConfig { retention_ms: HOUR, ..config() });
        bench.pass(Span::from_millis(HOUR as u64 - 6 * 60_000));
        assert_eq!(tick(&mut bench, 10), LogEvent::StartMoved);
        assert_eq!(bench.log.start(), Offset(3));
        bench.pass(Span::from_millis(2 * HOUR as u64));
        assert_eq!(tick(&mut bench, 10), LogEvent::StartMoved);
        assert_eq!((bench.log.start(), bench.log.end(), bench.log.size()), (Offset(10), Offset(10), 0));
        assert_eq!(tick(&mut bench, 10), LogEvent::Nothing);
        let bench = bench.crash(Opening::default());
        assert_eq!(bench.log.end(), Offset(10));
    }

    #[test]
    fn files_of_dropped_segments_stay_for_a_while() {
        let mut bench = ten(LogConfig { retention_bytes: 1, ..config() });
        tick(&mut bench, 10);
        assert!(bench.disk.names().contains(&FileName::RetiredLog(Offset(0))));
        assert!(!bench.disk.names().contains(&FileName::Index(Offset(0))));
        bench.pass(Span::from_millis(61_000));
        tick(&mut bench, 10);
        assert!(!bench.disk.names().contains(&FileName::RetiredLog(Offset(0))));
    }

    #[test]
    fn timestamps_of_segments_from_another_process_come_from_their_time_index() {
        let mut bench = ten(LogConfig { retention_ms: HOUR, ..config() }).restart();
        assert_eq!(bench.log.segments[0].largest, None);
        bench.pass(Span::from_millis(2 * HOUR as u64));
        // One after the other, each as soon as its index is read, and not one in a second.
        tick(&mut bench, 10);
        while bench.log.start() < Offset(10) {
            assert!(bench.log.next_deadline().is_some_and(|due| due <= bench.now.mono), "it is due at once");
            bench.log.on_tick(bench.now, Offset(10), &mut bench.out);
            bench.settle();
        }
    }

    #[test]
    fn the_start_is_raised_and_whole_segments_below_it_go() {
        let mut bench = ten(config());
        assert!(bench.log.raise_start(bench.now, Offset(11)).is_err());
        assert!(bench.log.raise_start(bench.now, Offset(-1)).is_err());
        bench.log.raise_start(bench.now, Offset(5)).unwrap();
        assert_eq!(bench.log.start(), Offset(5));
        assert!(bench.log.next_deadline().is_some_and(|due| due <= bench.now.mono));
        bench.log.on_tick(bench.now, Offset(10), &mut bench.out);
        bench.settle();
        assert_eq!(bench.log.segments[0].base, Offset(3));
        assert_eq!(bench.log.epoch_end(LeaderEpoch(0)), (LeaderEpoch(0), Offset(10)));
        let start = bench.log.start();
        let bench = bench.crash(Opening { start, ..Opening::default() });
        assert_eq!((bench.log.start(), bench.log.end()), (Offset(5), Offset(10)));
    }

    /// A client that writes records of 1970 and deletes some reads the others until retention looks, as on Kafka.
    #[test]
    fn a_raised_start_does_not_hurry_retention() {
        let mut bench = ten(LogConfig { retention_ms: HOUR, ..config() });
        bench.pass(Span::from_millis(2 * HOUR as u64));
        bench.log.retention_due = bench.now.mono + Span::from_millis(1);
        bench.log.raise_start(bench.now, Offset(5)).unwrap();
        assert_eq!(bench.log.on_tick(bench.now, Offset(10), &mut bench.out), LogEvent::Nothing);
        bench.settle();
        assert_eq!((bench.log.start(), bench.log.segments[0].base), (Offset(5), Offset(3)));
        assert_eq!(tick(&mut bench, 10), LogEvent::StartMoved);
        assert_eq!(bench.log.start(), Offset(10));
    }

    #[test]
    fn a_start_beyond_what_was_recovered_begins_the_log_anew() {
        let opening = Opening { start: Offset(50), committed: Offset(50), ..Opening::default() };
        let bench = ten(config()).crash(opening);
        assert!(bench.log.is_open() && bench.log.doubted().is_none());
        assert_eq!((bench.log.start(), bench.log.end(), bench.log.synced()), (Offset(50), Offset(50), Offset(50)));
    }

    #[test]
    fn a_start_beyond_all_that_was_committed_deletes_nothing() {
        for committed in [0, 10, 49] {
            let (start, committed) = (Offset(50), Offset(committed));
            let mut bench = ten(config()).crash(Opening { start, committed, ..Opening::default() });
            let bounds = (bench.log.start(), bench.log.end(), bench.log.doubted());
            assert_eq!(bounds, (Offset(0), Offset(10), Some(Offset(50))));
            assert_eq!(
                super::super::model::read_all(&mut bench, 300),
                super::super::model::read_all(&mut ten(config()), 300)
            );
            // Where the checkpoint was written anew it is a log like any other.
            let bench = bench.crash(Opening { committed, ..Opening::default() });
            assert_eq!((bench.log.end(), bench.log.doubted()), (Offset(10), None));
        }
    }

    #[test]
    fn a_deadline_that_was_served_is_not_wanted_again() {
        let mut bench = ten(config());
        for _ in 0..20 {
            let Some(due) = bench.log.next_deadline() else { break };
            bench.now.mono = bench.now.mono.max(due);
            bench.log.on_tick(bench.now, Offset(10), &mut bench.out);
            bench.settle();
            assert!(bench.log.next_deadline().is_none_or(|next| next > bench.now.mono));
        }
        assert_eq!(bench.log.tail.bytes(), 0);
    }

    #[test]
    fn a_segment_ages_from_its_first_batch_whoever_wrote_it() {
        let config = LogConfig {
            segment: Span::from_millis(HOUR as u64),
            index_interval_bytes: 100,
            tail_bytes: 1,
            ..LogConfig::default()
        };
        let append = |bench: &mut Bench| {
            let mut bytes = crate::batch::Builder::new();
            bytes.push(bench.now.wall.0, None, Some(&[1; 140]), &[]);
            bench.log.append(bench.now, LeaderEpoch(0), bytes.finish(), Origin::Client, &mut bench.out).unwrap();
            bench.settle();
            bench.pass(Span::from_millis(10 * 60_000));
        };
        let bases =
            |bench: &Bench| bench.log.segments.iter().map(|segment| segment.base.0).collect::<alloc::vec::Vec<_>>();
        let mut bench = Bench::opened(Disk::default(), config, Opening::default());
        for _ in 0..9 {
            append(&mut bench);
            bench = bench.restart();
        }
        assert_eq!(bases(&bench), [0, 7], "it is older than an hour, and no process was");
        // The one before is the last one again: it is as old as it was.
        bench.log.truncate(bench.now, Offset(4), &mut bench.out);
        bench.settle();
        append(&mut bench);
        assert_eq!(bases(&bench), [0, 4]);
    }

    #[test]
    fn a_stricter_policy_holds_for_what_is_there() {
        let never = SyncPolicy::Os { flush_messages: i64::MAX, flush_ms: i64::MAX };
        let policies = [
            (SyncPolicy::Always, 0),
            (SyncPolicy::Os { flush_messages: 2, flush_ms: i64::MAX }, 0),
            (SyncPolicy::Os { flush_messages: 3, flush_ms: 500 }, 500),
        ];
        for (sync, after) in policies {
            let of = |sync| LogConfig { sync, ..LogConfig::default() };
            let mut bench = Bench::opened(Disk::default(), of(never), Opening::default());
            for _ in 0..2 {
                let bytes = batch(b"v", 1, None);
                bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
            }
            bench.settle();
            bench.log.on_tick(bench.now, Offset(2), &mut bench.out);
            assert_eq!(bench.log.flush_due, None);
            bench.log.configure(bench.now.mono, of(sync));
            bench.pass(Span::from_millis(after));
            assert!(bench.log.next_deadline().is_some_and(|due| due <= bench.now.mono), "{sync:?}");
            bench.log.on_tick(bench.now, Offset(2), &mut bench.out);
            let synced = core::iter::from_fn(|| bench.out.pop())
                .any(|output| matches!(output, crate::io::Output::Disk { op: DiskOp::Sync { .. }, .. }));
            assert!(synced, "{sync:?}");
            assert_eq!((bench.log.unflushed, bench.log.flush_due), (0, None));
        }
    }

    #[test]
    fn flushes_come_after_records_and_after_time() {
        let sync = SyncPolicy::Os { flush_messages: 3, flush_ms: 1000 };
        let mut bench = Bench::opened(Disk::default(), LogConfig { sync, ..LogConfig::default() }, Opening::default());
        let mut syncs = alloc::vec::Vec::new();
        for _ in 0..4 {
            bench.log.append(bench.now, LeaderEpoch(0), batch(b"v", 1, None), Origin::Client, &mut bench.out).unwrap();
            while let Some(crate::io::Output::Disk { op: DiskOp::Append { sync, .. }, .. }) = bench.out.pop() {
                syncs.push(sync);
            }
        }
        assert_eq!(syncs, [false, false, true, false]);
        bench.pass(Span::from_millis(1000));
        bench.log.on_tick(bench.now, Offset(0), &mut bench.out);
        let synced = core::iter::from_fn(|| bench.out.pop())
            .any(|output| matches!(output, crate::io::Output::Disk { op: DiskOp::Sync { .. }, .. }));
        assert!(synced);
    }
}
