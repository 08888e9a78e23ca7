//! A log that lacks something of what it had promised: it was durable and committed, and is no more.
//!
//! It ends too early, or has a hole. The one that ends too early looks like a torn one: behind the bad place nothing is whole. But the node
//! wrote down how far it was committed, and so the replica knows what it lacks. It may be all the same the only one in the in-sync set: after a
//! loss of power the last of the set that comes back is what the set shrinks to. If it led as it is, all others would cut their logs to its
//! end. So it stands back, serves nobody, and hears from the others' fetches where they end. Who has more becomes the leader in its place: it
//! is asked for as the whole in-sync set. Only when every other replica was heard, and none has more, are the records gone, and it leads with
//! what it has.
//!
//! So the partition waits for one that is down, unless its topic would rather lose records than wait (`unclean.leader.election.enable`).
//! An operator who knows that the other does not come back says so there, or takes it off the replicas.
//!
//! A hole, damaged bytes before the end that recovery found, is as bad: what was there can be read no more, and nothing is known of its
//! epochs and producers. Who leads without them makes a follower cut a record of such an epoch that it has whole
//! (seed 4266122275506), and takes a batch of such a producer a second time (seed 885503346). Here another with the same end has more.
//!
//! And a whole log may be gone: the metadata counts a replica as in sync whose folder is not there, because its disk was lost or
//! is another. Its node writes down [`ANYTHING`] as promised, and it ends too early like any other.
//!
//! And where a log is said to start behind its end, and above all that it knows to have been committed, either that number is wrong or the log is old.
//! It keeps what it has, and others know better.
//!
//! What ended too early is whole again when it reaches what was promised, or has a record of its leader's epoch: it is then as its leader's
//! up to there, and that has all that is committed.
//!
//! Once the metadata says that the replica is not in sync nothing relies on it: it is a follower like any other.

use super::lacks::{ANYTHING, Lacks};
use super::short::{Heard, Next, Short};
use super::{Partition, PartitionEvent, Proposal, ReplicaFetch, Role};
use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset};
use crate::io::{LOG_LOST, Note, Out};
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};
use alloc::string::String;
use alloc::vec::Vec;

impl Partition {
    /// How far the log was committed, as the node is to write it down: what the log lacks of it is not forgotten by a restart.
    pub fn promised(&self) -> Offset {
        self.lacks.end.map_or(self.watermark, |lost| lost.max(self.watermark))
    }

    /// The log is open, and the node wrote down `promised`.
    pub(super) fn look_for_loss(&mut self, promised: Offset, out: &mut Out) {
        if let Some(start) = self.log.doubted() {
            self.lacks.start = Some(start);
            self.tell(self.doubted_at(start), "that is not believed, and nothing is deleted", out);
            // What is written down is to be what it is, before anything comes in.
            self.begins_again();
        }
        if promised <= self.log.end() {
            return;
        }
        self.lacks.end = self.log.lost().filter(|_| !mutant::is(Mutant::ShortLogLeads));
        self.tell(self.short_of(promised), "records are lost here", out);
    }

    /// The log is open, and recovery found the damage.
    pub(super) fn look_for_holes(&mut self) {
        self.damaged = self.log.damaged();
        self.lacks.hole = self.damaged.is_some();
    }

    fn short_of(&self, promised: Offset) -> String {
        match promised {
            ANYTHING => "was not here, and is in sync".into(),
            promised => alloc::format!("ends at {}, and was at {promised} before", self.log.end()),
        }
    }

    fn doubted_at(&self, start: Offset) -> String {
        let (folder, end) = (&self.folder, self.log.end());
        alloc::format!(
            "ends at {end}, and log-start-offset-checkpoint says that it starts at {start}, above all that {folder} had committed"
        )
    }

    fn tell_lack(&self, what: &str, out: &mut Out) {
        let how = match self.lacks {
            Lacks { end: Some(lost), .. } => self.short_of(lost),
            Lacks { hole: false, start: Some(start), .. } => self.doubted_at(start),
            Lacks { .. } => alloc::format!("has damaged records before its end, {}", self.log.end()),
        };
        self.tell(how, what, out);
    }

    fn tell(&self, how: String, what: &str, out: &mut Out) {
        out.note(Note::Text { topic: LOG_LOST, text: alloc::format!("{} {how}: {what}", self.folder) });
    }

