//! An admin: deletes records, asks for leaders to be elected, moves replicas.

use super::link::DATA;
use super::map::{Map, place};
use super::{Client, Ctx, Event, Heard, Link, Me, Pace, earliest};
use crate::dice::Dice;
use crate::history::{Act, State};
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, ApiKey, BrokerId, DeleteRecordsRequest, DeleteRecordsResponse,
    ElectLeadersRequest, ResponseKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// Where groups have their offsets: its partitions move as others do.
const OFFSETS: &str = "__consumer_offsets";

#[derive(Debug)]
enum Purpose {
    Map,
    /// Operations, each with its partition.
    Delete {
        ops: Vec<(u64, u32)>,
    },
    Elect {
        op: u64,
    },
    Move {
        op: u64,
    },
}

/// An admin client.
#[derive(Debug)]
pub struct Admin {
    me: Me,
    pace: Pace,
    deletes: bool,
    elects: bool,
    moves: bool,
    many: bool,
    request_timeout: u64,
    link: Link<Purpose>,
    map: Map,
}

impl Admin {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Admin { pause_us, deletes, elects, moves, many, request_timeout_us } = client else {
            unreachable!("an admin's plan")
        };
        Self {
            pace: Pace::new(pause_us),
            deletes,
            elects,
            moves,
            many,
            request_timeout: request_timeout_us,
            link: Link::new(me.peer, "admin"),
            map: Map::new(plan, me.peer),
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, lost);
        }
        self.map.ask(ctx, &mut self.link, self.request_timeout, Purpose::Map);
        if !self.pace.is_due(ctx.now) {
            return;
        }
        let mut dice = self.me.dice();
        self.pace.step(ctx.now, &mut dice);
        if self.moves && dice.chance(2, 3) {
            return self.move_replicas(ctx);
        }
        match (self.deletes, self.elects) {
            (true, true) if dice.chance(1, 2) => self.delete(ctx),
            (_, true) => self.elect(ctx),
            (true, false) => self.delete(ctx),
            (false, false) => {}
        }
    }

    /// Deletes up to a record that was acked; sometimes in all partitions that one node leads.
    fn delete(&mut self, ctx: &mut Ctx<'_>) {
        let count = ctx.plan.partitions().count() as u32;
        let mut dice = self.me.dice();
        let partition = dice.below(count.into()) as u32;
        let Some(leader) = self.map.leader(partition) else { return };
        let beside =
            (0..count).filter(|other| self.many && *other != partition && self.map.leader(*other) == Some(leader));
        let partitions: Vec<u32> = [partition].into_iter().chain(beside).collect();
        let wanted: Vec<_> =
            partitions.into_iter().filter_map(|partition| self.delete_in(ctx, partition, &mut dice)).collect();
        if wanted.is_empty() {
            return;
        }
        let mut request = DeleteRecordsRequest::default();
        request.timeout_ms = (self.request_timeout / 2000) as i32;
        let mut ops = Vec::new();
        for (op, partition, before) in wanted {
            let (name, index) = place(ctx.plan, partition);
            let mut part = DeleteRecordsPartition::default();
            (part.partition_index, part.offset) = (index, before);
            let mut topic = DeleteRecordsTopic::default();
            topic.name = name;
            topic.partitions = vec![part];
            request.topics.push(topic);
            ops.push((op, partition));
        }
        let (to, wait) = ((leader, DATA), self.request_timeout);
        self.link.ask(ctx, to, ApiKey::DeleteRecords, 2, request, wait, Purpose::Delete { ops });
    }

    /// An operation that deletes in a partition, and up to where; -1: all that is committed.
    fn delete_in(&mut self, ctx: &mut Ctx<'_>, partition: u32, dice: &mut Dice) -> Option<(u64, u32, i64)> {
        let acked = acked_end(ctx, partition);
        if acked <= 0 {
            return None;
        }
        // Now and then more than may be deleted: what is not committed.
        let beyond = dice.chance(1, 3);
        let before = if beyond { acked + dice.between(1, 8) as i64 } else { dice.below(acked as u64 + 1) as i64 };
        // Or all that is committed, where records go unasked in any case: how many those are nobody tells.
        let bounded = ctx.plan.partitions().nth(partition as usize).is_some_and(|(topic, _)| topic.is_bounded());
        let all = bounded && dice.chance(1, 3);
        let before = if all { -1 } else { before };
        let what = || format!("delete all of {partition}");
        let act = if all { Act::Admin { what: what() } } else { Act::Delete { partition, before } };
        Some((self.me.invoke(ctx, act), partition, before))
    }

    fn elect(&mut self, ctx: &mut Ctx<'_>) {
        let mut request = ElectLeadersRequest::default();
        request.election_type = 0;
        request.topic_partitions = None;
        request.timeout_ms = (self.request_timeout / 2000) as i32;
        let op = self.me.invoke(ctx, Act::Admin { what: "elect preferred leaders".into() });
        let node = self.map.any();
        self.link.ask(ctx, (node, DATA), ApiKey::ElectLeaders, 2, request, self.request_timeout, Purpose::Elect { op });
    }

    /// Asks for other replicas of a partition: as many as there may be or not, in any order, on any nodes; or for the end of what was begun.
    fn move_replicas(&mut self, ctx: &mut Ctx<'_>) {
        let mut dice = self.me.dice();
        let partition = dice.below(ctx.plan.partitions().count() as u64) as u32;
        let (name, index) = if dice.chance(1, 6) {
            (TopicName(StrBytes::from_static_str(OFFSETS)), 0)
        } else {
            place(ctx.plan, partition)
        };
        let mut nodes: Vec<i32> = (1..=ctx.plan.nodes.len() as i32).collect();
        let count = dice.between(1, nodes.len() as u64) as usize;
        let chosen: Vec<i32> = (0..count).map(|_| nodes.swap_remove(dice.below(nodes.len() as u64) as usize)).collect();
        let wanted = (!dice.chance(1, 4)).then_some(chosen);
        let allowed = !dice.chance(1, 3);
        // Now and then to where nobody is, or twice to one.
        let wanted = wanted.map(|mut nodes| {
            match dice.below(16) {
                0 => nodes.push(99),
                1 => nodes.push(nodes[0]),
                _ => {}
            }
            nodes
        });
        let what = format!("move {}-{index} to {wanted:?}", name.0.as_str());
        let mut one = ReassignablePartition::default();
        one.partition_index = index;
        one.replicas = wanted.map(|nodes| nodes.into_iter().map(BrokerId).collect());
        let mut topic = ReassignableTopic::default();
        topic.name = name;
        topic.partitions = vec![one];
        let mut request = AlterPartitionReassignmentsRequest::default();
        request.timeout_ms = (self.request_timeout / 2000) as i32;
        request.topics = vec![topic];
        // Others as many as there are.
        request.allow_replication_factor_change = allowed;
        let op = self.me.invoke(ctx, Act::Admin { what });
        let (to, key) = ((self.map.any(), DATA), ApiKey::AlterPartitionReassignments);
        self.link.ask(ctx, to, key, 1, request, self.request_timeout, Purpose::Move { op });
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Delete { ops } => {
                for (op, partition) in ops {
                    self.me.unknown(ctx, op, "connection lost");
                    self.map.forget(ctx, partition);
                }
            }
            Purpose::Elect { op } | Purpose::Move { op } => self.me.unknown(ctx, op, "connection lost"),
        }
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Delete { ops }, ResponseKind::DeleteRecords(answer)) => {
                for (op, partition) in ops {
                    self.on_deleted(ctx, op, partition, &answer);
                }
            }
            (Purpose::Elect { op }, ResponseKind::ElectLeaders(answer)) => {
                self.me.end(ctx, op, State::Ok, Act::Admin { what: format!("elect: {}", answer.error_code) });
            }
            (Purpose::Move { op }, ResponseKind::AlterPartitionReassignments(answer)) => {
                let codes: Vec<i16> =
                    answer.responses.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code).collect();
                self.me.end(ctx, op, State::Ok, Act::Admin { what: format!("move: {codes:?}") });
            }
            _ => {}
        }
    }
}

