//! The partitions of one Fetch, and what the last look at each found.
//!
//! A session keeps such a set from one request to the next (KIP-227); a Fetch without a session has one of its own while
//! it waits. A partition that has nothing for its reader is not looked at again before it moves: that is what `queue` is
//! for, and why a set of thousands costs as much as the few that have news.

use crate::id::{DirId, LeaderEpoch, Offset, PartitionKey, Uuid};
use crate::io::Records;
use crate::partition::FetchQuery;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::protocol::StrBytes;

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
    /// Its bytes are being read from disk: there will be something.
    pub cold: bool,
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
    pub found: Option<Found>,
    queued: bool,
    /// What the reader was told last: news are what differs.
    told: Option<(Offset, Offset)>,
}

/// The partitions of one Fetch.
///
/// Invariant: `index` names exactly the slots; a slot is in `queue` once if `queued`, else not; `bytes` is the sum of
/// what the slots found.
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

    /// Adds the partition, or changes what is wanted of it; it will be looked at.
    pub fn put(&mut self, key: SlotKey, wanted: Wanted) {
        if let Some(&at) = self.index.get(&key) {
            if let Some(Some(slot)) = self.slots.get_mut(at as usize) {
                slot.wanted = wanted;
            }
            self.queue_slot(at);
            return;
        }
        let slot = Slot {
            key: key.clone(),
            wanted,
            partition: None,
            dir: None,
            found: None,
            queued: false,
            told: None,
        };
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

    /// The reader no longer wants the partition. Answers the folder that it watched.
    pub fn forget(&mut self, key: &SlotKey) -> Option<DirId> {
        let at = self.index.remove(key)?;
        let slot = self.slots.get_mut(at as usize)?.take()?;
        if slot.queued {
            self.queue.retain(|queued| *queued != at);
        }
        self.gathered.retain(|gathered| *gathered != at);
        self.bytes -= slot.found.map_or(0, |found| found.bytes);
        self.free.push(at);
        let dir = slot.dir?;
        (self.by_dir.get(&dir) == Some(&at)).then(|| self.by_dir.remove(&dir));
        Some(dir)
    }

    fn queue_slot(&mut self, at: u32) {
        if let Some(Some(slot)) = self.slots.get_mut(at as usize)
            && !slot.queued
        {
            slot.queued = true;
            self.queue.push_back(at);
        }
    }

    /// The log of the folder moved: its partition is worth a look. `false`: no partition of the set watches it.
    pub fn on_moved(&mut self, dir: DirId) -> bool {
        let Some(&at) = self.by_dir.get(&dir) else { return false };
        self.queue_slot(at);
        true
    }

    /// The next slot to look at; what it found before is void.
    pub fn next(&mut self) -> Option<(u32, &mut Slot)> {
        let at = self.queue.pop_front()?;
        let slot = self.slots.get_mut(at as usize)?.as_mut()?;
        slot.queued = false;
        if let Some(found) = slot.found.take() {
            self.bytes -= found.bytes;
        } else {
            self.gathered.push(at);
        }
        Some((at, slot))
    }

    /// How many slots wait to be looked at.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// What the look at the slot from [`FetchSet::next`] found, and the folder to watch. It is looked at again in the next
    /// answer if it may then still have something to say.
    pub fn found(&mut self, at: u32, partition: Option<PartitionKey>, dir: Option<DirId>, found: Found) {
        self.bytes += found.bytes;
        let Some(Some(slot)) = self.slots.get_mut(at as usize) else { return };
        slot.partition = partition;
        let before = core::mem::replace(&mut slot.dir, dir);
        slot.found = Some(found);
        if before == dir {
            return;
        }
        if let Some(before) = before
            && self.by_dir.get(&before) == Some(&at)
        {
            self.by_dir.remove(&before);
        }
        if let Some(dir) = dir {
            self.by_dir.insert(dir, at);
        }
    }

    /// What was found since the last answer.
    pub fn gathered(&self) -> impl Iterator<Item = &Slot> {
        self.gathered.iter().filter_map(|at| self.slots.get(*at as usize)?.as_ref())
    }

    /// The folders that are watched.
    pub fn dirs(&self) -> impl Iterator<Item = DirId> + '_ {
        self.by_dir.keys().copied()
    }

    /// Hands out what was found since the last answer: every slot if `all`, else those that have news for the reader.
    /// Slots that had bytes or an error are looked at again next time.
    pub fn take(&mut self, all: bool) -> Vec<(SlotKey, PartitionData, Records)> {
        let mut answers = Vec::with_capacity(self.gathered.len());
        for at in core::mem::take(&mut self.gathered) {
            let Some(Some(slot)) = self.slots.get_mut(at as usize) else { continue };
            let Some(found) = slot.found.take() else { continue };
            self.bytes -= found.bytes;
            let told = (Offset(found.data.high_watermark), Offset(found.data.log_start_offset));
            let failed = found.data.error_code != 0;
            let diverging = found.data.diverging_epoch.epoch != LeaderEpoch::NONE.0;
            let news = found.bytes > 0 || failed || diverging || slot.told != Some(told);
            // After an error the reader is told again when the error has gone.
            slot.told = (!failed).then_some(told);
            if found.bytes > 0 || found.cold || failed || diverging {
                self.queue_slot(at);
            }
            if let Some(Some(slot)) = self.slots.get(at as usize)
                && (all || news)
            {
                answers.push((slot.key.clone(), found.data, found.records));
            }
        }
        assert_eq!(self.bytes, 0, "every byte found lies in a slot that was gathered");
        answers
    }

    pub fn check(&self) {
        assert_eq!(self.index.len() + self.free.len(), self.slots.len(), "a slot is used or free");
        let queued = self.slots.iter().flatten().filter(|slot| slot.queued).count();
        assert_eq!(queued, self.queue.len(), "queued slots are in the queue");
        let bytes: usize = self.slots.iter().flatten().filter_map(|slot| slot.found.as_ref()).map(|f| f.bytes).sum();
        assert_eq!(bytes, self.bytes, "the bytes found are counted");
    }
}
