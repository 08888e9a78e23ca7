//! Cuts: a follower's log back to where it agrees with its leader's, or away altogether.
//!
//! Names that go are made durable before any byte changes, the last segment first: at no moment a crash leaves a later segment
//! behind a cut one.

use super::cold::{Asked, CHUNK_BYTES};
use super::find::Sought;
use super::pending::Then;
use super::replay::{Replay, TRIES};
use super::segment::Segment;
use super::{Loading, Log, Phase, Producers, append, snapshot};
use crate::batch::Header;
use crate::error::Refusal;
use crate::id::Offset;
use crate::io::{DiskDone, DiskFault, DiskOp, FileName, Note, Out};
use crate::limits::PRODUCERS_TOLD_MAX;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use bytes::Bytes;

impl Log {
    /// Cuts the log back so that it ends at `to`, or at the start of the batch that holds `to`. `end()`, `synced()`, epochs, producers
    /// and indexes follow. Only epochs without a record if `to >= end()`; everything ([`Self::restart_at`]) if `to` is below all segments.
    ///
    /// Where the place of `to` has to be looked up on disk, `end()` is `to` at once (or where its batch begins, if that is known), and
    /// [`Self::is_settled`] is false until it is found.
    pub fn truncate(&mut self, now: Now, to: Offset, out: &mut Out) {
        if self.usable().is_err() {
            return;
        }
        if to >= self.end {
            // An epoch that began here and has no record is not the leader's either (Kafka's `UnifiedLog.truncateTo`).
            self.epochs.cut_end(to);
            return;
        }
        if to < self.segments[0].base {
            self.restart_at(now, to, out);
            return;
        }
        self.changed = true;
        let place = self.segment_of(to);
        let in_tail = self
            .tail
            .from(to)
            .and_then(|mut batches| batches.next())
            .map(|batch| (batch.segment, batch.at, batch.first));
        let segment = &self.segments[place];
        let found = if to == segment.base {
            Some((0, to))
        } else if let Some((_, at, first)) = in_tail.filter(|found| found.0 == segment.base) {
            Some((at, first.min(to)))
        } else {
            let exact = super::index::relative(segment.base, to).and_then(|to| segment.index.exact(to));
            exact.map(|at| (u64::from(at), to))
        };
        // Of a batch that goes as a whole it goes at once, whatever is still to be looked for.
        let end = found.map_or(to, |found| found.1);
        // Where the largest timestamp that stays is not known, it is looked for as the place is.
        let found = found.filter(|(at, first)| self.tells_times(place, *first, *at));
        out.note(Note::LogTruncated { dir: self.dir, from: self.end, to });
        self.drop_after(place, out);
        if !mutant::is(Mutant::SnapshotsNotCut) {
            self.drop_snapshots_beyond(to, out);
        }
        self.lower_end(end);
        match found {
            Some((at, _)) => self.cut_active(now, at, None, out),
            None => {
                // A place that is known to be damaged is read again: that it is damaged is told when the disk answers.
                let segment = &mut self.segments[place];
                let floor = super::index::relative(segment.base, to).map_or(0, |to| segment.index.floor(to));
                segment.damaged = segment.damaged.filter(|at| *at != u64::from(floor));
                self.cutting = Some(to);
                self.proceed_cut(now, out);
            }
        }
    }

    /// Whether batches that were deleted are in the files still.
    pub fn has_deleted(&self) -> bool {
        self.segments.first().is_some_and(|segment| segment.base < self.start)
    }

    /// No truncation is looking for its place, and the producers are known.
    pub fn is_settled(&self) -> bool {
        self.cutting.is_none() && self.replay.is_none()
    }

    /// Drops everything and begins anew at `offset`.
    pub fn restart_at(&mut self, now: Now, offset: Offset, out: &mut Out) {
        self.begin_anew(now, offset, Producers::default(), out);
    }

    /// Begins anew at `offset`, as [`Self::restart_at`], and keeps what is known of the producers' batches before it: they are
    /// committed and deleted, and may be sent again all the same.
    pub fn restart_keeping(&mut self, now: Now, offset: Offset, out: &mut Out) {
        let known = if mutant::is(Mutant::RestartKeepsAll) {
            self.producers.clone()
        } else if self.replay.is_none() {
            self.producers.before(offset)
        } else {
            Producers::default()
        };
        self.begin_anew(now, offset, known, out);
    }