impl Admin {
    fn on_deleted(&mut self, ctx: &mut Ctx<'_>, op: u64, partition: u32, answer: &DeleteRecordsResponse) {
        let (name, index) = place(ctx.plan, partition);
        let of_topic = answer.topics.iter().filter(|topic| topic.name == name);
        let told = of_topic.flat_map(|topic| &topic.partitions).find(|told| told.partition_index == index);
        match Code::try_from_code(told.map_or(-1, |told| told.error_code)) {
            None => self.me.end(ctx, op, State::Ok, Act::Done),
            Some(code @ Code::OffsetOutOfRange) => self.me.failed(ctx, op, &format!("{code:?}")),
            Some(code) => {
                self.me.unknown(ctx, op, &format!("{code:?}"));
                self.map.forget(ctx, partition);
            }
        }
    }
}

/// One more than the highest acked offset of a partition, as the history knows it.
fn acked_end(ctx: &Ctx<'_>, partition: u32) -> i64 {
    let mut sends = crate::table::Map::default();
    let mut end = 0;
    for line in &ctx.history.lines {
        match &line.act {
            Act::Send { partition: to, values, kept: true, .. } if *to == partition => {
                sends.insert((line.client, line.op), values.len() as i64);
            }
            Act::Sent { offset: Some(offset) } => {
                if let Some(count) = sends.get(&(line.client, line.op)) {
                    end = end.max(offset + count);
                }
            }
            _ => {}
        }
    }
    end
}

impl Client for Admin {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, answer),
            Heard::Lost(lost) => lost.into_iter().for_each(|purpose| self.on_lost(ctx, purpose)),
            Heard::Quiet => self.pace.hush(),
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        earliest([self.link.next_deadline(), self.map.next_wake(), self.pace.next_wake()])
    }
}
