//! After the safety phase all is healed; then the cluster has to come to rest: every partition accepts a record, the last
//! readers read all there is, groups stand still. The run ends when they do.

use super::{Event, Kind, LAST_READER, PROBE, World};
use crate::check::past;
use crate::client::{self, Producer, Reader};
use esker_core::log::layout::{self, Folder};
use esker_core::quorum;
use std::collections::BTreeSet;

impl World {
    pub(super) fn on_heal(&mut self) {
        self.healed = true;
        self.trace.event(self.now).word(0x7000);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "phase", "all is healed");
        }
        let due = self.net.heal(self.now);
        self.due.extend(due);
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            own.disk.faults = crate::disk::Faults::default();
            own.disk.slow = 1;
            self.resume(node);
            self.look(node);
            if self.nodes[node].process.is_none() {
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
    }

    /// What is not as it must be at the end.
    fn unsettled(&self) -> Option<String> {
        if let Some(node) = self.nodes.iter().find(|node| node.process.as_ref().is_none_or(|process| !process.ready)) {
            return Some(format!("node {} does not serve", node.id));
        }
        let client = self.seats.iter().find_map(|seat| seat.client.settled().err());
        client.or_else(|| self.unread()).or_else(|| self.unmoved())
    }

    /// A partition that no member of the group has, though there are members that want it: one that is gone keeps it.
    fn unread(&self) -> Option<String> {
        let mut wanted = BTreeSet::new();
        let mut had = BTreeSet::new();
        for part in self.seats.iter().filter_map(|seat| seat.client.part()) {
            wanted.extend(part.wanted);
            had.extend(part.has);
        }
        let missing = wanted.difference(&had).next()?;
        Some(format!("partition {missing} belongs to no member of the group that lives"))
    }

    /// A move of replicas that has not come to its end, or one that has and of which a node does not know: what it is to drop is
    /// still there.
    fn unmoved(&self) -> Option<String> {
        let cores = || self.nodes.iter().filter_map(|node| Some((node, node.process.as_ref()?.broker.node())));
        let image = &cores().max_by_key(|(_, core)| core.image.offset())?.1.image;
        let each =
            || image.topics().flat_map(|topic| topic.each_partition().map(move |(key, state)| (topic, key, state)));
        if let Some((topic, key, state)) = each().find(|(_, _, state)| state.is_reassigning()) {
            return Some(format!("{}-{} is still on the move: {state}", topic.name, key.partition));
        }
        cores().find_map(|(node, core)| {
            let mine = |key| image.partition(key).is_some_and(|state| state.has_replica(node.id));
            if let Some(kept) = core.partitions.iter().find(|replica| !mine(replica.key())) {
                return Some(format!("node {} still keeps {}, which is others'", node.id, kept.folder()));
            }
            let used = |name: &str| core.partitions.iter().any(|replica| replica.folder() == name);
            let partition = |name: &str| matches!(layout::folder(name), Some(Folder::Partition { .. }));
            let stray = node.disk.names().find(|name| *name != quorum::FOLDER && partition(name) && !used(name))?;
            Some(format!("node {} still has the folder {stray}, which is nobody's", node.id))
        })
    }

    /// Ends the run when all has come to rest.
    pub(super) fn look_for_rest(&mut self) {
        if self.quiet && self.unsettled().is_none() {
            self.ended = true;
            self.judge();
        }
    }

    pub(super) fn judge_liveness(&mut self) {
        let what = self.unsettled().unwrap_or_else(|| "nothing".into());
        self.judge();
        self.fail(Kind::Liveness, "liveness", what);
    }

    /// Judges the history.
    fn judge(&mut self) {
        if let Some(first) = past::judge(&self.history).into_iter().next() {
            let mut failure = super::Failure { kind: Kind::Safety, anomaly: first };
            failure.anomaly.at = failure.anomaly.at.min(self.now);
            self.failure.get_or_insert(failure);
        }
    }
}
