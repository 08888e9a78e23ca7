//! One log: batches in segments on disk, found by offset, epoch and time, with the producers' state beside them.
//!
//! A machine without I/O: it names [`DiskOp`](crate::io::DiskOp)s under [`Owner::Log`](crate::io::Owner::Log) and is told how they
//! ended by [`Log::on_disk`]. `start ≤ synced ≤ end`: what was appended is readable at once (from memory until it is
//! written), and is promised to nobody before `synced` has passed it.
//!
//! A question that needs the disk first is answered `Wait`, the reads it needs are issued, and the one who asked asks again
//! after [`LogEvent::Warm`].

mod append;
mod cold;
mod config;
mod cursor;
mod epochs;
#[cfg(test)]
pub(crate) mod fake;
mod find;
mod index;
pub mod layout;
mod lookup;
#[cfg(test)]
mod model;
mod producers;
mod read;
mod recover;
mod retain;
mod roll;
mod scan;
mod segment;
mod settle;
mod snapshot;
mod strays;
mod tail;
mod truncate;

pub use config::{LogConfig, Opening, SyncPolicy, TimestampType};
pub use producers::{Producer, Producers, Written};

use self::cold::{Asked, Cold};
use self::epochs::Epochs;
use self::recover::Recovery;
use self::segment::Segment;
use self::settle::{Pending, Then};
use self::tail::Tail;
use self::truncate::Replay;
use crate::error::{ErrorCode, Refusal};
use crate::id::{DirId, LeaderEpoch, Offset, Uuid};
use crate::io::{DiskFault, DiskOp, FileId, FileName, Out, Owner, Records};
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Who appends through the leader: it decides what is validated and what may be assigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A producer: one batch, whole and checked by `batch::verify`; no markers; sequences count.
    Client,
    /// A coordinator or the controller on this node: any number of batches, made by us.
    Coordinator,
}

/// What an append was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    pub first: Offset,
    pub last: Offset,
    /// In ms since 1970; -1 where the producer's own timestamps count.
    pub log_append_time: i64,
    /// These records were in the log before (KIP-98): nothing was written, the offsets are those of then.
    pub duplicate: bool,
}

/// The answer to a read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// Whole batches, the first of which holds the offset asked for; empty where the log has nothing (yet).
    Ready(Records),
    /// The disk is asked; ask again after [`LogEvent::Warm`].
    Wait,
}

/// The answer to a read for ourselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loading {
    /// Whole, checked batches, one each; the first holds the offset asked for (or is the first behind it, where it was compacted away).
    Batches(Vec<Bytes>),
    /// As [`Reading::Wait`].
    Wait,
    /// There is nothing from that offset on.
    End,
}

/// The answer to a question about time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeLookup {
    Found {
        offset: Offset,
        timestamp: i64,
        epoch: LeaderEpoch,
    },
    /// No record is so late.
    None,
    /// As [`Reading::Wait`].
    Wait,
}

/// What a completion or a tick has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogEvent {
    /// The log is open: appends and reads are served.
    Opened,
    /// `synced()` has moved up.
    Synced,
    /// A read that was told to wait may be asked again.
    Warm,
    /// Dropped segments or DeleteRecords moved `start()`.
    StartMoved,
    /// `close` is done: everything is durable, and the next `open` may be a clean one.
    Closed,
    Nothing,
    /// An operation failed whose failure is final: the log takes nothing any more, the node stops.
    Failed(DiskFault),
}

/// In what part of its life a log is.
///
/// ```text
/// Opening ──> Open ──> Closing ──> Closed
///     any of them ──> Failed
/// ```
#[derive(Debug)]
enum Phase {
    Opening(Box<Recovery>),
    Open,
    Closing,
    Closed,
    Failed(DiskFault),
}

/// One log.
#[derive(Debug)]
pub struct Log {
    dir: DirId,
    name: String,
    config: LogConfig,
    topic_id: Option<Uuid>,
    phase: Phase,
    /// By base offset, the last one takes the appends. Not empty while the log is open.
    segments: Vec<Segment>,
    /// `first segment's base ≤ start ≤ end`, `synced ≤ end`.
    start: Offset,
    end: Offset,
    synced: Offset,
    epochs: Epochs,
    producers: Producers,
    /// The producers are being read again, after a truncation.
    replay: Option<Box<Replay>>,
    /// Offsets of the `.snapshot` files, and their lengths.
    snapshots: BTreeMap<Offset, u64>,
    tail: Tail,
    cold: Cold,
    /// Changes on their way to the disk, in the order in which they complete.
    pending: VecDeque<Pending>,
    serial: u64,
    /// A truncation whose place is being looked for: `end` is where it was asked for, and will be at or below.
    cutting: Option<Offset>,
    /// Files on their way out, and when they go.
    retired: VecDeque<(Mono, FileName)>,
    /// Under `durability=os`: records since the last sync, and when the next one is due.
    unflushed: i64,
    flush_due: Option<Mono>,
    retention_due: Mono,
    /// When the newest batch came: the tail of a log at rest is given up.
    appended_at: Mono,
    /// Something changed since the log was opened: `close` has work.
    changed: bool,
}

