//! Bytes on disk that are not what was written: they are never served, and where others have them whole they are fetched anew.
//!
//! A leader that meets them asks the controller for an in-sync set without itself, which elects another of that set. Once the
//! metadata says that this replica is not in sync, nothing relies on what it holds: it cuts its log back to where the
//! damaged segment begins and fetches from there. A replica that alone is in sync keeps what it can still read. (Kafka has
//! no such repair: there a person deletes the replica's folder.)

use super::{Partition, PartitionEvent, Role};
use crate::io::Out;
use crate::time::Now;

impl Partition {
    /// What a reader waited for is in memory, or is not what was written.
    pub(super) fn on_warm(&mut self, now: Now) -> PartitionEvent {
        self.damaged = self.log.damaged();
        PartitionEvent { warm: true, isr: self.wants_proposal(now.mono), ..PartitionEvent::NONE }
    }

    /// Cuts the damaged bytes away, if nobody relies on this replica and there is a leader to fetch them from.
    pub(super) fn repair(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        let (Some(damaged), Role::Follower { leader: Some(_), .. }) = (self.damaged, &self.role) else {
            return PartitionEvent::NONE;
        };
        let in_sync = self.state.as_ref().is_none_or(|state| state.in_sync(self.me));
        if in_sync || self.closing || !self.log.is_settled() {
            return PartitionEvent::NONE;
        }
        let (start, before) = (self.log.start(), self.watermark);
        if damaged <= start {
            self.log.restart_at(now, start, out);
        } else {
            self.log.truncate(now, damaged, out);
        }
        self.damaged = self.log.damaged();
        assert!(self.damaged.is_none_or(|other| other > damaged), "{}: what was damaged is gone", self.key);
        self.watermark = self.watermark.min(self.log.synced()).max(self.log.start());
        self.saved_start = self.saved_start();
        PartitionEvent { end_moved: true, watermark_moved: self.watermark != before, ..PartitionEvent::NONE }
    }
}
