//! Votes, counted.

use crate::id::NodeId;
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;

/// Each voter's word: none yet, granted or refused.
#[derive(Clone, Debug)]
pub struct Tally {
    words: BTreeMap<NodeId, Option<bool>>,
}

/// More than half of `count`.
pub const fn majority(count: usize) -> usize {
    count / 2 + 1
}

impl Tally {
    /// `own` grants its own.
    pub fn new(voters: impl Iterator<Item = NodeId>, own: NodeId) -> Self {
        let words: BTreeMap<_, _> = voters.map(|voter| (voter, (voter == own).then_some(true))).collect();
        assert!(words.contains_key(&own), "{own} is no voter");
        Self { words }
    }

    /// The first word of a voter counts.
    pub fn record(&mut self, voter: NodeId, granted: bool) {
        if let Some(word @ None) = self.words.get_mut(&voter) {
            *word = Some(granted);
        }
    }

    pub fn is_won(&self) -> bool {
        self.count(true) >= majority(self.words.len()) - usize::from(mutant::is(Mutant::HalfIsMajority))
    }

    /// Whether too many refused for it to be won any more.
    pub fn is_lost(&self) -> bool {
        self.words.len() - self.count(false) < majority(self.words.len())
    }

    pub fn silent(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.words.iter().filter(|(_, word)| word.is_none()).map(|(voter, _)| *voter)
    }

    pub fn granting(&self) -> BTreeSet<NodeId> {
        self.words.iter().filter(|(_, word)| **word == Some(true)).map(|(voter, _)| *voter).collect()
    }

    fn count(&self, granted: bool) -> usize {
        self.words.values().filter(|word| **word == Some(granted)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn of(count: i32) -> Tally {
        Tally::new((1..=count).map(NodeId), NodeId(1))
    }

    #[test]
    fn more_than_half_wins() {
        assert!(of(1).is_won());
        let mut three = of(3);
        assert!(!three.is_won());
        three.record(NodeId(1), true);
        three.record(NodeId(9), true);
        assert!(!three.is_won(), "its own vote counts once, a stranger's not at all");
        three.record(NodeId(2), true);
        assert!(three.is_won() && !three.is_lost());
        let mut four = of(4);
        four.record(NodeId(2), true);
        assert!(!four.is_won(), "half is not more than half");
    }

    #[test]
    fn the_first_word_counts_and_enough_refusals_end_it() {
        let mut five = of(5);
        five.record(NodeId(2), false);
        five.record(NodeId(2), true);
        five.record(NodeId(3), false);
        assert!(!five.is_lost());
        assert_eq!(five.silent().collect::<Vec<_>>(), [NodeId(4), NodeId(5)]);
        five.record(NodeId(4), false);
        assert!(five.is_lost() && !five.is_won());
        assert_eq!(five.granting().into_iter().collect::<Vec<_>>(), [NodeId(1)]);
    }
}
