//! A cluster and its clients in virtual time: one event after the other, until the plan is at its end or a promise is broken.

mod ambush;
mod deliver;
mod drive;
mod hands;
mod kept;
mod phases;
mod rest;
mod rot;
mod strike;

pub use hands::NEVER;

use crate::check::Anomaly;
use crate::check::now::Watch;
use crate::client::{self, Client, Ctx, Me, Opener};
use crate::disk::Due;
use crate::film::Film;
use crate::history::History;
use crate::marks::Marks;
use crate::net::{Arrival, Conn, Net, Peer, Way};
use crate::node::Node;
use crate::plan::Plan;
use crate::queue::Queue;
use crate::trace::{Digest, Keep, Trace};
use bytes::Bytes;
use esker_core::id::{ConnId, LeaderEpoch};
use esker_core::io::{Address, Input, Lane, Listener};
use std::collections::BTreeMap;

/// Something that happens at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Arrival(Arrival),
    /// A disk operation of an incarnation of a node ends.
    Disk {
        node: usize,
        incarnation: u32,
        due: Due,
    },
    Tick {
        node: usize,
        incarnation: u32,
    },
    /// A connection that a node closed has ended there.
    Gone {
        node: usize,
        incarnation: u32,
        conn: Conn,
    },
    Wake {
        client: usize,
    },
    /// The fault of that place in the plan strikes.
    Strike(usize),
    /// A fault ends.
    Relief(Relief),
    Start(usize),
    /// A node has done what the fault of that place in the plan waited for.
    Ambush {
        node: usize,
        place: usize,
        /// The one that did it, and the call by which it did, if it was one.
        by: usize,
        call: Option<(Address, Lane)>,
    },
    Heal,
    Quiet,
    /// A look at what takes too long: calls without an answer.
    Sweep,
}

/// The end of a fault that lasts.
#[derive(Clone, Debug)]
pub(crate) enum Relief {
    Resume(usize),
    Mend(Vec<(Peer, Peer)>),
    /// Connections that were held back, and which way.
    Release(Vec<(Conn, Way)>),
    /// A node gives a connection up that it had opened.
    GiveUp(usize, Conn),
    Faster(usize),
    Room(usize),
    /// No end yet: the shell looks how much room is left, as it does from time to time.
    Look(usize),
}

/// How a run failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Panic,
    Liveness,
    Safety,
    NotDeterministic,
    Budget,
}

impl Kind {
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Panic => 127,
            Self::Liveness => 128,
            Self::Safety => 129,
            Self::NotDeterministic => 130,
            Self::Budget => 131,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Liveness => "liveness",
            Self::Safety => "safety",
            Self::NotDeterministic => "not deterministic",
            Self::Budget => "budget",
        }
    }
}

/// A failure: what was broken, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub kind: Kind,
    pub anomaly: Anomaly,
}

/// A client in the world.
struct Seat {
    client: Box<dyn Client>,
    wake_at: Option<u64>,
}

/// The world.
pub struct World {
    pub plan: Plan,
    pub now: u64,
    queue: Queue<Event>,
    pub net: Net,
    pub nodes: Vec<Node>,
    seats: Vec<Seat>,
    pub history: History,
    pub trace: Trace,
    watch: Watch,
    /// How often the run came to each rare place.
    pub marks: Marks,
    /// What a person is to be shown, if the run is filmed.
    pub film: Option<Film>,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    pub failure: Option<Failure>,
    /// The one node whose disk may rot.
    rotten: Option<usize>,
    /// The quorum's epoch, and since when it is that.
    controller_since: (LeaderEpoch, u64),
    /// The quorum's epoch when all had been healed for a while; who dies for good has others elected once more.
    epoch_at_rest: Option<LeaderEpoch>,
    /// The node that died for good.
    perished: Option<usize>,
    /// Faults that wait for their moment, by their place in the plan.
    armed: Vec<usize>,
    corrupt: Vec<String>,
    due: Vec<(u64, Arrival)>,
    healed: bool,
    quiet: bool,
    ended: bool,
    /// Every frame that arrives at a node, if somebody wants them.
    pub tapped: Option<Vec<(Arrival, Listener, Bytes)>>,
    /// Frames that cannot be read end their connection, and are no failure.
    bad_frames: bool,
    /// What was promised to be kept may be lost: a script says so.
    loss: bool,
}

