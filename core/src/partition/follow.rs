//! The follower's side: what to ask the leader, and what to do with its answer.

use super::{Partition, PartitionEvent, Role};
use crate::batch::Batches;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset};
use crate::io::Out;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use bytes::Bytes;

/// What a follower would ask its leader for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPlan {
    pub leader: NodeId,
    pub epoch: LeaderEpoch,
    pub offset: Offset,
    pub last_epoch: Option<LeaderEpoch>,
    /// Where the follower's log starts, also after a crash.
    pub start: Offset,
    /// Up to where it is on stable storage, and whole: what the leader may count.
    pub synced: Offset,
}

/// The leader's answer for one partition.
#[derive(Clone, Debug)]
pub struct Replicated {
    /// The plan that was sent: an answer to an older one is not used.
    pub asked: FetchPlan,
    pub result: Result<(), ErrorCode>,
    /// Checked by `batch::verify`.
    pub records: Bytes,
    pub watermark: Offset,
    /// Where the leader's log starts; -1: it does not say.
    pub start: Offset,
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// With `OFFSET_OUT_OF_RANGE`: what the leader knows of the producers at its log's start; empty: nothing.
    pub producers: Bytes,
}

/// What a follower does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowerStep {
    /// Ask again: the answer was taken.
    Fetch,
    /// Ask again after a while: the answer was an error that may pass.
    Backoff,
    /// The answer belongs to a plan that is no longer followed: ask anew.
    Stale,
}

impl Partition {
    /// What to ask the leader for; `None`: this is no follower, or has no leader, or its log is not open, or is being cut, or begins before
    /// where it is written down to begin: a start would throw away what comes there.
    pub fn fetch_plan(&self) -> Option<FetchPlan> {
        let Role::Follower { leader: Some(leader), epoch, claims, .. } = self.role else { return None };
        if !self.log.is_settled() || self.closing || self.start_fell {
            return None;
        }
        let last = self.log.latest_epoch();
        Some(FetchPlan {
            leader,
            epoch,
            offset: self.log.end(),
            last_epoch: (last != LeaderEpoch::NONE).then_some(last),
            start: if mutant::is(Mutant::StartToldUnsaved) { self.log.start() } else { self.saved_start() },
            // Once more was told in this epoch it cannot be taken back, nor the damage be cut away before the next (seed 3497360822098).
            synced: self
                .damaged
                .filter(|_| !claims)
                .map_or(self.log.synced(), |damaged| damaged.min(self.log.synced())),
        })
    }

    /// The leader's answer.
    pub fn on_fetched(&mut self, now: Now, answer: Replicated, out: &mut Out) -> (FollowerStep, PartitionEvent) {
        let Some(plan) = self.fetch_plan() else { return (FollowerStep::Stale, PartitionEvent::NONE) };
        let asked = answer.asked;
        if (plan.leader, plan.epoch, plan.offset, plan.last_epoch)
            != (asked.leader, asked.epoch, asked.offset, asked.last_epoch)
        {
            return (FollowerStep::Stale, PartitionEvent::NONE);
        }
        match answer.result {
            Err(ErrorCode::OffsetOutOfRange) => self.on_out_of_range(now, &answer, out),
            Err(_) => (FollowerStep::Backoff, PartitionEvent::NONE),
            Ok(()) => match answer.diverging {
                Some((epoch, end)) => (FollowerStep::Fetch, self.cut_to(now, epoch, end, out)),
                None => self.replicate(now, answer, out),
            },
        }
    }

    /// The leader's log starts behind this one's end, or an election that was not clean left it wholly before: begin anew
    /// where the leader's log starts (Kafka's `fetchOffsetAndTruncate`), with what the leader knows of the producers there: a replica
    /// that leads one day must know a batch that comes again, though retention has deleted it since (seed 797588178324; Kafka's
    /// does not know it).
    fn on_out_of_range(&mut self, now: Now, answer: &Replicated, out: &mut Out) -> (FollowerStep, PartitionEvent) {
        let end = self.log.end();
        let nothing_to_compare = answer.asked.last_epoch.is_none();
        let nowhere = answer.start < Offset::ZERO || mutant::is(Mutant::FollowerNeverRestarts);
        if nowhere || answer.start <= end && !nothing_to_compare || answer.start == end {
            return (FollowerStep::Backoff, PartitionEvent::NONE);
        }
        self.log.restart_with(
            now,
            answer.start,
            if mutant::is(Mutant::ProducersNotTaken) { &[] } else { &answer.producers },
            out,
        );
        self.watermark = answer.start;
        self.begins_again();
        let event = PartitionEvent { end_moved: true, start_moved: true, ..PartitionEvent::NONE };
        (FollowerStep::Fetch, event)
    }

