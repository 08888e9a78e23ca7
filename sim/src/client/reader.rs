//! A consumer that chose its partitions itself, and reads each from its start.

use super::link::DATA;
use super::map::{self, Map, number, place};
use super::subscription::Subscription;
use super::{Client, Ctx, Event, Link, Me, earliest};
use crate::history::{Act, State, Value};
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{ApiKey, ListOffsetsRequest, ListOffsetsResponse, ResponseKind};
use std::collections::{BTreeMap, BTreeSet};

const RETRY_US: u64 = 50_000;

#[derive(Debug)]
enum Purpose {
    Map,
    Start,
    Poll { op: u64 },
    Latest { op: u64 },
}

/// An assigned consumer.
#[derive(Debug)]
pub struct Reader {
    me: Me,
    max_bytes: i32,
    max_wait_ms: i32,
    pause_us: u64,
    request_timeout: u64,
    version: i16,
    stale_one_in: u64,
    latest_one_in: u64,
    link: Link<Purpose>,
    map: Map,
    subscription: Subscription,
    not_before: u64,
    /// Of the last reader: the value by which it knows that it has come to the end of a partition.
    until: BTreeMap<u32, Value>,
    ended: BTreeSet<u32>,
    is_last: bool,
}

impl Reader {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Reader {
            partitions,
            max_bytes,
            max_wait_ms,
            pause_us,
            request_timeout_us,
            version,
            stale_one_in,
            latest_one_in,
        } = client
        else {
            unreachable!("a reader's plan")
        };
        Self {
            max_bytes,
            max_wait_ms,
            pause_us,
            request_timeout: request_timeout_us,
            version,
            stale_one_in,
            latest_one_in,
            link: Link::new(me.peer, &format!("reader-{}", me.number)),
            map: Map::new(plan, me.peer),
            subscription: Subscription::new(partitions),
            not_before: 0,
            until: BTreeMap::new(),
            ended: BTreeSet::new(),
            is_last: false,
            me,
        }
    }

    /// The last reader: reads every partition until it has seen the value that the probe sent there.
    pub fn last(plan: &Plan, me: Me, probe: u32) -> Self {
        let partitions: Vec<u32> = (0..plan.partitions().count() as u32).collect();
        let until =
            partitions.iter().map(|partition| (*partition, u64::from(probe) << 32 | u64::from(*partition))).collect();
        let client = ClientPlan::Reader {
            partitions,
            max_bytes: 1 << 20,
            max_wait_ms: 100,
            pause_us: 0,
            request_timeout_us: 2_000_000,
            version: 12,
            stale_one_in: 0,
            latest_one_in: 0,
        };
        Self { until, is_last: true, ..Self::new(plan, client, me) }
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
        let busy = self.link.open().any(|purpose| !matches!(purpose, Purpose::Map));
        if busy || ctx.now < self.not_before || self.is_done() {
            return;
        }
        if let Some((leader, request)) = self.subscription.list(ctx, &self.map) {
            self.link.ask(ctx, (leader, DATA), ApiKey::ListOffsets, 5, request, self.request_timeout, Purpose::Start);
        } else if self.latest_one_in > 0 && self.me.dice().chance(1, self.latest_one_in) {
            self.ask_latest(ctx);
        } else if let Some((leader, mut request)) =
            self.subscription.fetch(ctx, &self.map, self.max_bytes, self.max_wait_ms)
        {
            if self.stale_one_in > 0 && self.me.dice().chance(1, self.stale_one_in) {
                let parts = request.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                // Never none at all (-1): whoever leads no more would serve that.
                parts.for_each(|part| part.current_leader_epoch = (part.current_leader_epoch - 1).max(0));
            }
            let op = self.me.invoke(ctx, Act::Poll { assigned: true });
            self.link.ask(
                ctx,
                (leader, DATA),
                ApiKey::Fetch,
                self.version,
                request,
                self.request_timeout,
                Purpose::Poll { op },
            );
        }
    }

    /// Asks where a partition ends.
    fn ask_latest(&mut self, ctx: &mut Ctx<'_>) {
        let known: Vec<u32> = self
            .subscription
            .places
            .keys()
            .copied()
            .filter(|partition| self.map.leader(*partition).is_some())
            .collect();
        if known.is_empty() {
            return;
        }
        let partition = self.me.dice().pick(&known);
        let Some(leader) = self.map.leader(partition) else { return };
        let request = latest_request(ctx, partition, self.map.epoch(partition));
        let purpose = Purpose::Latest { op: self.me.invoke(ctx, Act::Latest { partition }) };
        self.link.ask(ctx, (leader, DATA), ApiKey::ListOffsets, 5, request, self.request_timeout, purpose);
    }

    fn on_latest(&mut self, ctx: &mut Ctx<'_>, op: u64, answer: &ListOffsetsResponse) {
        let Some((topic, told)) = answer.topics.iter().find_map(|topic| Some((topic, topic.partitions.first()?)))
        else {
            return self.me.failed(ctx, op, "an answer without the partition");
        };
        if told.error_code == 0 {
            let epoch = (told.leader_epoch >= 0).then_some(told.leader_epoch);
            self.me.end(ctx, op, State::Ok, Act::LatestIs { offset: told.offset, epoch });
        } else {
            self.me.failed(ctx, op, &format!("error {}", told.error_code));
            if let Some(partition) = number(ctx.plan, &topic.name, told.partition_index) {
                self.map.forget(ctx, partition);
            }
        }
        self.not_before = ctx.now + self.pause_us.max(1_000);
    }

    fn is_done(&self) -> bool {
        self.is_last && self.until.is_empty()
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        self.not_before = ctx.now + RETRY_US;
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Start => self.map.refresh(ctx),
            Purpose::Poll { op } | Purpose::Latest { op } => {
                self.me.unknown(ctx, op, "connection lost");
                self.map.refresh(ctx);
            }
        }
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Start, ResponseKind::ListOffsets(answer)) => {
                for (partition, offset) in self.subscription.on_listed(ctx, &mut self.map, &answer) {
                    self.me.tell(ctx, Act::Seek { partition, offset });
                }
                self.not_before = ctx.now + 1_000;
            }
            (Purpose::Latest { op }, ResponseKind::ListOffsets(answer)) => self.on_latest(ctx, op, &answer),
            (Purpose::Poll { op }, ResponseKind::Fetch(answer)) => {
                let fetched = self.subscription.on_fetched(ctx, &mut self.map, &answer);
                let seen: Vec<(u32, Value)> = fetched
                    .reads
                    .iter()
                    .flat_map(|read| read.records.iter().map(|(_, value)| (read.partition, *value)))
                    .filter(|_| self.is_last)
                    .collect();
                let pause =
                    if fetched.reads.is_empty() && !fetched.out_of_range.is_empty() { 1_000 } else { self.pause_us };
                let empty = fetched.reads.is_empty();
                self.me.end(ctx, op, State::Ok, Act::Polled { reads: fetched.reads });
                // An empty answer waited at the broker; one with an error did not.
                self.not_before =
                    ctx.now + if empty { pause.max(if self.is_last { 1_000 } else { 10_000 }) } else { pause };
                self.reach(ctx, &seen);
            }
            _ => {}
        }
    }

    /// Whether among these values are the ends that are looked for.
    fn reach(&mut self, ctx: &mut Ctx<'_>, seen: &[(u32, Value)]) {
        for (partition, value) in seen {
            if self.until.get(partition) == Some(value) {
                self.until.remove(partition);
                self.ended.insert(*partition);
                let place = self.subscription.places.remove(partition);
                let offset = place.and_then(|place| place.offset).unwrap_or(-1);
                self.me.tell(ctx, Act::End { partition: *partition, offset });
            }
        }
    }
}

