//! An administrator of groups, as `kafka-consumer-groups` is one: deletes groups and single offsets, which has to be refused as long as
//! members are there or read the topic; takes several members out at once (KIP-345, KIP-571); and now and then is one member more itself, for
//! which there may be no room.

use super::assignment::subscription_bytes;
use super::link::{DATA, GROUP};
use super::map::place;
use super::member::group_name;
use super::{Client, Ctx, Event, Heard, Link, Me, Pace, earliest};
use crate::dice::Dice;
use crate::history::{Act, State};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    ApiKey, DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, JoinGroupRequest,
    LeaveGroupRequest, OffsetDeleteRequest, ResponseKind,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

#[derive(Debug)]
enum Purpose {
    Find { group: u32 },
    Describe { group: u32 },
    Forget { group: u32, op: u64 },
    Any { group: u32 },
}

/// Who administers groups.
#[derive(Debug)]
pub struct GroupAdmin {
    me: Me,
    pace: Pace,
    request_timeout: u64,
    link: Link<Purpose>,
    groups: u32,
    nodes: u64,
    /// Of each group that has members: the topics that these read.
    topics: BTreeMap<u32, Vec<String>>,
    coordinators: BTreeMap<u32, Peer>,
    /// The members of a group when it was looked at last.
    members: BTreeMap<u32, Vec<MemberIdentity>>,
}

