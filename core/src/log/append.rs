//! Appends: a leader's, which assigns offsets, and a follower's, which takes them over.

use super::pending::Then;
use super::segment::Summary;
use super::tail::TailBatch;
use super::{Appended, Log, Origin, SyncPolicy, TimestampType};
use crate::batch::{Batches, Codec, Header, Record, Records, Stamp, stamp};
use crate::error::{ErrorCode, Refusal};
use crate::id::{LeaderEpoch, Offset};
use crate::io::{DiskOp, FileName, Out};
use crate::limits::RECORD_ERRORS_MAX;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Span};
use alloc::vec::Vec;
use bytes::Bytes;

/// Batches that go to the disk in one operation: all of one segment.
#[derive(Default)]
struct Write {
    at: u64,
    parts: Vec<Bytes>,
    records: i64,
}

impl Log {
    /// Appends as the leader of `epoch`: assigns the offsets from `end()` on, stamps the epoch. Readable at once,
    /// durable when `synced()` passes `last`.
    ///
    /// `bytes` were checked by `batch::verify` (of a client: `Limits::produce`).
    ///
    /// # Errors
    /// As Kafka's: `MESSAGE_TOO_LARGE`, `RECORD_LIST_TOO_LARGE`, `INVALID_TIMESTAMP`, `INVALID_RECORD`, `OUT_OF_ORDER_SEQUENCE_NUMBER`,
    /// `INVALID_PRODUCER_EPOCH`; `NOT_LEADER_OR_FOLLOWER` (retry) while the producers are read again after a truncation;
    /// `KAFKA_STORAGE_ERROR` if the log is not open or has failed. Nothing was appended then.
    pub fn append(
        &mut self,
        now: Now,
        epoch: LeaderEpoch,
        bytes: Bytes,
        origin: Origin,
        out: &mut Out,
    ) -> Result<Appended, Refusal> {
        self.usable()?;
        if self.cutting.is_some() {
            return Err(ErrorCode::NotLeaderOrFollower.into());
        }
        let mut total = 0;
        for (header, batch) in Batches::of(&bytes) {
            self.admit(now, &header, batch, origin)?;
            total += batch.len();
        }
        if total == 0 {
            return Err(Refusal::because(ErrorCode::InvalidRecord, "there is no batch to append"));
        }
        if total > self.config.segment_bytes as usize && !mutant::is(Mutant::BeyondSegmentTaken) {
            return Err(Refusal::because(ErrorCode::RecordListTooLarge, "the batches are larger than a segment"));
        }
        if let Some(appended) = self.admit_producers(&bytes, origin)? {
            return Ok(appended);
        }

        let append_time = match self.config.timestamp_type {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime if mutant::is(Mutant::AppendTimeNotStamped) => None,
            TimestampType::LogAppendTime => Some(now.wall.0),
        };
        self.epochs.assign(epoch, self.end);
        let first = self.end;
        let mut write = self.begin_write();
        // The one batch of a producer is not sliced: its buffer may be ours alone, and is then stamped in place.
        let mut rest = bytes;
        while let Some(size) = Header::read(&rest).and_then(|header| header.size()).filter(|size| *size <= rest.len()) {
            let stamped = stamp(rest.split_to(size), Stamp { base: self.end, epoch, append_time });
            self.take(now, stamped, &mut write, out);
        }
        self.end_write(now, write, out);
        assert!(self.end > first, "an append adds records");
        Ok(Appended { first, last: self.end.plus(-1), log_append_time: append_time.unwrap_or(-1), duplicate: false })
    }

