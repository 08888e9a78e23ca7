//! All shards that this node leads: the group coordinator as the node sees it.

use super::decision::{Decision, Release};
use super::gather::Gathers;
use super::settings::Settings;
use super::shard::Shard;
use super::text::TEXT_BYTES_MAX;
use crate::error::ErrorCode;
use crate::id::{HoldId, LeaderEpoch, Offset, Uuid};
use crate::rng::Rng;
use crate::time::{Mono, Now, Span, Wall};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// The groups of one node: a shard for each partition of `__consumer_offsets` that it leads.
///
/// Every request has a row in `node.hold` before it comes here; its answer is a [`Release`] of that row, in this
/// decision or a later one.
#[derive(Debug)]
pub struct Groups {
    pub(super) settings: Settings,
    rng: Rng,
    pub(super) shards: BTreeMap<i32, Place>,
    /// Replies made of the parts of several shards.
    pub(super) gathers: Gathers,
    /// The soonest deadline of the active shards, as of the last change.
    deadline: Option<Mono>,
    /// Whether the last input changed anything: otherwise [`Groups::check`] has nothing to look into.
    changed: bool,
}

/// A partition that this node leads.
#[derive(Debug)]
pub(super) enum Place {
    /// Its log is being read.
    Loading(Shard),
    Active(Shard),
}

impl Groups {
    /// `rng` makes member ids; it must differ between two starts of a node.
    pub fn new(settings: Settings, rng: Rng) -> Self {
        Self { settings, rng, shards: BTreeMap::new(), gathers: Gathers::default(), deadline: None, changed: false }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many partitions `__consumer_offsets` has, once it is there.
    pub fn set_topic_partitions(&mut self, count: usize) {
        self.settings.topic_partitions = i32::try_from(count).unwrap_or(i32::MAX);
    }

    /// The partition of `__consumer_offsets` that holds `group`: Java's `Utils.abs(group.hashCode()) % partitions`.
    pub fn partition_of(&self, group: &str) -> i32 {
        let hash = group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
        // Java's `Utils.abs` clears the sign: the smallest number has no positive twin.
        let positive = if hash == i32::MIN { 0 } else { hash.abs() };
        positive.checked_rem(self.settings.topic_partitions).unwrap_or(0)
    }

    /// The shard that serves `group`.
    pub(super) fn shard(&mut self, group: &StrBytes) -> Result<&mut Shard, ErrorCode> {
        if group.len() > TEXT_BYTES_MAX {
            return Err(ErrorCode::InvalidGroupId);
        }
        match self.shards.get_mut(&self.partition_of(group)) {
            Some(Place::Active(shard)) => Ok(shard),
            Some(Place::Loading(_)) => Err(ErrorCode::CoordinatorLoadInProgress),
            None => Err(ErrorCode::NotCoordinator),
        }
    }

    /// The shard that serves `group`, and what else a request needs.
    pub(super) fn shard_and_settings(&mut self, group: &StrBytes) -> Result<(&mut Shard, &Settings), ErrorCode> {
        let partition = self.partition_of(group);
        self.shard(group)?;
        match self.shards.get_mut(&partition) {
            Some(Place::Active(shard)) => Ok((shard, &self.settings)),
            Some(Place::Loading(_)) | None => Err(ErrorCode::NotCoordinator),
        }
    }

    /// An id for a new member: what it calls itself, and a random UUID (version 4) behind it.
    pub(super) fn fresh_member_id(&mut self, named: &str) -> StrBytes {
        const VERSION: u128 = 0x4 << 76;
        const VARIANT: u128 = 0x8 << 60;
        let random = self.rng.next_u128() & !(0xf << 76) & !(0xc << 60) | VERSION | VARIANT;
        let hex = format!("{random:032x}");
        let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        StrBytes::from_string(format!("{named}-{a}-{b}-{c}-{d}-{e}"))
    }

    /// This node leads `partition` from `epoch` on: the log is to be read from its start to its end. Until
    /// [`Groups::on_load_done`] requests are answered with COORDINATOR_LOAD_IN_PROGRESS.
    pub fn on_leader(&mut self, now: Now, partition: i32, epoch: LeaderEpoch) -> Decision {
        // A later epoch of its own: what was not committed may be gone, and those who wait for it are told.
        let out = self.on_unload(now, partition);
        self.shards.insert(partition, Place::Loading(Shard::new(partition, epoch)));
        out
    }

    /// The epoch in which this node leads `partition`, as far as it was told here.
    pub fn epoch_of(&self, partition: i32) -> Option<LeaderEpoch> {
        self.shards.get(&partition).map(|place| place.shard().epoch)
    }

    /// Whether `partition` still waits for its log.
    pub fn is_loading(&self, partition: i32) -> bool {
        matches!(self.shards.get(&partition), Some(Place::Loading(_)))
    }

    /// The partitions that this node leads, as far as it was told here.
    pub fn partitions(&self) -> impl Iterator<Item = i32> + '_ {
        self.shards.keys().copied()
    }

