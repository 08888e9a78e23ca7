//! The replicas that the metadata gives to this node: their logs are opened, told their part, and removed.
//!
//! Nothing is done before the node's own registration has come back through the metadata: what the log said of this
//! node before belongs to an earlier life of it (a leader that lost its page cache must not go on in its old epoch).

use super::{Broker, checkpoint, serials, setup};
use crate::id::{DirId, Offset, PartitionKey, Uuid};
use crate::io::{DiskOp, Owner};
use crate::log::{Log, LogConfig, Opening, SyncPolicy};
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::partition::{self, ANYTHING, Partition, PartitionEvent};
use crate::time::Now;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

#[derive(Debug, Default)]
pub(super) struct Roles {
    /// Partitions whose metadata changed since they were looked at.
    pub pending: BTreeSet<PartitionKey>,
    /// Whose configs changed: their partitions are told their own again.
    pub reconfigured: Reconfigured,
    /// Whether the folders that stood at the start were closed in order.
    pub clean: bool,
    /// What the checkpoints said, by folder name; used when the folder is opened.
    pub watermarks: BTreeMap<String, Offset>,
    pub starts: BTreeMap<String, Offset>,
    /// The folders that stood at the start, until it is known which of them this node is to keep.
    pub found: Option<Vec<String>>,
    /// Replicas in sync that the metadata gave this node before the process began, and whose folders are not there: the disk was lost, or is
    /// another. They are opened when a checkpoint says that they had promised something: a second crash is not to forget it.
    blank: BTreeMap<PartitionKey, String>,
    /// How many folders were put aside: makes their names differ.
    pub strays: u64,
    /// Folders that go as soon as no checkpoint on disk speaks of them, and how.
    doomed: Vec<(DirId, DiskOp)>,
    /// Folders being removed or put aside, and their names.
    pub(super) removing: BTreeMap<DirId, String>,
    /// Folders that are gone.
    removed: Vec<DirId>,
    /// A folder was given up since the checkpoints were written.
    pub(super) gave_up: bool,
    /// Names of folders that are not there, and of which a checkpoint on disk may speak.
    pub(super) forgotten: BTreeSet<String>,
    /// Partitions whose folder's name is still that of one being removed, or forgotten: a topic made anew right after its deletion.
    blocked: BTreeSet<PartitionKey>,
}

/// Topics whose settings may be others than their partitions were told.
#[derive(Debug, Default)]
pub(super) struct Reconfigured {
    /// A broker's config changed, or nobody knows what did: it may be every topic.
    pub all: bool,
    pub topics: BTreeSet<Uuid>,
}

/// What the partitions of a topic are told. To resolve it is dear: each setting by name, layer after layer.
#[derive(Clone, Debug)]
struct Resolved {
    topic: Uuid,
    settings: partition::Settings,
    log: LogConfig,
}

impl Resolved {
    fn of(node: &Node, topic: &metadata::Topic) -> Self {
        let config = node.topic_config(topic);
        Self {
            topic: topic.id,
            settings: setup::partition(&node.config, &config),
            log: setup::log(&node.config, &config),
        }
    }
}

impl Roles {
    /// A folder is gone.
    pub fn on_removed(&mut self, dir: DirId) {
        self.removed.push(dir);
    }

    /// The names of the folders that are gone are free.
    fn free_names(&mut self) {
        for dir in core::mem::take(&mut self.removed) {
            self.removing.remove(&dir);
        }
        self.forgotten.clear();
        self.pending.append(&mut self.blocked);
    }

    fn is_taken(&self, name: &String) -> bool {
        self.removing.values().any(|taken| taken == name) || self.forgotten.contains(name)
    }
}

