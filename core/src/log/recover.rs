//! Opening: what the folder holds becomes the log's state, one question to the disk at a time.
//!
//! ```text
//! OpenDir ─> List ─┬─ no segment: make the first one
//!                  └─> partition.metadata ─> leader-epoch-checkpoint ─> (clean: the last segment's indexes) ─> newest good snapshot
//!                        ─> scan ─> cut the torn tail, tidy up, sync ─> Opened
//! ```
//!
//! After a clean stop the scan is of what lies behind the last index entry: a few KiB. Otherwise it is of the last segment, because a roll
//! makes all before it durable; and from an older one on only where no snapshot of the producers, or no checkpoint of the epochs, is
//! good. Doing it twice gives the same state and the same bytes.
//!
//! Where the log was to start behind what is there, it begins anew there: what lies between was deleted, and power took it away (a follower that
//! was killed while it began anew finds the same). But only what was committed is deleted. A start above the watermark on record is a wrong
//! number, or that record is gone: it would be the order to delete all there is. What is there stays, even if the records of a deletion come back with it;
//! a follower's leader tells it where to begin.

use super::cold::Asked;
use super::epochs::Epochs;
use super::find::bytes_or_none;
use super::index::Index;
use super::pending::Then;
use super::recovery::{Recovery, Scan, Step};
use super::segment::Segment;
use super::{Log, LogEvent, Phase, layout, snapshot};
use crate::id::{LeaderEpoch, Offset};
use crate::io::{DiskDone, DiskFault, DiskOp, FileName, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

impl Log {
    pub(super) fn recovery(&mut self) -> &mut Recovery {
        match &mut self.phase {
            Phase::Opening(recovery) => recovery,
            Phase::Open | Phase::Closing | Phase::Closed | Phase::Failed(_) => {
                unreachable!("only an opening log recovers")
            }
        }
    }

    /// Reads a file for recovery.
    fn inquire(&mut self, step: Step, name: FileName, len: u64, out: &mut Out) -> LogEvent {
        self.recovery().step = step;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.ask(DiskOp::Read { file: self.file(name), at: 0, len }, Asked::Recovery, out);
        LogEvent::Nothing
    }

    pub(super) fn list_folder(&mut self, out: &mut Out) {
        self.ask(DiskOp::List { dir: self.dir }, Asked::Recovery, out);
    }

    pub(super) fn on_recovery(&mut self, now: Now, result: Result<DiskDone, DiskFault>, out: &mut Out) -> LogEvent {
        if let Err(fault @ (DiskFault::Io | DiskFault::Full)) = result {
            self.phase = Phase::Failed(fault);
            return LogEvent::Failed(fault);
        }
        if let Ok(DiskDone::Files(files)) = result {
            return self.on_list(now, files, out);
        }
        let bytes = bytes_or_none(result);
        match core::mem::replace(&mut self.recovery().step, Step::Scan) {
            Step::List => unreachable!("a List is answered with files"),
            Step::Metadata => {
                let found = layout::partition_metadata(&bytes);
                match (found, self.topic_id) {
                    (Some(found), Some(wanted)) if found != wanted => LogEvent::Foreign,
                    _ => {
                        self.topic_id = found.or(self.topic_id);
                        if self.segments.is_empty() { self.make_first(now, out) } else { self.ask_epochs(out) }
                    }
                }
            }
            Step::Epochs => {
                match layout::epochs(&bytes) {
                    Some(list) => self.take_epochs(list),
                    None => self.recovery().epochs_lost = true,
                }
                self.ask_index_if_clean(out)
            }
            Step::Offsets => {
                let name = FileName::TimeIndex(self.active().base);
                let len = self.active().index_files.1;
                self.inquire(Step::Times { offsets: bytes }, name, len, out)
            }
            Step::Times { offsets } => {
                let segment = self.active_mut();
                segment.index = Index::read(&offsets, &bytes, segment.size, u32::MAX - 1);
                segment.loaded = true;
                self.ask_snapshot(out)
            }
            Step::Snapshot { offset } => match snapshot::read(&bytes) {
                Some(producers) => {
                    self.producers = producers;
                    self.begin_scan(offset, out)
                }
                None => self.ask_snapshot(out),
            },
            Step::Scan => self.on_scan(now, &bytes, out),
        }
    }

    fn on_list(&mut self, now: Now, files: Vec<(FileName, u64)>, out: &mut Out) -> LogEvent {
        let files: BTreeMap<FileName, u64> = files.into_iter().collect();
        for (name, size) in &files {
            match name {
                FileName::Log(base) if base.0 >= 0 => {
                    let len = |name| files.get(&name).copied().unwrap_or(0);
                    let index_files = (len(FileName::Index(*base)), len(FileName::TimeIndex(*base)));
                    self.segments.push(Segment::found(*base, *size, index_files, now.wall));
                }
                FileName::ProducerSnapshot(offset) => {
                    self.snapshots.insert(*offset, *size);
                }
                FileName::Log(_)
                | FileName::Index(_)
                | FileName::TimeIndex(_)
                | FileName::TxnIndex(_)
                | FileName::RetiredLog(_)
                | FileName::RetiredIndex(_)
                | FileName::RetiredTimeIndex(_)
                | FileName::RetiredTxnIndex(_)
                | FileName::RetiredProducerSnapshot(_)
                | FileName::LeaderEpochs
                | FileName::PartitionMetadata
                | FileName::MetadataSnapshot(..)
                | FileName::QuorumState
                | FileName::MetaProperties
                | FileName::CleanShutdown
                | FileName::RecoveryPoints
                | FileName::HighWatermarks
                | FileName::LogStartOffsets => {}
            }
        }
        let has = |name| files.contains_key(&name);
        let (metadata, empty) = (has(FileName::PartitionMetadata), self.segments.is_empty());
        self.recovery().files = files;
        if metadata {
            return self.inquire(Step::Metadata, FileName::PartitionMetadata, 4096, out);
        }
        if empty {
            return self.make_first(now, out);
        }
        self.ask_epochs(out)
    }

    fn write_metadata(&mut self, out: &mut Out) {
        if let Some(id) = self.topic_id {
            let bytes = Bytes::from(layout::partition_metadata_text(id));
            self.change(DiskOp::Replace { file: self.file(FileName::PartitionMetadata), bytes }, Then::Nothing, out);
        }
    }

    /// Makes a log where there is none.
    pub(super) fn make_first(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let start = self.recovery().opening.start.max(Offset::ZERO);
        if self.is_too_short(start) {
            return LogEvent::Damaged { end: start };
        }
        self.lost = Some(self.recovery().opening.durable).filter(|durable| *durable > start);
        if !self.recovery().files.contains_key(&FileName::PartitionMetadata) {
            self.write_metadata(out);
        }
        self.delete_strays(out);
        self.segments.push(Segment::new(start, now.wall));
        (self.start, self.end, self.synced) = (start, start, start);
        self.changed = true;
        self.change(DiskOp::Create { file: self.file(FileName::Log(start)) }, Then::Nothing, out);
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Opened, out);
        LogEvent::Nothing
    }

    fn ask_epochs(&mut self, out: &mut Out) -> LogEvent {
        let recovery = self.recovery();
        if recovery.files.contains_key(&FileName::LeaderEpochs) {
            let len = recovery.size(FileName::LeaderEpochs);
            return self.inquire(Step::Epochs, FileName::LeaderEpochs, len, out);
        }
        recovery.epochs_lost = true;
        self.ask_index_if_clean(out)
    }

    /// The checkpoint of the epochs. It may have been cut where the log was to start, and the crash came before that start was written down
    /// (seed 885503393): what is below must be known as well, a follower that diverges there would not cut.
    fn take_epochs(&mut self, list: Vec<(LeaderEpoch, Offset)>) {
        let start = self.recovery().opening.start.max(self.segments[0].base);
        if list.first().is_some_and(|first| first.1 > start) && !self.was_clean() {
            self.recovery().epochs_lost = true;
        } else {
            self.epochs = Epochs::loaded(list);
        }
    }

    pub(super) fn ask_index_if_clean(&mut self, out: &mut Out) -> LogEvent {
        let lost = self.recovery().epochs_lost;
        // A log that was never written has no epochs, and no checkpoint of them.
        let empty = self.segments.iter().all(|segment| segment.size == 0);
        if lost && !empty {
            self.recovery().opening.clean = false;
        }
        let (base, len) = (self.active().base, self.active().index_files.0);
        let clean = self.recovery().opening.clean;
        self.recovery().candidates = self.snapshots.keys().copied().filter(|offset| clean || *offset <= base).collect();
        if clean {
            return self.inquire(Step::Offsets, FileName::Index(base), len, out);
        }
        self.ask_snapshot(out)
    }

    /// Tries the newest snapshot that was not tried; without any, the log is read from its first batch on.
    fn ask_snapshot(&mut self, out: &mut Out) -> LogEvent {
        match self.recovery().candidates.pop() {
            Some(offset) => {
                let len = self.snapshots.get(&offset).copied().unwrap_or(0);
                self.inquire(Step::Snapshot { offset }, FileName::ProducerSnapshot(offset), len, out)
            }
            None => {
                let first = self.segments[0].base;
                self.begin_scan(first, out)
            }
        }
    }

    /// The producers are known as of `known`.
    fn begin_scan(&mut self, known: Offset, out: &mut Out) -> LogEvent {
        let last = self.segments.len() - 1;
        let (clean, lost) = (self.recovery().opening.clean, self.recovery().epochs_lost);
        let active = self.active();
        let entry =
            active.index.last().map_or((active.base, 0), |(last, at)| (active.base.plus(i64::from(last) + 1), at));
        let on_disk = active.size;
        let (place, at) = if clean && known >= entry.0 {
            (last, u64::from(entry.1))
        } else if lost {
            (0, 0)
        } else {
            (self.segment_of(known), 0)
        };
        let from = self.segments[place].base;
        let recovery = self.recovery();
        recovery.step = Step::Scan;
        recovery.scan = Scan::new(place, at, known, from, on_disk);
        if at > 0 {
            recovery.scan.first_ends = entry.0;
        }
        if place == last {
            self.active_mut().resume(at);
        }
        self.scan_on(out)
    }

    pub(super) fn was_clean(&mut self) -> bool {
        self.recovery().opening.clean
    }

    /// The scan is over; the log ends at `end`, the last segment's file is to have its segment's size.
    pub(super) fn finish_recovery(&mut self, now: Now, end: Offset, out: &mut Out) -> LogEvent {
        if self.is_too_short(end) {
            return LogEvent::Damaged { end };
        }
        let (on_disk, scanned) = (self.recovery().scan.on_disk, self.recovery().scan.bytes);
        let (clean, lost, wanted) = (self.was_clean(), self.recovery().epochs_lost, self.recovery().opening.start);
        let durable = self.recovery().opening.durable;
        let (base, size) = (self.active().base, self.active().size);
        (self.end, self.synced) = (end, end);
        self.doubted = Some(wanted).filter(|wanted| *wanted > end.max(self.recovery().opening.committed));
        let forgotten = self.doubted.is_some() || mutant::is(Mutant::StartForgotten);
        let wanted = if forgotten { Offset::ZERO } else { wanted };
        self.start = wanted.max(self.segments[0].base).min(end);
        if !self.recovery().files.contains_key(&FileName::PartitionMetadata) {
            self.write_metadata(out);
        }
        if size < on_disk && !mutant::is(Mutant::TornTailLeft) {
            self.change(DiskOp::Truncate { file: self.file(FileName::Log(base)), len: size }, Then::Nothing, out);
        }
        self.delete_strays(out);
        if !clean && !mutant::is(Mutant::RecoveredNotSynced) {
            // What was found may lie in the system's memory only: it is promised once it is open.
            self.change(DiskOp::Sync { file: self.file(FileName::Log(base)) }, Then::Nothing, out);
        }
        self.epochs.cut_end(end);
        self.epochs.cut_start(self.start);
        if lost && !self.epochs.list().is_empty() {
            let list = self.epochs.list().to_vec();
            self.epochs.clear();
            list.into_iter().for_each(|(epoch, start)| self.epochs.assign(epoch, start));
        }
        // What was there of producers is not known: no snapshot is to say that it is, and the next opening meets the damage again.
        self.producers_gap = self.damaged().is_some();
        self.write_epochs(out);
        self.producers.expire(now.wall.0, self.producer_expiry_ms());
        if mutant::is(Mutant::LoseProducerWindow) {
            self.producers.clear();
        }
        self.changed = !clean || !self.pending.is_empty();
        if wanted > end {
            let known = core::mem::take(&mut self.producers);
            self.rebuild_at(now, wanted, known, out);
        } else {
            self.close_damaged(now, out);
        }
        self.ask_first(out);
        out.note(Note::LogOpened {
            dir: self.dir,
            start: self.start,
            end: self.end,
            cut_bytes: on_disk - size,
            scanned_bytes: scanned,
        });
        self.lost = Some(durable).filter(|durable| *durable > self.end);
        if self.pending.is_empty() {
            self.phase = Phase::Open;
            self.check();
            return LogEvent::Opened;
        }
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Opened, out);
        LogEvent::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::{batch, config, read_all};
    use crate::log::{LogConfig, Opening, Origin};

    /// Twelve batches of an idempotent producer in four segments and two epochs.
    fn twelve() -> Bench {
        let mut bench = Bench::opened(Disk::default(), config(), Opening::default());
        for value in 0..12u8 {
            let bytes = batch(&[value; 110], 1, Some((5, 0, i32::from(value))));
            let epoch = LeaderEpoch(i32::from(value > 7));
            bench.log.append(bench.now, epoch, bytes, Origin::Client, &mut bench.out).unwrap();
            bench.settle();
        }
        assert_eq!(bench.log.segments.len(), 4);
        bench
    }

    fn without(bench: &Bench, gone: FileName) -> Disk {
        let image = bench.disk.image();
        let files: Vec<_> =
            image.iter().filter(|(name, _)| **name != gone).map(|(name, bytes)| (*name, &bytes[..])).collect();
        Disk::holding(&files)
    }

    fn scanned(bench: &Bench) -> u64 {
        bench
            .disk
            .notes
            .iter()
            .find_map(|note| if let Note::LogOpened { scanned_bytes, .. } = note { Some(*scanned_bytes) } else { None })
            .unwrap()
    }

    /// The state is that of `twelve`, and goes on where it ended.
    fn check(mut bench: Bench) {
        assert_eq!((bench.log.start(), bench.log.end(), bench.log.synced()), (Offset(0), Offset(12), Offset(12)));
        assert_eq!(bench.log.epoch_end(LeaderEpoch(0)), (LeaderEpoch(0), Offset(8)));
        assert_eq!(bench.log.producers(), twelve().log.producers());
        assert_eq!(read_all(&mut bench, 300), read_all(&mut twelve(), 300));
        let next = batch(b"v", 1, Some((5, 0, 12)));
        let appended = bench.log.append(bench.now, LeaderEpoch(1), next, Origin::Client, &mut bench.out).unwrap();
        assert_eq!(appended.first, Offset(12));
    }

    #[test]
    fn a_clean_stop_is_not_followed_by_a_scan() {
        let bench = twelve().restart();
        assert!(scanned(&bench) <= 400, "{}", scanned(&bench));
        assert!(bench.log.segments.iter().take(3).all(|segment| segment.verified == 0 && !segment.loaded));
        let before = bench.disk.image();
        // Nothing changed: nothing is written, neither by opening nor by closing.
        let bench = bench.restart();
        assert_eq!(bench.disk.image(), before);
        check(bench);
    }

    #[test]
    fn a_crash_is_followed_by_a_scan_of_the_last_segment() {
        let bench = twelve();
        let last = bench.log.active().size;
        let bench = bench.crash(Opening::default());
        assert_eq!(scanned(&bench), last);
        check(bench);
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_is_torn_and_what_is_whole_stays() {
        let bench = twelve();
        let name = FileName::Log(bench.log.active().base);
        let whole = bench.disk.bytes(name).unwrap().to_vec();
        let size = whole.len() / 3;
        for len in 0..=whole.len() {
            let mut disk = without(&bench, name);
            disk.put(name, whole[..len].to_vec());
            let bench = Bench::opened(disk, config(), Opening::default());
            assert_eq!(bench.log.end(), Offset(9 + (len / size) as i64), "{len} bytes");
            assert_eq!(bench.disk.bytes(name).unwrap().len(), len / size * size);
        }
        for at in 0..size {
            let mut disk = without(&bench, name);
            let mut bytes = whole.clone();
            bytes[size + at] ^= 0x10;
            disk.put(name, bytes);
            // Its own epoch and the high bytes of its offset lie outside the checksum: what they say must still fit.
            let end = Bench::opened(disk, config(), Opening::default()).log.end();
            assert!(end == Offset(10) || (at < 16 && end >= Offset(10)), "byte {at}: {end}");
        }
    }

    #[test]
    fn lost_and_damaged_files_are_made_again_from_the_batches() {
        let bench = twelve();
        let names = bench.disk.names();
        assert!(names.contains(&FileName::LeaderEpochs) && names.contains(&FileName::ProducerSnapshot(Offset(9))));
        for name in names.iter().copied().filter(|name| !matches!(name, FileName::Log(_))) {
            check(Bench::opened(without(&bench, name), config(), Opening::default()));
            let mut disk = without(&bench, name);
            disk.put(name, b"rubbish".to_vec());
            check(Bench::opened(disk, config(), Opening::default()));
            let closed = twelve().restart();
            let mut disk = without(&closed, name);
            disk.put(name, b"rubbish".to_vec());
            check(Bench::opened(disk, config(), Opening { clean: true, ..Opening::default() }));
        }
    }

    #[test]
    fn epochs_below_a_start_that_no_crash_kept_are_known() {
        let bench = twelve();
        let mut disk = without(&bench, FileName::LeaderEpochs);
        disk.put(FileName::LeaderEpochs, layout::epochs_text(&[(LeaderEpoch(1), Offset(9))]).into_bytes());
        check(Bench::opened(disk, config(), Opening::default()));
    }

    #[test]
    fn a_clean_mark_that_lies_is_found_out() {
        let bench = twelve();
        let name = FileName::Log(bench.log.active().base);
        let torn = bench.disk.bytes(name).unwrap()[..300].to_vec();
        let closed = bench.restart();
        let mut disk = without(&closed, name);
        disk.put(name, torn);
        let bench = Bench::opened(disk, config(), Opening { clean: true, ..Opening::default() });
        assert_eq!(bench.log.end(), Offset(10));
        assert_eq!(
            bench.log.producers().get(crate::id::ProducerId(5)).unwrap().window.last().unwrap().last_sequence,
            9
        );
    }

    #[test]
    fn files_that_belong_to_nothing_go() {
        let mut disk = without(&twelve(), FileName::PartitionMetadata);
        let strays = [
            FileName::Index(Offset(77)),
            FileName::TxnIndex(Offset(77)),
            FileName::RetiredLog(Offset(0)),
            FileName::ProducerSnapshot(Offset(1)),
            FileName::ProducerSnapshot(Offset(99)),
        ];
        strays.into_iter().for_each(|name| disk.put(name, b"x".to_vec()));
        let bench = Bench::opened(disk, config(), Opening { topic_id: Some(crate::id::Uuid(8)), ..Opening::default() });
        assert!(strays.iter().all(|name| !bench.disk.names().contains(name)));
        assert_eq!(
            bench.disk.bytes(FileName::PartitionMetadata),
            Some(layout::partition_metadata_text(crate::id::Uuid(8)).as_bytes())
        );
        check(bench);
    }

    #[test]
    fn a_new_log_begins_where_it_is_told() {
        let opening =
            Opening { start: Offset(40), topic_id: Some(crate::id::Uuid(8)), clean: true, ..Opening::default() };
        let mut bench = Bench::opened(Disk::default(), LogConfig::default(), opening);
        assert_eq!(bench.events.last(), Some(&LogEvent::Opened));
        assert_eq!(
            (bench.log.start(), bench.log.end(), bench.log.latest_epoch()),
            (Offset(40), Offset(40), LeaderEpoch::NONE)
        );
        assert_eq!(bench.disk.names(), [FileName::Log(Offset(40)), FileName::PartitionMetadata]);
        bench.log.append(bench.now, LeaderEpoch(0), batch(b"v", 1, None), Origin::Client, &mut bench.out).unwrap();
        bench.log.restart_at(bench.now, Offset(90), &mut bench.out);
        bench.settle();
        assert_eq!((bench.log.start(), bench.log.end(), bench.log.synced()), (Offset(90), Offset(90), Offset(90)));
        let bench = bench.crash(Opening::default());
        assert_eq!((bench.log.start(), bench.log.end()), (Offset(90), Offset(90)));
    }
}
