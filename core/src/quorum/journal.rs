//! The metadata log as the quorum sees it: the log, and the snapshots that stand for its prefix (KIP-630).

use super::snapshot_file::SnapshotId;
use crate::batch::{Builder, Header};
use crate::error::Refusal;
use crate::id::{DirId, LeaderEpoch, Offset};
use crate::io::Out;
use crate::log::{Log, LogConfig, Opening, Origin, SyncPolicy};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The folder's name.
pub const FOLDER: &str = "__cluster_metadata-0";

/// How a follower's log relates to the leader's (Kafka's `ValidOffsetAndEpoch`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// A prefix of it.
    Prefix,
    /// Different from the end of this epoch on, at the latest.
    Diverges(LeaderEpoch, Offset),
    /// The part that it would need is no longer in the log.
    Needs(SnapshotId),
}

/// **Invariant**: below `log.start()` the newest snapshot stands for the log; a snapshot is never newer than the watermark.
#[derive(Debug)]
pub struct Journal {
    pub log: Log,
    /// Snapshots on disk with the size of their files.
    pub snapshots: BTreeMap<SnapshotId, u64>,
}

impl Journal {
    /// Opens the log. `fresh_at`: where it begins if there is none. `durable`: all below was committed, and durable here: if that is damaged, and no
    /// snapshot stands for it, nothing is touched ([`LogEvent::Damaged`](crate::log::LogEvent::Damaged)).
    pub fn open(
        now: Now,
        clean: bool,
        segment_bytes: u32,
        fresh_at: Offset,
        durable: Offset,
        snapshots: BTreeMap<SnapshotId, u64>,
        out: &mut Out,
    ) -> Self {
        // Only snapshots make its prefix superfluous: neither time nor size does.
        let config = LogConfig {
            segment_bytes,
            retention_ms: -1,
            retention_bytes: -1,
            delete_policy: false,
            sync: SyncPolicy::Always,
            max_message_bytes: i32::MAX as u32,
            ..LogConfig::default()
        };
        let covered = snapshots.last_key_value().map_or(Offset::ZERO, |(id, _)| id.offset);
        let whole_to = Some(if covered < durable { durable } else { Offset::ZERO });
        let topic_id = Some(crate::id::Uuid::METADATA_TOPIC);
        let opening = Opening { clean, start: fresh_at, committed: durable, durable, whole_to, topic_id };
        Self { log: Log::open(DirId::METADATA, String::from(FOLDER), config, opening, now, out), snapshots }
    }

    pub fn newest_snapshot(&self) -> Option<SnapshotId> {
        self.snapshots.last_key_value().map(|(id, _)| *id)
    }

    /// The epoch of the last record, be it in the log or behind a snapshot; 0 if there is none.
    pub fn last_epoch(&self) -> LeaderEpoch {
        let behind = self.newest_snapshot().map_or(LeaderEpoch(0), |id| id.epoch);
        self.log.latest_epoch().max(behind)
    }

    /// Whether the log goes on where the newest snapshot ends. It does not if the node died while it installed one.
    pub fn continues_snapshot(&self) -> bool {
        let Some(newest) = self.newest_snapshot() else { return true };
        let (start, end) = (self.log.start(), self.log.end());
        if start == newest.offset {
            return true;
        }
        let (epoch, epoch_end) = self.log.epoch_end(newest.epoch);
        start < newest.offset && end >= newest.offset && epoch == newest.epoch && epoch_end >= newest.offset
    }

    /// Cuts the prefix that a snapshot stands for. The newest but one bounds it: a follower that lags a little needs no
    /// snapshot then. Answers the snapshots that are no longer needed.
    pub fn trim(&mut self, now: Now) -> Vec<SnapshotId> {
        let Some(bound) = self.snapshots.keys().rev().nth(1).copied() else { return Vec::new() };
        if self.log.start() < bound.offset {
            self.log.raise_start(now, bound.offset).expect("a snapshot ends within the log");
        }
        if mutant::is(Mutant::MetadataSnapshotsStay) {
            return Vec::new();
        }
        let kept = self.snapshots.split_off(&bound);
        core::mem::replace(&mut self.snapshots, kept).into_keys().collect()
    }

    /// How a follower's log that ends at `end` with a record of `epoch` relates to this one.
    pub fn relation(&self, end: Offset, epoch: LeaderEpoch) -> Relation {
        let start = self.log.start();
        // One of offset 0 holds nothing: an empty log is a prefix as it is (seed 3586044598).
        if let Some(newest) = self.newest_snapshot().filter(|newest| newest.offset > Offset::ZERO) {
            let floor = self.snapshots.keys().find(|id| id.offset >= start).copied().unwrap_or(newest);
            let missing = end < start && !mutant::is(Mutant::BehindStartNoSnapshot)
                || epoch < floor.epoch
                || end == start && epoch != floor.epoch;
            if end == Offset::ZERO || start > Offset::ZERO && missing {
                return Relation::Needs(newest);
            }
            if end == start && epoch == floor.epoch {
                return Relation::Prefix;
            }
        }
        if end == Offset::ZERO && start == Offset::ZERO {
            return Relation::Prefix;
        }
        match self.log.epoch_end(epoch) {
            (LeaderEpoch::NONE, _) => Relation::Diverges(LeaderEpoch(0), start),
            (found, found_end) if found != epoch || found_end < end => Relation::Diverges(found, found_end),
            _ => Relation::Prefix,
        }
    }

    /// Where this log parts from a leader's whose records of `epoch`, or of the last epoch before it, end at `end`.
    pub fn common_end(&self, epoch: LeaderEpoch, end: Offset) -> Offset {
        let (found, found_end) = self.log.epoch_end(epoch);
        let own = if found == LeaderEpoch::NONE { self.log.start() } else { found_end };
        own.min(end)
    }

    /// Appends one batch of our own as the leader; answers the offset of its last record.
    pub fn append(&mut self, now: Now, epoch: LeaderEpoch, batch: Builder, out: &mut Out) -> Result<Offset, Refusal> {
        let bytes = batch.finish();
        let before = self.log.end();
        let appended = self.log.append(now, epoch, bytes, Origin::Coordinator, out)?;
        assert!(
            appended.first == before && appended.last >= before,
            "{appended:?} does not continue a log that ends at {before}"
        );
        Ok(appended.last)
    }

    /// Whether `bytes` are whole batches that continue the log, none of an epoch above `epoch` or below the last one's.
    pub fn continues(&self, bytes: &Bytes, epoch: LeaderEpoch) -> bool {
        let mut last = self.last_epoch();
        let mut next = self.log.end();
        let mut rest: &[u8] = bytes;
        while let Some(header) = Header::read(rest) {
            let Some((_, after)) = header.size().and_then(|size| rest.split_at_checked(size)) else { break };
            let in_order = header.leader_epoch() >= last && header.leader_epoch() <= epoch;
            if header.base_offset() != next || header.next_offset() <= next || !in_order {
                return false;
            }
            (last, next, rest) = (header.leader_epoch(), header.next_offset(), after);
        }
        true
    }
}
