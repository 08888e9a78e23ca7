//! Leading an epoch.

use super::tally::majority;
use crate::id::{NodeId, Offset};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now, Span, Wall};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// An observer that did not fetch for so long is forgotten (Kafka's `OBSERVER_SESSION_TIMEOUT_MS`).
const OBSERVER_SESSION: Span = Span::from_millis(300_000);

/// Observers that are remembered: more than a cluster has nodes.
const OBSERVERS_MAX: usize = 10_000;

/// What the leader knows of another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Its log equals the leader's and is on its stable storage up to here; `None`: it has not fetched in this epoch.
    pub synced: Option<Offset>,
    /// When it last fetched, or when the epoch began.
    pub fetched_at: Mono,
    /// When it last fetched, and when it last had all that the leader had, in wall time; -1: never.
    pub fetched_wall: Wall,
    pub caught_up_wall: Wall,
    /// The leader's end at its last fetch, and when that was: reaching it later means that it was caught up then.
    seen_end: Offset,
}

/// **Invariant**: `watermark` counts a majority's stable storage, and only from an offset of this leader's own epoch on.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Where the epoch began: the offset of its first record.
    pub epoch_start: Offset,
    /// The other voters.
    pub voters: BTreeMap<NodeId, Progress>,
    pub observers: BTreeMap<NodeId, Progress>,
    /// Voters that know of the epoch.
    pub told: BTreeMap<NodeId, Mono>,
    /// A record of this epoch is committed.
    pub established: bool,
}

impl Progress {
    const fn new(now: Mono) -> Self {
        Self { synced: None, fetched_at: now, fetched_wall: Wall(-1), caught_up_wall: Wall(-1), seen_end: Offset(-1) }
    }

    fn fetched(&mut self, now: Now, synced: Offset, end: Offset) {
        if synced >= end {
            self.caught_up_wall = now.wall;
        } else if self.seen_end.0 >= 0 && synced >= self.seen_end {
            self.caught_up_wall = self.fetched_wall;
        }
        self.synced = Some(synced);
        self.seen_end = end;
        self.fetched_at = now.mono;
        self.fetched_wall = now.wall;
    }
}

impl Leader {
    pub fn new(now: Mono, epoch_start: Offset, others: impl Iterator<Item = NodeId>) -> Self {
        Self {
            epoch_start,
            voters: others.map(|voter| (voter, Progress::new(now))).collect(),
            observers: BTreeMap::new(),
            told: BTreeMap::new(),
            established: false,
        }
    }

    /// A node fetched: its log is the leader's up to `synced`, on stable storage. `end` is the leader's end.
    pub fn on_fetched(&mut self, now: Now, node: NodeId, synced: Offset, end: Offset) {
        assert!(synced <= end, "{node} cannot have synced {synced} of {end}");
        if let Some(voter) = self.voters.get_mut(&node) {
            voter.fetched(now, synced, end);
            return;
        }
        self.observers.retain(|_, seen| now.mono.since(seen.fetched_at) < OBSERVER_SESSION);
        if self.observers.len() < OBSERVERS_MAX || self.observers.contains_key(&node) {
            self.observers.entry(node).or_insert_with(|| Progress::new(now.mono)).fetched(now, synced, end);
        }
    }

    /// A voter showed a sign of life (FetchSnapshot) that says nothing about its log.
    pub fn on_alive(&mut self, now: Mono, node: NodeId) {
        if let Some(voter) = self.voters.get_mut(&node) {
            voter.fetched_at = now;
        }
    }

    /// What a majority has on stable storage, `own` being this node's part of it; `None` before a record of its own
    /// epoch is among it (Raft paper, 5.4.2: an older epoch's record is never committed by counting).
    pub fn committed(&self, own: Offset) -> Option<Offset> {
        let ends = || self.voters.values().map(|voter| voter.synced.unwrap_or(Offset(-1))).chain([own]);
        let needed = if mutant::is(Mutant::QuorumOfOne) { 1 } else { majority(self.voters.len() + 1) };
        // Voters are few, and this is asked after every input: counting beats sorting a copy.
        let holders = |end: Offset| ends().filter(|held| *held >= end).count();
        let committed = ends().filter(|end| holders(*end) >= needed).max()?;
        (committed > self.epoch_start
            || mutant::is(Mutant::CommitAtEpochStart) && committed == self.epoch_start
            || mutant::is(Mutant::CommitOldEpoch))
        .then_some(committed)
    }

    /// Since when not all of a majority have fetched; `None`: it needs nobody.
    pub fn heard_at(&self) -> Option<Mono> {
        let others_needed = majority(self.voters.len() + 1) - 1;
        let newer = |at: Mono| self.voters.values().filter(|voter| voter.fetched_at > at).count();
        let heard = self.voters.values().map(|voter| voter.fetched_at);
        heard.filter(|at| newer(*at) < others_needed && !mutant::is(Mutant::NoCheckQuorum)).min()
    }

