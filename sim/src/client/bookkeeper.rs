//! A bookkeeper: keeps offsets in a group that has no members, as tools do that reset and delete them. It commits (some so that they expire,
//! soon or in days), takes single offsets back, deletes the group, and asks what is there: one thing after the other.

use super::link::{DATA, GROUP};
use super::map::{number, place};
use super::member::{ORPHANS, group_name};
use super::{Client, Ctx, Event, Heard, Link, Me, earliest};
use crate::dice::Dice;
use crate::history::{Act, State};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    ApiKey, DeleteGroupsRequest, FindCoordinatorRequest, GroupId, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, RequestKind, ResponseKind,
};
use kafka_protocol::protocol::StrBytes;

/// Until it asks again after an error.
const RETRY_US: u64 = 20_000;
/// The last version of OffsetCommit that says how long an offset is kept, and one that does not.
const KEPT_SO_LONG: i16 = 4;
const KEPT: i16 = 7;
/// Longer than clocks jump.
const TWO_DAYS_MS: i64 = 172_800_000;

#[derive(Debug)]
enum Purpose {
    Find,
    Commit { op: u64 },
    Ask { op: u64 },
    Forget { op: u64 },
}

/// Who keeps offsets without members.
#[derive(Debug)]
pub struct Bookkeeper {
    me: Me,
    group: u32,
    name: GroupId,
    pause_us: u64,
    /// Of what is deleted by a request that has no answer nobody knows for how long it is there: some delete nothing.
    deletes: bool,
    request_timeout: u64,
    partitions: u32,
    nodes: u64,
    link: Link<Purpose>,
    coordinator: Option<Peer>,
    /// The offset that it commits next: of two the later one is the higher.
    offset: i64,
    next: u64,
    quiet: bool,
}

