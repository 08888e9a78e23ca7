//! Fetches of consumers and followers, epochs, times: what the leader tells.

use super::{Partition, PartitionEvent, Role};
use crate::error::{ErrorCode, Refusal};
use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset};
use crate::io::Out;
use crate::log::{Reading, TimeLookup};
use crate::mutant::{self, Mutant};
use crate::time::Now;

/// How far a reader sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// In-cluster followers: to the end.
    End,
    /// Consumers with `read_uncommitted`: to the watermark.
    Watermark,
    /// Consumers with `read_committed`: to the last stable offset.
    Stable,
}

/// What a reader asks of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchQuery {
    /// The leader epoch that the reader believes in (KIP-320); `None`: it does not say.
    pub epoch: Option<LeaderEpoch>,
    pub offset: Offset,
    /// The epoch of the last record that the reader has (KIP-595); `None`: it does not say.
    pub last_epoch: Option<LeaderEpoch>,
    pub max_bytes: usize,
}

/// A follower's fetch: what it says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaFetch {
    pub node: NodeId,
    /// The incarnation that fetches (KIP-903); -1: it does not say.
    pub broker_epoch: BrokerEpoch,
    /// Up to where it holds the log on stable storage: tagged field 100, or the fetch offset.
    pub synced: Offset,
    /// Where its log starts; -1: it does not say.
    pub start: Offset,
    /// Whether the metadata would let it into the in-sync set: alive, not fenced, not leaving, this very incarnation.
    pub eligible: bool,
}

/// What a partition hands to a reader.
#[derive(Debug)]
pub struct Fetched {
    /// Nothing, if the logs diverge.
    pub reading: Reading,
    /// The reader's log differs from here on: the leader's epoch at or before the reader's last, and where that ends.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    pub watermark: Offset,
    /// The last stable offset; until there are transactions it is the watermark.
    pub stable: Offset,
    pub start: Offset,
}

impl Partition {
    /// Whether the replica leads in the epoch that a reader believes in (Kafka's `localLogWithEpochOrThrow`).
    ///
    /// # Errors
    /// `FENCED_LEADER_EPOCH` for an earlier epoch, `UNKNOWN_LEADER_EPOCH` for a later one (KIP-320), then
    /// `NOT_LEADER_OR_FOLLOWER`; `KAFKA_STORAGE_ERROR` if the disk failed.
    pub fn check_leader(&self, epoch: Option<LeaderEpoch>) -> Result<(), Refusal> {
        if matches!(self.role, Role::Offline) {
            return Err(ErrorCode::KafkaStorageError.into());
        }
        let own = self.leader_epoch();
        match epoch {
            Some(theirs) if theirs < own => Err(ErrorCode::FencedLeaderEpoch.into()),
            Some(theirs) if theirs > own && !(mutant::is(Mutant::FutureEpochServed) && self.is_leader()) => {
                Err(ErrorCode::UnknownLeaderEpoch.into())
            }
            Some(_) | None if self.is_leader() => Ok(()),
            Some(_) | None => Err(ErrorCode::NotLeaderOrFollower.into()),
        }
    }

    /// As [`Self::check_leader`], for who may ask any replica.
    ///
    /// # Errors
    /// But for that it does not lead.
    pub fn check_replica(&self, epoch: Option<LeaderEpoch>) -> Result<(), Refusal> {
        match self.check_leader(epoch) {
            Err(refusal) if refusal.code == ErrorCode::NotLeaderOrFollower && self.is_online() => Ok(()),
            told => told,
        }
    }

    fn check_fetch(&self, query: &FetchQuery) -> Result<(), Refusal> {
        let epoch = if mutant::is(Mutant::NoFetchFencing) { None } else { query.epoch };
        self.check_leader(epoch)
    }

