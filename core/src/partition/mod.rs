//! One replica of one partition: leader or follower, who is in sync, how far the watermark is.
//!
//! ```text
//!            on_disk(opened)                 on_state(leader = me)
//!  Opening ───────────────────▶ Follower ───────────────────────────▶ Leader
//!     │                            │     ◀───────────────────────────   │
//!     │                            │         on_state(leader ≠ me)      │
//!     └────────────────────────────┴────▶ Offline ◀─────────────────────┘
//!                on_disk(failed)
//! ```
//!
//! Leader: appends what producers send, serves consumers up to the watermark and followers up to the end, and knows how
//! far each follower has come. Follower: asks the leader for what comes after its own end; where the leader's log
//! differs it cuts its own (KIP-101, KIP-279). The watermark is the smallest *synced* end of the replicas that are in
//! sync or about to be (KIP-497's maximal in-sync set).
//!
//! | file | what it does |
//! |---|---|
//! | `role` | what changes the role: the metadata, the log opened or failed |
//! | `leader`, `progress` | what a leader knows of its followers; the watermark |
//! | `isr` | the in-sync set, and the one change of it that may be under way |
//! | `produce` | appends, and when they may be acknowledged |
//! | `read` | fetches of consumers and followers, epochs, times |
//! | `lost`, `lacks`, `short` | a log that lacks something of what it had promised does not lead before the others were heard |
//! | `repair` | bytes that are damaged: the place is given up, and they are fetched anew |
//! | `follow` | the follower's side: what to ask, what to do with the answer |

mod answer;
mod follow;
mod isr;
mod lacks;
mod leader;
mod lost;
mod produce;
mod progress;
mod propose;
mod read;
mod repair;
mod role;
mod settings;
mod short;
#[cfg(test)]
mod tests;

pub use answer::{Acks, Appended, PartitionEvent};
pub use follow::{FetchPlan, FollowerStep, Replicated};
pub use isr::{Granted, Proposal};
pub use lacks::ANYTHING;
pub use progress::Progress;
pub use read::{FetchQuery, Fetched, Isolation, ReplicaFetch};
pub use settings::Settings;

use crate::id::{DirId, LeaderEpoch, NodeId, Offset, PartitionKey};
use crate::io::Out;
use crate::log::{Log, LogConfig};
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use lacks::Lacks;
use leader::{Leader, Sight};
use short::Short;

/// What the replica is.
#[derive(Debug)]
enum Role {
    /// Its log is being opened; what the metadata says meanwhile is enacted afterwards.
    Opening,
    Leader(Leader),
    /// The metadata names it leader, and its log lacks something of what it had promised.
    Short(Short),
    /// `leader`: none while the partition has no leader. `told`: the leader's watermark, and `start`: where its log starts, as it said
    /// in this epoch. `claims`: the leader may have heard in this epoch what this log holds, and ask for this replica to be in sync.
    Follower {
        leader: Option<NodeId>,
        epoch: LeaderEpoch,
        told: Offset,
        start: Offset,
        claims: bool,
    },
    /// Its disk failed: final.
    Offline,
}

/// One replica of one partition, with its log.
///
/// Invariant: `watermark ≤ log.synced()`, on followers as well: what a crash can take away is not below it. A replica whose log still looks for the place of a cut neither leads nor
/// fetches: where its log ends is not known.
#[derive(Debug)]
pub struct Partition {
    key: PartitionKey,
    me: NodeId,
    dir: DirId,
    folder: String,
    log: Log,
    settings: Settings,
    role: Role,
    /// What the metadata, or the controller's answer, said last.
    state: Option<metadata::Partition>,
    watermark: Offset,
    lacks: Lacks,
    /// Where the first segment with damaged bytes begins.
    damaged: Option<Offset>,
    /// The log's start as the node's checkpoint has it on stable storage: below it no crash brings a record back.
    saved_start: Offset,
    /// The start has gone back, and stands on stable storage as it was before.
    start_fell: bool,
    /// [`Partition::close`] was asked for: no role is taken up any more.
    closing: bool,
    /// [`Partition::close`] is done.
    closed: bool,
    /// [`Partition::on_tick`] said that there is a change of the in-sync set to ask for, and nobody took it yet: the moment for it
    /// is no deadline any more.
    isr_told: bool,
}

impl Partition {
    /// A replica whose log is being opened. `folder`: its folder's name, `orders-0`. `watermark`, `saved_start`: as they were
    /// checkpointed; [`Offset::ZERO`] if they were not.
    pub fn new(
        key: PartitionKey,
        dir: DirId,
        folder: String,
        me: NodeId,
        settings: Settings,
        log: Log,
        watermark: Offset,
        saved_start: Offset,
    ) -> Self {
        Self {
            key,
            me,
            dir,
            folder,
            log,
            settings,
            role: Role::Opening,
            state: None,
            watermark,
            lacks: Lacks::default(),
            damaged: None,
            saved_start,
            start_fell: false,
            closing: false,
            closed: false,
            isr_told: false,
        }
    }

