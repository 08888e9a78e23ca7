//! A producer: plain or idempotent, with the batching, retries and time-outs of Kafka's.

use super::batch::{Sender, Shape, encode};
use super::link::DATA;
use super::map::Map;
use super::{Client, Ctx, Event, Heard, Link, Me, earliest};
use crate::clock::EPOCH_MS;
use crate::history::{Act, State, Value};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan, TopicPlan};
use bytes::Bytes;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::{ApiKey, InitProducerIdRequest, ResponseKind};
use std::collections::BTreeMap;

mod queue;
mod request;
mod zombie;

use queue::{Batch, Queue};
use request::{Terms, end, produce, told};

/// What each new session of a producer adds to its number in the history: it is another client there.
pub const SESSION: u32 = 1_000;

const RETRY_US: u64 = 50_000;
/// How far the time of some batches lies back.
const BACK_MS: i64 = 700;

#[derive(Debug)]
enum Purpose {
    Map,
    Identity,
    /// The batches in it: partition and operation.
    Send {
        parts: Vec<(u32, u64)>,
        session: u32,
    },
    Zombie {
        op: u64,
        number: u32,
    },
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
    shape: Shape,
    tick_ms: u64,
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
    /// With which it begins in each partition.
    first_sequence: i32,
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
            step_ms,
            snappy,
            first_sequence,
            tick_ms,
            untimed,
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
            shape: Shape { size, step_ms, snappy, untimed, keyed: plan.topics.iter().any(TopicPlan::is_compacted) },
            in_flight,
            tick_ms: tick_ms.max(1),
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
            first_sequence,
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
            step_ms: 0,
            snappy: false,
            first_sequence: 0,
            tick_ms: 0,
            untimed: false,
        };
        Self { probe: true, ..Self::new(plan, client, me) }
    }

    const fn terms(&self) -> Terms {
        Terms { acks: self.acks, version: self.version, timeout_us: self.request_timeout }
    }

    /// The number under which the present session's sends stand in the history.
    const fn number(&self) -> u32 {
        self.me.number + self.session * SESSION
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, lost);
        }
        self.map.ask(ctx, &mut self.link, self.request_timeout, Purpose::Map);
        self.ask_identity(ctx);
        self.bump(ctx);
        self.begin(ctx);
        self.give_up(ctx);
        self.send(ctx);
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
        let kept = self.acks == -1 || self.acks == 1 && single && !ctx.plan.moves();
        let order = self.idempotent;
        let (me, number) = (self.me.number, self.number());
        self.me.number = number;
        let op =
            self.me.invoke(ctx, Act::Send { partition, values: values.clone(), order, once: self.idempotent, kept });
        self.me.number = me;
        // In an epoch that is not its first it has to begin with 0 (KIP-360).
        let begins = if self.identity.is_none_or(|(_, epoch)| epoch == 0) { self.first_sequence } else { 0 };
        self.queues.entry(partition).or_insert_with(|| Queue::new(begins)).push(op, values, ctx.now);
    }

    /// Gives up what is too old: what was never sent failed, of the rest nobody knows.
    fn give_up(&mut self, ctx: &mut Ctx<'_>) {
        let Some(since) = ctx.now.checked_sub(self.delivery_timeout) else { return };
        if !self.queues.values().any(|queue| queue.oldest().is_some_and(|created| created <= since)) {
            return;
        }
        if self.idempotent {
            self.end_session(ctx, "gave up");
            return;
        }
        let number = self.number();
        for queue in self.queues.values_mut() {
            while let Some(batch) = queue.batches.pop_front_if(|batch| batch.created <= since) {
                end(ctx, number, batch.op, batch.was_sent(), "gave up");
            }
        }
    }

    /// All that has no answer is given up; a new identity begins with new sequences, so that nothing stands in doubt behind it.
    fn end_session(&mut self, ctx: &mut Ctx<'_>, why: &str) {
        let number = self.number();
        for queue in std::mem::take(&mut self.queues).into_values() {
            for batch in queue.batches {
                end(ctx, number, batch.op, batch.was_sent(), why);
            }
        }
        self.session += 1;
        self.identity = None;
    }

    /// Sends what may be sent: what goes to one node goes in one request, with one batch of each partition at most.
    fn send(&mut self, ctx: &mut Ctx<'_>) {
        if self.idempotent && self.identity.is_none() {
            return;
        }
        let mut requests: BTreeMap<(usize, Peer), Vec<(u32, u64, Bytes)>> = BTreeMap::new();
        let partitions: Vec<u32> = self.queues.keys().copied().collect();
        for partition in partitions {
            let Some(leader) = self.map.leader(partition) else { continue };
            for (turn, (op, bytes)) in self.ready(ctx.now, partition).into_iter().enumerate() {
                requests.entry((turn, leader)).or_default().push((partition, op, bytes));
            }
        }
        for ((_, leader), batches) in requests {
            let parts: Vec<(u32, u64)> = batches.iter().map(|(partition, op, _)| (*partition, *op)).collect();
            let batches = batches.into_iter().map(|(partition, _, bytes)| (partition, bytes));
            let request = produce(ctx, &self.map, self.terms(), batches);
            if self.acks == 0 {
                self.link.tell(ctx, (leader, DATA), ApiKey::Produce, self.version, request);
                for (partition, op) in parts {
                    self.finish(ctx, partition, op, State::Info, Act::Error { why: "wants no answer".into() });
                }
                continue;
            }
            let purpose = Purpose::Send { parts, session: self.session };
            self.link.ask(ctx, (leader, DATA), ApiKey::Produce, self.version, request, self.request_timeout, purpose);
        }
    }

    /// The batches of a partition that are to be sent now, in their order.
    fn ready(&mut self, now: u64, partition: u32) -> Vec<(u64, Bytes)> {
        let Some(queue) = self.queues.get_mut(&partition) else { return Vec::new() };
        let identity = self.identity;
        let bytes = |batch: &Batch| {
            let sender = identity.map_or(Sender::PLAIN, |(id, epoch)| Sender { id, epoch, sequence: batch.sequence });
            // Timestamps are the client's own, and need not rise.
            let back = if batch.op.is_multiple_of(5) { BACK_MS } else { 0 };
            let now_ms = batch.created / 1000;
            let time = EPOCH_MS + (now_ms - now_ms % self.tick_ms) as i64 - back;
            (batch.op, encode(&batch.values, self.shape, time, sender))
        };
        queue.ready(now, self.in_flight as usize).map(bytes).collect()
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Identity => self.identity_after = ctx.now + RETRY_US,
            Purpose::Send { parts, session } if session == self.session => {
                for (partition, op) in parts {
                    self.map.forget(ctx, partition);
                    self.retry(ctx, partition, op, true);
                }
            }
            Purpose::Send { .. } => {}
            Purpose::Zombie { op, number } => zombie::unknown(ctx, number, op, "connection lost"),
        }
    }

    fn retry(&mut self, ctx: &Ctx<'_>, partition: u32, op: u64, unsure: bool) {
        if let Some(queue) = self.queues.get_mut(&partition) {
            queue.retry(op, ctx.now + RETRY_US, unsure);
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
            (Purpose::Send { parts, session }, ResponseKind::Produce(answer)) => {
                for (partition, op) in parts {
                    // What was told of one may have ended the session of all.
                    if session == self.session {
                        let (code, offset) = told(ctx, &self.map, &answer, partition);
                        self.on_sent(ctx, partition, op, code, offset);
                    }
                }
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
        if self.queues.get_mut(&partition).is_some_and(|queue| queue.finish(ctx.now, op)) {
            ctx.history.push(ctx.now, number, op, state, act);
        }
    }
}

impl Client for Producer {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, answer),
            Heard::Lost(lost) => {
                // All that it is ever told of a leader that is one no more.
                if self.acks == 0 {
                    self.map.refresh(ctx);
                }
                lost.into_iter().for_each(|purpose| self.on_lost(ctx, purpose));
            }
            Heard::Quiet => self.quiet = true,
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let sends = (!self.quiet && !self.probe).then_some(self.next_send);
        let waits = self.queues.iter().filter(|(partition, _)| self.map.leader(**partition).is_some());
        let retries = waits.filter_map(|(_, queue)| queue.next_send()).min();
        let oldest = self.queues.values().filter_map(Queue::oldest).min();
        let gives_up = oldest.map(|created| created.saturating_add(self.delivery_timeout));
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

    fn settled(&self, _gone: Option<Peer>) -> Result<(), String> {
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
