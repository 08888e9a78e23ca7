//! Fetching from the leader: append what it sends, cut what it does not have, take its snapshot.

use super::calls::Asked;
use super::download::Download;
use super::hear::Heard;
use super::machine::Quorum;
use super::message::{self, LogEnd};
use super::role::Role;
use super::snapshot_file::SnapshotId;
use crate::error::Refusal;
use crate::id::{LeaderEpoch, NodeId, Offset};
use crate::io::{Lane, Note, Out};
use crate::limits::REPLICA_AHEAD_MAX;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Span};
use alloc::format;
use bytes::Bytes;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{ApiKey, FetchResponse, RequestKind};

/// How long the leader holds a Fetch for which it has no news (Kafka's `MAX_FETCH_WAIT_MS`).
const WAIT_MAX: Span = Span::from_millis(500);
/// Fetches that fail in a row before the leader counts as probably gone.
const FAILED_MAX: u32 = 3;

impl Quorum {
    /// The next Fetch, or the next piece of a snapshot. A Fetch tells how far this node's log is on its stable storage,
    /// so it waits for the write before it; not for long, or a slow disk would look like a dead node.
    pub(super) fn fetch_from(&mut self, now: Now, leader: NodeId, out: &mut Out) {
        let Some(journal) = self.journal() else { return };
        let written = journal.log.synced() >= journal.log.end();
        let settled = journal.log.is_settled();
        if let Role::Follower(role) = &mut self.role {
            if written {
                role.ahead = 0;
            }
            if written || role.wait_until.is_some_and(|at| at <= now.mono) {
                role.wait_until = None;
            }
            if let Some(download) = &role.download {
                let (id, position, writing) = (download.id, download.bytes.len(), download.writing);
                if !writing {
                    self.fetch_snapshot(now, leader, id, position, out);
                }
                return;
            }
            let more = role.more && role.ahead < REPLICA_AHEAD_MAX;
            if !settled || !more && role.wait_until.is_some() {
                return;
            }
        }
        self.fetch(now, leader, out);
    }

    /// How long the leader may wait for news: whoever gives up the call before, or the leader itself, never hears that it lives.
    fn fetch_wait(&self) -> Span {
        WAIT_MAX.min(Span(self.config.fetch_timeout.0 / 4)).min(Span(self.config.request_timeout.0 / 2))
    }

    fn fetch(&mut self, now: Now, to: NodeId, out: &mut Out) {
        let Some(journal) = self.journal() else { return };
        let (end, synced, start) = (journal.log.end(), journal.log.synced(), journal.log.start());
        let log = LogEnd { end, last_epoch: journal.last_epoch(), synced, start, watermark: self.watermark };
        let epoch = self.epoch();
        let wait = self.fetch_wait();
        let max_bytes = i32::try_from(self.config.fetch_bytes).unwrap_or(i32::MAX);
        let limits = (i32::try_from(wait.as_millis()).unwrap_or(0), max_bytes);
        let request = message::fetch_request(self.cluster(), self.config.node, epoch, log, limits);
        self.call(now, to, Asked::Fetch { epoch, from: end }, ApiKey::Fetch, RequestKind::Fetch(request), out);
    }

    /// An observer that knows no leader asks the voters in turn: whoever knows, tells.
    pub(super) fn seek_leader(&mut self, now: Now, out: &mut Out) {
        if self.calls.is_lane_busy(Lane::QuorumFetch) {
            return;
        }
        let count = self.config.voters.len();
        for _ in 0..count {
            let guide = self.config.voters.get(self.next_guide % count).map(|voter| voter.id);
            self.next_guide = self.next_guide.wrapping_add(1);
            if let Some(guide) = guide
                && self.calls.may(now.mono, guide, Lane::QuorumFetch)
            {
                self.fetch(now, guide, out);
                return;
            }
        }
    }

    pub(super) fn on_fetch_reply(
        &mut self,
        now: Now,
        from: NodeId,
        asked: Asked,
        reply: &FetchResponse,
        checks: &[Result<(), Refusal>],
        out: &mut Out,
    ) {
        let part = message::only(&reply.responses).and_then(|topic| message::only(&topic.partitions));
        let Some(part) = part.filter(|_| reply.error_code == 0) else { return self.on_call_failed(now, from, asked) };
        let (leader, epoch) =
            (message::node(part.current_leader.leader_id), LeaderEpoch(part.current_leader.leader_epoch));
        let heard = self.hear(now, part.error_code, leader, epoch, out);
        let Role::Follower(role) = &mut self.role else {
            if part.error_code != 0 || heard == Heard::GoOn {
                self.on_call_failed(now, from, asked);
            }
            return;
        };
        if heard == Heard::Moved {
            if part.error_code != 0 && role.leader == from {
                self.on_call_failed(now, from, asked);
            }
            return;
        }
        if part.error_code != 0 {
            self.on_call_failed(now, from, asked);
            return;
        }
        if role.leader != from {
            return;
        }
        role.heard = true;
        role.fetch_until = now.mono + self.config.fetch_timeout;
        self.calls.on_answered(from, Lane::QuorumFetch);
        if self.take(now, asked, part, checks, out).is_none() {
            self.on_call_failed(now, from, asked);
        }
    }

