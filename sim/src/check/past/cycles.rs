//! What clients saw can be put in one order.
//!
//! One operation comes before another if it sent the record that stands before the other's in a log (ww), or sent a record that
//! the other polled (wr). In a cycle no order is possible: `G0` if it is made of ww alone, `G1c` with wr. `G1c-process` needs the
//! order of one client's own operations as well, `G1c-realtime` that one had ended before the other was invoked. (Adya's names,
//! as Elle uses them; that a poll did *not* see something proves nothing here, so there are no anti-dependencies.)
//!
//! Operations without an answer never ended. Only sends to be kept take part, and in a log only those whose values stand at one offset
//! each: what a producer that is not idempotent sends again stands at several, and other checks speak of the rest.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State, Value};
use crate::table::{Map, Set};
use std::collections::BTreeMap;

/// How strong an order an edge needs, in the order in which cycles are looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Why {
    Log,
    Read,
    Process,
    Realtime,
}

impl Why {
    const ALL: [Self; 4] = [Self::Log, Self::Read, Self::Process, Self::Realtime];

    const fn anomaly(self) -> &'static str {
        match self {
            Self::Log => "G0",
            Self::Read => "G1c",
            Self::Process => "G1c-process",
            Self::Realtime => "G1c-realtime",
        }
    }
}

/// Operations first, then a node for each moment at which something ended: what ended before leads to the moment, the moment
/// to the next one and to what is invoked after it. So the order in real time costs an edge or two an operation.
#[derive(Debug, Default)]
struct Graph {
    edges: Vec<Vec<(usize, Why)>>,
}

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let graph = Graph::of(view);
    // Hardly any history has a cycle: one look over all edges says so.
    if graph.cycle(Why::Realtime, view.ops.len()).is_none() {
        return Vec::new();
    }
    for why in Why::ALL {
        if let Some(cycle) = graph.cycle(why, view.ops.len()) {
            let names: Vec<String> = cycle.iter().map(|at| name(view, *at)).collect();
            let when = cycle.iter().map(|at| view.ops[*at].invoked).max().unwrap_or(0);
            // The weakest order that has a cycle says the most; stronger ones have it too.
            return vec![Anomaly::new(why.anomaly(), when, format!("no order has {}", names.join(" before ")))];
        }
    }
    Vec::new()
}

fn name(view: &View<'_>, at: usize) -> String {
    let op = &view.ops[at];
    match op.asked {
        Act::Send { partition, values, .. } => {
            format!("client {} sending {values:?} to {}", op.client, view.name(*partition))
        }
        _ => format!("client {} polling at {}", op.client, op.invoked),
    }
}

impl Graph {
    fn of(view: &View<'_>) -> Self {
        let mut graph = Self { edges: vec![Vec::new(); view.ops.len()] };
        let sender = senders(view);
        graph.add_logs(view, &sender);
        graph.add_reads(view, &sender);
        graph.add_processes(view);
        graph.add_realtime(view);
        graph
    }

    fn add(&mut self, from: usize, to: usize, why: Why) {
        if from != to {
            self.edges[from].push((to, why));
        }
    }

    fn add_logs(&mut self, view: &View<'_>, sender: &Map<Value, usize>) {
        for log in logs(view, sender).values() {
            let ops: Vec<usize> = log.iter().filter_map(|value| sender.get(value).copied()).collect();
            ops.windows(2).for_each(|pair| self.add(pair[0], pair[1], Why::Log));
        }
    }

    fn add_reads(&mut self, view: &View<'_>, sender: &Map<Value, usize>) {
        for (at, op) in view.ops.iter().enumerate() {
            let Some(Act::Polled { reads }) = op.told else { continue };
            for (_, value) in reads.iter().flat_map(|read| &read.records) {
                if let Some(send) = sender.get(value) {
                    self.add(*send, at, Why::Read);
                }
            }
        }
    }

