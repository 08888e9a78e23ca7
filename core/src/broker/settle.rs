//! After every input: whatever one machine's change means for another is carried through, until nothing moves any more.

use super::{Broker, apply, wake};
use crate::controller::Controller;
use crate::id::{ConnId, DirId, PartitionKey};
use crate::io::{CallFault, Lane, Listener, Local, Output, Reply, Request};
use crate::partition::PartitionEvent;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::protocol::StrBytes;

/// Rounds after one input: each is the answer to what the one before did, and chains of them are short. A longer one is
/// two machines that talk past each other.
const ROUNDS_MAX: usize = 1000;

impl Broker {
    pub(super) fn settle(&mut self, now: Now) {
        for _ in 0..ROUNDS_MAX {
            if !self.settle_once(now) {
                return;
            }
        }
        panic!("the node does not come to rest after an input");
    }

    /// Whether anything moved.
    fn settle_once(&mut self, now: Now) -> bool {
        let mut moved = self.settle_local(now);
        moved |= self.settle_quorum(now);
        // Roles come before what waits on partitions: who no longer leads must not answer out of metadata that says so.
        moved |= self.settle_roles(now);
        // What was committed is applied, and what it makes is begun: an answer may wait for that.
        self.node.release_commits(now);
        while let Some((key, event)) = self.node.partitions.pop_touched() {
            self.on_partition_event(now, key, event);
            moved |= event.any();
        }
        moved |= self.alive.settle(&mut self.node, now);
        moved |= self.watch.settle(&mut self.node, now);
        let epoch = self.alive.epoch();
        moved |= self.isr.settle(&mut self.node, now, epoch);
        moved |= self.fetchers.settle(&mut self.node, now, epoch);
        moved |= self.settle_stop(now);
        moved
    }

    /// Calls of this node to itself.
    fn settle_local(&mut self, now: Now) -> bool {
        let mut moved = false;
        while let Some(step) = self.node.out.pop_local() {
            moved = true;
            match step {
                Local::Call { call, lane, key, version, body } => {
                    self.local_calls.insert(call);
                    let listener = match lane {
                        Lane::Replica => Listener::Broker,
                        Lane::QuorumFetch | Lane::QuorumVote | Lane::Control | Lane::Forward => Listener::Controller,
                    };
                    let request = Request {
                        conn: ConnId::LOCAL,
                        seq: call.0,
                        listener,
                        door: 0,
                        client_id: StrBytes::new(),
                        client_host: StrBytes::new(),
                        key,
                        version,
                        body: *body,
                        checks: Vec::new(),
                    };
                    self.on_request(now, request);
                }
                Local::Answer { call, reply } => {
                    self.local_calls.remove(&call);
                    let result = match reply {
                        Reply::Plain(body) => Ok(body),
                        // Nobody fetches from itself, and nobody produces to itself by call.
                        Reply::Fetch { .. } | Reply::Silence => Err(CallFault::Garbled),
                    };
                    self.on_call_done(now, call, result, Vec::new());
                }
                Local::Closed => {
                    for call in core::mem::take(&mut self.local_calls) {
                        self.on_call_done(now, call, Err(CallFault::Disconnected), Vec::new());
                    }
                }
            }
        }
        moved
    }

    fn settle_quorum(&mut self, now: Now) -> bool {
        let changes = self.node.quorum.changes();
        if let Some(why) = changes.failed {
            self.fail(why);
            return false;
        }
        if changes.role && !self.node.quorum.is_leader() && self.node.controller.take().is_some() {
            self.node.drop_commits();
        }
        if changes.closed {
            self.on_quorum_closed();
        }
        let mut moved = changes.opened || changes.role || changes.closed;
        if changes.opened || changes.committed || changes.readable {
            moved |= apply::drain(self, now);
        }
        if self.node.controller.is_none() && self.node.quorum.is_drained() {
            moved |= self.activate(now);
        }
        if changes.ask_again {
            self.ask_quorum_again(now);
        }
        moved
    }