    /// Where to read on in the log of a partition that is loading.
    pub fn load_from(&self, partition: i32) -> Option<Offset> {
        match self.shards.get(&partition)? {
            Place::Loading(shard) => Some(shard.end),
            Place::Active(_) => None,
        }
    }

    /// Whole record batches of `partition`'s log, in order, compacted or not. Answers how many records could not be read.
    pub fn on_loaded_batches(&mut self, now: Now, partition: i32, batches: &[Bytes]) -> u32 {
        let Some(Place::Loading(shard)) = self.shards.get_mut(&partition) else { return 0 };
        batches.iter().map(|bytes| shard.on_loaded(now, bytes)).sum()
    }

    /// All of the log was seen; `watermark` is how far it is committed now.
    pub fn on_load_done(&mut self, now: Now, partition: i32, watermark: Offset) -> Decision {
        let mut out = Decision::default();
        match self.shards.remove(&partition) {
            Some(Place::Loading(mut shard)) => {
                shard.on_load_done(now, &self.settings, watermark, &mut out);
                self.shards.insert(partition, Place::Active(shard));
            }
            Some(active @ Place::Active(_)) => {
                self.shards.insert(partition, active);
            }
            None => {}
        }
        self.gathered(out)
    }

    /// This node does not lead `partition` any more: whatever waits is told NOT_COORDINATOR.
    pub fn on_unload(&mut self, now: Now, partition: i32) -> Decision {
        let mut out = Decision::default();
        if let Some(place) = self.shards.remove(&partition) {
            place.into_shard().on_unload(now, &self.settings, &mut out);
        }
        self.gathered(out)
    }

    /// The oldest append of `partition` that was not reported yet got the offsets from `base` on.
    pub fn on_appended(&mut self, now: Now, partition: i32, base: Offset) -> Decision {
        self.in_shard(partition, |shard, settings, out| shard.on_appended(now, settings, base, out))
    }

    /// The oldest append of `partition` that was not reported yet was refused with `code`; nothing was written.
    pub fn on_append_failed(&mut self, now: Now, partition: i32, code: ErrorCode) -> Decision {
        self.in_shard(partition, |shard, settings, out| shard.on_append_failed(now, settings, code, out))
    }

    /// Records of `partition` below `watermark` are committed.
    pub fn on_committed(&mut self, now: Now, partition: i32, watermark: Offset) -> Decision {
        self.in_shard(partition, |shard, settings, out| shard.on_committed(now, settings, watermark, out))
    }

    /// Topics were deleted: the offsets committed for them go.
    pub fn on_topics_deleted(&mut self, now: Now, topics: &[StrBytes]) -> Decision {
        let gone: BTreeSet<&StrBytes> = topics.iter().collect();
        self.in_each(|shard, settings, out| shard.on_topics_deleted(now, settings, &gone, out))
    }

    /// A partition was loaded: the offsets go of topics that were deleted while nobody coordinated. `exists`: whether a topic of that name is there, and
    /// is the one of that id (nil: not known).
    pub fn forget_deleted(&mut self, now: Now, partition: i32, exists: impl Fn(&StrBytes, Uuid) -> bool) -> Decision {
        self.in_shard(partition, |shard, settings, out| {
            let entries = shard.delete_others(exists);
            shard.propose_in_batches(now, settings, entries, out);
        })
    }

