//! Marks: how often a run came to each rare place.
//!
//! Nothing in the core knows of them. They are read off what goes in and out of a node, off the metadata as it changes, and
//! off what clients were told; the list, with the reason for each, is [`list`]. A batch of runs that never reaches one of
//! them has not tried what it seems to try, and is red ([`missed`]).

mod cluster;
mod list;
mod menu;
mod reply;

pub use list::{ALL, Mark};
pub use menu::MENU;

use crate::history::{Act, History, State};
use cluster::Cluster;
use esker_core::broker::Broker;
use esker_core::group;
use esker_core::io::{DiskFault, DiskOp, DiskTag, FileName, Input, LOG_LOST, Note, Output, Owner};
use kafka_protocol::messages::ApiKey;
use std::collections::BTreeMap;

/// What the node is handling, as far as it matters for what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cause {
    /// A deadline passed: a reply that leaves now waited for it.
    Tick,
    /// This request: a reply to it did not wait.
    Request {
        conn: u64,
        seq: u64,
    },
    /// A connection ended, when so many replies waited.
    Gone {
        held: usize,
    },
    Other,
}

/// The counts of one run, and what has to be remembered to make them.
#[derive(Debug)]
pub struct Marks {
    hits: [u64; ALL.len()],
    cause: Cause,
    cluster: Cluster,
}

impl Default for Marks {
    fn default() -> Self {
        Self { hits: [0; ALL.len()], cause: Cause::Other, cluster: Cluster::default() }
    }
}

/// Counts by name.
pub type Table = BTreeMap<&'static str, u64>;

impl Marks {
    pub const fn hit(&mut self, mark: Mark) {
        self.hits[mark as usize] += 1;
    }

    /// Every mark that was hit.
    pub fn table(&self) -> Table {
        ALL.iter().zip(self.hits).filter(|(_, hits)| *hits > 0).map(|(mark, hits)| (mark.name(), hits)).collect()
    }

    /// A node is about to handle this.
    pub fn on_input(&mut self, input: &Input, broker: &Broker) {
        self.cause = match input {
            Input::Tick => Cause::Tick,
            Input::Request(request) => Cause::Request { conn: request.conn.0, seq: request.seq },
            Input::Gone { .. } => Cause::Gone { held: broker.node().hold.len() },
            Input::Disk { result: Err(fault), .. } => {
                self.hit(match fault {
                    DiskFault::Io => Mark::DiskError,
                    DiskFault::Full => Mark::DiskFullRemoved,
                    DiskFault::Missing => Mark::DiskMissing,
                });
                Cause::Other
            }
            Input::Boot | Input::CallDone { .. } | Input::Disk { .. } | Input::Room { .. } | Input::Stop => {
                Cause::Other
            }
        };
    }

    /// The node says this.
    pub fn on_output(&mut self, output: &Output, broker: &Broker) {
        match output {
            Output::Reply { conn, seq, reply } => {
                let at_once = self.cause == Cause::Request { conn: conn.0, seq: *seq };
                let waited_out = self.cause == Cause::Tick;
                reply::look(reply, at_once, waited_out, &mut |mark| self.hits[mark as usize] += 1);
            }
            Output::Call { key: ApiKey::FetchSnapshot, .. } => self.hit(Mark::SnapshotAsked),
            Output::Disk { op: DiskOp::Replace { file, .. }, .. } => {
                if matches!(file.name, FileName::MetadataSnapshot(..)) {
                    self.hit(Mark::SnapshotWritten);
                }
            }
            // Topics are not deleted here: the replica is another's now.
            Output::Disk { op: DiskOp::RemoveDir { .. }, .. } => self.hit(Mark::ReplicaDropped),
            Output::Disk { op: DiskOp::RenameDir { .. }, .. } => self.hit(Mark::StrayPutAside),
            Output::Note(note) => self.on_note(note, broker),
            Output::Ready => self.hit(Mark::NodeReady),
            Output::Stopped { clean: true, .. } => self.hit(Mark::NodeStopped),
            Output::Stopped { clean: false, .. } => self.hit(Mark::NodeGaveUp),
            Output::Close { .. } | Output::Call { .. } | Output::Disk { .. } => {}
        }
    }

