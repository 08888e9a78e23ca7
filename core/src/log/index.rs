//! The offset index and the time index of one segment: in memory, and as Kafka's files.
//!
//! ```text
//! .index      entries of 8 bytes:   last offset of a batch less base  u32, where the batch begins  u32
//! .timeindex  entries of 12 bytes:  timestamp i64, last offset of the batch that first had it, less base  u32
//! ```
//!
//! Every `index.interval.bytes` of the log there is an entry in each (Kafka: `OffsetIndex`, `TimeIndex`, `LogSegment.append`); in the time index
//! only if the largest timestamp grew. The first whole batch behind a damaged place has an entry of its own, by its first offset: from the
//! entry before, nobody who looks for one of its records would find past the damage. Files may be longer than their entries: Kafka preallocates them, and the rest is zeros.
//!
//! Besides Kafka's two numbers an entry knows the first offset of its batch where this process has seen the batch: only then is it
//! *exact*, and a range of the file can be named to a reader without a look at the file.

use crate::id::Offset;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};

/// Stands for a first offset that is not known. No relative offset is so large.
const UNKNOWN: u32 = u32::MAX;
/// Distance of the entries that stay in memory for a segment that is closed: 32 KiB of memory for a GiB of log.
pub const SPARSE_BYTES: u32 = 256 << 10;
/// Entries of the time index that stay for a segment that is closed.
const SPARSE_TIMES: usize = 1024;

const ENTRY: usize = 8;
const TIME_ENTRY: usize = 12;

/// Where a batch begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    /// Relative first offset, or [`UNKNOWN`].
    first: u32,
    /// Relative last offset.
    last: u32,
    at: u32,
}

impl Entry {
    /// The batch begins at or before the offset.
    const fn reaches(&self, offset: u32) -> bool {
        if self.first == UNKNOWN { self.last <= offset } else { self.first <= offset }
    }
}

/// The indexes of one segment. Offsets are relative to its base.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    times: Vec<(i64, u32)>,
    /// Batches behind damaged places, where alone a reader finds on: they stay.
    passed: Vec<Entry>,
}

impl Index {
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// A file of `limit` bytes has no room for another entry of either index.
    pub const fn is_full(&self, limit: u32) -> bool {
        self.entries.len() >= limit as usize / ENTRY || self.times.len() >= limit as usize / TIME_ENTRY
    }

    /// Adds the entry of a batch behind all others.
    pub fn push(&mut self, first: u32, last: u32, at: u32) {
        assert!(self.entries.last().is_none_or(|entry| entry.last < last && entry.at < at), "index entries rise");
        assert!(first <= last, "a batch has offsets");
        let first = if mutant::is(Mutant::IndexOffByOne) { first.saturating_sub(1) } else { first };
        self.entries.push(Entry { first, last, at });
    }

    /// Adds to the time index, if the timestamp grew.
    pub fn push_time(&mut self, timestamp: i64, last: u32) {
        if timestamp >= 0 && self.times.last().is_none_or(|entry| entry.0 < timestamp && entry.1 <= last) {
            self.times.push((timestamp, last));
        }
    }

    /// A batch was seen at `at`: an entry of it becomes exact; where the next entries are far, it gets one.
    pub fn observe(&mut self, first: u32, last: u32, at: u32) {
        let place = self.entries.partition_point(|entry| entry.at < at);
        if let Some(entry) = self.entries.get_mut(place).filter(|entry| entry.at == at) {
            *entry = Entry { first, last, at };
            return;
        }
        let far = |other: u32| other.abs_diff(at) >= SPARSE_BYTES;
        let before = place.checked_sub(1).and_then(|place| self.entries.get(place));
        let fits = before.is_none_or(|entry| far(entry.at) && entry.last < first);
        let follows = self.entries.get(place).is_none_or(|entry| far(entry.at) && entry.last > last);
        if at > 0 && fits && follows {
            self.entries.insert(place, Entry { first, last, at });
        }
    }

    /// Where to begin to look for the batch that holds `offset`; 0: at the front.
    pub fn floor(&self, offset: u32) -> u32 {
        let floor = |entries: &[Entry]| {
            let place = entries.partition_point(|entry| entry.reaches(offset));
            place.checked_sub(1).map_or(0, |place| entries[place].at)
        };
        floor(&self.entries).max(floor(&self.passed))
    }

