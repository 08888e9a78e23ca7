//! A clean stop: leaders move away, the quorum's lead is handed over, every log is closed, and a mark says so.
//!
//! ```text
//! Running ─ Stop ─▶ Leaving ─ controller lets go, or patience ends ─▶ Resigning ─▶ Closing ─ all closed ─▶ Marking ─▶ Over
//! ```

use super::{Broker, serials};
use crate::id::{DirId, PartitionKey};
use crate::io::{DiskOp, FileId, FileName, Output, Owner};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now, Span};
use alloc::string::String;

/// How long the controller may take to move leaders away before the node stops all the same.
const LEAVING_PATIENCE: Span = Span::from_millis(10_000);
/// How long a successor of the quorum's leader may take to show.
const RESIGNING_PATIENCE: Span = Span::from_millis(1_000);
/// How long the last writes may take on a disk that has next to no room: longer, and they wait for some.
const CLOSING_PATIENCE: Span = Span::from_millis(10_000);

#[derive(Debug, Default)]
pub(super) enum Stop {
    #[default]
    Running,
    Leaving {
        until: Mono,
    },
    Resigning {
        until: Mono,
    },
    Closing {
        /// The quorum's log is closed.
        quorum: bool,
        /// Every partition's log before that of this one is closed.
        first_open: PartitionKey,
        until: Mono,
    },
    Marking {
        until: Mono,
    },
    Over,
}

impl Stop {
    /// Logs are being closed or are closed: no replica takes up anything.
    pub const fn is_closing(&self) -> bool {
        matches!(self, Self::Closing { .. } | Self::Marking { .. } | Self::Over)
    }

    pub const fn next_deadline(&self) -> Option<Mono> {
        match self {
            Self::Leaving { until }
            | Self::Resigning { until }
            | Self::Closing { until, .. }
            | Self::Marking { until } => Some(*until),
            Self::Running | Self::Over => None,
        }
    }
}

impl Broker {
    pub(super) fn on_stop(&mut self, now: Now) {
        if !matches!(self.stop, Stop::Running) {
            return;
        }
        if !self.is_up() {
            // Nothing was opened, so nothing has to be closed: the next start scans, if there is anything to scan.
            self.stop = Stop::Over;
            self.ended = true;
            self.node.out.push(Output::Stopped { clean: true, why: "stopped before it was up".into() });
            return;
        }
        self.stop = Stop::Leaving { until: now.mono + LEAVING_PATIENCE };
        self.alive.begin_leaving(&mut self.node);
    }

    /// Whether the stop has come a step further.
    pub(super) fn settle_stop(&mut self, now: Now) -> bool {
        match self.stop {
            Stop::Running | Stop::Over => false,
            Stop::Leaving { until } => {
                if !self.alive.has_left() && now.mono < until && !mutant::is(Mutant::StopsWithoutLeave) {
                    return false;
                }
                self.node.quorum.resign(now, &mut self.node.out);
                self.stop = Stop::Resigning { until: now.mono + RESIGNING_PATIENCE };
                true
            }
            Stop::Resigning { until } => {
                if !self.node.quorum.is_resigned() && now.mono < until {
                    return false;
                }
                self.close_all(now);
                self.stop = Stop::Closing {
                    quorum: false,
                    first_open: PartitionKey::FIRST,
                    until: now.mono + CLOSING_PATIENCE,
                };
                true
            }
            Stop::Closing { quorum, first_open, until } => {
                let open = self.node.partitions.first_open(first_open);
                if (open.is_some() || !quorum) && !mutant::is(Mutant::MarkBeforeClosed) {
                    let first_open = open.unwrap_or(first_open);
                    self.stop = Stop::Closing { quorum, first_open, until };
                    let longer = Stop::Closing { quorum, first_open, until: now.mono + CLOSING_PATIENCE };
                    return self.wait_for_writes(now, until, longer);
                }
                self.chores.checkpoint(&mut self.node, &self.roles);
                let op = if self.vouches() || mutant::is(Mutant::MarksUnopened) {
                    let mark = FileId::new(DirId::ROOT, FileName::CleanShutdown);
                    DiskOp::Replace { file: mark, bytes: bytes::Bytes::from_static(b"{\"version\":0}") }
                } else {
                    DiskOp::SyncDir { dir: DirId::ROOT }
                };
                self.node.out.disk(Owner::Node, serials::MARK, op);
                self.stop = Stop::Marking { until: now.mono + CLOSING_PATIENCE };
                true
            }
            Stop::Marking { until } => {
                self.wait_for_writes(now, until, Stop::Marking { until: now.mono + CLOSING_PATIENCE })
            }
        }
    }

    /// The last writes are under way. A slow disk has all the time it wants; on one that is full they may wait for ever.
    fn wait_for_writes(&mut self, now: Now, until: Mono, longer: Stop) -> bool {
        if now.mono >= until {
            if self.node.room.is_low() {
                let left = self.node.room.left();
                self.fail(alloc::format!("the logs cannot be closed: {left} bytes are left on the disk"));
            }
            self.stop = longer;
        }
        false
    }

    /// Whether every log on this disk was closed in order. A node that stops before it served may not have opened all that a crash left
    /// in doubt: the next start scans it (found by seed 5485).
    const fn vouches(&self) -> bool {
        self.roles.clean || self.ready
    }

    fn close_all(&mut self, now: Now) {
        for key in self.node.partitions.keys() {
            if let Some(partition) = self.node.partitions.get_mut(key) {
                let dir = partition.dir();
                let event = partition.close(now, &mut self.node.out);
                self.node.partitions.note(dir, event);
            }
        }
        self.node.quorum.close(&mut self.node.out);
    }

    /// The quorum's log is closed in order.
    pub(super) fn on_quorum_closed(&mut self) {
        if let Stop::Closing { quorum, .. } = &mut self.stop {
            *quorum = true;
        }
    }

    /// The mark of a clean stop, or what stands in its place, is on stable storage.
    pub(super) fn on_marked(&mut self) {
        if matches!(self.stop, Stop::Marking { .. }) {
            self.stop = Stop::Over;
            self.ended = true;
            self.node.out.push(Output::Stopped { clean: true, why: String::new() });
        }
    }
}
