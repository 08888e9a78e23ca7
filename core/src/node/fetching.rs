//! The partitions of one Fetch, and what the last look at each found.
//!
//! A session keeps such a set from one request to the next (KIP-227); a Fetch without a session has one of its own while
//! it waits. A partition that has nothing for its reader is not looked at again before it moves: that is what `queue` is
//! for, and why a set of thousands costs as much as the few that have news.

use crate::id::{DirId, NodeId, Offset, PartitionKey, Uuid};
use crate::io::Records;
use crate::mutant::{self, Mutant};
use crate::partition::{FetchQuery, Isolation};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::protocol::StrBytes;

/// Who fetches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reader {
    /// A follower; `None`: a consumer.
    pub replica: Option<NodeId>,
    pub isolation: Isolation,
}

/// A Fetch that waits for more.
#[derive(Debug)]
pub struct Fetching {
    pub reader: Reader,
    pub min_bytes: usize,
    pub max_bytes: usize,
    pub source: Source,
    /// Every partition is answered, whether it has news or not.
    pub all: bool,
    /// Its time was up once: it waits for the disk alone.
    pub overdue: bool,
}

impl Fetching {
    /// What stands in a row's place while it is looked at.
    pub fn void() -> Self {
        let reader = Reader { replica: None, isolation: Isolation::Watermark };
        Self { reader, min_bytes: 0, max_bytes: 0, source: Source::Session(0), all: false, overdue: true }
    }
}

/// Where the partitions of a Fetch are.
#[derive(Debug)]
pub enum Source {
    Session(i32),
    /// Without a session: they live as long as the request.
    Own(FetchSet),
}

/// A partition as a Fetch names it: by topic id from version 13 on (the name is empty then), by name before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SlotKey {
    pub topic: Uuid,
    pub name: StrBytes,
    pub partition: i32,
}

/// What the reader wants of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub query: FetchQuery,
    /// A follower's synced end (tagged field 100); its fetch offset where it does not say.
    pub synced: Offset,
    /// Where a follower's log starts.
    pub start: Offset,
}

/// What a look at a partition found.
#[derive(Debug)]
pub struct Found {
    pub data: PartitionData,
    pub records: Records,
    /// Length of `records`.
    pub bytes: usize,
    /// What of it counts for `min_bytes`: all that the reader may have, if there is more than that (Kafka's `DelayedFetch`).
    pub counts: usize,
    /// Its bytes are being read from disk, or had no room: there will be something.
    pub cold: bool,
    /// An error or a divergence: the reader is told at once.
    pub urgent: bool,
}

/// How a look changed which folders a set watches.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rewatch {
    /// It is watched no longer.
    pub left: Option<DirId>,
    pub entered: Option<DirId>,
}

/// One partition of the set.
#[derive(Debug)]
pub struct Slot {
    pub key: SlotKey,
    pub wanted: Wanted,
    /// Which partition that is; `None`: not known when it was last looked at.
    pub partition: Option<PartitionKey>,
    /// The log whose moves wake it.
    pub dir: Option<DirId>,
    /// In a box: a session's partition has none for most of the time.
    pub found: Option<Box<Found>>,
    queued: bool,
    /// What the reader was told last: news are what differs.
    told: Option<(Offset, Offset)>,
}

/// Free slots of a set that are kept, however few are used.
const FREE_MAX: usize = 64;

/// The partitions of one Fetch.
///
/// Invariant: `index` names exactly the slots, and no more than half of them are free, but for [`FREE_MAX`]; a slot is in `queue` once if `queued`, else not; `bytes`, `counts`, `cold` and `urgent`
/// are sums over what the slots found; a slot that found something is in `gathered` once.
#[derive(Debug, Default)]
pub struct FetchSet {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    index: BTreeMap<SlotKey, u32>,
    by_dir: BTreeMap<DirId, u32>,
    /// Slots to look at, in this order. One that gave bytes goes to the back: none starves another (KIP-74).
    queue: VecDeque<u32>,
    /// Slots that found something since the last answer, in the order in which they were first looked at.
    gathered: Vec<u32>,
    bytes: usize,
    counts: usize,
    cold: usize,
    urgent: usize,
    /// How often the whole queue was gone through.
    #[cfg(test)]
    sifted: usize,
}

