//! What a leader knows: its followers, who is in sync, and what follows for the watermark and the in-sync set.

use super::isr::InSync;
use super::progress::Progress;
use super::settings::Settings;
use crate::id::{LeaderEpoch, NodeId, Offset};
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::time::Mono;
use alloc::vec::Vec;

/// The state of a leader.
#[derive(Debug)]
pub(super) struct Leader {
    pub epoch: LeaderEpoch,
    /// The epoch in which this leadership began: a re-election of the same leader raises `epoch` alone.
    pub since: LeaderEpoch,
    /// Where the log ended when `epoch` began: a follower that has not come so far may lack committed records.
    pub epoch_start: Offset,
    /// The other replicas, in the order of their ids.
    pub followers: Vec<(NodeId, Progress)>,
    pub insync: InSync,
}

/// What the leader's log and the clock say at the moment of a decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub now: Mono,
    pub end: Offset,
    pub synced: Offset,
    pub watermark: Offset,
    /// Below it records were deleted for good.
    pub saved_start: Offset,
    /// How many replicas the partition has.
    pub replicas: usize,
    /// This node, if its bytes are damaged: it leaves the in-sync set, and so the lead, to one that has them whole.
    pub leaves: Option<NodeId>,
}

impl Leader {
    pub fn new(now: Mono, me: NodeId, state: &metadata::Partition, end: Offset) -> Self {
        let mut leader = Self {
            epoch: state.leader_epoch,
            since: state.leader_epoch,
            epoch_start: end,
            followers: Vec::new(),
            insync: InSync::new(&state.isr),
        };
        leader.assign(now, me, state);
        leader
    }

    /// The same leader in a later epoch: what followers said in the epoch before counts no more.
    pub fn begin_epoch(&mut self, now: Mono, me: NodeId, state: &metadata::Partition, end: Offset) {
        assert!(state.leader_epoch > self.epoch, "leader: {} does not follow {}", state.leader_epoch, self.epoch);
        self.epoch = state.leader_epoch;
        self.epoch_start = end;
        if !mutant::is(Mutant::FollowersOutliveEpoch) {
            self.followers.clear();
        }
        self.assign(now, me, state);
    }

    /// The metadata's replicas and in-sync set. Who leaves the set by the controller's will (it was fenced) is not
    /// waited for until it fetches again.
    pub fn assign(&mut self, now: Mono, me: NodeId, state: &metadata::Partition) {
        let was = self.insync.granted().to_vec();
        self.insync.grant(&state.isr);
        self.meet(me, state, now, &was);
    }

    /// The same state again, told by the metadata after the controller's answer told it: what is pending stays.
    pub fn confirm(&mut self, now: Mono, me: NodeId, state: &metadata::Partition) {
        let was = self.insync.granted().to_vec();
        if was != state.isr {
            self.insync.grant(&state.isr);
        }
        self.meet(me, state, now, &was);
    }

    fn meet(&mut self, me: NodeId, state: &metadata::Partition, now: Mono, was: &[NodeId]) {
        self.followers.retain(|(node, _)| state.has_replica(*node));
        for node in state.replicas.iter().copied().filter(|node| *node != me) {
            let in_sync = state.in_sync(node);
            match self.followers.binary_search_by_key(&node, |(id, _)| *id) {
                // Whether it may come back is the metadata's word about the broker, which `Partition::on_broker` hears.
                Ok(at) => {
                    if !in_sync
                        && was.contains(&node)
                        && let Some((_, progress)) = self.followers.get_mut(at)
                    {
                        progress.caught_up = None;
                    }
                }
                Err(at) => self.followers.insert(at, (node, Progress::new(now, in_sync))),
            }
        }
        self.welcome(now, was);
    }

