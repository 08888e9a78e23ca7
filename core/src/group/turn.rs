//! What a group is lent while it handles one event, and what it proposes to write.

use super::decision::{Append, Decision, Release};
use super::records::{Entry, Generation};
use super::settings::Settings;
use super::timers::{Timer, Timers};
use crate::id::HoldId;
use crate::time::{Now, Span};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::ResponseKind;
use kafka_protocol::protocol::StrBytes;

/// What a group may touch of its shard while it handles something.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub now: Now,
    pub settings: &'a Settings,
    pub partition: i32,
    pub timers: &'a mut Timers,
    pub proposals: &'a mut VecDeque<Proposal>,
    pub out: &'a mut Decision,
}

/// Records that were handed out to be appended, and what follows when they are committed.
#[derive(Debug)]
pub(super) struct Proposal {
    pub entries: Vec<Entry>,
    pub then: Then,
}

/// What follows when records are committed; if they never are, the same place says what is told instead.
#[derive(Debug)]
pub(super) enum Then {
    /// Nobody waits.
    Nothing,
    /// A reply that says what the records say.
    Reply { hold: HoldId, response: Box<ResponseKind> },
    /// A group began; whoever joined it waits in the group.
    Created { group: StrBytes },
    /// The leader's assignments of a generation are stored: the members are told.
    Assigned { group: StrBytes, generation: i32, assignments: BTreeMap<StrBytes, Bytes> },
    /// A static member has a new id, which its join waits to hear.
    Replaced { group: StrBytes, replaced: Box<Replaced> },
}

/// A static member whose place a new member id took, without a rebalance.
#[derive(Debug)]
pub(super) struct Replaced {
    /// The one in which it was replaced.
    pub generation: i32,
    pub instance: StrBytes,
    pub old: StrBytes,
    pub new: StrBytes,
    /// The leader before: what a client is told that cannot skip the assignment.
    pub leader_before: StrBytes,
    pub can_skip_assignment: bool,
    pub protocols_before: Vec<(StrBytes, Bytes)>,
    pub rebalance_timeout_ms_before: i32,
    pub session_timeout_ms_before: i32,
}

impl Turn<'_> {
    pub fn release(&mut self, hold: HoldId, response: impl Into<ResponseKind>) {
        self.out.releases.push(Release { hold, response: response.into() });
    }

    /// Hands out records to be appended as one batch.
    pub fn propose(&mut self, entries: Vec<Entry>, then: Then) {
        assert!(!entries.is_empty(), "group: a batch of no records");
        let records = entries.iter().map(Entry::encode).collect();
        self.out.appends.push(Append { partition: self.partition, records });
        self.proposals.push_back(Proposal { entries, then });
    }

    /// The reply that leaves once `entries` are committed; at once when there are none.
    pub fn reply_after(&mut self, entries: Vec<Entry>, hold: HoldId, response: impl Into<ResponseKind>) {
        if entries.is_empty() {
            self.release(hold, response);
        } else {
            self.propose(entries, Then::Reply { hold, response: Box::new(response.into()) });
        }
    }

    pub fn arm(&mut self, timer: Timer, after: Span) {
        self.timers.set(timer, self.now.mono + after);
    }
}

/// The record of a group that is there and has nobody.
pub(super) fn empty_generation(group: &StrBytes, since: i64) -> Entry {
    let value = Generation {
        protocol_type: StrBytes::new(),
        generation: 0,
        protocol: None,
        leader: None,
        since,
        members: Vec::new(),
    };
    Entry::Group { group: group.clone(), value: Some(value) }
}