    /// Appends as a follower: offsets and epochs as the leader gave them, from `end()` on. `bytes` were checked by
    /// `batch::verify` (`Limits::REPLICA`); a batch at the end that is cut off is ignored, as are batches wholly below `end()`.
    ///
    /// # Errors
    /// `CORRUPT_MESSAGE` if the batches do not continue the log; `KAFKA_STORAGE_ERROR` as for [`Self::append`], and while a truncation is looking
    /// for its place on disk (retry). Nothing was appended then.
    pub fn append_replica(&mut self, now: Now, bytes: Bytes, out: &mut Out) -> Result<(), Refusal> {
        self.usable()?;
        if self.cutting.is_some() {
            return Err(Refusal::because(ErrorCode::KafkaStorageError, "a truncation is under way"));
        }
        let mut next = self.end;
        for (header, _) in Batches::of(&bytes) {
            if header.next_offset() <= self.end {
                continue;
            }
            // A gap is what a compaction has left, but not at the place from which was fetched.
            let follows =
                header.base_offset() >= next && (next != self.end || header.base_offset() == next || self.is_empty());
            if !follows || header.last_offset_delta() < 0 || header.next_offset() <= header.base_offset() {
                return Err(Refusal::because(
                    ErrorCode::CorruptMessage,
                    "the leader's batches do not continue the log",
                ));
            }
            next = header.next_offset();
        }
        if next == self.end {
            return Ok(());
        }
        let old = self.end;
        let mut write = self.begin_write();
        let mut at = 0;
        for (header, batch) in Batches::of(&bytes) {
            let piece = bytes.slice(at..at + batch.len());
            at += batch.len();
            if header.next_offset() > old {
                self.epochs.assign(header.leader_epoch(), header.base_offset());
                self.take(now, (piece, Bytes::new()), &mut write, out);
                if mutant::is(Mutant::ReplicaForgetsProducers) {
                    self.producers.clear();
                }
            }
        }
        self.end_write(now, write, out);
        assert!(self.end == next, "all was taken");
        Ok(())
    }

    /// Where the first of these batches begins, if this log has no record that is not deleted, here or at the leader, whose log starts at
    /// `starts`, and that is before its end, though the batch ends behind it.
    pub fn begins_within(&self, bytes: &[u8], starts: Offset) -> Option<Offset> {
        let (first, _) = Batches::of(bytes).next().filter(|_| self.start.max(starts) >= self.end)?;
        let base = first.base_offset();
        (Offset::ZERO <= base && base < self.end && self.end < first.next_offset()).then_some(base)
    }

    /// No batch was ever here since the log began at its start.
    fn is_empty(&self) -> bool {
        self.segments.len() == 1 && self.active().size == 0
    }

    fn admit(&self, now: Now, header: &Header<'_>, batch: &[u8], origin: Origin) -> Result<(), Refusal> {
        if batch.len() > self.config.max_message_bytes as usize && !mutant::is(Mutant::TooLargeTaken) {
            return Err(Refusal::because(ErrorCode::MessageTooLarge, "the batch is larger than max.message.bytes"));
        }
        if header.last_offset_delta() < 0 || self.end.0.checked_add(i64::from(header.last_offset_delta()) + 1).is_none()
        {
            return Err(Refusal::because(ErrorCode::InvalidRecord, "the batch has an impossible range of offsets"));
        }
        if origin == Origin::Coordinator {
            return Ok(());
        }
        self.admit_timestamps(now, header, batch)?;
        if self.config.compact_policy && header.codec() == Some(Codec::None) {
            let keyless = of_batch(batch, |record| record.key.is_none());
            if !keyless.is_empty() && !mutant::is(Mutant::KeylessTaken) {
                let why = "a compacted topic takes no record without a key";
                return Err(Refusal::because(ErrorCode::InvalidRecord, why).of_records(keyless));
            }
        }
        Ok(())
    }

