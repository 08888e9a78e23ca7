//! A member of a classic consumer group: joins, takes its part, reads, commits, and heeds rebalances.
//!
//! ```text
//! Away ── coordinator found, JoinGroup answered ──▶ Syncing ── SyncGroup, offsets asked ──▶ Stable ── rebalance ──▶ Away
//! ```

use super::link::{DATA, GROUP};
use super::map::{self, Map, number, place};
use super::subscription::Subscription;
use super::{Client, Ctx, Event, Link, Me, earliest};
use crate::history::{Act, State};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, OffsetFetchResponse, RequestKind, ResponseKind, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const RETRY_US: u64 = 60_000;

#[derive(Debug)]
enum Purpose {
    Map,
    Find,
    Join,
    Sync,
    Offsets { op: u64 },
    Start,
    Poll { op: u64, generation: i32 },
    Commit { op: u64, generation: i32 },
    Heartbeat,
    Leave,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Away,
    Syncing,
    Offsets,
    Stable,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    me: Me,
    group: u32,
    name: GroupId,
    topics: Vec<u32>,
    session_ms: i32,
    rebalance_ms: i32,
    heartbeat_us: u64,
    commit_us: u64,
    rejoin_us: u64,
    request_timeout: u64,
    instance: Option<StrBytes>,
    link: Link<Purpose>,
    map: Map,
    coordinator: Option<Peer>,
    stage: Stage,
    id: StrBytes,
    generation: i32,
    /// As the group's leader: what each member gets.
    parts: Vec<SyncGroupRequestAssignment>,
    subscription: Subscription,
    committed: BTreeMap<u32, i64>,
    not_before: u64,
    poll_after: u64,
    next_heartbeat: u64,
    next_commit: u64,
    next_rejoin: u64,
}

/// The name of a group of the plan.
pub fn group_name(group: u32) -> String {
    format!("g{group}")
}

