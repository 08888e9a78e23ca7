//! What becomes due in a shard, and when.

use crate::id::Offset;
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use kafka_protocol::protocol::StrBytes;

/// What becomes due in a shard.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// A member was not heard of for its session time-out; or one that was only given an id never came back with it.
    Session { group: StrBytes, member: StrBytes },
    /// The members have had their time to join.
    Join { group: StrBytes },
    /// The members have had their time to ask for their assignment.
    Sync { group: StrBytes },
    /// A reply has waited long enough for its record to be committed.
    Promise { until: Offset, serial: u64 },
    /// Offsets are to be looked through for expired ones.
    Expire,
}

/// What is due when. A timer is set at most once: setting it again moves it.
#[derive(Debug, Default)]
pub(super) struct Timers {
    at: BTreeMap<Timer, Mono>,
    /// The same, soonest first.
    order: BTreeSet<(Mono, Timer)>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Mono) {
        if let Some(before) = self.at.insert(timer.clone(), at) {
            self.order.remove(&(before, timer.clone()));
        }
        self.order.insert((at, timer));
    }

    pub fn cancel(&mut self, timer: &Timer) {
        if let Some(at) = self.at.remove(timer) {
            self.order.remove(&(at, timer.clone()));
        }
    }

    /// Ends every timer of a group.
    pub fn cancel_group(&mut self, group: &StrBytes) {
        self.cancel(&Timer::Join { group: group.clone() });
        self.cancel(&Timer::Sync { group: group.clone() });
        let first = Timer::Session { group: group.clone(), member: StrBytes::new() };
        while let Some(timer) = self.at.range(&first..).next().map(|(timer, _)| timer.clone())
            && matches!(&timer, Timer::Session { group: of, .. } if of == group)
        {
            self.cancel(&timer);
        }
    }

    /// Takes the most overdue timer.
    pub fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        self.order.first().filter(|(at, _)| *at <= now)?;
        let (_, timer) = self.order.pop_first()?;
        self.at.remove(&timer);
        Some(timer)
    }

    pub fn next(&self) -> Option<Mono> {
        self.order.first().map(|(at, _)| *at)
    }

    pub fn when(&self, timer: &Timer) -> Option<Mono> {
        self.at.get(timer).copied()
    }

    pub fn is_set(&self, timer: &Timer) -> bool {
        self.at.contains_key(timer)
    }

    pub fn check(&self) {
        assert_eq!(self.at.len(), self.order.len(), "group timers: the two orders differ");
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { group, member } => write!(f, "session {}/{}", group.as_str(), member.as_str()),
            Self::Join { group } => write!(f, "join {}", group.as_str()),
            Self::Sync { group } => write!(f, "sync {}", group.as_str()),
            Self::Promise { until, serial } => write!(f, "promise {until}#{serial}"),
            Self::Expire => write!(f, "expire"),
        }
    }
}
