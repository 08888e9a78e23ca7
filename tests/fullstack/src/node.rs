//! A node: a server's process on a simulated disk, which may end and be started again.

use crate::disk::{Shelf, Simulated, lock};
use crate::record::{self, Ended, host, now};
use esker_core::id::NodeId;
use esker_server::simulated;
use esker_sim::dice::{Dice, Stream};
use esker_sim::disk::{Disk, Faults};
use esker_sim::node::config;
use esker_sim::plan::Plan;
use madsim::runtime::{Handle, NodeHandle};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedSender;

/// A node as the world holds it.
pub struct Node {
    pub machine: NodeHandle,
    pub medium: Shelf,
    pub wall_off_ms: i64,
    /// How long until somebody starts it again once its process has ended by itself.
    pub down_us: u64,
    /// Whether a process runs.
    pub up: bool,
    pub paused: bool,
    /// Whether its disk may fail this process: otherwise it has no reason to stop by itself.
    pub disk_fails: bool,
    host: IpAddr,
}

/// How long until somebody starts a node again that stopped because its disk failed.
pub const RESTART_US: u64 = 400_000;

impl Node {
    /// Makes the machine; [`Node::start`] starts the process.
    pub fn new(plan: &Arc<Plan>, node: usize, ended: UnboundedSender<Ended>) -> Self {
        let own = &plan.nodes[node];
        let medium: Shelf = Arc::new(Mutex::new(Disk::new(plan.seed, node as u64, own.disk)));
        let of_process = Arc::clone(&medium);
        let incarnation = Arc::new(AtomicU64::new(0));
        let plan = Arc::clone(plan);
        let wall_off_ms = own.wall_off_ms;
        let machine = Handle::current()
            .create_node()
            .name(format!("n{}", node + 1))
            .ip(host(0, node))
            .init(move || {
                let turn = incarnation.fetch_add(1, Ordering::Relaxed);
                process(Arc::clone(&plan), node, turn, Arc::clone(&of_process), ended.clone())
            })
            .build();
        simulated::set_wall_offset(machine.id(), wall_off_ms);
        let host = host(0, node);
        Self { machine, medium, wall_off_ms, down_us: RESTART_US, up: false, paused: false, disk_fails: false, host }
    }

    pub fn start(&mut self) {
        self.up = true;
        self.paused = false;
        self.down_us = RESTART_US;
        let mut medium = lock(&self.medium);
        medium.start();
        let Faults { sync, write, read, room } = medium.faults;
        self.disk_fails = sync + write + read > 0 || room.is_some();
        drop(medium);
        simulated::unbury(self.host);
        Handle::current().restart(self.machine.id());
    }
}

/// A process from its start to its end. The first, at the making of the machine, does nothing: it is not started yet.
async fn process(plan: Arc<Plan>, node: usize, turn: u64, medium: Shelf, ended: UnboundedSender<Ended>) {
    if turn == 0 {
        return;
    }
    let id = NodeId(node as i32 + 1);
    let mut dice = Dice::new(plan.seed, Stream::Node, node as u64, turn);
    // No disk is lost here.
    let config = config(&plan, id, 0, &mut dice);
    record::with(|record| record.tell(now(), id, "starts"));
    let ready = move || {
        record::with(|record| {
            record.serving[node] = true;
            record.mark("ready");
            record.tell(now(), id, "serves");
        });
    };
    let result = simulated::run(config, |report| Simulated::start(node, medium, report), ready).await;
    let fault = result.err().map(|failure| failure.line);
    record::with(|record| {
        record.serving[node] = false;
        record.mark(if fault.is_none() { "stopped" } else { "stopped by a fault" });
        record.tell(now(), id, format_args!("ended: {}", fault.as_deref().unwrap_or("in order")));
    });
    // The world is there as long as the run.
    let _ = ended.send(Ended { node, fault });
}
