//! At which offset each leader's epoch began (KIP-101, KIP-279; Kafka: `LeaderEpochFileCache`).

use crate::id::{LeaderEpoch, Offset};
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;

/// The epochs of one log, oldest first. Epochs rise, and so do their first offsets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Epochs {
    list: Vec<(LeaderEpoch, Offset)>,
    changed: bool,
}

impl Epochs {
    /// The epochs of a checkpoint, which hold as they are on disk.
    pub fn loaded(list: Vec<(LeaderEpoch, Offset)>) -> Self {
        let epochs = Self { list, changed: false };
        epochs.check();
        epochs
    }

    pub fn list(&self) -> &[(LeaderEpoch, Offset)] {
        &self.list
    }

    /// The checkpoint on disk is behind; resets the mark.
    pub fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    pub fn latest(&self) -> LeaderEpoch {
        self.list.last().map_or(LeaderEpoch::NONE, |last| last.0)
    }

    /// Records of `epoch` begin at `start`. An epoch that is known or older than the newest changes nothing;
    /// entries that a newer one overtakes without a record of theirs go.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) {
        if epoch.0 < 0 || epoch <= self.latest() {
            return;
        }
        while self.list.last().is_some_and(|last| last.1 >= start) {
            self.list.pop();
        }
        self.list.push((epoch, start));
        self.changed = true;
        self.check();
    }

    /// A leader begins `epoch` at `start`. No record has a later one: where the log says so, its bytes are damaged (the epoch of a
    /// batch is not under its CRC), and the metadata knows better.
    pub fn lead(&mut self, epoch: LeaderEpoch, start: Offset) {
        let later = self.list.partition_point(|entry| entry.0 <= epoch);
        self.changed |= later < self.list.len();
        self.list.truncate(later);
        self.assign(epoch, start);
    }

    /// As `OffsetForLeaderEpoch` answers in a log that ends at `end`.
    pub fn end_of(&self, epoch: LeaderEpoch, end: Offset) -> (LeaderEpoch, Offset) {
        const UNKNOWN: (LeaderEpoch, Offset) = (LeaderEpoch::NONE, Offset::NONE);
        if epoch.0 < 0 || self.list.is_empty() {
            return UNKNOWN;
        }
        if epoch == self.latest() {
            return (epoch, end);
        }
        let above = self.list.partition_point(|entry| entry.0 <= epoch);
        let Some(higher) = self.list.get(above) else {
            return UNKNOWN;
        };
        let floor = above.checked_sub(1).and_then(|place| self.list.get(place)).map_or(epoch, |entry| entry.0);
        let floor = if mutant::is(Mutant::EpochFloorAsked) { epoch } else { floor };
        if mutant::is(Mutant::EpochEndWrong) {
            return (floor, higher.1.plus(1).min(end));
        }
        (floor, higher.1)
    }

    /// The epoch of the record at `offset`.
    pub fn at(&self, offset: Offset) -> LeaderEpoch {
        let above = self.list.partition_point(|entry| entry.1 <= offset);
        above.checked_sub(1).and_then(|place| self.list.get(place)).map_or(LeaderEpoch::NONE, |entry| entry.0)
    }

    /// The log ends at `end` now.
    pub fn cut_end(&mut self, end: Offset) {
        while self.list.last().is_some_and(|last| last.1 >= end.plus(i64::from(mutant::is(Mutant::EpochAtEndStays))))
            && !mutant::is(Mutant::EpochsNotCut)
        {
            self.list.pop();
            self.changed = true;
        }
        self.check();
    }

    /// The log starts at `start` now: the epoch of the first record begins there.
    pub fn cut_start(&mut self, start: Offset) {
        let above = self.list.partition_point(|entry| entry.1 <= start);
        if let Some(first) = above.checked_sub(1) {
            self.changed |= first > 0 || self.list[first].1 != start;
            self.list.drain(..first);
            if !mutant::is(Mutant::EpochStartNotRaised) {
                self.list[0].1 = start;
            }
        }
        self.check();
    }

    pub fn clear(&mut self) {
        self.changed |= !self.list.is_empty();
        self.list.clear();
    }

    pub fn check(&self) {
        assert!(self.list.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "epochs rise: {:?}", self.list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(list: &[(i32, i64)]) -> Epochs {
        let mut epochs = Epochs::default();
        for (epoch, start) in list {
            epochs.assign(LeaderEpoch(*epoch), Offset(*start));
        }
        epochs
    }

    #[track_caller]
    fn check(epochs: &Epochs, want: &[(i32, i64)]) {
        let list: Vec<(i32, i64)> = epochs.list().iter().map(|entry| (entry.0.0, entry.1.0)).collect();
        assert_eq!(list, want);
    }

    #[test]
    fn known_and_older_epochs_change_nothing_and_empty_ones_go() {
        check(&epochs(&[(1, 0), (1, 5), (0, 7), (3, 9)]), &[(1, 0), (3, 9)]);
        check(&epochs(&[(1, 0), (2, 5), (3, 5)]), &[(1, 0), (3, 5)]);
        check(&epochs(&[(-1, 0)]), &[]);
    }

    #[test]
    fn a_leader_knows_of_no_later_epoch_than_its_own() {
        let mut log = epochs(&[(1, 0), (9, 4), (1_000, 8)]);
        log.lead(LeaderEpoch(5), Offset(10));
        check(&log, &[(1, 0), (5, 10)]);
        log.lead(LeaderEpoch(5), Offset(12));
        check(&log, &[(1, 0), (5, 10)]);
    }

    #[test]
    fn the_end_of_an_epoch_is_where_the_next_one_begins() {
        let log = epochs(&[(2, 0), (4, 10), (7, 30)]);
        let end = |epoch| {
            let (epoch, offset) = log.end_of(LeaderEpoch(epoch), Offset(44));
            (epoch.0, offset.0)
        };
        assert_eq!(end(7), (7, 44));
        assert_eq!(end(4), (4, 30));
        assert_eq!(end(5), (4, 30));
        assert_eq!(end(2), (2, 10));
        // Below all that is known, Kafka names the epoch asked for and the first offset known.
        assert_eq!(end(1), (1, 0));
        assert_eq!(end(8), (-1, -1));
        assert_eq!(end(-1), (-1, -1));
        assert_eq!(Epochs::default().end_of(LeaderEpoch(0), Offset(0)), (LeaderEpoch::NONE, Offset::NONE));
        assert_eq!(log.at(Offset(29)), LeaderEpoch(4));
        assert_eq!(log.at(Offset(30)), LeaderEpoch(7));
    }

    #[test]
    fn both_ends_are_cut() {
        let mut log = epochs(&[(2, 0), (4, 10), (7, 30)]);
        assert!(log.take_changed());
        log.cut_end(Offset(31));
        log.cut_start(Offset(0));
        assert!(!log.take_changed());
        log.cut_end(Offset(30));
        check(&log, &[(2, 0), (4, 10)]);
        assert!(log.take_changed());
        log.cut_start(Offset(15));
        check(&log, &[(4, 15)]);
        assert!(log.take_changed());
        log.cut_end(Offset(0));
        check(&log, &[]);
    }
}