    /// The leader's `epoch`, the largest not above this log's last, ends at `end` there. This log is the leader's up to the
    /// smaller of both ends of that epoch; if this log lacks that epoch, the end of the one before it is a step on the
    /// way, and the next answer tells more (KIP-279, Kafka's `getOffsetTruncationState`).
    fn cut_to(&mut self, now: Now, epoch: LeaderEpoch, end: Offset, out: &mut Out) -> PartitionEvent {
        let (own_epoch, own_end) = self.log.epoch_end(epoch);
        let to = if own_epoch == LeaderEpoch::NONE || own_end == Offset::NONE {
            end
        } else if own_epoch != epoch || mutant::is(Mutant::CutToOwnEnd) {
            own_end
        } else {
            own_end.min(end)
        };
        let to = if mutant::is(Mutant::TruncateToWatermark) { self.watermark } else { to };
        let to = to.min(self.log.end()).max(Offset::ZERO);
        if to <= self.log.start() && self.log.has_deleted() {
            // Of what was deleted nothing stays: those batches may be another leader's, and recovery would go by their epochs.
            self.log.restart_keeping(now, to, out);
        } else {
            self.log.truncate(now, to, out);
        }
        // Below the watermark only after an election that was not clean.
        let before = self.watermark;
        self.watermark = self.watermark.min(self.log.synced()).max(self.log.start());
        self.begins_again();
        // The leader counts nothing of a log that diverges: it has heard nothing of this one in its epoch that it could rely on, and what the cut
        // finds damaged may go (seed 912002902).
        if let Role::Follower { claims, .. } = &mut self.role {
            *claims = false;
        }
        let event = PartitionEvent {
            end_moved: true,
            start_moved: self.start_fell,
            watermark_moved: self.watermark != before,
            ..PartitionEvent::NONE
        };
        event.and(self.repair(now, out))
    }

    /// The start may have gone back with the end: what was written down of it says nothing of the log that comes now, and has to be written
    /// anew.
    pub(super) fn begins_again(&mut self) {
        self.start_fell |= self.saved_start > self.log.start();
        self.saved_start = self.saved_start();
    }

    fn replicate(&mut self, now: Now, answer: Replicated, out: &mut Out) -> (FollowerStep, PartitionEvent) {
        // Sent from the leader's file, which was cut and filled anew by a later leader before the bytes left: what stands before them there
        // need not be what is here (Kafka's `hasHigherPartitionLeaderEpoch`).
        if Batches::of(&answer.records).any(|(header, _)| header.leader_epoch() > answer.asked.epoch) {
            return (FollowerStep::Backoff, PartitionEvent::NONE);
        }
        let mut event = self.begin_with(now, &answer.records, answer.start, out);
        let before = self.log.end();
        if !answer.records.is_empty() && self.log.append_replica(now, answer.records, out).is_err() {
            return (FollowerStep::Backoff, event);
        }
        let end = self.log.end();
        assert!(end >= before, "{}: a follower's append shortened the log", self.key);
        event.end_moved |= end != before;
        if let Role::Follower { told, start, .. } = &mut self.role {
            *told = answer.watermark.max(*told);
            *start = if mutant::is(Mutant::StartNotFollowed) { *start } else { answer.start.max(*start) };
        }
        event = event.and(self.advance(now.mono)).and(self.follow_start(now));
        (FollowerStep::Fetch, event)
    }

    /// The leader deleted records up to the middle of a batch, and this log was to begin there. Batches come whole: it begins with this
    /// one (Kafka's `Partition.appendRecordsToFollowerOrFutureReplica`), and its start follows when that is durable. Found by seed 754; and by
    /// seed 882004134, in which this log had, below the leader's start, what never was committed.
    fn begin_with(&mut self, now: Now, records: &[u8], starts: Offset, out: &mut Out) -> PartitionEvent {
        let Some(base) = self.log.begins_within(records, starts) else { return PartitionEvent::NONE };
        self.log.restart_keeping(now, base, out);
        self.watermark = base;
        self.begins_again();
        PartitionEvent { end_moved: true, start_moved: true, ..PartitionEvent::NONE }
    }

    /// The log's start follows the leader's, as far as what is committed is here.
    pub(super) fn follow_start(&mut self, now: Now) -> PartitionEvent {
        let Role::Follower { start, .. } = self.role else { return PartitionEvent::NONE };
        let start = start.min(self.watermark);
        let moved = start > self.log.start() && self.log.raise_start(now, start).is_ok();
        PartitionEvent { start_moved: moved, ..PartitionEvent::NONE }
    }
}
