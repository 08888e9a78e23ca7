//! Fetch of the metadata log, as its leader answers it: it is also how followers tell how far they are.

use super::answer::{Answer, FetchReply, Turn};
use super::journal::Relation;
use super::machine::Quorum;
use super::message;
use super::role::Role;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset, Uuid};
use crate::io::{Out, Records};
use crate::log::Reading;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::boxed::Box;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{EpochEndOffset, PartitionData, SnapshotId as WireSnapshot};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// Most bytes of records in one reply, whatever is asked for.
const REPLY_BYTES_MAX: usize = 8 << 20;

/// A reply's records, or what stands in their place.
enum Found {
    Records(Records),
    Instead(PartitionData),
    Wait,
}

impl Quorum {
    /// A Fetch of the metadata topic. A row that waits has its deadline at `max_wait_ms`.
    ///
    /// # Errors in the reply
    /// `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST` for the whole; `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`,
    /// `NOT_LEADER_OR_FOLLOWER`, `KAFKA_STORAGE_ERROR` for the partition.
    pub fn on_fetch(&mut self, now: Now, request: &FetchRequest, turn: Turn, out: &mut Out) -> Answer<FetchReply> {
        if self.journal().is_none() {
            return Answer::Wait;
        }
        let whole = |code: ErrorCode| reply(FetchResponse::default().with_error_code(code.code()), Records::Empty);
        if !self.is_our_cluster(request.cluster_id.as_ref()) {
            return whole(ErrorCode::InconsistentClusterId);
        }
        let part = message::only(&request.topics).and_then(|topic| {
            let named = message::is_metadata(&topic.topic, 0) || Uuid::from(topic.topic_id) == Uuid::METADATA_TOPIC;
            message::only(&topic.partitions).filter(|part| named && part.partition == 0)
        });
        let Some(part) = part else { return whole(ErrorCode::InvalidRequest) };
        let sender = message::node(request.replica_state.replica_id).or(message::node(request.replica_id));
        if let Some(code) = self.refuse_fetch(request.max_wait_ms, part, sender) {
            return self.reply_code(code);
        }
        match self.find(now, part, sender, turn, out) {
            Err(code) => self.reply_code(code),
            Ok(Found::Instead(mut data)) => {
                data.high_watermark = self.watermark.0;
                reply(message::fetch_reply(&self.standing(), data), Records::Empty)
            }
            Ok(Found::Wait) if turn != Turn::Last => Answer::Wait,
            Ok(Found::Wait) => self.reply_records(Records::Empty),
            Ok(Found::Records(records)) => {
                let news =
                    !records.is_empty() || self.watermark.0 > part.high_watermark && !mutant::is(Mutant::CommitNotTold);
                if news || request.max_wait_ms == 0 || turn == Turn::Last {
                    self.reply_records(records)
                } else {
                    Answer::Wait
                }
            }
        }
    }

    fn refuse_fetch(&self, max_wait_ms: i32, part: &FetchPartition, sender: Option<NodeId>) -> Option<ErrorCode> {
        let (end, last_epoch, epoch) =
            (part.fetch_offset, part.last_fetched_epoch, LeaderEpoch(part.current_leader_epoch));
        if max_wait_ms < 0 || end < 0 || last_epoch < 0 || last_epoch > epoch.0 || sender == Some(self.config.node) {
            return Some(ErrorCode::InvalidRequest);
        }
        self.refuse_follower(epoch)
    }

    /// What is only for the leader of the epoch.
    pub(super) fn refuse_follower(&self, epoch: LeaderEpoch) -> Option<ErrorCode> {
        if epoch < self.epoch() && !mutant::is(Mutant::NoFetchFencing) {
            Some(ErrorCode::FencedLeaderEpoch)
        } else if epoch > self.epoch() {
            Some(ErrorCode::UnknownLeaderEpoch)
        } else {
            (!self.is_leader()).then_some(ErrorCode::NotLeaderOrFollower)
        }
    }

    fn find(
        &mut self,
        now: Now,
        part: &FetchPartition,
        sender: Option<NodeId>,
        turn: Turn,
        out: &mut Out,
    ) -> Result<Found, ErrorCode> {
        let (from, last_epoch) = (Offset(part.fetch_offset), LeaderEpoch(part.last_fetched_epoch));
        let Some(journal) = self.journal() else { return Ok(Found::Wait) };
        let end = journal.log.end();
        let relation = journal.relation(from, last_epoch);
        if let (Some(sender), Role::Leader(role)) = (sender, &mut self.role)
            && mutant::is(Mutant::DivergingVoterCounted)
        {
            role.on_fetched(now, sender, message::read_synced(part).min(end), end);
            self.advance();
        }
        match relation {
            Relation::Diverges(epoch, at) => {
                let diverging = EpochEndOffset::default().with_epoch(epoch.0).with_end_offset(at.0);
                return Ok(Found::Instead(message::fetch_part(&self.standing()).with_diverging_epoch(diverging)));
            }
            Relation::Needs(id) => {
                let id = WireSnapshot::default().with_end_offset(id.offset.0).with_epoch(id.epoch.0);
                return Ok(Found::Instead(message::fetch_part(&self.standing()).with_snapshot_id(id)));
            }
            Relation::Prefix => {}
        }
        // Only now is it sure that what the follower has is what this leader has.
        if let (Turn::First, Some(sender), Role::Leader(role)) = (turn, sender, &mut self.role) {
            let unsynced = mutant::is(Mutant::WatermarkUnsynced);
            let synced = if unsynced { from } else { message::read_synced(part) };
            role.on_fetched(now, sender, synced, end);
            self.advance();
        }
        let max_bytes = usize::try_from(part.partition_max_bytes).unwrap_or(0).min(REPLY_BYTES_MAX);
        let Some(journal) = self.journal_mut() else { return Ok(Found::Wait) };
        match journal.log.read(now, from, end, max_bytes, true, out) {
            Ok(Reading::Ready { records, .. }) => Ok(Found::Records(records)),
            Ok(Reading::Wait) => Ok(Found::Wait),
            Err(why) => Err(why.code),
        }
    }

    fn reply_code(&self, code: ErrorCode) -> Answer<FetchReply> {
        let standing = self.standing();
        let data = message::fetch_part(&standing).with_error_code(code.code());
        reply(message::fetch_reply(&standing, data), Records::Empty)
    }

    fn reply_records(&self, records: Records) -> Answer<FetchReply> {
        let standing = self.standing();
        let data =
            message::fetch_part(&standing).with_high_watermark(self.watermark.0).with_log_start_offset(self.start().0);
        reply(message::fetch_reply(&standing, data), records)
    }
}

fn reply(response: FetchResponse, records: Records) -> Answer<FetchReply> {
    Answer::Reply(FetchReply { response: Box::new(response), records })
}