    /// This node leads the quorum and knows all that was decided before: it decides from now on. `false`: its log takes nothing, so
    /// it cannot say so to the others.
    fn activate(&mut self, now: Now) -> bool {
        let settings = super::setup::controller(&self.node.config);
        let controller = Controller::new(now, settings, self.node.image.clone(), self.node.quorum.epoch());
        let first = controller.decide_activation();
        self.node.controller = Some(controller);
        let active = self.node.append_records(now, &first);
        if !active {
            self.node.controller = None;
        }
        active
    }

    /// Something changed in a partition: whoever waits for it is looked at again.
    fn on_partition_event(&mut self, now: Now, key: PartitionKey, event: PartitionEvent) {
        if let Some(fault) = event.failed {
            let replica = self.node.partitions.get(key);
            let name = replica.map_or_else(|| alloc::format!("{key}"), |replica| replica.folder().into());
            self.fail(alloc::format!("the log of {name} failed: {fault}"));
            return;
        }
        if event.foreign {
            return self.put_foreign_aside(now, key);
        }
        let Some(partition) = self.node.partitions.get(key) else { return };
        let dir = partition.dir();
        if event.start_moved {
            self.chores.on_start_moved(partition, now);
        }
        if event.any() {
            self.wake(now, dir);
            crate::api::fetch::on_partition_event(&mut self.node, now, dir, &event);
            self.coordinators.on_partition_event(&mut self.node, now, key, event);
            self.isr.on_partition_event(key, event);
        }
        self.fetchers.on_partition_event(&self.node, key);
    }

    /// Looks at the rows that watch a folder.
    pub(super) fn wake(&mut self, now: Now, dir: DirId) {
        let rows: Vec<_> = self.node.hold.watchers(dir).collect();
        for hold in rows {
            wake::on_moved(&mut self.node, now, hold, dir);
        }
    }

    /// The node has come to its end: nothing it knows of its disk can be relied on.
    pub(super) fn fail(&mut self, why: alloc::string::String) {
        if !self.ended {
            self.ended = true;
            self.node.out.push(Output::Stopped { clean: false, why });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup;
    use super::Controller;
    use crate::config::NodeConfig;
    use crate::controller::Decision;
    use crate::id::{ConnId, LeaderEpoch, NodeId};
    use crate::io::{Ask, Listener, Output};
    use crate::time::{Mono, Now, Wall};
    use alloc::vec::Vec;
    use kafka_protocol::messages::CreateTopicsResponse;
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn a_decision_that_the_quorum_does_not_take_is_not_answered() {
        // The quorum is not even open: nothing can be appended.
        let config = NodeConfig::for_test(NodeId(1), &[(1, "host", 9093)], &[]);
        let now = Now { mono: Mono(1_000_000), wall: Wall(0) };
        let mut node = setup::node(config);
        let controller = Controller::new(now, setup::controller(&node.config), node.image.clone(), LeaderEpoch(1));
        let records = controller.decide_activation();
        assert!(!records.is_empty());
        node.controller = Some(controller);
        let ask = Ask {
            conn: ConnId(7),
            seq: 0,
            version: 7,
            listener: Listener::Controller,
            door: 0,
            client_id: StrBytes::new(),
            client_host: StrBytes::new(),
        };
        node.commit(now, ask.clone(), Decision { records, reply: CreateTopicsResponse::default() });
        let told: Vec<Output> = core::iter::from_fn(|| node.out.pop()).collect();
        assert!(matches!(told[..], [Output::Close { conn: ConnId(7) }]), "{told:?}");
        node.commit(now, ask, Decision::only(CreateTopicsResponse::default()));
        let told: Vec<Output> = core::iter::from_fn(|| node.out.pop()).collect();
        assert!(matches!(told[..], [Output::Reply { .. }]), "where nothing changes there is nothing to take: {told:?}");
    }
}