    /// The first whole batch behind a damaged place.
    pub fn pass(&mut self, first: u32, last: u32, at: u32) {
        let place = self.passed.partition_point(|entry| entry.at < at);
        if self.passed.get(place).is_none_or(|entry| entry.at != at) {
            self.passed.insert(place, Entry { first, last, at });
        }
    }

    /// Forgets what the files tell again.
    pub fn forget(&mut self) {
        *self = Self { passed: core::mem::take(&mut self.passed), ..Self::default() };
    }

    /// Where the batch begins whose first offset this is, if an entry knows.
    pub fn exact(&self, first: u32) -> Option<u32> {
        let place = self.entries.partition_point(|entry| entry.reaches(first)).checked_sub(1)?;
        let entry = self.entries[place];
        (entry.first == first).then_some(entry.at)
    }

    /// The last exact entry behind `from` and not behind `to` (in bytes) whose batch begins at or below `until`: its place, and where its
    /// batch begins.
    pub fn exact_before(&self, from: u32, to: u32, until: u32) -> Option<(u32, u32)> {
        let place = self.entries.partition_point(|entry| entry.at <= to && entry.reaches(until));
        self.entries[..place]
            .iter()
            .rev()
            .take_while(|entry| entry.at > from)
            .find(|entry| entry.first != UNKNOWN)
            .map(|entry| (entry.at, entry.first))
    }

    /// The first entry behind `at`, in bytes.
    pub fn next(&self, at: u32) -> Option<u32> {
        self.entries.get(self.entries.partition_point(|entry| entry.at <= at)).map(|entry| entry.at)
    }

    /// Relative last offset and place of the last entry.
    pub fn last(&self) -> Option<(u32, u32)> {
        self.entries.last().map(|entry| (entry.last, entry.at))
    }

    /// Relative offset at or before which the batch at `at` ends, if an entry tells.
    pub fn last_at(&self, at: u32) -> Option<u32> {
        let place = self.entries.partition_point(|entry| entry.at < at);
        self.entries.get(place).filter(|entry| entry.at == at).map(|entry| entry.last)
    }

    /// Largest timestamp of the time index, and the relative offset beside it.
    pub fn last_time(&self) -> Option<(i64, u32)> {
        self.times.last().copied()
    }

    /// Relative offset at or before which there is no later timestamp than `timestamp`: where to begin to look for one.
    pub fn floor_time(&self, timestamp: i64) -> u32 {
        let place = self.times.partition_point(|entry| entry.0 <= timestamp);
        if mutant::is(Mutant::TimeFloorLate) {
            return self.times.get(place).or(self.times.last()).map_or(0, |entry| entry.1);
        }
        place.checked_sub(1).map_or(0, |place| self.times[place].1)
    }

    /// The segment ends at byte `at` and at relative offset `end` now.
    pub fn cut(&mut self, at: u32, end: u32) {
        self.entries.retain(|entry| entry.at < at && entry.last < end);
        self.passed.retain(|entry| entry.at < at && entry.last < end);
        self.times.retain(|entry| entry.1 < end || mutant::is(Mutant::TimesNotCut));
    }

    /// Takes in the entries of the files, which lie before all that are here.
    pub fn merge(&mut self, mut file: Self) {
        if let Some(front) = self.entries.first() {
            file.entries.retain(|entry| entry.at < front.at && entry.last < front.last);
        }
        if let Some(front) = self.times.first() {
            file.times.retain(|entry| entry.0 < front.0 && entry.1 <= front.1);
        }
        file.entries.append(&mut self.entries);
        file.times.append(&mut self.times);
        file.passed.append(&mut self.passed);
        *self = file;
    }

    /// An entry names the place, and nobody has seen a batch there.
    pub fn guesses(&self, at: u32) -> bool {
        let place = self.entries.partition_point(|entry| entry.at < at);
        self.entries.get(place).is_some_and(|entry| entry.at == at && entry.first == UNKNOWN)
    }

