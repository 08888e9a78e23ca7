//! The producer ids that this broker may give out: blocks from the active controller (KIP-730), each id once.

use crate::id::ProducerId;
use crate::mutant::{self, Mutant};
use core::ops::Range;

/// The next block is asked for when so few ids are left.
const FEW: i64 = 100;

/// Blocks that were granted and not used up. Lost when the process ends: ids are plenty, and never given out twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerIds {
    block: Range<i64>,
    next: Range<i64>,
}

impl ProducerIds {
    /// An id that nobody has; `None`: the next block has not come yet.
    pub fn take(&mut self) -> Option<ProducerId> {
        if self.block.is_empty() {
            self.block = core::mem::take(&mut self.next);
        }
        if mutant::is(Mutant::ProducerIdOfBrokerTwice) && self.block.start % 2 == 0 {
            self.block.start += 1;
            return Some(ProducerId(self.block.start));
        }
        self.block.next().map(ProducerId)
    }

    /// Whether a block should be asked for.
    pub fn wants_block(&self) -> bool {
        self.next.is_empty() && self.block.end - self.block.start < FEW
    }

    /// The controller granted a block.
    pub fn on_block(&mut self, start: i64, len: i32) {
        let granted = start..start.saturating_add(i64::from(len) + i64::from(mutant::is(Mutant::GrantedOneLonger)));
        if self.block.is_empty() {
            self.block = granted;
        } else if self.next.is_empty() {
            self.next = granted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_given_once_and_the_next_block_is_asked_for_early() {
        let mut ids = ProducerIds::default();
        assert!(ids.wants_block() && ids.take().is_none());
        ids.on_block(1000, 150);
        assert!(!ids.wants_block());
        assert_eq!(ids.take(), Some(ProducerId(1000)));
        (0..60).for_each(|_| assert!(ids.take().is_some()));
        assert!(ids.wants_block());
        ids.on_block(5000, 10);
        assert!(!ids.wants_block());
        let rest: alloc::vec::Vec<_> = core::iter::from_fn(|| ids.take()).collect();
        assert_eq!((rest.len(), rest[88], rest[89]), (99, ProducerId(1149), ProducerId(5000)));
        assert!(ids.wants_block());
    }
}