/// Kafka's name for the offset behind the last record.
const LATEST: i64 = -1;

fn latest_request(ctx: &Ctx<'_>, partition: u32, epoch: i32) -> ListOffsetsRequest {
    let (name, index) = place(ctx.plan, partition);
    let mut wanted = ListOffsetsPartition::default();
    wanted.partition_index = index;
    wanted.timestamp = LATEST;
    wanted.current_leader_epoch = epoch;
    let mut topic = ListOffsetsTopic::default();
    topic.name = name;
    topic.partitions = vec![wanted];
    let mut request = ListOffsetsRequest::default();
    request.replica_id = (-1).into();
    request.topics = vec![topic];
    request
}

impl Client for Reader {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match event {
            Event::Wake | Event::Quiet => {}
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
        let busy = self.link.open().any(|purpose| !matches!(purpose, Purpose::Map));
        let known = self.subscription.places.keys().any(|partition| self.map.leader(*partition).is_some());
        let next = (!busy && known && !self.is_done()).then_some(self.not_before);
        earliest([self.link.next_deadline(), self.map.next_wake(), next])
    }

    fn settled(&self) -> Result<(), String> {
        match self.until.keys().next() {
            Some(partition) if self.is_last => {
                let at = self.subscription.places.get(partition);
                Err(format!(
                    "partition {partition} could not be read to its end: at {:?}, watermark {:?}",
                    at.and_then(|at| at.offset),
                    at.and_then(|at| at.end)
                ))
            }
            _ => Ok(()),
        }
    }
}
