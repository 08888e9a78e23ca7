//! The partitions that this node keeps a replica of, found by key or by folder, and when each wants to be called again.

use super::tails::Tails;
use crate::id::{DirId, PartitionKey};
use crate::partition::{Partition, PartitionEvent};
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Invariant: `by_dir` names each partition once; `deadlines` holds exactly the deadlines in `due`.
#[derive(Debug)]
pub struct Partitions {
    by_key: BTreeMap<PartitionKey, Partition>,
    by_dir: BTreeMap<DirId, PartitionKey>,
    due: BTreeMap<DirId, Mono>,
    deadlines: BTreeSet<(Mono, DirId)>,
    /// Partitions that an input touched, and what changed: settled before the input's handling ends.
    touched: BTreeMap<DirId, PartitionEvent>,
    /// Those of them that the last input touched and that are settled, each once.
    recent: BTreeSet<DirId>,
    tails: Tails,
    next_dir: DirId,
}

impl Default for Partitions {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_dir: BTreeMap::new(),
            due: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            touched: BTreeMap::new(),
            recent: BTreeSet::new(),
            tails: Tails::default(),
            next_dir: DirId::FIRST_PARTITION,
        }
    }
}

impl Partitions {
    /// A folder id that was never used in this process.
    pub fn new_dir(&mut self) -> DirId {
        let dir = self.next_dir;
        self.next_dir = DirId(dir.0.checked_add(1).expect("fewer than 2^32 folders are opened in one process"));
        dir
    }

    pub fn insert(&mut self, partition: Partition) {
        let (key, dir) = (partition.key(), partition.dir());
        self.by_dir.insert(dir, key);
        self.touched.entry(dir).or_default();
        let old = self.by_key.insert(key, partition);
        assert!(old.is_none(), "partition {key} was opened twice");
    }

    pub fn remove(&mut self, key: PartitionKey) -> Option<Partition> {
        let partition = self.by_key.remove(&key)?;
        let dir = partition.dir();
        self.by_dir.remove(&dir);
        self.touched.remove(&dir);
        if let Some(at) = self.due.remove(&dir) {
            self.deadlines.remove(&(at, dir));
        }
        self.tails.observe(dir, Mono(0), 0);
        Some(partition)
    }

    pub fn get(&self, key: PartitionKey) -> Option<&Partition> {
        self.by_key.get(&key)
    }

    /// For a change; what the change brought about goes to [`Partitions::note`].
    pub fn get_mut(&mut self, key: PartitionKey) -> Option<&mut Partition> {
        let partition = self.by_key.get_mut(&key)?;
        self.touched.entry(partition.dir()).or_default();
        Some(partition)
    }

    /// Something changed in the partition of this folder: who waits for it is looked at before the input's handling ends.
    pub fn note(&mut self, dir: DirId, event: PartitionEvent) {
        let known = self.touched.entry(dir).or_default();
        *known = known.and(event);
    }

    pub fn key_of(&self, dir: DirId) -> Option<PartitionKey> {
        self.by_dir.get(&dir).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Partition> {
        self.by_key.values()
    }

    /// The first partition, from this one on, whose log is not closed.
    pub fn first_open(&self, from: PartitionKey) -> Option<PartitionKey> {
        self.by_key.range(from..).find(|(_, partition)| !partition.is_closed()).map(|(key, _)| *key)
    }

    pub fn keys(&self) -> Vec<PartitionKey> {
        self.by_key.keys().copied().collect()
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// A partition that was touched and not settled since, with all that changed in it.
    pub fn pop_touched(&mut self) -> Option<(PartitionKey, PartitionEvent)> {
        loop {
            let (dir, event) = self.touched.pop_first()?;
            if let Some(key) = self.key_of(dir) {
                self.read_deadline(key);
                self.bound_tails(key);
                self.recent.insert(dir);
                return Some((key, event));
            }
        }
    }

    /// The logs together keep no more in memory than they may.
    fn bound_tails(&mut self, key: PartitionKey) {
        let Some(log) = self.by_key.get(&key).map(Partition::log) else { return };
        self.tails.observe(log.dir(), log.appended_at(), log.tail_bytes());
        while let Some(dir) = self.tails.pop_excess() {
            if let Some(partition) = self.by_dir.get(&dir).and_then(|key| self.by_key.get_mut(key)) {
                partition.release_tail();
            }
        }
    }

    fn read_deadline(&mut self, key: PartitionKey) {
        let Some(partition) = self.by_key.get(&key) else { return };
        let (dir, next) = (partition.dir(), partition.next_deadline());
        let before = match next {
            Some(at) => self.due.insert(dir, at),
            None => self.due.remove(&dir),
        };
        if before == next {
            return;
        }
        if let Some(at) = before {
            self.deadlines.remove(&(at, dir));
        }
        if let Some(at) = next {
            self.deadlines.insert((at, dir));
        }
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The partitions whose deadline has passed.
    pub fn due(&self, now: Mono) -> Vec<PartitionKey> {
        self.deadlines.range(..=(now, DirId(u32::MAX))).filter_map(|(_, dir)| self.key_of(*dir)).collect()
    }

    /// Another input begins: [`Partitions::recent`] is what it touches.
    pub fn begin_input(&mut self) {
        self.recent.clear();
    }

    /// The partitions that the last input touched; one that is not settled can come twice. The others are as they were, so that
    /// [`Partitions::check`] looks into no more than these.
    pub fn recent(&self) -> impl Iterator<Item = &Partition> {
        let open = self.touched.keys();
        self.recent.iter().chain(open).filter_map(|dir| self.by_key.get(self.by_dir.get(dir)?))
    }

    pub fn check(&self) {
        assert_eq!(self.by_key.len(), self.by_dir.len(), "a folder of no partition, or the reverse");
        assert_eq!(self.due.len(), self.deadlines.len(), "deadlines and their index differ");
        self.tails.check();
        for partition in self.recent() {
            assert_eq!(self.key_of(partition.dir()), Some(partition.key()));
            partition.check();
        }
    }
}