    fn add_processes(&mut self, view: &View<'_>) {
        let mut last: Map<u32, usize> = Map::default();
        for (at, op) in view.ops.iter().enumerate().filter(|(_, op)| counts(op)) {
            // Operations of one client that overlap have no order.
            let before = last.get(&op.client).copied();
            if let Some(before) = before.filter(|before| view.ops[*before].ended < op.invoked) {
                self.add(before, at, Why::Process);
            }
            if op.state == State::Ok && before.is_none_or(|before| view.ops[before].ended < op.ended) {
                last.insert(op.client, at);
            }
        }
    }

    fn add_realtime(&mut self, view: &View<'_>) {
        let mut moments: Vec<(u64, bool, usize)> = Vec::new();
        for (at, op) in view.ops.iter().enumerate().filter(|(_, op)| counts(op)) {
            moments.push((op.invoked, false, at));
            if op.state == State::Ok {
                moments.push((op.ended, true, at));
            }
        }
        // At one moment invocations come first: only what ended strictly before counts.
        moments.sort_unstable();
        let mut latest: Option<usize> = None;
        for (_, ends, at) in moments {
            if !ends {
                if let Some(moment) = latest {
                    self.add(moment, at, Why::Realtime);
                }
                continue;
            }
            let moment = self.edges.len();
            self.edges.push(Vec::new());
            self.add(at, moment, Why::Realtime);
            if let Some(before) = latest.replace(moment) {
                self.add(before, moment, Why::Realtime);
            }
        }
    }