    /// Forgets all that is not exact: the file it came from was wrong.
    pub fn distrust(&mut self) {
        self.entries.retain(|entry| entry.first != UNKNOWN);
    }

    /// Keeps about one entry for [`SPARSE_BYTES`] of the log.
    pub fn thin(&mut self) {
        let mut kept = 0;
        self.entries.retain(|entry| {
            let keep = entry.at >= kept + SPARSE_BYTES;
            kept = if keep { entry.at } else { kept };
            keep
        });
        self.entries.shrink_to_fit();
        let step = self.times.len().div_ceil(SPARSE_TIMES).max(1);
        let last = self.times.len().saturating_sub(1);
        let mut place = 0;
        self.times.retain(|_| {
            let keep = place % step == 0 || place == last;
            place += 1;
            keep
        });
        self.times.shrink_to_fit();
    }

    /// The bytes of the `.index` file.
    pub fn offsets_file(&self) -> Bytes {
        let mut rows: Vec<(u32, u32)> = self.entries.iter().map(|entry| (entry.last, entry.at)).collect();
        for passed in &self.passed {
            let place = rows.partition_point(|row| row.1 < passed.at);
            let own = usize::from(rows.get(place).is_some_and(|row| row.1 == passed.at));
            let rises = rows[..place].last().is_none_or(|before| before.0 < passed.first)
                && rows.get(place + own).is_none_or(|next| next.0 > passed.first);
            if rises {
                rows.splice(place..place + own, [(passed.first, passed.at)]);
            }
        }
        let mut bytes = BytesMut::with_capacity(rows.len() * ENTRY);
        for (offset, at) in rows {
            bytes.put_u32(offset);
            bytes.put_u32(at);
        }
        bytes.freeze()
    }

    /// The bytes of the `.timeindex` file.
    pub fn times_file(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.times.len() * TIME_ENTRY);
        for (timestamp, last) in &self.times {
            bytes.put_i64(*timestamp);
            bytes.put_u32(*last);
        }
        bytes.freeze()
    }

    /// Reads both files, as far as their entries rise and lie within a segment of `size` bytes that ends at relative offset `end`.
    pub fn read(offsets: &[u8], times: &[u8], size: u64, end: u32) -> Self {
        let mut index = Self::default();
        for entry in offsets.as_chunks::<ENTRY>().0 {
            let last = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let at = u32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]);
            let rises = index.entries.last().is_none_or(|before| before.last < last && before.at < at);
            // Zeros: what Kafka has preallocated. No entry of Kafka's is at the front of the segment.
            if at == 0 || last == UNKNOWN || last >= end || u64::from(at) >= size || !rises {
                break;
            }
            index.entries.push(Entry { first: UNKNOWN, last, at });
        }
        for entry in times.as_chunks::<TIME_ENTRY>().0 {
            let mut timestamp = [0; 8];
            timestamp.copy_from_slice(&entry[..8]);
            let timestamp = i64::from_be_bytes(timestamp);
            let last = u32::from_be_bytes([entry[8], entry[9], entry[10], entry[11]]);
            let rises = index.times.last().is_none_or(|before| before.0 < timestamp && before.1 <= last);
            if timestamp < 0 || (timestamp == 0 && last == 0) || last >= end || !rises {
                break;
            }
            index.times.push((timestamp, last));
        }
        index
    }

    pub fn check(&self) {
        assert!(self.entries.is_sorted_by(|one, next| one.last < next.last && one.at < next.at), "index entries rise");
        assert!(self.times.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "time index entries rise");
    }
}

