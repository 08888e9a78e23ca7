//! Loads and unloads the group coordinator's shards as this node gains and loses the lead of `__consumer_offsets` partitions.

use crate::group;
use crate::id::{PartitionKey, Uuid};
use crate::io::Note;
use crate::log::Loading;
use crate::metadata::Text;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::partition::PartitionEvent;
use crate::time::{Mono, Now, Span};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::protocol::StrBytes;

/// Bytes of a log that are read at once to load a shard.
const LOAD_BYTES: usize = 5 << 20;
/// How long until a read that was refused is tried again.
const RETRY: Span = Span::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Coordinators {
    /// The partition behind each shard: the topic may be deleted, and come again under another id.
    served: BTreeMap<i32, PartitionKey>,
    /// Shards whose log could not be read, and when to try again.
    again: BTreeMap<PartitionKey, Mono>,
    /// Topics that the batch of metadata in hand removes: empty between two batches.
    removed: Vec<StrBytes>,
}

impl Coordinators {
    /// Something changed in some partition (of any topic).
    pub fn on_partition_event(&mut self, node: &mut Node, now: Now, key: PartitionKey, event: PartitionEvent) {
        let known = self.served.get(&key.partition) == Some(&key);
        if !known && !event.opened && !event.role || node.offsets_partition(key.partition) != Some(key) {
            return;
        }
        let Some(partition) = node.partitions.get(key) else { return };
        let (leads, epoch, watermark) = (partition.is_leader(), partition.leader_epoch(), partition.watermark());
        let served = node.groups.epoch_of(key.partition).filter(|_| known);
        if leads && served != Some(epoch) && !(mutant::is(Mutant::NewEpochNotLoaded) && served.is_some()) {
            self.served.insert(key.partition, key);
            let decision = node.groups.on_leader(now, key.partition, epoch);
            node.coordinate(now, decision);
            self.load(node, now, key);
        } else if !leads && served.is_some() {
            self.forget(node, now, key);
        } else if (event.warm || event.watermark_moved) && node.groups.is_loading(key.partition) {
            self.load(node, now, key);
        }
        if leads && event.watermark_moved {
            let decision = node.groups.on_committed(now, key.partition, watermark);
            node.coordinate(now, decision);
        }
    }

    /// Reads on, as far as the bytes are in memory; the log says when more are. What is read has to be committed before anybody hears of
    /// it: a generation that is told and then lost would be told again, of other members (seed 774411302).
    ///
    /// So the group is `COORDINATOR_LOAD_IN_PROGRESS` for as long as the watermark stands still, for want of `min.insync.replicas` say. Kafka's
    /// is there as soon as it has read its log (`CoordinatorRuntime`, `CoordinatorLoaderImpl`): it keeps two states, answers an OffsetFetch
    /// from the one below its watermark, and has writes wait. That is no model: the watermark that a new leader knows may lie below what
    /// the one before it acknowledged, and an offset from there is an old one. Both codes have the client ask again.
    fn load(&mut self, node: &mut Node, now: Now, key: PartitionKey) {
        self.again.remove(&key);
        while let Some(known) = node.groups.load_from(key.partition) {
            let Some(partition) = node.partitions.get_mut(key) else { return };
            let from = known.max(partition.log_start());
            let watermark = partition.watermark();
            match partition.load(now, from, LOAD_BYTES, &mut node.out) {
                Ok(Loading::Batches(batches)) if !batches.is_empty() => {
                    let damaged = node.groups.on_loaded_batches(now, key.partition, &batches);
                    if damaged > 0 {
                        let text = format!("{}-{}: {damaged} records could not be read", group::TOPIC, key.partition);
                        node.out.note(Note::Text { topic: "group-load", text });
                    }
                }
                Ok(Loading::Batches(_) | Loading::End)
                    if watermark < known && !mutant::is(Mutant::LoadedBeforeCommitted) =>
                {
                    return;
                }
                Ok(Loading::Batches(_) | Loading::End) => {
                    let decision = node.groups.on_load_done(now, key.partition, watermark);
                    node.coordinate(now, decision);
                    forget_deleted(node, now, key);
                }
                Ok(Loading::Wait) => return,
                Err(refusal) => {
                    let text = format!("{}-{} cannot be read: {refusal}", group::TOPIC, key.partition);
                    node.out.note(Note::Text { topic: "group-load", text });
                    self.again.insert(key, now.mono + RETRY);
                    return;
                }
            }
        }
    }

    /// The partition is no longer led, or kept, here.
    pub fn forget(&mut self, node: &mut Node, now: Now, key: PartitionKey) {
        self.again.remove(&key);
        if self.served.get(&key.partition) == Some(&key) {
            self.served.remove(&key.partition);
            let decision = node.groups.on_unload(now, key.partition);
            node.coordinate(now, decision);
        }
    }

    /// A topic is removed by the change in hand: many may be, and the groups are asked once for all of them.
    pub fn on_topic_removed(&mut self, name: &Text) {
        self.removed.push(name.wire());
    }

    /// The change in hand is whole: what was committed for the topics that it removed goes.
    pub fn forget_removed(&mut self, node: &mut Node, now: Now) {
        let removed = core::mem::take(&mut self.removed);
        if !removed.is_empty() {
            let decision = node.groups.on_topics_deleted(now, &removed);
            node.coordinate(now, decision);
        }
    }

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {
        while let Some(key) = self.again.iter().find(|(_, at)| **at <= now.mono).map(|(key, _)| *key) {
            self.load(node, now, key);
        }
        let decision = node.groups.on_tick(now);
        node.coordinate(now, decision);
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.again.values().min().copied()
    }
}

/// A topic may have been deleted, and made anew under its name, while the coordinator was down or the log was being read: nobody may be told
/// where in the one before a group was (Kafka's tells everybody but those who name topics by their ids, as OffsetFetch 10 does).
///
/// What this node knows is enough: whoever coordinated before committed for topics that it knew, and did not know yet that this node leads, or is
/// registered; and this node coordinates nothing before it knows both (`roles`). Of a record without an id the name has to do.
fn forget_deleted(node: &mut Node, now: Now, key: PartitionKey) {
    let image = &node.image;
    let exists =
        |name: &StrBytes, id: Uuid| image.topic_named(name).is_some_and(|topic| id == Uuid(0) || topic.id == id);
    let decision = node.groups.forget_deleted(now, key.partition, exists);
    node.coordinate(now, decision);
}