    /// Who was not in the set as it `was` and is now has from now on as long as any other to hold what comes. It may have been taken back
    /// without a Fetch, because it had nothing more to fetch, and would be dropped at the next append (seed 600055).
    pub fn welcome(&mut self, now: Mono, was: &[NodeId]) {
        if mutant::is(Mutant::WelcomeForgotten) {
            return;
        }
        let granted = self.insync.granted();
        let new = |node: &NodeId| granted.contains(node) && !was.contains(node);
        for (_, progress) in self.followers.iter_mut().filter(|(node, _)| new(node)) {
            progress.caught_up = Some(now);
        }
    }

    pub fn follower(&self, node: NodeId) -> Option<&Progress> {
        self.followers.iter().find(|(id, _)| *id == node).map(|(_, progress)| progress)
    }

    pub fn follower_mut(&mut self, node: NodeId) -> Option<&mut Progress> {
        self.followers.iter_mut().find(|(id, _)| *id == node).map(|(_, progress)| progress)
    }

    /// How many replicas in sync `acks=all` needs: never more than there are replicas (Kafka's `effectiveMinIsr`).
    pub fn min_insync(settings: &Settings, replicas: usize) -> usize {
        if mutant::is(Mutant::NoMinIsr) {
            return 0;
        }
        settings.min_insync.min(replicas)
    }

    /// The highest watermark that is allowed now; `None`: it may not move.
    ///
    /// The smallest synced end of the maximal in-sync set, and of those that are caught up and may join: else a follower
    /// would chase a watermark that only the leader makes (Kafka's `maybeIncrementLeaderHW`). Below `min.insync.replicas`
    /// it stands still (KIP-966): what is below the watermark has been on that many replicas.
    pub fn watermark(&self, sight: &Sight, settings: &Settings) -> Option<Offset> {
        if self.insync.granted().len() < Self::min_insync(settings, sight.replicas) {
            return None;
        }
        let unsynced = mutant::is(Mutant::WatermarkUnsynced);
        let own = if unsynced { sight.end } else { sight.synced };
        let waited_for = |node: NodeId, progress: &Progress| {
            if mutant::is(Mutant::MaximalIgnored) {
                return self.insync.granted().contains(&node);
            }
            self.insync.counts(node)
                || progress.eligible && progress.is_caught_up(sight.now, sight.end, settings.lag_max)
        };
        let lowest = self
            .followers
            .iter()
            .filter(|(node, progress)| waited_for(*node, progress))
            .map(|(_, progress)| if unsynced { progress.end } else { progress.synced })
            .fold(own, Offset::min);
        (lowest > sight.watermark).then_some(lowest)
    }

    /// Whether the follower may join the in-sync set: it holds all up to the watermark, and is past where the epoch began,
    /// because below that there may be committed records of which this leader's watermark does not know yet (KAFKA-7128). It also
    /// has the log's start on its disk, else deleted records might come back with it (one that does not say is believed).
    fn may_join(&self, node: NodeId, progress: &Progress, sight: &Sight) -> bool {
        let begun = progress.synced >= self.epoch_start || mutant::is(Mutant::JoinsBeforeEpochStart);
        let held = if mutant::is(Mutant::JoinsByEnd) { progress.end } else { progress.synced };
        let caught_up = held >= sight.watermark && begun;
        let starts_late = progress.start == Offset::NONE || progress.start >= sight.saved_start;
        !self.insync.counts(node)
            && (progress.eligible || mutant::is(Mutant::JoinsIneligible))
            && progress.synced != Offset::NONE
            && (starts_late || mutant::is(Mutant::JoinsWithOldStart))
            && (caught_up || mutant::is(Mutant::ExpandTooEarly))
    }

    /// Whether the follower is in sync, and lags (Kafka's `isFollowerOutOfSync`), or says that it holds less than what is committed, which it
    /// held once: its disk lost it.
    fn has_to_leave(&self, node: NodeId, progress: &Progress, sight: &Sight, settings: &Settings) -> bool {
        let lost = progress.synced != Offset::NONE && progress.synced < sight.watermark;
        self.insync.granted().contains(&node)
            && (lost || !progress.is_caught_up(sight.now, sight.end, settings.lag_max))
    }