    /// The name of its folder.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Which partition it is.
    pub fn key(&self) -> PartitionKey {
        self.key
    }

    /// The folder of its log.
    pub fn dir(&self) -> DirId {
        self.dir
    }

    /// The node it lives on.
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// The log, to look at; it changes through the partition only.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What the metadata said last.
    pub fn state(&self) -> Option<&metadata::Partition> {
        self.state.as_ref()
    }

    /// After a change of the configuration: with fewer in sync that are wanted more may be committed.
    pub fn configure(&mut self, now: Mono, settings: Settings) -> PartitionEvent {
        self.settings = settings;
        self.advance(now)
    }

    /// After a change of the topic's configuration.
    pub fn configure_log(&mut self, now: Mono, config: LogConfig) {
        self.log.configure(now, config);
    }

    /// Everything before it is on stable storage of every replica in sync: what consumers may read.
    pub fn watermark(&self) -> Offset {
        self.watermark
    }

    /// `min.insync.replicas` of its topic.
    pub const fn min_insync(&self) -> usize {
        self.settings.min_insync
    }

    /// The last stable offset: no record before it belongs to a transaction that is open.
    pub fn stable(&self) -> Offset {
        self.watermark
    }

    pub fn log_start(&self) -> Offset {
        self.log.start()
    }

    /// What a follower has to know of the producers that begins at this log's start: a producer snapshot, if there is anything.
    pub fn producers_at_start(&self) -> Option<Bytes> {
        self.log.producers_at_start()
    }

    /// Up to where deleted records stay deleted, whatever happens to this node.
    pub fn saved_start(&self) -> Offset {
        if mutant::is(Mutant::DeleteBeforeSaved) {
            return self.log.start();
        }
        self.saved_start.min(self.log.start())
    }

    /// The checkpoint that says that the log starts at `start` is on stable storage. Of a log that starts before that by now the next
    /// one will say so (seed 50000004020).
    pub fn on_start_saved(&mut self, now: Now, start: Offset, out: &mut Out) -> PartitionEvent {
        self.saved_start = if mutant::is(Mutant::SavedOutlivesStart) { start } else { start.min(self.log.start()) };
        self.start_fell &= start > self.log.start();
        let event = self.repair(now, out);
        PartitionEvent { start_moved: true, isr: self.wants_proposal(now.mono), ..PartitionEvent::NONE }.and(event)
    }

    /// Whether where the log starts has to be written down.
    pub fn is_start_unsaved(&self) -> bool {
        self.start_fell || self.saved_start() != self.log.start()
    }

    pub fn log_end(&self) -> Offset {
        self.log.end()
    }

    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Whether the log is open and not closed since.
    pub fn is_open(&self) -> bool {
        !self.is_opening() && !self.closed
    }

    /// Whether [`Partition::close`] is done.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the log is open and its disk has not failed.
    pub fn is_online(&self) -> bool {
        matches!(self.role, Role::Leader(_) | Role::Short(_) | Role::Follower { .. })
    }

    /// Whether the log is still being opened.
    pub fn is_opening(&self) -> bool {
        matches!(self.role, Role::Opening)
    }