impl Broker {
    /// Whether anything was done.
    pub(super) fn settle_roles(&mut self, now: Now) -> bool {
        if !self.alive.has_roles(&self.node) && !mutant::is(Mutant::RolesBeforeRegistered) || self.stop.is_closing() {
            return false;
        }
        self.look_for_blanks();
        let mut moved = self.look_for_strays();
        moved |= self.reconfigure(now);
        while !self.roles.pending.is_empty() {
            // Who goes, goes first: the folders of a topic that was deleted and made anew at once have one name, whichever of the two comes
            // first by its id. The new one would open what is then removed (seed 7000096).
            let (stay, go): (Vec<_>, Vec<_>) =
                core::mem::take(&mut self.roles.pending).into_iter().partition(|key| self.is_kept(*key));
            let mut last = None;
            for key in go.into_iter().chain(stay) {
                self.assume(now, key, &mut last);
            }
            moved = true;
        }
        if core::mem::take(&mut self.roles.gave_up) {
            // A log that gets the name is not to be held to what the one before had promised.
            self.chores.checkpoint(&mut self.node, &self.roles);
            self.clear_doomed();
        }
        moved
    }

    /// When the node knows what it is to keep, it looks once what of that is not there.
    fn look_for_blanks(&mut self) {
        let Some(found) = self.roles.found.as_ref() else { return };
        let gone = |key: &PartitionKey| self.name_of(*key).is_some_and(|name| !found.contains(&name));
        let gone: Vec<_> = self.roles.pending.iter().copied().filter(gone).collect();
        gone.into_iter().for_each(|key| self.miss(key));
        if !self.roles.blank.is_empty() {
            self.chores.checkpoint(&mut self.node, &self.roles);
        }
    }

    fn name_of(&self, key: PartitionKey) -> Option<String> {
        Some(checkpoint::folder_name(self.node.image.topic(key.topic)?.name.as_str(), key.partition))
    }

    /// The log of a replica is not there. If others rely on what was in it, it is held to have promised it.
    pub(super) fn miss(&mut self, key: PartitionKey) {
        let me = self.node.config.node;
        let relied_on = |state: &metadata::Partition| state.in_sync(me) && state.replicas.len() > 1;
        let Some(name) = self.name_of(key).filter(|_| self.node.image.partition(key).is_some_and(relied_on)) else {
            return;
        };
        if mutant::is(Mutant::BlankLogLeads) {
            return;
        }
        self.roles.watermarks.insert(name.clone(), ANYTHING);
        self.roles.blank.insert(key, name);
    }

    /// Whether the metadata gives this node a replica of the partition.
    fn is_kept(&self, key: PartitionKey) -> bool {
        let me = self.node.config.node;
        self.node.image.partition(key).is_some_and(|state| state.has_replica(me))
    }

    /// `last`: the topic before, whose settings are those of its next partition as well.
    fn assume(&mut self, now: Now, key: PartitionKey, last: &mut Option<Resolved>) {
        let me = self.node.config.node;
        let state = self.node.image.partition(key).filter(|state| state.has_replica(me));
        let Some(state) = state else {
            self.give_up(now, key, |dir, _| DiskOp::RemoveDir { dir });
            return;
        };
        let mut state = state.clone();
        if state.leader == Some(me) && self.alive.is_replaced(&self.node) {
            state.leader = None;
        }
        if self.node.partitions.get(key).is_none() {
            self.open(now, key, last);
        }
        let Some(partition) = self.node.partitions.get_mut(key) else { return };
        let dir = partition.dir();
        let event = partition.on_state(now, &state, &mut self.node.out);
        self.node.partitions.note(dir, event);
    }

