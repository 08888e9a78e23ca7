//! One partition of `__consumer_offsets`: its groups, and their committed offsets.

use super::classic::{Group, Join};
use super::decision::Decision;
use super::offsets::{Kept, Offsets};
use super::records::Entry;
use super::refuse;
use super::settings::Settings;
use super::text::own;
use super::timers::{Timer, Timers};
use super::turn::{Proposal, Then, Turn, empty_generation};
use crate::error::ErrorCode;
use crate::id::{HoldId, LeaderEpoch, Offset, ProducerId};
use crate::limits::GROUPS_MAX;
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::{JoinGroupResponse, ResponseKind};
use kafka_protocol::protocol::StrBytes;

/// Bytes of keys, where nobody waits for the records (tombstones), from which on another batch is begun: it stays well below any
/// `max.message.bytes` that somebody would set.
const BATCH_BYTES_MAX: usize = 16 << 10;

/// The groups of one partition of `__consumer_offsets`.
///
/// `watermark ≤ end`: what lies between is applied and not committed; each record there has its [`Then`] in `promises`, if
/// anybody waits for it.
#[derive(Debug)]
pub(super) struct Shard {
    pub partition: i32,
    /// The leader epoch in which this node leads the partition.
    pub epoch: LeaderEpoch,
    pub groups: BTreeMap<StrBytes, Group>,
    pub offsets: Offsets,
    pub timers: Timers,
    /// Handed out to be appended: empty between two turns.
    pub proposals: VecDeque<Proposal>,
    /// What follows when the record at this offset is committed.
    promises: BTreeMap<(Offset, u64), Then>,
    serial: u64,
    watermark: Offset,
    /// The offset after the last record that was applied.
    pub end: Offset,
}

impl Shard {
    pub fn new(partition: i32, epoch: LeaderEpoch) -> Self {
        Self {
            partition,
            epoch,
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            timers: Timers::default(),
            proposals: VecDeque::new(),
            promises: BTreeMap::new(),
            serial: 0,
            watermark: Offset::ZERO,
            end: Offset::ZERO,
        }
    }

