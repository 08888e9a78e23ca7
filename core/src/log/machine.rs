//! The struct of a log, its plain questions, and how it asks the disk.

use super::cold::{Asked, Cold};
use super::config::{LogConfig, Opening};
use super::epochs::Epochs;
use super::layout;
use super::pending::{Pending, Then};
use super::producers::Producers;
use super::recovery::Recovery;
use super::replay::Replay;
use super::segment::Segment;
use super::tail::Tail;
use crate::error::{ErrorCode, Refusal};
use crate::id::{DirId, LeaderEpoch, Offset, Uuid};
use crate::io::{DiskFault, DiskOp, FileId, FileName, Out, Owner};
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// In what part of its life a log is.
///
/// ```text
/// Opening ──> Open ──> Closing ──> Closed
///     any of them ──> Failed
/// ```
#[derive(Debug)]
pub(super) enum Phase {
    Opening(Box<Recovery>),
    Open,
    Closing,
    Closed,
    Failed(DiskFault),
}

/// One log.
#[derive(Debug)]
pub struct Log {
    pub(super) dir: DirId,
    pub(super) name: String,
    pub(super) config: LogConfig,
    pub(super) topic_id: Option<Uuid>,
    pub(super) phase: Phase,
    /// By base offset, the last one takes the appends. Not empty while the log is open.
    pub(super) segments: Vec<Segment>,
    /// `first segment's base ≤ start ≤ end`, `synced ≤ end`.
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) synced: Offset,
    /// What was durable once ([`Opening::durable`]), and was not there when the log was opened: everything from its end to here.
    pub(super) lost: Option<Offset>,
    /// Where it was to start when it was opened, and could not be believed to.
    pub(super) doubted: Option<Offset>,
    pub(super) epochs: Epochs,
    pub(super) producers: Producers,
    /// The producers are being read again, after a truncation.
    pub(super) replay: Option<Box<Replay>>,
    /// That passed something over, or recovery did: `producers` may lack what is on the disk.
    pub(super) producers_gap: bool,
    /// Offsets of the `.snapshot` files, and their lengths.
    pub(super) snapshots: BTreeMap<Offset, u64>,
    pub(super) tail: Tail,
    pub(super) cold: Cold,
    /// Changes on their way to the disk, in the order in which they complete.
    pub(super) pending: VecDeque<Pending>,
    pub(super) serial: u64,
    /// A truncation whose place is being looked for: `end` is where it was asked for, and will be at or below.
    pub(super) cutting: Option<Offset>,
    /// Files on their way out, and when they go.
    pub(super) retired: VecDeque<(Mono, FileName)>,
    /// Under `durability=os`: records since the last sync, and when the next one is due.
    pub(super) unflushed: i64,
    pub(super) flush_due: Option<Mono>,
    pub(super) retention_due: Mono,
    /// Retention waits for the time index of a segment: when that is read it goes on.
    pub(super) retention_waits: bool,
    /// When segments below a start that was raised are to go: before retention looks, and whatever it would find.
    pub(super) dropping_due: Option<Mono>,
    /// When the newest batch came: the tail of a log at rest is given up.
    pub(super) appended_at: Mono,
    /// Something changed since the log was opened: `close` has work.
    pub(super) changed: bool,
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
            lost: None,
            doubted: None,
            epochs: Epochs::default(),
            producers: Producers::default(),
            replay: None,
            producers_gap: false,
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
            retention_waits: false,
            dropping_due: None,
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

    pub fn configure(&mut self, now: Mono, config: LogConfig) {
        self.config = config;
        self.flush_for(now);
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

    /// Up to where the log had been durable, if it ended below when it was opened: its last batches are damaged, or gone.
    pub const fn lost(&self) -> Option<Offset> {
        self.lost
    }

    /// Where it was to start ([`Opening::start`]), if that was behind its end and above all that was committed: it keeps what it has.
    pub const fn doubted(&self) -> Option<Offset> {
        self.doubted
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
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        assert!(epoch.0 >= 0, "a leader has an epoch");
        self.epochs.lead(epoch, self.end);
    }

    /// Where the first segment begins that holds bytes which were read and are not what was written; `None`: no such is known.
    pub fn damaged(&self) -> Option<Offset> {
        self.segments.iter().find(|segment| segment.damaged.is_some()).map(|segment| segment.base)
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
        self.cold.check(self.end);
        if !matches!(self.phase, Phase::Open | Phase::Closing) {
            return;
        }
        self.tail.check(self.end);
        if self.is_settled() {
            self.producers.check_end(self.end);
        }
        assert!(self.segments.is_sorted_by(|one, next| one.base < next.base), "segments rise");
        self.segments.iter().for_each(Segment::check);
        // The others' entries do not change any more.
        let active = self.active();
        active.index.check();
        let ends = |time: i64, last: Offset| time < 0 || last < self.end;
        let indexed = active.index.last_time().map(|(time, last)| (time, active.base.plus(i64::from(last))));
        assert!(
            self.cutting.is_some() || indexed.into_iter().chain(active.largest).all(|(time, last)| ends(time, last)),
            "no time is known of what is not in the log"
        );
        let first = self.segments.first().expect("an open log has a segment");
        assert!(first.base <= self.start, "the start lies in the log");
        assert!(self.active().base <= self.end, "the last segment lies in the log");
        assert!(self.epochs.list().last().is_none_or(|last| last.1 <= self.end), "epochs begin within the log");
    }

    pub(super) fn active(&self) -> &Segment {
        self.segments.last().expect("an open log has a segment")
    }

    pub(super) fn active_mut(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("an open log has a segment")
    }

    /// The place of the segment in which `offset` lies, by the base offsets.
    pub(super) fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|segment| segment.base <= offset).saturating_sub(1)
    }

    /// The offset at which the segment ends.
    pub(super) fn segment_end(&self, place: usize) -> Offset {
        self.segments.get(place + 1).map_or(self.end, |next| next.base)
    }

    pub(super) fn file(&self, name: FileName) -> FileId {
        FileId::new(self.dir, name)
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Issues an operation that changes something.
    pub(super) fn change(&mut self, op: DiskOp, then: Then, out: &mut Out) {
        let serial = self.next_serial();
        self.pending.push_back(Pending { serial, then });
        out.disk(Owner::Log(self.dir), serial, op);
    }

    /// Issues an operation that changes nothing.
    pub(super) fn ask(&mut self, op: DiskOp, asked: Asked, out: &mut Out) {
        let serial = self.next_serial();
        self.cold.ask(serial, asked);
        out.disk(Owner::Log(self.dir), serial, op);
    }

    /// Puts the epochs on disk, if they are not there as they are.
    pub(super) fn write_epochs(&mut self, out: &mut Out) {
        if self.epochs.take_changed() {
            let bytes = Bytes::from(layout::epochs_text(self.epochs.list()));
            self.change(DiskOp::Replace { file: self.file(FileName::LeaderEpochs), bytes }, Then::Nothing, out);
        }
    }

    pub(super) fn usable(&self) -> Result<(), Refusal> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::Opening(_) => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log is not open yet")),
            Phase::Closing | Phase::Closed => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log is closed")),
            Phase::Failed(_) => Err(Refusal::because(ErrorCode::KafkaStorageError, "the log's disk has failed")),
        }
    }
}
