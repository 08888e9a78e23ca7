//! A classic group's state: its phase, its members, the protocol they agreed on.

use super::super::timers::{Timer, Timers};
use crate::id::HoldId;
use crate::mutant::{self, Mutant};
use crate::time::{Span, Wall};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use kafka_protocol::protocol::StrBytes;

/// `ConsumerProtocol.PROTOCOL_TYPE`.
pub(super) const CONSUMER: &str = "consumer";

/// Where a group is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Phase {
    /// No members; perhaps offsets, perhaps some that were given an id and are expected back.
    Empty,
    /// Members join. `first`: the group was empty before, and only time ends the joining.
    Preparing { first: Option<FirstDelay> },
    /// All have joined and know the generation; the leader's assignments are awaited, or on their way to the log.
    Completing,
    /// Every member has its assignment, or can have it.
    Stable,
}

/// How much longer an empty group waits for members before its first generation (KIP-134).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct FirstDelay {
    /// Somebody joined since the delay began: it is worth another one.
    pub extended: bool,
    /// The delay that runs.
    pub delay: Span,
    /// What is left for further ones.
    pub left: Span,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Member {
    /// A static member's name for itself (KIP-345).
    pub instance: Option<StrBytes>,
    pub client_id: StrBytes,
    pub client_host: StrBytes,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// Assignors it knows and what it says to each, in the order of its liking.
    pub protocols: Vec<(StrBytes, Bytes)>,
    pub assignment: Bytes,
    /// Its JoinGroup that waits.
    pub joining: Option<HoldId>,
    /// Its SyncGroup that waits.
    pub syncing: Option<HoldId>,
    /// It has not been told a generation yet: waiting does not excuse it from its time-out.
    pub is_new: bool,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Group {
    pub id: StrBytes,
    pub phase: Phase,
    /// Since when it is in its phase; `None`: an old record did not say.
    pub since: Option<Wall>,
    pub generation: i32,
    pub protocol_type: Option<StrBytes>,
    pub protocol: Option<StrBytes>,
    pub leader: Option<StrBytes>,
    pub members: BTreeMap<StrBytes, Member>,
    /// How many members know each assignor; one that nobody knows is not there. A join may name thousands, and asks for each of them.
    known: BTreeMap<StrBytes, usize>,
    /// Member id of each instance id. Exactly the members that have one.
    pub statics: BTreeMap<StrBytes, StrBytes>,
    /// Ids that were given out and have not joined yet (MEMBER_ID_REQUIRED). Never ids of members.
    pub pending_joins: BTreeSet<StrBytes>,
    /// Members that have not asked for their assignment of this generation. Only members.
    pub pending_syncs: BTreeSet<StrBytes>,
    /// Topics that the members subscribe to; `None`: not known.
    pub subscribed: Option<BTreeSet<StrBytes>>,
}

impl Member {
    /// What it says to an assignor; nothing where it does not know it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|(name, _)| name.as_str() == protocol)
            .map_or_else(Bytes::new, |(_, data)| data.clone())
    }

    /// The assignors that it knows, each of them once.
    fn knows(&self) -> BTreeSet<&StrBytes> {
        self.protocols.iter().map(|(name, _)| name).collect()
    }

    /// Whether silence is excused: it waits for the coordinator, not the other way round.
    pub fn is_excused(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }
}