    /// A follower says where it stands: once a request, before the reading. Nothing is taken from a follower whose log
    /// diverges: what it holds is not what the leader holds.
    ///
    /// # Errors
    /// As [`Partition::check_leader`]; `UNKNOWN_LEADER_EPOCH` (`NOT_LEADER_OR_FOLLOWER` if it names no epoch) for a node
    /// that is no replica; `NOT_LEADER_OR_FOLLOWER` for an old incarnation (KIP-903), as `node_epoch` says.
    pub fn on_replica_fetch(
        &mut self,
        now: Now,
        replica: &ReplicaFetch,
        query: &FetchQuery,
    ) -> Result<PartitionEvent, Refusal> {
        if let Role::Short(short) = &self.role
            && query.epoch == Some(short.epoch)
        {
            let end = (query.last_epoch.unwrap_or(LeaderEpoch::NONE), query.offset);
            return Ok(self.hear(now.mono, replica, end));
        }
        self.check_fetch(query)?;
        if query.offset < self.log.start()
            || query.offset > self.log.end()
            || self.divergence(query)?.is_some() && !mutant::is(Mutant::DivergingCounted)
        {
            return Ok(PartitionEvent::NONE);
        }
        let end = self.log.end();
        let Role::Leader(leader) = &mut self.role else { return Err(ErrorCode::NotLeaderOrFollower.into()) };
        let Some(progress) = leader.follower_mut(replica.node) else { return Err(stranger(query).into()) };
        if replica.broker_epoch < progress.broker_epoch
            && replica.broker_epoch != BrokerEpoch(-1)
            && !mutant::is(Mutant::OldIncarnationCounted)
        {
            return Err(ErrorCode::NotLeaderOrFollower.into());
        }
        let started = progress.start;
        progress.on_incarnation(replica.broker_epoch);
        progress.eligible = replica.eligible;
        if !mutant::is(Mutant::FollowerStartUnheard) {
            progress.start = replica.start;
        }
        progress.on_fetch(now.mono, query.offset, replica.synced, end);
        let moved = PartitionEvent { start_moved: started != replica.start, ..PartitionEvent::NONE };
        let mut event = moved.and(self.advance(now.mono));
        event.isr |= self.wants_proposal(now.mono);
        Ok(event)
    }

    /// Reads for a consumer or, after [`Partition::on_replica_fetch`], for a follower (`replica`). `whole_first`: a first
    /// batch larger than `query.max_bytes` is handed out nevertheless.
    ///
    /// # Errors
    /// As [`Partition::check_leader`] and [`Partition::on_replica_fetch`]; `OFFSET_OUT_OF_RANGE` before the start and beyond
    /// the end; what the log refuses; `CORRUPT_MESSAGE` where the bytes are damaged and this replica is alone in sync.
    pub fn on_fetch(
        &mut self,
        now: Now,
        query: &FetchQuery,
        replica: Option<NodeId>,
        isolation: Isolation,
        whole_first: bool,
        out: &mut Out,
    ) -> Result<Fetched, Refusal> {
        self.check_fetch(query)?;
        if let (Some(node), Role::Leader(leader)) = (replica, &self.role)
            && leader.follower(node).is_none()
        {
            return Err(stranger(query).into());
        }
        if query.offset < self.log.start() {
            return Err(ErrorCode::OffsetOutOfRange.into());
        }
        let diverging = self.divergence(query)?;
        let fetched = |reading, partition: &Self| Fetched {
            reading,
            diverging,
            watermark: partition.watermark,
            stable: partition.stable(),
            start: partition.log.start(),
        };
        if diverging.is_some() {
            return Ok(fetched(Reading::NOTHING, self));
        }
        if query.offset > self.log.end()
            || mutant::is(Mutant::OutOfRangeUncommitted) && replica.is_none() && query.offset > self.watermark
        {
            return Err(ErrorCode::OffsetOutOfRange.into());
        }
        let until = match isolation {
            Isolation::End => self.log.end(),
            Isolation::Watermark | Isolation::Stable if mutant::is(Mutant::ReadBeyondWatermark) => self.log.end(),
            Isolation::Watermark => self.watermark,
            Isolation::Stable => self.stable(),
        };
        if query.offset >= until {
            return Ok(fetched(Reading::NOTHING, self));
        }
        let reading = self.log.read(now, query.offset, until, query.max_bytes, whole_first, out);
        let reading = reading.map_err(|refusal| self.at_damage(refusal, replica))?;
        Ok(fetched(reading, self))
    }

