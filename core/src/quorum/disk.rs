//! Disk operations that ended, the quorum's own and its log's.

use super::machine::Quorum;
use super::stage::{DiskResult, Purpose, Stage};
use crate::io::{DiskDone, DiskTag, Out, Owner};
use crate::log::LogEvent;
use crate::time::Now;
use alloc::format;

impl Quorum {
    /// A completion of `Owner::Quorum` or of `Owner::Log(DirId::METADATA)`.
    pub fn on_disk(&mut self, now: Now, tag: DiskTag, result: DiskResult, out: &mut Out) {
        match tag.owner {
            Owner::Quorum => self.on_own_disk(now, tag.serial, result, out),
            Owner::Log(_) => self.on_log_disk(now, tag.serial, result, out),
            Owner::Node => {}
        }
        self.drive(now, out);
    }

    fn on_own_disk(&mut self, now: Now, serial: u64, result: DiskResult, out: &mut Out) {
        let Some(purpose) = self.disk.remove(&serial) else { return };
        let done = match result {
            Ok(done) => done,
            // A stale file that stays does no harm.
            Err(_) if purpose == Purpose::DeleteSnapshot => return,
            Err(fault) if let (Stage::Open(_), Purpose::ReadSnapshot(id)) = (&self.stage, &purpose) => {
                return self.on_snapshot_unread(*id, fault, out);
            }
            Err(fault) => return self.fail(format!("the metadata folder failed ({purpose:?}): {fault}")),
        };
        if let Stage::Opening(_) = &self.stage {
            return self.on_boot_disk(now, purpose, done, out);
        }
        match (purpose, done) {
            (Purpose::WriteState(election), _) => {
                self.ballot.on_saved(election);
                self.changes.ask_again = true;
            }
            (Purpose::WriteSnapshot(id, size), _) => self.on_snapshot_written(now, id, size, out),
            (Purpose::InstallSnapshot(id, file), _) => self.on_snapshot_installed(now, id, file, out),
            (Purpose::ReadSnapshot(id), DiskDone::Bytes(file)) => self.on_snapshot_read(now, id, file),
            (Purpose::DeleteSnapshot, _) => {}
            (Purpose::OpenFolder | Purpose::List | Purpose::ReadState | Purpose::ReadSnapshot(_), _) => {}
        }
    }

    fn on_log_disk(&mut self, now: Now, serial: u64, result: DiskResult, out: &mut Out) {
        match &mut self.stage {
            Stage::Opening(_) => self.on_boot_log(now, serial, result, out),
            Stage::Open(journal) => {
                let event = journal.log.on_disk(now, serial, result, out);
                let end = journal.log.end();
                self.on_log_event(event);
                if end < self.watermark {
                    // A cut found damage before its place: what this node promised to keep is gone.
                    self.fail(format!(
                        "the metadata log is damaged: it ends at {end}, and was committed up to {}",
                        self.watermark
                    ));
                }
            }
            Stage::Closed | Stage::Failed => {}
        }
    }

    pub(super) fn on_log_event(&mut self, event: LogEvent) {
        match event {
            LogEvent::Warm => {
                self.changes.readable = true;
                self.changes.ask_again = true;
            }
            LogEvent::Closed => self.changes.closed = true,
            LogEvent::Failed(fault) => self.fail(format!("the metadata log failed: {fault}")),
            // The watermark is counted again at the end of every turn.
            LogEvent::Opened
            | LogEvent::Synced
            | LogEvent::StartMoved
            | LogEvent::Foreign
            | LogEvent::Damaged { .. }
            | LogEvent::Nothing => {}
        }
    }
}
