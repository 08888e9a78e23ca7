//! A node of the cluster: its disk, its clocks, and, while its process lives, its broker with the connections to and from it.

use crate::clock::Clock;
use crate::dice::{Dice, Stream};
use crate::disk::Disk;
use crate::net::{Conn, DOOR_BROKER, DOOR_CONTROLLER, Peer};
use crate::plan::Plan;
use bytes::Bytes;
use esker_core::broker::Broker;
use esker_core::config::{Identity, NodeConfig};
use esker_core::id::{CallId, NodeId, Uuid};
use esker_core::io::{Address, Input, Lane, Listener};
use esker_core::wire::{Replies, Slip};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, VecDeque};

/// The port of a node's controller listener; that of its broker listener is this and a thousand.
pub const CONTROLLER_PORT: u16 = 9093;
/// The port of the listener for clients: as a voter has it.
const BROKER_PORT: u16 = CONTROLLER_PORT + 1000;
/// How long until somebody starts a node again that stopped because its disk failed.
const RESTART_US: u64 = 400_000;

/// A connection that somebody opened to the node.
#[derive(Debug)]
pub struct Served {
    pub listener: Listener,
    /// Where the client stands, as the broker is told.
    pub host: StrBytes,
    pub replies: Replies,
    /// To be closed when nothing waits any more.
    pub closing: bool,
}

/// A connection that the node opened to another.
#[derive(Debug)]
pub struct Calling {
    pub conn: Conn,
    /// In the order in which they were sent: call, what its answer needs, when it was sent.
    pub open: VecDeque<(CallId, Slip, u64)>,
    pub correlation: i32,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    pub broker: Broker,
    pub served: BTreeMap<Conn, Served>,
    pub calling: BTreeMap<(Address, Lane), Calling>,
    /// The first tick that is on the event queue.
    pub tick_at: Option<u64>,
    pub ready: bool,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    pub peer: Peer,
    pub id: NodeId,
    pub disk: Disk,
    pub clock: Clock,
    /// Counts its disks: each has an id of its own.
    pub disks: u32,
    /// Counts starts; what was meant for an earlier one is nobody's.
    pub incarnation: u32,
    pub process: Option<Process>,
    /// Whether the host answers for a process that is gone.
    pub host_up: bool,
    /// Until when the process stands still, and what waits for it.
    pub paused_until: Option<u64>,
    pub inbox: VecDeque<Input>,
    /// How long until somebody starts the node again once its process has ended by itself.
    pub down_us: u64,
    /// Why the last process ended by itself, if it did.
    pub ended: Option<String>,
}

impl Node {
    pub fn new(plan: &Plan, peer: Peer) -> Self {
        let own = &plan.nodes[peer as usize];
        Self {
            peer,
            id: NodeId(i32::from(peer) + 1),
            disk: Disk::new(plan.seed, u64::from(peer), own.disk),
            clock: Clock::new(own.drift_ppm, own.wall_off_ms),
            disks: 0,
            incarnation: 0,
            process: None,
            host_up: true,
            paused_until: None,
            inbox: VecDeque::new(),
            down_us: RESTART_US,
            ended: None,
        }
    }

    /// A new process; its first input is to be [`Input::Boot`].
    pub fn start(&mut self, plan: &Plan, at: u64) {
        assert!(self.process.is_none(), "a process runs already");
        self.incarnation += 1;
        let mut dice = Dice::new(plan.seed, Stream::Node, u64::from(self.peer), u64::from(self.incarnation));
        self.clock.restart(at, dice.below(1 << 40));
        self.disk.start();
        self.host_up = true;
        self.paused_until = None;
        self.inbox.clear();
        self.down_us = RESTART_US;
        self.ended = None;
        self.process = Some(Process {
            broker: Broker::new(config(plan, self.id, self.disks, &mut dice)),
            served: BTreeMap::new(),
            calling: BTreeMap::new(),
            tick_at: None,
            ready: false,
        });
    }

    /// Where a call goes: the node's place and its door.
    pub fn find(to: &Address) -> Option<(Peer, u8)> {
        let number: Peer = to.host.as_str().strip_prefix('n')?.parse().ok()?;
        let door = if to.port == CONTROLLER_PORT { DOOR_CONTROLLER } else { DOOR_BROKER };
        Some((number.checked_sub(1)?, door))
    }
}

impl Process {
    pub fn accept(&mut self, conn: Conn, door: u8, opener: Peer) -> &mut Served {
        self.served.entry(conn).or_insert_with(|| Served {
            listener: listener(door),
            host: StrBytes::from(format!("/10.0.0.{opener}")),
            replies: Replies::default(),
            closing: false,
        })
    }
}

/// What is served behind a door.
pub const fn listener(door: u8) -> Listener {
    if door == DOOR_CONTROLLER { Listener::Controller } else { Listener::Broker }
}

/// The configuration of a node's process: of the plan, with an identity of its own, and a folder on the last of its disks.
pub fn config(plan: &Plan, id: NodeId, disks: u32, dice: &mut Dice) -> NodeConfig {
    let hosts: Vec<String> = (1..=plan.nodes.len()).map(|number| format!("n{number}")).collect();
    // Who is not named among the voters is a broker alone, and observes the quorum.
    let named = plan.settings.get("controller.quorum.voters");
    let votes = |id: i32| named.is_none_or(|list| list.split(',').any(|voter| voter.starts_with(&format!("{id}@"))));
    let voters: Vec<(i32, &str, u16)> =
        (1..).zip(&hosts).filter(|(id, _)| votes(*id)).map(|(id, host)| (id, host.as_str(), CONTROLLER_PORT)).collect();
    let mut extra: Vec<(&str, &str)> =
        plan.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let listens = format!("PLAINTEXT://n{id}:{BROKER_PORT}");
    if !votes(id.0) {
        extra.push(("listeners", &listens));
    }
    let mut config = NodeConfig::for_test(id, &voters, &extra);
    config.identity = Identity {
        directory: Uuid(0x0d1e_0000 + id.0.unsigned_abs() as u128 + (u128::from(disks) << 64)),
        incarnation: Uuid(u128::from(dice.number()) << 64 | u128::from(dice.number()) | 2),
        cluster: Some("esker-sim".into()),
        host: None,
        seed: dice.number(),
    };
    config
}

/// The bytes of a frame without their length.
pub fn body(frame: &Bytes) -> Bytes {
    frame.slice(4..)
}
