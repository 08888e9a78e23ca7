//! What of the configuration concerns replicas.

use crate::time::Span;

/// What of the configuration concerns replicas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `min.insync.replicas`; no more than the number of replicas counts.
    pub min_insync: usize,
    /// `replica.lag.time.max.ms`: a follower that has not caught up for so long leaves the in-sync set.
    pub lag_max: Span,
    /// How long until an unanswered or refused proposal to the controller is made again.
    pub retry: Span,
    /// `unclean.leader.election.enable`: where no replica is left that has all, one leads that has not.
    pub unclean: bool,
}
