//! Questions about time: the first record that is so late, the one with the largest timestamp.

use super::cold::{Asked, CHUNK_BYTES};
use super::index::relative;
use super::{Loading, Log, TimeLookup};
use crate::batch::{Codec, HEADER_BYTES, Header, Records};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{DiskOp, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use bytes::Bytes;

/// Largest record set that a batch may be unpacked to, for a look at its timestamps.
pub const UNPACKED_BYTES_MAX: u32 = 128 << 20;

/// What a search wants of a record.
#[derive(Clone, Copy)]
struct Wanted {
    timestamp: i64,
    until: Offset,
}

impl Log {
    /// The first record below `until` whose timestamp is not before `timestamp` (ms since 1970).
    ///
    /// # Errors
    /// `CORRUPT_MESSAGE` where the bytes are damaged; `KAFKA_STORAGE_ERROR` where the disk fails.
    pub fn offset_for_time(
        &mut self,
        now: Now,
        timestamp: i64,
        until: Offset,
        out: &mut Out,
    ) -> Result<TimeLookup, Refusal> {
        self.usable()?;
        let wanted = Wanted { timestamp, until: until.min(self.end) };
        for place in 0..self.segments.len() {
            match self.largest_of(now, place, out)? {
                None => return Ok(TimeLookup::Wait),
                Some((largest, _))
                    if largest < timestamp.saturating_add(i64::from(mutant::is(Mutant::TimeSkipsSegment))) =>
                {
                    continue;
                }
                Some(_) => {}
            }
            match self.search(now, place, wanted, out)? {
                TimeLookup::None => {}
                found @ (TimeLookup::Found { .. } | TimeLookup::Wait) => return Ok(found),
            }
        }
        Ok(TimeLookup::None)
    }

    /// The first record that has the largest timestamp of the log (KIP-734). A segment that was deleted from whole, and is still there until
    /// retention comes by, has no part in it (seed 2281370319660).
    ///
    /// # Errors
    /// As [`Self::offset_for_time`].
    pub fn offset_of_max_time(&mut self, now: Now, out: &mut Out) -> Result<TimeLookup, Refusal> {
        self.usable()?;
        let mut newest: Option<(i64, Offset)> = None;
        let kept = |place: &usize| self.segment_end(*place) > self.start;
        let first = (0..self.segments.len()).find(kept).unwrap_or(self.segments.len());
        for place in first..self.segments.len() {
            let Some(largest) = self.largest_kept(now, place, out)? else { return Ok(TimeLookup::Wait) };
            if largest.0 >= 0
                && newest.is_none_or(|newest| {
                    newest.0 < largest.0.saturating_add(i64::from(mutant::is(Mutant::MaxTimeIsLast)))
                })
            {
                newest = Some(largest);
            }
        }
        let Some((timestamp, offset)) = newest.filter(|newest| newest.1 >= self.start) else {
            return Ok(TimeLookup::None);
        };
        match self.load_any(now, offset, self.end, 1, out)? {
            Loading::Wait => Ok(TimeLookup::Wait),
            Loading::End => Ok(TimeLookup::None),
            Loading::Batches(batches) => match batches.first() {
                Some(batch) => self.search_batch(batch, Wanted { timestamp, until: self.end }, out),
                None => Ok(TimeLookup::None),
            },
        }
    }

    /// Walks a segment from where its time index says.
    fn search(&mut self, now: Now, place: usize, wanted: Wanted, out: &mut Out) -> Result<TimeLookup, Refusal> {
        let segment = &self.segments[place];
        if !segment.loaded {
            self.ask_index(place, out);
            return Ok(TimeLookup::Wait);
        }
        let end = self.segment_end(place).min(wanted.until);
        let indexed = segment.base.plus(i64::from(segment.index.floor_time(wanted.timestamp)));
        let key = (segment.base, if mutant::is(Mutant::WalkOfAnotherTime) { 0 } else { wanted.timestamp });
        let mut from = indexed.max(self.start).max(self.cold.walked(key));
        while from < end {
            match self.load_any(now, from, self.end, CHUNK_BYTES.0 as usize, out)? {
                Loading::End => break,
                Loading::Wait => {
                    self.cold.walk(key, from);
                    return Ok(TimeLookup::Wait);
                }
                Loading::Batches(batches) => {
                    for batch in &batches {
                        let Some(header) = Header::read(batch).filter(|header| header.base_offset() < end) else {
                            break;
                        };
                        if header.max_timestamp() >= wanted.timestamp {
                            match self.search_batch(batch, wanted, out)? {
                                TimeLookup::None => {}
                                TimeLookup::Wait => {
                                    self.cold.walk(key, header.base_offset());
                                    return Ok(TimeLookup::Wait);
                                }
                                found @ TimeLookup::Found { .. } => return Ok(found),
                            }
                        }
                        from = header.next_offset();
                    }
                    if batches
                        .last()
                        .and_then(|batch| Header::read(batch))
                        .is_none_or(|header| header.base_offset() >= end)
                    {
                        break;
                    }
                }
            }
        }
        // Where headers say a later time than their records have, nobody walks it again.
        self.cold.walk(key, end);
        Ok(TimeLookup::None)
    }

    /// The first record of the batch that is late enough, and in the log.
    fn search_batch(&mut self, batch: &Bytes, wanted: Wanted, out: &mut Out) -> Result<TimeLookup, Refusal> {
        let Some(header) = Header::read(batch) else { return Ok(TimeLookup::None) };
        let unpacked;
        let records = match header.codec() {
            Some(Codec::None) => Records::of(batch)?,
            Some(codec) => {
                let base = header.base_offset();
                let Some(known) = self.cold.unpacked(base) else {
                    self.unpack(base, codec, batch, out);
                    return Ok(TimeLookup::Wait);
                };
                unpacked = known
                    .ok_or_else(|| Refusal::because(ErrorCode::CorruptMessage, "a batch cannot be decompressed"))?;
                Records::unpacked(&header, &unpacked)
            }
            None => return Err(Refusal::new(ErrorCode::CorruptMessage)),
        };
        for record in records {
            let record = record?;
            let late = record.timestamp >= wanted.timestamp || mutant::is(Mutant::TimeNamesBatch);
            if late
                && (record.offset >= self.start || mutant::is(Mutant::TimeNamesDeleted))
                && record.offset < wanted.until
            {
                let (offset, timestamp, epoch) = (record.offset, record.timestamp, header.leader_epoch());
                return Ok(TimeLookup::Found { offset, timestamp, epoch });
            }
        }
        Ok(TimeLookup::None)
    }

    fn unpack(&mut self, base: Offset, codec: Codec, batch: &Bytes, out: &mut Out) {
        if !self.cold.is_asked(|asked| matches!(asked, Asked::Unpack { base: other } if *other == base)) {
            let op =
                DiskOp::Unpack { codec: codec.bits(), bytes: batch.slice(HEADER_BYTES..), max: UNPACKED_BYTES_MAX };
            self.ask(op, Asked::Unpack { base }, out);
        }
    }

    /// The segment's largest timestamp and the last offset of the first batch that had it; `None`: the disk was asked.
    ///
    /// # Errors
    /// As [`Self::offset_for_time`].
    pub(super) fn largest_of(
        &mut self,
        now: Now,
        place: usize,
        out: &mut Out,
    ) -> Result<Option<(i64, Offset)>, Refusal> {
        let segment = &mut self.segments[place];
        if let Some(largest) = segment.largest {
            return Ok(Some(largest));
        }
        if !segment.loaded {
            self.ask_index(place, out);
            return Ok(None);
        }
        if let Some((timestamp, last)) = segment.index.last_time() {
            segment.largest = Some((timestamp, segment.base.plus(i64::from(last))));
            return Ok(segment.largest);
        }
        let base = segment.base;
        let largest = self.look_through(now, place, base, out)?;
        if largest.is_some() {
            self.segments[place].largest = largest;
        }
        Ok(largest)
    }

    /// The same of the records that were not deleted: the time index tells of those as well.
    fn largest_kept(&mut self, now: Now, place: usize, out: &mut Out) -> Result<Option<(i64, Offset)>, Refusal> {
        let start = self.start;
        let known = self.largest_of(now, place, out)?;
        if known.is_none_or(|(_, last)| last >= start) || mutant::is(Mutant::MaxTimeOfDeleted) {
            return Ok(known);
        }
        // What an earlier walk found may have been deleted since.
        let segment = &mut self.segments[place];
        segment.looked = segment.looked.filter(|(_, (_, last))| *last >= start);
        self.look_through(now, place, start, out)
    }

    /// Walks a segment whose time index is gone, or does not tell of what begins at `least` alone.
    fn look_through(
        &mut self,
        now: Now,
        place: usize,
        least: Offset,
        out: &mut Out,
    ) -> Result<Option<(i64, Offset)>, Refusal> {
        let end = self.segment_end(place);
        loop {
            let segment = &self.segments[place];
            let (from, mut largest) = segment.looked.unwrap_or((least.max(segment.base), (-1, least)));
            let mut reached = from;
            match if from < end { self.load_any(now, from, end, CHUNK_BYTES.1 as usize, out)? } else { Loading::End } {
                Loading::Wait => return Ok(None),
                Loading::End => return Ok(Some(largest)),
                Loading::Batches(batches) => {
                    for header in batches.iter().filter_map(|batch| Header::read(batch)) {
                        if header.max_timestamp() > largest.0 {
                            largest = (header.max_timestamp(), header.last_offset());
                        }
                        reached = header.next_offset();
                    }
                }
            }
            let segment = &mut self.segments[place];
            assert!(reached > from && relative(segment.base, from).is_some(), "the walk gets on");
            segment.looked = Some((reached, largest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use crate::id::LeaderEpoch;
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::config;
    use crate::log::{LogConfig, Opening, Origin};
    use alloc::vec::Vec;

    fn append(bench: &mut Bench, timestamps: &[i64]) {
        let mut batch = Builder::new();
        for timestamp in timestamps {
            batch.push(*timestamp, None, Some(&[3; 60]), &[]);
        }
        bench.log.append(bench.now, LeaderEpoch(1), batch.finish(), Origin::Client, &mut bench.out).unwrap();
    }

    /// Timestamps rise by ten a record, and fall back once.
    fn forty() -> Bench {
        let mut bench = Bench::opened(Disk::default(), config(), Opening::default());
        for base in 0..20i64 {
            let late = if base == 9 { 5 } else { base * 20 };
            append(&mut bench, &[late, late + 10]);
        }
        bench.settle();
        assert!(bench.log.segments.len() > 3);
        bench
    }

    fn ask(bench: &mut Bench, timestamp: i64, until: i64) -> Option<i64> {
        for _ in 0..500 {
            match bench.log.offset_for_time(bench.now, timestamp, Offset(until), &mut bench.out).unwrap() {
                TimeLookup::Wait => bench.settle(),
                TimeLookup::None => return None,
                TimeLookup::Found { offset, timestamp: found, epoch } => {
                    assert!(found >= timestamp && epoch == LeaderEpoch(1));
                    return Some(offset.0);
                }
            }
        }
        panic!("a search gets on");
    }

    #[test]
    fn the_largest_time_is_not_that_of_a_segment_that_was_deleted_from_whole() {
        let mut bench = Bench::opened(Disk::default(), config(), Opening::default());
        append(&mut bench, &[500, 500]);
        while bench.log.segments.len() < 3 {
            append(&mut bench, &[10, 20]);
        }
        bench.settle();
        let second = bench.log.segments[1].base;
        bench.log.raise_start(bench.now, second).unwrap();
        assert!(bench.log.segments[0].base < second, "retention has not come by");
        for _ in 0..100 {
            match bench.log.offset_of_max_time(bench.now, &mut bench.out).unwrap() {
                TimeLookup::Wait => bench.settle(),
                found => {
                    let right = TimeLookup::Found { offset: second.plus(1), timestamp: 20, epoch: LeaderEpoch(1) };
                    return assert_eq!(found, right);
                }
            }
        }
        panic!("a search gets on");
    }

    #[test]
    fn the_largest_time_is_of_what_was_not_deleted_of_a_segment() {
        let mut bench = Bench::opened(Disk::default(), config(), Opening::default());
        append(&mut bench, &[500]);
        append(&mut bench, &[10, 20]);
        assert_eq!(bench.log.segments.len(), 1);
        bench.settle();
        bench.log.raise_start(bench.now, Offset(1)).unwrap();
        let mut found = |offset, timestamp| {
            let found = (0..100).find_map(|_| match bench.log.offset_of_max_time(bench.now, &mut bench.out).unwrap() {
                TimeLookup::Wait => {
                    bench.settle();
                    None
                }
                found => Some(found),
            });
            let right = TimeLookup::Found { offset: Offset(offset), timestamp, epoch: LeaderEpoch(1) };
            assert_eq!(found, Some(right));
            append(&mut bench, &[30]);
        };
        found(2, 20);
        found(3, 30);
    }

    fn check(mut bench: Bench) {
        assert_eq!(ask(&mut bench, 0, 40), Some(0));
        assert_eq!(ask(&mut bench, 1, 40), Some(1));
        assert_eq!(ask(&mut bench, 170, 40), Some(17));
        // Records 18 and 19 fell back.
        assert_eq!(ask(&mut bench, 180, 40), Some(20));
        assert_eq!(ask(&mut bench, 215, 40), Some(22));
        assert_eq!(ask(&mut bench, 390, 40), Some(39));
        assert_eq!(ask(&mut bench, 390, 39), None);
        assert_eq!(ask(&mut bench, 391, 40), None);
        for _ in 0..100 {
            match bench.log.offset_of_max_time(bench.now, &mut bench.out).unwrap() {
                TimeLookup::Wait => bench.settle(),
                found => {
                    assert_eq!(found, TimeLookup::Found { offset: Offset(39), timestamp: 390, epoch: LeaderEpoch(1) });
                    return;
                }
            }
        }
        panic!("a search gets on");
    }

    #[test]
    fn finds_the_first_record_that_is_late_enough() {
        check(forty());
    }

    #[test]
    fn finds_it_after_a_restart_and_after_a_crash() {
        check(forty().restart());
        check(forty().crash(Opening::default()));
    }

    #[test]
    fn finds_it_after_a_cut_anywhere_and_appends_of_older_records() {
        // With what is in memory, and with what has to be read back: the largest timestamp may be that of the last batch that stays.
        for (cut, again) in (1..40).flat_map(|cut| [(cut, false), (cut, true)]) {
            let mut bench = if again { forty().crash(Opening::default()) } else { forty() };
            bench.log.truncate(bench.now, Offset(cut), &mut bench.out);
            bench.settle();
            let end = bench.log.end().0;
            assert_eq!(end, cut - cut % 2);
            let mut times: Vec<i64> =
                (0..20).flat_map(|base| if base == 9 { [5, 15] } else { [base * 20, base * 20 + 10] }).collect();
            times.truncate(end as usize);
            for _ in 0..6 {
                append(&mut bench, &[5, 15]);
                times.extend([5, 15]);
            }
            bench.settle();
            let until = times.len() as i64;
            for wanted in (0..400).step_by(10) {
                let first = times.iter().position(|time| *time >= wanted).map(|place| place as i64);
                assert_eq!(ask(&mut bench, wanted, until), first, "cut at {cut}, {wanted} is looked for");
            }
        }
    }

    #[test]
    fn finds_it_without_the_index_files() {
        let mut bench = forty();
        bench.disk.accept(&mut bench.out);
        let disk = bench
            .disk
            .image()
            .into_iter()
            .filter(|(name, _)| !matches!(name, crate::io::FileName::TimeIndex(_) | crate::io::FileName::Index(_)));
        let files: alloc::vec::Vec<_> = disk.collect();
        let files: alloc::vec::Vec<_> = files.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        check(Bench::opened(Disk::holding(&files), config(), Opening::default()));
    }

    #[test]
    fn nothing_below_the_start_is_found() {
        let mut bench = forty();
        bench.log.raise_start(bench.now, Offset(5)).unwrap();
        assert_eq!(ask(&mut bench, 0, 40), Some(5));
        let mut empty = Bench::opened(Disk::default(), config(), Opening::default());
        assert_eq!(ask(&mut empty, 0, 40), None);
        assert_eq!(empty.log.offset_of_max_time(empty.now, &mut empty.out), Ok(TimeLookup::None));
    }

    /// A log of one batch that says gzip, of three records of so many bytes at 100, 300 and 200.
    fn compressed(size: usize) -> Bench {
        let config = LogConfig { max_message_bytes: 8 << 20, segment_bytes: 16 << 20, retention_ms: -1, ..config() };
        let mut bench = Bench::opened(Disk::default(), config, Opening::default());
        let mut batch = Builder::new();
        for timestamp in [100, 300, 200] {
            batch.push(timestamp, None, Some(&alloc::vec![7; size]), &[]);
        }
        let mut bytes = batch.finish().to_vec();
        bench.disk.unpacked = Some(Bytes::copy_from_slice(&bytes[HEADER_BYTES..]));
        // Says gzip, and has whatever in place of the records.
        bytes[22] |= 1;
        bytes[HEADER_BYTES..].fill(0xaa);
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        bench.log.append(bench.now, LeaderEpoch(1), Bytes::from(bytes), Origin::Client, &mut bench.out).unwrap();
        bench
    }

    #[test]
    fn what_is_unpacked_and_large_is_kept_for_a_moment_only() {
        for (size, millis) in [(1, 2000), (1 << 20, 200)] {
            let mut bench = compressed(size);
            assert_eq!(ask(&mut bench, 150, 3), Some(1));
            assert!(bench.log.cold.unpacked(Offset(0)).is_some(), "for who asks at the same time");
            bench.now.mono = bench.now.mono + crate::time::Span::from_millis(millis);
            bench.log.on_tick(bench.now, Offset(3), &mut bench.out);
            assert_eq!(bench.log.cold.unpacked(Offset(0)), None, "{size} bytes");
            assert_eq!(ask(&mut bench, 250, 3), Some(1), "and is unpacked again");
        }
    }

    #[test]
    fn a_compressed_batch_is_unpacked_for_the_exact_record() {
        let mut bench = compressed(1);
        assert_eq!(ask(&mut bench, 150, 3), Some(1));
        bench.disk.unpacked = None;
        assert_eq!(
            bench.log.offset_of_max_time(bench.now, &mut bench.out).unwrap(),
            TimeLookup::Found { offset: Offset(1), timestamp: 300, epoch: LeaderEpoch(1) }
        );
    }
}
