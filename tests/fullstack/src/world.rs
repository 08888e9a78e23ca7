//! The run's course: machines are made, faults strike and end, all is healed, and then everything must come to rest.

use crate::disk::lock;
use crate::node::Node;
use crate::record::{self, Ended, host, now};
use crate::seat::{Happening, Seat};
use esker_server::simulated;
use esker_sim::check::past;
use esker_sim::client::{self, Client, Me, Opener, Producer, Reader};
use esker_sim::disk::{Faults, Loss};
use esker_sim::net::Peer;
use esker_sim::plan::Plan;
use esker_sim::queue::Queue;
use esker_sim::world::Kind;
use madsim::net::NetSim;
use madsim::runtime::Handle;
use madsim::task::NodeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

mod strike;

/// Something that the world does at a moment.
#[derive(Clone, Debug)]
enum Step {
    Start(usize),
    Strike(usize),
    Resume(usize),
    Mend(Vec<(usize, usize)>),
    Faster(usize),
    Room(usize),
    Heal,
    Quiet,
    /// A look whether all has come to rest.
    Look,
}

/// The world.
pub struct World {
    plan: Arc<Plan>,
    nodes: Vec<Node>,
    seats: Vec<UnboundedSender<Happening>>,
    /// Every machine by its place on the network: nodes, then clients.
    machines: Vec<NodeId>,
    /// How many faults cut a link now, one way.
    cuts: BTreeMap<(usize, usize), u32>,
    steps: Queue<Step>,
    ended: UnboundedReceiver<Ended>,
    healed: bool,
    quiet: bool,
}

/// Numbers of the clients that are not in the plan.
const OPENER: u32 = 900;
const PROBE: u32 = 901;
const LAST_READER: u32 = 902;
/// How often it is looked whether all has come to rest.
const LOOK_US: u64 = 100_000;

impl World {
    pub fn new(plan: Arc<Plan>) -> Self {
        let (of_nodes, ended) = unbounded_channel();
        let links = plan.node_links;
        NetSim::current().update_config(|config| {
            config.send_latency = Duration::from_micros(links.min_us)..Duration::from_micros(links.max_us + 1);
        });
        for node in 0..plan.nodes.len() {
            NetSim::current().add_dns_record(&format!("n{}", node + 1), host(0, node));
        }
        let nodes: Vec<Node> = (0..plan.nodes.len()).map(|node| Node::new(&plan, node, of_nodes.clone())).collect();
        let machines = nodes.iter().map(|node| node.machine.id()).collect();
        let mut world = Self {
            plan,
            nodes,
            seats: Vec::new(),
            machines,
            cuts: BTreeMap::new(),
            steps: Queue::new(),
            ended,
            healed: false,
            quiet: false,
        };
        world.observe(of_nodes);
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        let plan = Arc::clone(&self.plan);
        for (node, own) in plan.nodes.iter().enumerate() {
            self.steps.push(own.start_us, Step::Start(node));
        }
        for (place, fault) in plan.faults.iter().enumerate() {
            self.steps.push(fault.at_us, Step::Strike(place));
        }
        self.steps.push(plan.phases.safety_us, Step::Heal);
        self.steps.push(plan.phases.quiet_us, Step::Quiet);
        self.steps.push(LOOK_US, Step::Look);
        for place in 0..plan.clients.len() {
            let number = place as u32 + 1;
            self.seat(number, move |plan, me| client::make(plan, &plan.clients[place], me));
        }
        self.seat(OPENER, |plan, me| Box::new(Opener::new(&plan.topics, me)));
    }

    /// Puts a client on a machine of its own.
    fn seat(&mut self, number: u32, make: impl Fn(&Plan, Me) -> Box<dyn Client> + Send + Sync + 'static) {
        let place = self.seats.len();
        let peer = (self.nodes.len() + place) as Peer;
        let (happenings, inbox) = unbounded_channel();
        self.seats.push(happenings.clone());
        let plan = Arc::clone(&self.plan);
        let inbox = Mutex::new(Some(inbox));
        let machine = Handle::current()
            .create_node()
            .name(format!("c{}", place + 1))
            .ip(host(1, place))
            .init(move || {
                let client = make(&plan, Me::new(plan.seed, number, peer));
                let inbox = inbox.lock().ok().and_then(|mut inbox| inbox.take()).expect("a client sits down once");
                Seat::sit(Arc::clone(&plan), place, client, happenings.clone(), inbox)
            })
            .build();
        self.machines.push(machine.id());
    }

    /// Who takes what the servers and the sockets show.
    fn observe(&self, ended: UnboundedSender<Ended>) {
        let nodes: Vec<NodeId> = self.nodes.iter().map(|node| node.machine.id()).collect();
        simulated::observe(move |seen| {
            record::on_seen(seen, |machine| nodes.iter().position(|node| *node == machine), &ended);
        });
    }

    /// Runs to the end, or until `until`, or until a promise is broken.
    pub async fn run(&mut self, until: u64) {
        while let Some((at, step)) = self.steps.pop() {
            if at > until.min(self.plan.horizon()) {
                self.judge_liveness();
                return;
            }
            self.wait(at).await;
            if matches!(step, Step::Look) {
                if self.is_over() {
                    return;
                }
                self.steps.push(at + LOOK_US, Step::Look);
            } else {
                self.step(step);
            }
        }
    }

