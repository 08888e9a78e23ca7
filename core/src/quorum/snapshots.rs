//! Snapshots of the metadata (KIP-630): written for the layer above, given to followers piece by piece, taken over.

use super::answer::{Answer, Turn};
use super::calls::Asked;
use super::hear::Heard;
use super::machine::Quorum;
use super::message::{self, Piece};
use super::role::Role;
use super::snapshot_file::{self, SnapshotId};
use super::stage::{Purpose, SNAPSHOT_BYTES_MAX};
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset};
use crate::io::{DiskFault, DiskOp, FileName, Lane, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, FetchSnapshotRequest, FetchSnapshotResponse, RequestKind};

/// Most bytes of a snapshot in one reply, whatever is asked for.
const PIECE_BYTES_MAX: usize = 8 << 20;

impl Quorum {
    /// Writes the state as of `offset` (exclusive, and given out before), whose last record has `epoch`; afterwards the
    /// log's old prefix is cut. Ignored while another one is written, or if there is a later one.
    pub fn write_snapshot(&mut self, offset: Offset, epoch: LeaderEpoch, bytes: Bytes, out: &mut Out) {
        assert!(offset <= self.drain.next, "a snapshot at {offset} of what was not given out");
        let id = SnapshotId { offset, epoch };
        let Some(journal) = self.journal() else { return };
        if self.writing_snapshot || journal.newest_snapshot().is_some_and(|newest| newest.offset >= offset) {
            return;
        }
        self.writing_snapshot = true;
        self.behind_snapshot = 0;
        let file = snapshot_file::wrap(&bytes);
        let (name, size) = (FileName::MetadataSnapshot(offset, epoch.0), file.len() as u64);
        self.disk(Purpose::WriteSnapshot(id, size), DiskOp::Replace { file: Self::file(name), bytes: file }, out);
    }

    pub(super) fn on_snapshot_written(&mut self, now: Now, id: SnapshotId, size: u64, out: &mut Out) {
        self.writing_snapshot = false;
        self.changes.snapshot = true;
        let closing = self.closing;
        let Some(journal) = self.journal_mut() else { return };
        if journal.newest_snapshot().is_some_and(|newest| newest.offset >= id.offset) {
            // One from the leader came in between, perhaps the very same.
            if !journal.snapshots.contains_key(&id) {
                self.delete_snapshots([id].into(), out);
            }
            return;
        }
        journal.snapshots.insert(id, size);
        let dropped = if closing { Vec::new() } else { journal.trim(now) };
        self.delete_snapshots(dropped, out);
    }

    pub(super) fn delete_snapshots(&mut self, ids: Vec<SnapshotId>, out: &mut Out) {
        for id in ids {
            let file = Self::file(FileName::MetadataSnapshot(id.offset, id.epoch.0));
            self.disk(Purpose::DeleteSnapshot, DiskOp::Delete { file }, out);
        }
    }

    /// Has the snapshot's file read, unless it is already on its way.
    pub(super) fn warm_up(&mut self, id: SnapshotId, out: &mut Out) {
        if !self.disk.values().any(|purpose| *purpose == Purpose::ReadSnapshot(id)) {
            self.read_snapshot(id, out);
        }
    }

    pub(super) fn read_snapshot(&mut self, id: SnapshotId, out: &mut Out) {
        let file = Self::file(FileName::MetadataSnapshot(id.offset, id.epoch.0));
        let len = u32::try_from(SNAPSHOT_BYTES_MAX).unwrap_or(u32::MAX);
        self.disk(Purpose::ReadSnapshot(id), DiskOp::Read { file, at: 0, len }, out);
    }

    pub(super) fn on_snapshot_read(&mut self, now: Now, id: SnapshotId, file: Bytes) {
        match snapshot_file::unwrap(&file) {
            Ok(_) => {
                self.warm_snapshot = Some((id, file, now.mono));
                self.changes.readable = true;
                self.changes.ask_again = true;
            }
            Err(why) => self.fail(format!("snapshot {id} is {why}")),
        }
    }