    fn on_note(&mut self, note: &Note, broker: &Broker) {
        match note {
            Note::LogOpened { cut_bytes, scanned_bytes, start, end, .. } => {
                if *cut_bytes > 0 {
                    self.hit(Mark::LogTailCut);
                }
                if *scanned_bytes > 0 {
                    self.hit(Mark::LogScanned);
                } else if end > start {
                    self.hit(Mark::LogOpenedClean);
                }
            }
            Note::LogTruncated { dir, from, to } => {
                let of_metadata = broker.node().partitions.key_of(*dir).is_none();
                self.hit(match (of_metadata, to < from) {
                    (true, true) => Mark::MetadataTruncated,
                    (true, false) => Mark::SnapshotInstalled,
                    (false, true) => Mark::LogTruncated,
                    (false, false) => Mark::LogRestarted,
                });
            }
            Note::SegmentRolled { .. } => self.hit(Mark::SegmentRolled),
            Note::SegmentsDropped { .. } => self.hit(Mark::SegmentsDropped),
            Note::Leads { .. } => self.hit(Mark::PartitionLeads),
            Note::Follows { .. } => self.hit(Mark::PartitionFollows),
            Note::Quorum { role, .. } => self.hit(match *role {
                "leader" => Mark::QuorumLeader,
                "follower" => Mark::QuorumFollower,
                "candidate" => Mark::QuorumCandidate,
                "resigned" => Mark::QuorumResigned,
                "prospective" | "prospective-voted" => Mark::QuorumProspective,
                "unattached-voted" => Mark::QuorumVoted,
                _ => Mark::QuorumUnattached,
            }),
            Note::Damaged { .. } => self.hit(Mark::DamageFound),
            Note::NoRoom { whose, .. } => self.hit(match *whose {
                "client" => Mark::NoRoomForClient,
                "coordinator" => Mark::NoRoomForCoordinator,
                _ => Mark::NoRoomForFollower,
            }),
            Note::RoomAgain { .. } => self.hit(Mark::RoomAgain),
            Note::Text { topic: LOG_LOST, .. } => self.hit(Mark::LogLost),
            Note::Text { .. } => {}
        }
    }

    /// The node has handled its input.
    pub fn after(&mut self, broker: &Broker) {
        let node = broker.node();
        if let Cause::Gone { held } = self.cause
            && node.hold.len() < held
        {
            self.hit(Mark::HoldGone);
        }
        self.cluster.look(&node.image, &mut |mark| self.hits[mark as usize] += 1);
    }

    /// A write has found no room.
    pub fn on_stuck(&mut self, tag: DiskTag, op: &DiskOp, broker: &Broker) {
        let node = broker.node();
        let replica = match tag.owner {
            Owner::Log(dir) => node.partitions.key_of(dir).and_then(|key| node.partitions.get(key)),
            Owner::Quorum | Owner::Node => None,
        };
        let appends = matches!(op, DiskOp::Append { .. });
        self.hit(match replica.filter(|_| appends) {
            Some(replica) if !replica.is_leader() => Mark::DiskFullFollower,
            Some(replica) if replica.folder().starts_with(group::TOPIC) => Mark::DiskFullCoordinator,
            Some(_) => Mark::DiskFullLeader,
            None => Mark::DiskFullNode,
        });
    }

    /// A process dies, with so many bytes on its disk that are not synced.
    pub fn on_crash(&mut self, broker: &Broker, unsynced: usize) {
        let node = broker.node();
        if unsynced > 0 {
            self.hit(Mark::CrashUnsynced);
        }
        if node.partitions.iter().any(|partition| partition.is_leader()) {
            self.hit(Mark::CrashLeader);
        }
        if node.quorum.is_leader() {
            self.hit(Mark::CrashController);
        }
        for state in node.groups.states() {
            self.hit(match state {
                "Empty" => Mark::CoordinatorLostEmpty,
                "PreparingRebalance" => Mark::CoordinatorLostPreparing,
                "CompletingRebalance" => Mark::CoordinatorLostCompleting,
                _ => Mark::CoordinatorLostStable,
            });
        }
        if node.groups.partitions().any(|partition| node.groups.is_loading(partition)) {
            self.hit(Mark::CoordinatorLostLoading);
        }
    }

    /// The run is over: what its clients were told.
    pub fn on_end(&mut self, history: &History) {
        for line in &history.lines {
            match (line.state, &line.act) {
                (State::Info, Act::Error { .. } | Act::Done) => self.hit(Mark::ClientUnknown),
                (State::Fail, _) => self.hit(Mark::ClientRefused),
                (State::Ok, Act::Assigned { .. }) => self.hit(Mark::ClientAssigned),
                (State::Ok, Act::Done) => self.hit(Mark::ClientCommitted),
                (State::Invoke | State::Ok | State::Info, _) => {}
            }
        }
    }
}

/// The marks that a batch never hit.
pub fn missed(table: &Table) -> Vec<Mark> {
    ALL.iter().copied().filter(|mark| !table.contains_key(mark.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draw;
    use crate::run::run;
    use crate::trace::Keep;

    #[test]
    fn names_differ_and_each_has_a_reason() {
        for (place, mark) in ALL.iter().enumerate() {
            assert_eq!(*mark as usize, place);
            assert!(mark.why().trim().ends_with('.'), "{}", mark.name());
            assert!(ALL[..place].iter().all(|other| other.name() != mark.name()), "{}", mark.name());
        }
    }

    #[test]
    fn a_batch_that_reaches_little_misses_much() {
        assert_eq!(missed(&Table::new()).len(), ALL.len());
        let mut plan = draw(1);
        plan.faults.clear();
        let table = run(&plan, Keep::Nothing, u64::MAX).marks;
        assert!(table["node-ready"] >= 1 && table["partition-leads"] >= 1, "{table:?}");
        assert!(missed(&table).contains(&Mark::NodeGaveUp));
    }
}
