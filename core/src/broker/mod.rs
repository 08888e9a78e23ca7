//! One node. [`Broker::handle`] is the only way in, [`Broker::poll_output`] the only way out.
//!
//! Whoever drives it: hand it an input with the time, then take outputs until there are none, then sleep until the next
//! input or [`Broker::next_deadline`], whichever comes first. The first input is [`Input::Boot`]. After
//! [`Output::Stopped`] it takes nothing any more.
//!
//! | file | what it does |
//! |---|---|
//! | `route` | which handler answers which request |
//! | `wake` | which handler ends which waiting reply |
//! | `settle` | carries through what one machine's change means for another |
//! | `boot` `stop` | coming up, going down |
//! | `apply` `roles` | committed metadata, and the replicas that it gives to this node |
//! | `strays` | folders that nobody gave this node |
//! | `alive` | this node's registration and heartbeats |
//! | `watch` | the active controller's calls to brokers that it suspects |
//! | `fetchers` `fetcher` | follows the leaders of this node's followers |
//! | `isr` | asks the controller for changes of in-sync sets |
//! | `coordinators` | loads and unloads the group coordinator's shards |
//! | `chores` | checkpoints and snapshots |
//! | `setup` | a node's configuration, cut up for its machines |

mod alive;
mod apply;
mod boot;
mod checkpoint;
mod chores;
mod coordinators;
mod fetcher;
mod fetchers;
mod isr;
mod roles;
mod route;
mod serials;
mod settle;
mod setup;
mod stop;
mod strays;
mod wake;
mod watch;

use crate::config::NodeConfig;
use crate::error::Refusal;
use crate::id::{CallId, ConnId, DirId, Offset};
use crate::io::{CallFault, DiskDone, DiskFault, DiskTag, Input, Listener, Output, Owner, Request, Stay};
use crate::limits::EARLY_REQUESTS_MAX;
use crate::node::{Node, Waiting};
use crate::quorum;
use crate::time::{Mono, Now, earliest};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use boot::{Boot, BootEvent};
use kafka_protocol::messages::ResponseKind;

/// A whole node as one machine.
#[derive(Debug)]
pub struct Broker {
    node: Node,
    boot: Option<Boot>,
    alive: alive::Alive,
    watch: watch::Watch,
    fetchers: fetchers::Fetchers,
    coordinators: coordinators::Coordinators,
    isr: isr::IsrChanges,
    roles: roles::Roles,
    chores: chores::Chores,
    stop: stop::Stop,
    /// Calls of this node to itself that are not answered yet.
    local_calls: BTreeSet<CallId>,
    /// Clients' requests that wait: the node is not ready, or stood still.
    early: Vec<Request>,
    /// [`Output::Ready`] was said.
    ready: bool,
    /// [`Output::Stopped`] was said.
    ended: bool,
}

impl Broker {
    pub fn new(config: NodeConfig) -> Self {
        Self {
            alive: alive::Alive::new(&config),
            fetchers: fetchers::Fetchers::new(&config),
            coordinators: coordinators::Coordinators::default(),
            node: setup::node(config),
            boot: None,
            isr: isr::IsrChanges::default(),
            watch: watch::Watch::default(),
            roles: roles::Roles::default(),
            chores: chores::Chores::default(),
            stop: stop::Stop::default(),
            local_calls: BTreeSet::new(),
            early: Vec::new(),
            ready: false,
            ended: false,
        }
    }

