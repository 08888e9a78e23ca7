//! Reads: from memory at the end of the log, by naming a place in a file where its bytes are known to be good, else through the disk.

use super::cold::CHUNK_BYTES;
use super::find::Sought;
use super::index::relative;
use super::tail::TailBatch;
use super::{Loading, Log, Reading};
use crate::batch::Batches;
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{FileName, FileRange, Out, Records};
use crate::time::Now;
use alloc::vec;
use alloc::vec::Vec;

impl Log {
    /// Batches from the one that holds `from`, all below `until`, up to `max_bytes`; the first one whole even if it alone is larger, if
    /// `whole_first`. Nothing at `from == end()`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if `from` is below `start()` or beyond `end()`; `KAFKA_STORAGE_ERROR` where the bytes are damaged or the disk fails.
    pub fn read(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, whole_first: bool, out: &mut Out) -> Result<Reading, Refusal> {
        self.readable(from)?;
        let until = until.min(self.end);
        if from >= until || (max_bytes == 0 && !whole_first) {
            return Ok(Reading::Ready(Records::Empty));
        }
        if let Some(parts) = self.tail.read(from, until, max_bytes, whole_first) {
            return Ok(Reading::Ready(if parts.is_empty() { Records::Empty } else { Records::Memory(parts) }));
        }
        if let Some(range) = self.range(from, until, max_bytes) {
            return Ok(Reading::Ready(Records::File(range)));
        }
        self.read_cold(now, from, until, max_bytes, whole_first, out)
    }

    /// As [`Self::read`] with `whole_first`, always as bytes in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, out: &mut Out) -> Result<Loading, Refusal> {
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
    pub(super) fn load_any(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, out: &mut Out) -> Result<Loading, Refusal> {
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
            Reading::Ready(Records::Memory(parts)) => {
                let whole = |part: &bytes::Bytes| Batches::of(part).map(|(_, batch)| part.slice_ref(batch)).collect::<Vec<_>>();
                Ok(Loading::Batches(parts.iter().flat_map(whole).collect()))
            }
            Reading::Ready(Records::Empty | Records::File(_)) => Ok(Loading::End),
        }
    }

    /// Names a place in a file, if the first batch's place is known and the bytes are. It ends where the next read will know its place.
    fn range(&self, from: Offset, until: Offset, max_bytes: usize) -> Option<FileRange> {
        let place = self.segment_of(from);
        let segment = &self.segments[place];
        let first = relative(segment.base, from)?;
        let at = if first == 0 { 0 } else { segment.index.exact(first)? };
        let good = segment.good_until(u64::from(at));
        let limit = good.min(u64::from(at).saturating_add(max_bytes as u64)).min(u64::from(u32::MAX));
        let end = if limit == segment.size && self.segment_end(place) <= until {
            limit
        } else {
            let until = relative(segment.base, until).unwrap_or(u32::MAX - 1);
            u64::from(segment.index.exact_before(at, limit as u32, until)?)
        };
        let len = u32::try_from(end.checked_sub(u64::from(at))?).ok()?;
        assert!(end <= segment.written, "only what is written is read from the file");
        (len > 0).then_some(FileRange { file: self.file(FileName::Log(segment.base)), at: u64::from(at), len })
    }

    fn read_cold(&mut self, now: Now, from: Offset, until: Offset, max_bytes: usize, whole_first: bool, out: &mut Out) -> Result<Reading, Refusal> {
        for place in self.segment_of(from)..self.segments.len() {
            match self.seek(now, place, from, max_bytes.min(CHUNK_BYTES.1 as usize), out)? {
                Sought::Wait => return Ok(Reading::Wait),
                Sought::Past => {}
                Sought::Here(chunk) => {
                    let (at, mut bytes) = chunk.slice(from, until, max_bytes, whole_first);
                    if bytes.is_empty() {
                        return Ok(Reading::Ready(Records::Empty));
                    }
                    // So that the next read can be told a place in the file.
                    let index = &self.segments[place].index;
                    let end = at + bytes.len() as u64;
                    if let (Ok(from), Ok(to)) = (u32::try_from(at), u32::try_from(end))
                        && let Some(known) = index.exact_before(from, to, u32::MAX - 1)
                    {
                        bytes.truncate((known - from) as usize);
                    }
                    return Ok(Reading::Ready(Records::Memory(vec![bytes])));
                }
            }
        }
        // Behind the last batch on disk there may be a hole before the first one in memory.
        let parts = self.tail.front().map(|front| front.first).and_then(|first| self.tail.read(first, until, max_bytes, whole_first));
        Ok(Reading::Ready(parts.filter(|parts| !parts.is_empty()).map_or(Records::Empty, Records::Memory)))
    }
}
