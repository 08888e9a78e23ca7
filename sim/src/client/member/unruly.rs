//! What a member does out of turn: it has forgotten where it is, or wants something else than before. The group has to refuse it, or to begin
//! a generation for it (`check/now/asked`); here nobody waits for the answers but to the joins. Or it says that it lives and does not come to
//! a rebalance, or does not ask for its part, until the others go on without it.

use super::ask::KEPT_SO_LONG;
use super::{Member, Purpose, Stage};
use crate::client::Ctx;
use crate::client::link::DATA;
use crate::net::Peer;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{ApiKey, HeartbeatRequest, OffsetCommitRequest, SyncGroupRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

/// A topic that is there, and that no member reads.
const NOBODYS: &str = "__consumer_offsets";

impl Member {
    /// What it says to an assignor.
    pub(super) fn words_to(&self, assignor: &str) -> String {
        if self.words == 0 { assignor.to_string() } else { format!("{assignor}, change {}", self.words) }
    }

    /// What it says anew comes with another session time-out: longer, and never by much.
    pub(super) const fn session(&self) -> i32 {
        self.session_ms + 20 * (self.words % 3) as i32
    }

    /// How long it may be away from a rebalance, likewise.
    pub(super) const fn rebalance(&self) -> i32 {
        self.rebalance_ms + 30 * (self.words % 3) as i32
    }

    /// Whether it does not come, though the others join: for longer than they wait.
    pub(super) fn drags(&mut self, ctx: &Ctx<'_>) -> bool {
        if self.stage != Stage::Stable || self.next_unruly == u64::MAX {
            return false;
        }
        if ctx.now >= self.drags_until && self.me.dice().chance(1, 4) {
            self.drags_until = ctx.now + 2_500 * self.rebalance_ms as u64;
        }
        ctx.now < self.drags_until
    }

    /// It was told its generation, and lets the others wait.
    pub(super) fn dawdle(&mut self, ctx: &Ctx<'_>) {
        if self.stage == Stage::Syncing && self.next_unruly < u64::MAX && self.me.dice().chance(1, 6) {
            self.drags_until = ctx.now + 2_500 * self.rebalance_ms as u64;
        }
    }

    /// It asks twice at once, on two connections: one of them is told to begin anew.
    pub(super) fn join_twice(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, wait: u64) {
        if self.next_unruly == u64::MAX || self.id.is_empty() || !self.me.dice().chance(1, 4) {
            return;
        }
        let request = self.join_request(ctx);
        self.link.ask(ctx, (coordinator, DATA), ApiKey::JoinGroup, 5, request, wait, Purpose::Unruly);
    }

    /// It asks for its part twice at once, likewise.
    pub(super) fn sync_twice(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, request: SyncGroupRequest, wait: u64) {
        if self.next_unruly < u64::MAX && self.me.dice().chance(1, 4) {
            self.link.ask(ctx, (coordinator, DATA), ApiKey::SyncGroup, 3, request, wait, Purpose::Unruly);
        }
    }

    pub(super) fn act_out_of_turn(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        let mut dice = self.me.dice();
        self.next_unruly = ctx.now + 1 + dice.between(self.unruly_us / 2, self.unruly_us * 3 / 2);
        if ctx.now < self.drags_until {
            return;
        }
        // A generation that was, or is to come, or that never is.
        let other = dice.pick(&[self.generation - 1, self.generation - 1, self.generation + 1, -1]);
        match dice.below(6) {
            0 | 1 => {
                let mut request = HeartbeatRequest::default();
                (request.group_id, request.generation_id) = (self.name.clone(), other);
                (request.member_id, request.group_instance_id) = (self.id.clone(), self.instance.clone());
                self.to(ctx, coordinator, ApiKey::Heartbeat, 3, request, self.request_timeout, Purpose::Unruly);
            }
            2 => {
                let mut request = SyncGroupRequest::default();
                (request.group_id, request.generation_id) = (self.name.clone(), other);
                (request.member_id, request.group_instance_id) = (self.id.clone(), self.instance.clone());
                // Or of this one, by an assignor that nobody has, as a group of another kind, or without a word of it.
                let foreign = dice.chance(1, 2);
                if foreign {
                    request.generation_id = self.generation;
                    let nobodys = Some(StrBytes::from_static_str("nobody's"));
                    let own = self.assignors.first().map(|name| StrBytes::from_string(name.clone()));
                    let kind = Some(StrBytes::from_static_str("consumer"));
                    (request.protocol_type, request.protocol_name) = match dice.below(5) {
                        0 | 1 => (nobodys, own),
                        2 | 3 => (kind, nobodys),
                        _ => (kind, None),
                    };
                }
                let version = if foreign { 5 } else { 3 };
                self.to(ctx, coordinator, ApiKey::SyncGroup, version, request, self.request_timeout, Purpose::Unruly);
            }
            3 => self.commit_nobodys(ctx, coordinator, other),
            4 => self.rejoin(ctx),
            _ => {
                self.words += 1;
                self.rejoin(ctx);
            }
        }
    }

    /// It knows its generation and not its part: it commits all the same.
    pub(super) fn hurry(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        if ctx.now < self.next_unruly && self.next_unruly < u64::MAX && self.me.dice().chance(1, 2) {
            self.commit_nobodys(ctx, coordinator, self.generation);
        }
    }

    /// It was told its generation, and asks again as if the answer had been lost.
    pub(super) fn ask_again(&mut self, ctx: &Ctx<'_>) {
        if self.next_unruly < u64::MAX && ctx.now >= self.not_before && self.me.dice().chance(1, 4) {
            self.stage = Stage::Away;
        }
    }

    /// Commits what says nothing of what anybody has read; if what it commits is kept for a while only, this too.
    fn commit_nobodys(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, generation: i32) {
        let mut told = OffsetCommitRequestPartition::default();
        (told.partition_index, told.committed_offset) = (0, 1);
        told.committed_metadata = Some(StrBytes::from_static_str("out of turn"));
        let mut topic = OffsetCommitRequestTopic::default();
        (topic.name, topic.partitions) = (TopicName(StrBytes::from_static_str(NOBODYS)), vec![told]);
        let mut request = OffsetCommitRequest::default();
        (request.group_id, request.generation_id_or_member_epoch) = (self.name.clone(), generation);
        (request.member_id, request.group_instance_id) = (self.id.clone(), self.instance.clone());
        request.topics = vec![topic];
        let mut version = 7;
        if self.kept_ms > 0 {
            (request.retention_time_ms, request.group_instance_id) = (self.kept_ms as i64, None);
            version = KEPT_SO_LONG;
        }
        self.to(ctx, coordinator, ApiKey::OffsetCommit, version, request, self.request_timeout, Purpose::Unruly);
    }
}
