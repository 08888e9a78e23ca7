//! What a producer has to send to one partition, in its order.

use crate::history::Value;
use std::collections::VecDeque;

/// A batch that has no final answer yet.
#[derive(Debug)]
pub(super) struct Batch {
    pub op: u64,
    pub values: Vec<Value>,
    pub sequence: i32,
    /// When it was made, in microseconds.
    pub created: u64,
    under_way: bool,
    /// It was sent before, and nobody knows what became of it.
    pub unsure: bool,
    not_before: u64,
}

impl Batch {
    /// Whether a broker may have it.
    pub const fn was_sent(&self) -> bool {
        self.under_way || self.unsure
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    pub batches: VecDeque<Batch>,
    pub next_sequence: i32,
}

impl Queue {
    /// Nothing is to be sent yet; the first record will have that sequence.
    pub const fn new(next_sequence: i32) -> Self {
        Self { batches: VecDeque::new(), next_sequence }
    }

    pub fn push(&mut self, op: u64, values: Vec<Value>, now: u64) {
        let sequence = self.next_sequence;
        // Behind the last sequence comes the first.
        self.next_sequence = sequence.wrapping_add(values.len() as i32) & i32::MAX;
        let batch = Batch { op, values, sequence, created: now, under_way: false, unsure: false, not_before: 0 };
        self.batches.push_back(batch);
    }

    /// When the first batch was made.
    pub fn oldest(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.created)
    }

    /// When the first batch may be sent, unless it is under way.
    pub fn next_send(&self) -> Option<u64> {
        self.batches.front().filter(|batch| !batch.under_way).map(|batch| batch.not_before)
    }

    /// Takes what is to be sent now; no more than `in_flight` are under way.
    pub fn ready(&mut self, now: u64, in_flight: usize) -> impl Iterator<Item = &Batch> {
        // While the first batch is being sent again, it goes alone: those behind it keep their order.
        let again = self.batches.front().is_some_and(|batch| batch.unsure || batch.not_before > 0);
        let most = if again { 1 } else { in_flight };
        let idle = self.batches.iter_mut().take(most).filter(|batch| !batch.under_way);
        idle.take_while(move |batch| batch.not_before <= now).map(|batch| {
            batch.under_way = true;
            &*batch
        })
    }

    /// Sends a batch again later; `unsure`: nobody knows what became of it.
    pub fn retry(&mut self, op: u64, not_before: u64, unsure: bool) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.op == op) {
            batch.under_way = false;
            batch.unsure |= unsure;
            batch.not_before = not_before;
        }
    }

    /// A batch has its final answer; whether it was waited for.
    pub fn finish(&mut self, now: u64, op: u64) -> bool {
        let place = self.batches.iter().position(|batch| batch.op == op);
        if let Some(place) = place {
            self.batches.remove(place);
        }
        // Those behind a batch that was sent again may be sent together again.
        if let Some(first) = self.batches.front_mut().filter(|first| !first.unsure && first.not_before <= now) {
            first.not_before = 0;
        }
        place.is_some()
    }
}