    /// Begins anew at `offset`, as [`Self::restart_at`], with what another replica knows of the producers
    /// ([`Self::producers_at_start`]); with nothing, if that is damaged.
    pub fn restart_with(&mut self, now: Now, offset: Offset, producers: &[u8], out: &mut Out) {
        let known = snapshot::read(producers).unwrap_or_default().before(offset);
        self.begin_anew(now, offset, known, out);
    }

    /// The producers' batches before the log's start that are remembered, in the format of a producer snapshot: what a replica has to
    /// know that begins there. `None`: there are none, or they are being read.
    pub fn producers_at_start(&self) -> Option<Bytes> {
        let known = self.producers.before(self.start).newest(PRODUCERS_TOLD_MAX);
        let known = (self.replay.is_none() && known.iter().len() > 0).then_some(known)?;
        Some(snapshot::write(&known))
    }

    fn begin_anew(&mut self, now: Now, offset: Offset, known: Producers, out: &mut Out) {
        if self.usable().is_err() {
            return;
        }
        assert!(offset >= Offset::ZERO, "offsets are not negative");
        out.note(Note::LogTruncated { dir: self.dir, from: self.end, to: offset });
        self.rebuild_at(now, offset, known, out);
    }

    pub(super) fn rebuild_at(&mut self, now: Now, offset: Offset, known: Producers, out: &mut Out) {
        self.changed = true;
        self.cutting = None;
        self.replay = None;
        for segment in core::mem::take(&mut self.segments).iter().rev() {
            self.delete_segment(segment.base, out);
        }
        for snapshot in
            core::mem::take(&mut self.snapshots).into_keys().filter(|_| !mutant::is(Mutant::RestartKeepsSnapshots))
        {
            self.change(DiskOp::Delete { file: self.file(FileName::ProducerSnapshot(snapshot)) }, Then::Nothing, out);
        }
        self.lower_end(offset.min(self.end));
        self.tail.cut(Offset::ZERO);
        self.epochs.clear();
        self.producers = known;
        self.producers_gap = false;
        (self.start, self.end, self.synced) = (offset, offset, offset);
        self.segments.push(Segment::new(offset, now.wall));
        self.write_epochs(out);
        if self.producers.iter().len() > 0 {
            self.write_snapshot(out);
        }
        self.change(DiskOp::Create { file: self.file(FileName::Log(offset)) }, Then::Nothing, out);
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
    }

    /// Deletes the files of a segment; their names are gone for good before anything else happens.
    pub(super) fn delete_segment(&mut self, base: Offset, out: &mut Out) {
        for write in &mut self.pending {
            if let Then::Written { segment, .. } = &mut write.then
                && segment.is_some_and(|segment| segment.0 == base)
            {
                *segment = None;
            }
        }
        for name in [FileName::Log(base), FileName::Index(base), FileName::TimeIndex(base), FileName::TxnIndex(base)] {
            self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
        }
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
    }

    fn drop_after(&mut self, place: usize, out: &mut Out) {
        while self.segments.len() > place + 1 {
            let Some(segment) = self.segments.pop() else { break };
            self.delete_segment(segment.base, out);
        }
    }

    fn drop_snapshots_beyond(&mut self, to: Offset, out: &mut Out) {
        let beyond = self.snapshots.split_off(&to.plus(1));
        if beyond.is_empty() {
            return;
        }
        for snapshot in beyond.into_keys() {
            self.change(DiskOp::Delete { file: self.file(FileName::ProducerSnapshot(snapshot)) }, Then::Nothing, out);
        }
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
    }

    /// The log ends at `end` from now on, for whoever asks and for whatever completes.
    fn lower_end(&mut self, end: Offset) {
        if !mutant::is(Mutant::StaleChunk) {
            self.cold.forget();
        }
        self.end = end;
        self.synced = self.synced.min(end);
        self.start = self.start.min(end);
        self.tail.cut(end);
        self.epochs.cut_end(end);
        for write in &mut self.pending {
            if let Then::Written { end: written, .. } = &mut write.then {
                *written = if mutant::is(Mutant::CutForgetsPending) { *written } else { (*written).min(end) };
            }
        }
    }