    /// Looks at the batch's two timestamps for all of its records'.
    fn admit_timestamps(&self, now: Now, header: &Header<'_>, batch: &[u8]) -> Result<(), Refusal> {
        let refused = |why| Refusal::because(ErrorCode::InvalidTimestamp, why);
        if header.is_log_append_time() && !mutant::is(Mutant::AppendBitTaken) {
            return Err(refused("a producer may not set the time of the append"));
        }
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            return Ok(());
        }
        let strays = |timestamp: i64| {
            let age = now.wall.0.saturating_sub(timestamp);
            timestamp != -1
                && (age > self.config.timestamp_before_max_ms
                    || age.saturating_neg() > self.config.timestamp_after_max_ms)
        };
        if mutant::is(Mutant::OldStampsTaken) {
            return Ok(());
        }
        if strays(header.base_timestamp()) && !mutant::is(Mutant::EarlyRecordTaken) || strays(header.max_timestamp()) {
            let at_fault = of_batch(batch, |record| strays(record.timestamp));
            return Err(refused("a timestamp is out of the range that the topic takes").of_records(at_fault));
        }
        Ok(())
    }

    /// Answers a duplicate with what was then.
    fn admit_producers(&self, bytes: &[u8], origin: Origin) -> Result<Option<Appended>, Refusal> {
        for (header, _) in Batches::of(bytes).filter(|(header, _)| header.has_producer()) {
            if self.replay.is_some() {
                return Err(ErrorCode::NotLeaderOrFollower.into());
            }
            if origin == Origin::Client
                && let Some(before) = self.producers.duplicate(&header)
            {
                let (first, last) = (before.first_offset(), before.last_offset);
                let first = if mutant::is(Mutant::DuplicateMisplaced) { self.end } else { first };
                return Ok(Some(Appended { first, last, log_append_time: before.timestamp, duplicate: true }));
            }
            self.producers.admit(&header, origin == Origin::Client)?;
        }
        Ok(None)
    }

    fn begin_write(&self) -> Write {
        Write { at: self.active().size, ..Write::default() }
    }

    /// Takes in a batch whose header is as it will be on disk.
    fn take(&mut self, now: Now, parts: (Bytes, Bytes), write: &mut Write, out: &mut Out) {
        let (head, body) = parts;
        let header = Header::read(&head).expect("a stamped batch has its header in the first part");
        let batch = Summary {
            first: header.base_offset(),
            last: header.last_offset(),
            max_timestamp: header.max_timestamp(),
            size: u32::try_from(head.len() + body.len()).expect("a batch has an i32 length"),
        };
        assert!(batch.first >= self.end && batch.last >= batch.first, "a batch continues the log");
        if self.active().is_full_for(&batch, &self.config, now.wall) {
            self.end_write(now, core::mem::take(write), out);
            self.roll(now, batch.first, out);
            *write = self.begin_write();
        }
        if self.replay.is_none() {
            let marker = if header.is_control() { marker_epoch(&head, &body) } else { None };
            self.producers.record(&header, marker);
        }
        write.records += i64::from(header.last_offset_delta()) + 1;
        let interval = self.config.index_interval_bytes;
        let segment = self.active_mut();
        let (base, at) = (segment.base, segment.size);
        segment.take(&batch, interval);
        self.end = batch.last.plus(1);
        write.parts.push(head.clone());
        if !body.is_empty() {
            write.parts.push(body.clone());
        }
        self.tail.push(TailBatch { first: batch.first, last: batch.last, segment: base, at, parts: [head, body] });
    }

    /// Sends to the disk what was taken in since `begin_write`.
    fn end_write(&mut self, now: Now, write: Write, out: &mut Out) {
        if write.parts.is_empty() {
            return;
        }
        self.changed = true;
        self.appended_at = now.mono;
        let sync = match self.config.sync {
            SyncPolicy::Always => true,
            SyncPolicy::Os { flush_messages, flush_ms } => {
                self.count_unflushed(now, write.records, flush_messages, flush_ms)
            }
        };
        let segment = self.active();
        let then = Then::Written { segment: Some((segment.base, segment.size)), end: self.end };
        let file = self.file(FileName::Log(segment.base));
        self.change(
            DiskOp::Append { file, at: write.at, bytes: write.parts, sync: sync && !mutant::is(Mutant::AckBeforeSync) },
            then,
            out,
        );
        self.evict_tail();
    }

    /// Whether these records make a sync due (`flush.messages`); `flush.ms` starts to run.
    fn count_unflushed(&mut self, now: Now, records: i64, flush_messages: i64, flush_ms: i64) -> bool {
        self.unflushed = self.unflushed.saturating_add(records);
        if self.unflushed >= flush_messages && !mutant::is(Mutant::FlushForgotten) {
            self.unflushed = 0;
            self.flush_due = None;
            return true;
        }
        if flush_ms != i64::MAX && self.flush_due.is_none() {
            self.flush_due = Some(now.mono + Span::from_kafka_millis(flush_ms));
        }
        false
    }
}

