//! What a decision is.

use crate::metadata::Record;
use alloc::vec::Vec;

/// What was decided: append `records` as one batch, apply them, and give `reply` when they are committed (at once where
/// there are none, and nothing before is waited for).
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Decision<R> {
    pub records: Vec<Record>,
    pub reply: R,
}

impl<R> Decision<R> {
    /// Nothing changes.
    pub const fn only(reply: R) -> Self {
        Self { records: Vec::new(), reply }
    }
}