    /// It may have been deleted meanwhile: whoever waits for it is told so. What this node itself is to begin with it needs.
    pub(super) fn on_snapshot_unread(&mut self, id: SnapshotId, fault: DiskFault, out: &mut Out) {
        if self.drain.snapshot == Some(id) {
            return self.fail(format!("snapshot {id} cannot be read: {fault}"));
        }
        if fault != DiskFault::Missing {
            let text = format!("snapshot {id} cannot be read for a follower: {fault}");
            out.note(Note::Text { topic: "quorum", text });
        }
        self.unreadable = Some(id);
        self.changes.ask_again = true;
    }

    /// # Errors in the reply
    /// `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST` for the whole; `UNKNOWN_TOPIC_OR_PARTITION`, `FENCED_LEADER_EPOCH`,
    /// `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`, `SNAPSHOT_NOT_FOUND`, `POSITION_OUT_OF_RANGE` for the partition.
    pub fn on_fetch_snapshot(
        &mut self,
        now: Now,
        request: &FetchSnapshotRequest,
        turn: Turn,
        out: &mut Out,
    ) -> Answer<FetchSnapshotResponse> {
        if self.journal().is_none() {
            return Answer::Wait;
        }
        let whole = |code: ErrorCode| Answer::Reply(FetchSnapshotResponse::default().with_error_code(code.code()));
        if !self.is_our_cluster(request.cluster_id.as_ref()) {
            return whole(ErrorCode::InconsistentClusterId);
        }
        let topic = message::only(&request.topics);
        let Some((topic, part)) = topic.and_then(|topic| Some((topic, message::only(&topic.partitions)?))) else {
            return whole(ErrorCode::InvalidRequest);
        };
        let id = SnapshotId { offset: Offset(part.snapshot_id.end_offset), epoch: LeaderEpoch(part.snapshot_id.epoch) };
        let refuse =
            |quorum: &Self, code| Answer::Reply(message::snapshot_reply(Some(code), &quorum.standing(), id, None));
        if !message::is_metadata(&topic.name, part.partition) {
            return refuse(self, ErrorCode::UnknownTopicOrPartition);
        }
        if let Some(code) = self.refuse_follower(LeaderEpoch(part.current_leader_epoch)) {
            return refuse(self, code);
        }
        let size = self.journal().and_then(|journal| journal.snapshots.get(&id).copied());
        let Some(size) = size else { return refuse(self, ErrorCode::SnapshotNotFound) };
        let Some(position) = u64::try_from(part.position).ok().filter(|at| *at < size) else {
            return refuse(self, ErrorCode::PositionOutOfRange);
        };
        if let (Turn::First, Some(sender), Role::Leader(role)) =
            (turn, message::node(request.replica_id), &mut self.role)
            && !mutant::is(Mutant::SnapshotFetchNotAlive)
        {
            role.on_alive(now.mono, sender);
        }
        match &mut self.warm_snapshot {
            Some((warm, file, used)) if *warm == id => {
                *used = now.mono;
                let from = if mutant::is(Mutant::SnapshotFromStart) {
                    0
                } else {
                    usize::try_from(position).unwrap_or(usize::MAX).min(file.len())
                };
                let wanted = usize::try_from(request.max_bytes).unwrap_or(0).min(PIECE_BYTES_MAX);
                let until = from.saturating_add(wanted).min(file.len());
                let found = (file.len() as i64, part.position, file.slice(from..until));
                Answer::Reply(message::snapshot_reply(None, &self.standing(), id, Some(found)))
            }
            Some(_) | None if turn == Turn::Last || turn == Turn::Again && self.unreadable == Some(id) => {
                refuse(self, ErrorCode::KafkaStorageError)
            }
            Some(_) | None => {
                self.unreadable = self.unreadable.filter(|unreadable| *unreadable != id);
                self.warm_up(id, out);
                Answer::Wait
            }
        }
    }

    /// Asks for the next piece.
    pub(super) fn fetch_snapshot(&mut self, now: Now, leader: NodeId, id: SnapshotId, position: usize, out: &mut Out) {
        let epoch = self.epoch();
        let max_bytes = i32::try_from(self.config.snapshot_bytes).unwrap_or(i32::MAX);
        let piece = Piece { epoch, id, position: i64::try_from(position).unwrap_or(i64::MAX) };
        let request = message::snapshot_request(self.cluster(), self.config.node, piece, max_bytes);
        let asked = Asked::Snapshot { epoch, id, position };
        self.call(now, leader, asked, ApiKey::FetchSnapshot, RequestKind::FetchSnapshot(request), out);
    }

