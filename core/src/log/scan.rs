//! Recovery's walk over segments: what the batches tell of themselves, of their epochs and of their producers.

use super::cursor::{Stop, Walk};
use super::recovery::Scan;
use super::segment::{Segment, Summary};
use super::{Log, LogEvent, append};
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::vec::Vec;
use bytes::Bytes;

/// Bytes of a read, but for a batch that is larger.
const READ_BYTES: u64 = 1 << 20;

/// A batch that a scan has found.
struct Seen {
    batch: Summary,
    at: u64,
}

impl Log {
    pub(super) fn scan(&mut self) -> &mut Scan {
        match &mut self.phase {
            super::Phase::Opening(recovery) => &mut recovery.scan,
            super::Phase::Open | super::Phase::Closing | super::Phase::Closed | super::Phase::Failed(_) => {
                unreachable!("only an opening log is scanned")
            }
        }
    }

    pub(super) fn scan_size(&mut self) -> u64 {
        let (place, on_disk) = (self.scan().place, self.scan().on_disk);
        if place + 1 == self.segments.len() { on_disk } else { self.segments[place].size }
    }

    /// Reads the next bytes.
    pub(super) fn scan_on(&mut self, out: &mut Out) -> LogEvent {
        let size = self.scan_size();
        let Scan { place, at, need, .. } = *self.scan();
        let len = need.max(READ_BYTES).min(size.saturating_sub(at));
        let file = self.file(FileName::Log(self.segments[place].base));
        self.ask(
            DiskOp::Read { file, at, len: u32::try_from(len).unwrap_or(u32::MAX) },
            super::cold::Asked::Recovery,
            out,
        );
        LogEvent::Nothing
    }

    pub(super) fn on_scan(&mut self, now: Now, bytes: &[u8], out: &mut Out) -> LogEvent {
        if self.scan().in_damage {
            return self.on_search(now, bytes, out);
        }
        let size = self.scan_size();
        let Scan { place, at, reached, first_ends, known, .. } = *self.scan();
        let active = place + 1 == self.segments.len();
        let (until, sure) = if active {
            (Offset(i64::MAX), self.surely_reached(known))
        } else {
            (self.segment_end(place), self.segment_end(place))
        };
        let mut walk =
            Walk::new(bytes, reached, until).within(size.saturating_sub(at)).surely(sure).first_ends(first_ends);
        if mutant::is(Mutant::RecoverBadTail) {
            walk = Walk::unchecked(bytes);
        }
        let mut seen = Vec::new();
        for (offset, header, batch) in walk.by_ref() {
            self.epochs.assign(header.leader_epoch(), header.base_offset());
            if header.base_offset() >= known.plus(i64::from(mutant::is(Mutant::ScanSkipsBatch)))
                || mutant::is(Mutant::ScanCountsAgain)
            {
                let marker = if header.is_control() {
                    append::marker_epoch(&Bytes::copy_from_slice(batch), &Bytes::new())
                } else {
                    None
                };
                self.producers.record(&header, marker);
            }
            let (first, last, max_timestamp) = (header.base_offset(), header.last_offset(), header.max_timestamp());
            seen.push(Seen {
                batch: Summary { first, last, max_timestamp, size: batch.len() as u32 },
                at: at + offset as u64,
            });
        }
        let (walked, stop, reached) = (walk.walked() as u64, walk.stop(), walk.reached());
        let fits = self.take_seen(place, active, &seen, at + walked);
        let scan = self.scan();
        scan.at += walked;
        scan.bytes += walked;
        scan.need = 0;
        if let Some(last) = seen.last() {
            scan.last = Some((last.at, last.batch.first));
            (scan.reached, scan.first_ends) = (reached, Offset::ZERO);
        }
        let at = scan.at;
        let whole = bytes.is_empty() || at >= size;
        match stop {
            _ if !fits => self.on_scan_end(now, true, out),
            Stop::End if whole => self.on_scan_end(now, at < size, out),
            Stop::End => self.scan_on(out),
            Stop::Cut { need }
                if at + need as u64 <= size && need as u64 > bytes.len() as u64 - walked && !bytes.is_empty() =>
            {
                self.scan().need = need as u64;
                self.scan_on(out)
            }
            Stop::Cut { .. } | Stop::Bad => self.on_scan_end(now, true, out),
        }
    }

    /// How far the log reached for sure: it was committed up to there, or a snapshot of the producers is as of there. Where nobody knows how far a
    /// compacted log was committed, its last batch may lie behind a gap.
    fn surely_reached(&mut self, known: Offset) -> Offset {
        let durable = self.recovery().opening.durable;
        if self.config.compact_policy && durable == Offset::ZERO { Offset(i64::MAX) } else { durable.max(known) }
    }

    /// The segment learns from its batches. `false`: one cannot be in it.
    fn take_seen(&mut self, place: usize, active: bool, seen: &[Seen], to: u64) -> bool {
        let interval = self.config.index_interval_bytes;
        let segment = &mut self.segments[place];
        if !active {
            segment.checked(seen.first().map_or(to, |first| first.at), to);
            return true;
        }
        for Seen { batch, at } in seen {
            if super::index::relative(segment.base, batch.last).is_none() || *at != segment.size {
                return false;
            }
            segment.take(batch, interval);
        }
        segment.written = segment.size;
        true
    }

    /// The snapshots and the last entries of the indexes were not what a clean stop leaves: everything unsynced is in doubt.
    fn recover_unclean(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let on_disk = self.recovery().scan.on_disk;
        self.recovery().opening.clean = false;
        self.producers.clear();
        let segment = self.active_mut();
        let (base, files) = (segment.base, segment.index_files);
        *segment = Segment::found(base, on_disk, files, now.wall);
        self.ask_index_if_clean(out)
    }

    /// A segment was walked to its end, or to where it is bad.
    pub(super) fn on_scan_end(&mut self, now: Now, bad: bool, out: &mut Out) -> LogEvent {
        let Scan { place, at, .. } = *self.scan();
        if place + 1 < self.segments.len() {
            if bad && at < self.scan_size() {
                // What comes behind it was durable, and tells of producers. Readers will meet it.
                return self.pass_damage(out);
            }
            if bad {
                self.note_damage(out);
            }
            let next = self.segments[place + 1].base;
            let scan = self.scan();
            (scan.place, scan.at, scan.reached, scan.first_ends, scan.last) = (place + 1, 0, next, Offset::ZERO, None);
            if place + 2 == self.segments.len() {
                self.active_mut().resume(0);
            }
            return self.scan_on(out);
        }
        let end = self.scan().reached;
        if self.was_clean() && (bad || self.scan().known > end) {
            return self.recover_unclean(now, out);
        }
        if bad && end < self.recovery().opening.durable {
            return self.pass_damage(out);
        }
        if mutant::is(Mutant::DropGoodTail)
            && let Some((at, first)) = self.scan().last
        {
            self.active_mut().cut(at, first);
            return self.finish_recovery(now, first, out);
        }
        self.finish_recovery(now, end, out)
    }
}
