//! Brings bytes back from the disk: finds where, reads, checks, keeps.

use super::Log;
use super::cold::{Asked, CHUNK_BYTES, Chunk};
use super::cursor::{Stop, Walk};
use super::index::{Index, relative};
use crate::batch::{HEADER_BYTES, Header, MAGIC};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::{DiskDone, DiskFault, DiskOp, FileName, Note, Out};
use crate::limits::REQUEST_BYTES_MAX;
use crate::time::{Mono, Now};
use bytes::Bytes;

/// Where the batch of an offset is.
#[derive(Clone, Debug)]
pub(super) enum Sought {
    /// In this chunk.
    Here(Chunk),
    /// The disk was asked.
    Wait,
    /// Behind all batches that the segment's file has.
    Past,
}

impl Log {
    /// Looks in the segment for the batch that holds `from`, or the first behind it. `want`: bytes that the caller could use.
    pub(super) fn seek(
        &mut self,
        now: Now,
        place: usize,
        from: Offset,
        want: usize,
        out: &mut Out,
    ) -> Result<Sought, Refusal> {
        let base = self.segments[place].base;
        if let Some(chunk) = self.cold.find(base, from, now.mono) {
            return Ok(Sought::Here(chunk.clone()));
        }
        if !self.segments[place].loaded {
            self.ask_index(place, out);
            return Ok(Sought::Wait);
        }
        let segment = &self.segments[place];
        let floor = relative(base, from).map_or(0, |from| segment.index.floor(from));
        let at = u64::from(floor).max(self.cold.beyond(base, from));
        if let Some(chunk) = self.cold.at(base, at, now.mono) {
            return Ok(Sought::Here(chunk.clone()));
        }
        if at >= segment.written {
            return Ok(Sought::Past);
        }
        if segment.damaged == Some(at) {
            return Err(Refusal::because(ErrorCode::CorruptMessage, "the bytes on disk are damaged"));
        }
        if self.cold.take_fault(base, at) {
            return Err(Refusal::because(ErrorCode::KafkaStorageError, "the disk cannot be read"));
        }
        if !self.cold.is_asked(
            |asked| matches!(asked, Asked::Chunk { segment, at: other, .. } if (*segment, *other) == (base, at)),
        ) {
            let distance = segment.index.next(floor).map_or(segment.written, u64::from).saturating_sub(at);
            let len = distance.saturating_add(want as u64).clamp(u64::from(CHUNK_BYTES.0), u64::from(CHUNK_BYTES.1));
            let len = len.min(segment.written - at) as u32;
            self.ask_chunk(base, at, len, out);
        }
        Ok(Sought::Wait)
    }

    fn ask_chunk(&mut self, segment: Offset, at: u64, len: u32, out: &mut Out) {
        let file = self.file(FileName::Log(segment));
        self.ask(DiskOp::Read { file, at, len }, Asked::Chunk { segment, at, len }, out);
    }

    /// The place of the segment of that base, if it is still there.
    fn place(&self, base: Offset) -> Option<usize> {
        self.segments.binary_search_by_key(&base, |segment| segment.base).ok()
    }

    pub(super) fn on_chunk(
        &mut self,
        now: Now,
        asked: (Offset, u64, u32),
        result: Result<DiskDone, DiskFault>,
        out: &mut Out,
    ) {
        let (base, at, len) = asked;
        let Some(place) = self.place(base) else { return };
        let Ok(DiskDone::Bytes(bytes)) = result else {
            self.cold.fail(base, at);
            return;
        };
        // While a cut looks for its place the log's end is not that of the file.
        let open = place + 1 == self.segments.len() && self.cutting.is_some();
        let until = if open { Offset(i64::MAX) } else { self.segment_end(place) };
        let least = self.cold.ends_at(base, at).unwrap_or(base);
        let segment = &mut self.segments[place];
        let known = u32::try_from(at).ok().and_then(|at| segment.index.last_at(at));
        let ends = known.map_or(Offset::ZERO, |last| base.plus(i64::from(last) + 1));
        let mut walk = Walk::new(&bytes, least, until).within(segment.written.saturating_sub(at)).first_ends(ends);
        let (mut first, mut last) = (None, base);
        for (offset, header, _) in walk.by_ref() {
            first.get_or_insert(header.base_offset());
            last = header.last_offset();
            let relative =
                (relative(base, header.base_offset()), relative(base, last), u32::try_from(at + offset as u64));
            if let (Some(first), Some(last), Ok(at)) = relative {
                segment.index.observe(first, last, at);
            }
        }
        let (walked, stop) = (walk.walked(), walk.stop());
        if let Some(first) = first {
            segment.checked(at, at + walked as u64);
            self.cold.keep(Chunk::new(base, at, first, last, bytes.slice(..walked), now.mono));
            return;
        }
        let written = segment.written;
        match stop {
            Stop::Cut { need }
                if need > len as usize && at + need as u64 <= written && need <= 2 * REQUEST_BYTES_MAX =>
            {
                self.ask_chunk(base, at, need as u32, out);
            }
            Stop::End | Stop::Cut { .. } | Stop::Bad => self.on_bad_bytes(place, at, least, &bytes, out),
        }
    }

