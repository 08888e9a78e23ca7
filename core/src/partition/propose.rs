//! What the leader asks of the controller about the in-sync set, and what the answers do.

use super::leader::Leader;
use super::{Granted, Partition, PartitionEvent, Proposal, Role};
use crate::error::ErrorCode;
use crate::id::{BrokerEpoch, NodeId, PartitionEpoch};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};
use alloc::vec::Vec;

impl Partition {
    /// Whether [`Partition::isr_proposal`] would name one.
    pub(super) fn wants_proposal(&self, now: Mono) -> bool {
        let sight = self.sight(now);
        match &self.role {
            Role::Leader(leader) => {
                leader.insync.may_speak(now)
                    && (leader.insync.is_pending() || leader.wants_change(&sight, &self.settings))
            }
            Role::Short(_) => self.wants_heir(now),
            Role::Opening | Role::Follower { .. } | Role::Offline => false,
        }
    }

    /// A change of the in-sync set to ask of the controller now: at most one is under way, and it is not handed out twice
    /// before its retry is due. The node's own incarnation is left -1: who sends it knows.
    pub fn isr_proposal(&mut self, now: Now) -> Option<Proposal> {
        self.isr_told = false;
        if !self.wants_proposal(now.mono) {
            return None;
        }
        let sight = self.sight(now.mono);
        let settings = self.settings;
        let Role::Leader(leader) = &mut self.role else { return self.heir_proposal(now.mono) };
        let (joining, leaving) = leader.changes(&sight, &settings);
        // Asked for once, it is asked for until it is decided, even if retention takes the damaged bytes before (seed 555276).
        assert!(!leaving.contains(&self.me) || self.damaged.is_some(), "{}: a whole leader would go", self.key);
        let shrinks = joining.is_empty() && !leaving.is_empty();
        let Leader { followers, insync, .. } = leader;
        let epoch_of = |node: NodeId| {
            let known = followers.iter().find(|(id, _)| *id == node && !mutant::is(Mutant::RejoinUnchecked));
            known.map_or(BrokerEpoch(-1), |(_, progress)| progress.broker_epoch)
        };
        let isr = insync.propose(now.mono, joining, leaving, settings.retry, epoch_of)?;
        if shrinks && mutant::is(Mutant::ShrinkNotGranted) {
            let set: Vec<NodeId> = isr.iter().map(|(node, _)| *node).collect();
            insync.grant(&set);
        }
        let partition_epoch = self.state.as_ref().map_or(PartitionEpoch(-1), |state| state.epoch);
        Some(Proposal {
            partition: self.key,
            serial: leader.insync.serial(),
            leader_epoch: leader.epoch,
            partition_epoch,
            isr,
        })
    }

    /// The controller's answer to the proposal of that serial. A grant is adopted if it is newer than what is known, or says that there was
    /// nothing to change (Kafka's `handleAlterPartitionUpdate`).
    pub fn on_isr_answer(&mut self, now: Now, serial: u64, answer: Result<Granted, ErrorCode>) -> PartitionEvent {
        let retry = self.settings.retry;
        let (Role::Leader(leader), Some(state)) = (&mut self.role, &mut self.state) else {
            return PartitionEvent::NONE;
        };
        match answer {
            Err(code) => {
                if leader.insync.is_pending() && leader.insync.serial() == serial {
                    leader.insync.refuse(now.mono, code, retry);
                }
            }
            Ok(granted) => {
                let nothing_to_change = granted.partition_epoch == state.epoch
                    && leader.insync.serial() == serial
                    && leader.insync.is_proposed(&granted.isr);
                let newer = granted.partition_epoch > state.epoch;
                if granted.leader_epoch != leader.epoch && !mutant::is(Mutant::GrantOfOldEpoch)
                    || !newer && !nothing_to_change && !mutant::is(Mutant::OldGrantHeeded)
                {
                    return PartitionEvent::NONE;
                }
                if !granted.isr.iter().all(|node| state.replicas.contains(node)) || !granted.isr.contains(&self.me) {
                    // The replicas changed as well: the metadata's record says how.
                    return PartitionEvent::NONE;
                }
                state.epoch = granted.partition_epoch;
                let was = core::mem::replace(&mut state.isr, granted.isr.clone());
                leader.insync.grant(&granted.isr);
                leader.welcome(now.mono, &was);
            }
        }
        let mut event = PartitionEvent { isr: true, ..PartitionEvent::NONE }.and(self.advance(now.mono));
        event.isr |= self.wants_proposal(now.mono);
        event
    }

    /// The metadata says something new of a node: whether it is active, in the incarnation `epoch`. One that is not is waited
    /// for only while it is in sync; one that is back may join, and has perhaps nothing more to fetch that would tell so.
    pub fn on_broker(&mut self, now: Now, node: NodeId, epoch: Option<BrokerEpoch>, active: bool) -> PartitionEvent {
        let Role::Leader(leader) = &mut self.role else { return self.on_heir(now.mono, node, epoch, active) };
        let Some(progress) = leader.follower_mut(node) else { return PartitionEvent::NONE };
        let known = progress.broker_epoch.0 < 0
            || epoch == Some(progress.broker_epoch)
            || active && mutant::is(Mutant::RejoinUnchecked);
        progress.eligible = active && known;
        // Who is not there is not waited for any more, where a log's start is to move on all replicas.
        let gone = PartitionEvent { start_moved: !active, ..PartitionEvent::NONE };
        let mut event = gone.and(self.advance(now.mono));
        event.isr |= self.wants_proposal(now.mono);
        event
    }
}
