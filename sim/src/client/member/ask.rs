//! What a member asks, and when.

use super::{Member, Purpose, Stage};
use crate::client::Ctx;
use crate::client::assignment::subscription_bytes;
use crate::client::link::{DATA, GROUP};
use crate::client::map::place;
use crate::history::Act;
use crate::net::Peer;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    ApiKey, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest,
    OffsetFetchRequest, RequestKind, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

/// The last version of OffsetCommit that says how long it is to be kept.
pub(super) const KEPT_SO_LONG: i16 = 4;

impl Member {
    pub(super) fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, lost);
        }
        self.map.ask(ctx, &mut self.link, self.request_timeout, Purpose::Map);
        if ctx.now >= self.not_before && !self.is_asking() {
            self.step(ctx);
        }
        if self.stage == Stage::Stable {
            self.read(ctx);
        }
    }

    /// Whether something of the group's is under way (a poll may be at the same time).
    pub(super) fn is_asking(&self) -> bool {
        self.link
            .open()
            .any(|purpose| !matches!(purpose, Purpose::Map | Purpose::Poll { .. } | Purpose::Start | Purpose::Unruly))
    }

    fn step(&mut self, ctx: &mut Ctx<'_>) {
        let Some(coordinator) = self.coordinator else {
            let mut request = FindCoordinatorRequest::default();
            request.key = self.name.0.clone();
            let node = self.map.any();
            self.link.ask(ctx, (node, DATA), ApiKey::FindCoordinator, 3, request, self.request_timeout, Purpose::Find);
            return;
        };
        match self.stage {
            Stage::Away => {
                let wait = self.request_timeout + self.rebalance_ms as u64 * 1_000;
                self.to(ctx, coordinator, ApiKey::JoinGroup, 5, self.join_request(ctx), wait, Purpose::Join);
                self.join_twice(ctx, coordinator, wait);
            }
            // It says that it lives, and does not ask for its part.
            Stage::Syncing if ctx.now < self.drags_until => self.beat(ctx, coordinator),
            Stage::Syncing => {
                self.hurry(ctx, coordinator);
                let mut request = SyncGroupRequest::default();
                request.group_id = self.name.clone();
                request.generation_id = self.generation;
                request.member_id = self.id.clone();
                request.group_instance_id = self.instance.clone();
                request.assignments = self.parts.clone();
                let wait = self.request_timeout + self.rebalance_ms as u64 * 1_000;
                self.to(ctx, coordinator, ApiKey::SyncGroup, 3, request.clone(), wait, Purpose::Sync);
                self.sync_twice(ctx, coordinator, request, wait);
            }
            Stage::Offsets => {
                let op = self.me.invoke(ctx, Act::Ask { group: self.group });
                let request = self.offsets_request(ctx);
                self.to(
                    ctx,
                    coordinator,
                    ApiKey::OffsetFetch,
                    5,
                    request,
                    self.request_timeout,
                    Purpose::Offsets { op },
                );
            }
            Stage::Stable if ctx.now >= self.next_rejoin || self.is_leaving(ctx.now) => {
                self.next_rejoin = ctx.now.saturating_add(if self.rejoin_us > 0 { self.rejoin_us } else { u64::MAX });
                let mut identity = MemberIdentity::default();
                if !self.by_name {
                    identity.member_id = self.id.clone();
                }
                identity.group_instance_id = self.instance.clone();
                let mut request = LeaveGroupRequest::default();
                request.group_id = self.name.clone();
                request.members = vec![identity];
                self.to(ctx, coordinator, ApiKey::LeaveGroup, 3, request, self.request_timeout, Purpose::Leave);
            }
            Stage::Stable if ctx.now >= self.next_unruly => self.act_out_of_turn(ctx, coordinator),
            Stage::Stable if self.before.is_some() && self.has_news() => {
                let generation = self.before.take().unwrap_or(self.generation);
                self.commit(ctx, coordinator, generation);
            }
            Stage::Stable if ctx.now >= self.next_commit && self.has_news() => {
                self.commit(ctx, coordinator, self.generation);
            }
            Stage::Stable if ctx.now >= self.next_heartbeat => self.beat(ctx, coordinator),
            Stage::Stable => {}
        }
    }

    fn beat(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        let mut request = HeartbeatRequest::default();
        request.group_id = self.name.clone();
        request.generation_id = self.generation;
        request.member_id = self.id.clone();
        request.group_instance_id = self.instance.clone();
        self.next_heartbeat = ctx.now + self.heartbeat_us;
        if self.stage == Stage::Syncing {
            self.not_before = self.next_heartbeat;
        }
        self.to(ctx, coordinator, ApiKey::Heartbeat, 3, request, self.request_timeout, Purpose::Heartbeat);
    }

    pub(super) fn to(
        &mut self,
        ctx: &mut Ctx<'_>,
        node: Peer,
        key: ApiKey,
        version: i16,
        request: impl Into<RequestKind>,
        timeout: u64,
        purpose: Purpose,
    ) {
        self.link.ask(ctx, (node, GROUP), key, version, request, timeout, purpose);
    }

    pub(super) fn join_request(&self, ctx: &Ctx<'_>) -> JoinGroupRequest {
        let names: Vec<String> =
            self.topics.iter().map(|topic| ctx.plan.topics[*topic as usize].name.clone()).collect();
        let protocols = self.assignors.iter().map(|assignor| {
            let mut protocol = JoinGroupRequestProtocol::default();
            protocol.name = StrBytes::from(assignor.clone());
            // To each it says something else.
            protocol.metadata = subscription_bytes(&names, &self.words_to(assignor));
            protocol
        });
        let mut request = JoinGroupRequest::default();
        request.group_id = self.name.clone();
        request.session_timeout_ms = self.session();
        request.rebalance_timeout_ms = self.rebalance();
        request.member_id = self.id.clone();
        request.group_instance_id = self.instance.clone();
        request.protocol_type = StrBytes::from_static_str("consumer");
        request.protocols = protocols.collect();
        request
    }

    fn offsets_request(&self, ctx: &Ctx<'_>) -> OffsetFetchRequest {
        let topics = self.subscription.places.keys().map(|partition| {
            let (name, index) = place(ctx.plan, *partition);
            let mut topic = OffsetFetchRequestTopic::default();
            topic.name = name;
            topic.partition_indexes = vec![index];
            topic
        });
        let mut request = OffsetFetchRequest::default();
        request.group_id = self.name.clone();
        request.topics = (!self.asks_all).then(|| topics.collect());
        request
    }

    /// Whether there is anything to commit that was not.
    pub(super) fn has_news(&self) -> bool {
        self.subscription
            .places
            .iter()
            .any(|(partition, at)| at.offset.is_some_and(|offset| self.committed.get(partition) != Some(&offset)))
    }

    fn commit(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, generation: i32) {
        let offsets: Vec<(u32, i64)> =
            self.subscription.places.iter().filter_map(|(partition, at)| Some((*partition, at.offset?))).collect();
        let topics = offsets.iter().map(|(partition, offset)| {
            let (name, index) = place(ctx.plan, *partition);
            let mut told = OffsetCommitRequestPartition::default();
            told.partition_index = index;
            told.committed_offset = *offset;
            told.committed_leader_epoch = if self.kept_ms > 0 { -1 } else { self.map.epoch(*partition) };
            told.committed_metadata = Some(StrBytes::from(format!("{offset} as {} knows", self.me.number)));
            let mut topic = OffsetCommitRequestTopic::default();
            topic.name = name;
            topic.partitions = vec![told];
            topic
        });
        let mut request = OffsetCommitRequest::default();
        request.group_id = self.name.clone();
        request.generation_id_or_member_epoch = generation;
        request.member_id = self.id.clone();
        request.topics = topics.collect();
        // How long they are to be kept only old versions say, which know of no instances and no leader epochs.
        let version = if self.kept_ms > 0 {
            request.retention_time_ms = self.kept_ms as i64;
            KEPT_SO_LONG
        } else {
            request.group_instance_id = self.instance.clone();
            7
        };
        self.next_commit = ctx.now + self.commit_us;
        let op = self.me.invoke(ctx, Act::Commit { group: self.group, generation, offsets, expires: self.kept_ms > 0 });
        self.to(
            ctx,
            coordinator,
            ApiKey::OffsetCommit,
            version,
            request,
            self.request_timeout,
            Purpose::Commit { op, generation },
        );
    }

    fn read(&mut self, ctx: &mut Ctx<'_>) {
        let busy = self.link.open().any(|purpose| matches!(purpose, Purpose::Poll { .. } | Purpose::Start));
        if busy || ctx.now < self.poll_after {
            return;
        }
        if let Some((leader, request)) = self.subscription.list(ctx, &self.map) {
            self.link.ask(ctx, (leader, DATA), ApiKey::ListOffsets, 5, request, self.request_timeout, Purpose::Start);
        } else if let Some((leader, request)) = self.subscription.fetch(ctx, &self.map, 1 << 20, 100) {
            let op = self.me.invoke(ctx, Act::Poll { assigned: false });
            self.link.ask(
                ctx,
                (leader, DATA),
                ApiKey::Fetch,
                12,
                request,
                self.request_timeout,
                Purpose::Poll { op, generation: self.generation },
            );
        }
    }
}