impl Member {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Member {
            group,
            topics,
            session_ms,
            rebalance_ms,
            heartbeat_us,
            commit_us,
            request_timeout_us,
            instance,
            rejoin_us,
        } = client
        else {
            unreachable!("a member's plan")
        };
        Self {
            group,
            name: GroupId(StrBytes::from(group_name(group))),
            topics,
            session_ms,
            rebalance_ms,
            heartbeat_us,
            commit_us,
            rejoin_us,
            request_timeout: request_timeout_us,
            instance: instance.map(StrBytes::from),
            link: Link::new(me.peer, &format!("member-{}", me.number)),
            map: Map::new(plan, me.peer),
            coordinator: None,
            stage: Stage::Away,
            id: StrBytes::default(),
            generation: -1,
            parts: Vec::new(),
            subscription: Subscription::default(),
            committed: BTreeMap::new(),
            not_before: 0,
            poll_after: 0,
            next_heartbeat: u64::MAX,
            next_commit: u64::MAX,
            next_rejoin: if rejoin_us > 0 { rejoin_us } else { u64::MAX },
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, lost);
        }
        if let Some((node, request)) = self.map.request(ctx) {
            self.link.ask(
                ctx,
                (node, DATA),
                ApiKey::Metadata,
                map::VERSION,
                request,
                self.request_timeout,
                Purpose::Map,
            );
        }
        if ctx.now >= self.not_before && !self.is_asking() {
            self.step(ctx);
        }
        if self.stage == Stage::Stable {
            self.read(ctx);
        }
    }

    /// Whether something of the group's is under way (a poll may be at the same time).
    fn is_asking(&self) -> bool {
        self.link.open().any(|purpose| !matches!(purpose, Purpose::Map | Purpose::Poll { .. } | Purpose::Start))
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
            }
            Stage::Syncing => {
                let mut request = SyncGroupRequest::default();
                request.group_id = self.name.clone();
                request.generation_id = self.generation;
                request.member_id = self.id.clone();
                request.group_instance_id = self.instance.clone();
                request.assignments = self.parts.clone();
                let wait = self.request_timeout + self.rebalance_ms as u64 * 1_000;
                self.to(ctx, coordinator, ApiKey::SyncGroup, 3, request, wait, Purpose::Sync);
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
            Stage::Stable if ctx.now >= self.next_rejoin => {
                self.next_rejoin = ctx.now + self.rejoin_us;
                let mut identity = MemberIdentity::default();
                identity.member_id = self.id.clone();
                identity.group_instance_id = self.instance.clone();
                let mut request = LeaveGroupRequest::default();
                request.group_id = self.name.clone();
                request.members = vec![identity];
                self.to(ctx, coordinator, ApiKey::LeaveGroup, 3, request, self.request_timeout, Purpose::Leave);
            }
            Stage::Stable if ctx.now >= self.next_commit && self.has_news() => self.commit(ctx, coordinator),
            Stage::Stable if ctx.now >= self.next_heartbeat => {
                let mut request = HeartbeatRequest::default();
                request.group_id = self.name.clone();
                request.generation_id = self.generation;
                request.member_id = self.id.clone();
                request.group_instance_id = self.instance.clone();
                self.next_heartbeat = ctx.now + self.heartbeat_us;
                self.to(ctx, coordinator, ApiKey::Heartbeat, 3, request, self.request_timeout, Purpose::Heartbeat);
            }
            Stage::Stable => {}
        }
    }

    fn to(
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

    fn join_request(&self, ctx: &Ctx<'_>) -> JoinGroupRequest {
        let mut protocol = JoinGroupRequestProtocol::default();
        protocol.name = StrBytes::from_static_str("range");
        let names: Vec<String> =
            self.topics.iter().map(|topic| ctx.plan.topics[*topic as usize].name.clone()).collect();
        protocol.metadata = subscription_bytes(&names);
        let mut request = JoinGroupRequest::default();
        request.group_id = self.name.clone();
        request.session_timeout_ms = self.session_ms;
        request.rebalance_timeout_ms = self.rebalance_ms;
        request.member_id = self.id.clone();
        request.group_instance_id = self.instance.clone();
        request.protocol_type = StrBytes::from_static_str("consumer");
        request.protocols = vec![protocol];
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
        request.topics = Some(topics.collect());
        request
    }

    /// Whether there is anything to commit that was not.
    fn has_news(&self) -> bool {
        self.subscription
            .places
            .iter()
            .any(|(partition, at)| at.offset.is_some_and(|offset| self.committed.get(partition) != Some(&offset)))
    }

    fn commit(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        let offsets: Vec<(u32, i64)> =
            self.subscription.places.iter().filter_map(|(partition, at)| Some((*partition, at.offset?))).collect();
        let topics = offsets.iter().map(|(partition, offset)| {
            let (name, index) = place(ctx.plan, *partition);
            let mut told = OffsetCommitRequestPartition::default();
            told.partition_index = index;
            told.committed_offset = *offset;
            told.committed_leader_epoch = -1;
            let mut topic = OffsetCommitRequestTopic::default();
            topic.name = name;
            topic.partitions = vec![told];
            topic
        });
        let mut request = OffsetCommitRequest::default();
        request.group_id = self.name.clone();
        request.generation_id_or_member_epoch = self.generation;
        request.member_id = self.id.clone();
        request.group_instance_id = self.instance.clone();
        request.topics = topics.collect();
        self.next_commit = ctx.now + self.commit_us;
        let op = self.me.invoke(ctx, Act::Commit { group: self.group, generation: self.generation, offsets });
        self.to(
            ctx,
            coordinator,
            ApiKey::OffsetCommit,
            7,
            request,
            self.request_timeout,
            Purpose::Commit { op, generation: self.generation },
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

    fn rejoin(&mut self, ctx: &Ctx<'_>) {
        self.stage = Stage::Away;
        self.not_before = self.not_before.max(ctx.now + 5_000);
    }

    /// An error of the group's: what it means for the membership.
    fn on_error(&mut self, ctx: &Ctx<'_>, code: i16) {
        match Code::try_from_code(code) {
            None => {}
            Some(Code::UnknownMemberId | Code::FencedInstanceId) => {
                self.id = StrBytes::default();
                self.generation = -1;
                self.rejoin(ctx);
            }
            Some(Code::RebalanceInProgress | Code::IllegalGeneration) => self.rejoin(ctx),
            Some(Code::NotCoordinator | Code::CoordinatorNotAvailable) => {
                self.coordinator = None;
                self.not_before = ctx.now + RETRY_US;
            }
            Some(_) => self.not_before = ctx.now + RETRY_US,
        }
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Start => {
                self.map.refresh(ctx);
                self.poll_after = ctx.now + RETRY_US;
            }
            Purpose::Poll { op, .. } => {
                self.me.unknown(ctx, op, "connection lost");
                self.map.refresh(ctx);
                self.poll_after = ctx.now + RETRY_US;
            }
            Purpose::Commit { op, .. } | Purpose::Offsets { op } => {
                self.me.unknown(ctx, op, "connection lost");
                self.lose_coordinator(ctx);
            }
            Purpose::Leave => {
                self.id = StrBytes::default();
                self.rejoin(ctx);
                self.lose_coordinator(ctx);
            }
            Purpose::Find | Purpose::Join | Purpose::Sync | Purpose::Heartbeat => self.lose_coordinator(ctx),
        }
    }

    fn lose_coordinator(&mut self, ctx: &Ctx<'_>) {
        self.coordinator = None;
        self.not_before = ctx.now + RETRY_US;
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Find, ResponseKind::FindCoordinator(answer)) => {
                let known = (1..=ctx.plan.nodes.len() as i32).contains(&answer.node_id.0);
                self.coordinator = (answer.error_code == 0 && known).then(|| (answer.node_id.0 - 1) as Peer);
                if self.coordinator.is_none() {
                    self.not_before = ctx.now + RETRY_US;
                }
            }
            (Purpose::Join, ResponseKind::JoinGroup(answer)) => self.on_joined(ctx, &answer),
            (Purpose::Sync, ResponseKind::SyncGroup(answer)) if answer.error_code == 0 => {
                self.on_synced(ctx, &answer.assignment)
            }
            (Purpose::Sync, ResponseKind::SyncGroup(answer)) => self.on_error(ctx, answer.error_code),
            (Purpose::Offsets { op }, ResponseKind::OffsetFetch(answer)) => self.on_offsets(ctx, op, &answer),
            (Purpose::Start, ResponseKind::ListOffsets(answer)) => {
                self.subscription.on_listed(ctx, &mut self.map, &answer);
                self.poll_after = ctx.now + 5_000;
            }
            (Purpose::Poll { op, generation }, ResponseKind::Fetch(answer)) => {
                // What was fetched for an assignment that is over is not handed to anybody.
                if generation != self.generation || self.stage != Stage::Stable {
                    self.me.unknown(ctx, op, "rebalanced");
                    return;
                }
                let fetched = self.subscription.on_fetched(ctx, &mut self.map, &answer);
                self.poll_after = ctx.now + 10_000;
                self.me.end(ctx, op, State::Ok, Act::Polled { reads: fetched.reads });
            }
            (Purpose::Commit { op, generation }, ResponseKind::OffsetCommit(answer)) => {
                let codes = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|told| told.error_code);
                let wrong = codes.max_by_key(|code| code.unsigned_abs()).unwrap_or(0);
                if wrong != 0 {
                    self.me.unknown(ctx, op, &format!("{:?}", Code::try_from_code(wrong)));
                    self.on_error(ctx, wrong);
                    return;
                }
                self.me.end(ctx, op, State::Ok, Act::Done);
                if generation == self.generation {
                    self.committed = self
                        .subscription
                        .places
                        .iter()
                        .filter_map(|(partition, at)| Some((*partition, at.offset?)))
                        .collect();
                }
            }
            (Purpose::Heartbeat, ResponseKind::Heartbeat(answer)) => self.on_error(ctx, answer.error_code),
            (Purpose::Leave, ResponseKind::LeaveGroup(_)) => {
                self.id = StrBytes::default();
                self.generation = -1;
                self.rejoin(ctx);
            }
            _ => {}
        }
    }

    fn on_joined(&mut self, ctx: &mut Ctx<'_>, answer: &JoinGroupResponse) {
        match Code::try_from_code(answer.error_code) {
            None => {}
            Some(Code::MemberIdRequired) => {
                self.id = answer.member_id.clone();
                return;
            }
            Some(_) => return self.on_error(ctx, answer.error_code),
        }
        self.id = answer.member_id.clone();
        self.generation = answer.generation_id;
        self.stage = Stage::Syncing;
        self.parts = Vec::new();
        if answer.leader == answer.member_id {
            let members: Vec<StrBytes> = answer.members.iter().map(|member| member.member_id.clone()).collect();
            self.parts = self.divide(ctx, &members);
        }
    }

    /// Gives the partitions to the members in turn.
    fn divide(&self, ctx: &Ctx<'_>, members: &[StrBytes]) -> Vec<SyncGroupRequestAssignment> {
        let mine = |topic: usize| self.topics.contains(&(topic as u32));
        let mut parts: Vec<Vec<(String, i32)>> = vec![Vec::new(); members.len()];
        let all = ctx
            .plan
            .partitions()
            .filter(|(topic, _)| ctx.plan.topics.iter().position(|known| known.name == topic.name).is_some_and(mine));
        for (turn, (topic, partition)) in all.enumerate() {
            parts[turn % members.len()].push((topic.name.clone(), partition as i32));
        }
        let assign = |(member, part): (&StrBytes, &Vec<(String, i32)>)| {
            let mut assignment = SyncGroupRequestAssignment::default();
            assignment.member_id = member.clone();
            assignment.assignment = assignment_bytes(part);
            assignment
        };
        members.iter().zip(&parts).map(assign).collect()
    }

    fn on_synced(&mut self, ctx: &mut Ctx<'_>, assignment: &Bytes) {
        let Some(part) = assignment_of(assignment) else {
            ctx.corrupt.push(format!("member {} is told an assignment that cannot be read", self.me.number));
            return;
        };
        let partitions: Vec<u32> = part
            .iter()
            .filter_map(|(topic, partition)| number(ctx.plan, &StrBytes::from(topic.clone()).into(), *partition))
            .collect();
        self.subscription = Subscription::new(partitions.iter().copied());
        self.committed.clear();
        self.me.tell(ctx, Act::Assigned { group: self.group, generation: self.generation, partitions });
        self.stage = Stage::Offsets;
        self.next_heartbeat = ctx.now + self.heartbeat_us;
        self.next_commit = ctx.now + self.commit_us;
    }

    fn on_offsets(&mut self, ctx: &mut Ctx<'_>, op: u64, answer: &OffsetFetchResponse) {
        let all: Vec<_> = answer
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(move |told| (&topic.name, told)))
            .collect();
        let wrong = all.iter().map(|(_, told)| told.error_code).chain([answer.error_code]).find(|code| *code != 0);
        if let Some(code) = wrong {
            self.me.unknown(ctx, op, "refused");
            return self.on_error(ctx, code);
        }
        let offsets: Vec<(u32, i64)> = all
            .iter()
            .filter_map(|(name, told)| Some((number(ctx.plan, name, told.partition_index)?, told.committed_offset)))
            .collect();
        for (partition, offset) in offsets.iter().filter(|(_, offset)| *offset >= 0) {
            if let Some(at) = self.subscription.places.get_mut(partition) {
                at.offset = Some(*offset);
                self.committed.insert(*partition, *offset);
            }
        }
        self.me.end(ctx, op, State::Ok, Act::Told { offsets });
        self.stage = Stage::Stable;
    }
}

