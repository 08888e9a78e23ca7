//! Faults strike, and end.

use super::{Event, Relief, World};
use crate::dice::{Dice, Stream};
use crate::disk::Loss;
use crate::net::{Conn, Peer, Way};
use crate::plan::{Strike, Target};
use esker_core::io::Input;

/// How often the shell looks how much room is left, in microseconds.
const LOOK_US: u64 = 1_000_000;

impl World {
    pub(super) fn on_strike(&mut self, place: usize) {
        let strike = self.plan.faults[place].strike.clone();
        if self.healed && !strike.is_for_good() {
            return;
        }
        if strike.waits() {
            return self.arm(place);
        }
        self.trace.event(self.now).word(0x5000 + place as u64);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "fault", format_args!("{strike:?}"));
        }
        *self.faults.entry(strike.kind()).or_default() += 1;
        let mut dice = Dice::new(self.plan.seed, Stream::Fault, 0, place as u64);
        match strike {
            Strike::Crash { target, loss, loud, down_us } => {
                for node in self.struck(&target) {
                    let own = &self.nodes[node];
                    if let Some(process) = &own.process {
                        self.marks.on_crash(&process.broker, own.disk.unsynced());
                    }
                    self.kill(node, loss, loud);
                    self.queue.push(self.now + down_us + dice.below(1_000), Event::Start(node));
                }
            }
            Strike::Stop { target, down_us } => {
                for node in self.struck(&target) {
                    self.nodes[node].down_us = down_us;
                    self.input(node, Input::Stop);
                }
            }
            Strike::Pause { target, for_us } => {
                for node in self
                    .struck(&target)
                    .into_iter()
                    .filter(|node| self.nodes[*node].process.is_some())
                    .collect::<Vec<_>>()
                {
                    let until = self.now + for_us;
                    self.nodes[node].paused_until = Some(until);
                    self.queue.push(until, Event::Relief(Relief::Resume(node)));
                }
            }
            Strike::Cut { from, to, both, for_us } => {
                let (from, to) = (from as Peer - 1, to as Peer - 1);
                let links = if both { vec![(from, to), (to, from)] } else { vec![(from, to)] };
                self.cut(links.into_iter().filter(|(from, to)| from != to).collect(), for_us);
            }
            Strike::Isolate { target, clients, for_us } => {
                for node in self.struck(&target) {
                    let peers = if clients { self.nodes.len() + self.plan.clients.len() + 1 } else { self.nodes.len() };
                    let others = (0..peers).filter(|peer| *peer != node);
                    self.cut(
                        others.flat_map(|peer| [(node as Peer, peer as Peer), (peer as Peer, node as Peer)]).collect(),
                        for_us,
                    );
                }
            }
            Strike::Reset { target } => {
                for node in self.struck(&target) {
                    let conns: Vec<Conn> = self.net.between(node as Peer, None).collect();
                    for conn in conns {
                        if dice.chance(2, 3) {
                            let due = self.net.reset(self.now, conn, &mut dice);
                            self.due.extend(due);
                        }
                    }
                }
            }
            Strike::Stall { target, for_us, full } => {
                for node in self.struck(&target) {
                    let conns: Vec<Conn> = self.net.between(node as Peer, None).collect();
                    let held = conns.into_iter().flat_map(|conn| [(conn, Way::Out), (conn, Way::Back)]);
                    let held: Vec<(Conn, Way)> = held.filter(|_| dice.chance(1, 2)).collect();
                    held.iter().filter(|_| full).for_each(|(conn, way)| self.net.fill(*conn, *way));
                    self.hold(held, for_us);
                }
            }
            Strike::Slow { target, times, for_us } => {
                for node in self.struck(&target) {
                    self.nodes[node].disk.slow = times;
                    self.queue.push(self.now + for_us, Event::Relief(Relief::Faster(node)));
                }
            }
            Strike::SyncFails { target } => {
                self.struck(&target).into_iter().for_each(|node| self.nodes[node].disk.faults.sync += 1)
            }
            Strike::WriteFails { target } => {
                self.struck(&target).into_iter().for_each(|node| self.nodes[node].disk.faults.write += 1)
            }
            Strike::ReadFails { target, count } => {
                self.struck(&target).into_iter().for_each(|node| self.nodes[node].disk.faults.read += count)
            }
            Strike::Full { target, room, for_us } => {
                for node in self.struck(&target) {
                    self.nodes[node].disk.faults.room = Some(room);
                    self.queue.push(self.now + dice.below(LOOK_US), Event::Relief(Relief::Look(node)));
                    self.queue.push(self.now + for_us, Event::Relief(Relief::Room(node)));
                }
            }
            Strike::Rot { target, down_us, damage } => {
                if let Some(node) = self.struck(&target).first().copied() {
                    self.rot(node, damage, &mut dice);
                    self.kill(node, Loss::Nothing, true);
                    self.queue.push(self.now + down_us, Event::Start(node));
                }
            }
            Strike::LoseDisk { target, down_us } => {
                if let Some(node) = self.struck(&target).first().copied() {
                    self.lose_disk(node);
                    self.queue.push(self.now + down_us, Event::Start(node));
                }
            }
            Strike::CrashWriting { .. }
            | Strike::StopJoining { .. }
            | Strike::CutJoining { .. }
            | Strike::LateJoining { .. }
            | Strike::LostAnswer { .. }
            | Strike::CrashInstalling { .. }
            | Strike::Perish { .. } => {
                unreachable!("they wait")
            }
            Strike::Step { target, ms } => {
                self.struck(&target).into_iter().for_each(|node| self.nodes[node].clock.step(ms))
            }
        }
    }

    /// The node that the fault strikes dies, and is not started again.
    pub(super) fn perish(&mut self, place: usize) {
        let strike = self.plan.faults[place].strike.clone();
        let Strike::Perish { target } = &strike else { unreachable!("the one that is for good") };
        let Some(node) = self.struck(target).first().copied() else { return };
        self.trace.event(self.now).word(0x5000 + place as u64);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "fault", format_args!("node {} dies for good", node + 1));
        }
        *self.faults.entry(strike.kind()).or_default() += 1;
        self.perished = Some(node);
        self.kill(node, Loss::All, false);
    }

    pub(super) fn on_relief(&mut self, relief: Relief) {
        self.trace.event(self.now).word(0x6000);
        match relief {
            Relief::Resume(node) => self.resume(node),
            Relief::Mend(links) => {
                for (from, to) in links {
                    let due = self.net.mend(self.now, from, to);
                    self.due.extend(due);
                }
            }
            Relief::Release(held) => {
                // When all was healed nothing was held any more.
                let held = if self.healed { Vec::new() } else { held };
                for (conn, way) in held {
                    let due = self.net.release(self.now, conn, way);
                    self.due.extend(due);
                    self.send_waiting(conn);
                }
            }
            Relief::GiveUp(node, conn) => self.on_call_lost(node, conn),
            Relief::Faster(node) if !self.healed => self.nodes[node].disk.slow = self.plan.nodes[node].disk.slow,
            Relief::Faster(_) => {}
            Relief::Room(node) => {
                self.nodes[node].disk.faults.room = None;
                self.look(node);
            }
            Relief::Look(node) if self.nodes[node].disk.faults.room.is_some() => {
                self.look(node);
                self.queue.push(self.now + LOOK_US, Event::Relief(Relief::Look(node)));
            }
            Relief::Look(_) => {}
        }
    }

    /// Tells a node how much room is left on its disk.
    pub(super) fn look(&mut self, node: usize) {
        let bytes = self.nodes[node].disk.room();
        self.input(node, Input::Room { bytes, total: bytes });
    }

    /// A process that stood still goes on with what has come meanwhile.
    pub(super) fn resume(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        if own.paused_until.is_none_or(|until| until > self.now && !self.healed) {
            return;
        }
        own.paused_until = None;
        let waiting = std::mem::take(&mut own.inbox);
        for input in waiting {
            self.input(node, input);
        }
        self.input(node, Input::Tick);
    }

    pub(super) fn cut(&mut self, links: Vec<(Peer, Peer)>, for_us: u64) {
        links.iter().for_each(|(from, to)| self.net.cut(*from, *to));
        self.queue.push(self.now + for_us, Event::Relief(Relief::Mend(links)));
    }

    /// Holds connections back, each a way.
    pub(super) fn hold(&mut self, held: Vec<(Conn, Way)>, for_us: u64) {
        held.iter().for_each(|(conn, way)| self.net.hold(*conn, *way));
        self.queue.push(self.now + for_us, Event::Relief(Relief::Release(held)));
    }

    /// The process is gone.
    pub(super) fn kill(&mut self, node: usize, loss: Loss, loud: bool) {
        let own = &mut self.nodes[node];
        if own.process.take().is_none() {
            return;
        }
        own.paused_until = None;
        own.inbox.clear();
        own.host_up = loud || loss == Loss::Nothing;
        own.disk.crash(loss);
        let mut dice = Dice::new(self.plan.seed, Stream::Fault, node as u64 + 1, u64::from(own.incarnation));
        let due = self.net.vanish(self.now, own.peer, loud, &mut dice);
        self.due.extend(due);
    }

    /// Which nodes a fault strikes now.
    fn struck(&self, target: &Target) -> Vec<usize> {
        match target {
            Target::Nodes(nodes) => {
                nodes.iter().map(|node| *node as usize - 1).filter(|node| *node < self.nodes.len()).collect()
            }
            Target::All => (0..self.nodes.len()).collect(),
            Target::Leader(partition) => self.leader_of(*partition).into_iter().collect(),
            Target::Controller => self.controller().into_iter().collect(),
        }
    }

    pub(super) fn controller(&self) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.process.as_ref().is_some_and(|process| process.broker.node().quorum.is_leader()))
    }

    fn leader_of(&self, partition: u32) -> Option<usize> {
        let name = self.history.partitions.get(partition as usize)?;
        let leads = |node: &crate::node::Node| {
            node.process.as_ref().is_some_and(|process| {
                process.broker.node().partitions.iter().any(|replica| replica.folder() == name && replica.is_leader())
            })
        };
        self.nodes.iter().position(leads)
    }
}
