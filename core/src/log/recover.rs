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

use super::cold::Asked;
use super::config::Opening;
use super::epochs::Epochs;
use super::find::bytes_or_none;
use super::index::Index;
use super::scan::Scan;
use super::segment::Segment;
use super::settle::Then;
use super::{Log, LogEvent, Phase, layout, snapshot};
use crate::id::Offset;
use crate::io::{DiskDone, DiskFault, DiskOp, FileName, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// What is being asked.
#[derive(Debug)]
enum Step {
    List,
    Metadata,
    Epochs,
    Offsets,
    Times { offsets: Bytes },
    Snapshot { offset: Offset },
    Scan,
}

/// An opening under way.
#[derive(Debug)]
pub(super) struct Recovery {
    opening: Opening,
    step: Step,
    files: BTreeMap<FileName, u64>,
    /// The checkpoint of the epochs is missing or damaged: the batches tell them.
    epochs_lost: bool,
    /// Snapshots not tried yet.
    candidates: Vec<Offset>,
    pub(super) scan: Scan,
}

impl Recovery {
    pub(super) fn new(opening: Opening) -> Self {
        let (step, files, scan) = (Step::List, BTreeMap::new(), Scan::default());
        Self { opening, step, files, epochs_lost: false, candidates: Vec::new(), scan }
    }

    fn size(&self, name: FileName) -> u64 {
        self.files.get(&name).copied().unwrap_or(0)
    }
}

impl Log {
    fn recovery(&mut self) -> &mut Recovery {
        match &mut self.phase {
            Phase::Opening(recovery) => recovery,
            Phase::Open | Phase::Closing | Phase::Closed | Phase::Failed(_) => unreachable!("only an opening log recovers"),
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
                self.topic_id = layout::partition_metadata(&bytes).or(self.topic_id);
                self.ask_epochs(now, out)
            }
            Step::Epochs => {
                match layout::epochs(&bytes) {
                    Some(list) => self.epochs = Epochs::loaded(list),
                    None => self.recovery().epochs_lost = true,
                }
                self.ask_index_if_clean(now, out)
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
                self.ask_snapshot(now, out)
            }
            Step::Snapshot { offset } => match snapshot::read(&bytes) {
                Some(producers) => {
                    self.producers = producers;
                    self.begin_scan(offset, out)
                }
                None => self.ask_snapshot(now, out),
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
        if empty {
            return self.make_first(now, out);
        }
        if metadata {
            return self.inquire(Step::Metadata, FileName::PartitionMetadata, 4096, out);
        }
        self.write_metadata(out);
        self.ask_epochs(now, out)
    }

    fn write_metadata(&mut self, out: &mut Out) {
        if let Some(id) = self.topic_id {
            let bytes = Bytes::from(layout::partition_metadata_text(id));
            self.change(DiskOp::Replace { file: self.file(FileName::PartitionMetadata), bytes }, Then::Nothing, out);
        }
    }

    /// Makes a log where there is none.
    fn make_first(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let start = self.recovery().opening.start.max(Offset::ZERO);
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

    fn ask_epochs(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let recovery = self.recovery();
        if recovery.files.contains_key(&FileName::LeaderEpochs) {
            let len = recovery.size(FileName::LeaderEpochs);
            return self.inquire(Step::Epochs, FileName::LeaderEpochs, len, out);
        }
        recovery.epochs_lost = true;
        self.ask_index_if_clean(now, out)
    }

    fn ask_index_if_clean(&mut self, now: Now, out: &mut Out) -> LogEvent {
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
        self.ask_snapshot(now, out)
    }

    /// Tries the newest snapshot that was not tried; without any, the log is read from its first batch on.
    fn ask_snapshot(&mut self, _now: Now, out: &mut Out) -> LogEvent {
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
        let entry = active.index.last().map_or((active.base, 0), |(last, at)| (active.base.plus(i64::from(last) + 1), at));
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
        if place == last {
            self.active_mut().resume(at);
        }
        self.scan_on(out)
    }

    /// The snapshots and the last entries of the indexes were not what a clean stop leaves: everything unsynced is in doubt.
    pub(super) fn recover_unclean(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let on_disk = self.recovery().scan.on_disk;
        self.recovery().opening.clean = false;
        self.producers.clear();
        let segment = self.active_mut();
        let (base, files) = (segment.base, segment.index_files);
        *segment = Segment::found(base, on_disk, files, now.wall);
        self.ask_index_if_clean(now, out)
    }

    pub(super) fn was_clean(&mut self) -> bool {
        self.recovery().opening.clean
    }

    /// The scan is over; the log ends at `end`, the last segment's file is to have its segment's size.
    pub(super) fn finish_recovery(&mut self, now: Now, end: Offset, out: &mut Out) -> LogEvent {
        let (on_disk, scanned) = (self.recovery().scan.on_disk, self.recovery().scan.bytes);
        let (clean, lost, wanted) = (self.was_clean(), self.recovery().epochs_lost, self.recovery().opening.start);
        let (base, size) = (self.active().base, self.active().size);
        (self.end, self.synced) = (end, end);
        self.start = wanted.max(self.segments[0].base).min(end);
        if size < on_disk {
            self.change(DiskOp::Truncate { file: self.file(FileName::Log(base)), len: size }, Then::Nothing, out);
        }
        self.delete_strays(out);
        if !clean {
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
        self.write_epochs(out);
        self.producers.expire(now.wall.0, self.producer_expiry_ms());
        if mutant::is(Mutant::LoseProducerWindow) {
            self.producers.clear();
        }
        self.changed = !clean || !self.pending.is_empty();
        if wanted > end {
            self.rebuild_at(now, wanted, out);
        }
        out.note(Note::LogOpened { dir: self.dir, start: self.start, end: self.end, cut_bytes: on_disk - size, scanned_bytes: scanned });
        if self.pending.is_empty() {
            self.phase = Phase::Open;
            self.check();
            return LogEvent::Opened;
        }
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Opened, out);
        LogEvent::Nothing
    }

    /// Deletes files that belong to no segment, and snapshots that no recovery would use.
    fn delete_strays(&mut self, out: &mut Out) {
        let names: Vec<FileName> = self.recovery().files.keys().copied().collect();
        let end = self.end;
        let newest = self.snapshots.keys().copied().rfind(|offset| *offset <= end);
        for name in names {
            let has = |base: Offset| self.segments.iter().any(|segment| segment.base == base);
            let stray = match name {
                FileName::RetiredLog(_)
                | FileName::RetiredIndex(_)
                | FileName::RetiredTimeIndex(_)
                | FileName::RetiredTxnIndex(_)
                | FileName::RetiredProducerSnapshot(_) => true,
                FileName::Index(base) | FileName::TimeIndex(base) | FileName::TxnIndex(base) => !has(base),
                FileName::ProducerSnapshot(offset) => offset > end || (!has(offset) && Some(offset) != newest),
                FileName::Log(_)
                | FileName::LeaderEpochs
                | FileName::PartitionMetadata
                | FileName::MetadataSnapshot(..)
                | FileName::QuorumState
                | FileName::MetaProperties
                | FileName::CleanShutdown
                | FileName::RecoveryPoints
                | FileName::HighWatermarks
                | FileName::LogStartOffsets => false,
            };
            if stray {
                self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
                if let FileName::ProducerSnapshot(offset) = name {
                    self.snapshots.remove(&offset);
                }
            }
        }
    }
}
