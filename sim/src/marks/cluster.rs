//! Marks read off the metadata, as the first node to know of each change sees it.

use super::Mark;
use esker_core::id::{NodeId, Offset, PartitionKey};
use esker_core::metadata::Image;
use std::collections::BTreeMap;

/// What was known last.
#[derive(Debug, Default)]
pub struct Cluster {
    seen: Option<Offset>,
    partitions: BTreeMap<PartitionKey, (Option<NodeId>, Vec<NodeId>)>,
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
            if before.is_some_and(|(leader, isr)| *leader == now.leader && *isr == now.isr) {
                continue;
            }
            if let Some((leader, isr)) = before {
                if now.isr.len() < isr.len() {
                    hit(Mark::IsrShrank);
                    if now.isr.len() == 1 && now.replicas.len() > 1 {
                        hit(Mark::IsrOne);
                    }
                }
                if now.isr.len() > isr.len() {
                    hit(Mark::IsrGrew);
                }
                if *leader != now.leader {
                    hit(if now.leader.is_none() { Mark::PartitionLeaderless } else { Mark::LeaderChanged });
                    let well = leader.is_some_and(|leader| now.isr.contains(&leader));
                    if well && now.leader == now.preferred() {
                        hit(Mark::LeaderPreferred);
                    }
                }
            }
            self.partitions.insert(key, (now.leader, now.isr.clone()));
        }
    }
}