/// Numbers of the clients that are not in the plan.
const OPENER: u32 = 900;
const PROBE: u32 = 901;
const LAST_READER: u32 = 902;
const CLOSER: u32 = 904;
/// So many of them were there from the first day on: all but the last.
const EXTRA: usize = 3;
/// As whom the history has what retention deletes.
const RETENTION: u32 = 903;
/// How often calls without an answer are looked for.
const SWEEP_US: u64 = 100_000;

impl World {
    pub fn new(plan: Plan, keep: Keep) -> Self {
        let nodes = plan.nodes.len();
        let peers = nodes + plan.clients.len() + EXTRA;
        let (near, far) = (plan.node_links, plan.client_links);
        let net = Net::new(plan.seed, peers + 1, peers, |from, to| {
            if (from as usize) < nodes && (to as usize) < nodes { near } else { far }
        });
        let history = client::history(&plan);
        let mut world = Self {
            now: 0,
            queue: Queue::new(),
            net,
            nodes: (0..nodes).map(|peer| Node::new(&plan, peer as Peer)).collect(),
            seats: Vec::new(),
            history,
            trace: Trace::new(keep),
            watch: Watch::new(nodes),
            marks: Marks::default(),
            film: None,
            faults: BTreeMap::new(),
            failure: None,
            rotten: None,
            controller_since: (LeaderEpoch::NONE, 0),
            epoch_at_rest: None,
            perished: None,
            armed: Vec::new(),
            corrupt: Vec::new(),
            due: Vec::new(),
            healed: false,
            quiet: false,
            ended: false,
            tapped: None,
            bad_frames: false,
            loss: false,
            plan,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        for node in 0..self.nodes.len() {
            self.queue.push(self.plan.nodes[node].start_us, Event::Start(node));
        }
        for place in 0..self.plan.faults.len() {
            self.queue.push(self.plan.faults[place].at_us, Event::Strike(place));
        }
        self.queue.push(self.plan.phases.safety_us, Event::Heal);
        self.queue.push(self.plan.phases.quiet_us, Event::Quiet);
        self.queue.push(SWEEP_US, Event::Sweep);
        for place in 0..self.plan.clients.len() {
            let me = Me::new(self.plan.seed, place as u32 + 1, (self.nodes.len() + place) as Peer);
            let client = client::make(&self.plan, &self.plan.clients[place], me);
            self.seat(client, 1 + place as u64);
        }
        let opener = Opener::new(&self.plan.topics, self.spare(OPENER, 0));
        self.seat(Box::new(opener), 1);
    }

    /// Who a client that is not in the plan is: after those of the plan.
    fn spare(&self, number: u32, place: usize) -> Me {
        Me::new(self.plan.seed, number, (self.nodes.len() + self.plan.clients.len() + place) as Peer)
    }

    fn seat(&mut self, client: Box<dyn Client>, wake_at: u64) {
        self.seats.push(Seat { client, wake_at: Some(wake_at) });
        self.queue.push(wake_at, Event::Wake { client: self.seats.len() - 1 });
    }

    /// Runs to the end, or until `until`, or until a promise is broken.
    pub fn run(&mut self, until: u64) {
        while self.failure.is_none() && !self.ended {
            if self.queue.next_at().is_none_or(|at| at > until) {
                break;
            }
            let Some((at, event)) = self.queue.pop() else { break };
            assert!(at >= self.now, "time goes on");
            self.now = at;
            self.step(event);
            if self.trace.events() > self.plan.event_budget {
                self.fail(Kind::Budget, "event-budget", format!("more than {} events", self.plan.event_budget));
            }
            if at > self.plan.horizon() {
                self.judge_liveness();
                break;
            }
        }
    }

    pub(crate) fn fail(&mut self, kind: Kind, property: &'static str, what: impl Into<String>) {
        if self.failure.is_none() {
            self.failure = Some(Failure { kind, anomaly: Anomaly::new(property, self.now, what) });
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Arrival(arrival) => self.on_arrival(arrival),
            Event::Disk { node, incarnation, due } => self.on_disk(node, incarnation, due),
            Event::Tick { node, incarnation } => self.on_tick(node, incarnation),
            Event::Gone { node, incarnation, conn } => {
                let own = &self.nodes[node];
                if own.incarnation == incarnation && own.process.is_some() {
                    self.input(node, Input::Gone { conn: ConnId(conn.into()) });
                }
            }
            Event::Wake { client } => {
                let seat = &mut self.seats[client];
                if seat.wake_at.is_some_and(|at| at <= self.now) {
                    seat.wake_at = None;
                    self.tell_client(client, client::Event::Wake);
                }
            }
            Event::Strike(place) => self.on_strike(place),
            Event::Relief(relief) => self.on_relief(relief),
            Event::Start(node) => self.on_start(node),
            Event::Ambush { node, place, by, call } => self.on_ambush(node, place, by, call),
            Event::Heal => self.on_heal(),
            Event::Quiet => self.on_quiet(),
            Event::Sweep => {
                self.sweep();
                self.note_controller();
                self.look_for_end();
                self.look_for_rest();
                self.queue.push(self.now + SWEEP_US, Event::Sweep);
            }
        }
        self.flush();
        if let Some(film) = &mut self.film {
            film.look(self.now, &self.nodes);
        }
    }

    /// How it all stands: every disk, and what every node that lives takes for the cluster's state.
    pub fn state(&self) -> u64 {
        let mut digest = Digest::default();
        for node in &self.nodes {
            node.disk.digest(&mut digest);
            let Some(process) = &node.process else { continue };
            let core = process.broker.node();
            digest.word(core.image.offset().0 as u64);
            digest.word(u64::from(core.quorum.is_leader()));
            for partition in core.partitions.iter() {
                digest.bytes(partition.folder().as_bytes());
                [partition.log_start(), partition.watermark(), partition.log_end()]
                    .iter()
                    .for_each(|offset| digest.word(offset.0 as u64));
            }
        }
        digest.value()
    }

    /// Hands something to a client, and asks when it wants to be woken.
    fn tell_client(&mut self, place: usize, event: client::Event) {
        self.trace.event(self.now).word(0x1000 + place as u64);
        if self.trace.wants_lines() {
            self.tell_about_client(place, &event);
        }
        let before = self.history.lines.len();
        let mut ctx = Ctx {
            now: self.now,
            plan: &self.plan,
            net: &mut self.net,
            due: &mut self.due,
            history: &mut self.history,
            corrupt: &mut self.corrupt,
        };
        let seat = &mut self.seats[place];
        seat.client.on_event(&mut ctx, event);
        if let Some(at) = seat.client.next_wake() {
            let at = at.max(self.now + 1);
            if seat.wake_at.is_none_or(|known| at < known || known <= self.now) {
                seat.wake_at = Some(at);
                self.queue.push(at, Event::Wake { client: place });
            }
        }
        if self.trace.wants_lines() {
            for line in before..self.history.lines.len() {
                let line = &self.history.lines[line];
                self.trace.line(
                    self.now,
                    format_args!("client {}", line.client),
                    format_args!("op {} {:?} {:?}", line.op, line.state, line.act),
                );
            }
        }
        if let Some(what) = self.corrupt.pop() {
            self.fail(Kind::Safety, "corrupt-read", what);
        }
    }

    fn tell_about_client(&mut self, place: usize, event: &client::Event) {
        match event {
            client::Event::Wake | client::Event::Frame(..) => {}
            client::Event::Closed(conn) => self.trace.line(
                self.now,
                format_args!("client {}", place + 1),
                format_args!("connection {conn} closed"),
            ),
            client::Event::Quiet => {
                self.trace.line(self.now, format_args!("client {}", place + 1), "begins nothing new")
            }
        }
    }

    /// Puts what was sent meanwhile on the queue.
    fn flush(&mut self) {
        for (at, arrival) in self.due.drain(..) {
            self.queue.push(at, Event::Arrival(arrival));
        }
    }
}
