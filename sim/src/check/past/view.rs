use crate::history::{Act, History, State, Value};
use crate::table::Map;
use std::collections::BTreeMap;

/// An operation: what was asked, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Op<'a> {
    pub client: u32,
    pub invoked: u64,
    /// When the client learned the outcome; `u64::MAX` while it has not.
    pub ended: u64,
    pub state: State,
    pub asked: &'a Act,
    /// What an ok operation was told.
    pub told: Option<&'a Act>,
}

/// A send, with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    pub op: Op<'a>,
    pub partition: u32,
    pub values: &'a [Value],
    pub offset: Option<i64>,
    pub order: bool,
    pub once: bool,
    pub kept: bool,
}

/// A history, arranged for those who judge it.
#[derive(Debug)]
pub struct View<'a> {
    pub history: &'a History,
    /// In the order of invocation.
    pub ops: Vec<Op<'a>>,
    pub sends: Vec<Sent<'a>>,
    /// Which of `sends` sent a value.
    pub sender: Map<Value, usize>,
    /// What ok polls saw, by partition: offset, value, when the poll ended.
    pub seen: BTreeMap<u32, Vec<(i64, Value, u64)>>,
    /// The offsets of each partition at which something is known to stand, ascending: the dense rank of a record is its
    /// place here, so that holes in offsets are legal.
    pub known: BTreeMap<u32, Vec<i64>>,
    /// Below this offset records may have been deleted, by partition.
    pub deleted: BTreeMap<u32, i64>,
    /// The end up to which the last reader read a partition, and when it was there.
    pub ends: BTreeMap<u32, (i64, u64)>,
}

impl<'a> View<'a> {
    pub fn of(history: &'a History) -> Self {
        let ops = operations(history);
        let mut view = Self {
            history,
            sends: Vec::new(),
            sender: Map::default(),
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
            deleted: BTreeMap::new(),
            ends: BTreeMap::new(),
            ops: Vec::new(),
        };
        for op in &ops {
            view.take(*op);
        }
        for offsets in view.known.values_mut() {
            offsets.sort_unstable();
            offsets.dedup();
        }
        view.ops = ops;
        view
    }

    fn take(&mut self, op: Op<'a>) {
        match (op.asked, op.told) {
            (Act::Send { partition, values, order, once, kept }, told) => {
                let offset = if let Some(Act::Sent { offset }) = told { *offset } else { None };
                for value in values {
                    self.sender.insert(*value, self.sends.len());
                }
                if let (true, Some(offset)) = (*kept, offset) {
                    self.known.entry(*partition).or_default().extend((offset..).take(values.len()));
                }
                self.sends.push(Sent {
                    op,
                    partition: *partition,
                    values,
                    offset,
                    order: *order,
                    once: *once,
                    kept: *kept,
                });
            }
            (_, Some(Act::Polled { reads })) => {
                for read in reads {
                    let seen = self.seen.entry(read.partition).or_default();
                    seen.extend(read.records.iter().map(|(offset, value)| (*offset, *value, op.ended)));
                    self.known
                        .entry(read.partition)
                        .or_default()
                        .extend(read.records.iter().map(|(offset, _)| *offset));
                }
            }
            (Act::Delete { partition, before }, _) if op.state != State::Fail => {
                let deleted = self.deleted.entry(*partition).or_default();
                *deleted = (*deleted).max(*before);
            }
            (Act::End { partition, offset }, _) => {
                self.ends.insert(*partition, (*offset, op.invoked));
            }
            _ => {}
        }
    }

    /// The place of an offset among the known ones of its partition.
    pub fn rank(&self, partition: u32, offset: i64) -> Option<usize> {
        self.known.get(&partition)?.binary_search(&offset).ok()
    }

    pub fn name(&self, partition: u32) -> &str {
        self.history.partitions.get(partition as usize).map_or("?", String::as_str)
    }
}

/// Pairs each invocation with its outcome.
fn operations(history: &History) -> Vec<Op<'_>> {
    let mut ops: Vec<Op<'_>> = Vec::with_capacity(history.lines.len() / 2);
    let mut open: Map<(u32, u64), usize> = Map::default();
    for line in &history.lines {
        let told = (line.state == State::Ok).then_some(&line.act);
        match line.state {
            State::Invoke => {
                open.insert((line.client, line.op), ops.len());
                ops.push(Op {
                    client: line.client,
                    invoked: line.t,
                    ended: u64::MAX,
                    state: State::Info,
                    asked: &line.act,
                    told: None,
                });
            }
            State::Ok | State::Fail | State::Info => match open.remove(&(line.client, line.op)) {
                Some(place) => {
                    let op = &mut ops[place];
                    op.ended = line.t;
                    op.state = line.state;
                    op.told = told;
                }
                // An event of its own, without an invocation.
                None => ops.push(Op {
                    client: line.client,
                    invoked: line.t,
                    ended: line.t,
                    state: line.state,
                    asked: &line.act,
                    told,
                }),
            },
        }
    }
    ops
}