/// An offset relative to a segment's base; `None` if it does not fit, as Kafka's indexes have it (31 bits).
pub fn relative(base: Offset, offset: Offset) -> Option<u32> {
    let delta = offset.0.checked_sub(base.0)?;
    i32::try_from(delta).ok().and_then(|delta| u32::try_from(delta).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Index {
        let mut index = Index::default();
        index.push(5, 9, 100);
        index.push(10, 10, 200);
        index.push(20, 29, 300);
        index.push_time(1000, 9);
        index.push_time(1000, 10);
        index.push_time(2000, 29);
        index
    }

    #[test]
    fn finds_the_batch_at_or_before() {
        let index = three();
        assert_eq!(
            (index.floor(4), index.floor(5), index.floor(9), index.floor(10), index.floor(19), index.floor(99)),
            (0, 100, 100, 200, 200, 300)
        );
        assert_eq!(
            (index.exact(5), index.exact(6), index.exact(20), index.exact(0)),
            (Some(100), None, Some(300), None)
        );
        assert_eq!(index.exact_before(100, 1000, 1000), Some((300, 20)));
        assert_eq!(index.exact_before(100, 299, 1000), Some((200, 10)));
        assert_eq!(index.exact_before(100, 1000, 19), Some((200, 10)));
        assert_eq!(index.exact_before(300, 1000, 1000), None);
        assert_eq!((index.floor_time(999), index.floor_time(1000), index.floor_time(2500)), (0, 9, 29));
    }

    #[test]
    fn comes_back_from_its_files_without_being_exact() {
        let index = three();
        let (offsets, times) = (index.offsets_file(), index.times_file());
        assert_eq!((offsets.len(), times.len()), (24, 24));
        let again = Index::read(&offsets, &times, 1000, 1000);
        assert_eq!((again.offsets_file(), again.times_file()), (offsets, times));
        // A batch that ends at 9 begins somewhere at or before: only from 9 on is its place a safe floor.
        assert_eq!((again.floor(8), again.floor(9), again.exact(5)), (0, 100, None));
    }

    #[test]
    fn stops_at_zeros_and_at_what_cannot_be() {
        let index = three();
        let padded = [&index.offsets_file()[..], &[0; 80]].concat();
        let padded_times = [&index.times_file()[..], &[0; 120]].concat();
        assert_eq!(Index::read(&padded, &padded_times, 1000, 1000).len(), 3);
        assert_eq!(Index::read(&padded, &padded_times, 1000, 1000).last_time(), Some((2000, 29)));
        assert_eq!(Index::read(&padded, &padded_times, 300, 1000).len(), 2);
        assert_eq!(Index::read(&padded, &padded_times, 1000, 29).len(), 2);
        assert_eq!(Index::read(&padded[..23], &[], 1000, 1000).len(), 2);
        let mut swapped = padded;
        swapped.copy_within(0..8, 16);
        assert_eq!(Index::read(&swapped, &[], 1000, 1000).len(), 2);
    }

    #[test]
    fn cuts_merges_observes() {
        let mut index = three();
        index.cut(250, 15);
        assert_eq!((index.len(), index.last_time()), (2, Some((1000, 9))));
        let mut later = Index::default();
        later.push(40, 49, 700_000);
        later.merge(three());
        assert_eq!(later.len(), 4);
        later.observe(2, 9, 100);
        assert_eq!(later.exact(2), Some(100));
        later.observe(33, 34, 300_000);
        assert_eq!(later.exact(33), Some(300_000));
        later.observe(35, 36, 300_100);
        assert_eq!(later.exact(35), None);
        later.check();
        later.thin();
        assert_eq!(later.len(), 2);
        later.check();
    }

    #[test]
    fn relative_offsets_have_31_bits() {
        assert_eq!(relative(Offset(5), Offset(7)), Some(2));
        assert_eq!(relative(Offset(5), Offset(4)), None);
        assert_eq!(relative(Offset(0), Offset(i64::from(i32::MAX) + 1)), None);
    }

    #[test]
    fn the_golden_files_of_kafka_are_read_and_written_again() {
        let offsets = include_bytes!("../../../tests/golden/kafka-partition/00000000000000000000.index");
        let times = include_bytes!("../../../tests/golden/kafka-partition/00000000000000000000.timeindex");
        let index = Index::read(offsets, times, 10_268, 170);
        assert_eq!((index.len(), index.last()), (18, Some((0xa9, 0x2730))));
        assert_eq!((&index.offsets_file()[..], &index.times_file()[..]), (&offsets[..], &times[..]));
        let preallocated = include_bytes!("../../../tests/golden/kafka-partition-killed/00000000000000000000.index");
        assert_eq!(preallocated.len(), 4096);
        assert_eq!(Index::read(preallocated, &[], 10_268, 170).len(), 18);
    }
}
