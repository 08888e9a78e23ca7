//! The roles of a node in the quorum.
//!
//! | from | to | when |
//! |---|---|---|
//! | any | Unattached | somebody's epoch is higher, its leader not known |
//! | any | Follower | the leader of a higher epoch, or the still unknown one of this epoch, became known |
//! | Unattached | Voted (still `Unattached`, with a vote) | a candidate of the epoch gets this node's vote |
//! | Unattached, Voted | Prospective | the election time-out passed |
//! | Follower | Prospective | the fetch time-out passed |
//! | Prospective | Candidate | a majority would grant its vote: the epoch is counted up, the vote is the node's own |
//! | Prospective | Voted, Follower | too many refuse, or the time-out passed: back to where it was |
//! | Candidate | Leader | a majority granted, and the own vote is on stable storage |
//! | Candidate | Prospective | lost or timed out, and its back-off is over |
//! | Leader | Resigned | a majority did not fetch in time, or the node is to stop |
//! | Resigned | Unattached, one epoch up | nobody was elected in time |
//!
//! An observer, which is no voter, is only ever Unattached or Follower. A node that starts again as what led or stood
//! for its last epoch is Voted in it: it never leads the same epoch twice.

use super::candidate::Candidate;
use super::follower::Follower;
use super::leader::Leader;
use super::prospective::Prospective;
use super::resigned::Resigned;
use super::unattached::Unattached;
use crate::time::{Mono, Span};

/// A node's role, with what belongs to it.
#[derive(Clone, Debug)]
pub enum Role {
    Unattached(Unattached),
    Prospective(Prospective),
    Candidate(Candidate),
    Leader(Leader),
    Follower(Follower),
    Resigned(Resigned),
}

impl Role {
    /// As Kafka's metric `current-state` says it.
    pub const fn name(&self, voted: bool) -> &'static str {
        match self {
            Self::Unattached(_) if voted => "unattached-voted",
            Self::Unattached(_) => "unattached",
            Self::Prospective(_) if voted => "prospective-voted",
            Self::Prospective(_) => "prospective",
            Self::Candidate(_) => "candidate",
            Self::Leader(_) => "leader",
            Self::Follower(_) => "follower",
            Self::Resigned(_) => "resigned",
        }
    }

    /// When the role's own time-out passes; `None`: never.
    pub fn deadline(&self, fetch_timeout: Span) -> Option<Mono> {
        match self {
            Self::Unattached(role) => Some(role.election_at),
            Self::Prospective(role) => Some(role.until),
            Self::Candidate(role) => Some(role.lost_until.unwrap_or(role.until)),
            Self::Leader(role) => role.resign_at(fetch_timeout),
            Self::Follower(role) => Some(role.fetch_until),
            Self::Resigned(role) => Some(role.until),
        }
    }
}
