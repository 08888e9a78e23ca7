//! What every reply and request says beside its own matter: who leads which epoch.

use super::machine::Quorum;
use super::role::Role;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId};
use crate::io::Out;
use crate::time::Now;

/// What is left to do with a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// It is of this epoch: its own matter counts.
    GoOn,
    /// It was late, or it changed the role: what was asked is void.
    Moved,
}

impl Quorum {
    /// A reply names `leader` as that of `epoch` (Kafka's `maybeHandleCommonResponse`).
    pub(super) fn hear(
        &mut self,
        now: Now,
        error: i16,
        leader: Option<NodeId>,
        epoch: LeaderEpoch,
        out: &mut Out,
    ) -> Heard {
        if epoch < self.epoch() || error == ErrorCode::UnknownLeaderEpoch.code() {
            return Heard::Moved;
        }
        if self.learn(now, leader, epoch, out) { Heard::Moved } else { Heard::GoOn }
    }

    /// Takes on a higher epoch, or the leader of this one where it was not known. Whether that changed anything.
    /// A leader that cannot be (no voter, this node itself, a second one) is not believed.
    pub(super) fn learn(&mut self, now: Now, leader: Option<NodeId>, epoch: LeaderEpoch, out: &mut Out) -> bool {
        let leader = leader.filter(|id| *id != self.config.node && self.is_voter(*id));
        if epoch > self.epoch() {
            match leader {
                Some(leader) => self.become_follower(now, epoch, leader, out),
                None => self.become_unattached(now, epoch, out),
            }
            return true;
        }
        let Some(leader) = leader.filter(|_| epoch == self.epoch()) else { return false };
        let known = self.ballot.decided().leader;
        let open = match &self.role {
            Role::Unattached(_) => known.is_none_or(|known| known == leader),
            Role::Prospective(_) | Role::Candidate(_) => known.is_none(),
            Role::Leader(_) | Role::Follower(_) | Role::Resigned(_) => false,
        };
        if open {
            self.become_follower(now, epoch, leader, out);
        }
        open
    }
}
