//! What was read back from the disk and is kept for those who asked for it.
//!
//! A reader that was told to wait finds its bytes here when it asks again. A chunk goes when more than [`CHUNKS_MAX`] are
//! here, those that were served before those that were not, or when nobody came for a while; so with up to that many
//! readers at different places each of them gets on. One that was served to its end is kept for a moment, for who asks the same again:
//! readers that go through many logs leave them all behind.

use super::cursor::Walk;
use crate::id::Offset;
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Span};
use alloc::collections::{BTreeMap, VecDeque};
use bytes::Bytes;

/// Chunks of a log in memory.
pub const CHUNKS_MAX: usize = 64;
/// Least and most bytes of a read, but for a batch that is larger.
pub const CHUNK_BYTES: (u32, u32) = (64 << 10, 1 << 20);
/// A chunk that nobody wanted for so long is dropped.
pub const CHUNK_IDLE: Span = Span::from_millis(2000);
/// One that was served to its end.
const SPENT_IDLE: Span = Span::from_millis(200);
/// Batches whose decompressed records stay.
const UNPACKED_MAX: usize = 4;
/// Longer ones stay for a moment only.
const UNPACKED_LONG: usize = 1 << 20;
/// Failed reads that wait to be told.
const FAULTS_MAX: usize = 64;
/// Searches whose place is remembered.
const WALKS_MAX: usize = 64;

/// Whole, checked batches from a segment's file.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub segment: Offset,
    /// Where it begins in the file.
    pub at: u64,
    pub first: Offset,
    pub last: Offset,
    pub bytes: Bytes,
    used: bool,
    spent: bool,
    since: Mono,
}

impl Chunk {
    pub const fn new(segment: Offset, at: u64, first: Offset, last: Offset, bytes: Bytes, now: Mono) -> Self {
        Self { segment, at, first, last, bytes, used: false, spent: false, since: now }
    }

    /// Where it ends in the file.
    pub const fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    /// When it goes, if nobody comes.
    fn leaves_at(&self) -> Mono {
        self.since + if self.spent { SPENT_IDLE } else { CHUNK_IDLE }
    }

    /// Its batches from the one that holds `from` (or is the first behind it), all below `until`: where in the file they begin, and they.
    /// The first is there even if it alone is larger than `max_bytes`, if `whole_first`. And whether others below `until` follow.
    pub fn slice(&self, from: Offset, until: Offset, max_bytes: usize, whole_first: bool) -> (u64, Bytes, bool) {
        let (mut begin, mut end, mut next, mut more) = (None, 0, from, None);
        for (at, header, batch) in Walk::unchecked(&self.bytes) {
            if header.last_offset() < from {
                continue;
            }
            let begin = *begin.get_or_insert(at);
            let fits = at + batch.len() - begin <= max_bytes || (whole_first && at == begin);
            let is_below = header.last_offset() < until.plus(i64::from(mutant::is(Mutant::ColdReadsOneMore)));
            if !is_below || !fits {
                more = Some(is_below);
                break;
            }
            end = at + batch.len();
            next = header.next_offset();
        }
        let begin = begin.unwrap_or(0);
        (self.at + begin as u64, self.bytes.slice(begin..end.max(begin)), more.unwrap_or(next < until))
    }

    /// The largest timestamp of its batches before byte `at` of the file, and the last offset of the first batch that has it.
    pub fn largest_before(&self, at: u64) -> Option<(i64, Offset)> {
        let before = Walk::unchecked(&self.bytes).take_while(|(place, ..)| self.at + (*place as u64) < at);
        let times = before.map(|(_, header, _)| (header.max_timestamp(), header.last_offset()));
        times.reduce(|largest, next| if next.0 > largest.0 { next } else { largest })
    }
}

/// Records of a batch, decompressed.
#[derive(Clone, Debug)]
struct Unpacked {
    base: Offset,
    /// `None`: they cannot be.
    records: Option<Bytes>,
    since: Mono,
}

impl Unpacked {
    /// When it goes: what is large stands in memory for those alone who ask at the same time.
    fn leaves_at(&self) -> Mono {
        let large = self.records.as_ref().is_some_and(|records| records.len() > UNPACKED_LONG);
        self.since + if large { SPENT_IDLE } else { CHUNK_IDLE }
    }
}

/// Why the disk was asked.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Batches of a segment, for whoever wants them.
    Chunk { segment: Offset, at: u64, len: u32 },
    /// A segment's offset index.
    Offsets { segment: Offset },
    /// Its time index, when the other is here.
    Times { segment: Offset, offsets: Bytes },
    /// The header of the first batch of a segment that another process made.
    First { segment: Offset },
    /// A batch's records, decompressed.
    Unpack { base: Offset },
    /// Producers as of an offset, after a truncation.
    Snapshot { offset: Offset },
    /// The next step of recovery.
    Recovery,
}

/// Chunks, questions under way, failures not yet told.
#[derive(Clone, Debug, Default)]
pub struct Cold {
    chunks: VecDeque<Chunk>,
    asked: BTreeMap<u64, Asked>,
    faults: VecDeque<(Offset, u64)>,
    /// Records decompressed last, by their batch.
    unpacked: VecDeque<Unpacked>,
    /// How far searches by time have come, by segment and timestamp.
    walks: VecDeque<((Offset, i64), Offset)>,
}

