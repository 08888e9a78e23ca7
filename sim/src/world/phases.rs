//! After the safety phase all is healed; then the cluster has to come to rest: every partition accepts a record, the last
//! readers read all there is, groups stand still. The run ends when they do.

use super::{CLOSER, Event, Kind, LAST_READER, PROBE, RETENTION, World};
use crate::check::past;
use crate::client::{self, Closer, Producer, Reader};
use crate::history::{Act, State};
use crate::net::Conn;

/// Whoever is the active controller for so long has looked for leaders to move back.
const CONTROLLER_STAYS_US: u64 = 8_000_000;

impl World {
    /// All links are whole, and no connection is held back any more.
    pub(super) fn heal_net(&mut self) {
        let due = self.net.heal(self.now);
        self.due.extend(due);
        let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        let served: Vec<Conn> = processes.flat_map(|process| process.served.keys().copied()).collect();
        served.into_iter().for_each(|conn| self.send_waiting(conn));
    }

    pub(super) fn on_heal(&mut self) {
        self.healed = true;
        self.trace.event(self.now).word(0x7000);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "phase", "all is healed");
        }
        self.heal_net();
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            own.disk.faults = crate::disk::Faults::default();
            own.disk.slow = 1;
            self.resume(node);
            self.look(node);
            if self.nodes[node].process.is_none() && self.perished != Some(node) {
                self.queue.push(self.now + 1 + node as u64, Event::Start(node));
            }
        }
    }

    pub(super) fn on_quiet(&mut self) {
        self.quiet = true;
        self.trace.event(self.now).word(0x7001);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "phase", "clients begin nothing new");
        }
        for place in 0..self.seats.len() {
            self.tell_client(place, client::Event::Quiet);
        }
        let probe = Producer::probe(&self.plan, self.spare(PROBE, 1));
        self.seat(Box::new(probe), self.now + 1);
        let reader = Reader::last(&self.plan, self.spare(LAST_READER, 2), PROBE);
        self.seat(Box::new(reader), self.now + 2);
        let closer = Closer::new(self.plan.groups() + self.plan.books() > 0, self.spare(CLOSER, 3));
        self.seat(Box::new(closer), self.now + 3);
    }

    /// Ends the run when all has come to rest.
    pub(super) fn look_for_rest(&mut self) {
        if self.quiet && self.unsettled().or_else(|| self.unled()).is_none() {
            self.ended = true;
            self.judge();
        }
    }

    pub(super) fn judge_liveness(&mut self) {
        let stays = self.controller_since.1 + CONTROLLER_STAYS_US < self.now;
        let what = self.unsettled().or_else(|| self.unled().filter(|_| stays));
        self.judge();
        if let Some(what) = what {
            self.fail(Kind::Liveness, "liveness", what);
        }
    }

    /// Where a topic has bounds, records go without anybody having asked: nobody knows when.
    fn tell_retention(&mut self) {
        for (place, (topic, number)) in (0..).zip(self.plan.partitions()) {
            if !topic.is_bounded() {
                continue;
            }
            let folder = format!("{}-{number}", topic.name);
            let cores = self.nodes.iter().filter_map(|node| Some(node.process.as_ref()?.broker.node()));
            let replicas = cores.flat_map(|core| core.partitions.iter()).filter(|replica| replica.folder() == folder);
            let before = replicas.map(|replica| replica.log_start().0).max().unwrap_or(0);
            let act = Act::Delete { partition: place, before };
            self.history.push(self.now, RETENTION, u64::from(place), State::Invoke, act);
        }
    }

    /// Judges the history.
    fn judge(&mut self) {
        self.tell_retention();
        if let Some(first) = past::judge(&self.history).into_iter().next() {
            let mut failure = super::Failure { kind: Kind::Safety, anomaly: first };
            failure.anomaly.at = failure.anomaly.at.min(self.now);
            self.failure.get_or_insert(failure);
        }
    }
}