    /// Does what the leader's answer says; `None`: it cannot be.
    fn take(
        &mut self,
        now: Now,
        asked: Asked,
        part: &PartitionData,
        checks: &[Result<(), Refusal>],
        out: &mut Out,
    ) -> Option<()> {
        if part.diverging_epoch.epoch >= 0 || part.diverging_epoch.end_offset >= 0 {
            let (epoch, end) = (LeaderEpoch(part.diverging_epoch.epoch), Offset(part.diverging_epoch.end_offset));
            return self.cut(now, epoch, end, out);
        }
        if part.snapshot_id.epoch >= 0 || part.snapshot_id.end_offset >= 0 {
            let id =
                SnapshotId { offset: Offset(part.snapshot_id.end_offset), epoch: LeaderEpoch(part.snapshot_id.epoch) };
            return self.begin_download(id, out);
        }
        let records = part.records.clone().unwrap_or_default();
        if !records.is_empty() {
            if !matches!(checks.first(), None | Some(Ok(()))) {
                return None;
            }
            self.append_fetched(now, asked, records, out)?;
        } else if let Role::Follower(role) = &mut self.role {
            role.more = false;
        }
        let end = self.journal()?.log.end();
        self.raise_watermark(Offset(part.high_watermark).min(end));
        Some(())
    }

    fn append_fetched(&mut self, now: Now, asked: Asked, records: Bytes, out: &mut Out) -> Option<()> {
        let epoch = self.epoch();
        let wait = self.fetch_wait();
        // A reply of at least half of what was asked for is probably full: there is more.
        let len = records.len();
        let full = len >= self.config.fetch_bytes as usize / 2;
        let journal = self.journal_mut()?;
        let Asked::Fetch { from, .. } = asked else { return None };
        if from != journal.log.end() || !journal.continues(&records, epoch) {
            return None;
        }
        journal.log.append_replica(now, records, out).ok()?;
        if let Role::Follower(role) = &mut self.role {
            role.more = full;
            role.ahead = role.ahead.saturating_add(len);
            role.wait_until = Some(now.mono + wait);
        }
        Some(())
    }

    /// The leader's records of `epoch` end at `end`: what this log has beyond the common part is cut.
    fn cut(&mut self, now: Now, epoch: LeaderEpoch, end: Offset, out: &mut Out) -> Option<()> {
        let watermark = self.watermark;
        if epoch < LeaderEpoch(0) || end < Offset::ZERO {
            return None;
        }
        let journal = self.journal_mut()?;
        let to = if mutant::is(Mutant::TruncateToWatermark) { watermark } else { journal.common_end(epoch, end) };
        if to < watermark {
            out.note(Note::Text {
                topic: "quorum",
                text: format!("the leader would cut the log to {to}, below the watermark {watermark}"),
            });
            return None;
        }
        if to >= journal.log.end() {
            return None;
        }
        journal.log.truncate(now, to, out);
        assert!(journal.log.end() <= to, "the log was cut to {to} and ends at {}", journal.log.end());
        if journal.log.end() < watermark {
            self.fail(format!("the metadata log has no batch that ends at {to}"));
        }
        Some(())
    }

    fn begin_download(&mut self, id: SnapshotId, out: &mut Out) -> Option<()> {
        if id.offset <= self.watermark || id.epoch < LeaderEpoch(0) || id.epoch > self.epoch() {
            out.note(Note::Text {
                topic: "quorum",
                text: format!("the leader offers snapshot {id}, which has nothing new"),
            });
            return None;
        }
        if let Role::Follower(role) = &mut self.role {
            role.download = Some(Download::new(id));
        }
        Some(())
    }

    /// A call was not answered, or not with what was asked for.
    pub(super) fn on_call_failed(&mut self, now: Now, to: NodeId, asked: Asked) {
        let failed = self.calls.on_failed(now.mono, to, asked.lane(), self.config.retry_backoff);
        // A leader that cannot be reached, or no longer is one, is given up sooner than one that is merely silent: asking
        // whether another could be elected (pre-vote) disturbs nobody.
        let patience = Span(self.rng.below(self.config.election_timeout.0 / 4));
        if let Role::Follower(role) = &mut self.role
            && role.leader == to
            && asked.lane() == Lane::QuorumFetch
            && failed >= FAILED_MAX
        {
            role.heard = false;
            role.fetch_until = role.fetch_until.min(now.mono + patience);
        }
        match (&mut self.role, asked) {
            // It is only a courtesy.
            (Role::Resigned(role), Asked::End { .. }) => {
                role.untold.remove(&to);
            }
            // Who cannot be reached will not vote either: better to ask everybody again soon than to wait for one that died.
            (Role::Prospective(role), Asked::Vote { pre: true, .. }) => role.tally.record(to, false),
            _ => {}
        }
    }
}
