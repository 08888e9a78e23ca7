//! Asking whether an election could be won, before an epoch is spent on it (KIP-996).

use super::tally::Tally;
use crate::time::Mono;

/// Its epoch is still the old one; a leader that is merely unreachable from here keeps it.
#[derive(Clone, Debug)]
pub struct Prospective {
    pub tally: Tally,
    /// When it is given up.
    pub until: Mono,
}
