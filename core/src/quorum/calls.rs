//! Calls to the other nodes that are not answered yet.

use super::snapshot_file::SnapshotId;
use crate::id::{CallId, LeaderEpoch, NodeId, Offset};
use crate::io::Lane;
use crate::time::{Mono, Span};
use alloc::collections::BTreeMap;

/// What a call asked. Its answer is used only if it still fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    Vote { epoch: LeaderEpoch, pre: bool },
    Begin { epoch: LeaderEpoch },
    End { epoch: LeaderEpoch },
    Fetch { epoch: LeaderEpoch, from: Offset },
    Snapshot { epoch: LeaderEpoch, id: SnapshotId, position: usize },
}

/// A call on its way.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub to: NodeId,
    pub asked: Asked,
    until: Mono,
}

/// At most one call to each node on each lane, and a pause after one that failed.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    open: BTreeMap<CallId, Call>,
    pauses: BTreeMap<(NodeId, Lane), Mono>,
    /// Calls in a row that failed: the pause grows with them.
    failed: BTreeMap<(NodeId, Lane), u32>,
}

/// A pause doubles at most so often: 20 ms become 640.
const DOUBLED_MAX: u32 = 5;

impl Asked {
    pub const fn lane(self) -> Lane {
        match self {
            Self::Vote { .. } | Self::Begin { .. } | Self::End { .. } => Lane::QuorumVote,
            Self::Fetch { .. } | Self::Snapshot { .. } => Lane::QuorumFetch,
        }
    }
}

impl Calls {
    pub fn insert(&mut self, id: CallId, to: NodeId, asked: Asked, until: Mono) {
        assert!(!self.is_busy(to, asked.lane()), "a second call to {to} on {:?}", asked.lane());
        self.open.insert(id, Call { to, asked, until });
    }

    /// Whether a call to `to` on `lane` is on its way.
    pub fn is_busy(&self, to: NodeId, lane: Lane) -> bool {
        self.open.values().any(|call| call.to == to && call.asked.lane() == lane)
    }

    pub fn is_lane_busy(&self, lane: Lane) -> bool {
        self.open.values().any(|call| call.asked.lane() == lane)
    }

    /// Whether a call may be made now.
    pub fn may(&self, now: Mono, to: NodeId, lane: Lane) -> bool {
        !self.is_busy(to, lane) && self.pauses.get(&(to, lane)).is_none_or(|until| *until <= now)
    }

    pub fn contains(&self, id: CallId) -> bool {
        self.open.contains_key(&id)
    }

    pub fn take(&mut self, id: CallId) -> Option<Call> {
        self.open.remove(&id)
    }

    pub fn is_paused(&self, to: NodeId, lane: Lane) -> bool {
        self.pauses.contains_key(&(to, lane))
    }

    /// A call failed: a pause follows, twice as long as the one before. Answers how many failed in a row.
    pub fn on_failed(&mut self, now: Mono, to: NodeId, lane: Lane, pause: Span) -> u32 {
        let failed = self.failed.entry((to, lane)).or_default();
        let pause = Span(pause.0 << (*failed).min(DOUBLED_MAX));
        *failed = failed.saturating_add(1);
        self.pauses.insert((to, lane), now + pause);
        *failed
    }

    /// A call succeeded: the next pause is short again.
    pub fn on_answered(&mut self, to: NodeId, lane: Lane) {
        self.failed.remove(&(to, lane));
    }

    /// Gives up calls whose time is over; each is followed by a pause.
    pub fn expire(&mut self, now: Mono, pause: Span) {
        let pauses = &mut self.pauses;
        self.open.retain(|_, call| {
            let late = call.until <= now;
            if late {
                pauses.insert((call.to, call.asked.lane()), now + pause);
            }
            !late
        });
        self.pauses.retain(|_, until| *until > now);
    }

    /// What was asked in another role is forgotten: its answers mean nothing any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// When a call is given up or a pause ends.
    pub fn deadline(&self) -> Option<Mono> {
        self.open.values().map(|call| call.until).chain(self.pauses.values().copied()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTE: Asked = Asked::Vote { epoch: LeaderEpoch(1), pre: false };
    const FETCH: Asked = Asked::Fetch { epoch: LeaderEpoch(1), from: Offset(0) };

    #[test]
    fn one_call_a_lane_then_a_pause() {
        let mut calls = Calls::default();
        let to = NodeId(2);
        calls.insert(CallId(1), to, VOTE, Mono(10));
        assert!(!calls.may(Mono(1), to, Lane::QuorumVote));
        assert!(calls.may(Mono(1), to, Lane::QuorumFetch), "lanes do not wait for each other");
        calls.insert(CallId(2), to, FETCH, Mono(20));
        assert_eq!(calls.deadline(), Some(Mono(10)));
        calls.expire(Mono(10), Span(5));
        assert!(!calls.contains(CallId(1)) && calls.contains(CallId(2)));
        assert!(!calls.may(Mono(14), to, Lane::QuorumVote), "it pauses first");
        assert_eq!(calls.deadline(), Some(Mono(15)));
        calls.expire(Mono(15), Span(5));
        assert!(calls.may(Mono(15), to, Lane::QuorumVote));
        assert_eq!(calls.on_failed(Mono(20), to, Lane::QuorumVote, Span(5)), 1);
        assert_eq!(calls.on_failed(Mono(30), to, Lane::QuorumVote, Span(5)), 2);
        assert!(calls.is_paused(to, Lane::QuorumVote) && !calls.may(Mono(39), to, Lane::QuorumVote), "twice as long");
        assert!(calls.may(Mono(40), to, Lane::QuorumVote));
        calls.on_answered(to, Lane::QuorumVote);
        assert_eq!(calls.on_failed(Mono(50), to, Lane::QuorumVote, Span(5)), 1);
        assert_eq!(calls.take(CallId(2)).map(|call| call.to), Some(to));
        assert!(calls.take(CallId(2)).is_none());
    }
}
