//! The quorum's state of one node, and what may be asked of it without changing it.

use super::answer::Changes;
use super::ballot::Ballot;
use super::calls::Calls;
use super::config::{QuorumConfig, Voter};
use super::drain::Drain;
use super::election::Election;
use super::journal::Journal;
use super::message::{self, Standing};
use super::role::Role;
use super::snapshot_file::SnapshotId;
use super::stage::{Purpose, Stage};
use super::unattached::Unattached;
use crate::id::{CallId, DirId, LeaderEpoch, NodeId, Offset, Uuid};
use crate::io::{Address, DiskOp, FileId, FileName, Note, Out, Owner};
use crate::rng::Rng;
use crate::time::{Mono, Span};
use alloc::collections::BTreeMap;
use alloc::string::String;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// The stream of the election time-outs among those of a node's seed.
const RNG_STREAM: u64 = 0x7175_6f72_756d;

/// The metadata log's Raft on one node. After every call that takes `out`, [`Quorum::changes`] tells what it led to.
#[derive(Debug)]
pub struct Quorum {
    pub(super) config: QuorumConfig,
    pub(super) stage: Stage,
    pub(super) role: Role,
    pub(super) ballot: Ballot,
    /// From which folder each voter votes, as far as it is known.
    pub(super) directories: BTreeMap<NodeId, Uuid>,
    pub(super) calls: Calls,
    /// The observer's choice of whom to ask for the leader goes around.
    pub(super) next_guide: usize,
    /// Elections in a row that this node lost: how long it backs off.
    pub(super) lost: u32,
    pub(super) watermark: Offset,
    /// How far the node had written down that it was committed, when it started.
    pub(super) recorded: Offset,
    pub(super) drain: Drain,
    /// The newest snapshot's file while somebody needs it, and when it was needed last.
    pub(super) warm_snapshot: Option<(SnapshotId, Bytes, Mono)>,
    pub(super) writing_snapshot: bool,
    /// A snapshot that could not be read for whoever waits for it.
    pub(super) unreadable: Option<SnapshotId>,
    /// Bytes of the batches that were given out behind the newest snapshot.
    pub(super) behind_snapshot: u64,
    /// The node is to stop: it does not stand for election any more.
    pub(super) stopping: bool,
    /// The log is being closed, or is closed: nothing is appended, cut or trimmed any more.
    pub(super) closing: bool,
    pub(super) rng: Rng,
    pub(super) disk: BTreeMap<u64, Purpose>,
    serial: u64,
    pub(super) changes: Changes,
}

impl Quorum {
    pub fn new(config: QuorumConfig) -> Self {
        let rng = Rng::new(config.seed, RNG_STREAM ^ u64::from(config.node.0.unsigned_abs()));
        Self {
            config,
            stage: Stage::Closed,
            role: Role::Unattached(Unattached { election_at: Mono(u64::MAX) }),
            ballot: Ballot::new(Election::NONE, Election::NONE),
            directories: BTreeMap::new(),
            calls: Calls::default(),
            next_guide: 0,
            lost: 0,
            watermark: Offset::ZERO,
            recorded: Offset::ZERO,
            drain: Drain::default(),
            warm_snapshot: None,
            writing_snapshot: false,
            unreadable: None,
            behind_snapshot: 0,
            stopping: false,
            closing: false,
            rng,
            disk: BTreeMap::new(),
            serial: 0,
            changes: Changes::default(),
        }
    }

    /// What happened since the last time it was asked.
    pub fn changes(&mut self) -> Changes {
        core::mem::take(&mut self.changes)
    }

    /// `controller.quorum.voters`.
    pub fn voters(&self) -> &[Voter] {
        &self.config.voters
    }

    /// When the leader heard of a voter last, or when its epoch began: for the simulator's checkers.
    pub fn heard_of(&self, voter: NodeId) -> Option<Mono> {
        match &self.role {
            Role::Leader(role) => Some(role.voters.get(&voter)?.fetched_at),
            _ => None,
        }
    }