    pub fn on_tick(&mut self, now: Now) -> Decision {
        if self.deadline.is_none_or(|at| at > now.mono) {
            return Decision::default();
        }
        self.in_each(|shard, settings, out| shard.on_tick(now, settings, out))
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadline
    }

    fn in_shard(&mut self, partition: i32, act: impl FnOnce(&mut Shard, &Settings, &mut Decision)) -> Decision {
        let mut out = Decision::default();
        if let Some(Place::Active(shard)) = self.shards.get_mut(&partition) {
            act(shard, &self.settings, &mut out);
        }
        self.gathered(out)
    }

    fn in_each(&mut self, mut act: impl FnMut(&mut Shard, &Settings, &mut Decision)) -> Decision {
        let mut out = Decision::default();
        for place in self.shards.values_mut() {
            match place {
                Place::Active(shard) => act(shard, &self.settings, &mut out),
                Place::Loading(_) => {}
            }
        }
        self.gathered(out)
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Shard> {
        self.shards.values().filter_map(|place| match place {
            Place::Active(shard) => Some(shard),
            Place::Loading(_) => None,
        })
    }

    /// The state of each group that is served here, by its name in DescribeGroups.
    pub fn states(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.active().flat_map(|shard| shard.groups.values().map(|group| group.state()))
    }

    /// The end of every change: puts the parts of replies together that several shards make, and looks when time is up next.
    pub(super) fn gathered(&mut self, out: Decision) -> Decision {
        self.changed = true;
        self.deadline = self.active().filter_map(Shard::next_deadline).min();
        let Decision { appends, releases } = out;
        let whole = releases.into_iter().filter_map(|Release { hold, response }| self.gathers.add(hold, response));
        Decision { appends, releases: whole.collect() }
    }

    /// When a member of a group that is served here is put out if it stays silent, and its session time-out: for the simulator's checkers.
    pub fn session_of(&self, group: &StrBytes, member: &StrBytes) -> Option<(Mono, Span)> {
        let Some(Place::Active(shard)) = self.shards.get(&self.partition_of(group)) else { return None };
        let group = shard.groups.get(group)?;
        let (until, state) = (shard.timers.when(&group.session(member))?, group.members.get(member)?);
        Some((until, Span::from_kafka_millis(i64::from(state.session_timeout_ms))))
    }

    /// How many members a group has that is served here.
    pub fn members_of(&self, group: &StrBytes) -> usize {
        match self.shards.get(&self.partition_of(group)) {
            Some(Place::Active(shard)) => shard.groups.get(group).map_or(0, |group| group.members.len()),
            Some(Place::Loading(_)) | None => 0,
        }
    }

    /// A group without members that is served here and has an offset whose own time was over at `wall`: for the simulator's checkers.
    pub fn overdue(&self, wall: Wall) -> Option<&StrBytes> {
        self.active().find_map(|shard| shard.overdue(wall))
    }

    /// The requests that something here is waited for: for the simulator's checkers.
    pub fn waiting(&self) -> BTreeSet<HoldId> {
        self.active().flat_map(Shard::waiting).collect()
    }

    /// Whether the last input changed any group: for the simulator's checkers.
    pub const fn has_changed(&self) -> bool {
        self.changed
    }

    /// Another input begins: [`Groups::check`] has nothing to look into until something changes.
    pub fn begin_input(&mut self) {
        self.changed = false;
    }

    /// Asserts the invariants of every group and shard, if the last input changed any.
    pub fn check(&self) {
        if !self.changed {
            return;
        }
        for (partition, place) in &self.shards {
            assert_eq!(*partition, place.shard().partition);
        }
        let deadline = self.active().filter_map(Shard::next_deadline).min();
        assert_eq!(self.deadline, deadline, "group: a deadline that nobody looks at");
        for shard in self.active() {
            shard.check();
        }
    }
}

impl Place {
    fn shard(&self) -> &Shard {
        match self {
            Self::Loading(shard) | Self::Active(shard) => shard,
        }
    }

    fn into_shard(self) -> Shard {
        match self {
            Self::Loading(shard) | Self::Active(shard) => shard,
        }
    }
}
