//! Completions of disk operations: what they mean for the log.

use super::cold::Asked;
use super::pending::{Pending, Then};
use super::{Log, LogEvent, Phase};
use crate::id::Offset;
use crate::io::{DiskDone, DiskFault, Out};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};

impl Log {
    /// An operation of this log has ended.
    pub fn on_disk(&mut self, now: Now, serial: u64, result: Result<DiskDone, DiskFault>, out: &mut Out) -> LogEvent {
        if self.pending.front().is_some_and(|first| first.serial == serial) {
            let Some(Pending { then, .. }) = self.pending.pop_front() else { return LogEvent::Nothing };
            return match result {
                Err(fault) if !mutant::is(Mutant::IgnoreSyncFailure) => self.on_failed(fault),
                Ok(_) | Err(_) => self.on_changed(now, serial, then, out),
            };
        }
        assert!(
            self.pending.iter().all(|pending| pending.serial != serial),
            "changes of a folder complete in the order of their issue"
        );
        match self.cold.answered(serial) {
            // Asked before a truncation: what it found is no more.
            None => LogEvent::Warm,
            Some(_) if matches!(self.phase, Phase::Failed(_) | Phase::Closed) => LogEvent::Nothing,
            Some(asked) => self.on_answer(now, asked, result, out),
        }
    }

    fn on_failed(&mut self, fault: DiskFault) -> LogEvent {
        if matches!(self.phase, Phase::Failed(_)) {
            return LogEvent::Nothing;
        }
        self.phase = Phase::Failed(fault);
        LogEvent::Failed(fault)
    }

    fn on_changed(&mut self, now: Now, serial: u64, then: Then, out: &mut Out) -> LogEvent {
        if matches!(self.phase, Phase::Failed(_)) {
            return LogEvent::Nothing;
        }
        match then {
            Then::Nothing => LogEvent::Nothing,
            Then::Folder => {
                self.list_folder(out);
                LogEvent::Nothing
            }
            Then::Cut => {
                self.on_cut(now, serial, out);
                LogEvent::Warm
            }
            Then::Opened => {
                self.phase = Phase::Open;
                self.check();
                LogEvent::Opened
            }
            Then::Closed => {
                self.phase = Phase::Closed;
                LogEvent::Closed
            }
            Then::Written { segment, end } => self.on_written(segment, end),
        }
    }

    fn on_written(&mut self, written: Option<(Offset, u64)>, end: Offset) -> LogEvent {
        assert!(end <= self.end, "what is written was appended");
        if let Some((base, upto)) = written
            && let Some(segment) = self.segments.iter_mut().rfind(|segment| segment.base == base)
        {
            assert!(upto <= segment.size, "a write lies within its segment");
            segment.written = segment.written.max(upto);
        }
        self.evict_tail();
        if end > self.synced {
            self.synced = end;
            return LogEvent::Synced;
        }
        LogEvent::Nothing
    }

    /// Bytes of the newest batches that are in memory.
    pub const fn tail_bytes(&self) -> usize {
        self.tail.bytes()
    }

    /// When the newest batch came.
    pub const fn appended_at(&self) -> Mono {
        self.appended_at
    }

    /// Lets go of all batches in memory that are written: readers get them from the disk.
    pub fn release_tail(&mut self) {
        self.shrink_tail(0);
    }

    /// Drops the oldest batches from memory, as far as they are written and memory has too much.
    pub(super) fn evict_tail(&mut self) {
        self.shrink_tail(self.config.tail_bytes as usize);
    }

    /// Leaves `bytes` in memory, and what is not written.
    fn shrink_tail(&mut self, bytes: usize) {
        while self.tail.bytes() > bytes {
            let Some(front) = self.tail.front() else { break };
            let end = front.at + front.size() as u64;
            let segment = &self.segments[self.segment_of(front.segment)];
            if segment.base != front.segment || segment.written < end {
                break;
            }
            self.tail.pop_front();
        }
    }

    fn on_answer(&mut self, now: Now, asked: Asked, result: Result<DiskDone, DiskFault>, out: &mut Out) -> LogEvent {
        match asked {
            Asked::Recovery => self.on_recovery(now, result, out),
            Asked::Snapshot { offset } => self.on_replay_snapshot(now, offset, result, out),
            Asked::Chunk { segment, at, len } => {
                self.on_chunk(now, (segment, at, len), result, out);
                self.proceed(now, out)
            }
            Asked::Offsets { segment } => {
                self.on_offsets(segment, result, out);
                self.proceed(now, out)
            }
            Asked::Times { segment, offsets } => {
                self.on_times(segment, &offsets, result);
                self.proceed(now, out)
            }
            Asked::First { segment } => {
                self.on_first(segment, result);
                LogEvent::Nothing
            }
            Asked::Unpack { base } => {
                self.on_unpacked(now, base, result);
                LogEvent::Warm
            }
        }
    }

    /// Goes on with what of our own waits for reads.
    fn proceed(&mut self, now: Now, out: &mut Out) -> LogEvent {
        let sought = self.cutting.is_some();
        self.proceed_cut(now, out);
        match self.phase {
            Phase::Failed(fault) => return LogEvent::Failed(fault),
            Phase::Closing if sought && self.cutting.is_none() => self.finish_close(out),
            Phase::Opening(_) | Phase::Open | Phase::Closing | Phase::Closed => {}
        }
        self.proceed_replay(now, out);
        LogEvent::Warm
    }
}