impl GroupAdmin {
    pub fn new(plan: &Plan, client: &ClientPlan, me: Me) -> Self {
        let ClientPlan::GroupAdmin { pause_us, request_timeout_us } = client else {
            unreachable!("an admin of groups' plan")
        };
        let topics = plan.clients.iter().filter_map(|client| match client {
            ClientPlan::Member { group, topics, .. } => {
                Some((*group, topics.iter().map(|number| plan.topics[*number as usize].name.clone()).collect()))
            }
            _ => None,
        });
        Self {
            pace: Pace::new(*pause_us),
            request_timeout: *request_timeout_us,
            link: Link::new(me.peer, "group-admin"),
            groups: plan.groups(),
            nodes: plan.nodes.len() as u64,
            topics: topics.collect(),
            coordinators: BTreeMap::new(),
            members: BTreeMap::new(),
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, &lost);
        }
        if !self.pace.is_due(ctx.now) {
            return;
        }
        let mut dice = self.me.dice();
        self.pace.step(ctx.now, &mut dice);
        let group = dice.below(self.groups.into()) as u32;
        let Some(coordinator) = self.coordinators.get(&group).copied() else {
            let mut request = FindCoordinatorRequest::default();
            request.key = name_of(group).0;
            let node = (dice.below(self.nodes) as Peer, DATA);
            let wait = self.request_timeout;
            return self.link.ask(ctx, node, ApiKey::FindCoordinator, 3, request, wait, Purpose::Find { group });
        };
        match dice.below(10) {
            0..=2 => {
                let request = DescribeGroupsRequest::default().with_groups(vec![name_of(group)]);
                let (to, wait) = ((coordinator, DATA), self.request_timeout);
                self.link.ask(ctx, to, ApiKey::DescribeGroups, 5, request, wait, Purpose::Describe { group });
            }
            3 => self.take_out(ctx, group, coordinator, &mut dice),
            4 => self.join(ctx, group, coordinator, &mut dice),
            5..=7 => self.delete_offset(ctx, group, coordinator, &mut dice),
            _ => self.delete(ctx, group, coordinator),
        }
    }

    /// All members leave, or some of them: each by its id, its instance, or both. Somebody who is none is among them.
    fn take_out(&mut self, ctx: &mut Ctx<'_>, group: u32, coordinator: Peer, dice: &mut Dice) {
        let mut leaving: Vec<MemberIdentity> = self.members.remove(&group).unwrap_or_default();
        let some = dice.chance(1, 2);
        leaving.retain(|_| !some || dice.chance(2, 3));
        for one in leaving.iter_mut().filter(|one| one.group_instance_id.is_some()) {
            if dice.chance(1, 2) {
                one.member_id = StrBytes::default();
            }
        }
        if dice.chance(1, 3) {
            leaving.insert(0, MemberIdentity::default().with_member_id(StrBytes::from_static_str("nobody")));
        }
        let request = LeaveGroupRequest::default().with_group_id(name_of(group)).with_members(leaving);
        let (to, wait) = ((coordinator, GROUP), self.request_timeout);
        self.link.ask(ctx, to, ApiKey::LeaveGroup, 3, request, wait, Purpose::Any { group });
    }

    /// One more member, which is never heard of again.
    fn join(&mut self, ctx: &mut Ctx<'_>, group: u32, coordinator: Peer, dice: &mut Dice) {
        let Some(topics) = self.topics.get(&group) else { return };
        let assignors = ["range", "sticky"].iter().map(|assignor| {
            JoinGroupRequestProtocol::default()
                .with_name(StrBytes::from_static_str(assignor))
                .with_metadata(subscription_bytes(topics, "one more"))
        });
        let session = dice.between(100, 600) as i32;
        let request = JoinGroupRequest::default()
            .with_group_id(name_of(group))
            .with_session_timeout_ms(session)
            .with_rebalance_timeout_ms(300)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(assignors.collect());
        // Before version 4 it needs no id before it is a member; with one it does not come again. By the other connection: it may have to wait
        // there.
        let (to, wait) = ((coordinator, DATA), self.request_timeout);
        let version = if session % 2 == 0 { 3 } else { 5 };
        self.link.ask(ctx, to, ApiKey::JoinGroup, version, request, wait, Purpose::Any { group });
    }

    fn delete_offset(&mut self, ctx: &mut Ctx<'_>, group: u32, coordinator: Peer, dice: &mut Dice) {
        let partition = dice.below(ctx.plan.partitions().count() as u64) as u32;
        let (topic, index) = place(ctx.plan, partition);
        let part = OffsetDeleteRequestPartition::default().with_partition_index(index);
        let topic = OffsetDeleteRequestTopic::default().with_name(topic).with_partitions(vec![part]);
        let request = OffsetDeleteRequest::default().with_group_id(name_of(group)).with_topics(vec![topic]);
        let op = self.me.invoke(ctx, Act::Forget { group, partitions: vec![partition] });
        let (to, wait) = ((coordinator, GROUP), self.request_timeout);
        self.link.ask(ctx, to, ApiKey::OffsetDelete, 0, request, wait, Purpose::Forget { group, op });
    }

    fn delete(&mut self, ctx: &mut Ctx<'_>, group: u32, coordinator: Peer) {
        // Others are not there, and it may be named twice.
        let nobodys = |number| GroupId(StrBytes::from(format!("nobody's {number}")));
        let names = [nobodys(0), nobodys(1), nobodys(2), name_of(group), nobodys(3)];
        let mut names = names.to_vec();
        if ctx.now.is_multiple_of(2) {
            names.push(name_of(group));
        }
        let request = DeleteGroupsRequest::default().with_groups_names(names);
        let all = (0..ctx.plan.partitions().count() as u32).collect();
        let op = self.me.invoke(ctx, Act::Forget { group, partitions: all });
        let (to, wait) = ((coordinator, GROUP), self.request_timeout);
        self.link.ask(ctx, to, ApiKey::DeleteGroups, 2, request, wait, Purpose::Forget { group, op });
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: &Purpose) {
        match purpose {
            Purpose::Find { .. } => {}
            Purpose::Describe { group } | Purpose::Any { group } => drop(self.coordinators.remove(group)),
            Purpose::Forget { group, op } => {
                self.coordinators.remove(group);
                self.me.unknown(ctx, *op, "connection lost");
            }
        }
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: &ResponseKind) {
        match (purpose, answer) {
            (Purpose::Find { group }, ResponseKind::FindCoordinator(answer))
                if answer.error_code == 0 && (1..=self.nodes as i32).contains(&answer.node_id.0) =>
            {
                self.coordinators.insert(group, (answer.node_id.0 - 1) as Peer);
            }
            (Purpose::Describe { group }, ResponseKind::DescribeGroups(answer)) => {
                let told = answer.groups.iter().filter(|told| told.error_code == 0).flat_map(|told| &told.members);
                let members = told.map(|told| {
                    MemberIdentity::default()
                        .with_member_id(told.member_id.clone())
                        .with_group_instance_id(told.group_instance_id.clone())
                });
                self.members.insert(group, members.collect());
            }
            (Purpose::Forget { group, op }, answer) => self.on_deleted(ctx, group, op, answer),
            _ => {}
        }
    }

    fn on_deleted(&mut self, ctx: &mut Ctx<'_>, group: u32, op: u64, answer: &ResponseKind) {
        let code = match answer {
            ResponseKind::DeleteGroups(answer) => {
                let told = answer.results.iter().find(|told| told.group_id == name_of(group));
                told.map_or(-1, |told| told.error_code)
            }
            ResponseKind::OffsetDelete(answer) if answer.error_code != 0 => answer.error_code,
            ResponseKind::OffsetDelete(answer) => {
                answer.topics.first().and_then(|told| told.partitions.first()).map_or(-1, |told| told.error_code)
            }
            _ => -1,
        };
        match Code::try_from_code(code) {
            None => self.me.end(ctx, op, State::Ok, Act::Done),
            Some(code @ (Code::NonEmptyGroup | Code::GroupIdNotFound | Code::GroupSubscribedToTopic)) => {
                self.me.failed(ctx, op, &format!("{code:?}"));
            }
            Some(code) => {
                self.coordinators.remove(&group);
                self.me.unknown(ctx, op, &format!("{code:?}"));
            }
        }
    }
}

fn name_of(group: u32) -> GroupId {
    GroupId(StrBytes::from(group_name(group)))
}

impl Client for GroupAdmin {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, &answer),
            Heard::Lost(lost) => lost.iter().for_each(|purpose| self.on_lost(ctx, purpose)),
            Heard::Quiet => self.pace.hush(),
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        earliest([self.link.next_deadline(), self.pace.next_wake()])
    }
}
