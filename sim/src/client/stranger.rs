//! A stranger: commits in the name of groups that have members, speaks for brokers as they were before they started anew, and asks for
//! the offsets of several groups at once. Or, if it trespasses, fetches as a broker that has started anew since, and sends what no client may;
//! or, if it is improper, asks what cannot be.
//! What it is told is judged inside the brokers (`check/now`); here nobody waits for it.

use super::link::{CONTROL, DATA};
use super::map::Map;
use super::member::group_name;
use super::{Client, Ctx, Event, Heard, Link, Me, Pace, earliest};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, ApiKey, BrokerHeartbeatRequest, BrokerId, GroupId, OffsetCommitRequest,
    OffsetFetchRequest, ResponseKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;

mod improper;
mod trespass;

/// A topic that is there, and that no member reads.
const NOBODYS: &str = "__consumer_offsets";

#[derive(Debug)]
enum Purpose {
    Map,
    Nothing,
}

/// Who asks what he may not.
#[derive(Debug)]
pub struct Stranger {
    me: Me,
    pace: Pace,
    request_timeout: u64,
    link: Link<Purpose>,
    /// Where it trespasses, if it does.
    map: Option<Map>,
    /// It asks what nobody may.
    improper: bool,
    values: u64,
    groups: u32,
    nodes: u64,
}

impl Stranger {
    pub fn new(plan: &Plan, client: &ClientPlan, me: Me) -> Self {
        let ClientPlan::Stranger { pause_us, request_timeout_us, trespasses, improper } = client else {
            unreachable!("a stranger's plan")
        };
        Self {
            pace: Pace::new(*pause_us),
            request_timeout: *request_timeout_us,
            link: Link::new(me.peer, "stranger"),
            map: trespasses.then(|| Map::new(plan, me.peer)),
            improper: *improper,
            values: 0,
            groups: plan.groups(),
            nodes: plan.nodes.len() as u64,
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        if self.link.expire(ctx).iter().any(|lost| matches!(lost, Purpose::Map)) {
            self.forget(ctx);
        }
        if let Some(map) = &mut self.map {
            map.ask(ctx, &mut self.link, self.request_timeout, Purpose::Map);
        }
        if !self.pace.is_due(ctx.now) {
            return;
        }
        let mut dice = self.me.dice();
        self.pace.step(ctx.now, &mut dice);
        let node = dice.below(self.nodes) as Peer;
        let broker = BrokerId(dice.between(1, self.nodes) as i32);
        let number = dice.below(self.groups.into()) as u32;
        let (data, control, wait) = ((node, DATA), (node, CONTROL), self.request_timeout);
        if self.map.is_some() && dice.chance(1, 2) {
            return self.trespass(ctx, broker, &mut dice);
        }
        if self.improper && dice.chance(1, 2) {
            return self.be_improper(ctx, node, &mut dice);
        }
        match dice.below(4) {
            0 => {
                // Or of a partition that is not there: the one behind a topic's last.
                let beyond = ctx.plan.topics.first().map(|topic| (topic.name.as_str(), topic.partitions as i32));
                let (topic, index) = beyond.filter(|_| dice.chance(1, 2)).unwrap_or((NOBODYS, 0));
                // Or with more beside it than may be (`offset.metadata.max.bytes`).
                let words = "a stranger's".repeat(if dice.chance(1, 3) { 400 } else { 1 });
                let request = commit(number, topic, index, words);
                self.link.ask(ctx, data, ApiKey::OffsetCommit, 7, request, wait, Purpose::Nothing);
            }
            1 => self.link.ask(ctx, data, ApiKey::OffsetFetch, 8, self.all_offsets(), wait, Purpose::Nothing),
            2 => {
                // Offset 0 of the metadata is no broker's: so no broker ever had this epoch.
                let mut request = BrokerHeartbeatRequest::default();
                (request.broker_id, request.broker_epoch, request.current_metadata_offset) = (broker, 0, 0);
                (request.want_fence, request.want_shut_down) = (dice.chance(1, 2), dice.chance(1, 2));
                self.link.ask(ctx, control, ApiKey::BrokerHeartbeat, 1, request, wait, Purpose::Nothing);
            }
            _ => {
                let mut request = AllocateProducerIdsRequest::default();
                (request.broker_id, request.broker_epoch) = (broker, 0);
                self.link.ask(ctx, control, ApiKey::AllocateProducerIds, 0, request, wait, Purpose::Nothing);
            }
        }
    }

    /// What it knew of leaders may not be so any more.
    fn forget(&mut self, ctx: &Ctx<'_>) {
        if let Some(map) = &mut self.map {
            map.on_lost(ctx);
        }
    }

    /// The highest group first: not the order in which a coordinator has them.
    fn all_offsets(&self) -> OffsetFetchRequest {
        let mut request = OffsetFetchRequest::default();
        let groups = (0..self.groups).rev().map(|number| {
            let mut group = OffsetFetchRequestGroup::default();
            group.group_id = GroupId(StrBytes::from(group_name(number)));
            group.topics = None;
            group
        });
        request.groups = groups.collect();
        request
    }
}

fn commit(group: u32, name: &str, index: i32, words: String) -> OffsetCommitRequest {
    let mut told = OffsetCommitRequestPartition::default();
    (told.partition_index, told.committed_offset) = (index, 1);
    told.committed_metadata = Some(StrBytes::from(words));
    let mut topic = OffsetCommitRequestTopic::default();
    topic.name = TopicName(StrBytes::from(name.to_string()));
    topic.partitions = vec![told];
    let mut request = OffsetCommitRequest::default();
    request.group_id = GroupId(StrBytes::from(group_name(group)));
    request.generation_id_or_member_epoch = -1;
    request.topics = vec![topic];
    request
}

impl Client for Stranger {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        if matches!(event, Event::Quiet) {
            self.pace.hush();
        }
        match self.link.hear(ctx, event) {
            Heard::Answer(Purpose::Map, ResponseKind::Metadata(answer)) => {
                if let Some(map) = &mut self.map {
                    map.on_answer(ctx, &answer);
                }
            }
            Heard::Lost(lost) if lost.iter().any(|purpose| matches!(purpose, Purpose::Map)) => self.forget(ctx),
            Heard::Answer(..) | Heard::Lost(_) | Heard::Quiet | Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let map = self.map.as_ref().filter(|_| self.pace.next_wake().is_some()).and_then(Map::next_wake);
        earliest([self.link.next_deadline(), self.pace.next_wake(), map])
    }
}
