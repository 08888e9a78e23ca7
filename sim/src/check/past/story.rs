//! Hand-made histories, short to write.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, History, Read, State, Value};

/// A history being told. Every operation of a client takes a tick to be invoked and a tick to end, unless told otherwise.
#[derive(Default)]
pub struct Story {
    history: History,
    op: u64,
    now: u64,
}

pub fn story() -> Story {
    let mut story = Story::default();
    story.history.partitions = vec!["t-0".into(), "t-1".into()];
    story.history.groups = vec!["g".into()];
    story
}

impl Story {
    fn line(&mut self, client: u32, op: u64, state: State, act: Act) {
        self.now += 1;
        self.history.push(self.now, client, op, state, act);
    }

    /// Invokes and leaves open; the number names it for `end`.
    pub fn invoke(&mut self, client: u32, act: Act) -> u64 {
        self.op += 1;
        self.line(client, self.op, State::Invoke, act);
        self.op
    }

    pub fn end(&mut self, client: u32, op: u64, state: State, act: Act) {
        self.line(client, op, state, act);
    }

    pub fn whole(mut self, client: u32, asked: Act, state: State, told: Act) -> Self {
        let op = self.invoke(client, asked);
        self.end(client, op, state, told);
        self
    }

    /// A send of one value to `t-0` by client 1, idempotent with acks=all, that was acked at `offset`.
    pub fn sent(self, value: Value, offset: i64) -> Self {
        self.whole(1, send(value), State::Ok, Act::Sent { offset: Some(offset) })
    }

    /// A send of which nobody knows.
    pub fn unknown(self, value: Value) -> Self {
        self.whole(1, send(value), State::Info, Act::Error { why: "timed out".into() })
    }

    /// A send that was refused.
    pub fn refused(self, value: Value) -> Self {
        self.whole(1, send(value), State::Fail, Act::Error { why: "refused".into() })
    }

    /// A poll of `t-0` by an assigned consumer.
    pub fn polled(self, client: u32, records: &[(i64, Value)]) -> Self {
        let reads = vec![Read { partition: 0, records: records.to_vec() }];
        self.whole(client, Act::Poll { assigned: true }, State::Ok, Act::Polled { reads })
    }

    /// An event of its own.
    pub fn alone(mut self, client: u32, state: State, act: Act) -> Self {
        self.op += 1;
        self.line(client, self.op, state, act);
        self
    }

    /// `t-0` was read to its end.
    pub fn ended(self, offset: i64) -> Self {
        self.alone(9, State::Ok, Act::End { partition: 0, offset })
    }

    /// The names of what a property finds.
    pub fn judged(self, property: fn(&View<'_>) -> Vec<Anomaly>) -> Vec<&'static str> {
        property(&View::of(&self.history)).iter().map(|anomaly| anomaly.kind).collect()
    }
}

pub fn send(value: Value) -> Act {
    Act::Send { partition: 0, values: vec![value], order: true, once: true, kept: true }
}