impl Group {
    pub fn new(id: StrBytes, since: Wall) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            since: Some(since),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            known: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            subscribed: None,
        }
    }

    /// Its state as Kafka names it.
    pub const fn state(&self) -> &'static str {
        match self.phase {
            Phase::Empty => "Empty",
            Phase::Preparing { .. } => "PreparingRebalance",
            Phase::Completing => "CompletingRebalance",
            Phase::Stable => "Stable",
        }
    }

    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    pub fn is_leader(&self, member: &StrBytes) -> bool {
        self.leader.as_ref() == Some(member)
    }

    pub fn is_consumer(&self) -> bool {
        self.protocol_type.as_ref().is_some_and(|kind| kind.as_str() == CONSUMER)
    }

    /// Whether its members read `topic`; where that is not known, a group of consumers may.
    pub fn is_subscribed(&self, topic: &StrBytes) -> bool {
        self.subscribed.as_ref().map_or_else(|| self.is_consumer(), |topics| topics.contains(topic))
    }

    /// The requests of its members that wait.
    pub fn waiting(&self) -> impl Iterator<Item = HoldId> + '_ {
        self.members.values().flat_map(|member| [member.joining, member.syncing]).flatten()
    }

    pub fn awaiting(&self) -> usize {
        self.members.values().filter(|member| member.joining.is_some()).count()
    }

    /// Whether nobody who should join is missing.
    pub fn has_all_joined(&self) -> bool {
        self.pending_joins.is_empty() && self.awaiting() == self.members.len()
    }

    /// The longest of its members' rebalance time-outs.
    pub fn rebalance_timeout(&self) -> Span {
        let each = self.members.values().map(|member| member.rebalance_timeout_ms);
        let longest = if mutant::is(Mutant::RebalanceTimeoutLeast) { each.min() } else { each.max() }.unwrap_or(0);
        Span::from_kafka_millis(i64::from(longest))
    }

    pub fn session(&self, member: &StrBytes) -> Timer {
        Timer::Session { group: self.id.clone(), member: member.clone() }
    }

    /// Takes a member in: the first one says what kind of group it is, and leads it.
    pub fn add(&mut self, id: StrBytes, kind: StrBytes, member: Member) {
        if self.members.is_empty() {
            self.protocol_type = Some(kind);
        }
        if let Some(instance) = &member.instance {
            let before = self.statics.insert(instance.clone(), id.clone());
            assert!(before.is_none(), "group {}: two members of one instance", self.id.as_str());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        self.pending_joins.remove(&id);
        let before = self.put(id, member);
        assert!(before.is_none(), "group {}: a member twice", self.id.as_str());
    }

    /// Puts a member in its place, with the assignors that it knows; answers who was there.
    pub fn put(&mut self, id: StrBytes, member: Member) -> Option<Member> {
        for name in member.knows() {
            *self.known.entry(name.clone()).or_default() += 1;
        }
        let before = self.members.insert(id, member);
        self.forget_assignors(before.as_ref());
        before
    }

    /// Takes a member out of its place, and nothing else.
    pub fn take(&mut self, id: &StrBytes) -> Option<Member> {
        let taken = self.members.remove(id);
        self.forget_assignors(taken.as_ref());
        taken
    }

    fn forget_assignors(&mut self, gone: Option<&Member>) {
        for name in gone.into_iter().flat_map(Member::knows) {
            if let Some(count) = self.known.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    self.known.remove(name);
                }
            }
        }
    }

    /// A member knows other assignors from now on, or says something else to them.
    pub fn say(&mut self, id: &StrBytes, protocols: Vec<(StrBytes, Bytes)>) {
        if let Some((id, member)) = self.members.remove_entry(id) {
            self.forget_assignors(Some(&member));
            self.put(id, Member { protocols, ..member });
        }
    }

    /// Takes out a member or an expected one; another member leads then.
    pub fn remove(&mut self, id: &StrBytes) -> Option<Member> {
        let removed = self.take(id);
        if let Some(instance) = removed.as_ref().and_then(|member| member.instance.as_ref()) {
            self.statics.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_joins.remove(id);
        self.pending_syncs.remove(id);
        removed
    }

    /// Whether somebody who knows these assignors can be a member beside the others.
    pub fn supports<'a>(&self, kind: &str, mut protocols: impl Iterator<Item = &'a StrBytes>) -> bool {
        if self.is_empty() {
            return !kind.is_empty() && protocols.next().is_some();
        }
        self.protocol_type.as_ref().is_some_and(|own| own.as_str() == kind) && protocols.any(|name| self.all_know(name))
    }

    fn all_know(&self, protocol: &StrBytes) -> bool {
        self.known.get(protocol).copied().unwrap_or(0) == self.members.len()
    }

    /// The assignor of the next generation: of those that all members know the one that most like best. A tie goes to the
    /// first by name.
    pub fn select_protocol(&self) -> Option<StrBytes> {
        let mut votes: BTreeMap<&StrBytes, usize> = BTreeMap::new();
        for member in self.members.values() {
            let mut liked = member.protocols.iter().map(|(name, _)| name);
            if let Some(name) = liked.find(|name| self.all_know(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = if mutant::is(Mutant::ProtocolLeastLiked) {
            votes.values().copied().min()?
        } else {
            votes.values().copied().max()?
        };
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
    }

    /// Asserts that whatever the group waits for has an end.
    pub fn check_timers(&self, timers: &Timers) {
        let id = self.id.as_str();
        for (member, state) in &self.members {
            let timed = timers.is_set(&self.session(member));
            assert!(timed || state.is_excused(), "group {id}: {} may be silent for ever", member.as_str());
        }
        for member in &self.pending_joins {
            assert!(timers.is_set(&self.session(member)), "group {id}: {} is expected for ever", member.as_str());
        }
        let joining = matches!(self.phase, Phase::Preparing { .. });
        assert_eq!(joining, timers.is_set(&Timer::Join { group: self.id.clone() }), "group {id}: the join phase's end");
        let to_sync = !self.pending_syncs.is_empty();
        assert_eq!(to_sync, timers.is_set(&Timer::Sync { group: self.id.clone() }), "group {id}: the syncs' end");
    }

    /// Asserts what is always true of a group.
    pub fn check(&self) {
        let id = self.id.as_str();
        assert!(!self.is_empty() || self.members.is_empty(), "group {id}: empty, with members");
        if let Some(leader) = &self.leader {
            assert!(self.members.contains_key(leader), "group {id}: its leader is no member");
        }
        assert!(self.leader.is_some() || self.members.is_empty(), "group {id}: members, and nobody leads");
        let mut known: BTreeMap<&StrBytes, usize> = BTreeMap::new();
        for name in self.members.values().flat_map(Member::knows) {
            *known.entry(name).or_default() += 1;
        }
        let counted = self.known.iter().map(|(name, count)| (name, *count));
        assert!(
            known.into_iter().eq(counted),
            "group {id}: assignors are counted otherwise than the members know them"
        );
        let named = self.members.iter().filter_map(|(id, member)| member.instance.as_ref().map(|name| (name, id)));
        assert!(named.clone().count() == self.statics.len(), "group {id}: static members differ");
        assert!(
            named.into_iter().all(|(name, id)| self.statics.get(name) == Some(id)),
            "group {id}: a static member's id"
        );
        assert!(self.pending_joins.iter().all(|id| !self.members.contains_key(id)), "group {id}: a member is expected");
        assert!(self.pending_syncs.iter().all(|id| self.members.contains_key(id)), "group {id}: a stranger is to sync");
        match self.phase {
            Phase::Empty => assert!(self.pending_syncs.is_empty(), "group {id}: empty, and somebody is to sync"),
            Phase::Preparing { .. } => {
                assert!(
                    self.members.values().all(|m| m.syncing.is_none()),
                    "group {id}: a sync waits while members join"
                );
            }
            Phase::Completing | Phase::Stable => {
                assert!(self.protocol.is_some(), "group {id}: a generation without an assignor");
            }
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} generation {} members {}", self.id.as_str(), self.state(), self.generation, self.members.len())
    }
}
