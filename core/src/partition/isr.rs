//! The in-sync set as the controller granted it, and the one change of it that may be under way (KIP-497).

use crate::error::ErrorCode;
use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionKey};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Span};
use alloc::vec::Vec;

/// A change of the in-sync set that the leader asks of the controller (AlterPartition, KIP-497).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    pub partition: PartitionKey,
    /// Comes back with the answer: one to an earlier proposal must not decide a later one.
    pub serial: u64,
    pub leader_epoch: LeaderEpoch,
    /// The state that the change starts from.
    pub partition_epoch: PartitionEpoch,
    /// The whole new set, each with the incarnation that the leader knows of it (KIP-903); `BrokerEpoch(-1)`: none known.
    pub isr: Vec<(NodeId, BrokerEpoch)>,
}

/// What the controller made of the partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub isr: Vec<NodeId>,
}

/// A change that was proposed and not yet decided.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Pending {
    /// These shall join. They already count for the watermark: that is stricter, and so safe whatever the answer is.
    Expand(Vec<NodeId>),
    /// These shall leave. They still count: the controller may refuse.
    Shrink(Vec<NodeId>),
}

/// When the leader may speak to the controller about the in-sync set again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// A proposal may be made.
    Free,
    /// Not before this moment: a refused proposal would be refused again.
    After(Mono),
}

/// The in-sync set as granted, and the one change of it that may be under way (Kafka's `PartitionState`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct InSync {
    granted: Vec<NodeId>,
    pending: Option<Pending>,
    /// What is proposed while that is pending, with the incarnations of when it was first: who has started anew since may lack what made
    /// him join.
    named: Vec<(NodeId, BrokerEpoch)>,
    turn: Turn,
    /// The last change was to let some join, and was refused. It would be for as long as somebody is in the set who may not be, even if he was
    /// before: whoever has to leave goes first then (seed 930003286).
    unwelcome: bool,
    /// Of the last proposal that was handed out.
    serial: u64,
}

/// What the controller's refusal means for a proposal (Kafka's `handleAlterPartitionError`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refused {
    /// It was not applied and never will be: back to the granted set.
    Void,
    /// The leader's knowledge is old; it stays pending until the metadata says more.
    AwaitMetadata,
    /// It may or may not have been applied: the same again.
    Retry,
}

impl InSync {
    pub fn new(granted: &[NodeId]) -> Self {
        let granted = granted.to_vec();
        Self { granted, pending: None, named: Vec::new(), turn: Turn::Free, unwelcome: false, serial: 0 }
    }

    /// The set that the controller granted.
    pub fn granted(&self) -> &[NodeId] {
        &self.granted
    }

    /// Whether the node is of the maximal set (KIP-497): granted, or about to be.
    pub fn counts(&self, node: NodeId) -> bool {
        let leaves = || matches!(&self.pending, Some(Pending::Shrink(leaving)) if leaving.contains(&node));
        if mutant::is(Mutant::LeavingNotWaitedFor) && leaves() {
            return false;
        }
        if self.granted.contains(&node) {
            return true;
        }
        match &self.pending {
            Some(Pending::Expand(joining)) => joining.contains(&node),
            Some(Pending::Shrink(_)) | None => false,
        }
    }

    /// Size of the maximal set.
    pub fn maximal_len(&self) -> usize {
        match &self.pending {
            Some(Pending::Expand(joining)) => self.granted.len() + joining.len(),
            Some(Pending::Shrink(_)) | None => self.granted.len(),
        }
    }

    /// The maximal set.
    pub fn maximal(&self) -> Vec<NodeId> {
        match &self.pending {
            Some(Pending::Expand(joining)) => self.granted.iter().chain(joining).copied().collect(),
            Some(Pending::Shrink(_)) | None => self.granted.clone(),
        }
    }

    /// Whether the set, in whatever order, is what was proposed.
    pub fn is_proposed(&self, set: &[NodeId]) -> bool {
        self.pending.as_ref().is_some_and(|pending| {
            let proposed = self.proposed(pending);
            proposed.len() == set.len() && proposed.iter().all(|node| set.contains(node))
        })
    }

