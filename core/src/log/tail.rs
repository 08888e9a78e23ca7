//! The newest batches, in memory: what readers at the end of the log are served from, and all that is not yet written.

use crate::id::Offset;
use crate::mutant::{self, Mutant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// A batch in memory, and its place on disk.
#[derive(Clone, Debug)]
pub struct TailBatch {
    pub first: Offset,
    pub last: Offset,
    /// Base offset of its segment.
    pub segment: Offset,
    /// Where it begins in the segment's file.
    pub at: u64,
    /// Header and records, or all in the first.
    pub parts: [Bytes; 2],
}

impl TailBatch {
    pub fn size(&self) -> usize {
        self.parts[0].len() + self.parts[1].len()
    }

    /// The whole batch as one piece; copied if it is in two.
    pub fn whole(&self) -> Bytes {
        if self.parts[1].is_empty() {
            self.parts[0].clone()
        } else {
            Bytes::from([&self.parts[0][..], &self.parts[1][..]].concat())
        }
    }
}

/// The newest batches of a log, oldest first, without a gap.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    batches: VecDeque<TailBatch>,
    bytes: usize,
}

impl Tail {
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn push(&mut self, batch: TailBatch) {
        assert!(self.batches.back().is_none_or(|before| before.last < batch.first), "the tail is in order");
        self.bytes += batch.size();
        self.batches.push_back(batch);
    }

    pub fn front(&self) -> Option<&TailBatch> {
        self.batches.front()
    }

    pub fn pop_front(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.bytes -= batch.size();
        }
        if self.batches.is_empty() {
            self.batches.shrink_to_fit();
        }
    }

    /// The batches from the one that holds `from`; `None` if older ones than are here would be needed.
    pub fn from(&self, from: Offset) -> Option<impl Iterator<Item = &TailBatch>> {
        if self.batches.front()?.first > from {
            return None;
        }
        let place = self.batches.partition_point(|batch| batch.last < from);
        (place < self.batches.len()).then(|| self.batches.range(place..))
    }

    /// Batches from `from`, all below `until`, of up to `max_bytes` (but one, if `whole_first`). `None` as [`Self::from`].
    pub fn read(&self, from: Offset, until: Offset, max_bytes: usize, whole_first: bool) -> Option<(Vec<Bytes>, bool)> {
        let mut parts = Vec::new();
        let mut bytes = 0;
        for batch in self.from(from)? {
            let fits = bytes + batch.size() <= max_bytes || (whole_first && bytes == 0);
            let is_below = batch.last < until.plus(i64::from(mutant::is(Mutant::TailReadsOneMore)));
            if !is_below || !fits {
                return Some((parts, is_below));
            }
            bytes += batch.size();
            parts.extend(batch.parts.iter().filter(|part| !part.is_empty()).cloned());
        }
        Some((parts, false))
    }

    /// Drops every batch that reaches `to`.
    pub fn cut(&mut self, to: Offset) {
        while let Some(batch) = self.batches.pop_back_if(|batch| batch.last >= to) {
            self.bytes -= batch.size();
        }
    }

    pub fn check(&self, end: Offset) {
        assert_eq!(self.bytes == 0, self.batches.is_empty(), "the tail counts its bytes");
        assert!(self.batches.back().is_none_or(|batch| batch.last.plus(1) == end), "the tail ends where the log ends");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail() -> Tail {
        let mut tail = Tail::default();
        for (first, last, at) in [(10, 14, 0), (15, 15, 100), (16, 29, 200)] {
            let parts = [Bytes::from_static(&[1; 60]), Bytes::from_static(&[2; 40])];
            tail.push(TailBatch { first: Offset(first), last: Offset(last), segment: Offset(10), at, parts });
        }
        tail
    }

    #[track_caller]
    fn check(from: i64, until: i64, max: usize, whole_first: bool, want: Option<(usize, bool)>) {
        let read = tail().read(Offset(from), Offset(until), max, whole_first);
        assert_eq!(read.map(|(parts, more)| (parts.len() / 2, more)), want);
    }

    #[test]
    fn serves_whole_batches_within_bounds() {
        check(9, 30, 1000, true, None);
        check(10, 30, 1000, true, Some((3, false)));
        check(12, 30, 1000, true, Some((3, false)));
        check(15, 30, 1000, true, Some((2, false)));
        check(30, 30, 1000, true, None);
        check(10, 29, 1000, true, Some((2, false)));
        check(10, 30, 200, true, Some((2, true)));
        check(10, 30, 199, true, Some((1, true)));
        check(10, 30, 99, true, Some((1, true)));
        check(10, 30, 99, false, Some((0, true)));
    }

    #[test]
    fn is_cut_at_both_ends() {
        let mut tail = tail();
        tail.cut(Offset(16));
        tail.check(Offset(16));
        tail.pop_front();
        assert_eq!(tail.bytes(), 100);
        assert_eq!(tail.front().map(|batch| batch.first), Some(Offset(15)));
        tail.cut(Offset(15));
        assert_eq!(tail.bytes(), 0);
    }
}
