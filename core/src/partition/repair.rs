//! Bytes on disk that are not what was written: they are never served, and where others have them whole they are fetched anew.
//!
//! A leader that meets them asks the controller for an in-sync set without itself, which elects another of that set. A follower
//! tells its leader that it holds the log up to the damaged segment, and the leader takes it out of the in-sync set if that
//! is less than what is committed. Once nothing relies on what this replica holds, it cuts its log back to where the damaged
//! segment begins and fetches from there. A replica that alone is in sync keeps what it can still read. (Kafka has no such
//! repair: there a person deletes the replica's folder.)
//!
//! Nothing relies on it when the metadata says that it is not in sync, and no request that would change that can be under
//! way. A leader asks for nobody of whom it has not heard in its own epoch, and the controller refuses requests of an earlier
//! epoch, or that name an earlier incarnation (KIP-903). So the moment for it is when an epoch begins, or the node comes
//! back, before the first fetch that says more than what the cut leaves. Damage that is found later in an epoch waits for the next.

use super::{Partition, PartitionEvent, Role};
use crate::io::Out;
use crate::time::Now;

impl Partition {
    /// What a reader waited for is in memory, or is not what was written.
    pub(super) fn on_warm(&mut self, now: Now) -> PartitionEvent {
        self.damaged = self.log.damaged();
        PartitionEvent { warm: true, isr: self.wants_proposal(now.mono), ..PartitionEvent::NONE }
    }

    /// Cuts the damaged bytes away, if nobody relies on this replica and there is a leader to fetch them from. Whatever makes a follower
    /// fetch that did not before comes by here.
    pub(super) fn repair(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        let event = self.cut_damaged(now, out);
        let fetches = self.fetch_plan().is_some() && self.damaged.is_none();
        if let Role::Follower { claims, .. } = &mut self.role {
            *claims |= fetches;
        }
        event
    }

    fn cut_damaged(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        let (Some(damaged), Role::Follower { leader: Some(_), claims: false, .. }) = (self.damaged, &self.role) else {
            return PartitionEvent::NONE;
        };
        let in_sync = self.state.as_ref().is_none_or(|state| state.in_sync(self.me));
        if in_sync || self.closing || !self.log.is_settled() {
            return PartitionEvent::NONE;
        }
        let (start, before) = (self.log.start(), self.watermark);
        if damaged <= start {
            self.log.restart_keeping(now, start, out);
        } else {
            self.log.truncate(now, damaged, out);
        }
        self.damaged = self.log.damaged();
        assert!(self.damaged.is_none_or(|other| other > damaged), "{}: what was damaged is gone", self.key);
        self.watermark = self.watermark.min(self.log.synced()).max(self.log.start());
        self.begins_again();
        PartitionEvent {
            end_moved: true,
            start_moved: self.start_fell,
            watermark_moved: self.watermark != before,
            ..PartitionEvent::NONE
        }
    }
}