    /// A cycle of edges no stronger than `most`; of its nodes those that are operations.
    fn cycle(&self, most: Why, ops: usize) -> Option<Vec<usize>> {
        const NEW: u8 = 0;
        const OPEN: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![NEW; self.edges.len()];
        for start in 0..self.edges.len() {
            if state[start] != NEW {
                continue;
            }
            // The path from the start, with the next edge of each node on it.
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            state[start] = OPEN;
            while let Some((node, next)) = path.last_mut() {
                let Some((to, why)) = self.edges[*node].get(*next).copied() else {
                    state[*node] = DONE;
                    path.pop();
                    continue;
                };
                *next += 1;
                if why > most {
                    continue;
                }
                match state[to] {
                    NEW => {
                        state[to] = OPEN;
                        path.push((to, 0));
                    }
                    OPEN => {
                        let from = path.iter().position(|(node, _)| *node == to).unwrap_or(0);
                        return Some(path[from..].iter().map(|(node, _)| *node).filter(|node| *node < ops).collect());
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// What takes part in an order of time: sends to be kept, and polls.
fn counts(op: &super::Op<'_>) -> bool {
    match op.asked {
        Act::Send { kept, .. } => *kept && op.state != State::Fail,
        Act::Poll { .. } => op.state == State::Ok,
        _ => false,
    }
}

/// Which operation sent a value that is to be kept.
fn senders(view: &View<'_>) -> Map<Value, usize> {
    let mut sender = Map::default();
    for (at, op) in view.ops.iter().enumerate().filter(|(_, op)| counts(op)) {
        if let Act::Send { values, .. } = op.asked {
            sender.extend(values.iter().map(|value| (*value, at)));
        }
    }
    sender
}

/// The values of each partition in the order of the log, without those that stand at several offsets, or were sent with one that does, or share
/// an offset.
fn logs(view: &View<'_>, sender: &Map<Value, usize>) -> BTreeMap<u32, Vec<Value>> {
    let mut pairs: Vec<(u32, i64, Value)> = Vec::new();
    for (partition, records) in &view.seen {
        pairs.extend(records.iter().map(|(offset, value, _)| (*partition, *offset, *value)));
    }
    for send in view.sends.iter().filter(|send| send.kept) {
        let Some(base) = send.offset else { continue };
        pairs.extend((base..).zip(send.values).map(|(offset, value)| (send.partition, offset, *value)));
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut at_offset: Map<(u32, i64), u32> = Map::default();
    let mut of_value: Map<Value, u32> = Map::default();
    for (partition, offset, value) in &pairs {
        *at_offset.entry((*partition, *offset)).or_default() += 1;
        *of_value.entry(*value).or_default() += 1;
    }
    // Of a batch that stands twice the beginning of one may have been deleted before anybody saw it: the other is not where it was first (seed 3504).
    let several = of_value.iter().filter(|(_, places)| **places > 1);
    let again: Set<usize> = several.filter_map(|(value, _)| sender.get(value).copied()).collect();
    let mut logs: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for (partition, offset, value) in pairs {
        let once = sender.get(&value).is_none_or(|send| !again.contains(send));
        if at_offset.get(&(partition, offset)) == Some(&1) && once {
            logs.entry(partition).or_default().push(value);
        }
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, send, story};
    use super::check;
    use crate::history::{Act, Read, State, Value};

    fn batch(values: &[Value]) -> Act {
        Act::Send { partition: 0, values: values.to_vec(), order: true, once: true, kept: true }
    }

    fn open(story: &mut Story, client: u32, act: Act) {
        story.invoke(client, act);
    }

    #[test]
    fn batches_that_lie_within_each_other_are_caught() {
        let mut story = story();
        open(&mut story, 1, batch(&[7, 8]));
        open(&mut story, 2, batch(&[9]));
        assert_eq!(story.polled(3, &[(0, 7), (1, 9), (2, 8)]).judged(check), ["G0"]);
    }

    #[test]
    fn a_poll_whose_own_later_send_stands_before_what_it_saw_is_caught() {
        let mut story = story();
        open(&mut story, 1, send(7));
        // Client 2 sees 7, and sends 8 afterwards, which stands before it.
        let story = story.polled(2, &[(1, 7)]);
        let story = story.whole(2, send(8), State::Info, Act::Error { why: "timed out".into() });
        assert_eq!(story.polled(3, &[(0, 8), (1, 7)]).judged(check), ["G1c-process"]);
    }

    #[test]
    fn what_another_sees_counts_in_real_time() {
        let mut story = story();
        open(&mut story, 1, send(7));
        let story = story.polled(2, &[(1, 7)]);
        let story = story.whole(4, send(8), State::Info, Act::Error { why: "timed out".into() });
        assert_eq!(story.polled(3, &[(0, 8), (1, 7)]).judged(check), ["G1c-realtime"]);
    }

    #[test]
    fn what_overlaps_may_stand_either_way() {
        let mut story = story();
        open(&mut story, 1, send(7));
        let poll = story.invoke(2, Act::Poll { assigned: true });
        open(&mut story, 4, send(8));
        let reads = vec![Read { partition: 0, records: vec![(1, 7)] }];
        story.end(2, poll, State::Ok, Act::Polled { reads });
        assert!(story.polled(3, &[(0, 8), (1, 7)]).judged(check).is_empty(), "8 was on its way when 7 was seen");
        let apart = self::story().sent(7, 0).sent(8, 1).polled(2, &[(0, 7), (1, 8)]).sent(9, 2);
        assert!(apart.judged(check).is_empty());
    }

    #[test]
    fn values_that_stand_twice_or_share_an_offset_are_others_business() {
        let mut story = story();
        open(&mut story, 1, send(7));
        open(&mut story, 2, send(8));
        assert!(story.polled(3, &[(0, 7), (1, 8), (2, 7)]).judged(check).is_empty());
    }

    #[test]
    fn a_batch_that_was_sent_again_is_not_where_its_rest_stands() {
        // 1 and 2 were deleted before anybody saw them; 3 was seen, and then 9 was sent.
        let told = |again: &[(i64, Value)]| {
            let mut story = story();
            open(&mut story, 1, batch(&[1, 2, 3]));
            let mut story = story.polled(2, &[(12, 3)]);
            open(&mut story, 4, batch(&[9]));
            story.polled(3, again).judged(check)
        };
        assert!(told(&[(12, 3), (13, 9), (14, 1), (15, 2), (16, 3)]).is_empty());
        assert_eq!(told(&[(12, 3), (13, 9), (14, 1), (15, 2)]), ["G0"], "nothing stands twice");
    }
}