impl Log {
    /// Opens the log in the folder `name`, which is made if it is not there. Serves from [`LogEvent::Opened`] on.
    pub fn open(dir: DirId, name: String, config: LogConfig, opening: Opening, now: Now, out: &mut Out) -> Self {
        let mut log = Self {
            dir,
            name,
            config,
            topic_id: opening.topic_id,
            phase: Phase::Opening(Box::new(Recovery::new(opening))),
            segments: Vec::new(),
            start: opening.start,
            end: opening.start,
            synced: opening.start,
            epochs: Epochs::default(),
            producers: Producers::default(),
            replay: None,
            snapshots: BTreeMap::new(),
            tail: Tail::default(),
            cold: Cold::default(),
            pending: VecDeque::new(),
            serial: 0,
            cutting: None,
            retired: VecDeque::new(),
            unflushed: 0,
            flush_due: None,
            retention_due: now.mono,
            appended_at: now.mono,
            changed: false,
        };
        let op = DiskOp::OpenDir { dir, name: log.name.clone() };
        log.change(op, Then::Folder, out);
        log
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// `close` is done.
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    pub const fn dir(&self) -> DirId {
        self.dir
    }

    pub const fn config(&self) -> &LogConfig {
        &self.config
    }

    pub fn configure(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The topic's id as `partition.metadata` has it (or as it was given where that file was not there).
    pub const fn topic_id(&self) -> Option<Uuid> {
        self.topic_id
    }

    /// First offset that may be read (log start offset).
    pub const fn start(&self) -> Offset {
        self.start
    }

    /// Offset of the next record (log end offset).
    pub const fn end(&self) -> Offset {
        self.end
    }

    /// Below this everything is durable under the log's [`SyncPolicy`].
    pub const fn synced(&self) -> Offset {
        self.synced
    }

    /// Why the log takes nothing any more, if an operation has failed whose failure is final.
    pub const fn fault(&self) -> Option<DiskFault> {
        match self.phase {
            Phase::Failed(fault) => Some(fault),
            Phase::Opening(_) | Phase::Open | Phase::Closing | Phase::Closed => None,
        }
    }

    /// Bytes of all segments.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// What is known of the producers that wrote here.
    pub const fn producers(&self) -> &Producers {
        &self.producers
    }

    /// Epoch of the newest batch (or of the leader that began one since); [`LeaderEpoch::NONE`] if there is none.
    pub fn latest_epoch(&self) -> LeaderEpoch {
        self.epochs.latest()
    }

    /// Where the records of `epoch` end, as OffsetForLeaderEpoch answers (KIP-101, KIP-279): the largest epoch known that is not
    /// above `epoch`, and the offset behind its records; `(NONE, NONE)` if that is not known.
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.epochs.end_of(epoch, self.end)
    }

    /// The epoch of the record at `offset`, as far as the checkpoint knows; `NONE` if it does not.
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        self.epochs.at(offset)
    }

    /// A leader begins `epoch` at `end()`.
    ///
    /// Not written at once: recovery finds the epochs of the last segment in its batches, and a roll writes them all.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch, _out: &mut Out) {
        assert!(epoch.0 >= 0, "a leader has an epoch");
        self.epochs.assign(epoch, self.end);
    }

    /// Asserts the invariants.
    pub fn check(&self) {
        assert!(
            self.start <= self.end && self.synced <= self.end,
            "start {} synced {} end {}",
            self.start,
            self.synced,
            self.end
        );
        self.epochs.check();
        self.producers.check();
        self.cold.check();
        if !matches!(self.phase, Phase::Open | Phase::Closing) {
            return;
        }
        self.tail.check(self.end);
        assert!(self.segments.is_sorted_by(|one, next| one.base < next.base), "segments rise");
        self.segments.iter().for_each(Segment::check);
        let first = self.segments.first().expect("an open log has a segment");
        assert!(first.base <= self.start, "the start lies in the log");
        assert!(self.active().base <= self.end, "the last segment lies in the log");
        assert!(self.epochs.list().last().is_none_or(|last| last.1 <= self.end), "epochs begin within the log");
    }

    fn active(&self) -> &Segment {
        self.segments.last().expect("an open log has a segment")
    }

    fn active_mut(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("an open log has a segment")
    }

    /// The place of the segment in which `offset` lies, by the base offsets.
    fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|segment| segment.base <= offset).saturating_sub(1)
    }

    /// The offset at which the segment ends.
    fn segment_end(&self, place: usize) -> Offset {
        self.segments.get(place + 1).map_or(self.end, |next| next.base)
    }

    fn file(&self, name: FileName) -> FileId {
        FileId::new(self.dir, name)
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Issues an operation that changes something.
    fn change(&mut self, op: DiskOp, then: Then, out: &mut Out) {
        let serial = self.next_serial();
        self.pending.push_back(Pending { serial, then });
        out.disk(Owner::Log(self.dir), serial, op);
    }

    /// Issues an operation that changes nothing.
    fn ask(&mut self, op: DiskOp, asked: Asked, out: &mut Out) {
        let serial = self.next_serial();
        self.cold.ask(serial, asked);
        out.disk(Owner::Log(self.dir), serial, op);
    }

    /// Puts the epochs on disk, if they are not there as they are.
    fn write_epochs(&mut self, out: &mut Out) {
        if self.epochs.take_changed() {
            let bytes = Bytes::from(layout::epochs_text(self.epochs.list()));
            self.change(DiskOp::Replace { file: self.file(FileName::LeaderEpochs), bytes }, Then::Nothing, out);
        }
    }

    fn usable(&self) -> Result<(), Refusal> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::Opening(_) => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log is not open yet")),
            Phase::Closing | Phase::Closed => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log is closed")),
            Phase::Failed(_) => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log's disk has failed")),
        }
    }
}
