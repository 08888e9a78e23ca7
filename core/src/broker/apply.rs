//! What the quorum has committed, taken into the node's image; and what each change asks of the node.

use super::Broker;
use crate::id::{NodeId, PartitionKey};
use crate::metadata::{self, Change, Image, Record, Resource, decode};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::quorum::Committed;
use crate::time::Now;
use alloc::vec::Vec;
use bytes::Bytes;

/// Applies all that is committed and at hand. Whether there was anything.
pub(super) fn drain(broker: &mut Broker, now: Now) -> bool {
    let mut moved = false;
    loop {
        let step = broker.node.quorum.next_committed(now, &mut broker.node.out);
        match step {
            Committed::None | Committed::Wait => return moved,
            Committed::Snapshot { offset, epoch, bytes } => {
                let Some(records) = read(broker, snapshot_parts(&bytes)) else { return moved };
                // The snapshot reaches up to `offset`, exclusive; the image names the last record that it has.
                if mutant::is(Mutant::SnapshotStale) {
                    broker.node.image.advance(offset.plus(-1), epoch);
                    continue;
                }
                let last = if mutant::is(Mutant::SnapshotOneFurther) { offset } else { offset.plus(-1) };
                install(broker, now, Image::from_records(last, epoch, &records));
            }
            Committed::Batch { base, last, epoch, records } => {
                // The epoch of a batch is not under its checksum: one that falls was not written so.
                if epoch < broker.node.image.epoch() {
                    broker.fail(alloc::format!("the metadata log is damaged at {base}: {epoch} follows a later epoch"));
                    return moved;
                }
                let Some(records) = read(broker, records.into_iter().map(Some)) else { return moved };
                for (place, record) in records.iter().enumerate() {
                    let change = broker.node.image.apply(base.plus(place as i64), record);
                    on_change(broker, now, change);
                }
                broker.coordinators.forget_removed(&mut broker.node, now);
                broker.node.image.advance(last, epoch);
            }
        }
        moved = true;
    }
}

/// Reads records; one that cannot be read ends the node, since it cannot know what the others know.
fn read(broker: &mut Broker, parts: impl Iterator<Item = Option<Bytes>>) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for part in parts {
        match part.as_deref().map(decode) {
            Some(Ok(record)) => records.push(record),
            Some(Err(error)) => {
                broker.fail(alloc::format!("the metadata log holds a record that cannot be read: {error}"));
                return None;
            }
            None => {
                broker.fail("a metadata snapshot is cut short".into());
                return None;
            }
        }
    }
    Some(records)
}

/// A snapshot takes the place of all that was known.
fn install(broker: &mut Broker, now: Now, image: Image) {
    let before = core::mem::replace(&mut broker.node.image, image);
    for change in broker.node.image.changes_since(&before) {
        on_change(broker, now, change);
    }
    broker.coordinators.forget_removed(&mut broker.node, now);
}

/// The partitions that this node leads hear whether a node may be in sync.
fn tell_leaders(broker: &mut Broker, now: Now, id: NodeId) {
    let node = &mut broker.node;
    let known = node.image.broker(id);
    let (epoch, active) = (known.map(|known| known.epoch), known.is_some_and(metadata::Broker::active));
    for key in node.partitions.keys() {
        let Some(partition) = node.partitions.get_mut(key) else { continue };
        let dir = partition.dir();
        let event = partition.on_broker(now, id, epoch, active);
        node.partitions.note(dir, event);
    }
}

fn on_change(broker: &mut Broker, now: Now, change: Change) {
    let keeps = broker.node.config.is_broker;
    match change {
        // Who only controls has no replicas to look after, and never would.
        Change::Partition(_) | Change::Config(Resource::Topic(_)) if !keeps => {}
        Change::Partition(key) => {
            broker.roles.pending.insert(key);
        }
        Change::TopicRemoved { id, name, partitions } => {
            let partitions = if keeps { partitions } else { 0 };
            broker.roles.pending.extend((0..partitions).map(|partition| PartitionKey { topic: id, partition }));
            broker.coordinators.on_topic_removed(&name);
        }
        Change::Config(_) if mutant::is(Mutant::ConfigNotApplied) => {}
        Change::Config(Resource::Topic(id)) => {
            broker.roles.reconfigured.topics.insert(id);
        }
        Change::Config(Resource::Broker(_) | Resource::BrokerDefault) => broker.roles.reconfigured.all = true,
        Change::Cluster => learn_cluster(broker),
        Change::Broker(id) | Change::BrokerRemoved(id) => {
            broker.fetchers.on_brokers_changed();
            learn_directory(broker, now, id);
            if !mutant::is(Mutant::BackNotHeard) {
                tell_leaders(broker, now, id);
            }
        }
        Change::Feature | Change::Topic(_) | Change::ProducerIds | Change::Stray => {}
    }
}

/// The quorum hears from which folder a node votes.
fn learn_directory(broker: &mut Broker, now: Now, id: NodeId) {
    let Node { quorum, image, out, .. } = &mut broker.node;
    if let Some(directory) = image.broker(id).and_then(|known| known.directories.first()) {
        quorum.learn_directory(now, id, *directory, out);
    }
}

fn learn_cluster(broker: &mut Broker) {
    if let Some(id) = broker.node.image.cluster_id() {
        let id = id.as_str().into();
        broker.node.quorum.set_cluster_id(id);
        broker.chores.meta_due = true;
    }
}

/// A snapshot is its records one after the other, each behind its length (four bytes, big endian).
pub(super) fn snapshot_of(image: &Image) -> Bytes {
    let mut bytes = Vec::new();
    for record in image.to_records() {
        let encoded = crate::metadata::encode(&record);
        let length = u32::try_from(encoded.len()).expect("a record is far smaller than 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&encoded);
    }
    Bytes::from(bytes)
}

/// `None` where the bytes end before they should.
fn snapshot_parts(bytes: &Bytes) -> impl Iterator<Item = Option<Bytes>> {
    let mut at = 0;
    let bytes = bytes.clone();
    core::iter::from_fn(move || {
        if at == bytes.len() {
            return None;
        }
        let length = bytes.get(at..at + 4).and_then(|head| head.try_into().ok()).map(u32::from_be_bytes);
        let end = length.and_then(|length| (at + 4).checked_add(length as usize)).filter(|end| *end <= bytes.len());
        let part = end.map(|end| bytes.slice(at + 4..end));
        at = end.unwrap_or(bytes.len());
        Some(part)
    })
}