impl Bookkeeper {
    pub fn new(plan: &Plan, client: &ClientPlan, me: Me) -> Self {
        let ClientPlan::Bookkeeper { group, pause_us, deletes, request_timeout_us } = client else {
            unreachable!("a bookkeeper's plan")
        };
        Self {
            group: *group,
            name: GroupId(StrBytes::from(group_name(*group))),
            pause_us: *pause_us,
            deletes: *deletes,
            request_timeout: *request_timeout_us,
            partitions: plan.partitions().count() as u32,
            nodes: plan.nodes.len() as u64,
            link: Link::new(me.peer, "bookkeeper"),
            coordinator: None,
            offset: 0,
            next: *pause_us,
            quiet: false,
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, &lost);
        }
        if self.quiet || ctx.now < self.next || self.link.open().next().is_some() {
            return;
        }
        let mut dice = self.me.dice();
        let Some(coordinator) = self.coordinator else {
            let mut request = FindCoordinatorRequest::default();
            request.key = self.name.0.clone();
            let node = dice.below(self.nodes) as Peer;
            let wait = self.request_timeout;
            return self.link.ask(ctx, (node, DATA), ApiKey::FindCoordinator, 3, request, wait, Purpose::Find);
        };
        self.next = ctx.now + 1 + dice.between(self.pause_us / 2, self.pause_us * 3 / 2);
        match dice.below(if self.deletes { 8 } else { 6 }) {
            0..=2 => self.commit(ctx, coordinator, &mut dice),
            3..=5 => self.ask_all(ctx, coordinator),
            6 => self.delete_one(ctx, coordinator, &mut dice),
            _ => self.delete_all(ctx, coordinator, &mut dice),
        }
    }

    fn to(
        &mut self,
        ctx: &mut Ctx<'_>,
        node: Peer,
        call: (ApiKey, i16),
        request: impl Into<RequestKind>,
        purpose: Purpose,
    ) {
        self.link.ask(ctx, (node, GROUP), call.0, call.1, request, self.request_timeout, purpose);
    }

    fn commit(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, dice: &mut Dice) {
        let kept_ms = match dice.below(4) {
            0 => dice.skewed(1, 2_000) as i64,
            1 => TWO_DAYS_MS,
            _ => -1,
        };
        self.offset += 1;
        let (partition, offset) = (dice.below(self.partitions.into()) as u32, self.offset);
        let (name, index) = place(ctx.plan, partition);
        let mut told = OffsetCommitRequestPartition::default();
        (told.partition_index, told.committed_offset) = (index, offset);
        told.committed_metadata = Some(StrBytes::from_static_str("by hand"));
        let mut topic = OffsetCommitRequestTopic::default();
        (topic.name, topic.partitions) = (name, vec![told]);
        let mut request = OffsetCommitRequest::default();
        (request.group_id, request.generation_id_or_member_epoch) = (self.name.clone(), -1);
        (request.retention_time_ms, request.topics) = (kept_ms, vec![topic]);
        // It goes on there, whatever is there.
        self.me.tell(ctx, Act::Seek { partition, offset });
        let expires = (0..TWO_DAYS_MS).contains(&kept_ms);
        let act = Act::Commit { group: self.group, generation: -1, offsets: vec![(partition, offset)], expires };
        let op = self.me.invoke(ctx, act);
        let version = if kept_ms < 0 { KEPT } else { KEPT_SO_LONG };
        self.to(ctx, coordinator, (ApiKey::OffsetCommit, version), request, Purpose::Commit { op });
    }

    fn ask_all(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        let mut request = OffsetFetchRequest::default();
        (request.group_id, request.topics) = (self.name.clone(), None);
        let op = self.me.invoke(ctx, Act::Ask { group: self.group });
        self.to(ctx, coordinator, (ApiKey::OffsetFetch, 5), request, Purpose::Ask { op });
    }

    fn delete_one(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, dice: &mut Dice) {
        let partition = dice.below(self.partitions.into()) as u32;
        let (name, index) = place(ctx.plan, partition);
        let mut one = OffsetDeleteRequestPartition::default();
        one.partition_index = index;
        let mut topic = OffsetDeleteRequestTopic::default();
        (topic.name, topic.partitions) = (name, vec![one]);
        let mut request = OffsetDeleteRequest::default();
        (request.group_id, request.topics) = (self.name.clone(), vec![topic]);
        let op = self.me.invoke(ctx, Act::Forget { group: self.group, partitions: vec![partition] });
        self.to(ctx, coordinator, (ApiKey::OffsetDelete, 0), request, Purpose::Forget { op });
    }

    /// Its group, and now and then one of a stranger's with it.
    fn delete_all(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, dice: &mut Dice) {
        let mut request = DeleteGroupsRequest::default();
        let other = dice.chance(1, 2).then(|| GroupId(StrBytes::from_static_str(ORPHANS)));
        request.groups_names = other.into_iter().chain([self.name.clone()]).collect();
        let act = Act::Forget { group: self.group, partitions: (0..self.partitions).collect() };
        let op = self.me.invoke(ctx, act);
        self.to(ctx, coordinator, (ApiKey::DeleteGroups, 2), request, Purpose::Forget { op });
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: &Purpose) {
        match purpose {
            Purpose::Find => {}
            Purpose::Commit { op } | Purpose::Ask { op } | Purpose::Forget { op } => {
                self.me.unknown(ctx, *op, "connection lost");
            }
        }
        self.look_again(ctx);
    }

    /// Who coordinates is asked again.
    fn look_again(&mut self, ctx: &Ctx<'_>) {
        self.coordinator = None;
        self.next = self.next.max(ctx.now + RETRY_US);
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: &ResponseKind) {
        let op = match purpose {
            Purpose::Find => {
                let ResponseKind::FindCoordinator(answer) = answer else { return };
                let known = (1..=self.nodes as i32).contains(&answer.node_id.0);
                self.coordinator = (answer.error_code == 0 && known).then(|| (answer.node_id.0 - 1) as Peer);
                return if self.coordinator.is_none() { self.look_again(ctx) } else { self.advance(ctx) };
            }
            Purpose::Commit { op } | Purpose::Ask { op } | Purpose::Forget { op } => op,
        };
        let code = code_of(answer, &self.name);
        if code != 0 {
            self.me.unknown(ctx, op, &format!("error {code}"));
            return self.look_again(ctx);
        }
        let told = match answer {
            ResponseKind::OffsetFetch(answer) => {
                // What has no offset is not told.
                let mut offsets: Vec<(u32, i64)> = (0..self.partitions).map(|partition| (partition, -1)).collect();
                for topic in &answer.topics {
                    for told in &topic.partitions {
                        if let Some(partition) = number(ctx.plan, &topic.name, told.partition_index) {
                            offsets[partition as usize].1 = told.committed_offset;
                        }
                    }
                }
                Act::Told { offsets }
            }
            _ => Act::Done,
        };
        self.me.end(ctx, op, State::Ok, told);
    }
}

/// The first error of an answer about that group; 0: there is none.
fn code_of(answer: &ResponseKind, group: &GroupId) -> i16 {
    let mut codes: Vec<i16> = Vec::new();
    match answer {
        ResponseKind::OffsetCommit(answer) => {
            codes.extend(answer.topics.iter().flat_map(|topic| &topic.partitions).map(|told| told.error_code));
        }
        ResponseKind::OffsetFetch(answer) => codes.push(answer.error_code),
        ResponseKind::OffsetDelete(answer) => {
            let parts = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|told| told.error_code);
            codes.extend([answer.error_code].into_iter().chain(parts));
        }
        ResponseKind::DeleteGroups(answer) => {
            let own = answer.results.iter().filter(|told| told.group_id == *group);
            codes.extend(own.map(|told| told.error_code));
        }
        _ => codes.push(-1),
    }
    codes.into_iter().find(|code| *code != 0).unwrap_or(0)
}

impl Client for Bookkeeper {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, &answer),
            Heard::Lost(lost) => lost.iter().for_each(|purpose| self.on_lost(ctx, purpose)),
            Heard::Quiet => self.quiet = true,
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let idle = !self.quiet && self.link.open().next().is_none();
        earliest([self.link.next_deadline(), idle.then_some(self.next)])
    }
}