    pub(super) fn on_snapshot_reply(
        &mut self,
        now: Now,
        from: NodeId,
        asked: Asked,
        reply: &FetchSnapshotResponse,
        out: &mut Out,
    ) {
        let part = message::only(&reply.topics).and_then(|topic| message::only(&topic.partitions));
        let Some(part) = part.filter(|_| reply.error_code == 0) else { return self.on_call_failed(now, from, asked) };
        let (leader, epoch) =
            (message::node(part.current_leader.leader_id), LeaderEpoch(part.current_leader.leader_epoch));
        if self.hear(now, part.error_code, leader, epoch, out) == Heard::Moved {
            return;
        }
        let Asked::Snapshot { id, position, .. } = asked else { return };
        let Role::Follower(role) = &mut self.role else { return };
        let Some(download) = role.download.as_mut().filter(|d| d.id == id && d.bytes.len() == position && !d.writing)
        else {
            return;
        };
        let size = usize::try_from(part.size).ok().filter(|size| *size as u64 <= SNAPSHOT_BYTES_MAX);
        let fits = size.is_some_and(|size| part.unaligned_records.len() <= size.saturating_sub(position));
        if part.error_code != 0 || part.position != position as i64 || part.unaligned_records.is_empty() || !fits {
            // The leader has it no more, or sends what cannot be: the next Fetch says what to do.
            role.download = None;
            self.on_call_failed(now, from, asked);
            return;
        }
        download.bytes.extend_from_slice(&part.unaligned_records);
        let whole = Some(download.bytes.len()) == size || mutant::is(Mutant::InstallCutShortBelieved);
        role.heard = true;
        role.fetch_until = now.mono + self.config.fetch_timeout;
        self.calls.on_answered(from, Lane::QuorumFetch);
        if whole {
            self.install(id, out);
        }
    }

    /// The whole file is here.
    fn install(&mut self, id: SnapshotId, out: &mut Out) {
        let Role::Follower(role) = &mut self.role else { return };
        let Some(download) = &mut role.download else { return };
        let file = Bytes::from(core::mem::take(&mut download.bytes));
        if let Err(why) = snapshot_file::unwrap(&file)
            && !mutant::is(Mutant::InstallCutShortBelieved)
        {
            out.note(Note::Text { topic: "quorum", text: format!("the leader's snapshot {id} is {why}") });
            role.download = None;
            return;
        }
        download.writing = true;
        let name = FileName::MetadataSnapshot(id.offset, id.epoch.0);
        let op = DiskOp::Replace { file: Self::file(name), bytes: file.clone() };
        self.disk(Purpose::InstallSnapshot(id, file), op, out);
    }

    /// The leader's snapshot lies on disk: the log begins anew where it ends. Only now, for until then the log is
    /// what this node promised to keep.
    pub(super) fn on_snapshot_installed(&mut self, now: Now, id: SnapshotId, file: Bytes, out: &mut Out) {
        if let Role::Follower(role) = &mut self.role {
            role.download = None;
        }
        let watermark = self.watermark;
        let Some(journal) = self.journal_mut() else { return };
        if !journal.log.is_open() {
            // The node is stopping, and closed the log meanwhile: the next start goes on as after a crash at this place.
            return;
        }
        if id.offset <= watermark {
            // The role changed while it was written: the log caught up by itself, or took the very same snapshot twice.
            if !journal.snapshots.contains_key(&id) {
                self.delete_snapshots([id].into(), out);
            }
            return;
        }
        journal.log.restart_at(now, id.offset, out);
        let older: Vec<SnapshotId> = core::mem::take(&mut journal.snapshots).into_keys().collect();
        journal.snapshots.insert(id, file.len() as u64);
        self.behind_snapshot = 0;
        self.delete_snapshots(older, out);
        self.warm_snapshot = Some((id, file, now.mono));
        self.drain.begin_with(id);
        self.raise_watermark(id.offset);
        self.changes.readable = true;
    }
}