    /// Whether what is in memory tells the largest timestamp before a cut at byte `at` and offset `first`: the time index has it of all up
    /// to the batch of its last offset entry. What is not written yet cannot be read back.
    fn tells_times(&self, place: usize, first: Offset, at: u64) -> bool {
        let segment = &self.segments[place];
        if at == 0 || at >= segment.written || segment.largest.is_some_and(|largest| largest.1 < first) {
            return true;
        }
        let before = super::index::relative(segment.base, first).map_or(0, |first| first.saturating_sub(1));
        let floor = u64::from(segment.index.floor(before));
        let front = self.tail.front();
        segment.loaded && front.is_some_and(|front| front.segment < segment.base || front.at <= floor)
    }

    /// Cuts the last segment at byte `at`; `end` is right already. `seen`: the largest timestamp of the batches between the last index entry
    /// and the cut, and the last offset of its batch, where they were read back.
    fn cut_active(&mut self, now: Now, at: u64, seen: Option<(i64, Offset)>, out: &mut Out) {
        self.cutting = None;
        let end = self.end;
        let segment = self.active_mut();
        segment.cut(at, end);
        let base = segment.base;
        let on_index = segment.index.last_time().map_or((-1, base), |last| (last.0, base.plus(i64::from(last.1))));
        // What was the largest is so still, if it stays. Else the largest may lie behind the last entry of the time index.
        let known = segment.largest.unwrap_or(on_index);
        let in_tail = self.tail.from(self.tail.front().map_or(end, |front| front.first)).into_iter().flatten();
        let in_tail = in_tail
            .filter(|batch| batch.segment == base)
            .filter_map(|batch| Some((Header::read(&batch.parts[0])?.max_timestamp(), batch.last)));
        let first_largest =
            |largest: (i64, Offset), next: (i64, Offset)| if next.0 > largest.0 { next } else { largest };
        let largest = seen.into_iter().chain(in_tail).fold(known, first_largest);
        self.active_mut().largest = Some(largest);
        for write in &mut self.pending {
            if let Then::Written { segment: Some((of, upto)), .. } = &mut write.then
                && *of == base
            {
                *upto = (*upto).min(at);
            }
        }
        self.write_epochs(out);
        self.ask_first(out);
        self.change(DiskOp::Truncate { file: self.file(FileName::Log(base)), len: at }, Then::Cut, out);
        let reach = self.producers.reach(self.end) && !mutant::is(Mutant::ProducersNotCut);
        if self.replay.is_some() || reach {
            self.begin_replay(now, out);
        }
    }

    /// Looks for the place of a cut, as far as what was read back tells.
    pub(super) fn proceed_cut(&mut self, now: Now, out: &mut Out) {
        let Some(to) = self.cutting else { return };
        let place = self.segments.len() - 1;
        match self.seek(now, place, to, CHUNK_BYTES.0 as usize, out) {
            Ok(Sought::Wait) => {}
            Ok(Sought::Here(chunk)) => {
                let (at, rest, _) = chunk.slice(to, Offset(i64::MAX), usize::MAX, true);
                let first = Header::read(&rest).map_or(to, |header| header.base_offset());
                let seen = match self.seek_before(now, place, (first, at), out) {
                    Ok(Sought::Here(before)) => before.largest_before(at),
                    Ok(Sought::Past) => None,
                    Ok(Sought::Wait) => return,
                    // The times are of less worth than what stays.
                    Err(_) => None,
                };
                self.lower_end(first.min(to));
                self.cut_active(now, at, seen, out);
            }
            Ok(Sought::Past) => {
                let size = self.segments[place].size;
                self.cut_active(now, size, None, out);
            }
            // Where the cut lies cannot be found out. Anything but stopping would take away records that others count on
            // this replica for (seed 1258).
            Err(_) => self.phase = Phase::Failed(DiskFault::Io),
        }
    }

    /// The bytes before a cut, from the last index entry that stays on.
    fn seek_before(&mut self, now: Now, place: usize, cut: (Offset, u64), out: &mut Out) -> Result<Sought, Refusal> {
        let (first, at) = cut;
        if self.tells_times(place, first, at) {
            return Ok(Sought::Past);
        }
        self.seek(now, place, first.plus(-1), CHUNK_BYTES.0 as usize, out)
    }

