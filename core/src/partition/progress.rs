//! How far a follower has come, as its leader knows it.

use crate::id::{BrokerEpoch, Offset};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Span};

/// How far a follower has come, as its leader knows it (Kafka's `Replica` and `ReplicaState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The offset it fetches next: its log's end. `Offset::NONE`: it has not fetched in this epoch.
    pub end: Offset,
    /// Up to where it is on its stable storage; at most `end`, and never back within an epoch and an incarnation.
    pub synced: Offset,
    /// Where its log starts, also after a crash of it; `Offset::NONE`: it did not say.
    pub start: Offset,
    /// The incarnation that fetched last; -1: it did not say.
    pub broker_epoch: BrokerEpoch,
    /// Whether the metadata would let it into the in-sync set.
    pub eligible: bool,
    /// The latest moment of which is known that it held then all that the leader had. `None`: there is none in this epoch.
    pub caught_up: Option<Mono>,
    /// The leader's end at some fetch, and when that was: once `synced` reaches it, the follower was caught up then.
    mark: (Offset, Mono),
}

impl Progress {
    /// A new epoch begins: nothing is known of the follower but whether it was in sync.
    pub fn new(now: Mono, in_sync: bool) -> Self {
        Self {
            end: Offset::NONE,
            synced: Offset::NONE,
            start: Offset::NONE,
            broker_epoch: BrokerEpoch(-1),
            eligible: false,
            caught_up: in_sync.then_some(now),
            mark: (Offset(i64::MAX), now),
        }
    }

    /// It is about to fetch in the incarnation `epoch`: what an earlier one held its disk may have lost.
    pub fn on_incarnation(&mut self, epoch: BrokerEpoch) {
        if self.synced != Offset::NONE && mutant::is(Mutant::IncarnationKeepsSynced) {
            self.broker_epoch = epoch;
        }
        if self.broker_epoch != epoch {
            (self.broker_epoch, self.end, self.synced) = (epoch, Offset::NONE, Offset::NONE);
        }
    }

    /// It fetched: it holds `synced` durably and asks for what comes at `end`; the leader's log ends at `leader_end`.
    ///
    /// Kafka compares with the leader's end at the fetch before. A follower that fetches ahead of its syncs would never
    /// reach that under load, so the mark stays until it is reached.
    pub fn on_fetch(&mut self, now: Mono, end: Offset, synced: Offset, leader_end: Offset) {
        // A Fetch that was long under way says what was before.
        self.end = self.end.max(end);
        self.synced =
            if mutant::is(Mutant::LateFetchLowers) { synced.min(end) } else { self.synced.max(synced.min(end)) };
        if self.synced >= leader_end {
            self.caught_up = Some(now);
            self.mark = (leader_end, now);
        } else if self.synced >= self.mark.0 {
            self.caught_up = self.caught_up.max(Some(self.mark.1));
            if !mutant::is(Mutant::MarkNotMoved) {
                self.mark = (leader_end, now);
            }
        } else if self.mark.0 == Offset(i64::MAX) {
            self.mark = (leader_end, now);
        }
    }

    /// The leader is about to append behind `leader_end`: who holds everything until now was caught up until now.
    pub fn on_leader_append(&mut self, now: Mono, leader_end: Offset) {
        if self.synced >= leader_end && self.caught_up.is_some() && !mutant::is(Mutant::AppendNotCounted) {
            self.caught_up = Some(now);
        }
    }

    /// Kafka's `ReplicaState.isCaughtUp`: it holds all, or held all not longer than `lag_max` ago.
    pub fn is_caught_up(&self, now: Mono, leader_end: Offset, lag_max: Span) -> bool {
        self.synced >= leader_end
            || !mutant::is(Mutant::CaughtUpOnlyNow)
                && self.caught_up.is_some_and(|at| now <= at + lag_max || mutant::is(Mutant::LaggardStays))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Span = Span(100);

    #[test]
    fn a_follower_that_only_fetches_is_not_caught_up_until_it_has_synced() {
        let mut one = Progress::new(Mono(0), false);
        one.on_fetch(Mono(10), Offset(5), Offset(3), Offset(5));
        assert!(!one.is_caught_up(Mono(10), Offset(5), LAG));
        one.on_fetch(Mono(11), Offset(5), Offset(5), Offset(5));
        assert!(one.is_caught_up(Mono(11), Offset(5), LAG));
    }

    #[test]
    fn a_follower_always_a_step_behind_a_growing_log_stays_caught_up() {
        // Kafka `Replica.updateFetchState`: reaching the leader's end of the fetch before counts as of that fetch.
        let mut one = Progress::new(Mono(0), true);
        for step in 1..100u64 {
            let synced = Offset(10 * (step as i64 - 1));
            one.on_fetch(Mono(50 * step), synced, synced, Offset(10 * step as i64));
        }
        assert!(one.is_caught_up(Mono(50 * 99), Offset(1000), LAG));
    }

    #[test]
    fn a_follower_that_fetches_ahead_of_its_syncs_stays_caught_up() {
        // Three fetches are on their way between a fetch and the sync of what it brought.
        let mut one = Progress::new(Mono(0), true);
        for step in 4..100i64 {
            one.on_fetch(Mono(20 * step as u64), Offset(10 * (step - 1)), Offset(10 * (step - 4)), Offset(10 * step));
        }
        assert!(one.is_caught_up(Mono(20 * 99), Offset(1000), Span(20 * 8)));
    }

    #[test]
    fn a_follower_that_stands_still_falls_behind() {
        let mut one = Progress::new(Mono(0), true);
        one.on_fetch(Mono(10), Offset(5), Offset(5), Offset(5));
        one.on_leader_append(Mono(1000), Offset(5));
        for at in 1000..1200u64 {
            one.on_fetch(Mono(at), Offset(5), Offset(5), Offset(50));
        }
        assert!(one.is_caught_up(Mono(1100), Offset(50), LAG));
        assert!(!one.is_caught_up(Mono(1200), Offset(50), LAG));
    }

    #[test]
    fn an_idle_partition_does_not_age_its_followers() {
        let mut one = Progress::new(Mono(0), true);
        one.on_fetch(Mono(10), Offset(5), Offset(5), Offset(5));
        assert!(one.is_caught_up(Mono(1_000_000), Offset(5), LAG));
        one.on_leader_append(Mono(1_000_000), Offset(5));
        assert!(one.is_caught_up(Mono(1_000_050), Offset(6), LAG));
        assert!(!one.is_caught_up(Mono(1_000_101), Offset(6), LAG));
    }
}
