//! A producer: plain or idempotent, with the batching, retries and time-outs of Kafka's.

use super::batch::{Sender, encode};
use super::link::DATA;
use super::map::{self, Map, place};
use super::{Client, Ctx, Event, Link, Me, earliest};
use crate::clock::EPOCH_MS;
use crate::history::{Act, State, Value};
use crate::plan::{ClientPlan, Plan};
use bytes::Bytes;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiKey, InitProducerIdRequest, ProduceRequest, ResponseKind};
use std::collections::{BTreeMap, VecDeque};

mod zombie;

/// What each new session of a producer adds to its number in the history: it is another client there.
pub const SESSION: u32 = 1_000;

const RETRY_US: u64 = 50_000;

#[derive(Debug)]
enum Purpose {
    Map,
    Identity,
    Send { partition: u32, op: u64, session: u32 },
    Zombie { op: u64, number: u32 },
}

/// A batch that has no final answer yet.
#[derive(Debug)]
struct Batch {
    op: u64,
    values: Vec<Value>,
    sequence: i32,
    created: u64,
    under_way: bool,
    /// It was sent before, and nobody knows what became of it.
    unsure: bool,
    not_before: u64,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Batch>,
    next_sequence: i32,
}

/// A producer.
#[derive(Debug)]
pub struct Producer {
    me: Me,
    acks: i16,
    idempotent: bool,
    partitions: Vec<u32>,
    pause_us: u64,
    batch: u32,
    size: u32,
    in_flight: u32,
    request_timeout: u64,
    delivery_timeout: u64,
    version: i16,
    link: Link<Purpose>,
    map: Map,
    identity: Option<(i64, i16)>,
    identity_after: u64,
    /// After a send whose outcome stays unknown an idempotent producer begins again, as a client of another number.
    session: u32,
    queues: BTreeMap<u32, Queue>,
    next_send: u64,
    quiet: bool,
    bump_us: u64,
    next_bump: u64,
    old: Option<zombie::Old>,
    /// Sends one batch to each partition and gives none up.
    probe: bool,
    values: u64,
}