    /// What was lost may have come back.
    pub(super) fn look_for_refill(&mut self) {
        let synced = self.log.synced();
        let current = match self.role {
            Role::Follower { epoch, .. } => self.log.epoch_at(synced.plus(-1)) == epoch && synced > self.log.start(),
            Role::Opening | Role::Leader(_) | Role::Short(_) | Role::Offline => false,
        };
        self.lacks.end = self.lacks.end.filter(|lost| *lost > synced && !current);
        self.lacks.start = self.lacks.start.filter(|_| !current);
    }

    /// Whether this replica, which `state` names leader, leads. If not, it stands back.
    pub(super) fn may_lead(&mut self, state: &metadata::Partition, out: &mut Out) -> bool {
        if !self.lacks.any() {
            return true;
        }
        let begins = !matches!(&self.role, Role::Short(short) if short.epoch == state.leader_epoch);
        if begins {
            self.role = Role::Short(Short::new(state.leader_epoch));
        }
        if self.short_next(state) != Some(Next::Lead) {
            if begins {
                self.tell_lack("named leader, it stands back for one that has more", out);
            }
            return false;
        }
        self.tell_lack("nobody who is there has more, and this one leads", out);
        self.lacks = Lacks::default();
        true
    }

    fn short_next(&self, state: &metadata::Partition) -> Option<Next> {
        let Role::Short(short) = &self.role else { return None };
        let own = (self.log.start(), (self.log.latest_epoch(), self.log.end()));
        let next = short.next(self.me, own, self.lacks.hole, state);
        Some(if next == Next::Wait && self.settings.unclean { Next::Lead } else { next })
    }

    /// A follower's fetch says where its log ends. One that is not on stable storage wholly does not count, it will be.
    pub(super) fn hear(&mut self, now: Mono, replica: &ReplicaFetch, end: (LeaderEpoch, Offset)) -> PartitionEvent {
        let replica_of = self.state.as_ref().is_some_and(|state| state.has_replica(replica.node));
        let Role::Short(short) = &mut self.role else { return PartitionEvent::NONE };
        if replica_of && replica.synced == end.1 {
            let (start, broker_epoch, eligible) = (replica.start, replica.broker_epoch, replica.eligible);
            short.hear(replica.node, Heard { end, start, broker_epoch, eligible });
        }
        PartitionEvent { isr: self.wants_heir(now), ..PartitionEvent::NONE }
    }

    /// The metadata says whether the node is there.
    pub(super) fn on_heir(
        &mut self,
        now: Mono,
        node: NodeId,
        epoch: Option<BrokerEpoch>,
        active: bool,
    ) -> PartitionEvent {
        let Role::Short(short) = &mut self.role else { return PartitionEvent::NONE };
        short.on_broker(node, epoch, active);
        PartitionEvent { isr: self.wants_heir(now), ..PartitionEvent::NONE }
    }

    /// Whether there is something to ask of the controller now, or the lead is to be taken: a look on a tick does both.
    pub(super) fn wants_heir(&self, now: Mono) -> bool {
        let Role::Short(short) = &self.role else { return false };
        short.turn <= now && self.heir().is_some()
    }

    fn heir(&self) -> Option<Vec<(NodeId, BrokerEpoch)>> {
        match self.short_next(self.state.as_ref()?)? {
            Next::Yield(heirs) => Some(heirs),
            Next::Wait | Next::Lead => None,
        }
    }

    /// The in-sync set without this replica that is to be asked for now.
    pub(super) fn heir_proposal(&mut self, now: Mono) -> Option<Proposal> {
        let isr = self.heir().filter(|_| self.wants_heir(now))?;
        let (partition, retry) = (self.key, self.settings.retry);
        let partition_epoch = self.state.as_ref()?.epoch;
        let Role::Short(short) = &mut self.role else { return None };
        short.turn = now + retry;
        // Whatever the answer is, the metadata tells more.
        Some(Proposal { partition, serial: 0, leader_epoch: short.epoch, partition_epoch, isr })
    }

    /// Time for the controller to be asked, or for the lead.
    pub(super) fn short_deadline(&self) -> Option<Mono> {
        let Role::Short(short) = &self.role else { return None };
        if self.closing {
            return None;
        }
        match self.short_next(self.state.as_ref()?)? {
            Next::Wait => None,
            Next::Yield(_) => (!self.isr_told).then_some(short.turn),
            Next::Lead => Some(Mono(0)),
        }
    }

    /// Leads, if all were heard and none has more.
    pub(super) fn end_short(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        let leads = self.state.as_ref().and_then(|state| self.short_next(state)) == Some(Next::Lead);
        if leads && !self.closing { self.enact(now, false, out) } else { PartitionEvent::NONE }
    }
}
