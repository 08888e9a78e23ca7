//! Faults that wait for their moment: what a random time hardly ever hits.

use super::{Event, Relief, World};
use crate::net::{Arrival, Conn, Peer, Way};
use crate::plan::Strike;
use esker_core::id::{NodeId, PartitionKey, Uuid};
use esker_core::io::{Address, DiskOp, FileId, FileName, Input, Lane, Note, Output};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{AlterPartitionRequest, RequestKind};

impl World {
    /// A fault begins to wait.
    pub(super) fn arm(&mut self, place: usize) {
        self.armed.push(place);
    }

    /// An output of a node: whether it is what a fault waits for. The fault strikes when all outputs of the moment are out.
    pub(super) fn look_for_prey(&mut self, node: usize, output: &Output) {
        if self.armed.is_empty() {
            return;
        }
        let Some(process) = &self.nodes[node].process else { return };
        let core = process.broker.node();
        let prey = |place: &usize| match &self.plan.faults[*place].strike {
            Strike::CrashWriting { .. } => writes(output).then_some(node),
            Strike::StopJoining { .. } | Strike::LateJoining { .. } => {
                joins(core, output).filter(|other| *other < self.nodes.len())
            }
            Strike::CutJoining { .. } | Strike::LostAnswer { .. } => {
                joins(core, output).map(|_| node).filter(|_| !core.quorum.is_leader())
            }
            Strike::CrashInstalling { .. } => installs(core, output).then_some(node),
            _ => None,
        };
        let found = self.armed.iter().enumerate().find_map(|(turn, place)| Some((turn, *place, prey(place)?)));
        if let Some((turn, place, caught)) = found {
            self.armed.remove(turn);
            let call = if let Output::Call { to, lane, .. } = output { Some((to.clone(), *lane)) } else { None };
            self.queue.push(self.now, Event::Ambush { node: caught, place, by: node, call });
        }
    }

    /// `by`: whose doing it was, and with which call.
    pub(super) fn on_ambush(&mut self, node: usize, place: usize, by: usize, call: Option<(Address, Lane)>) {
        if self.healed || self.nodes[node].process.is_none() {
            return;
        }
        let strike = self.plan.faults[place].strike.clone();
        self.trace.event(self.now).word(0x8000 + place as u64);
        if self.trace.wants_lines() {
            self.trace.line(self.now, "fault", format_args!("node {} is caught: {strike:?}", node + 1));
        }
        *self.faults.entry(strike.kind()).or_default() += 1;
        match strike {
            Strike::CrashWriting { loss, down_us } | Strike::CrashInstalling { loss, down_us } => {
                self.kill(node, loss, false);
                self.queue.push(self.now + down_us, Event::Start(node));
            }
            Strike::StopJoining { down_us } => {
                self.nodes[node].down_us = down_us;
                self.input(node, Input::Stop);
            }
            Strike::CutJoining { for_us } => {
                let links = self.controller().into_iter().map(|from| (from as Peer, node as Peer));
                self.cut(links.collect(), for_us);
            }
            Strike::LateJoining { down_us, for_us } => {
                let wish = call.and_then(|call| self.conn_of(by, &call));
                let fetches = self.net.between(node as Peer, Some(by as Peer));
                let own = fetches.filter(|conn| self.net.opener(*conn) == node as Peer);
                self.hold(own.chain(wish).map(|conn| (conn, Way::Out)).collect(), for_us);
                self.nodes[node].down_us = down_us;
                self.input(node, Input::Stop);
            }
            Strike::LostAnswer { for_us } => {
                let Some(wish) = call.and_then(|call| self.conn_of(by, &call)) else { return };
                let controller = self.net.receiver(Arrival { conn: wish, way: Way::Out });
                let asked = self.net.between(by as Peer, Some(controller));
                let own = asked.filter(|conn| self.net.opener(*conn) == by as Peer);
                self.hold(own.map(|conn| (conn, Way::Back)).collect(), for_us);
                self.queue.push(self.now + for_us / 4, Event::Relief(Relief::GiveUp(by, wish)));
            }
            _ => unreachable!("only these wait"),
        }
    }

    /// The connection on which the node calls so.
    fn conn_of(&self, node: usize, call: &(Address, Lane)) -> Option<Conn> {
        self.nodes[node].process.as_ref()?.calling.get(call).map(|calling| calling.conn)
    }
}

/// Whether the log of the metadata begins anew, behind the snapshot that lies on the disk now.
fn installs(core: &Core, output: &Output) -> bool {
    matches!(output, Output::Note(Note::LogTruncated { dir, from, to }) if to > from && core.partitions.key_of(*dir).is_none())
}

fn writes(output: &Output) -> bool {
    matches!(output, Output::Disk { op: DiskOp::Append { file: FileId { name: FileName::Log(_), .. }, .. }, .. })
}

/// The node, by its place, that a leader asks to have in sync, and that is not yet.
fn joins(core: &Core, output: &Output) -> Option<usize> {
    let Output::Call { body, .. } = output else { return None };
    let RequestKind::AlterPartition(request) = &**body else { return None };
    let joining = joining(core, request)?;
    usize::try_from(joining.0 - 1).ok()
}

fn joining(core: &Core, request: &AlterPartitionRequest) -> Option<NodeId> {
    request.topics.iter().find_map(|topic| {
        topic.partitions.iter().find_map(|asked| {
            let key = PartitionKey { topic: Uuid::from(topic.topic_id), partition: asked.partition_index };
            let state = core.partitions.get(key)?.state()?;
            let members = asked.new_isr_with_epochs.iter().map(|member| NodeId(member.broker_id.0));
            members.into_iter().find(|node| !state.in_sync(*node))
        })
    })
}
