//! One replica of one partition: leader or follower, who is in sync, how far the watermark is.
//!
//! ```text
//!            on_disk(opened)                    on_state(leader = me, higher epoch)
//!  Opening ───────────────────▶ Follower ⇄ ───────────────────────────────────────▶ Leader
//!     │                            │                on_state(leader = other)          │
//!     └────────── on_disk(failed) ─┴──────────────▶ Offline ◀──────────────────────────┘
//! ```
//!
//! Leader: appends what producers send, serves consumers up to the watermark and followers up to the end, and knows how
//! far each follower has come. Follower: asks the leader for what comes after its own end; where the leader's log
//! differs it cuts its own (KIP-101, KIP-279). The watermark is the smallest *synced* end of the replicas that are in
//! sync or about to be (KIP-497's maximal in-sync set).

mod answer;
mod follow;
mod isr;
mod lead;
mod progress;
mod read;
mod standing;

pub use answer::{Acks, Appended, PartitionEvent};
pub use follow::{FetchPlan, FollowerStep, Replicated};
pub use isr::{Granted, Proposal};
pub use progress::Progress;
pub use read::{FetchQuery, Fetched, Isolation, ReplicaFetch};
pub use standing::Standing;

use crate::id::{DirId, LeaderEpoch, NodeId, Offset, PartitionKey};
use crate::time::Span;

/// What of the configuration concerns replicas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `min.insync.replicas`; no more than the number of replicas counts.
    pub min_insync: usize,
    /// `replica.lag.time.max.ms`: a follower that has not caught up for so long leaves the in-sync set.
    pub lag_max: Span,
    /// How long until an unanswered or refused proposal to the controller is made again.
    pub retry: Span,
}

/// One replica of one partition, with its log.
#[derive(Debug)]
pub struct Partition {
    key: PartitionKey,
    dir: DirId,
    me: NodeId,
    settings: Settings,
}

impl Partition {
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

    /// `min.insync.replicas` and its like, after a change of the configuration.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Everything before it is on stable storage of every replica in sync: what consumers may read.
    pub fn watermark(&self) -> Offset {
        unimplemented!()
    }

    pub fn is_leader(&self) -> bool {
        unimplemented!()
    }

    /// The epoch that metadata gave last; [`LeaderEpoch::NONE`] before it gave one.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        unimplemented!()
    }

    /// Asserts what must always hold.
    pub fn check(&self) {
        unimplemented!()
    }
}