    /// Reads the producers again: the newest snapshot, and the batches behind it. The cut was issued last.
    fn begin_replay(&mut self, now: Now, out: &mut Out) {
        let next = if self.snapshots.is_empty() { Some(self.segments[0].base) } else { None };
        let replay = Replay { producers: Producers::default(), next, behind: self.serial, failed: 0, gaps: false };
        self.replay = Some(alloc::boxed::Box::new(replay));
        self.proceed_replay(now, out);
    }

    /// The cut has taken effect, and so has all before it.
    pub(super) fn on_cut(&mut self, now: Now, serial: u64, out: &mut Out) {
        if self.replay.as_ref().is_some_and(|replay| replay.behind == serial && replay.next.is_none()) {
            self.ask_replay_snapshot(now, out);
        }
    }

    fn ask_replay_snapshot(&mut self, now: Now, out: &mut Out) {
        if let Some((offset, len)) = self.snapshots.last_key_value().map(|(offset, len)| (*offset, *len)) {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            let file = self.file(FileName::ProducerSnapshot(offset));
            self.ask(DiskOp::Read { file, at: 0, len }, Asked::Snapshot { offset }, out);
            return;
        }
        let first = self.segments[0].base;
        if let Some(replay) = self.replay.as_mut() {
            replay.next = Some(first);
        }
        self.proceed_replay(now, out);
    }

    pub(super) fn on_replay_snapshot(
        &mut self,
        now: Now,
        offset: Offset,
        result: Result<DiskDone, DiskFault>,
        out: &mut Out,
    ) -> super::LogEvent {
        let read = match result {
            Ok(DiskDone::Bytes(bytes)) => snapshot::read(&bytes),
            Ok(_) | Err(_) => None,
        };
        match (read, self.replay.as_mut()) {
            (Some(producers), Some(replay)) => {
                (replay.producers, replay.next) =
                    (producers, Some(offset.plus(i64::from(mutant::is(Mutant::ReplaySkipsBatch)))));
                self.proceed_replay(now, out);
            }
            (None, Some(_)) => {
                self.snapshots.remove(&offset);
                self.change(DiskOp::Delete { file: self.file(FileName::ProducerSnapshot(offset)) }, Then::Nothing, out);
                self.ask_replay_snapshot(now, out);
            }
            (_, None) => {}
        }
        super::LogEvent::Warm
    }

