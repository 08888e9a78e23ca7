//! Under `durability=os` a log is synced when `flush.messages` and `flush.ms` say so; and a segment is, as a whole, before the next one
//! begins: after a crash the last one alone is looked through.

use super::Broken;
use crate::table::Map;
use esker_core::id::DirId;
use esker_core::io::{DiskOp, FileId, FileName};
use esker_core::log::SyncPolicy;
use esker_core::partition::Partition;
use esker_core::time::{Mono, Span};

/// Who is seen to be late so often, for so long, was awake.
const LOOKS: u32 = 5;
const LATE: Span = Span::from_millis(1_000);

/// What was appended to a log and no sync was asked for.
#[derive(Debug)]
struct Waiting {
    records: i64,
    since: Mono,
    /// Since when it is known to be late, and how often that was seen.
    late: Option<(Mono, u32)>,
}

#[derive(Debug, Default)]
pub struct Flushed {
    waiting: Map<(usize, DirId), Waiting>,
}

impl Flushed {
    pub fn on_start(&mut self, node: usize) {
        self.waiting.retain(|(of, _), _| *of != node);
    }

    /// A node asks its disk for something; `records`: how many it appends; `sync`: what the log goes by.
    pub fn on_disk_op(
        &mut self,
        (node, now): (usize, Mono),
        op: &DiskOp,
        records: i64,
        sync: SyncPolicy,
    ) -> Result<(), Broken> {
        match op {
            DiskOp::Append { file: FileId { dir, name: FileName::Log(base) }, sync: false, .. } => {
                let SyncPolicy::Os { flush_messages, .. } = sync else { return Ok(()) };
                let new = Waiting { records: 0, since: now, late: None };
                let waiting = self.waiting.entry((node, *dir)).or_insert(new);
                waiting.records += records;
                if waiting.records < flush_messages {
                    return Ok(());
                }
                let count = waiting.records;
                Err((
                    "not-flushed",
                    format!("{count} records up to the segment {base} are not synced, and {flush_messages} are to be"),
                ))
            }
            DiskOp::Append { file: FileId { dir, name: FileName::Log(_) }, .. }
            | DiskOp::Sync { file: FileId { dir, name: FileName::Log(_) } }
            | DiskOp::Delete { file: FileId { dir, name: FileName::Log(_) } }
            | DiskOp::RemoveDir { dir } => {
                self.waiting.remove(&(node, *dir));
                Ok(())
            }
            DiskOp::Create { file: FileId { dir, name: FileName::Log(base) } } => {
                match self.waiting.remove(&(node, *dir)) {
                    None => Ok(()),
                    Some(Waiting { records, .. }) => Err((
                        "not-flushed",
                        format!("the segment {base} begins, and {records} records of the one before it are not synced"),
                    )),
                }
            }
            _ => Ok(()),
        }
    }

    pub fn look(&mut self, node: usize, now: Mono, replica: &Partition) -> Result<(), Broken> {
        // What was appended before a topic was set to sync is synced at once.
        let flush_ms = match replica.log().config().sync {
            SyncPolicy::Always => 0,
            SyncPolicy::Os { flush_ms, .. } => flush_ms,
        };
        let Some(waiting) = self.waiting.get_mut(&(node, replica.dir())) else { return Ok(()) };
        if !waiting.is_late(now, flush_ms) {
            return Ok(());
        }
        let (folder, records) = (replica.folder(), waiting.records);
        Err((
            "not-flushed",
            format!("{records} records of {folder} are not synced, and are older than flush.ms, {flush_ms}"),
        ))
    }
}

impl Waiting {
    fn is_late(&mut self, now: Mono, flush_ms: i64) -> bool {
        let due = self.since + Span::from_millis(u64::try_from(flush_ms).unwrap_or(0));
        if flush_ms == i64::MAX || now <= due {
            return false;
        }
        let (since, looks) = self.late.get_or_insert((now, 0));
        *looks += 1;
        *looks >= LOOKS && now.since(*since) > LATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::Offset;

    const FILE: FileId = FileId { dir: DirId(3), name: FileName::Log(Offset(0)) };
    const EVERY_FIVE: SyncPolicy = SyncPolicy::Os { flush_messages: 5, flush_ms: 100 };

    fn append(sync: bool) -> DiskOp {
        DiskOp::Append { file: FILE, at: 0, bytes: Vec::new(), sync }
    }

    #[test]
    fn a_sync_that_flush_messages_asks_for_is_missed() {
        let mut flushed = Flushed::default();
        let mut on =
            |op, records| flushed.on_disk_op((1, Mono(0)), &op, records, EVERY_FIVE).map_err(|broken| broken.0);
        assert_eq!(on(append(false), 4), Ok(()));
        assert_eq!(on(append(true), 1), Ok(()));
        assert_eq!(on(append(false), 4), Ok(()));
        assert_eq!(on(append(false), 1), Err("not-flushed"));
    }

    #[test]
    fn a_segment_that_is_not_synced_before_the_next_one_is_missed() {
        let next = || DiskOp::Create { file: FileId::new(DirId(3), FileName::Log(Offset(4))) };
        let mut flushed = Flushed::default();
        let mut on = |op| flushed.on_disk_op((1, Mono(0)), &op, 1, EVERY_FIVE).map_err(|broken| broken.0);
        assert_eq!((on(append(false)), on(DiskOp::Sync { file: FILE }), on(next())), (Ok(()), Ok(()), Ok(())));
        assert_eq!((on(append(false)), on(next())), (Ok(()), Err("not-flushed")));
    }

    #[test]
    fn what_is_late_for_long_while_awake_is_missed() {
        let new = || Waiting { records: 1, since: Mono(0), late: None };
        let at = |ms: u64| Mono(0) + Span::from_millis(ms);
        let mut waiting = new();
        assert!(!waiting.is_late(at(100), 100), "it is not late yet");
        assert!((0..4).all(|_| !waiting.is_late(at(5_000), 100)), "its node stood still");
        assert!(waiting.is_late(at(6_100), 100));
        assert!((0..9).all(|turn| !new().is_late(at(turn * 9_000), i64::MAX)), "there is no limit");
    }
}
