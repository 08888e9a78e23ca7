//! The faults of a plan, as its text has them.

use crate::disk::Loss;
use serde::{Deserialize, Serialize};

/// A fault and when it strikes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fault {
    pub at_us: u64,
    #[serde(flatten)]
    pub strike: Strike,
}

/// Whom a fault strikes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Nodes(Vec<u32>),
    All,
    /// Whoever leads this partition then.
    Leader(u32),
    /// Whoever leads the metadata quorum then.
    Controller,
}

/// What becomes of a place on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// A bit is another.
    #[default]
    Flip,
    /// What was written there never reached the medium: it reads as zeros.
    Zeros,
    /// What was written elsewhere in the file went there.
    Elsewhere,
}

impl Damage {
    const fn is_flip(&self) -> bool {
        matches!(self, Self::Flip)
    }
}

/// What a fault does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Strike {
    /// The process dies; `loud`: its host stands and tells the others; it starts again after `down_us`.
    Crash { target: Target, loss: Loss, loud: bool, down_us: u64 },
    /// A clean stop, and a start after `down_us`.
    Stop { target: Target, down_us: u64 },
    /// The process stands still.
    Pause { target: Target, for_us: u64 },
    /// Nothing gets from one to the other (both ways if `both`).
    Cut { from: u32, to: u32, both: bool, for_us: u64 },
    /// Nothing gets to or from the node; `clients`: nor from clients.
    Isolate { target: Target, clients: bool, for_us: u64 },
    /// Connections of the node break.
    Reset { target: Target },
    /// Each of the connections that the node has then carries nothing for so long, one of two times: those that are opened later do, and what
    /// its ends gave up meanwhile arrives late.
    Stall {
        target: Target,
        for_us: u64,
        /// Of a reply that names parts of files those are read when it goes on, as where sockets are full. (Plans of before do not say: at once.)
        #[serde(default, skip_serializing_if = "is_not")]
        full: bool,
    },
    /// Its disk is so many times slower.
    Slow { target: Target, times: u64, for_us: u64 },
    /// Its next sync fails.
    SyncFails { target: Target },
    /// Its next write fails.
    WriteFails { target: Target },
    /// Its next reads fail.
    ReadFails { target: Target, count: u32 },
    /// So many bytes are left on its disk.
    Full { target: Target, room: u64, for_us: u64 },
    /// The process dies, and something of what it had durable is another when it starts again after `down_us`: below the watermark of a
    /// partition that others have in sync as well. Only the first node that it strikes in a run is ever struck: a second could
    /// have held the last good copy.
    Rot {
        target: Target,
        down_us: u64,
        /// (Plans of before do not say: a bit.)
        #[serde(default, skip_serializing_if = "Damage::is_flip")]
        damage: Damage,
    },
    /// The process dies, and its disk is empty when it starts again after `down_us`: where others in sync have all that it has and, if it
    /// votes, the other voters are there. A run has one node that loses, by this or by `rot`.
    LoseDisk { target: Target, down_us: u64 },
    /// From now on: the first node that writes to a log dies while that write is under way, and starts again after `down_us`.
    CrashWriting { loss: Loss, down_us: u64 },
    /// From now on: the first follower that its leader asks to have in sync is stopped in order at that moment.
    StopJoining { down_us: u64 },
    /// From now on: when a leader asks to have a follower in sync nothing gets to it any more from the controller that it asks.
    CutJoining { for_us: u64 },
    /// From now on: when a leader asks to have a follower in sync that follower is stopped in order, and what they had asked until then gets
    /// there only after `for_us`: the leader's wish at the controller, the follower's Fetches at the leader.
    LateJoining { down_us: u64, for_us: u64 },
    /// From now on: when a leader asks to have a follower in sync it never hears the answer and asks again, and what it asked for of the
    /// metadata comes only after `for_us`.
    LostAnswer { for_us: u64 },
    /// From now on: the first node that takes over a snapshot of the metadata dies when it has it and still has the log of before, and starts
    /// again after `down_us`.
    CrashInstalling { loss: Loss, down_us: u64 },
    /// The process dies once all is healed and whole again, and never comes back: the others go on without it.
    Perish { target: Target },
    /// Its wall clock jumps.
    Step { target: Target, ms: i64 },
}