impl Producer {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Producer {
            acks,
            idempotent,
            partitions,
            pause_us,
            batch,
            size,
            in_flight,
            request_timeout_us,
            delivery_timeout_us,
            version,
            bump_us,
        } = client
        else {
            unreachable!("a producer's plan")
        };
        Self {
            acks,
            idempotent,
            partitions,
            pause_us,
            batch,
            size,
            in_flight,
            request_timeout: request_timeout_us,
            delivery_timeout: delivery_timeout_us,
            version,
            link: Link::new(me.peer, &format!("producer-{}", me.number)),
            map: Map::new(plan, me.peer),
            identity: None,
            identity_after: 0,
            session: 0,
            queues: BTreeMap::new(),
            next_send: 0,
            quiet: false,
            probe: false,
            values: 0,
            bump_us,
            next_bump: bump_us,
            old: None,
            me,
        }
    }

    /// Sends one value to each partition, and must get it acked.
    pub fn probe(plan: &Plan, me: Me) -> Self {
        let client = ClientPlan::Producer {
            acks: -1,
            idempotent: true,
            partitions: (0..plan.partitions().count() as u32).collect(),
            pause_us: 0,
            batch: 1,
            size: 8,
            in_flight: 1,
            request_timeout_us: 2_000_000,
            delivery_timeout_us: u64::MAX / 2,
            version: 9,
            bump_us: 0,
        };
        Self { probe: true, ..Self::new(plan, client, me) }
    }

    /// The number under which the present session's sends stand in the history.
    const fn number(&self) -> u32 {
        self.me.number + self.session * SESSION
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
        self.ask_identity(ctx);
        self.bump(ctx);
        self.begin(ctx);
        self.give_up(ctx);
        let partitions: Vec<u32> = self.queues.keys().copied().collect();
        for partition in partitions {
            self.send(ctx, partition);
        }
    }

    fn ask_identity(&mut self, ctx: &mut Ctx<'_>) {
        let asking = self.link.open().any(|purpose| matches!(purpose, Purpose::Identity));
        if !self.idempotent || self.identity.is_some() || asking || ctx.now < self.identity_after {
            return;
        }
        let mut request = InitProducerIdRequest::default();
        request.transactional_id = None;
        request.transaction_timeout_ms = i32::MAX;
        request.producer_id = (-1).into();
        request.producer_epoch = -1;
        let node = self.map.any();
        self.link.ask(ctx, (node, DATA), ApiKey::InitProducerId, 4, request, self.request_timeout, Purpose::Identity);
    }

    /// Begins new sends whose time has come.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        if self.probe {
            for partition in std::mem::take(&mut self.partitions) {
                self.invoke(ctx, partition, 1);
            }
            return;
        }
        if self.quiet || ctx.now < self.next_send {
            return;
        }
        let mut dice = self.me.dice();
        if self.next_send > 0 {
            let partition = dice.pick(&self.partitions);
            if self.queues.get(&partition).is_none_or(|queue| queue.batches.len() < 8) {
                let count = dice.between(1, self.batch.into());
                self.invoke(ctx, partition, count);
            }
        }
        self.next_send = ctx.now + 1 + dice.between(self.pause_us / 2, self.pause_us * 3 / 2);
    }

    fn invoke(&mut self, ctx: &mut Ctx<'_>, partition: u32, count: u64) {
        let values: Vec<Value> =
            (0..count).map(|turn| u64::from(self.me.number) << 32 | (self.values + turn)).collect();
        self.values += count;
        let single = ctx.plan.partitions().nth(partition as usize).is_some_and(|(topic, _)| topic.replicas == 1);
        // Where replicas move, one that is alone is so no longer than until another is added.
        let kept = self.acks == -1 || single && !ctx.plan.moves();
        let order = self.idempotent;
        let (me, number) = (self.me.number, self.number());
        self.me.number = number;
        let op =
            self.me.invoke(ctx, Act::Send { partition, values: values.clone(), order, once: self.idempotent, kept });
        self.me.number = me;
        let queue = self.queues.entry(partition).or_default();
        let sequence = queue.next_sequence;
        queue.next_sequence += values.len() as i32;
        queue.batches.push_back(Batch {
            op,
            values,
            sequence,
            created: ctx.now,
            under_way: false,
            unsure: false,
            not_before: 0,
        });
    }

    /// Gives up what is too old: what was never sent failed, of the rest nobody knows.
    fn give_up(&mut self, ctx: &mut Ctx<'_>) {
        let late = |batch: &Batch| batch.created.saturating_add(self.delivery_timeout) <= ctx.now;
        if !self.queues.values().any(|queue| queue.batches.front().is_some_and(late)) {
            return;
        }
        if self.idempotent {
            self.end_session(ctx, "gave up");
            return;
        }
        let number = self.number();
        for queue in self.queues.values_mut() {
            while let Some(batch) =
                queue.batches.pop_front_if(|batch| batch.created.saturating_add(self.delivery_timeout) <= ctx.now)
            {
                end(ctx, number, &batch, "gave up");
            }
        }
    }

    /// All that has no answer is given up; a new identity begins with new sequences, so that nothing stands in doubt behind it.
    fn end_session(&mut self, ctx: &mut Ctx<'_>, why: &str) {
        let number = self.number();
        for queue in std::mem::take(&mut self.queues).into_values() {
            queue.batches.iter().for_each(|batch| end(ctx, number, batch, why));
        }
        self.session += 1;
        self.identity = None;
    }

    fn send(&mut self, ctx: &mut Ctx<'_>, partition: u32) {
        let Some(leader) = self.map.leader(partition) else { return };
        if self.idempotent && self.identity.is_none() {
            return;
        }
        let Some(queue) = self.queues.get_mut(&partition) else { return };
        // While the first batch is being sent again, it goes alone: those behind it keep their order.
        let again = queue.batches.front().is_some_and(|batch| batch.unsure || batch.not_before > 0);
        let most = if again { 1 } else { self.in_flight as usize };
        for batch in queue.batches.iter_mut().take(most) {
            if batch.under_way {
                continue;
            }
            if batch.not_before > ctx.now {
                break;
            }
            batch.under_way = true;
            let sender =
                self.identity.map_or(Sender::PLAIN, |(id, epoch)| Sender { id, epoch, sequence: batch.sequence });
            let bytes = encode(&batch.values, self.size, EPOCH_MS + (batch.created / 1000) as i64, sender);
            let request = produce(ctx, partition, bytes, self.acks, self.request_timeout);
            let purpose = Purpose::Send { partition, op: batch.op, session: self.session };
            self.link.ask(ctx, (leader, DATA), ApiKey::Produce, self.version, request, self.request_timeout, purpose);
        }
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Identity => self.identity_after = ctx.now + RETRY_US,
            Purpose::Send { partition, op, session } if session == self.session => {
                self.map.forget(ctx, partition);
                self.retry(ctx, partition, op, true);
            }
            Purpose::Send { .. } => {}
            Purpose::Zombie { op, number } => zombie::unknown(ctx, number, op, "connection lost"),
        }
    }

    fn retry(&mut self, ctx: &Ctx<'_>, partition: u32, op: u64, unsure: bool) {
        let Some(queue) = self.queues.get_mut(&partition) else { return };
        if let Some(batch) = queue.batches.iter_mut().find(|batch| batch.op == op) {
            batch.under_way = false;
            batch.unsure |= unsure;
            batch.not_before = ctx.now + RETRY_US;
        }
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Identity, ResponseKind::InitProducerId(answer)) => {
                if answer.error_code == 0 {
                    self.identity = Some((answer.producer_id.0, answer.producer_epoch));
                } else {
                    self.identity_after = ctx.now + RETRY_US;
                }
            }
            (Purpose::Send { partition, op, session }, ResponseKind::Produce(answer)) if session == self.session => {
                let told = answer.responses.first().and_then(|topic| topic.partition_responses.first());
                let (code, offset) =
                    told.map_or((Code::UnknownServerError.code(), -1), |told| (told.error_code, told.base_offset));
                self.on_sent(ctx, partition, op, code, offset);
            }
            (Purpose::Zombie { op, number }, ResponseKind::Produce(answer)) => {
                zombie::on_answer(ctx, number, op, &answer)
            }
            _ => {}
        }
    }

    fn on_sent(&mut self, ctx: &mut Ctx<'_>, partition: u32, op: u64, code: i16, offset: i64) {
        match Code::try_from_code(code) {
            None => {
                self.finish(ctx, partition, op, State::Ok, Act::Sent { offset: Some(offset) });
                self.haunt(ctx, partition);
            }
            // It stands in the log already; where, the broker does not remember.
            Some(Code::DuplicateSequenceNumber) => {
                self.finish(ctx, partition, op, State::Ok, Act::Sent { offset: None })
            }
            Some(Code::OutOfOrderSequenceNumber) if self.idempotent && self.is_first(partition, op) => {
                self.end_session(ctx, "out of order");
            }
            Some(Code::UnknownProducerId | Code::InvalidProducerEpoch) if self.idempotent => {
                self.end_session(ctx, "unknown producer")
            }
            Some(Code::OutOfOrderSequenceNumber) => self.retry(ctx, partition, op, false),
            Some(Code::RequestTimedOut | Code::NotEnoughReplicasAfterAppend) => self.retry(ctx, partition, op, true),
            Some(
                Code::NotLeaderOrFollower
                | Code::FencedLeaderEpoch
                | Code::UnknownTopicOrPartition
                | Code::LeaderNotAvailable,
            ) => {
                self.map.forget(ctx, partition);
                // A leader that lost its role while the append waited answers so too.
                self.retry(ctx, partition, op, true);
            }
            Some(other) if other.is_retriable() => {
                self.map.refresh(ctx);
                self.retry(ctx, partition, op, false);
            }
            Some(other) => {
                let unsure = self.batch(partition, op).is_some_and(|batch| batch.unsure);
                let state = if unsure { State::Info } else { State::Fail };
                self.finish(ctx, partition, op, state, Act::Error { why: format!("{other:?}") });
                if self.idempotent {
                    self.end_session(ctx, "refused");
                }
            }
        }
    }

    fn batch(&self, partition: u32, op: u64) -> Option<&Batch> {
        self.queues.get(&partition)?.batches.iter().find(|batch| batch.op == op)
    }

    fn is_first(&self, partition: u32, op: u64) -> bool {
        self.queues.get(&partition).and_then(|queue| queue.batches.front()).is_some_and(|batch| batch.op == op)
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, partition: u32, op: u64, state: State, act: Act) {
        let number = self.number();
        let Some(queue) = self.queues.get_mut(&partition) else { return };
        if let Some(place) = queue.batches.iter().position(|batch| batch.op == op) {
            queue.batches.remove(place);
            ctx.history.push(ctx.now, number, op, state, act);
        }
        // Those behind a batch that was sent again may be sent together again.
        if let Some(first) = queue.batches.front_mut()
            && !first.unsure
        {
            first.not_before = if first.not_before > ctx.now { first.not_before } else { 0 };
        }
    }
}

