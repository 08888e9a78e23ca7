//! Waiting for somebody to win the epoch.

use crate::time::Mono;

/// In an epoch whose leader this node does not know. With a vote in it KRaft calls the role *voted*.
#[derive(Clone, Debug)]
pub struct Unattached {
    /// When a voter looks whether it could be elected.
    pub election_at: Mono,
}
