//! Appends, and when they may be acknowledged.

use super::leader::Leader;
use super::{Acks, Appended, Partition, PartitionEvent, Role};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, Offset};
use crate::io::Out;
use crate::log::Origin;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Wall};
use bytes::Bytes;

impl Partition {
    /// A producer's batch, which was checked by `batch::verify`.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER`; `NOT_ENOUGH_REPLICAS` if `acks` is all and fewer than `min.insync.replicas` are in sync;
    /// what the log refuses. Nothing was appended then.
    pub fn on_produce(
        &mut self,
        now: Now,
        bytes: Bytes,
        acks: Acks,
        out: &mut Out,
    ) -> Result<(Appended, PartitionEvent), Refusal> {
        self.append(now, bytes, acks, Origin::Client, out)
    }

    /// Batches of the node itself (the group coordinator's), as with `acks=all`.
    ///
    /// # Errors
    /// As [`Partition::on_produce`].
    pub fn append_internal(
        &mut self,
        now: Now,
        bytes: Bytes,
        out: &mut Out,
    ) -> Result<(Appended, PartitionEvent), Refusal> {
        self.append(now, bytes, Acks::All, Origin::Coordinator, out)
    }

    fn append(
        &mut self,
        now: Now,
        bytes: Bytes,
        acks: Acks,
        origin: Origin,
        out: &mut Out,
    ) -> Result<(Appended, PartitionEvent), Refusal> {
        let sight = self.sight(now.mono);
        let leader = match &mut self.role {
            Role::Leader(leader) => leader,
            Role::Opening | Role::Short(_) | Role::Follower { .. } => return Err(ErrorCode::NotLeaderOrFollower.into()),
            Role::Offline => return Err(ErrorCode::KafkaStorageError.into()),
        };
        let enough = Leader::min_insync(&self.settings, sight.replicas);
        if acks == Acks::All
            && (if mutant::is(Mutant::JoiningCountsEnough) {
                leader.insync.maximal_len()
            } else {
                leader.insync.granted().len()
            }) < enough
        {
            return Err(ErrorCode::NotEnoughReplicas.into());
        }
        let before = sight.end;
        let done = self.log.append(now, leader.epoch, bytes, origin, out)?;
        if !done.duplicate {
            leader.followers.iter_mut().for_each(|(_, progress)| progress.on_leader_append(now.mono, before));
        }
        let appended = Appended {
            base: done.first,
            end: done.last.plus(1),
            append_time: (done.log_append_time >= 0).then_some(Wall(done.log_append_time)),
            start: self.log.start(),
            epoch: leader.epoch,
        };
        assert!(appended.end <= self.log.end(), "{}: appended beyond the end", self.key);
        let event = PartitionEvent { end_moved: self.log.end() != before, ..PartitionEvent::NONE };
        Ok((appended, event.and(self.advance(now.mono))))
    }

    /// Whether what was appended may be acknowledged; `None`: not yet. Kafka's `checkEnoughReplicasReachOffset`, but for
    /// `acks=1` and 0, which wait for the leader's own disk.
    pub fn acked(&self, appended: &Appended, acks: Acks) -> Option<Result<(), ErrorCode>> {
        let leader = match &self.role {
            Role::Leader(leader) => leader,
            Role::Opening | Role::Short(_) | Role::Follower { .. } => return Some(Err(ErrorCode::NotLeaderOrFollower)),
            Role::Offline => return Some(Err(ErrorCode::KafkaStorageError)),
        };
        // Another led in between, and may have cut what was appended.
        if appended.epoch < leader.since {
            return Some(Err(ErrorCode::NotLeaderOrFollower));
        }
        let durable = self.has_durable(appended) || mutant::is(Mutant::AckBeforeSync);
        match acks {
            Acks::None | Acks::Leader => durable.then_some(Ok(())),
            Acks::All if mutant::is(Mutant::AckAllAtLeader) => durable.then_some(Ok(())),
            Acks::All if mutant::is(Mutant::AckBeforeSync) => Some(Ok(())),
            Acks::All if appended.end.plus(-i64::from(mutant::is(Mutant::AckedOneEarly))) > self.watermark => None,
            Acks::All => {
                let replicas = self.state.as_ref().map_or(0, |state| state.replicas.len());
                let enough = Leader::min_insync(&self.settings, replicas) <= leader.insync.maximal_len();
                Some(if enough { Ok(()) } else { Err(ErrorCode::NotEnoughReplicasAfterAppend) })
            }
        }
    }

    /// Whether this node's own disk has it.
    pub fn has_durable(&self, appended: &Appended) -> bool {
        appended.end <= self.log.synced()
    }

    /// Moves the log's start (DeleteRecords); `offset` -1: to the watermark. Answers where the log starts now.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER`; `OFFSET_OUT_OF_RANGE` beyond the watermark or negative.
    pub fn delete_records(&mut self, now: Now, offset: Offset) -> Result<(Offset, PartitionEvent), Refusal> {
        match self.role {
            Role::Leader(_) => {}
            Role::Opening | Role::Short(_) | Role::Follower { .. } => return Err(ErrorCode::NotLeaderOrFollower.into()),
            Role::Offline => return Err(ErrorCode::KafkaStorageError.into()),
        }
        let to = if offset == Offset::NONE { self.watermark } else { offset };
        if to < Offset::ZERO || to > if mutant::is(Mutant::DeleteUncommitted) { self.log.end() } else { self.watermark }
        {
            return Err(ErrorCode::OffsetOutOfRange.into());
        }
        let before = self.log.start();
        if to > before {
            self.log.raise_start(now, to)?;
        }
        let event = PartitionEvent { start_moved: self.log.start() != before, ..PartitionEvent::NONE };
        Ok((self.log.start(), event))
    }

    /// The smallest start of the log over this replica and the followers that are `alive`, as they have it on stable storage: below
    /// it every record is gone for good (Kafka's `lowWatermarkIfLeader`, which counts what is not written down yet).
    pub fn low_watermark(&self, alive: impl Fn(NodeId) -> bool) -> Offset {
        let own = if mutant::is(Mutant::DeleteNotWritten) { self.log.start() } else { self.saved_start() };
        match &self.role {
            Role::Leader(leader) => leader
                .followers
                .iter()
                .filter(|(node, _)| {
                    (alive(*node) || mutant::is(Mutant::DeleteWaitsForDead)) && !mutant::is(Mutant::LowWatermarkAlone)
                })
                .filter(|(_, progress)| !(progress.start == Offset::NONE && mutant::is(Mutant::UnheardStartsCount)))
                .fold(own, |low, (_, progress)| low.min(progress.start)),
            Role::Opening | Role::Short(_) | Role::Follower { .. } | Role::Offline => own,
        }
    }
}