    /// Who is to join and who to leave the in-sync set.
    pub fn changes(&self, sight: &Sight, settings: &Settings) -> (Vec<NodeId>, Vec<NodeId>) {
        if self.insync.is_pending() {
            return (Vec::new(), Vec::new());
        }
        if let Some(me) = self.who_leaves(sight) {
            return (Vec::new(), alloc::vec![me]);
        }
        let joining = self.followers.iter().filter(|(node, p)| self.may_join(*node, p, sight)).map(|(node, _)| *node);
        let leaving = self.followers.iter().filter(|(node, p)| self.has_to_leave(*node, p, sight, settings));
        (joining.collect(), leaving.map(|(node, _)| *node).collect())
    }

    /// The leader itself, if it has to go and is not the only one that has every committed record.
    fn who_leaves(&self, sight: &Sight) -> Option<NodeId> {
        sight.leaves.filter(|_| self.insync.granted().len() > 1)
    }

    /// Whether [`Leader::changes`] names anyone, without allocating.
    pub fn wants_change(&self, sight: &Sight, settings: &Settings) -> bool {
        !self.insync.is_pending()
            && (self.who_leaves(sight).is_some()
                || self
                    .followers
                    .iter()
                    .any(|(node, p)| self.may_join(*node, p, sight) || self.has_to_leave(*node, p, sight, settings)))
    }

    /// Whether somebody in sync has lagged for too long, and nothing is asked for.
    pub fn has_laggards(&self, sight: &Sight, settings: &Settings) -> bool {
        let lags = |p: &Progress| !p.is_caught_up(sight.now, sight.end, settings.lag_max);
        let mut in_sync = self.followers.iter().filter(|(node, _)| self.insync.granted().contains(node));
        !self.insync.is_pending() && in_sync.any(|(_, p)| lags(p))
    }

    /// Forgets that followers outside the set were caught up, once that was too long ago.
    pub fn age(&mut self, now: Mono, settings: &Settings) {
        for (node, progress) in &mut self.followers {
            if !self.insync.counts(*node) && progress.caught_up.is_some_and(|at| now > at + settings.lag_max) {
                progress.caught_up = None;
            }
        }
    }

    /// When the first follower in sync will have lagged for too long, or a proposal may be repeated.
    pub fn next_proposal(&self, sight: &Sight, settings: &Settings) -> Option<Mono> {
        if mutant::is(Mutant::LagNotTimed) {
            return None;
        }
        let turn = self.insync.next_turn();
        if self.insync.is_pending() || self.who_leaves(sight).is_some() {
            return turn;
        }
        let lag = self.first_lag(sight, settings, |node, _| self.insync.granted().contains(&node));
        lag.map(|at| turn.map_or(at, |turn| at.max(turn)))
    }

    /// When the watermark will wait no longer for a follower outside the set, whatever is asked for meanwhile (seed 40000001669).
    pub fn next_move(&self, sight: &Sight, settings: &Settings) -> Option<Mono> {
        if mutant::is(Mutant::LagNotTimed) || mutant::is(Mutant::OutsideNotTimed) {
            return None;
        }
        self.first_lag(sight, settings, |node, p| !self.insync.counts(node) && p.eligible && p.caught_up.is_some())
    }