    /// Where another is in sync a damaged batch is to be had again, from whom leads soon: a reader is to come back. Where nobody is, it
    /// would come back for ever: `CORRUPT_MESSAGE` is what Kafka's clients make of such a batch themselves, and tell.
    fn at_damage(&self, refusal: Refusal, replica: Option<NodeId>) -> Refusal {
        let alone = replica.is_none() && self.state.as_ref().is_some_and(|state| state.isr == [self.me]);
        if refusal.code == ErrorCode::CorruptMessage && !alone {
            return Refusal { code: ErrorCode::KafkaStorageError, ..refusal };
        }
        refusal
    }

    /// Where the reader's log stops being the leader's (KIP-595): the leader never wrote the reader's last epoch, or wrote
    /// less in it than the reader has.
    fn divergence(&self, query: &FetchQuery) -> Result<Option<(LeaderEpoch, Offset)>, Refusal> {
        let Some(last) = query.last_epoch.filter(|_| !mutant::is(Mutant::DivergenceUnseen)) else { return Ok(None) };
        let (epoch, end) = self.log.epoch_end(last);
        if epoch == LeaderEpoch::NONE || end == Offset::NONE {
            return Err(ErrorCode::OffsetOutOfRange.into());
        }
        Ok((epoch < last && !mutant::is(Mutant::DivergenceByEnd) || end < query.offset).then_some((epoch, end)))
    }

    /// Where the records of `last` end here (OffsetForLeaderEpoch, KIP-279); `(NONE, NONE)`: not known.
    ///
    /// # Errors
    /// As [`Partition::check_leader`].
    pub fn epoch_end(&self, epoch: Option<LeaderEpoch>, last: LeaderEpoch) -> Result<(LeaderEpoch, Offset), Refusal> {
        if !mutant::is(Mutant::EpochEndOfAnybody) {
            self.check_leader(epoch)?;
        }
        Ok(self.log.epoch_end(LeaderEpoch(last.0 + i32::from(mutant::is(Mutant::EpochEndOfNext)))))
    }

    /// The end that a reader of this isolation may know.
    pub fn end_for(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::End => self.log.end(),
            Isolation::Watermark | Isolation::Stable if mutant::is(Mutant::LatestIsEnd) => self.log.end(),
            Isolation::Watermark => self.watermark,
            Isolation::Stable => self.stable(),
        }
    }

    /// Where the epoch that this leader leads in began; `None` on others. Until the watermark has reached it, the leader
    /// cannot tell what is committed (KIP-207).
    pub fn epoch_start(&self) -> Option<Offset> {
        match &self.role {
            Role::Leader(leader) => Some(leader.epoch_start),
            Role::Opening | Role::Short(_) | Role::Follower { .. } | Role::Offline => None,
        }
    }

    /// The first record that is visible under `isolation` and not older than `timestamp`.
    ///
    /// # Errors
    /// What the log refuses.
    pub fn offset_for_time(
        &mut self,
        now: Now,
        timestamp: i64,
        isolation: Isolation,
        out: &mut Out,
    ) -> Result<TimeLookup, Refusal> {
        let end = self.end_for(isolation);
        self.log.offset_for_time(now, timestamp, end, out).map_err(|refusal| self.at_damage(refusal, None))
    }

    /// The first record with the largest timestamp (KIP-734).
    ///
    /// # Errors
    /// What the log refuses.
    pub fn offset_of_max_time(&mut self, now: Now, out: &mut Out) -> Result<TimeLookup, Refusal> {
        self.log.offset_of_max_time(now, out).map_err(|refusal| self.at_damage(refusal, None))
    }

    /// The epoch of the record at `offset`; of the newest record at the end.
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        if offset >= self.log.end() { self.log.latest_epoch() } else { self.log.epoch_at(offset) }
    }

    /// Reads for the node itself (the group coordinator loading its partition): batches in memory, up to the end.
    ///
    /// # Errors
    /// What the log refuses.
    pub fn load(
        &mut self,
        now: Now,
        from: Offset,
        max_bytes: usize,
        out: &mut Out,
    ) -> Result<crate::log::Loading, Refusal> {
        let end = self.log.end();
        self.log.load(now, from, end, max_bytes, out)
    }
}

/// A node that is no replica, or of which this leader has not heard yet: it tries again (Kafka's `followerReplicaOrThrow`).
fn stranger(query: &FetchQuery) -> ErrorCode {
    match query.epoch {
        Some(_) => ErrorCode::UnknownLeaderEpoch,
        None => ErrorCode::NotLeaderOrFollower,
    }
}
