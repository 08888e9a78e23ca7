//! What a voter must never forget.

use crate::id::{LeaderEpoch, NodeId};
use core::fmt;

/// Epoch, vote and leader, as `quorum-state` keeps them. Nothing that follows from a change of it leaves the node before
/// the change is on stable storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Election {
    pub epoch: LeaderEpoch,
    /// Who won the epoch, as far as this node knows.
    pub leader: Option<NodeId>,
    /// Whom this node voted for in the epoch. It never changes within one.
    pub voted: Option<NodeId>,
}

impl Election {
    /// Before anything happened.
    pub const NONE: Self = Self { epoch: LeaderEpoch(0), leader: None, voted: None };

    /// The epoch is known, and nothing else about it.
    pub const fn unknown(epoch: LeaderEpoch) -> Self {
        Self { epoch, leader: None, voted: None }
    }

    /// This node stands for election in the epoch.
    pub const fn standing(epoch: LeaderEpoch, node: NodeId) -> Self {
        Self { epoch, leader: None, voted: Some(node) }
    }

    /// The leader of `epoch` became known. The vote of that very epoch is kept.
    pub fn led_by(self, epoch: LeaderEpoch, leader: NodeId) -> Self {
        let voted = if epoch == self.epoch { self.voted } else { None };
        Self { epoch, leader: Some(leader), voted }
    }

    /// Whether `later` may follow on `self`: epochs grow, and within one neither a vote nor a leader is ever exchanged.
    pub fn allows(self, later: Self) -> bool {
        let kept = |old: Option<NodeId>, new: Option<NodeId>| old.is_none() || old == new;
        later.epoch > self.epoch
            || later.epoch == self.epoch && kept(self.voted, later.voted) && kept(self.leader, later.leader)
    }
}

impl fmt::Display for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |node: Option<NodeId>| node.unwrap_or(NodeId::NONE);
        write!(f, "{} leader {} voted {}", self.epoch, id(self.leader), id(self.voted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_never_exchanged_within_an_epoch() {
        let voted = Election::standing(LeaderEpoch(3), NodeId(1));
        assert!(Election::unknown(LeaderEpoch(3)).allows(voted));
        assert!(!voted.allows(Election::standing(LeaderEpoch(3), NodeId(2))));
        assert!(!voted.allows(Election::unknown(LeaderEpoch(3))), "a vote is not forgotten either");
        assert!(voted.allows(Election::standing(LeaderEpoch(4), NodeId(2))));
        assert!(!voted.allows(Election::unknown(LeaderEpoch(2))));
        let led = voted.led_by(LeaderEpoch(3), NodeId(2));
        assert_eq!(led.voted, Some(NodeId(1)));
        assert!(voted.allows(led));
        assert!(!led.allows(voted.led_by(LeaderEpoch(3), NodeId(1))));
        assert_eq!(voted.led_by(LeaderEpoch(4), NodeId(2)).voted, None);
    }
}