    fn proposed(&self, pending: &Pending) -> Vec<NodeId> {
        match pending {
            Pending::Expand(joining) => self.granted.iter().chain(joining).copied().collect(),
            Pending::Shrink(leaving) => self.granted.iter().copied().filter(|node| !leaving.contains(node)).collect(),
        }
    }

    /// Whether a change is under way.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// When a proposal may be made, or made again.
    pub fn next_turn(&self) -> Option<Mono> {
        match self.turn {
            Turn::Free => None,
            Turn::After(at) => Some(at),
        }
    }

    /// Whether a proposal may be made, or made again, now.
    pub fn may_speak(&self, now: Mono) -> bool {
        match self.turn {
            Turn::Free => true,
            Turn::After(at) => at <= now,
        }
    }

    /// The set to propose: that of a pending change again once its retry is due, else one with `joining` or, if there are none or they were
    /// just refused, without `leaving`. `epoch_of`: whom the leader knows now. `None`: nothing to propose now.
    pub fn propose(
        &mut self,
        now: Mono,
        joining: Vec<NodeId>,
        leaving: Vec<NodeId>,
        retry: Span,
        epoch_of: impl Fn(NodeId) -> BrokerEpoch,
    ) -> Option<Vec<(NodeId, BrokerEpoch)>> {
        if !self.may_speak(now) {
            return None;
        }
        let first = self.pending.is_none();
        if first {
            self.pending = if !joining.is_empty() && (!self.unwelcome || leaving.is_empty()) {
                Some(Pending::Expand(joining))
            } else if !leaving.is_empty() {
                Some(Pending::Shrink(leaving))
            } else {
                None
            };
        }
        let set = self.proposed(self.pending.as_ref()?);
        if first {
            self.named = set.into_iter().map(|node| (node, epoch_of(node))).collect();
        }
        self.turn = Turn::After(now + retry);
        self.serial += 1;
        Some(self.named.clone())
    }

    /// The controller, or the metadata, says what the set is: whatever was pending is decided.
    pub fn grant(&mut self, granted: &[NodeId]) {
        *self = Self { serial: self.serial, ..Self::new(granted) };
    }

    /// The number of the last proposal.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The controller refused the pending change, or could not be asked.
    pub fn refuse(&mut self, now: Mono, code: ErrorCode, retry: Span) {
        match Refused::of(code) {
            Refused::Void => {
                self.unwelcome = matches!(self.pending, Some(Pending::Expand(_)));
                self.pending = None;
                self.turn = if mutant::is(Mutant::RefusedAtOnceAgain) { Turn::Free } else { Turn::After(now + retry) };
            }
            Refused::Retry if mutant::is(Mutant::UnknownAnswerIsNo) => self.pending = None,
            // Asking again is harmless, and a way out should the metadata that explains the refusal never come.
            Refused::AwaitMetadata => self.turn = Turn::After(now + Span(retry.0.saturating_mul(10))),
            Refused::Retry => self.turn = Turn::After(now + retry),
        }
    }

    pub fn check(&self, replicas: &[NodeId]) {
        assert!(
            self.granted.iter().all(|node| replicas.contains(node)),
            "isr: {:?} outside {replicas:?}",
            self.granted
        );
        match &self.pending {
            Some(Pending::Expand(joining)) => {
                assert!(joining.iter().all(|node| !self.granted.contains(node)), "isr: {joining:?} join again");
            }
            Some(Pending::Shrink(leaving)) => {
                assert!(leaving.iter().all(|node| self.granted.contains(node)), "isr: {leaving:?} leave from outside");
                assert!(leaving.len() < self.granted.len(), "isr: nobody would be left");
            }
            None => {}
        }
    }
}

impl Refused {
    fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::OperationNotAttempted | ErrorCode::IneligibleReplica => Self::Void,
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
            | ErrorCode::NewLeaderElected => Self::AwaitMetadata,
            _ => Self::Retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const RETRY: Span = Span(50);