impl FetchSet {
    pub fn with_capacity(partitions: usize) -> Self {
        Self { slots: Vec::with_capacity(partitions), ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The bytes that were found so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What of the bytes that are there counts for `min_bytes`.
    pub fn counts(&self) -> usize {
        self.counts
    }

    /// How many partitions' bytes are being read from disk.
    pub fn cold(&self) -> usize {
        self.cold
    }

    /// How many partitions have something that the reader is to be told at once.
    pub fn urgent(&self) -> usize {
        self.urgent
    }

    fn discount(&mut self, found: &Found) {
        self.bytes -= found.bytes;
        self.counts -= found.counts;
        self.cold -= usize::from(found.cold);
        self.urgent -= usize::from(found.urgent);
    }

    /// Adds the partition, or changes what is wanted of it; it will be looked at.
    pub fn put(&mut self, key: SlotKey, wanted: Wanted) {
        if let Some(&at) = self.index.get(&key) {
            if let Some(Some(slot)) = self.slots.get_mut(at as usize) {
                // What was told in another epoch its reader may not have taken (seed 3497360822171).
                if slot.wanted.query.epoch != wanted.query.epoch {
                    slot.told = None;
                }
                slot.wanted = wanted;
            }
            self.queue_slot(at);
            return;
        }
        let slot =
            Slot { key: key.clone(), wanted, partition: None, dir: None, found: None, queued: false, told: None };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = Some(slot);
                at
            }
            None => {
                self.slots.push(Some(slot));
                u32::try_from(self.slots.len() - 1).expect("a request has fewer than 2^32 partitions")
            }
        };
        self.index.insert(key, at);
        self.queue_slot(at);
    }