/// A request with one batch.
fn produce(ctx: &Ctx<'_>, partition: u32, bytes: Bytes, acks: i16, timeout_us: u64) -> ProduceRequest {
    let (topic, number) = place(ctx.plan, partition);
    let mut data = PartitionProduceData::default();
    data.index = number;
    data.records = Some(bytes);
    let mut topic_data = TopicProduceData::default();
    topic_data.name = topic;
    topic_data.partition_data = vec![data];
    let mut request = ProduceRequest::default();
    request.transactional_id = None;
    request.acks = acks;
    request.timeout_ms = (timeout_us / 1000) as i32;
    request.topic_data = vec![topic_data];
    request
}

fn end(ctx: &mut Ctx<'_>, number: u32, batch: &Batch, why: &str) {
    let state = if batch.under_way || batch.unsure { State::Info } else { State::Fail };
    ctx.history.push(ctx.now, number, batch.op, state, Act::Error { why: why.into() });
}

impl Client for Producer {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match event {
            Event::Wake => {}
            Event::Quiet => self.quiet = true,
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
        let sends = (!self.quiet && !self.probe).then_some(self.next_send);
        let waits = self.queues.iter().filter(|(partition, _)| self.map.leader(**partition).is_some());
        let retries = waits
            .filter_map(|(_, queue)| queue.batches.front())
            .filter(|batch| !batch.under_way)
            .map(|batch| batch.not_before)
            .min();
        let gives_up = self
            .queues
            .values()
            .filter_map(|queue| queue.batches.front())
            .map(|batch| batch.created.saturating_add(self.delivery_timeout))
            .min();
        let identity = (self.idempotent && self.identity.is_none()).then_some(self.identity_after);
        let ready = self.identity.is_some() || !self.idempotent;
        earliest([
            self.link.next_deadline(),
            self.map.next_wake(),
            sends,
            retries.filter(|_| ready),
            gives_up,
            identity.filter(|_| !self.asks_identity()),
        ])
    }

    fn settled(&self) -> Result<(), String> {
        match self.queues.iter().find(|(_, queue)| self.probe && !queue.batches.is_empty()) {
            Some((partition, _)) => Err(format!("partition {partition} did not accept a record")),
            None if self.probe && !self.partitions.is_empty() => Err("nothing was sent".into()),
            None => Ok(()),
        }
    }
}

impl Producer {
    fn asks_identity(&self) -> bool {
        self.link.open().any(|purpose| matches!(purpose, Purpose::Identity))
    }
}