    fn nodes(ids: &[i32]) -> Vec<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn named(ids: &[i32]) -> Option<Vec<(NodeId, BrokerEpoch)>> {
        Some(ids.iter().map(|id| (NodeId(*id), BrokerEpoch(10))).collect())
    }

    fn propose(set: &mut InSync, now: u64, joining: &[i32], leaving: &[i32]) -> Option<Vec<(NodeId, BrokerEpoch)>> {
        set.propose(Mono(now), nodes(joining), nodes(leaving), RETRY, |_| BrokerEpoch(10))
    }

    fn expanding() -> InSync {
        let mut set = InSync::new(&nodes(&[1]));
        assert_eq!(propose(&mut set, 0, &[2], &[]), named(&[1, 2]));
        set
    }

    #[test]
    fn who_starts_anew_is_not_who_was_proposed() {
        // Kafka keeps the request of `PendingExpandIsr` and sends it as it was.
        let mut set = expanding();
        assert_eq!(set.propose(Mono(50), vec![], vec![], RETRY, |_| BrokerEpoch(11)), named(&[1, 2]));
        set.refuse(Mono(60), ErrorCode::IneligibleReplica, RETRY);
        let anew = set.propose(Mono(110), nodes(&[2]), vec![], RETRY, |_| BrokerEpoch(11));
        assert_eq!(anew.unwrap()[1], (NodeId(2), BrokerEpoch(11)));
    }

    #[test]
    fn who_joins_counts_at_once_and_who_leaves_counts_until_granted() {
        // KIP-497, "maximal ISR".
        let set = expanding();
        assert!(set.counts(NodeId(2)) && set.granted() == nodes(&[1]) && set.maximal_len() == 2);
        let mut set = InSync::new(&nodes(&[1, 2]));
        assert_eq!(propose(&mut set, 0, &[], &[2]), named(&[1]));
        assert!(set.counts(NodeId(2)) && set.maximal_len() == 2);
        set.grant(&nodes(&[1]));
        assert!(!set.counts(NodeId(2)));
        set.check(&nodes(&[1, 2]));
    }

    #[test]
    fn one_change_is_under_way_and_the_same_is_said_again() {
        let mut set = expanding();
        assert_eq!(propose(&mut set, 1, &[3], &[]), None, "before its retry");
        assert_eq!(propose(&mut set, 50, &[3], &[]), named(&[1, 2]), "the same, not another");
        assert_eq!(propose(&mut set, 51, &[3], &[]), None);
    }

    #[test]
    fn a_refusal_is_what_kafka_takes_it_for() {
        // Kafka `Partition.handleAlterPartitionError`.
        for void in [ErrorCode::OperationNotAttempted, ErrorCode::IneligibleReplica] {
            let mut set = expanding();
            set.refuse(Mono(10), void, RETRY);
            assert!(!set.counts(NodeId(2)), "{void:?}: back to the granted set");
            assert_eq!(propose(&mut set, 11, &[2], &[]), None, "{void:?}: not at once again");
            assert!(propose(&mut set, 60, &[2], &[]).is_some());
        }
        let mut set = InSync::new(&nodes(&[1, 3]));
        assert_eq!(propose(&mut set, 0, &[2], &[3]), named(&[1, 3, 2]), "nobody is missed");
        set.refuse(Mono(10), ErrorCode::IneligibleReplica, RETRY);
        assert_eq!(propose(&mut set, 60, &[2], &[3]), named(&[1]), "he may be why");
        for wait in [ErrorCode::FencedLeaderEpoch, ErrorCode::InvalidUpdateVersion, ErrorCode::NewLeaderElected] {
            let mut set = expanding();
            set.refuse(Mono(10), wait, RETRY);
            assert!(set.counts(NodeId(2)), "{wait:?}: may have been applied");
            assert_eq!(propose(&mut set, 100, &[], &[]), None, "{wait:?}: the metadata decides");
        }
        let mut set = expanding();
        set.refuse(Mono(10), ErrorCode::NotController, RETRY);
        assert_eq!(propose(&mut set, 60, &[], &[]), named(&[1, 2]));
    }
}