/// `ConsumerProtocolSubscription`, version 0.
fn subscription_bytes(topics: &[String]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(topics.len() as i32);
    for topic in topics {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

/// `ConsumerProtocolAssignment`, version 0.
fn assignment_bytes(part: &[(String, i32)]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(part.len() as i32);
    for (topic, partition) in part {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
        bytes.put_i32(1);
        bytes.put_i32(*partition);
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

fn assignment_of(bytes: &Bytes) -> Option<Vec<(String, i32)>> {
    let mut bytes = bytes.clone();
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut part = Vec::new();
    bytes.try_get_i16().ok()?;
    for _ in 0..bytes.try_get_i32().ok()? {
        let len = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        if bytes.len() < len {
            return None;
        }
        let topic = String::from_utf8(bytes.split_to(len).to_vec()).ok()?;
        for _ in 0..bytes.try_get_i32().ok()? {
            part.push((topic.clone(), bytes.try_get_i32().ok()?));
        }
    }
    Some(part)
}

impl Client for Member {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match event {
            Event::Wake => {}
            // Members that come and go would keep the group from its end.
            Event::Quiet => self.next_rejoin = u64::MAX,
            Event::Frame(conn, frame) => {
                if let Some((purpose, answer)) = self.link.on_frame(conn, frame) {
                    self.on_answer(ctx, purpose, answer);
                }
                ctx.corrupt.extend(self.link.garbled.take());
            }
            Event::Closed(conn) => {
                for lost in self.link.on_closed(conn) {
                    self.on_lost(ctx, lost);
                }
            }
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let polling = self.link.open().any(|purpose| matches!(purpose, Purpose::Poll { .. } | Purpose::Start));
        let stable = self.stage == Stage::Stable;
        let can_read = self.subscription.places.keys().any(|partition| self.map.leader(*partition).is_some());
        let reads = (stable && !polling && can_read).then_some(self.poll_after);
        let commits = self.has_news().then_some(self.next_commit);
        let next = if stable && self.coordinator.is_some() {
            earliest([commits, Some(self.next_heartbeat), Some(self.next_rejoin)])
        } else {
            Some(0)
        };
        let steps = next.filter(|_| !self.is_asking()).map(|at| at.max(self.not_before));
        earliest([self.link.next_deadline(), self.map.next_wake(), reads, steps])
    }

    fn settled(&self) -> Result<(), String> {
        if self.stage != Stage::Stable {
            return Err(format!("member {} is {:?} in generation {}", self.me.number, self.stage, self.generation));
        }
        let behind = self
            .subscription
            .places
            .iter()
            .find(|(_, at)| at.offset.is_none() || at.end.is_none() || at.offset < at.end);
        behind.map_or(Ok(()), |(partition, at)| {
            Err(format!("member {} stands at {:?} of {:?} in partition {partition}", self.me.number, at.offset, at.end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_as_it_was_written() {
        let part = vec![("t0".to_string(), 1), ("t1".to_string(), 0)];
        assert_eq!(assignment_of(&assignment_bytes(&part)), Some(part));
        assert_eq!(assignment_of(&Bytes::new()), Some(Vec::new()));
        assert_eq!(assignment_of(&Bytes::from_static(&[0, 0, 0, 0, 0, 9])), None);
    }
}