    fn open(&mut self, now: Now, key: PartitionKey, last: &mut Option<Resolved>) {
        let Some(topic) = self.node.image.topic(key.topic) else { return };
        let name = checkpoint::folder_name(topic.name.as_str(), key.partition);
        if self.roles.is_taken(&name) && !mutant::is(Mutant::NameNotAwaited) {
            self.roles.blocked.insert(key);
            return;
        }
        if self.roles.blank.contains_key(&key) && self.chores.is_saving() {
            return;
        }
        let blank = self.roles.blank.remove(&key).is_some();
        if last.as_ref().is_some_and(|last| last.topic != topic.id) {
            *last = None;
        }
        let Resolved { settings, log: log_config, .. } =
            last.get_or_insert_with(|| Resolved::of(&self.node, topic)).clone();
        let dir = self.node.partitions.new_dir();
        let start = self.roles.starts.remove(&name).unwrap_or(Offset::ZERO);
        let watermark = self.roles.watermarks.remove(&name).unwrap_or(Offset::ZERO);
        // The watermark is over what was synced. (Where it was the system that had it, a crash of the machine may have taken it.)
        let durable = if log_config.sync == SyncPolicy::Always || blank { watermark } else { Offset::ZERO };
        let opening = Opening {
            clean: self.roles.clean,
            start,
            committed: watermark,
            durable,
            whole_to: None,
            topic_id: Some(key.topic).filter(|_| !mutant::is(Mutant::ForeignKept)),
        };
        let log = Log::open(dir, name.clone(), log_config, opening, now, &mut self.node.out);
        let me = self.node.config.node;
        self.node.partitions.insert(Partition::new(key, dir, name, me, settings, log, watermark, start));
    }

    /// The replica is no longer this node's: `how` its folder goes, of that number and name.
    pub(super) fn give_up(&mut self, now: Now, key: PartitionKey, how: impl FnOnce(DirId, &str) -> DiskOp) {
        self.roles.blocked.remove(&key);
        if let Some(name) = self.roles.blank.remove(&key) {
            self.forget_lines(name);
        }
        let Some(partition) = self.node.partitions.remove(key) else { return };
        let dir = partition.dir();
        self.fetchers.forget(key);
        self.coordinators.forget(&mut self.node, now, key);
        if !mutant::is(Mutant::GivenUpNotWoken) {
            self.wake(now, dir);
        }
        let gone = PartitionEvent { role: true, ..PartitionEvent::NONE };
        crate::api::fetch::on_partition_event(&mut self.node, now, dir, &gone);
        self.clear(dir, partition.folder(), how(dir, partition.folder()));
    }

    /// Nobody has the folder any more: `op` frees its name.
    pub(super) fn clear(&mut self, dir: DirId, name: &str, op: DiskOp) {
        self.roles.removing.insert(dir, name.into());
        self.roles.gave_up = true;
        self.roles.doomed.push((dir, op));
    }

    /// Removes what no checkpoint on disk speaks of any more, and frees the names of what is removed. The other way round a node that dies
    /// in between would take a log that is made under the name for the one that was: its start, and what that had promised
    /// (seed 7000888).
    pub(super) fn clear_doomed(&mut self) {
        if self.chores.is_saving() || self.roles.gave_up {
            return;
        }
        for (dir, op) in core::mem::take(&mut self.roles.doomed) {
            // There is no partition that could wait, so the node itself does.
            let serial = serials::REMOVALS + u64::from(dir.0);
            self.node.out.disk(Owner::Node, serial, op);
        }
        self.roles.free_names();
        self.roles.pending.extend(self.roles.blank.keys());
    }

    /// Tells partitions the settings that their topics have now. Whether there was something to tell.
    fn reconfigure(&mut self, now: Now) -> bool {
        let Reconfigured { all, topics } = core::mem::take(&mut self.roles.reconfigured);
        let topics = if all { self.node.image.topics().map(|topic| topic.id).collect() } else { topics };
        for topic in &topics {
            let Some(topic) = self.node.image.topic(*topic) else { continue };
            let Resolved { settings, log, .. } = Resolved::of(&self.node, topic);
            for (key, _) in topic.each_partition() {
                let Some(partition) = self.node.partitions.get_mut(key) else { continue };
                let dir = partition.dir();
                let event = partition.configure(now.mono, settings);
                if !mutant::is(Mutant::LogConfigNotApplied) {
                    partition.configure_log(now.mono, log.clone());
                }
                self.node.partitions.note(dir, event);
            }
        }
        !topics.is_empty()
    }
}
