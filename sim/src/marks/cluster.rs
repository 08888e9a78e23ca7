//! Marks read off the metadata, as the first node to know of each change sees it.

use super::Mark;
use esker_core::id::{NodeId, Offset, PartitionKey};
use esker_core::metadata::{Image, Partition};
use std::collections::BTreeMap;

/// What was known last.
#[derive(Debug, Default)]
pub struct Cluster {
    seen: Option<Offset>,
    partitions: BTreeMap<PartitionKey, Partition>,
    fenced: BTreeMap<NodeId, bool>,
}

impl Cluster {
    /// Compares the image with the newest that any node had before.
    pub fn look(&mut self, image: &Image, hit: &mut impl FnMut(Mark)) {
        if self.seen.is_some_and(|seen| image.offset() <= seen) {
            return;
        }
        self.seen = Some(image.offset());
        for broker in image.brokers() {
            match self.fenced.insert(broker.id, broker.fenced) {
                Some(false) if broker.fenced => hit(Mark::BrokerFenced),
                Some(true) if !broker.fenced => hit(Mark::BrokerUnfenced),
                _ => {}
            }
        }
        for (key, now) in image.topics().flat_map(|topic| topic.each_partition()) {
            let before = self.partitions.get(&key);
            if before == Some(now) {
                continue;
            }
            if let Some(before) = before {
                led(before, now, hit);
                moved(before, now, hit);
            }
            self.partitions.insert(key, now.clone());
        }
    }
}

/// What became of the in-sync set and the leader.
fn led(before: &Partition, now: &Partition, hit: &mut impl FnMut(Mark)) {
    if now.isr.len() < before.isr.len() {
        hit(Mark::IsrShrank);
        if now.isr.len() == 1 && now.replicas.len() > 1 {
            hit(Mark::IsrOne);
        }
    }
    if now.isr.len() > before.isr.len() {
        hit(Mark::IsrGrew);
    }
    if before.leader != now.leader {
        hit(if now.leader.is_none() { Mark::PartitionLeaderless } else { Mark::LeaderChanged });
        if now.leader.is_some_and(|leader| !before.isr.contains(&leader)) {
            hit(Mark::ElectionUnclean);
        }
        let well = before.leader.is_some_and(|leader| now.isr.contains(&leader));
        if well && now.leader == now.preferred() {
            hit(Mark::LeaderPreferred);
        }
    }
}

/// What became of a reassignment.
fn moved(before: &Partition, now: &Partition, hit: &mut impl FnMut(Mark)) {
    if now.is_reassigning() {
        if !before.is_reassigning() {
            hit(Mark::MoveBegun);
        }
        return;
    }
    let without = |gone: &[NodeId]| -> Vec<NodeId> {
        before.replicas.iter().copied().filter(|node| !gone.contains(node)).collect()
    };
    if before.is_reassigning() && now.replicas == without(&before.removing) {
        hit(Mark::MoveDone);
        if now.leader.is_some() && before.leader.is_some() && now.leader != before.leader {
            hit(Mark::MoveChangedLeader);
        }
    } else if before.is_reassigning() && now.replicas == without(&before.adding) {
        hit(Mark::MoveCancelled);
    }
}
