//! One segment: a file of batches, its indexes, and what is known of both.

use super::config::LogConfig;
use super::index::{Index, relative};
use crate::batch::Header;
use crate::id::Offset;
use crate::mutant::{self, Mutant};
use crate::time::Wall;

/// What a segment learns from a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    pub first: Offset,
    pub last: Offset,
    pub max_timestamp: i64,
    pub size: u32,
}

/// One segment of a log.
#[derive(Clone, Debug)]
pub struct Segment {
    pub base: Offset,
    /// Bytes of the file, those under way to the disk included.
    pub size: u64,
    /// Bytes that the file has for sure.
    pub written: u64,
    /// From the front to here, this process has checked the bytes.
    pub verified: u64,
    /// From here on, this process has made the bytes.
    pub own: u64,
    pub index: Index,
    /// The files' entries are in `index` (or this process has made all).
    pub loaded: bool,
    /// Below this byte the index files on disk may be believed.
    pub believed: u64,
    /// Lengths of the index files on disk.
    pub index_files: (u64, u64),
    /// The largest timestamp and the last offset of the first batch that had it; `None`: it has to be looked up.
    pub largest: Option<(i64, Offset)>,
    /// Largest timestamp of the first batch: `segment.ms` counts from it. `None`: there is none, or it is still to be read.
    pub first_timestamp: Option<i64>,
    /// When this process made or opened it.
    pub created: Wall,
    /// Bytes since the last index entry.
    since_index: u64,
    /// Where bytes were found that are no batch.
    pub damaged: Option<u64>,
    /// That offsets are missing behind it was told.
    pub hole_told: bool,
    /// How far the batches were looked through for the largest timestamp, and what was found: only where the time index does not tell.
    pub looked: Option<(Offset, (i64, Offset))>,
}

impl Segment {
    /// A new, empty one.
    pub fn new(base: Offset, now: Wall) -> Self {
        Self {
            base,
            size: 0,
            written: 0,
            verified: 0,
            own: 0,
            index: Index::default(),
            loaded: true,
            believed: 0,
            index_files: (0, 0),
            largest: Some((-1, base)),
            first_timestamp: None,
            created: now,
            since_index: 0,
            damaged: None,
            hole_told: false,
            looked: None,
        }
    }

    /// One that was there.
    pub fn found(base: Offset, size: u64, index_files: (u64, u64), now: Wall) -> Self {
        Self {
            size,
            written: size,
            own: size,
            loaded: size == 0,
            believed: size,
            index_files,
            largest: (size == 0).then_some((-1, base)),
            ..Self::new(base, now)
        }
    }

    /// The segment cannot take a batch, and the next one has to begin.
    pub fn is_full_for(&self, batch: &Summary, config: &LogConfig, now: Wall) -> bool {
        let too_large = self.size + u64::from(batch.size) > u64::from(config.segment_bytes);
        let too_far = relative(self.base, batch.last).is_none();
        too_far
            || (self.size > 0
                && (too_large
                    || self.is_due(config, batch.max_timestamp, now)
                    || self.index.is_full(config.index_bytes)))
    }

    /// `segment.ms` has passed: between the first batch and one of `timestamp`, or since the segment was made where they have none.
    pub fn is_due(&self, config: &LogConfig, timestamp: i64, now: Wall) -> bool {
        let waited = match self.first_timestamp {
            Some(first) if first >= 0 && timestamp >= 0 => timestamp.saturating_sub(first),
            _ => now.0.saturating_sub(self.created.0),
        };
        u64::try_from(waited).is_ok_and(|waited| waited > config.segment.as_millis())
            && !mutant::is(Mutant::SegmentNeverAges)
    }

    /// Takes in a batch at the end: indexes and timestamps follow. The bytes are the caller's business.
    pub fn take(&mut self, batch: &Summary, index_interval: u32) {
        let first = relative(self.base, batch.first).expect("a batch in a segment that can hold it");
        let last = relative(self.base, batch.last).expect("a batch in a segment that can hold it");
        if self.size == 0 {
            self.first_timestamp = Some(batch.max_timestamp);
        }
        if self.largest.is_some_and(|largest| {
            largest.0 < batch.max_timestamp.saturating_add(i64::from(mutant::is(Mutant::LargestOfLast)))
        }) {
            self.largest = Some((batch.max_timestamp, batch.last));
        }
        if self.since_index > u64::from(index_interval) {
            self.index.push(first, last, u32::try_from(self.size).expect("segments are below 4 GiB"));
            self.push_largest();
            self.since_index = 0;
        }
        self.since_index += u64::from(batch.size);
        self.size += u64::from(batch.size);
    }

    /// Puts the largest timestamp so far into the time index.
    pub fn push_largest(&mut self) {
        if let Some((timestamp, offset)) = self.largest
            && let Some(last) = relative(self.base, offset)
        {
            self.index.push_time(timestamp, last);
        }
    }

    /// How far from byte `at` on the bytes are known to be good.
    pub const fn good_until(&self, at: u64) -> u64 {
        let good = if at >= self.own || self.verified >= self.own { self.size } else { self.verified };
        if good < self.written { good } else { self.written }
    }

    /// Bytes from `from` to `to` were checked.
    pub fn checked(&mut self, from: u64, to: u64) {
        if from <= self.verified && to > self.verified {
            self.verified = to;
        }
    }

    /// The file ends at byte `at` and offset `end` now.
    pub fn cut(&mut self, at: u64, end: Offset) {
        assert!(at <= self.size, "a cut shortens");
        self.size = at;
        self.written = self.written.min(at);
        self.verified = self.verified.min(at);
        self.own = self.own.min(at);
        self.believed = if mutant::is(Mutant::IndexBelievedTooFar) { self.believed } else { self.believed.min(at) };
        self.damaged = self.damaged.filter(|damaged| *damaged < at);
        self.index.cut(at as u32, relative(self.base, end).unwrap_or(u32::MAX));
        self.largest = self.largest.filter(|largest| largest.1 < end || mutant::is(Mutant::LargestNotCut));
        self.looked = None;
        self.since_index = at - self.index.last().map_or(0, |last| u64::from(last.1));
        if at == 0 {
            *self = Self { created: self.created, ..Self::new(self.base, self.created) };
        }
    }

    /// Recovery walks the file from byte `at` on, where the last index entry points (0: from the front), and takes in what it finds.
    pub fn resume(&mut self, at: u64) {
        if at == 0 {
            let index_files = self.index_files;
            *self = Self { index_files, ..Self::new(self.base, self.created) };
            return;
        }
        let base = self.base;
        self.size = at;
        self.written = at;
        self.own = at;
        self.believed = at;
        self.since_index = 0;
        self.largest = Some(self.index.last_time().map_or((-1, base), |last| (last.0, base.plus(i64::from(last.1)))));
    }

    /// What is no batch was passed over: `batch` begins at byte `at`, and readers find it there.
    pub fn pass(&mut self, batch: &Header<'_>, at: u64) {
        let (first, last) = (relative(self.base, batch.base_offset()), relative(self.base, batch.last_offset()));
        if let (Some(first), Some(last), Ok(at)) = (first, last, u32::try_from(at)) {
            self.index.pass(first, last, at);
        }
    }

    pub fn check(&self) {
        assert!(
            self.written <= self.size && self.verified <= self.size && self.own <= self.size,
            "marks lie within the segment {}",
            self.base
        );
        assert!(self.believed <= self.size, "index files are believed within the segment {}", self.base);
        assert!(
            self.index.last().is_none_or(|last| u64::from(last.1) < self.size),
            "index entries lie within the segment {}",
            self.base
        );
    }
}