impl Cold {
    /// The chunk with the batch that holds `offset`, or with the first behind it.
    pub fn find(&mut self, segment: Offset, offset: Offset, now: Mono) -> Option<&Chunk> {
        let place = self.chunks.iter().position(|chunk| {
            chunk.segment == segment
                && (chunk.first <= offset || mutant::is(Mutant::ChunkSkips))
                && offset <= chunk.last
        })?;
        self.touch(place, now)
    }

    /// The chunk that begins there.
    pub fn at(&mut self, segment: Offset, at: u64, now: Mono) -> Option<&Chunk> {
        let place = self.chunks.iter().position(|chunk| chunk.segment == segment && chunk.at == at)?;
        self.touch(place, now)
    }

    fn touch(&mut self, place: usize, now: Mono) -> Option<&Chunk> {
        let mut chunk = self.chunks.remove(place)?;
        chunk.used = true;
        chunk.since = now;
        self.chunks.push_back(chunk);
        self.chunks.back()
    }

    /// The furthest place in the segment from which a chunk has seen that `offset` comes later.
    pub fn beyond(&self, segment: Offset, offset: Offset) -> u64 {
        self.chunks
            .iter()
            .filter(|chunk| chunk.segment == segment && chunk.last < offset)
            .map(Chunk::end)
            .max()
            .unwrap_or(0)
    }

    /// The offset behind the chunk that ends at `at`.
    pub fn ends_at(&self, segment: Offset, at: u64) -> Option<Offset> {
        let chunk = self.chunks.iter().find(|chunk| chunk.segment == segment && chunk.end() == at)?;
        Some(chunk.last.plus(1))
    }

    pub fn keep(&mut self, chunk: Chunk) {
        self.chunks.retain(|other| other.segment != chunk.segment || other.at != chunk.at);
        if self.chunks.len() >= CHUNKS_MAX {
            let place = self.chunks.iter().position(|chunk| chunk.used).unwrap_or(0);
            self.chunks.remove(place);
        }
        self.chunks.push_back(chunk);
    }

    /// When the oldest chunk is to go.
    pub fn deadline(&self) -> Option<Mono> {
        let unpacked = self.unpacked.iter().map(Unpacked::leaves_at);
        self.chunks.iter().map(Chunk::leaves_at).chain(unpacked).min()
    }

    /// Keeps a batch's decompressed records; `None`: it has none.
    pub fn keep_unpacked(&mut self, base: Offset, records: Option<Bytes>, now: Mono) {
        self.unpacked.retain(|other| other.base != base);
        if self.unpacked.len() >= UNPACKED_MAX {
            self.unpacked.pop_front();
        }
        self.unpacked.push_back(Unpacked { base, records, since: now });
    }

    /// The decompressed records of a batch, if they are here: `Some(None)` where it has none.
    pub fn unpacked(&self, base: Offset) -> Option<Option<Bytes>> {
        let known = self.unpacked.iter().find(|known| known.base == base)?;
        Some(known.records.clone())
    }

    /// The chunk that begins there was served to its end.
    pub fn spend(&mut self, segment: Offset, at: u64) {
        let found = self.chunks.iter_mut().find(|chunk| chunk.segment == segment && chunk.at == at);
        if let Some(chunk) = found {
            chunk.spent = true;
        }
    }

    pub fn forget_idle(&mut self, now: Mono) {
        self.chunks.retain(|chunk| chunk.leaves_at() > now);
        self.unpacked.retain(|known| known.leaves_at() > now);
    }

    /// The bytes of the log are not what they were: nothing that was read, or is being read, counts.
    pub fn forget(&mut self) {
        self.chunks.clear();
        self.asked.clear();
        self.faults.clear();
        self.unpacked.clear();
        self.walks.clear();
    }

    pub fn ask(&mut self, serial: u64, asked: Asked) {
        self.asked.insert(serial, asked);
    }

    pub fn answered(&mut self, serial: u64) -> Option<Asked> {
        self.asked.remove(&serial)
    }

    pub fn is_asked(&self, which: impl FnMut(&Asked) -> bool) -> bool {
        self.asked.values().any(which)
    }

    pub fn fail(&mut self, segment: Offset, at: u64) {
        if self.faults.len() >= FAULTS_MAX {
            self.faults.pop_front();
        }
        self.faults.push_back((segment, at));
    }

    /// Whether the read of that place failed; it is told once, then tried again.
    pub fn take_fault(&mut self, segment: Offset, at: u64) -> bool {
        let place = self.faults.iter().position(|fault| *fault == (segment, at));
        place.and_then(|place| self.faults.remove(place)).is_some()
    }

    /// How far a search for that timestamp has come in the segment: all before is earlier.
    pub fn walked(&self, key: (Offset, i64)) -> Offset {
        self.walks.iter().find(|walk| walk.0 == key).map_or(Offset::ZERO, |walk| walk.1)
    }

    pub fn walk(&mut self, key: (Offset, i64), reached: Offset) {
        self.walks.retain(|walk| walk.0 != key);
        if self.walks.len() >= WALKS_MAX {
            self.walks.pop_front();
        }
        self.walks.push_back((key, reached));
    }

    pub fn check(&self, end: Offset) {
        assert!(self.unpacked.iter().all(|known| known.base < end), "records unpacked beyond the end {end}");
        assert!(self.walks.iter().all(|(_, reached)| *reached <= end), "a search beyond the end {end}");
        assert!(self.chunks.len() <= CHUNKS_MAX && self.faults.len() <= FAULTS_MAX, "what was read back is bounded");
    }
}