    /// Runs `act` on a group that is there.
    pub fn with_group<R>(
        &mut self,
        now: Now,
        settings: &Settings,
        out: &mut Decision,
        id: &StrBytes,
        act: impl FnOnce(&mut Group, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        let (partition, timers, proposals) = (self.partition, &mut self.timers, &mut self.proposals);
        let mut turn = Turn { now, settings, partition, timers, proposals, out };
        Some(act(group, &mut turn))
    }

    pub fn turn<'a>(&'a mut self, now: Now, settings: &'a Settings, out: &'a mut Decision) -> Turn<'a> {
        let (partition, timers, proposals) = (self.partition, &mut self.timers, &mut self.proposals);
        Turn { now, settings, partition, timers, proposals, out }
    }

    /// The log was read to its end: members have their session time-outs anew.
    pub fn on_load_done(&mut self, now: Now, settings: &Settings, watermark: Offset, out: &mut Decision) {
        self.watermark = watermark;
        self.timers.set(Timer::Expire, now.mono + settings.offsets_retention_check_interval);
        let ids: Vec<StrBytes> = self.groups.keys().cloned().collect();
        for id in &ids {
            self.with_group(now, settings, out, id, |group, turn| {
                for member in group.members.keys() {
                    group.expect_again(turn, member);
                }
                if group.members.len() > turn.settings.group_max_size {
                    // The limit was lowered: the last to join again are left out.
                    let entry = group.prepare(turn);
                    assert!(entry.is_none(), "group {}: emptied by loading it", group.id.as_str());
                }
            });
        }
    }

    /// Whether the group is here, or can be.
    pub fn has_room(&self, group: &StrBytes) -> bool {
        self.groups.len() < GROUPS_MAX || self.groups.contains_key(group)
    }

    /// Somebody joins. The group begins with its first join: where nothing else is to be stored, that it is there.
    pub fn on_join(&mut self, now: Now, settings: &Settings, out: &mut Decision, join: &Join<'_>) {
        let id = &join.request.group_id.0;
        let is_new = !self.groups.contains_key(id);
        if is_new && !join.request.member_id.is_empty() {
            let response =
                JoinGroupResponse::default().with_protocol_name(None).with_member_id(join.request.member_id.clone());
            let response = response.with_error_code(ErrorCode::UnknownMemberId.code());
            return self.turn(now, settings, out).release(join.hold, response);
        }
        if !self.has_room(id) {
            let response = JoinGroupResponse::default().with_protocol_name(None);
            let response = response.with_error_code(ErrorCode::CoordinatorNotAvailable.code());
            return self.turn(now, settings, out).release(join.hold, response);
        }
        self.groups.entry(own(id)).or_insert_with(|| Group::new(own(id), now.wall));
        self.with_group(now, settings, out, id, |group, turn| match group.on_join(turn, join) {
            Some((entry, then)) => turn.propose(vec![entry], then),
            None if is_new => {
                let entry = empty_generation(&group.id, now.wall.0);
                turn.propose(vec![entry], Then::Created { group: group.id.clone() });
            }
            None => {}
        });
    }

    /// The offsets committed for `topics` go with them.
    pub fn on_topics_deleted(
        &mut self,
        now: Now,
        settings: &Settings,
        topics: &BTreeSet<&StrBytes>,
        out: &mut Decision,
    ) {
        self.propose_in_batches(now, settings, self.delete_topics(topics), out);
    }

    /// Proposes records that nobody waits for.
    pub fn propose_in_batches(&mut self, now: Now, settings: &Settings, entries: Vec<Entry>, out: &mut Decision) {
        let mut rest = entries.into_iter().peekable();
        while rest.peek().is_some() {
            let mut bytes = 0;
            let batch = core::iter::from_fn(|| {
                let entry = rest.next_if(|_| bytes < BATCH_BYTES_MAX)?;
                bytes += entry.encode().key.len();
                Some(entry)
            });
            let batch = batch.collect();
            self.turn(now, settings, out).propose(batch, Then::Nothing);
        }
    }

    /// A record of an open transaction: it counts when the transaction is committed.
    pub fn apply_pending(&mut self, now: Now, producer: ProducerId, at: Offset, entry: Entry) {
        match entry {
            Entry::Offset { group, topic, partition, value: Some(committed) } => {
                self.groups.entry(group.clone()).or_insert_with(|| Group::new(group.clone(), now.wall));
                self.offsets.put_pending(producer, (group, topic, partition), Kept { committed, at });
            }
            Entry::Offset { value: None, .. } | Entry::Group { .. } => self.apply(now, at, entry),
        }
    }

    /// The oldest proposal was appended from `base` on: it is applied at once, and what follows waits for the watermark.
    pub fn on_appended(&mut self, now: Now, settings: &Settings, base: Offset, out: &mut Decision) {
        let Proposal { entries, then } = self.proposals.pop_front().expect("group: appended what was not proposed");
        assert!(base >= self.end, "group: a record at {base}, and the log was applied up to {}", self.end);
        let mut last = base;
        for (place, entry) in entries.into_iter().enumerate() {
            last = base.plus(i64::try_from(place).unwrap_or(i64::MAX));
            match entry {
                // The group is what the record says, and more: who waits in it.
                Entry::Group { value: Some(_), .. } => {}
                Entry::Group { value: None, .. } | Entry::Offset { .. } => self.apply(now, last, entry),
            }
        }
        self.end = last.plus(1);
        match then {
            Then::Nothing => {}
            Then::Reply { hold, response } if mutant::is(Mutant::CommitBeforeDurable) => {
                out.releases.push(super::decision::Release { hold, response: *response });
            }
            Then::Assigned { .. } if mutant::is(Mutant::AssignedBeforeCommitted) => {
                self.follow(now, settings, then, Ok(()), out)
            }
            Then::Reply { .. } | Then::Created { .. } | Then::Assigned { .. } | Then::Replaced { .. } => {
                self.promise(now, settings, last, then, out);
            }
        }
    }

    /// The reply that leaves once `entries` are committed. Where there are none, what was deleted before may not be committed yet: an answer that
    /// rests on that waits for it (Kafka's `CoordinatorRuntime` has it wait for all that was written; seed 1795816203339).
    pub fn reply_deleted(
        &mut self,
        now: Now,
        settings: &Settings,
        entries: Vec<Entry>,
        hold: HoldId,
        response: impl Into<ResponseKind>,
        out: &mut Decision,
    ) {
        let then = Then::Reply { hold, response: Box::new(response.into()) };
        if entries.is_empty() {
            self.promise(now, settings, self.end.plus(-1), then, out);
        } else {
            self.turn(now, settings, out).propose(entries, then);
        }
    }

    /// `then` follows when the record at `until` is committed, which it may be already.
    pub fn promise(&mut self, now: Now, settings: &Settings, until: Offset, then: Then, out: &mut Decision) {
        if until < self.watermark {
            return self.follow(now, settings, then, Ok(()), out);
        }
        self.serial += 1;
        let serial = self.serial;
        self.timers.set(Timer::Promise { until, serial }, now.mono + settings.offset_commit_timeout);
        self.promises.insert((until, serial), then);
    }

    /// The oldest proposal was not appended.
    pub fn on_append_failed(&mut self, now: Now, settings: &Settings, code: ErrorCode, out: &mut Decision) {
        let Proposal { then, .. } = self.proposals.pop_front().expect("group: refused what was not proposed");
        if let Then::Created { group } = &then {
            // The group does not exist: who joined it begins anew.
            self.with_group(now, settings, out, group, |group, turn| group.on_unload(turn, refuse::of_append(code)));
            self.groups.remove(group);
            self.timers.cancel_group(group);
            return;
        }
        self.follow(now, settings, then, Err(refuse::of_append(code)), out);
    }

    /// Records below `watermark` are committed.
    pub fn on_committed(&mut self, now: Now, settings: &Settings, watermark: Offset, out: &mut Decision) {
        self.watermark = self.watermark.max(watermark);
        while let Some((&(until, serial), _)) = self.promises.first_key_value()
            && until < self.watermark.plus(i64::from(mutant::is(Mutant::PromiseOffByOne)))
        {
            self.keep(now, settings, until, serial, Ok(()), out);
        }
    }

    fn keep(
        &mut self,
        now: Now,
        settings: &Settings,
        until: Offset,
        serial: u64,
        result: Result<(), ErrorCode>,
        out: &mut Decision,
    ) {
        self.timers.cancel(&Timer::Promise { until, serial });
        if let Some(then) = self.promises.remove(&(until, serial)) {
            self.follow(now, settings, then, result, out);
        }
    }

    fn follow(&mut self, now: Now, settings: &Settings, then: Then, result: Result<(), ErrorCode>, out: &mut Decision) {
        match then {
            Then::Nothing | Then::Created { .. } => {}
            Then::Reply { hold, response } => {
                let response = match result {
                    Ok(()) => *response,
                    Err(code) => refuse::instead_of(*response, code),
                };
                out.releases.push(super::decision::Release { hold, response });
            }
            Then::Assigned { group, generation, assignments } => {
                let result = result.map(|()| &assignments);
                self.with_group(now, settings, out, &group, |group, turn| {
                    let entry = group.on_assigned(turn, generation, result);
                    propose_quietly(turn, entry);
                });
            }
            Then::Replaced { group, replaced } => {
                self.with_group(now, settings, out, &group, |group, turn| {
                    let entry = group.on_replaced(turn, &replaced, result);
                    propose_quietly(turn, entry);
                });
            }
        }
    }

    /// A record says something: the only thing that changes offsets, or makes and ends groups that no member made.
    pub fn apply(&mut self, now: Now, at: Offset, entry: Entry) {
        match entry {
            Entry::Offset { group, topic, partition, value: Some(committed) } => {
                // Offsets of a group that has no record of its own: a simple group.
                self.groups.entry(group.clone()).or_insert_with(|| Group::new(group.clone(), now.wall));
                self.offsets.put((group, topic, partition), Kept { committed, at });
            }
            Entry::Offset { group, topic, partition, value: None } => {
                self.offsets.remove(&(group, topic, partition), at);
            }
            Entry::Group { group, value: Some(stored) } => {
                let restored = Group::from_stored(group.clone(), &stored);
                self.groups.insert(group, restored);
            }
            Entry::Group { group, value: None } => {
                self.timers.cancel_group(&group);
                self.groups.remove(&group);
                // A log that ends a group and not its offsets is not ours, but it may be read: a simple group is left.
                if self.offsets.last_of(&group).is_some() {
                    self.groups.insert(group.clone(), Group::new(group, now.wall));
                }
            }
        }
    }

    /// The node does not lead the partition any more.
    pub fn on_unload(mut self, now: Now, settings: &Settings, out: &mut Decision) {
        let code = ErrorCode::NotCoordinator;
        let ids: Vec<StrBytes> = self.groups.keys().cloned().collect();
        for id in &ids {
            self.with_group(now, settings, out, id, |group, turn| group.on_unload(turn, code));
        }
        let proposed = core::mem::take(&mut self.proposals).into_iter().map(|proposal| proposal.then);
        let promised = core::mem::take(&mut self.promises).into_values();
        for then in proposed.chain(promised).filter(|_| !mutant::is(Mutant::UnloadTellsNobody)) {
            if let Then::Reply { hold, response } = then {
                let response = refuse::instead_of(*response, code);
                out.releases.push(super::decision::Release { hold, response });
            }
        }
    }

    pub fn on_tick(&mut self, now: Now, settings: &Settings, out: &mut Decision) {
        while let Some(timer) = self.timers.pop_due(now.mono) {
            match timer {
                Timer::Promise { until, serial } => {
                    let code = refuse::of_append(ErrorCode::RequestTimedOut);
                    self.keep(now, settings, until, serial, Err(code), out);
                }
                Timer::Expire => {
                    self.timers.set(Timer::Expire, now.mono + settings.offsets_retention_check_interval);
                    self.expire(now, settings, out);
                }
                Timer::Session { group, member } => {
                    self.in_group(now, settings, &group, out, |group, turn| group.on_session_expired(turn, &member));
                }
                Timer::Join { group } => {
                    self.in_group(now, settings, &group, out, |group, turn| group.on_join_expired(turn));
                }
                Timer::Sync { group } => {
                    self.in_group(now, settings, &group, out, |group, turn| group.on_sync_expired(turn));
                }
            }
        }
    }

    fn in_group(
        &mut self,
        now: Now,
        settings: &Settings,
        group: &StrBytes,
        out: &mut Decision,
        act: impl FnOnce(&mut Group, &mut Turn<'_>) -> Option<Entry>,
    ) {
        self.with_group(now, settings, out, group, |group, turn| {
            let entry = act(group, turn);
            propose_quietly(turn, entry);
        });
    }

    /// The requests that wait for a record to be committed, or in a group.
    pub fn waiting(&self) -> impl Iterator<Item = HoldId> + '_ {
        let promised = self.promises.values().filter_map(|then| match then {
            Then::Reply { hold, .. } => Some(*hold),
            Then::Nothing | Then::Created { .. } | Then::Assigned { .. } | Then::Replaced { .. } => None,
        });
        promised.chain(self.groups.values().flat_map(Group::waiting))
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    pub fn check(&self) {
        self.timers.check();
        self.offsets.check();
        assert!(self.proposals.is_empty(), "group: records handed out, and nobody said what became of them");
        for (id, group) in &self.groups {
            assert_eq!(*id, group.id);
            group.check();
            group.check_timers(&self.timers);
        }
        for group in self.offsets.groups() {
            assert!(self.groups.contains_key(group), "group {}: offsets of no group", group.as_str());
        }
        for (until, serial) in self.promises.keys() {
            assert!(*until < self.end && *until >= self.watermark, "group: a promise that nothing keeps");
            assert!(
                self.timers.is_set(&Timer::Promise { until: *until, serial: *serial }),
                "group: a promise without end"
            );
        }
    }
}

/// Proposes the record of a group that has become empty: nobody waits for it.
fn propose_quietly(turn: &mut Turn<'_>, entry: Option<Entry>) {
    if let Some(entry) = entry {
        turn.propose(vec![entry], Then::Nothing);
    }
}