    /// Waits until that moment, and takes care of processes that end meanwhile.
    async fn wait(&mut self, at: u64) {
        loop {
            tokio::select! {
                biased;
                ended = self.ended.recv() => if let Some(ended) = ended { self.on_ended(&ended) },
                () = crate::disk::until(Some(at)) => return,
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start(node) => {
                if !self.nodes[node].up {
                    self.nodes[node].start();
                }
            }
            Step::Strike(place) => self.on_strike(place),
            Step::Resume(node) => self.resume(node),
            Step::Mend(links) => links.into_iter().for_each(|link| self.mend(link)),
            Step::Faster(node) => lock(&self.nodes[node].medium).slow = self.plan.nodes[node].disk.slow,
            Step::Room(node) => lock(&self.nodes[node].medium).faults.room = None,
            Step::Heal => self.on_heal(),
            Step::Quiet => self.on_quiet(),
            Step::Look => {}
        }
    }

    /// A process ended by itself: somebody starts it again.
    fn on_ended(&mut self, ended: &Ended) {
        if !self.nodes[ended.node].up {
            return;
        }
        let innocent = !self.nodes[ended.node].disk_fails;
        if let Some(fault) = ended.fault.as_ref().filter(|_| innocent) {
            let what = format!("node {}: {fault}", ended.node + 1);
            record::with(|record| record.fail(Kind::Safety, "node-failed", now(), what));
        }
        let down_us = if self.healed { 1 } else { self.nodes[ended.node].down_us };
        self.kill(ended.node, Loss::Nothing);
        self.steps.push(now() + down_us, Step::Start(ended.node));
    }

    /// The process is gone.
    fn kill(&mut self, node: usize, loss: Loss) {
        let own = &mut self.nodes[node];
        if !std::mem::replace(&mut own.up, false) {
            return;
        }
        own.paused = false;
        Handle::current().kill(own.machine.id());
        lock(&own.medium).crash(loss);
        record::with(|record| record.serving[node] = false);
    }

    fn resume(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        if std::mem::replace(&mut own.paused, false) {
            Handle::current().resume(own.machine.id());
        }
    }

    fn cut(&mut self, links: Vec<(usize, usize)>, for_us: u64) {
        for (from, to) in &links {
            *self.cuts.entry((*from, *to)).or_default() += 1;
            NetSim::current().clog_link(self.machines[*from], self.machines[*to]);
        }
        self.steps.push(now() + for_us, Step::Mend(links));
    }

    fn mend(&mut self, (from, to): (usize, usize)) {
        let Some(cuts) = self.cuts.get_mut(&(from, to)) else { return };
        *cuts -= 1;
        if *cuts == 0 {
            self.cuts.remove(&(from, to));
            NetSim::current().unclog_link(self.machines[from], self.machines[to]);
        }
    }

    fn on_heal(&mut self) {
        self.healed = true;
        record::with(|record| record.tell(now(), "phase", "all is healed"));
        for (from, to) in std::mem::take(&mut self.cuts).into_keys() {
            NetSim::current().unclog_link(self.machines[from], self.machines[to]);
        }
        for node in 0..self.nodes.len() {
            {
                let mut medium = lock(&self.nodes[node].medium);
                medium.faults = Faults::default();
                medium.slow = 1;
            }
            self.resume(node);
            if !self.nodes[node].up {
                self.steps.push(now() + 1 + node as u64, Step::Start(node));
            }
        }
    }

    fn on_quiet(&mut self) {
        self.quiet = true;
        record::with(|record| record.tell(now(), "phase", "clients begin nothing new"));
        for seat in &self.seats {
            // A client sits as long as the run.
            let _ = seat.send(Happening::Quiet);
        }
        self.seat(PROBE, |plan, me| Box::new(Producer::probe(plan, me)));
        self.seat(LAST_READER, |plan, me| Box::new(Reader::last(plan, me, PROBE)));
    }

    /// What is not as it must be at the end.
    fn unsettled(&self) -> Option<String> {
        record::with(|record| {
            let down = record.serving.iter().position(|serving| !serving);
            let down = down.map(|node| format!("node {} does not serve", node + 1));
            down.or_else(|| record.unsettled.values().next().cloned())
        })
    }

    /// Whether all has come to rest, or a promise is broken already.
    fn is_over(&mut self) -> bool {
        let budget = self.plan.event_budget;
        let failed = record::with(|record| {
            if let Some(what) = record.corrupt.pop() {
                record.fail(Kind::Safety, "corrupt-read", now(), what);
            }
            if record.trace.events() > budget {
                record.fail(Kind::Budget, "event-budget", now(), format!("more than {budget} events"));
            }
            record.failure.is_some()
        });
        let over = failed || self.quiet && self.unsettled().is_none();
        if over {
            self.judge();
        }
        over
    }

    fn judge_liveness(&mut self) {
        self.judge();
        if let Some(what) = self.unsettled() {
            record::with(|record| record.fail(Kind::Liveness, "liveness", now(), what));
        }
    }

    /// Judges the history.
    fn judge(&mut self) {
        record::with(|record| {
            if let Some(first) = past::judge(&record.history).into_iter().next() {
                record.fail(Kind::Safety, first.kind, first.at.min(now()), first.what);
            }
        });
    }
}
