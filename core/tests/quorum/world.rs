//! A quorum in one thread from one seed: nodes, their disks, a network that loses, delays and doubles, and faults.

use crate::disk::{Disk, only_metadata};
use crate::judge::Judge;
use bytes::Bytes;
use esker_core::id::{CallId, NodeId, Offset};
use esker_core::io::{Address, CallFault, DiskFault, DiskOp, DiskTag, Out, Output, Records};
use esker_core::quorum::{Answer, Committed, Quorum, QuorumConfig, Turn, Voter};
use esker_core::rng::Rng;
use esker_core::time::{Mono, Now, Span, Wall};
use kafka_protocol::messages::{RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// What a seed draws.
#[derive(Clone, Copy, Debug)]
pub struct Knobs {
    pub voters: i32,
    pub observers: i32,
    /// Of a thousand messages so many are lost, and so many come twice.
    pub lost: u64,
    pub doubled: u64,
    pub delay_us: u64,
    /// Mean time of a disk operation of each node is below this.
    pub disk_us: u64,
    /// Records between two snapshots; 0: none.
    pub snapshot_every: i64,
    /// Bytes in one Fetch.
    pub fetch_bytes: u32,
}

#[derive(Clone, Debug)]
enum Event {
    Request { from: i32, to: i32, call: CallId, life: u32, body: Box<RequestKind> },
    Reply { to: i32, call: CallId, life: u32, body: Option<Box<ResponseKind>> },
    Disk { node: i32, life: u32 },
    Tick { node: i32, life: u32, at: Mono },
    Held { node: i32, life: u32, row: u64 },
}

struct Row {
    from: i32,
    call: CallId,
    life: u32,
    body: Box<RequestKind>,
}

/// One node, up or down. What is on `disk` outlives it.
pub struct Node {
    pub quorum: Option<Quorum>,
    out: Out,
    pub disk: Disk,
    pending: Vec<(DiskTag, DiskOp)>,
    disk_us: u64,
    rows: BTreeMap<u64, Row>,
    life: u32,
    ticking: Option<Mono>,
    /// The state machine: a hash of all it was given, up to where.
    pub state: (Offset, u64),
    /// Appends that this life of the node took as a leader: last offset, epoch and value.
    pub waiting: Vec<(Offset, i32, u64)>,
    /// The highest watermark of this life.
    pub watermark: Offset,
    /// The next disk change fails.
    pub failing: bool,
}

/// More than any healthy run takes: a storm of messages is a failure and not a wait.
const EVENTS_MAX: u64 = 400_000;

pub struct World {
    pub now: Mono,
    pub knobs: Knobs,
    pub rng: Rng,
    seed: u64,
    events: BTreeMap<(Mono, u64), Event>,
    sequence: u64,
    pub nodes: Vec<Node>,
    /// Links that are cut, from and to.
    pub cut: Vec<(i32, i32)>,
    pub judge: Judge,
    pub handled: u64,
    value: u64,
}

pub fn voter(id: i32) -> Voter {
    Voter { id: NodeId(id), address: Address { host: StrBytes::from_static_str("n"), port: id as u16 } }
}

pub fn hash(state: u64, value: u64) -> u64 {
    Rng::new(state, value).next_u64()
}

impl Node {
    /// Which of its lives this is.
    pub fn life(&self) -> u64 {
        u64::from(self.life)
    }
}

impl World {
    pub fn new(seed: u64, knobs: Knobs) -> Self {
        let mut rng = Rng::new(seed, 1);
        let node = |rng: &mut Rng| Node {
            quorum: None,
            out: Out::default(),
            disk: Disk::default(),
            pending: Vec::new(),
            disk_us: 1 + rng.below(knobs.disk_us),
            rows: BTreeMap::new(),
            life: 0,
            ticking: None,
            state: (Offset::ZERO, 0),
            waiting: Vec::new(),
            watermark: Offset::ZERO,
            failing: false,
        };
        let nodes = (0..knobs.voters + knobs.observers).map(|_| node(&mut rng)).collect();
        let mut world = Self {
            now: Mono(1_000_000),
            knobs,
            rng,
            seed,
            events: BTreeMap::new(),
            sequence: 0,
            nodes,
            cut: Vec::new(),
            judge: Judge::default(),
            handled: 0,
            value: 0,
        };
        for id in 0..world.nodes.len() as i32 {
            world.start(id);
        }
        world
    }

    pub fn time(&self) -> Now {
        Now { mono: self.now, wall: Wall((self.now.0 / 1000) as i64) }
    }

    pub fn node(&mut self, id: i32) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    fn push(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + Span(after), self.sequence), event);
    }

    pub fn start(&mut self, id: i32) {
        let voters = (0..self.knobs.voters).map(voter).collect();
        let mut config = QuorumConfig::new(NodeId(id), voters, hash(self.seed, self.sequence));
        config.segment_bytes = 4096;
        config.fetch_bytes = self.knobs.fetch_bytes;
        config.snapshot_bytes = 100;
        let node = self.node(id);
        assert!(node.quorum.is_none());
        let mut quorum = Quorum::new(config);
        quorum.open(false, Offset::ZERO, &mut node.out);
        node.quorum = Some(quorum);
        node.state = (Offset::ZERO, 0);
        node.watermark = Offset::ZERO;
        self.settle(id);
    }

    /// The process is killed: its connections end, as its callers see at once.
    pub fn kill(&mut self, id: i32) {
        for row in core::mem::take(&mut self.node(id).rows).into_values() {
            self.push(100, Event::Reply { to: row.from, call: row.call, life: row.life, body: None });
        }
        self.crash(id);
    }

    /// The power fails: nobody is told.
    pub fn crash(&mut self, id: i32) {
        let rng = &mut self.rng;
        let node = &mut self.nodes[id as usize];
        node.quorum = None;
        node.life += 1;
        node.out = Out::default();
        node.rows.clear();
        node.waiting.clear();
        node.ticking = None;
        node.failing = false;
        let pending: Vec<DiskOp> = core::mem::take(&mut node.pending).into_iter().map(|(_, op)| op).collect();
        node.disk.crash(&pending, rng);
    }

    pub fn is_up(&self, id: i32) -> bool {
        self.nodes[id as usize].quorum.is_some()
    }

    pub fn leader(&self) -> Option<i32> {
        let leads = |node: &Node| node.quorum.as_ref().filter(|q| q.is_leader()).map(Quorum::epoch);
        (0..self.nodes.len() as i32)
            .filter(|id| leads(&self.nodes[*id as usize]).is_some())
            .max_by_key(|id| leads(&self.nodes[*id as usize]))
    }

    /// A client's append to that node, if it leads.
    pub fn append(&mut self, id: i32, count: u64) -> bool {
        let now = self.time();
        let values: Vec<u64> = (0..count).map(|n| self.value + n + 1).collect();
        let node = &mut self.nodes[id as usize];
        let Some(quorum) = &mut node.quorum else { return false };
        if !quorum.is_drained() {
            return false;
        }
        let pad = |value: &u64| Bytes::from([&value.to_be_bytes()[..], &[7; 40]].concat());
        let Ok(last) = quorum.append(now, values.iter().map(pad).collect(), &mut node.out) else { return false };
        node.waiting.push((last, quorum.epoch().0, self.value + count));
        self.value += count;
        self.settle(id);
        true
    }

    /// That node's quorum, if it is up, is told something.
    pub fn tell(&mut self, id: i32, what: impl FnOnce(&mut Quorum, Now, &mut Out)) {
        let now = self.time();
        let node = &mut self.nodes[id as usize];
        if let Some(quorum) = &mut node.quorum {
            what(quorum, now, &mut node.out);
        }
        self.settle(id);
    }

    /// That node is told to give up the lead; it is stopped a little later by whoever told it, or goes on.
    pub fn resign(&mut self, id: i32) {
        self.tell(id, Quorum::resign);
    }

    /// Its disk is well again.
    pub fn calm(&mut self, id: i32) {
        let node = self.node(id);
        node.failing = false;
        node.disk_us = 500;
        // What was told to stop is started anew.
        if node.quorum.as_ref().is_some_and(|quorum| quorum.is_stopping()) {
            self.crash(id);
        }
    }

    /// Runs until then.
    pub fn run_until(&mut self, end: Mono) {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.handled += 1;
            assert!(self.handled < EVENTS_MAX, "a storm of events");
            self.handle(event);
        }
        self.now = end;
    }

    fn handle(&mut self, event: Event) {
        let now = self.time();
        match event {
            Event::Request { from, to, call, life, body } => {
                if self.cut.contains(&(from, to)) || !self.is_up(to) {
                    // A dead node's port refuses, a cut link is silent.
                    if !self.cut.contains(&(from, to)) {
                        self.push(100, Event::Reply { to: from, call, life, body: None });
                    }
                    return;
                }
                self.sequence += 1;
                let row = self.sequence;
                if let RequestKind::Fetch(fetch) = &*body {
                    let event = Event::Held { node: to, life: self.nodes[to as usize].life, row };
                    self.push(fetch.max_wait_ms as u64 * 1000, event);
                }
                self.node(to).rows.insert(row, Row { from, call, life, body });
                self.ask(to, row, Turn::First);
                self.settle(to);
            }
            Event::Held { node, life, row } => {
                if self.node(node).life == life {
                    self.ask(node, row, Turn::Last);
                    self.settle(node);
                }
            }
            Event::Reply { to, call, life, body } => {
                let node = &mut self.nodes[to as usize];
                let Some(quorum) = node.quorum.as_mut().filter(|_| node.life == life) else { return };
                let result = body.ok_or(CallFault::Disconnected);
                quorum.on_call_done(now, call, result, &[Ok(())], &mut node.out);
                self.settle(to);
            }
            Event::Disk { node: id, life } => {
                let node = &mut self.nodes[id as usize];
                if node.life != life || node.pending.is_empty() {
                    return;
                }
                let (tag, op) = node.pending.remove(0);
                let changes = !matches!(
                    op,
                    DiskOp::Read { .. } | DiskOp::List { .. } | DiskOp::OpenDir { .. } | DiskOp::Delete { .. }
                );
                let fails = changes && core::mem::take(&mut node.failing);
                if fails {
                    // Nothing in a folder takes effect after what failed there.
                    node.pending.clear();
                }
                let result = if fails { Err(DiskFault::Io) } else { node.disk.run(&op) };
                if let Some(quorum) = &mut node.quorum {
                    quorum.on_disk(now, tag, result, &mut node.out);
                }
                self.settle(id);
            }
            Event::Tick { node: id, life, at } => {
                let node = &mut self.nodes[id as usize];
                if node.life != life || node.ticking != Some(at) {
                    return;
                }
                node.ticking = None;
                if let Some(quorum) = &mut node.quorum {
                    quorum.on_tick(now, &mut node.out);
                }
                self.settle(id);
            }
        }
    }

    /// Puts a request to the node; the answer leaves, or the row stays.
    fn ask(&mut self, id: i32, row: u64, turn: Turn) {
        let now = self.time();
        let node = &mut self.nodes[id as usize];
        let (Some(quorum), Some(asked)) = (&mut node.quorum, node.rows.get(&row)) else { return };
        let out = &mut node.out;
        let answer: Answer<ResponseKind> = match &*asked.body {
            RequestKind::Vote(r) => quorum.on_vote(now, r, out).map(Into::into),
            RequestKind::BeginQuorumEpoch(r) => quorum.on_begin_epoch(now, r, out).map(Into::into),
            RequestKind::EndQuorumEpoch(r) => quorum.on_end_epoch(now, r, out).map(Into::into),
            RequestKind::FetchSnapshot(r) => quorum.on_fetch_snapshot(now, r, turn, out).map(Into::into),
            RequestKind::Fetch(r) => quorum.on_fetch(now, r, turn, out).map(|mut reply| {
                let bytes = match reply.records {
                    Records::Empty => Bytes::new(),
                    Records::Memory(parts) => Bytes::from(parts.concat()),
                    Records::File(range) => node.disk.read(range.file, range.at, range.len).unwrap_or_default(),
                };
                if let Some(part) = reply.response.responses.first_mut().and_then(|topic| topic.partitions.first_mut())
                {
                    part.records = Some(bytes);
                }
                (*reply.response).into()
            }),
            other => panic!("the quorum asked {other:?}"),
        };
        match answer {
            Answer::Wait if turn == Turn::Last => {
                // Not open yet: the connection is closed.
                let (to, call, life) = (asked.from, asked.call, asked.life);
                node.rows.remove(&row);
                self.push(100, Event::Reply { to, call, life, body: None });
            }
            Answer::Wait => {}
            Answer::Reply(body) => {
                let (to, call, life) = (asked.from, asked.call, asked.life);
                node.rows.remove(&row);
                if !self.cut.contains(&(id, to)) && self.rng.below(1000) >= self.knobs.lost {
                    let delay = self.rng.below(self.knobs.delay_us);
                    self.push(delay, Event::Reply { to, call, life, body: Some(Box::new(body)) });
                }
            }
        }
    }

    /// Carries out what a node wants, tells it what follows, lets the judge look.
    pub fn settle(&mut self, id: i32) {
        for round in 0.. {
            assert!(round < 1000, "node {id} does not come to rest");
            self.drain_outputs(id);
            let Some(quorum) = &mut self.node(id).quorum else { return };
            let changes = quorum.changes();
            if changes.failed.is_some() {
                assert!(changes.failed.as_ref().is_some_and(|why| why.contains("io error")), "{:?}", changes.failed);
                self.crash(id);
                return;
            }
            if changes.ask_again {
                let rows: Vec<u64> = self.node(id).rows.keys().copied().collect();
                for row in rows {
                    self.ask(id, row, Turn::Again);
                }
            }
            if changes.opened || changes.committed || changes.readable {
                self.apply(id);
            }
            let node = self.node(id);
            if node.out.is_empty() && changes == esker_core::quorum::Changes::default() {
                break;
            }
        }
        let (now, node) = (self.now, &mut self.nodes[id as usize]);
        let Some(quorum) = &node.quorum else { return };
        quorum.check();
        self.judge.look(id, node);
        let Some(quorum) = &node.quorum else { return };
        if let Some(at) = quorum.next_deadline()
            && node.ticking.is_none_or(|ticking| ticking > at)
        {
            node.ticking = Some(at);
            let (life, after) = (node.life, at.since(now).0);
            self.push(after, Event::Tick { node: id, life, at });
        }
    }

    fn drain_outputs(&mut self, id: i32) {
        while let Some(output) = self.node(id).out.pop() {
            match output {
                Output::Call { call, to, body, .. } => self.send(id, i32::from(to.port), call, body),
                Output::Disk { tag, op } => {
                    only_metadata(&op);
                    let (life, mean) = (self.node(id).life, self.node(id).disk_us);
                    self.node(id).pending.push((tag, op));
                    let delay = 1 + self.rng.below(2 * mean);
                    self.push(delay, Event::Disk { node: id, life });
                }
                Output::Note(note) => self.judge.note(self.now, id, &note),
                other => panic!("{other}"),
            }
        }
    }

    fn send(&mut self, from: i32, to: i32, call: CallId, body: Box<RequestKind>) {
        let life = self.node(from).life;
        let copies = match self.rng.below(1000) {
            n if n < self.knobs.lost => 0,
            n if n < self.knobs.lost + self.knobs.doubled => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = self.rng.below(self.knobs.delay_us);
            self.push(delay, Event::Request { from, to, call, life, body: body.clone() });
        }
    }

    /// The state machine takes what is committed.
    fn apply(&mut self, id: i32) {
        let now = self.time();
        let every = self.knobs.snapshot_every;
        let node = &mut self.nodes[id as usize];
        let Some(quorum) = &mut node.quorum else { return };
        loop {
            match quorum.next_committed(now, &mut node.out) {
                Committed::Snapshot { offset, epoch: _, bytes } => {
                    assert!(
                        offset >= node.state.0,
                        "a snapshot at {offset} would take the state back from {}",
                        node.state.0
                    );
                    let state = u64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"));
                    node.state = (offset, state);
                    self.judge.snapshot(id, offset, state);
                }
                Committed::Batch { base, last, epoch, records } => {
                    assert_eq!(base, node.state.0, "node {id} was given {base} after {}", node.state.0);
                    let mut state = hash(node.state.1, epoch.0 as u64);
                    let values: Vec<u64> =
                        records.iter().map(|r| u64::from_be_bytes(r[..8].try_into().expect("eight bytes"))).collect();
                    for value in &values {
                        state = hash(state, *value);
                    }
                    node.state = (last.plus(1), state);
                    self.judge.committed(id, base, last, epoch, values, state);
                    if every > 0 && last.0 / every != (base.0 - 1) / every {
                        let bytes = Bytes::from([&state.to_be_bytes()[..], &[1; 300]].concat());
                        quorum.write_snapshot(last.plus(1), epoch, bytes, &mut node.out);
                    }
                }
                Committed::Wait | Committed::None => break,
            }
        }
    }

    /// A line for each node, for a failure's message.
    pub fn describe(&self) -> std::string::String {
        let line = |(id, node): (usize, &Node)| match &node.quorum {
            None => format!("{id} down"),
            Some(q) => format!(
                "{id} {} {} start {} end {} synced {} watermark {} applied {} leader {:?}",
                q.role_name(),
                q.epoch(),
                q.start(),
                q.end(),
                q.synced(),
                q.watermark(),
                node.state.0,
                q.leader()
            ),
        };
        self.nodes.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }
}