    /// The epoch that metadata gave last; [`LeaderEpoch::NONE`] before it gave one.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.as_ref().map_or(LeaderEpoch::NONE, |state| state.leader_epoch)
    }

    /// The leader that metadata gave last.
    pub fn leader(&self) -> Option<NodeId> {
        self.state.as_ref().and_then(|state| state.leader)
    }

    /// What the leader knows of a follower.
    pub fn follower(&self, node: NodeId) -> Option<&Progress> {
        match &self.role {
            Role::Leader(leader) => leader.follower(node),
            Role::Opening | Role::Short(_) | Role::Follower { .. } | Role::Offline => None,
        }
    }

    /// The in-sync set that counts for the watermark: granted, and about to be. Empty on others than the leader.
    pub fn maximal_isr(&self) -> Vec<NodeId> {
        match &self.role {
            Role::Leader(leader) => leader.insync.maximal(),
            Role::Opening | Role::Short(_) | Role::Follower { .. } | Role::Offline => Vec::new(),
        }
    }

    /// Whether the controller was asked for another in-sync set and has not answered.
    pub fn is_isr_pending(&self) -> bool {
        matches!(&self.role, Role::Leader(leader) if leader.insync.is_pending())
    }

    /// See [`Log::release_tail`].
    pub fn release_tail(&mut self) {
        self.log.release_tail();
    }

    /// Retention, rolls, laggards: what time alone brings.
    pub fn on_tick(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        if !self.is_online() {
            return PartitionEvent::NONE;
        }
        let told = self.log.on_tick(now, self.watermark, out);
        let mut event = self.on_log_event(now, told, out);
        let settings = self.settings;
        if let Role::Leader(leader) = &mut self.role {
            leader.age(now.mono, &settings);
            event = event.and(self.advance(now.mono));
        }
        event = event.and(self.end_short(now, out));
        event.isr |= self.wants_proposal(now.mono);
        self.isr_told |= event.isr;
        event
    }

    /// Whether the leader would move the watermark, or ask for an in-sync set without who lags, if it looked now: for the simulator's checkers.
    pub fn is_late(&self, now: Mono) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let sight = self.sight(now);
        let held_back = || leader.watermark(&sight, &self.settings).is_some();
        let lags = || !self.isr_told && leader.has_laggards(&sight, &self.settings) && leader.insync.may_speak(now);
        !self.closing && (held_back() || lags())
    }

    /// When [`Partition::on_tick`] has something to do, at the latest.
    pub fn next_deadline(&self) -> Option<Mono> {
        let log = self.log.next_deadline();
        let (proposal, own) = match &self.role {
            Role::Leader(leader) => {
                let sight = self.sight(Mono(0));
                let proposal = if self.isr_told { None } else { leader.next_proposal(&sight, &self.settings) };
                (proposal, leader.next_move(&sight, &self.settings))
            }
            Role::Short(_) => (None, self.short_deadline()),
            Role::Opening | Role::Follower { .. } | Role::Offline => (None, None),
        };
        [log, proposal, own].into_iter().flatten().min()
    }

    /// Ends the log in order: all synced, checkpoints written; then [`Partition::is_closed`], at once or after a
    /// [`PartitionEvent::closed`]. A log that is still being opened ends when it is.
    pub fn close(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        self.closing = true;
        let told = self.log.close(out);
        self.on_log_event(now, told, out)
    }

    /// Asserts what must always hold.
    pub fn check(&self) {
        if !self.is_online() {
            return;
        }
        self.log.check();
        let (start, end) = (self.log.start(), self.log.end());
        assert!(start <= self.watermark, "{}: watermark {} before the start {start}", self.key, self.watermark);
        let synced = self.log.synced();
        assert!(
            self.watermark <= synced || mutant::is(Mutant::WatermarkUnsynced),
            "{}: watermark {} beyond what is synced, {synced} of {end}",
            self.key,
            self.watermark
        );
        match &self.role {
            Role::Leader(leader) => {
                let state = self.state.as_ref().expect("a leader was made by a state");
                assert!(state.leader == Some(self.me), "{}: leads against the metadata", self.key);
                assert!(
                    leader.epoch == state.leader_epoch,
                    "{}: {} is not {}",
                    self.key,
                    leader.epoch,
                    state.leader_epoch
                );
                leader.insync.check(&state.replicas);
                assert!(!self.lacks.any(), "{}: leads, and lacks what it promised", self.key);
                assert!(self.log.is_settled(), "{}: leads while its log is being cut", self.key);
                assert!(self.log.latest_epoch() <= leader.epoch, "{}: records of a later epoch", self.key);
            }
            Role::Short(short) => {
                let state = self.state.as_ref().expect("who stands back was named leader");
                assert!(state.leader == Some(self.me), "{}: stands back against the metadata", self.key);
                assert!(short.epoch == state.leader_epoch, "{}: stands back in an old epoch", self.key);
                assert!(self.lacks.any(), "{}: stands back for no reason", self.key);
            }
            Role::Follower { leader, claims, .. } => {
                assert!(*leader != Some(self.me), "{}: follows itself", self.key);
                let claimed = *claims || self.damaged.is_some() || self.fetch_plan().is_none();
                assert!(claimed, "{}: fetches unnoticed", self.key);
            }
            Role::Opening | Role::Offline => {}
        }
    }

    fn sight(&self, now: Mono) -> Sight {
        Sight {
            now,
            end: self.log.end(),
            synced: self.log.synced(),
            watermark: self.watermark,
            saved_start: self.saved_start(),
            replicas: self.state.as_ref().map_or(0, |state| state.replicas.len()),
            leaves: self.damaged.map(|_| self.me),
        }
    }

    /// Moves the watermark as far as it may go.
    fn advance(&mut self, now: Mono) -> PartitionEvent {
        let sight = self.sight(now);
        let to = match &self.role {
            Role::Leader(leader) => leader.watermark(&sight, &self.settings),
            Role::Follower { told, .. } => Some((*told).min(sight.synced)).filter(|to| *to > self.watermark),
            Role::Opening | Role::Short(_) | Role::Offline => None,
        };
        let Some(to) = to else { return PartitionEvent::NONE };
        assert!(to > self.watermark && to <= sight.end, "{}: watermark {} to {to}", self.key, self.watermark);
        self.watermark = to;
        PartitionEvent { watermark_moved: true, ..PartitionEvent::NONE }
    }
}
