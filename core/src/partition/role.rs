//! What changes the role: the metadata, and the log that opened or failed.

use super::lacks::{ANYTHING, Lacks};
use super::leader::Leader;
use super::{Partition, PartitionEvent, Role};
use crate::id::{LeaderEpoch, Offset};
use crate::io::{DiskDone, DiskFault, Note, Out};
use crate::log::LogEvent;
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::time::Now;

impl Partition {
    /// The metadata says something new of this partition. What is older than what is known already is ignored: the
    /// controller's answer to a proposal may have been faster than its record.
    pub fn on_state(&mut self, now: Now, state: &metadata::Partition, out: &mut Out) -> PartitionEvent {
        if let Some(known) = &self.state {
            if state.epoch < known.epoch {
                return PartitionEvent::NONE;
            }
            assert!(state.leader_epoch >= known.leader_epoch, "{}: the leader's epoch went back", self.key);
        }
        let again = self.state.as_ref().is_some_and(|known| known.epoch == state.epoch);
        self.state = Some(state.clone());
        match self.role {
            Role::Opening | Role::Offline => PartitionEvent::NONE,
            Role::Leader(_) | Role::Short(_) | Role::Follower { .. } if self.closing => PartitionEvent::NONE,
            Role::Leader(_) | Role::Short(_) | Role::Follower { .. } => self.enact(now, again, out),
        }
    }

    /// Takes the role that `state` gives.
    pub(super) fn enact(&mut self, now: Now, again: bool, out: &mut Out) -> PartitionEvent {
        let Some(state) = self.state.take() else { return PartitionEvent::NONE };
        if !state.in_sync(self.me) {
            self.lacks = Lacks::default();
        }
        let event = if state.leader == Some(self.me) && self.log.is_settled() {
            if self.may_lead(&state, out) {
                self.lead(now, &state, again, out)
            } else {
                PartitionEvent { role: true, ..PartitionEvent::NONE }
            }
        } else {
            self.follow(&state, out)
        };
        self.state = Some(state);
        let mut event = event.and(self.repair(now, out)).and(self.advance(now.mono));
        event.isr |= self.wants_proposal(now.mono);
        event
    }

    fn lead(&mut self, now: Now, state: &metadata::Partition, again: bool, out: &mut Out) -> PartitionEvent {
        let end = self.log.end();
        match &mut self.role {
            Role::Leader(leader) if leader.epoch == state.leader_epoch && again => {
                leader.confirm(now.mono, self.me, state);
                return PartitionEvent { isr: true, ..PartitionEvent::NONE };
            }
            Role::Leader(leader) if leader.epoch == state.leader_epoch => {
                leader.assign(now.mono, self.me, state);
                return PartitionEvent { isr: true, ..PartitionEvent::NONE };
            }
            Role::Leader(leader) => leader.begin_epoch(now.mono, self.me, state, end),
            Role::Opening | Role::Short(_) | Role::Follower { .. } | Role::Offline => {
                self.role = Role::Leader(Leader::new(now.mono, self.me, state, end));
            }
        }
        // The epoch begins here even if nothing is appended in it: a follower with records of an epoch between learns
        // where to cut (KIP-101).
        if !mutant::is(Mutant::EpochBeginsUnmarked) {
            self.log.begin_epoch(state.leader_epoch);
        }
        out.note(Note::Leads { partition: self.key, epoch: state.leader_epoch });
        PartitionEvent { role: true, isr: true, ..PartitionEvent::NONE }
    }