    /// Takes one input. Outputs wait in [`Broker::poll_output`].
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.ended {
            return;
        }
        self.node.partitions.begin_input();
        self.node.groups.begin_input();
        if self.alive.notice_standstill(now.mono, self.node.config.brokers.session_timeout) && self.is_up() {
            self.node.quorum.on_standstill(now, &mut self.node.out);
            self.settle(now);
        }
        match input {
            Input::Boot => {
                assert!(self.boot.is_none(), "a node boots once");
                self.boot = Some(Boot::start(&mut self.node.out));
            }
            Input::Request(request) => self.on_request(now, *request),
            Input::Gone { conn } => self.on_gone(now, conn),
            Input::CallDone { call, result, checks } => self.on_call_done(now, call, result, checks),
            Input::Disk { tag, result } => self.on_disk(now, tag, result),
            Input::Tick => self.on_tick(now),
            Input::Room { bytes, total } => self.node.room.on_looked(bytes, total, &mut self.node.out),
            Input::Stop => self.on_stop(now),
        }
        if self.is_up() && !self.ended {
            self.settle(now);
            self.let_clients_in(now);
        }
    }

    /// The next thing that the node wants done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.node.out.pop()
    }

    /// When to hand in [`Input::Tick`] if nothing happens before.
    pub fn next_deadline(&self) -> Option<Mono> {
        if self.ended || !self.is_up() {
            return None;
        }
        earliest([
            self.node.hold.next_deadline(),
            self.node.quorum.next_deadline(),
            self.node.controller.as_ref().and_then(crate::controller::Controller::next_deadline),
            self.node.partitions.next_deadline(),
            self.node.groups.next_deadline(),
            self.coordinators.next_deadline(),
            self.node.forwards.next_deadline(),
            self.alive.next_deadline(),
            self.fetchers.next_deadline(),
            self.isr.next_deadline(),
            self.chores.next_deadline(),
            self.stop.next_deadline(),
        ])
    }

    /// Whether a request waits until clients are taken: for the simulator's checkers, which judge an answer by what was when it was asked.
    pub fn puts_off(&self, conn: ConnId, seq: u64) -> bool {
        self.early.iter().any(|request| (request.conn, request.seq) == (conn, seq))
    }

    /// What the simulator's checkers look into.
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// Asserts what must hold between inputs, in every machine that the last input can have changed.
    pub fn check(&self) {
        self.node.check();
    }

    fn is_up(&self) -> bool {
        self.boot.as_ref().is_some_and(Boot::is_up)
    }

    fn on_request(&mut self, now: Now, request: Request) {
        if self.stop.is_closing() {
            self.node.out.close(request.conn);
            return;
        }
        match request.listener {
            Listener::Controller if self.is_up() => route::on_request(&mut self.node, now, request),
            Listener::Broker if self.takes(&request) => route::on_request(&mut self.node, now, request),
            // A broker that has not joined the cluster, or does not know what became of it, has nothing to answer: clients wait.
            Listener::Broker if self.early.len() < EARLY_REQUESTS_MAX => self.early.push(request),
            Listener::Broker | Listener::Controller => self.node.out.close(request.conn),
        }
    }

    fn on_gone(&mut self, now: Now, conn: ConnId) {
        self.early.retain(|request| request.conn != conn);
        for (hold, row) in self.node.hold.drop_connection(conn) {
            match &row.waiting {
                Waiting::Quorum { .. } => {
                    self.node.quorum_asks.remove(&hold);
                }
                Waiting::Fetch(_) => crate::api::fetch::on_gone(&mut self.node, hold, &row.waiting),
                Waiting::Commit { .. }
                | Waiting::Opening { .. }
                | Waiting::Forward(_)
                | Waiting::Produce(_)
                | Waiting::ListOffsets(_)
                | Waiting::DeleteRecords(_)
                | Waiting::Group => {}
            }
        }
        if let Some(controller) = &mut self.node.controller {
            controller.on_conn_gone(now, conn);
        }
    }

    fn on_call_done(
        &mut self,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: Vec<Result<(), Refusal>>,
    ) {
        let node = &mut self.node;
        if node.quorum.owns_call(call) {
            node.quorum.on_call_done(now, call, result, &checks, &mut node.out);
        } else if self.fetchers.owns_call(call) {
            self.fetchers.on_call_done(node, now, call, result, checks);
        } else if self.alive.owns_call(call) {
            self.alive.on_call_done(node, now, call, result);
        } else if self.watch.owns_call(call) {
            self.watch.on_call_done(node, now, call, result);
        } else if self.isr.owns_call(call) {
            self.isr.on_call_done(node, now, result);
        } else if node.automatic.done(call) {
            crate::api::auto_topics::answered(node, result);
        } else {
            node.on_forward_done(now, call, result);
        }
    }

    fn on_disk(&mut self, now: Now, tag: DiskTag, result: Result<DiskDone, DiskFault>) {
        match tag.owner {
            Owner::Quorum | Owner::Log(DirId::METADATA) => {
                self.node.quorum.on_disk(now, tag, result, &mut self.node.out);
            }
            Owner::Log(dir) => {
                // An answer to a folder that was given up meanwhile is nobody's.
                let Some(key) = self.node.partitions.key_of(dir) else { return };
                let Some(partition) = self.node.partitions.get_mut(key) else { return };
                let event = partition.on_disk(now, tag.serial, result, &mut self.node.out);
                self.node.partitions.note(dir, event);
            }
            Owner::Node => self.on_own_disk(now, tag.serial, result),
        }
    }

    fn on_own_disk(&mut self, now: Now, serial: u64, result: Result<DiskDone, DiskFault>) {
        if let Some(boot) = self.boot.as_mut().filter(|boot| !boot.is_up()) {
            match boot.on_disk(serial, result, &mut self.node.out) {
                BootEvent::Nothing => {}
                BootEvent::Failed(why) => self.fail(why),
                BootEvent::Up(found) => {
                    self.roles.clean = found.clean;
                    self.roles.watermarks = found.high_watermarks;
                    self.roles.starts = found.log_starts;
                    self.roles.found = Some(found.folders);
                    let committed = self.roles.watermarks.remove(quorum::FOLDER).unwrap_or(Offset::ZERO);
                    self.node.quorum.open(found.clean, committed, &mut self.node.out);
                }
            }
            return;
        }
        match result {
            Err(fault) => self.fail(alloc::format!("the data folder failed: {fault}")),
            Ok(_) if serial == serials::MARK => self.on_marked(),
            Ok(_) if serial == serials::STARTS => {
                self.chores.on_starts_saved(&mut self.node, now);
                self.clear_doomed();
            }
            Ok(_) if serial == serials::CHECKPOINT => {
                self.chores.on_watermarks_saved();
                self.clear_doomed();
            }
            Ok(_) if serial >= serials::REMOVALS => {
                let dir = u32::try_from(serial - serials::REMOVALS).expect("made from a folder's id");
                self.roles.on_removed(DirId(dir));
                self.clear_doomed();
            }
            Ok(_) => {}
        }
    }

    fn on_tick(&mut self, now: Now) {
        if !self.is_up() {
            return;
        }
        let node = &mut self.node;
        node.quorum.on_tick(now, &mut node.out);
        if let Some(controller) = &mut node.controller {
            let records = controller.decide_tick(now);
            // What is not taken is decided again, by this node or by the next controller.
            let _ = node.append_records(now, &records);
        }
        for key in node.partitions.due(now.mono) {
            let Some(partition) = node.partitions.get_mut(key) else { continue };
            let dir = partition.dir();
            let event = partition.on_tick(now, &mut node.out);
            node.partitions.note(dir, event);
        }
        self.coordinators.on_tick(node, now);
        node.on_forward_tick(now);
        self.alive.on_tick(now);
        self.fetchers.on_tick(now);
        self.isr.on_tick(node, now);
        self.chores.on_tick(node, &self.roles, now);
        self.on_hold_due(now);
    }

    /// Followers are heard also by a node that stood still: it would take them for gone.
    fn takes(&self, request: &Request) -> bool {
        self.ready && (request.stay() == Stay::Replica || !self.alive.is_in_doubt())
    }

    fn let_clients_in(&mut self, now: Now) {
        if !self.ready && self.alive.is_serving(&self.node) {
            self.ready = true;
            self.node.out.push(Output::Ready);
        }
        if self.ready && !self.early.is_empty() && !self.alive.is_in_doubt() {
            for request in core::mem::take(&mut self.early) {
                self.on_request(now, request);
            }
            self.settle(now);
        }
    }
}