    /// Takes in batches up to the end of the log, as far as they are at hand.
    pub(super) fn proceed_replay(&mut self, now: Now, out: &mut Out) {
        if self.cutting.is_some() {
            return;
        }
        while let Some(next) = self.replay.as_ref().and_then(|replay| replay.next) {
            // What is deleted, and still there, tells of its producers as well (seed 74000014687).
            let next = next.max(self.segments[0].base);
            let step = self.load_any(now, next, self.end, CHUNK_BYTES.1 as usize, out);
            let Some(replay) = self.replay.as_mut() else { return };
            match step {
                Ok(Loading::Wait) => return,
                Ok(Loading::Batches(batches)) => {
                    replay.failed = 0;
                    for batch in &batches {
                        let Some(header) = Header::read(batch) else { continue };
                        let marker =
                            if header.is_control() { append::marker_epoch(batch, &Bytes::new()) } else { None };
                        replay.producers.record(&header, marker);
                        replay.next = Some(header.next_offset());
                    }
                }
                Ok(Loading::End) => {
                    let known = core::mem::take(&mut replay.producers);
                    let before = core::mem::replace(&mut self.producers, known);
                    self.producers_gap = replay.gaps;
                    if replay.gaps {
                        self.producers.supplement(before.before(self.end));
                    }
                    self.replay = None;
                }
                Err(_) if replay.failed < TRIES => replay.failed += 1,
                Err(_) => {
                    // Damaged bytes tell nothing of their producers; what comes behind them does, and what was known before.
                    (replay.failed, replay.gaps) = (0, true);
                    let place = self.segment_of(next);
                    let end = self.segment_end(place);
                    if let Some(replay) = self.replay.as_mut() {
                        replay.next = Some(end);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LeaderEpoch, ProducerId};
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::batch;
    use crate::log::producers::Written;
    use crate::log::{LogConfig, Opening, Origin};
    use alloc::vec;
    use alloc::vec::Vec;

    /// A log of three batches of two records, from one producer.
    fn six() -> Bench {
        let mut bench = Bench::opened(Disk::default(), LogConfig::default(), Opening::default());
        for sequence in [0, 2, 4] {
            let bytes = batch(b"v", 2, Some((7, 1, sequence)));
            bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).expect("in order");
        }
        bench.settle();
        bench
    }

    fn known(log: &Log) -> Vec<Offset> {
        let producer = log.producers().get(ProducerId(7));
        producer.map_or(Vec::new(), |producer| producer.window.iter().map(Written::first_offset).collect())
    }

    #[test]
    fn a_log_that_begins_anew_knows_the_producers_of_before() {
        let mut leader = six();
        assert_eq!(leader.log.producers_at_start(), None, "nothing is deleted");
        assert_eq!(leader.log.raise_start(leader.now, Offset(5)), Ok(()));
        let told = leader.log.producers_at_start().expect("two batches lie wholly before it");
        let mut bench = Bench::opened(Disk::default(), LogConfig::default(), Opening::default());
        bench.log.restart_with(bench.now, Offset(5), &told, &mut bench.out);
        assert_eq!(known(&bench.log), [Offset(0), Offset(2)]);
        bench.log.restart_keeping(bench.now, Offset(4), &mut bench.out);
        bench.settle();
        let bench = bench.crash(Opening::default());
        assert_eq!(
            (bench.log.start(), known(&bench.log)),
            (Offset(4), vec![Offset(0), Offset(2)]),
            "also after a crash"
        );
        let mut bench = bench;
        bench.log.restart_with(bench.now, Offset(9), &told[1..], &mut bench.out);
        assert!(known(&bench.log).is_empty(), "damaged: nothing is known, as before");
    }

    #[test]
    fn a_log_that_is_opened_behind_its_end_knows_the_producers_of_before() {
        let bench = six().crash(Opening { start: Offset(8), committed: Offset(8), ..Opening::default() });
        let wanted = (Offset(8), vec![Offset(0), Offset(2), Offset(4)]);
        assert_eq!((bench.log.start(), known(&bench.log)), wanted);
        let bench = bench.crash(Opening::default());
        assert_eq!((bench.log.start(), known(&bench.log)), wanted, "also after the next crash");
    }

    #[test]
    fn a_cut_forgets_no_producer_whose_records_are_deleted() {
        let mut bench = Bench::opened(Disk::default(), LogConfig::default(), Opening::default());
        let batches = [(7, 0), (7, 2), (8, 0), (8, 2), (8, 4), (8, 6), (8, 8)];
        for (id, sequence) in batches {
            let bytes = batch(b"v", 2, Some((id, 1, sequence)));
            bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).expect("in order");
        }
        bench.settle();
        assert_eq!(bench.log.raise_start(bench.now, Offset(5)), Ok(()));
        bench.log.truncate(bench.now, Offset(12), &mut bench.out);
        bench.settle();
        assert_eq!(known(&bench.log), [Offset(0), Offset(2)]);
    }

    /// One read fails, whichever it is: it is tried again, and no producer is forgotten (seed 882005665).
    #[test]
    fn a_cut_forgets_no_producer_when_a_read_fails() {
        let mut failed = 0;
        for k in 1..20 {
            let config = LogConfig { tail_bytes: 0, ..LogConfig::default() };
            let mut bench = Bench::opened(Disk::default(), config, Opening::default());
            for sequence in [0, 2, 4, 6, 8, 10, 12] {
                let bytes = batch(b"v", 2, Some((7, 1, sequence)));
                bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).expect("in order");
            }
            bench.settle();
            bench.log.truncate(bench.now, Offset(12), &mut bench.out);
            bench.disk.fail_at = Some(bench.disk.count + k);
            bench.settle();
            if bench.log.is_open() {
                failed += u32::from(bench.disk.count >= bench.disk.fail_at.unwrap_or(u64::MAX));
                assert!(bench.log.is_settled());
                assert_eq!(known(&bench.log), [2, 4, 6, 8, 10].map(Offset), "operation {k}");
            }
        }
        assert!(failed > 0, "some read failed");
    }
}
