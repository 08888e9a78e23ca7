//! An idempotent producer that raises its epoch by itself (KIP-360), and its older self, which has not heard of it: once the new epoch
//! has written to a partition, a batch of the epoch before comes there, or one whose bytes are damaged, or that has fewer records than
//! offsets, or of an epoch to come with a sequence that begins none, or of a time that the topic does not take; and must be refused.

use super::{Producer, Purpose, produce};
use crate::client::Ctx;
use crate::client::batch::{Sender, encode, miscount};
use crate::client::link::DATA;
use crate::clock::EPOCH_MS;
use crate::history::{Act, State, Value};
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::{ApiKey, ProduceResponse};
use std::collections::{BTreeMap, BTreeSet};

/// A sequence that no producer comes to here.
const HASTY: i32 = 1_000_000;
/// The topic takes no records from `DAYS_MS` ago.
const AGED: &str = "message.timestamp.before.max.ms";
const DAYS_MS: i64 = 4 * 86_400_000;

/// What the producer was, and the sequence that it would go on with in each partition.
#[derive(Debug)]
pub(super) struct Old {
    id: i64,
    epoch: i16,
    next: BTreeMap<u32, i32>,
    /// Where it has come once more.
    done: BTreeSet<u32>,
}

impl Producer {
    /// Raises the epoch, if it is time and nothing is under way.
    pub(super) fn bump(&mut self, ctx: &Ctx<'_>) {
        let busy = self.queues.values().any(|queue| !queue.batches.is_empty());
        let Some((id, epoch)) = self.identity.filter(|_| self.bump_us > 0 && ctx.now >= self.next_bump) else { return };
        if busy || self.quiet || epoch == i16::MAX {
            return;
        }
        let queues = std::mem::take(&mut self.queues);
        let next = queues.into_iter().map(|(partition, queue)| (partition, queue.next_sequence)).collect();
        self.old = Some(Old { id, epoch, next, done: BTreeSet::new() });
        self.identity = Some((id, epoch + 1));
        self.session += 1;
        self.next_bump = ctx.now + self.bump_us;
    }

    /// The present epoch has written to the partition: the one before comes once more.
    pub(super) fn haunt(&mut self, ctx: &mut Ctx<'_>, partition: u32) {
        let Some(old) = self.old.as_mut().filter(|old| self.identity == Some((old.id, old.epoch + 1))) else { return };
        let Some(leader) = self.map.leader(partition).filter(|_| old.done.insert(partition)) else { return };
        // It goes on, or has not written there yet.
        let next = old.next.get(&partition).copied().unwrap_or(0);
        let sequence = if self.me.dice().chance(1, 2) { next } else { 0 };
        // Or it comes with bytes that are not what was sent, or no batch can have.
        let garbled = self.me.dice().chance(1, 4);
        let sender = if garbled { Sender::PLAIN } else { Sender { id: old.id, epoch: old.epoch, sequence } };
        // Or of an epoch that is to come, with a sequence that begins none; or from long ago, where that is not taken.
        let hasty = !garbled && self.me.dice().chance(1, 4);
        let sender = if hasty { Sender { epoch: old.epoch + 2, sequence: HASTY, ..sender } } else { sender };
        let aged =
            ctx.plan.partitions().nth(partition as usize).is_some_and(|(topic, _)| topic.settings.contains_key(AGED));
        let aged = aged && !garbled && !hasty && self.me.dice().chance(1, 2);
        let sender = if aged { Sender::PLAIN } else { sender };
        let value: Value = u64::from(self.me.number) << 32 | self.values;
        self.values += 1;
        let number = self.number();
        let own = std::mem::replace(&mut self.me.number, number);
        let act = Act::Send { partition, values: vec![value], order: false, once: false, kept: false };
        let op = self.me.invoke(ctx, act);
        self.me.number = own;
        let time = EPOCH_MS + (ctx.now / 1000) as i64 - if aged { DAYS_MS } else { 0 };
        let mut bytes = encode(&[value], self.shape, time, sender);
        if garbled && self.me.dice().chance(1, 2) {
            bytes = miscount(&bytes);
        } else if garbled {
            let mut wrong = bytes.to_vec();
            *wrong.last_mut().expect("a batch has bytes") ^= 1;
            bytes = wrong.into();
        }
        let request = produce(ctx, &self.map, self.terms(), [(partition, bytes)]);
        let purpose = Purpose::Zombie { op, number };
        self.link.ask(ctx, (leader, DATA), ApiKey::Produce, self.version, request, self.request_timeout, purpose);
    }
}

/// The batch was refused for good, or nobody knows.
pub(super) fn on_answer(ctx: &mut Ctx<'_>, number: u32, op: u64, answer: &ProduceResponse) {
    let told = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    match told.map(|told| (Code::try_from_code(told.error_code), told.base_offset)) {
        Some((None, offset)) => ctx.history.push(ctx.now, number, op, State::Ok, Act::Sent { offset: Some(offset) }),
        Some((Some(code @ (Code::InvalidProducerEpoch | Code::CorruptMessage | Code::InvalidRecord)), _)) => {
            ctx.history.push(ctx.now, number, op, State::Fail, Act::Error { why: format!("{code:?}") })
        }
        _ => unknown(ctx, number, op, "not told"),
    }
}

pub(super) fn unknown(ctx: &mut Ctx<'_>, number: u32, op: u64, why: &str) {
    ctx.history.push(ctx.now, number, op, State::Info, Act::Error { why: why.into() });
}