    /// When too few voters have fetched for the leader to go on (KRaft's check quorum); `None`: it needs nobody.
    pub fn resign_at(&self, fetch_timeout: Span) -> Option<Mono> {
        if mutant::is(Mutant::ResignsEarly) {
            return Some(self.heard_at()? + Span(fetch_timeout.0 / 2));
        }
        Some(self.heard_at()? + Span(fetch_timeout.0.saturating_add(fetch_timeout.0 / 2)))
    }

    /// The other voters, the one with the longest log first: who is to be elected next.
    pub fn successors(&self) -> Vec<NodeId> {
        let mut by_end: Vec<(Offset, NodeId)> =
            self.voters.iter().map(|(id, voter)| (voter.synced.unwrap_or(Offset(-1)), *id)).collect();
        by_end.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        by_end.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn at(ms: u64) -> Now {
        Now { mono: Mono(ms * 1000), wall: Wall(ms as i64) }
    }

    fn leader(start: i64, others: i32) -> Leader {
        Leader::new(Mono(0), Offset(start), (2..2 + others).map(NodeId))
    }

    #[test]
    fn the_majoritys_stable_storage_counts() {
        let mut five = leader(10, 4);
        assert_eq!(five.committed(Offset(20)), None);
        five.on_fetched(at(1), NodeId(2), Offset(15), Offset(20));
        assert_eq!(five.committed(Offset(20)), None);
        five.on_fetched(at(1), NodeId(3), Offset(12), Offset(20));
        assert_eq!(five.committed(Offset(20)), Some(Offset(12)));
        five.on_fetched(at(1), NodeId(9), Offset(20), Offset(20));
        assert_eq!(five.committed(Offset(20)), Some(Offset(12)), "an observer is not counted");
        five.on_fetched(at(2), NodeId(4), Offset(20), Offset(20));
        assert_eq!(five.committed(Offset(13)), Some(Offset(13)), "nor is what this node itself has not synced");
    }

    /// Figure 8 of the Raft paper.
    #[test]
    fn an_older_epoch_is_not_committed_by_counting() {
        let mut three = leader(10, 2);
        three.on_fetched(at(1), NodeId(2), Offset(10), Offset(11));
        three.on_fetched(at(1), NodeId(3), Offset(10), Offset(11));
        assert_eq!(three.committed(Offset(11)), None);
        three.on_fetched(at(2), NodeId(3), Offset(11), Offset(11));
        assert_eq!(three.committed(Offset(11)), Some(Offset(11)));
    }

    #[test]
    fn it_resigns_when_no_majority_fetches() {
        let timeout = Span::from_millis(2000);
        assert_eq!(leader(0, 0).resign_at(timeout), None, "alone it needs nobody");
        let mut three = leader(0, 2);
        assert_eq!(three.resign_at(timeout), Some(at(3000).mono));
        three.on_fetched(at(1000), NodeId(2), Offset(0), Offset(0));
        assert_eq!(three.resign_at(timeout), Some(at(4000).mono), "one of two others is enough");
        let mut five = leader(0, 4);
        five.on_fetched(at(1000), NodeId(2), Offset(0), Offset(0));
        assert_eq!(five.resign_at(timeout), Some(at(3000).mono), "one of four is not");
        five.on_alive(at(500).mono, NodeId(3));
        assert_eq!(five.resign_at(timeout), Some(at(3500).mono));
    }

    #[test]
    fn the_longest_log_is_preferred() {
        let mut four = leader(0, 3);
        four.on_fetched(at(1), NodeId(4), Offset(7), Offset(9));
        four.on_fetched(at(1), NodeId(3), Offset(7), Offset(9));
        assert_eq!(four.successors(), vec![NodeId(3), NodeId(4), NodeId(2)]);
    }

    #[test]
    fn observers_are_forgotten_in_time() {
        let mut one = leader(0, 0);
        one.on_fetched(at(0), NodeId(7), Offset(0), Offset(5));
        one.on_fetched(at(299_000), NodeId(8), Offset(5), Offset(5));
        assert_eq!(one.observers.len(), 2);
        assert_eq!(one.observers[&NodeId(8)].caught_up_wall, Wall(299_000));
        one.on_fetched(at(301_000), NodeId(8), Offset(5), Offset(6));
        assert_eq!(one.observers.keys().copied().collect::<Vec<_>>(), [NodeId(8)]);
        one.on_fetched(at(302_000), NodeId(8), Offset(6), Offset(8));
        assert_eq!(
            one.observers[&NodeId(8)].caught_up_wall,
            Wall(301_000),
            "it had then what was there at the fetch before"
        );
    }
}