    /// The cluster's id, once it is known: from then on requests of another cluster are refused.
    pub fn set_cluster_id(&mut self, cluster_id: String) {
        self.config.cluster_id = Some(cluster_id);
    }

    /// Leader and epoch as far as this node knows.
    pub fn leader(&self) -> Option<(NodeId, LeaderEpoch)> {
        match &self.role {
            Role::Leader(_) => Some((self.config.node, self.epoch())),
            Role::Follower(role) => Some((role.leader, self.epoch())),
            Role::Unattached(_) | Role::Prospective(_) | Role::Candidate(_) | Role::Resigned(_) => None,
        }
    }

    pub fn epoch(&self) -> LeaderEpoch {
        self.ballot.decided().epoch
    }

    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// The role's name as Kafka's metrics say it.
    pub fn role_name(&self) -> &'static str {
        self.role.name(self.ballot.decided().voted.is_some())
    }

    /// Whether it follows a leader that answers: for the simulator's checkers.
    pub const fn hears_leader(&self) -> bool {
        matches!(&self.role, Role::Follower(role) if role.heard)
    }

    /// Committed up to here (exclusive), as far as this node knows.
    pub fn watermark(&self) -> Offset {
        self.watermark
    }

    /// How far it was committed, and is durable here, as the node is to write it down: while the log is not open, and where it cannot be
    /// opened, what was written down before.
    pub fn promised(&self) -> Offset {
        self.watermark.min(self.synced()).max(self.recorded)
    }

    /// The end of this node's log; zero before it is open.
    pub fn end(&self) -> Offset {
        self.journal().map_or(Offset::ZERO, |journal| journal.log.end())
    }

    /// The log's first offset, below which a snapshot stands for it.
    pub fn start(&self) -> Offset {
        self.journal().map_or(Offset::ZERO, |journal| journal.log.start())
    }

    /// How far this node's log is on its stable storage.
    pub fn synced(&self) -> Offset {
        self.journal().map_or(Offset::ZERO, |journal| journal.log.synced())
    }

    /// The offset of the newest snapshot that is on disk.
    pub fn snapshot_offset(&self) -> Option<Offset> {
        self.journal()?.newest_snapshot().map(|id| id.offset)
    }

    /// Bytes that were given out since the newest snapshot: when to write the next one.
    pub const fn bytes_since_snapshot(&self) -> u64 {
        self.behind_snapshot
    }

    /// Whether the call is one of the quorum's own.
    pub fn owns_call(&self, call: CallId) -> bool {
        self.calls.contains(call)
    }

    /// Whether, after [`Quorum::resign`], there is nothing left to wait for.
    pub fn is_resigned(&self) -> bool {
        match &self.role {
            Role::Leader(_) => false,
            Role::Resigned(role) => role.untold.is_empty(),
            Role::Unattached(_) | Role::Prospective(_) | Role::Candidate(_) | Role::Follower(_) => true,
        }
    }

    /// Whether it was told to [`Quorum::resign`].
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Epoch of its last record, and the end of its log: a vote is for one that has as much.
    pub fn last(&self) -> Option<(LeaderEpoch, Offset)> {
        self.journal().map(|journal| (journal.last_epoch(), journal.log.end()))
    }

    pub(super) fn journal(&self) -> Option<&Journal> {
        match &self.stage {
            Stage::Open(journal) => Some(journal),
            Stage::Closed | Stage::Opening(_) | Stage::Failed => None,
        }
    }

    pub(super) fn journal_mut(&mut self) -> Option<&mut Journal> {
        match &mut self.stage {
            Stage::Open(journal) => Some(journal),
            Stage::Closed | Stage::Opening(_) | Stage::Failed => None,
        }
    }

    pub(super) fn is_voter(&self, node: NodeId) -> bool {
        self.config.voters.iter().any(|voter| voter.id == node)
    }

    /// Whether this node is a voter that may stand for election.
    pub(super) fn may_stand(&self) -> bool {
        self.is_voter(self.config.node) && !self.stopping && self.is_believed()
    }

    pub(super) fn address_of(&self, node: NodeId) -> Option<Address> {
        self.config.voters.iter().find(|voter| voter.id == node).map(|voter| voter.address.clone())
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { leader: self.leader().map(|(id, _)| (id, self.address_of(id))), epoch: self.epoch() }
    }

    pub(super) fn cluster(&self) -> Option<StrBytes> {
        message::cluster(self.config.cluster_id.as_ref())
    }

    /// Whether a request's cluster id may be this one's.
    pub(super) fn is_our_cluster(&self, id: Option<&StrBytes>) -> bool {
        match (id, &self.config.cluster_id) {
            (Some(asked), Some(own)) => asked.as_str() == own.as_str(),
            _ => true,
        }
    }

    /// One to two times `span`.
    pub(super) fn jittered(&mut self, span: Span) -> Span {
        Span(span.0.saturating_add(self.rng.below(span.0)))
    }

    pub(super) fn disk(&mut self, purpose: Purpose, op: DiskOp, out: &mut Out) {
        self.serial += 1;
        self.disk.insert(self.serial, purpose);
        out.disk(Owner::Quorum, self.serial, op);
    }

    pub(super) fn file(name: FileName) -> FileId {
        FileId::new(DirId::METADATA, name)
    }

    /// The node cannot go on.
    pub(super) fn fail(&mut self, why: String) {
        self.stage = Stage::Failed;
        self.calls.forget();
        self.changes.failed.get_or_insert(why);
    }

    pub(super) fn note_role(&mut self, out: &mut Out) {
        self.changes.role = true;
        self.changes.ask_again = true;
        let leader = self.leader().map_or(NodeId::NONE, |(id, _)| id);
        out.note(Note::Quorum { role: self.role_name(), epoch: self.epoch(), leader });
    }

    /// Asserts the invariants.
    pub fn check(&self) {
        let Some(journal) = self.journal() else { return };
        let election = self.ballot.decided();
        assert!(
            journal.last_epoch() <= election.epoch,
            "the log knows {}, the vote only {election}",
            journal.last_epoch()
        );
        assert!(
            self.watermark <= journal.log.end(),
            "the watermark {} is beyond the log's end {}",
            self.watermark,
            journal.log.end()
        );
        assert!(journal.log.synced() <= journal.log.end());
        assert!(
            self.drain.next <= self.watermark,
            "{} was given out beyond the watermark {}",
            self.drain.next,
            self.watermark
        );
        if let Some(newest) = journal.newest_snapshot() {
            assert!(newest.offset <= self.watermark, "snapshot {newest} is beyond the watermark {}", self.watermark);
        }
        assert!(
            journal.log.start() == Offset::ZERO || journal.snapshots.keys().any(|id| id.offset >= journal.log.start()),
            "the log starts at {} and no snapshot stands for what was before",
            journal.log.start()
        );
        match &self.role {
            Role::Leader(role) => {
                assert_eq!(election.leader, Some(self.config.node));
                assert_eq!(election.voted, Some(self.config.node), "it leads without its own vote");
                assert!(self.is_voter(self.config.node));
                assert!(role.epoch_start < journal.log.end(), "a leader's first record is there at once");
            }
            Role::Candidate(_) => assert_eq!(election.voted, Some(self.config.node)),
            Role::Follower(role) => {
                assert_eq!(election.leader, Some(role.leader));
                assert_ne!(role.leader, self.config.node);
            }
            Role::Resigned(_) => assert_eq!(election.leader, Some(self.config.node)),
            Role::Prospective(_) => assert!(self.is_voter(self.config.node)),
            // Its leader may be known and out of reach.
            Role::Unattached(_) => {}
        }
        journal.log.check();
    }
}