    /// Also the leader to be waits here while its log looks for the place of a cut.
    fn follow(&mut self, state: &metadata::Partition, out: &mut Out) -> PartitionEvent {
        let other = state.leader.filter(|leader| *leader != self.me);
        if let Role::Follower { leader, epoch, .. } = &self.role
            && *leader == other
            && (*epoch == state.leader_epoch || mutant::is(Mutant::SameLeaderOldEpoch) && other.is_some())
        {
            return PartitionEvent::NONE;
        }
        let (mut told, start) = (Offset::NONE, Offset::NONE);
        if let Role::Follower { told: before, .. } = &self.role
            && *before > self.watermark
            && mutant::is(Mutant::ToldOutlivesEpoch)
        {
            told = *before;
        }
        self.role = Role::Follower { leader: other, epoch: state.leader_epoch, told, start, claims: false };
        if let Some(leader) = other {
            out.note(Note::Follows { partition: self.key, leader, epoch: state.leader_epoch });
        }
        PartitionEvent { role: true, ..PartitionEvent::NONE }
    }

    /// An operation of this partition's log ended.
    pub fn on_disk(
        &mut self,
        now: Now,
        serial: u64,
        result: Result<DiskDone, DiskFault>,
        out: &mut Out,
    ) -> PartitionEvent {
        let told = self.log.on_disk(now, serial, result, out);
        let event = self.on_log_event(now, told, out);
        if matches!(self.role, Role::Follower { .. }) {
            return event.and(self.on_follower_disk(now, out));
        }
        event
    }

    /// A cut that has found its place may have ended lower than where it was asked for; and a leader to be that waited for
    /// it leads now.
    fn on_follower_disk(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        self.watermark = self.watermark.min(self.log.synced());
        let known = self.start_fell;
        self.begins_again();
        let fell = PartitionEvent { start_moved: self.start_fell && !known, ..PartitionEvent::NONE };
        if self.leader() == Some(self.me) && self.log.is_settled() && !self.closing {
            return fell.and(self.enact(now, false, out));
        }
        fell.and(self.repair(now, out))
    }

    pub(super) fn on_log_event(&mut self, now: Now, told: LogEvent, out: &mut Out) -> PartitionEvent {
        match told {
            LogEvent::Opened => self.on_opened(now, out),
            LogEvent::Synced => {
                self.look_for_refill();
                let synced = PartitionEvent { synced_moved: true, ..PartitionEvent::NONE };
                synced.and(self.advance(now.mono)).and(self.follow_start(now))
            }
            LogEvent::Warm => self.on_warm(now),
            LogEvent::StartMoved => {
                // Retention drops nothing beyond the watermark; a follower's restart may.
                self.watermark = self.watermark.max(self.log.start());
                PartitionEvent { start_moved: true, ..PartitionEvent::NONE }
            }
            LogEvent::Closed => {
                self.closed = true;
                PartitionEvent { closed: true, ..PartitionEvent::NONE }
            }
            LogEvent::Foreign => PartitionEvent { foreign: true, ..PartitionEvent::NONE },
            // A replica opens whatever its log lacks: others have it.
            LogEvent::Nothing | LogEvent::Damaged { .. } => PartitionEvent::NONE,
            LogEvent::Failed(fault) => {
                self.role = Role::Offline;
                PartitionEvent { failed: Some(fault), role: true, ..PartitionEvent::NONE }
            }
        }
    }

    fn on_opened(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        assert!(matches!(self.role, Role::Opening), "{}: opened twice", self.key);
        self.look_for_loss(self.watermark, out);
        // What is not known is no watermark: not all that the log has by now is committed (seed 910001899).
        let known = if self.watermark == ANYTHING { Offset::ZERO } else { self.watermark };
        self.watermark = known.min(self.log.synced()).max(self.log.start());
        self.look_for_holes();
        let (told, start) = (Offset::NONE, Offset::NONE);
        self.role = Role::Follower { leader: None, epoch: LeaderEpoch::NONE, told, start, claims: false };
        let opened = PartitionEvent { opened: true, role: true, start_moved: self.start_fell, ..PartitionEvent::NONE };
        // The node stops, and waited for the log to be open to close it (seed 900371).
        opened.and(if self.closing { self.close(now, out) } else { self.enact(now, false, out) })
    }
}