/// The coordinator's epoch in the marker of a control batch.
pub(super) fn marker_epoch(head: &Bytes, body: &Bytes) -> Option<i32> {
    let whole;
    let batch = if body.is_empty() {
        head
    } else {
        whole = Bytes::from([&head[..], &body[..]].concat());
        &whole
    };
    let record = Records::of(batch).ok()?.next()?.ok()?;
    let field = record.value?.get(2..6)?;
    Some(i32::from_be_bytes(field.try_into().ok()?))
}

/// The offset behind a batch that a caller appended as one.
impl Appended {
    pub const fn next(&self) -> Offset {
        self.last.plus(1)
    }
}

/// The records of a batch that are `bad`, as far as an answer names them; none of a compressed one, which is not unpacked.
fn of_batch(batch: &[u8], bad: impl Fn(&Record<'_>) -> bool) -> Vec<i32> {
    let records = Records::of(batch).into_iter().flatten().map_while(Result::ok);
    let places = (0..).zip(records).filter(|(_, record)| bad(record)).map(|(place, _)| place);
    places.take(RECORD_ERRORS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Builder, is_intact};
    use crate::id::ProducerId;
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::{batch, read_all};
    use crate::log::{LogConfig, LogEvent, Opening};

    fn opened(config: LogConfig) -> Bench {
        Bench::opened(Disk::default(), config, Opening::default())
    }

    fn timed(base: i64, max: i64) -> Bytes {
        let mut batch = Builder::new();
        batch.push(base, Some(b"k"), Some(b"v"), &[]);
        batch.push(max, None, Some(b"v"), &[]);
        batch.finish()
    }

    #[track_caller]
    fn refused(config: LogConfig, bytes: Bytes, origin: Origin, want: ErrorCode) {
        let mut bench = opened(config);
        let refusal = bench.log.append(bench.now, LeaderEpoch(0), bytes, origin, &mut bench.out).unwrap_err();
        assert_eq!(refusal.code, want);
        assert_eq!((bench.log.end(), bench.log.size()), (Offset(0), 0));
        assert!(bench.out.is_empty());
    }

    #[test]
    fn a_log_without_a_record_begins_within_a_batch_whatever_was_deleted_there() {
        let mut bench = opened(LogConfig::default());
        bench.log.append(bench.now, LeaderEpoch(0), batch(b"v", 6, None), Origin::Client, &mut bench.out).unwrap();
        bench.settle();
        let spans = |base, count| {
            let mut bytes = batch(b"v", count, None).to_vec();
            bytes[..8].copy_from_slice(&i64::to_be_bytes(base));
            bytes
        };
        assert_eq!(bench.log.begins_within(&spans(4, 4), Offset::NONE), None, "it has records");
        bench.log.raise_start(bench.now, Offset(6)).unwrap();
        assert_eq!(bench.log.begins_within(&spans(4, 4), Offset::NONE), Some(Offset(4)));
        assert_eq!(bench.log.begins_within(&spans(4, 2), Offset::NONE), None, "the batch ends before it");
        assert_eq!(bench.log.begins_within(&spans(6, 2), Offset::NONE), None, "it goes on with that");
    }

    #[test]
    fn what_kafka_refuses_is_refused() {
        let wall = opened(LogConfig::default()).now.wall.0;
        let small = LogConfig { max_message_bytes: 80, ..LogConfig::default() };
        refused(small, batch(&[0; 50], 1, None), Origin::Client, ErrorCode::MessageTooLarge);
        let small = LogConfig { segment_bytes: 80, ..LogConfig::default() };
        refused(small, batch(&[0; 50], 1, None), Origin::Coordinator, ErrorCode::RecordListTooLarge);
        refused(LogConfig::default(), timed(wall, wall + 3_700_000), Origin::Client, ErrorCode::InvalidTimestamp);
        let recent = LogConfig { timestamp_before_max_ms: 1000, ..LogConfig::default() };
        refused(recent, timed(wall - 2000, wall), Origin::Client, ErrorCode::InvalidTimestamp);
        let compacted = LogConfig { compact_policy: true, ..LogConfig::default() };
        refused(compacted, timed(wall, wall), Origin::Client, ErrorCode::InvalidRecord);
        refused(LogConfig::default(), Bytes::new(), Origin::Client, ErrorCode::InvalidRecord);
        let mut claims = Builder::new().log_append_time();
        claims.push(wall, None, None, &[]);
        refused(LogConfig::default(), claims.finish(), Origin::Client, ErrorCode::InvalidTimestamp);
    }

    #[test]
    fn timestamps_that_are_not_set_and_old_ones_are_taken() {
        let mut bench = opened(LogConfig::default());
        for bytes in [timed(-1, -1), timed(0, 5)] {
            bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
        }
    }

    #[test]
    fn the_time_of_the_append_is_the_logs_where_it_is_wanted() {
        let mut bench = opened(LogConfig { timestamp_type: TimestampType::LogAppendTime, ..LogConfig::default() });
        let wall = bench.now.wall.0;
        let appended =
            bench.log.append(bench.now, LeaderEpoch(2), timed(5, 7), Origin::Client, &mut bench.out).unwrap();
        assert_eq!(appended.log_append_time, wall);
        bench.settle();
        let bytes = read_all(&mut bench, 1000);
        let header = Header::read(&bytes).unwrap();
        assert!(is_intact(&bytes) && header.is_log_append_time());
        assert_eq!((header.max_timestamp(), header.leader_epoch()), (wall, LeaderEpoch(2)));
    }

    #[test]
    fn a_leader_of_kafkas_own_metadata_appends_many_batches_at_once() {
        let mut bench = opened(LogConfig { segment_bytes: 300, ..LogConfig::default() });
        let set = [batch(&[1; 50], 2, None), batch(&[2; 50], 1, None)].concat();
        let appended =
            bench.log.append(bench.now, LeaderEpoch(1), Bytes::from(set), Origin::Coordinator, &mut bench.out).unwrap();
        assert_eq!((appended.first, appended.last), (Offset(0), Offset(2)));
        bench.settle();
        assert_eq!(bench.log.synced(), Offset(3));
        let bytes = read_all(&mut bench, 1000);
        assert!(
            crate::batch::Batches::of(&bytes)
                .all(|(header, whole)| is_intact(whole) && header.leader_epoch() == LeaderEpoch(1))
        );
    }

    #[test]
    fn synced_moves_with_completions_only() {
        let mut bench = opened(LogConfig::default());
        for _ in 0..3 {
            bench.log.append(bench.now, LeaderEpoch(0), batch(b"v", 1, None), Origin::Client, &mut bench.out).unwrap();
        }
        assert_eq!((bench.log.end(), bench.log.synced()), (Offset(3), Offset(0)));
        bench.step();
        assert_eq!((bench.log.synced(), bench.events.last()), (Offset(1), Some(&LogEvent::Synced)));
        bench.settle();
        assert_eq!(bench.log.synced(), Offset(3));
    }

    #[test]
    fn a_duplicate_is_told_where_it_is_and_an_old_epoch_is_fenced() {
        let mut bench = opened(LogConfig::default());
        let mut send = |epoch, sequence, origin| {
            let bytes = batch(b"v", 2, Some((7, epoch, sequence)));
            bench.log.append(bench.now, LeaderEpoch(0), bytes, origin, &mut bench.out).map_err(|refusal| refusal.code)
        };
        assert_eq!(send(1, 0, Origin::Client).map(|appended| appended.first), Ok(Offset(0)));
        assert_eq!(send(1, 2, Origin::Client).map(|appended| appended.first), Ok(Offset(2)));
        let again = send(1, 0, Origin::Client).unwrap();
        assert!(again.duplicate);
        assert_eq!((again.first, again.last), (Offset(0), Offset(1)));
        assert_eq!(send(1, 6, Origin::Client), Err(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(send(0, 0, Origin::Client), Err(ErrorCode::InvalidProducerEpoch));
        assert_eq!(send(0, 0, Origin::Coordinator), Err(ErrorCode::InvalidProducerEpoch));
        assert_eq!(send(1, 4, Origin::Client).map(|appended| appended.first), Ok(Offset(4)));
        // The window outlives both kinds of restart.
        bench.settle();
        let mut bench = bench.restart().crash(Opening::default());
        let bytes = batch(b"v", 2, Some((7, 1, 0)));
        let again = bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
        assert_eq!((again.first, again.duplicate), (Offset(0), true));
        assert_eq!(bench.log.producers().get(ProducerId(7)).map(|known| known.window.len()), Some(3));
    }

    /// Two records from `base` on, as a leader of that epoch gives them.
    fn given(base: i64, epoch: i32) -> Bytes {
        let mut batch = Builder::new().base(Offset(base)).epoch(LeaderEpoch(epoch));
        batch.push(1, None, None, &[]);
        batch.push(1, None, None, &[]);
        batch.finish()
    }

    #[test]
    fn an_empty_log_names_the_batch_that_reaches_over_its_start() {
        let mut bench = opened(LogConfig::default());
        bench.log.restart_at(bench.now, Offset(3), &mut bench.out);
        let within = |bench: &Bench, base| bench.log.begins_within(&given(base, 1), Offset::NONE);
        assert_eq!([1, 2, 3].map(|base| within(&bench, base)), [None, Some(Offset(2)), None]);
        assert_eq!(bench.log.begins_within(&[], Offset(3)), None);
        bench.log.restart_at(bench.now, Offset(2), &mut bench.out);
        assert_eq!(bench.log.append_replica(bench.now, given(2, 1), &mut bench.out), Ok(()));
        bench.settle();
        assert_eq!((bench.log.start(), bench.log.synced()), (Offset(2), Offset(4)));
        assert_eq!(within(&bench, 3), None, "it holds something");
        let deleted = |starts| bench.log.begins_within(&given(3, 1), Offset(starts));
        assert_eq!([3, 4].map(deleted), [None, Some(Offset(3))], "which the leader has deleted");
    }

    #[test]
    fn a_follower_takes_what_continues_its_log_and_nothing_else() {
        let mut bench = opened(LogConfig::default());
        let mut take = |parts: &[Bytes]| {
            bench
                .log
                .append_replica(bench.now, Bytes::from(parts.concat()), &mut bench.out)
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(take(&[given(0, 1), given(2, 4)]), Ok(()));
        assert_eq!(take(&[given(2, 4), given(4, 4)]), Ok(()));
        assert_eq!(take(&[given(8, 4)]), Err(ErrorCode::CorruptMessage));
        assert_eq!(take(&[given(5, 4)]), Err(ErrorCode::CorruptMessage));
        assert_eq!(take(&[given(6, 4), given(6, 4)]), Err(ErrorCode::CorruptMessage));
        assert_eq!(take(&[]), Ok(()));
        assert_eq!((bench.log.end(), bench.log.latest_epoch()), (Offset(6), LeaderEpoch(4)));
        assert_eq!(bench.log.epoch_end(LeaderEpoch(1)), (LeaderEpoch(1), Offset(2)));
        assert_eq!(bench.log.epoch_end(LeaderEpoch(3)), (LeaderEpoch(1), Offset(2)));
        bench.settle();
        let bench = bench.crash(Opening::default());
        assert_eq!(bench.log.epoch_end(LeaderEpoch(1)), (LeaderEpoch(1), Offset(2)));
    }
}
