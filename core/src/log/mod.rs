//! One log: batches in segments on disk, found by offset, epoch and time, with the producers' state beside them.
//!
//! A machine without I/O: it names [`DiskOp`](crate::io::DiskOp)s under [`Owner::Log`](crate::io::Owner::Log) and is told how they
//! ended by [`Log::on_disk`]. `start ≤ synced ≤ end`: what was appended is readable at once (from memory until it is
//! written), and is promised to nobody before `synced` has passed it.
//!
//! A question that needs the disk first is answered `Wait`, the reads it needs are issued, and the one who asked asks again
//! after [`LogEvent::Warm`].

mod config;

pub use config::{LogConfig, Opening, SyncPolicy, TimestampType};

use crate::error::Refusal;
use crate::id::{DirId, LeaderEpoch, Offset, Uuid};
use crate::io::{DiskDone, DiskFault, Out, Records};
use crate::time::{Mono, Now};
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
    Found { offset: Offset, timestamp: i64, epoch: LeaderEpoch },
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

/// One log.
#[derive(Debug)]
pub struct Log {
    dir: DirId,
    config: LogConfig,
}

#[expect(unused_variables, reason = "the surface comes first")]
impl Log {
    /// Opens the log in the folder `name`, which is made if it is not there. Serves from [`LogEvent::Opened`] on.
    pub fn open(dir: DirId, name: String, config: LogConfig, opening: Opening, now: Now, out: &mut Out) -> Self {
        unimplemented!()
    }

    pub fn is_open(&self) -> bool {
        unimplemented!()
    }

    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    pub fn configure(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The topic's id as `partition.metadata` has it (or as it was given where that file was not there).
    pub fn topic_id(&self) -> Option<Uuid> {
        unimplemented!()
    }

    /// Appends as the leader of `epoch`: assigns the offsets from `end()` on, stamps the epoch. Readable at once,
    /// durable when `synced()` passes `last`.
    ///
    /// `bytes` were checked by `batch::verify` (of a client: `Limits::produce`).
    ///
    /// # Errors
    /// As Kafka's: `MESSAGE_TOO_LARGE`, `RECORD_LIST_TOO_LARGE`, `INVALID_TIMESTAMP`, `INVALID_RECORD`, `OUT_OF_ORDER_SEQUENCE_NUMBER`,
    /// `INVALID_PRODUCER_EPOCH`, …; `KAFKA_STORAGE_ERROR` if the log is not open or has failed. Nothing was appended then.
    pub fn append(&mut self, now: Now, epoch: LeaderEpoch, bytes: Bytes, origin: Origin, out: &mut Out) -> Result<Appended, Refusal> {
        unimplemented!()
    }

    /// Appends as a follower: offsets and epochs as the leader gave them, from `end()` on. `bytes` were checked by
    /// `batch::verify` (`Limits::REPLICA`); a batch at the end that is cut off is ignored, as are batches wholly below `end()`.
    ///
    /// # Errors
    /// `CORRUPT_MESSAGE` if the batches do not continue the log; `KAFKA_STORAGE_ERROR` as for [`Self::append`], and while a truncation is looking
    /// for its place on disk (retry). Nothing was appended then.
    pub fn append_replica(&mut self, now: Now, bytes: Bytes, out: &mut Out) -> Result<(), Refusal> {
        unimplemented!()
    }

    /// Batches from the one that holds `from`, all below `until`, up to `max_bytes`; the first one whole even if it alone is larger, if
    /// `whole_first`. Nothing at `from == end()`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `from` is below `start()` or beyond `end()`; `KAFKA_STORAGE_ERROR` where the bytes are damaged or the disk fails.
    pub fn read(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, whole_first: bool, out: &mut Out) -> Result<Reading, Refusal> {
        unimplemented!()
    }

    /// As [`Self::read`] with `whole_first`, always as bytes in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, out: &mut Out) -> Result<Loading, Refusal> {
        unimplemented!()
    }

    /// Cuts the log back so that it ends at `to`, or at the start of the batch that holds `to`. `end()`, `synced()`, epochs, producers
    /// and indexes follow. Nothing if `to >= end()`; everything ([`Self::restart_at`]) if `to` is below all segments.
    pub fn truncate(&mut self, now: Now, to: Offset, out: &mut Out) {
        unimplemented!()
    }

    /// Drops everything and begins anew at `offset`.
    pub fn restart_at(&mut self, now: Now, offset: Offset, out: &mut Out) {
        unimplemented!()
    }

    /// Moves the start of the log up to `to` (DeleteRecords). Kept over a restart by the node's `log-start-offset-checkpoint`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `to` is beyond `end()` or negative.
    pub fn raise_start(&mut self, now: Now, to: Offset, out: &mut Out) -> Result<(), Refusal> {
        unimplemented!()
    }

    /// First offset that may be read (log start offset).
    pub fn start(&self) -> Offset {
        unimplemented!()
    }

    /// Offset of the next record (log end offset).
    pub fn end(&self) -> Offset {
        unimplemented!()
    }

    /// Below this everything is durable under the log's [`SyncPolicy`].
    pub fn synced(&self) -> Offset {
        unimplemented!()
    }

    /// Bytes of all segments.
    pub fn size(&self) -> u64 {
        unimplemented!()
    }

    /// Epoch of the newest batch (or of the leader that began one since); [`LeaderEpoch::NONE`] if there is none.
    pub fn latest_epoch(&self) -> LeaderEpoch {
        unimplemented!()
    }

    /// Where the records of `epoch` end, as OffsetForLeaderEpoch answers (KIP-101, KIP-279): the largest epoch known that is not
    /// above `epoch`, and the offset behind its records; `(NONE, NONE)` if that is not known.
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        unimplemented!()
    }

    /// The epoch of the record at `offset`, as far as the checkpoint knows; `NONE` if it does not.
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        unimplemented!()
    }

    /// A leader begins `epoch` at `end()`.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch, out: &mut Out) {
        unimplemented!()
    }

    /// The first record below `until` whose timestamp is not before `timestamp` (ms since 1970).
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` where the bytes are damaged or the disk fails.
    pub fn offset_for_time(&mut self, now: Now, timestamp: i64, until: Offset, out: &mut Out) -> Result<TimeLookup, Refusal> {
        unimplemented!()
    }

    /// The first record that has the largest timestamp of the log (KIP-734).
    ///
    /// # Errors
    /// As [`Self::offset_for_time`].
    pub fn offset_of_max_time(&mut self, now: Now, out: &mut Out) -> Result<TimeLookup, Refusal> {
        unimplemented!()
    }

    /// An operation of this log has ended.
    pub fn on_disk(&mut self, now: Now, serial: u64, result: Result<DiskDone, DiskFault>, out: &mut Out) -> LogEvent {
        unimplemented!()
    }

    /// Chores: rolls by time, retention (below `watermark` only), delayed deletes, flushes, expiry of producers.
    pub fn on_tick(&mut self, now: Now, watermark: Offset, out: &mut Out) -> LogEvent {
        unimplemented!()
    }

    /// When [`Self::on_tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Mono> {
        unimplemented!()
    }

    /// Makes all durable for a clean [`Self::open`]; [`LogEvent::Closed`] follows. Appends are refused from now on.
    pub fn close(&mut self, now: Now, out: &mut Out) {
        unimplemented!()
    }

    /// Asserts the invariants.
    pub fn check(&self) {
        unimplemented!()
    }
}
