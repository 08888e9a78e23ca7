//! Reads: from memory at the end of the log, by naming a place in a file where its bytes are known to be good, else through the disk.

use super::cold::CHUNK_BYTES;
use super::find::Sought;
use super::index::relative;
use super::tail::TailBatch;
use super::{Loading, Log, Reading};
use crate::batch::Batches;
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{FileName, FileRange, GAP, Note, Out, Records};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

impl Log {
    /// Batches from the one that holds `from`, all below `until`, up to `max_bytes`; the first one whole even if it alone is larger, if
    /// `whole_first`. Nothing at `from == end()`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `from` is below `start()` or beyond `end()`; `CORRUPT_MESSAGE` where the bytes are damaged;
    /// `KAFKA_STORAGE_ERROR` where the disk fails.
    pub fn read(
        &mut self,
        now: Now,
        from: Offset,
        until: Offset,
        max_bytes: usize,
        whole_first: bool,
        out: &mut Out,
    ) -> Result<Reading, Refusal> {
        self.readable(from)?;
        let until = until.min(self.end);
        if from >= until || (max_bytes == 0 && !whole_first) {
            return Ok(in_memory(Vec::new(), from < until));
        }
        if let Some((parts, more)) = self.tail.read(from, until, max_bytes, whole_first) {
            return Ok(in_memory(parts, more));
        }
        if let Some((range, more)) = self.range(from, until, max_bytes) {
            return Ok(Reading::Ready { records: Records::File(range), more });
        }
        self.read_cold(now, from, until, max_bytes, whole_first, out)
    }

