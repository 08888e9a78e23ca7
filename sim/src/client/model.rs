//! What every model of a client is made of: its events, its reach, its name in the history.

use super::keeps::Keeps;
use crate::dice::{Dice, Stream};
use crate::history::{Act, History, State};
use crate::net::{Arrival, Conn, Net, Peer};
use crate::plan::Plan;
use bytes::Bytes;

/// What happens to a client.
#[derive(Debug)]
pub enum Event {
    /// It starts, or the time it asked for has come.
    Wake,
    Frame(Conn, Bytes),
    Closed(Conn),
    /// Nothing new is to be begun; what was begun goes on.
    Quiet,
}

/// The world, as far as a client reaches it.
#[derive(Debug)]
pub struct Ctx<'a> {
    pub now: u64,
    pub plan: &'a Plan,
    pub net: &'a mut Net,
    pub due: &'a mut Vec<(u64, Arrival)>,
    pub history: &'a mut History,
    /// Bytes that a reader was given and that fail their check: a broken promise, whoever finds it.
    pub corrupt: &'a mut Vec<String>,
}

/// A member's part of its group, by partitions.
#[derive(Debug)]
pub struct Part {
    pub group: u32,
    pub wanted: Vec<u32>,
    pub has: Vec<u32>,
}

/// A model of a client.
pub trait Client {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event);

    /// When it wants to be woken.
    fn next_wake(&self) -> Option<u64>;

    /// What it wants of its group, and what it was given; `None`: it is no member, or is gone.
    fn part(&self) -> Option<Part> {
        None
    }

    /// What it vouches for, as far as it was told that it is done.
    fn keeps(&self) -> Keeps {
        Keeps::default()
    }

    /// Whether it has come to where it must come after the faults; `Err` says what is missing. `gone`: a node that is gone for good, and
    /// answers nothing.
    fn settled(&self, _gone: Option<Peer>) -> Result<(), String> {
        Ok(())
    }
}

/// Who a client is, and what it has counted.
#[derive(Clone, Debug)]
pub struct Me {
    /// Its number in the history, and its place on the network.
    pub number: u32,
    pub peer: Peer,
    seed: u64,
    ops: u64,
    draws: u64,
}

impl Me {
    pub const fn new(seed: u64, number: u32, peer: Peer) -> Self {
        Self { number, peer, seed, ops: 0, draws: 0 }
    }

    pub const fn dice(&mut self) -> Dice {
        self.draws += 1;
        Dice::new(self.seed, Stream::Client, self.number as u64, self.draws)
    }

    /// Writes an invocation; its number ends it.
    pub fn invoke(&mut self, ctx: &mut Ctx<'_>, act: Act) -> u64 {
        self.ops += 1;
        ctx.history.push(ctx.now, self.number, self.ops, State::Invoke, act);
        self.ops
    }

    pub fn end(&self, ctx: &mut Ctx<'_>, op: u64, state: State, act: Act) {
        ctx.history.push(ctx.now, self.number, op, state, act);
    }

    /// An event of its own.
    pub fn tell(&mut self, ctx: &mut Ctx<'_>, act: Act) {
        self.ops += 1;
        ctx.history.push(ctx.now, self.number, self.ops, State::Ok, act);
    }

    /// An operation whose outcome nobody knows.
    pub fn unknown(&self, ctx: &mut Ctx<'_>, op: u64, why: &str) {
        self.end(ctx, op, State::Info, Act::Error { why: why.into() });
    }

    /// An operation that did not happen.
    pub fn failed(&self, ctx: &mut Ctx<'_>, op: u64, why: &str) {
        self.end(ctx, op, State::Fail, Act::Error { why: why.into() });
    }
}

/// The earliest of several moments that may not be.
pub fn earliest(moments: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    moments.into_iter().flatten().min()
}