const fn is_not(full: &bool) -> bool {
    !*full
}

impl Strike {
    /// Whom it strikes; `None`: links, or whoever does what it waits for.
    pub const fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Cut { .. }
            | Self::CrashWriting { .. }
            | Self::StopJoining { .. }
            | Self::CutJoining { .. }
            | Self::LateJoining { .. }
            | Self::LostAnswer { .. }
            | Self::CrashInstalling { .. } => None,
            Self::Crash { target, .. }
            | Self::Stop { target, .. }
            | Self::Pause { target, .. }
            | Self::Isolate { target, .. }
            | Self::Reset { target }
            | Self::Stall { target, .. }
            | Self::Slow { target, .. }
            | Self::SyncFails { target }
            | Self::WriteFails { target }
            | Self::ReadFails { target, .. }
            | Self::Full { target, .. }
            | Self::Rot { target, .. }
            | Self::LoseDisk { target, .. }
            | Self::Perish { target }
            | Self::Step { target, .. } => Some(target),
        }
    }

    /// What was written stays written, whatever else it does.
    pub const fn spare(&mut self) {
        if let Self::Crash { loss, .. } | Self::CrashWriting { loss, .. } | Self::CrashInstalling { loss, .. } = self {
            *loss = Loss::Nothing;
        }
    }

    /// Whether what others have as well is no more what was written, or is gone.
    pub const fn is_loss(&self) -> bool {
        matches!(self, Self::Rot { .. } | Self::LoseDisk { .. })
    }

    /// Whether it waits for its moment, which is seen inside the brokers only.
    pub const fn waits(&self) -> bool {
        matches!(
            self,
            Self::CrashWriting { .. }
                | Self::StopJoining { .. }
                | Self::CutJoining { .. }
                | Self::LateJoining { .. }
                | Self::LostAnswer { .. }
                | Self::CrashInstalling { .. }
                | Self::Perish { .. }
        )
    }

    /// Whether it is not over when all is healed.
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::Perish { .. })
    }

    /// Its name, for counts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crash { loss: Loss::Nothing, .. } => "crash",
            Self::Crash { loss: Loss::All, .. } => "crash-lose-all",
            Self::Crash { loss: Loss::Torn, .. } => "crash-torn",
            Self::Crash { loss: Loss::Pages, .. } => "crash-pages",
            Self::Stop { .. } => "stop",
            Self::Pause { .. } => "pause",
            Self::Cut { both: true, .. } => "cut",
            Self::Cut { both: false, .. } => "cut-one-way",
            Self::Isolate { .. } => "isolate",
            Self::Reset { .. } => "reset",
            Self::Stall { .. } => "stall",
            Self::Slow { .. } => "slow-disk",
            Self::SyncFails { .. } => "sync-fails",
            Self::WriteFails { .. } => "write-fails",
            Self::ReadFails { .. } => "read-fails",
            Self::Full { .. } => "disk-full",
            Self::Rot { damage: Damage::Flip, .. } => "bit-rot",
            Self::Rot { damage: Damage::Zeros, .. } => "lost-write",
            Self::Rot { damage: Damage::Elsewhere, .. } => "misdirected-write",
            Self::LoseDisk { .. } => "disk-lost",
            Self::CrashWriting { .. } => "crash-writing",
            Self::StopJoining { .. } => "stop-joining",
            Self::CutJoining { .. } => "cut-joining",
            Self::LateJoining { .. } => "late-joining",
            Self::LostAnswer { .. } => "lost-answer",
            Self::CrashInstalling { .. } => "crash-installing",
            Self::Perish { .. } => "perish",
            Self::Step { .. } => "clock-step",
        }
    }
}