    /// As [`Self::read`] with `whole_first`, always as bytes in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(
        &mut self,
        now: Now,
        from: Offset,
        until: Offset,
        max_bytes: usize,
        out: &mut Out,
    ) -> Result<Loading, Refusal> {
        self.readable(from)?;
        self.load_any(now, from, until, max_bytes, out)
    }

    fn readable(&self, from: Offset) -> Result<(), Refusal> {
        self.usable()?;
        if from < self.start || from > self.end {
            return Err(Refusal::new(ErrorCode::OffsetOutOfRange));
        }
        Ok(())
    }

    /// The same below the log's start, for what we read for the log itself.
    pub(super) fn load_any(
        &mut self,
        now: Now,
        from: Offset,
        until: Offset,
        max_bytes: usize,
        out: &mut Out,
    ) -> Result<Loading, Refusal> {
        let until = until.min(self.end);
        if from >= until {
            return Ok(Loading::End);
        }
        if let Some(batches) = self.tail.from(from) {
            let mut left = max_bytes;
            let mut loaded = Vec::new();
            for batch in batches.take_while(|batch| batch.last < until) {
                if batch.size() > left && !loaded.is_empty() {
                    break;
                }
                left = left.saturating_sub(batch.size());
                loaded.push(TailBatch::whole(batch));
            }
            return Ok(if loaded.is_empty() { Loading::End } else { Loading::Batches(loaded) });
        }
        match self.read_cold(now, from, until, max_bytes, true, out)? {
            Reading::Wait => Ok(Loading::Wait),
            Reading::Ready { records: Records::Memory(parts), .. } => {
                let whole =
                    |part: &Bytes| Batches::of(part).map(|(_, batch)| part.slice_ref(batch)).collect::<Vec<_>>();
                Ok(Loading::Batches(parts.iter().flat_map(whole).collect()))
            }
            Reading::Ready { records: Records::Empty | Records::File(_), .. } => Ok(Loading::End),
        }
    }

    /// Names a place in a file, if the first batch's place is known and the bytes are. It ends where the next read will know its place. And
    /// whether batches below `until` follow.
    fn range(&self, from: Offset, until: Offset, max_bytes: usize) -> Option<(FileRange, bool)> {
        let place = self.segment_of(from);
        let segment = &self.segments[place];
        let first = relative(segment.base, from)?;
        let at = if first == 0 { 0 } else { segment.index.exact(first)? };
        let good = segment.good_until(u64::from(at));
        let limit = good.min(u64::from(at).saturating_add(max_bytes as u64)).min(u64::from(u32::MAX));
        let (end, more) = if limit == segment.size && self.segment_end(place) <= until {
            (limit, self.segment_end(place) < until)
        } else {
            let until =
                relative(segment.base, until).filter(|_| !mutant::is(Mutant::FileReadsBeyond)).unwrap_or(u32::MAX - 1);
            let (end, next) = segment.index.exact_before(at, limit as u32, until)?;
            (u64::from(end), next < until)
        };
        let len = u32::try_from(end.checked_sub(u64::from(at))?).ok()?;
        assert!(end <= segment.written, "only what is written is read from the file");
        let file = self.file(FileName::Log(segment.base));
        (len > 0).then_some((FileRange { file, at: u64::from(at), len }, more))
    }

    fn read_cold(
        &mut self,
        now: Now,
        from: Offset,
        until: Offset,
        max_bytes: usize,
        whole_first: bool,
        out: &mut Out,
    ) -> Result<Reading, Refusal> {
        for place in self.segment_of(from)..self.segments.len() {
            match self.seek(now, place, from, max_bytes.min(CHUNK_BYTES.1 as usize), out)? {
                Sought::Wait => return Ok(Reading::Wait),
                Sought::Past => self.tell_hole(place, out),
                Sought::Here(chunk) => {
                    let (at, mut bytes, mut more) = chunk.slice(from, until, max_bytes, whole_first);
                    if bytes.is_empty() {
                        return Ok(in_memory(Vec::new(), more));
                    }
                    // So that the next read can be told a place in the file.
                    let index = &self.segments[place].index;
                    let end = at + bytes.len() as u64;
                    if end == chunk.end() {
                        self.cold.spend(chunk.segment, chunk.at);
                    }
                    if let (Ok(from), Ok(to)) = (u32::try_from(at), u32::try_from(end))
                        && let Some((known, _)) = index.exact_before(from, to, u32::MAX - 1)
                    {
                        more |= known < to;
                        bytes.truncate((known - from) as usize);
                    }
                    return Ok(in_memory(vec![bytes], more));
                }
            }
        }
        // Behind the last batch on disk there may be a hole before the first one in memory.
        let parts = self
            .tail
            .front()
            .map(|front| front.first)
            .and_then(|first| self.tail.read(first, until, max_bytes, whole_first));
        Ok(parts.map_or(Reading::NOTHING, |(parts, more)| in_memory(parts, more)))
    }

    /// Offsets are missing behind all that the segment has, and one of them was asked for: a compaction leaves such gaps, and nobody knows
    /// what a topic's policy has been; but a file that was taken away does as well. Readers go on behind it, as Kafka's; the operator is told
    /// once.
    fn tell_hole(&mut self, place: usize, out: &mut Out) {
        let compacted = self.config.compact_policy;
        let next = self.segments.get(place + 1).map(|next| next.base);
        let segment = &mut self.segments[place];
        let Some(next) = next.filter(|_| segment.written == segment.size && !segment.hole_told && !compacted) else {
            return;
        };
        segment.hole_told = true;
        let text =
            alloc::format!("{} has no records between its segment of {} and that of {next}", self.name, segment.base);
        out.note(Note::Text { topic: GAP, text });
    }
}

