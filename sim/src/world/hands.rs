//! A world without a plan's faults and clients: a script does to it by hand what a plan would do in time.

use super::{PROBE, World};
use crate::client::{self, Desk};
use crate::dice::{Dice, Stream};
use crate::disk::Loss;
use crate::net::{Conn, Peer, Way};
use crate::plan::Plan;
use crate::trace::Keep;
use esker_core::io::Input;

/// Never, without an overflow when something is added.
pub const NEVER: u64 = u64::MAX / 4;

impl World {
    /// A world in which nothing happens by itself but what nodes do: none is started. `desk` is the only client.
    pub fn by_hand(plan: Plan, keep: Keep, desk: &Desk) -> Self {
        assert!(plan.clients.is_empty() && plan.topics.is_empty() && plan.faults.is_empty(), "a plan without a story");
        assert!(plan.nodes.iter().all(|node| node.start_us == NEVER), "no node starts by itself");
        let mut world = Self::new(plan, keep);
        let me = world.spare(PROBE, 1);
        world.seat(Box::new(desk.seat(me)), 1);
        world
    }

    /// From now on what was acked may be lost: nobody looks inside any more.
    pub const fn expect_loss(&mut self) {
        self.loss = true;
    }

    /// From now on somebody sends what is no request: such a connection is closed.
    pub const fn expect_bad_frames(&mut self) {
        self.bad_frames = true;
    }

    /// Lets time pass, unless a promise is broken before.
    pub fn advance(&mut self, until: u64) {
        self.run(until);
        if self.failure.is_none() {
            self.now = until;
        }
    }

    /// The desk sends what was handed in.
    pub fn wake_desk(&mut self) {
        self.tell_client(self.seats.len() - 1, client::Event::Wake);
        self.flush();
    }

    /// The peer number of the desk: all clients of the script.
    pub fn desk_peer(&self) -> Peer {
        (self.nodes.len() + self.seats.len() - 1) as Peer
    }

    pub fn start(&mut self, node: usize) {
        self.on_start(node);
        self.nodes[node].down_us = NEVER;
        self.flush();
    }

    /// The process dies. `loud`: its host stands and tells the others.
    pub fn end(&mut self, node: usize, loss: Loss, loud: bool) {
        self.kill(node, loss, loud);
        self.flush();
    }

    /// Tells the node something that no frame and no disk tells it.
    pub fn tell(&mut self, node: usize, input: Input) {
        self.input(node, input);
        self.flush();
    }

    pub fn pause(&mut self, node: usize) {
        if self.nodes[node].process.is_some() {
            self.nodes[node].paused_until = Some(NEVER);
        }
    }

    pub fn go_on(&mut self, node: usize) {
        if self.nodes[node].paused_until.is_some() {
            self.nodes[node].paused_until = Some(self.now);
            self.resume(node);
            self.flush();
        }
    }

    /// Nothing gets from one to the other any more.
    pub fn cut_link(&mut self, from: Peer, to: Peer) {
        self.net.cut(from, to);
    }

    /// Takes one cut of the link away.
    pub fn mend_link(&mut self, from: Peer, to: Peer) {
        let due = self.net.mend(self.now, from, to);
        self.due.extend(due);
        self.flush();
    }

    /// What goes from one to the other waits on the connections that are open now; those opened later get through. `full`: it waits at its
    /// sender, and parts of files are read when it goes on.
    pub fn stall(&mut self, from: Peer, to: Peer, full: bool) {
        for conn in self.net.between(from, Some(to)).collect::<Vec<_>>() {
            let way = if self.net.opener(conn) == from { Way::Out } else { Way::Back };
            self.net.hold(conn, way);
            if full {
                self.net.fill(conn, way);
            }
        }
    }

    /// All links are whole again; what waited arrives.
    pub fn mend_all(&mut self) {
        self.heal_net();
        self.flush();
    }

    /// All connections of the node break.
    pub fn reset(&mut self, node: usize) {
        let conns: Vec<Conn> = self.net.between(node as Peer, None).collect();
        for conn in conns {
            let mut dice = Dice::new(self.plan.seed, Stream::Fault, u64::from(conn), self.now);
            let due = self.net.reset(self.now, conn, &mut dice);
            self.due.extend(due);
        }
        self.flush();
    }

    /// So many bytes are left on the node's disk; `None`: as many as one likes.
    pub fn room(&mut self, node: usize, bytes: Option<u64>) {
        self.nodes[node].disk.faults.room = bytes;
        let bytes = self.nodes[node].disk.room();
        self.tell(node, Input::Room { bytes, total: bytes });
    }
}