    /// There is no batch at `at`: the index was wrong, or the bytes are.
    fn on_bad_bytes(&mut self, place: usize, at: u64, least: Offset, bytes: &[u8], out: &mut Out) {
        let segment = &mut self.segments[place];
        let base = segment.base;
        if u32::try_from(at).is_ok_and(|at| segment.index.guesses(at)) {
            segment.index.distrust();
            let text = alloc::format!("the index of segment {base} is wrong; it is not used");
            out.note(Note::Text { topic: "log-index", text });
            return;
        }
        segment.damaged = Some(at);
        segment.find_on(at, least, bytes);
        out.note(Note::Damaged { dir: self.dir, base, at });
    }

    /// Asks for the index files of a segment.
    pub(super) fn ask_index(&mut self, place: usize, out: &mut Out) {
        let base = self.segments[place].base;
        let asked = self.cold.is_asked(
            |asked| matches!(asked, Asked::Offsets { segment } | Asked::Times { segment, .. } if *segment == base),
        );
        if !asked {
            let len = self.index_len(self.segments[place].index_files.0);
            self.ask(
                DiskOp::Read { file: self.file(FileName::Index(base)), at: 0, len },
                Asked::Offsets { segment: base },
                out,
            );
        }
    }

    /// Asks when the active segment's first batch is from, where another process wrote it and no scan has come by: `segment.ms` counts from
    /// there, however often nodes start anew (Kafka: `LogSegment.loadFirstBatchTimestamp`).
    pub(super) fn ask_first(&mut self, out: &mut Out) {
        let active = self.active();
        if active.first_timestamp.is_none() && active.size > 0 {
            let segment = active.base;
            let file = self.file(FileName::Log(segment));
            self.ask(DiskOp::Read { file, at: 0, len: HEADER_BYTES as u32 }, Asked::First { segment }, out);
        }
    }

    pub(super) fn on_first(&mut self, base: Offset, result: Result<DiskDone, DiskFault>) {
        let Some(place) = self.place(base) else { return };
        let bytes = bytes_or_none(result);
        let first = Header::read(&bytes).filter(|first| first.magic() == MAGIC && first.base_offset() >= base);
        let segment = &mut self.segments[place];
        segment.first_timestamp = segment.first_timestamp.or(first.map(|first| first.max_timestamp()));
    }

    /// Kafka's indexes have up to `segment.index.bytes`; what a file has beyond 64 MiB is not read.
    pub(super) fn index_len(&self, len: u64) -> u32 {
        len.min(u64::from(self.config.index_bytes.max(64 << 20))) as u32
    }

    pub(super) fn on_offsets(&mut self, base: Offset, result: Result<DiskDone, DiskFault>, out: &mut Out) {
        let Some(place) = self.place(base) else { return };
        let offsets = bytes_or_none(result);
        let len = self.index_len(self.segments[place].index_files.1);
        let file = self.file(FileName::TimeIndex(base));
        self.ask(DiskOp::Read { file, at: 0, len }, Asked::Times { segment: base, offsets }, out);
    }

    pub(super) fn on_times(&mut self, base: Offset, offsets: &[u8], result: Result<DiskDone, DiskFault>) {
        let Some(place) = self.place(base) else { return };
        let times = bytes_or_none(result);
        let end = relative(base, self.segment_end(place)).unwrap_or(u32::MAX - 1);
        let active = place + 1 == self.segments.len();
        let segment = &mut self.segments[place];
        let mut index = Index::read(offsets, &times, segment.believed, end);
        if !active {
            index.thin();
        }
        segment.index.merge(index);
        segment.loaded = true;
        segment.check();
        self.bound_indexes(place);
        if core::mem::take(&mut self.retention_waits) {
            self.retention_due = Mono(0);
        }
    }

    /// Forgets the index of another closed segment if many are in memory. What was verified stays so.
    fn bound_indexes(&mut self, keep: usize) {
        const INDEXES_MAX: usize = 64;
        let closed = self.segments.len().saturating_sub(1);
        let resident = self.segments[..closed].iter().filter(|segment| segment.loaded).count();
        if resident > INDEXES_MAX
            && let Some(place) = (0..closed).find(|place| *place != keep && self.segments[*place].loaded)
        {
            let segment = &mut self.segments[place];
            segment.index.forget();
            segment.loaded = false;
        }
    }

    pub(super) fn on_unpacked(&mut self, now: Now, base: Offset, result: Result<DiskDone, DiskFault>) {
        let records = match result {
            Ok(DiskDone::Bytes(bytes)) => Some(bytes),
            Ok(_) | Err(_) => None,
        };
        self.cold.keep_unpacked(base, records, now.mono);
    }
}

/// A file that is missing or cannot be read counts as empty: an index can be done without.
pub(super) fn bytes_or_none(result: Result<DiskDone, DiskFault>) -> Bytes {
    match result {
        Ok(DiskDone::Bytes(bytes)) => bytes,
        Ok(_) | Err(_) => Bytes::new(),
    }
}