fn in_memory(parts: Vec<Bytes>, more: bool) -> Reading {
    let records = if parts.is_empty() { Records::Empty } else { Records::Memory(parts) };
    Reading::Ready { records, more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LeaderEpoch;
    use crate::log::fake::{Bench, Disk};
    use crate::log::model::{batch, config, read_all};
    use crate::log::{LogConfig, Opening, Origin};

    fn filled(config: LogConfig, batches: u8) -> Bench {
        let mut bench = Bench::opened(Disk::default(), config, Opening::default());
        for value in 0..batches {
            bench
                .log
                .append(bench.now, LeaderEpoch(0), batch(&[value; 100], 1, None), Origin::Client, &mut bench.out)
                .unwrap();
            bench.settle();
        }
        bench
    }

    fn read(bench: &mut Bench, from: i64, until: i64, max: usize, whole_first: bool) -> Result<Reading, ErrorCode> {
        bench
            .log
            .read(bench.now, Offset(from), Offset(until), max, whole_first, &mut bench.out)
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_range_of_offsets_is_the_logs() {
        let mut bench = filled(config(), 3);
        assert_eq!(read(&mut bench, -1, 3, 10, true), Err(ErrorCode::OffsetOutOfRange));
        assert_eq!(read(&mut bench, 4, 9, 10, true), Err(ErrorCode::OffsetOutOfRange));
        assert_eq!(read(&mut bench, 3, 3, 10, true), Ok(Reading::NOTHING));
        assert_eq!(read(&mut bench, 2, 2, 10, true), Ok(Reading::NOTHING));
    }

    #[test]
    fn what_is_not_written_comes_from_memory() {
        let mut bench = filled(LogConfig { tail_bytes: 0, ..LogConfig::default() }, 0);
        bench.log.append(bench.now, LeaderEpoch(0), batch(&[1; 100], 1, None), Origin::Client, &mut bench.out).unwrap();
        assert!(matches!(read(&mut bench, 0, 1, 1000, true), Ok(Reading::Ready { records: Records::Memory(_), .. })));
        bench.settle();
        assert!(matches!(read(&mut bench, 0, 1, 1000, true), Ok(Reading::Ready { records: Records::File(_), .. })));
    }

    #[test]
    fn what_another_process_wrote_is_checked_before_a_place_is_named() {
        let mut bench = filled(config(), 12).restart();
        assert_eq!(read(&mut bench, 0, 12, 400, true), Ok(Reading::Wait));
        while read(&mut bench, 0, 12, 400, true) == Ok(Reading::Wait) {
            bench.settle();
        }
        assert!(matches!(
            read(&mut bench, 0, 12, 400, true),
            Ok(Reading::Ready { records: Records::File(_) | Records::Memory(_), .. })
        ));
        read_all(&mut bench, 1 << 20);
        assert!(matches!(read(&mut bench, 0, 12, 1 << 20, true), Ok(Reading::Ready { records: Records::File(_), .. })));
    }

    #[test]
    fn what_was_read_to_its_end_stays_for_a_moment_only() {
        for (most, millis) in [(1, 2000), (1 << 20, 200)] {
            let mut bench = filled(LogConfig { tail_bytes: 0, ..LogConfig::default() }, 12).restart();
            while read(&mut bench, 5, 12, most, true) == Ok(Reading::Wait) {
                bench.settle();
            }
            let leaves = bench.now.mono + crate::time::Span::from_millis(millis);
            assert_eq!(bench.log.cold.deadline(), Some(leaves), "of at most {most} bytes");
            bench.now.mono = leaves;
            bench.log.on_tick(bench.now, Offset(12), &mut bench.out);
            assert_eq!(bench.log.cold.deadline(), None);
        }
    }

    #[test]
    fn a_batch_larger_than_the_bound_comes_whole_or_not_at_all() {
        let mut bench = filled(config(), 12).restart();
        for whole_first in [true, false] {
            while read(&mut bench, 5, 12, 10, whole_first) == Ok(Reading::Wait) {
                bench.settle();
            }
            let Ok(Reading::Ready { records, .. }) = read(&mut bench, 5, 12, 10, whole_first) else {
                panic!("readable")
            };
            assert_eq!(records.is_empty(), !whole_first);
        }
    }

    #[test]
    fn damaged_bytes_are_never_served_and_the_rest_is() {
        let mut bench = filled(LogConfig { tail_bytes: 0, index_interval_bytes: 150, ..LogConfig::default() }, 12);
        let size = bench.log.size() as usize / 12;
        bench = bench.restart();
        let name = FileName::Log(Offset(0));
        let mut bytes = bench.disk.bytes(name).unwrap().to_vec();
        bytes[6 * size + 80] ^= 1;
        bench.disk.put(name, bytes);
        let mut served = 0;
        let mut from = 0;
        let refusal = loop {
            match read(&mut bench, from, 12, 1 << 20, true) {
                Ok(Reading::Wait) => bench.settle(),
                Ok(Reading::Ready { records: Records::Memory(parts), .. }) => {
                    served += parts.iter().map(bytes::Bytes::len).sum::<usize>();
                    from = (served / size) as i64;
                }
                Ok(Reading::Ready { records: Records::File(range), .. }) => {
                    served += range.len as usize;
                    from = (served / size) as i64;
                }
                Ok(Reading::Ready { records: Records::Empty, .. }) => panic!("there is more"),
                Err(code) => break code,
            }
        };
        assert_eq!((refusal, from), (ErrorCode::CorruptMessage, 6));
        assert!(bench.disk.notes.contains(&Note::Damaged {
            dir: bench.log.dir(),
            base: Offset(0),
            at: 6 * size as u64
        }));
        assert!(matches!(read(&mut bench, 2, 6, 1 << 20, true), Ok(Reading::Ready { .. })));
        // What is whole right behind is found as well, though no index names it.
        while read(&mut bench, 7, 12, 1, true) == Ok(Reading::Wait) {
            bench.settle();
        }
        let Ok(Reading::Ready { records: Records::Memory(parts), .. }) = read(&mut bench, 7, 12, 1, true) else {
            panic!("readable")
        };
        assert_eq!(crate::batch::Header::read(&parts[0]).unwrap().base_offset(), Offset(7));
        assert_eq!(read(&mut bench, 6, 12, 1 << 20, true), Err(ErrorCode::CorruptMessage));
    }

    #[test]
    fn a_segment_that_was_taken_away_is_told_of() {
        let config = LogConfig { segment_bytes: 700, tail_bytes: 0, ..LogConfig::default() };
        let whole = filled(config.clone(), 12).restart();
        let bases: Vec<i64> = whole.log.segments.iter().map(|segment| segment.base.0).collect();
        let gone = bases[1];
        for compact_policy in [false, true] {
            let mut disk = Disk::default();
            let files = whole.disk.image().into_iter().filter(|(name, _)| *name != FileName::Log(Offset(gone)));
            files.for_each(|(name, bytes)| disk.put(name, bytes));
            let opening = Opening { clean: true, ..Opening::default() };
            let mut bench = Bench::opened(disk, LogConfig { compact_policy, ..config.clone() }, opening);
            loop {
                match read(&mut bench, gone, 12, 1 << 20, true) {
                    Ok(Reading::Wait) => bench.settle(),
                    told => break assert!(told.is_ok(), "what is behind it is there"),
                }
            }
            let _ = read(&mut bench, gone, 12, 1 << 20, true);
            bench.settle();
            let told = bench.disk.notes.iter().filter(|note| note.kind() == GAP).count();
            assert_eq!(told, usize::from(!compact_policy), "once");
            assert_eq!(bench.log.damaged(), None);
        }
    }

    #[test]
    fn an_index_that_lies_is_found_out() {
        let mut bench = filled(
            LogConfig { index_interval_bytes: 150, segment_bytes: 1400, tail_bytes: 0, ..LogConfig::default() },
            30,
        );
        bench = bench.restart();
        let name = FileName::Index(Offset(0));
        let mut bytes = bench.disk.bytes(name).unwrap().to_vec();
        assert!(bytes.len() >= 16);
        for entry in bytes.chunks_mut(8) {
            entry[7] ^= 1;
        }
        bench.disk.put(name, bytes);
        while read(&mut bench, 6, 30, 200, true) == Ok(Reading::Wait) {
            bench.settle();
        }
        let Ok(Reading::Ready { records: Records::Memory(parts), .. }) = read(&mut bench, 6, 30, 200, true) else {
            panic!("readable")
        };
        assert_eq!(crate::batch::Header::read(&parts[0]).unwrap().base_offset(), Offset(6));
    }

    #[test]
    fn a_hundred_cold_readers_get_on_together() {
        let mut bench =
            filled(LogConfig { segment_bytes: 1 << 20, tail_bytes: 0, ..LogConfig::default() }, 200).restart();
        let mut places: Vec<i64> = (0..100).collect();
        for _ in 0..600 {
            for place in &mut places {
                match bench.log.load(bench.now, Offset(*place), Offset(200), 300, &mut bench.out).unwrap() {
                    Loading::Batches(batches) => *place += batches.len() as i64,
                    Loading::Wait | Loading::End => {}
                }
            }
            bench.step();
        }
        assert!(places.iter().all(|place| *place == 200), "{places:?}");
        bench.log.check();
    }
}
