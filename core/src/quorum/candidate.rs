//! Standing for election.

use super::tally::Tally;
use crate::time::Mono;

/// It voted for itself in the epoch, and asks the others.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub tally: Tally,
    /// When it is given up.
    pub until: Mono,
    /// Lost: when it asks again whether it could win.
    pub lost_until: Option<Mono>,
}