    /// The reader no longer wants these partitions. Answers the folders that are watched no longer.
    pub fn forget(&mut self, keys: impl IntoIterator<Item = SlotKey>) -> Vec<DirId> {
        let (mut dirs, freed) = (Vec::new(), self.free.len());
        for key in keys {
            let Some(at) = self.index.remove(&key) else { continue };
            let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::take) else { continue };
            if let Some(found) = &slot.found {
                self.discount(found);
            }
            self.free.push(at);
            if let Some(dir) = slot.dir
                && self.by_dir.get(&dir) == Some(&at)
            {
                self.by_dir.remove(&dir);
                dirs.push(dir);
            }
        }
        if self.free.len() > freed {
            self.sift_queue();
            let slots = &self.slots;
            self.gathered.retain(|at| slots.get(*at as usize).is_some_and(Option::is_some));
            self.give_back();
        }
        dirs
    }

    /// Gives the memory of free slots back when most are: those in use get other numbers. It costs what was forgotten since the last time.
    fn give_back(&mut self) {
        if self.free.len() <= FREE_MAX || self.free.len() * 2 <= self.slots.len() {
            return;
        }
        let mut numbers = vec![u32::MAX; self.slots.len()];
        let mut slots = Vec::with_capacity(self.index.len());
        for (old, slot) in core::mem::take(&mut self.slots).into_iter().enumerate() {
            if slot.is_some() {
                numbers[old] = slots.len() as u32;
                slots.push(slot);
            }
        }
        self.slots = slots;
        self.free = Vec::new();
        let used = self.index.values_mut().chain(self.by_dir.values_mut());
        used.chain(&mut self.queue).chain(&mut self.gathered).for_each(|at| *at = numbers[*at as usize]);
        self.queue.shrink_to_fit();
        self.gathered.shrink_to_fit();
    }

    /// Takes out of the queue what is not queued any more. It goes through all of it: once for a request, not for each partition.
    fn sift_queue(&mut self) {
        #[cfg(test)]
        {
            self.sifted += 1;
        }
        let slots = &self.slots;
        self.queue.retain(|at| slots.get(*at as usize).and_then(Option::as_ref).is_some_and(|slot| slot.queued));
    }

    fn queue_slot(&mut self, at: u32) {
        if let Some(Some(slot)) = self.slots.get_mut(at as usize)
            && !slot.queued
        {
            slot.queued = true;
            self.queue.push_back(at);
        }
    }

    /// These partitions are looked at before all others, whatever room there is: a refusal takes none.
    pub fn hurry(&mut self, keys: &[SlotKey]) {
        let hurried: Vec<u32> = keys.iter().filter_map(|key| self.index.get(key).copied()).collect();
        if hurried.is_empty() {
            return;
        }
        for at in &hurried {
            if let Some(Some(slot)) = self.slots.get_mut(*at as usize) {
                slot.queued = false;
            }
        }
        self.sift_queue();
        for at in hurried {
            if let Some(Some(slot)) = self.slots.get_mut(at as usize)
                && !slot.queued
            {
                slot.queued = true;
                self.queue.push_front(at);
            }
        }
    }

    /// The log of the folder moved: its partition is worth a look. `false`: no partition of the set watches it.
    pub fn on_moved(&mut self, dir: DirId) -> bool {
        let Some(&at) = self.by_dir.get(&dir) else { return false };
        self.queue_slot(at);
        true
    }

    /// The next slot to look at; what it found before is void. [`FetchSet::found`] has to follow.
    pub fn pop(&mut self) -> Option<u32> {
        let at = self.queue.pop_front()?;
        let slot = self.slots.get_mut(at as usize)?.as_mut()?;
        slot.queued = false;
        match slot.found.take() {
            Some(found) => self.discount(&found),
            None => self.gathered.push(at),
        }
        Some(at)
    }

    pub fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)?.as_ref()
    }

    /// Every partition, as the reader last asked for it.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    /// How many slots wait to be looked at.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// What the look at the slot from [`FetchSet::pop`] found, and the folder to watch.
    pub fn found(&mut self, at: u32, partition: Option<PartitionKey>, dir: Option<DirId>, found: Found) -> Rewatch {
        self.bytes += found.bytes;
        self.counts += found.counts;
        self.cold += usize::from(found.cold);
        self.urgent += usize::from(found.urgent);
        let mut rewatch = Rewatch::default();
        let Some(Some(slot)) = self.slots.get_mut(at as usize) else { return rewatch };
        slot.partition = partition;
        let before = core::mem::replace(&mut slot.dir, dir);
        slot.found = Some(Box::new(found));
        if before == dir {
            return rewatch;
        }
        if let Some(before) = before
            && self.by_dir.get(&before) == Some(&at)
        {
            self.by_dir.remove(&before);
            rewatch.left = Some(before);
        }
        if let Some(dir) = dir {
            self.by_dir.insert(dir, at);
        }
        rewatch.entered = dir;
        rewatch
    }

    /// How many folders are watched.
    pub fn watched(&self) -> usize {
        self.by_dir.len()
    }

    /// The folders that are watched.
    pub fn dirs(&self) -> impl Iterator<Item = DirId> + '_ {
        self.by_dir.keys().copied()
    }

    /// Hands out what was found since the last answer: every slot if `all`, else those that have news for the reader.
    /// Slots that may still have something to say are looked at again next time.
    pub fn take(&mut self, all: bool) -> Vec<(SlotKey, PartitionData, Records)> {
        let mut answers = Vec::with_capacity(self.gathered.len());
        let mut served = Vec::new();
        for at in core::mem::take(&mut self.gathered) {
            let Some(Some(slot)) = self.slots.get_mut(at as usize) else { continue };
            let Some(found) = slot.found.take() else { continue };
            let start = if mutant::is(Mutant::SessionHidesStart) { 0 } else { found.data.log_start_offset };
            let told = (Offset(found.data.high_watermark), Offset(start));
            let news = found.bytes > 0 || found.urgent || slot.told != Some(told);
            // After an error the reader is told again when the error has gone.
            slot.told = (!found.urgent).then_some(told);
            let key = (all || news).then(|| slot.key.clone());
            self.discount(&found);
            if found.bytes > 0 {
                served.push(at);
            } else if found.cold || found.urgent {
                self.queue_slot(at);
            }
            if let Some(key) = key {
                answers.push((key, found.data, found.records));
            }
        }
        // Behind those that had no room in this answer.
        served.into_iter().for_each(|at| self.queue_slot(at));
        let left = (self.bytes, self.counts, self.cold, self.urgent);
        assert_eq!(left, (0, 0, 0, 0), "what was found lies in slots that were gathered");
        answers
    }

    /// What was found for a request that will not be answered with it is void: its slots are looked at again, in the turn they had.
    pub fn put_back(&mut self) {
        for at in core::mem::take(&mut self.gathered).into_iter().rev() {
            let Some(Some(slot)) = self.slots.get_mut(at as usize) else { continue };
            let Some(found) = slot.found.take() else { continue };
            if !slot.queued {
                slot.queued = true;
                self.queue.push_front(at);
            }
            self.discount(&found);
        }
    }

    pub fn check(&self) {
        assert_eq!(self.index.len() + self.free.len(), self.slots.len(), "a slot is used or free");
        let free = self.free.len();
        assert!(free <= FREE_MAX || free * 2 <= self.slots.len(), "{free} of {} slots are free", self.slots.len());
        let (mut queued, mut bytes, mut counts, mut cold, mut urgent, mut gathered) = (0, 0, 0, 0, 0, 0);
        for slot in self.slots.iter().flatten() {
            queued += usize::from(slot.queued);
            let Some(found) = &slot.found else { continue };
            bytes += found.bytes;
            counts += found.counts;
            cold += usize::from(found.cold);
            urgent += usize::from(found.urgent);
            gathered += 1;
        }
        assert_eq!(queued, self.queue.len(), "queued slots are in the queue");
        assert_eq!(bytes, self.bytes, "the bytes found are counted");
        assert_eq!(counts, self.counts, "what counts is counted");
        assert_eq!(cold, self.cold, "cold partitions are counted");
        assert_eq!(urgent, self.urgent, "urgent partitions are counted");
        assert_eq!(gathered, self.gathered.len(), "what was found is gathered");
    }
}

#[cfg(test)]
mod tests;