    /// When the first of these followers, if it has not all there is, will have lagged for too long.
    fn first_lag(&self, sight: &Sight, settings: &Settings, of: impl Fn(NodeId, &Progress) -> bool) -> Option<Mono> {
        let behind = self.followers.iter().filter(|(node, p)| p.synced < sight.end && of(*node, p));
        behind.map(|(_, p)| p.caught_up.map_or(Mono(0), |at| at + settings.lag_max + crate::time::Span(1))).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PartitionEpoch;
    use crate::time::Span;
    use alloc::vec;

    const SETTINGS: Settings = Settings { min_insync: 2, lag_max: Span(100), retry: Span(10), unclean: false };

    fn nodes(ids: &[i32]) -> Vec<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn state(replicas: &[i32], isr: &[i32], epoch: i32) -> metadata::Partition {
        let mut state = metadata::Partition::new(nodes(replicas), nodes(isr));
        state.leader = Some(NodeId(1));
        state.leader_epoch = LeaderEpoch(epoch);
        state.epoch = PartitionEpoch(epoch);
        state
    }

    fn sight(now: u64, end: i64, synced: i64, watermark: i64) -> Sight {
        Sight {
            now: Mono(now),
            end: Offset(end),
            synced: Offset(synced),
            watermark: Offset(watermark),
            replicas: 3,
            leaves: None,
            saved_start: Offset(0),
        }
    }

    fn fetch(leader: &mut Leader, now: u64, node: i32, synced: i64, end: i64) {
        let progress = leader.follower_mut(NodeId(node)).expect("a replica");
        progress.eligible = true;
        progress.on_fetch(Mono(now), Offset(synced), Offset(synced), Offset(end));
    }

    #[test]
    fn the_watermark_is_the_smallest_synced_end_in_sync() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2, 3], &[1, 2, 3], 1), Offset(0));
        assert_eq!(leader.watermark(&sight(1, 10, 10, 0), &SETTINGS), None, "nobody has fetched in this epoch");
        fetch(&mut leader, 1, 2, 8, 10);
        fetch(&mut leader, 1, 3, 6, 10);
        assert_eq!(leader.watermark(&sight(1, 10, 10, 0), &SETTINGS), Some(Offset(6)));
        assert_eq!(
            leader.watermark(&sight(1, 10, 4, 0), &SETTINGS),
            Some(Offset(4)),
            "the leader's own disk is the slowest"
        );
        assert_eq!(leader.watermark(&sight(1, 10, 4, 7), &SETTINGS), None, "it never falls");
    }

    #[test]
    fn below_min_insync_the_watermark_stands() {
        // Kafka `maybeIncrementLeaderHW`: "Not increasing HWM because partition is under min ISR" (KIP-966).
        let leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2, 3], &[1], 1), Offset(0));
        assert_eq!(leader.watermark(&sight(1, 10, 10, 0), &SETTINGS), None);
        let one = Settings { min_insync: 1, ..SETTINGS };
        assert_eq!(leader.watermark(&sight(1, 10, 10, 0), &one), Some(Offset(10)));
        assert_eq!(Leader::min_insync(&SETTINGS, 1), 1, "never more than there are replicas");
    }

    #[test]
    fn one_that_may_join_is_waited_for_and_one_that_the_controller_put_out_is_not() {
        let one = Settings { min_insync: 1, ..SETTINGS };
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1], 1), Offset(0));
        fetch(&mut leader, 1, 2, 5, 5);
        assert_eq!(leader.watermark(&sight(2, 10, 10, 0), &one), Some(Offset(5)));
        leader.assign(Mono(2), NodeId(1), &state(&[1, 2], &[1, 2], 1));
        leader.assign(Mono(3), NodeId(1), &state(&[1, 2], &[1], 1));
        assert_eq!(leader.watermark(&sight(4, 10, 10, 5), &one), Some(Offset(10)));
    }

    #[test]
    fn joining_needs_the_watermark_and_the_epochs_start() {
        // KAFKA-7128: a follower behind the start of the epoch may lack committed records.
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1], 3), Offset(20));
        fetch(&mut leader, 1, 2, 15, 20);
        assert_eq!(leader.changes(&sight(1, 20, 20, 10), &SETTINGS).0, vec![], "past the watermark, before the epoch");
        fetch(&mut leader, 2, 2, 20, 30);
        assert_eq!(
            leader.changes(&sight(2, 30, 30, 25), &SETTINGS).0,
            vec![],
            "past the epoch's start, before the watermark"
        );
        assert_eq!(leader.changes(&sight(2, 30, 30, 20), &SETTINGS).0, nodes(&[2]));
        leader.follower_mut(NodeId(2)).expect("a replica").eligible = false;
        assert_eq!(
            leader.changes(&sight(2, 30, 30, 20), &SETTINGS).0,
            vec![],
            "fenced, or another incarnation (KIP-903)"
        );
    }

    #[test]
    fn joining_needs_the_start_of_the_log_to_be_saved() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1], 1), Offset(0));
        fetch(&mut leader, 1, 2, 20, 20);
        let sight = Sight { saved_start: Offset(7), ..sight(1, 20, 20, 10) };
        let mut joins = |start| {
            leader.follower_mut(NodeId(2)).expect("a replica").start = Offset(start);
            leader.changes(&sight, &SETTINGS).0
        };
        assert_eq!(joins(6), vec![], "it would bring deleted records back");
        assert_eq!(joins(7), nodes(&[2]));
        assert_eq!(joins(-1), nodes(&[2]), "it does not say");
    }

    #[test]
    fn a_laggard_leaves_after_lag_max_and_the_deadline_says_when() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1, 2], 1), Offset(0));
        fetch(&mut leader, 50, 2, 0, 0);
        assert_eq!(leader.next_proposal(&sight(0, 0, 0, 0), &SETTINGS), None, "all is well");
        let at = leader.next_proposal(&sight(0, 9, 9, 0), &SETTINGS).expect("a laggard");
        assert_eq!(at, Mono(151));
        assert!(leader.changes(&sight(150, 9, 9, 0), &SETTINGS).1.is_empty());
        assert_eq!(leader.changes(&sight(151, 9, 9, 0), &SETTINGS).1, nodes(&[2]));
        assert!(leader.wants_change(&sight(151, 9, 9, 0), &SETTINGS));
    }

    #[test]
    fn one_outside_the_set_is_waited_for_as_long() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1], 1), Offset(0));
        fetch(&mut leader, 50, 2, 0, 0);
        let seen = |now| sight(now, 9, 9, 0);
        let one = Settings { min_insync: 1, ..SETTINGS };
        assert_eq!(leader.watermark(&seen(150), &one), None);
        assert_eq!((leader.next_proposal(&seen(0), &one), leader.next_move(&seen(0), &one)), (None, Some(Mono(151))));
        leader.age(Mono(151), &one);
        assert_eq!((leader.watermark(&seen(151), &one), leader.next_move(&seen(151), &one)), (Some(Offset(9)), None));
    }

    #[test]
    fn who_lost_what_is_committed_leaves_at_once() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1, 2], 1), Offset(0));
        fetch(&mut leader, 1, 2, 9, 9);
        assert_eq!(leader.changes(&sight(2, 9, 9, 9), &SETTINGS).1, vec![]);
        fetch(&mut leader, 2, 2, 5, 9);
        assert_eq!(leader.changes(&sight(2, 9, 9, 9), &SETTINGS).1, vec![], "that one was long under way");
        leader.follower_mut(NodeId(2)).expect("a replica").on_incarnation(crate::id::BrokerEpoch(7));
        assert_eq!(leader.changes(&sight(2, 9, 9, 9), &SETTINGS).1, vec![], "it has said nothing yet");
        fetch(&mut leader, 2, 2, 5, 9);
        assert!(leader.wants_change(&sight(2, 9, 9, 9), &SETTINGS));
        assert_eq!(leader.changes(&sight(2, 9, 9, 9), &SETTINGS).1, nodes(&[2]));
    }

    #[test]
    fn a_new_epoch_forgets_what_followers_said() {
        let mut leader = Leader::new(Mono(0), NodeId(1), &state(&[1, 2], &[1, 2], 1), Offset(0));
        fetch(&mut leader, 1, 2, 10, 10);
        leader.begin_epoch(Mono(2), NodeId(1), &state(&[1, 2], &[1, 2], 2), Offset(10));
        assert_eq!(leader.follower(NodeId(2)).map(|p| p.synced), Some(Offset::NONE));
        assert_eq!((leader.since, leader.epoch), (LeaderEpoch(1), LeaderEpoch(2)));
        assert_eq!(leader.watermark(&sight(3, 10, 10, 0), &SETTINGS), None);
    }
}
