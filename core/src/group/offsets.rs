//! The committed offsets of a shard's groups.

use super::records::Committed;
use crate::id::{Offset, ProducerId};
use crate::mutant::{self, Mutant};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use kafka_protocol::protocol::StrBytes;

/// The committed offsets of a shard's groups, as the log has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Offsets {
    groups: BTreeMap<StrBytes, GroupOffsets>,
    /// The groups of each topic: a topic that is deleted asks no other. Exactly what `groups` has, never without one.
    by_topic: BTreeMap<StrBytes, BTreeSet<StrBytes>>,
    /// What open transactions commit when they end (Kafka's logs; there are no transactions of ours yet).
    pending: BTreeMap<ProducerId, BTreeMap<Place, Kept>>,
}

/// Group, topic, partition.
pub(super) type Place = (StrBytes, StrBytes, i32);

/// One group's offsets, by topic and partition. Never without one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct GroupOffsets {
    topics: BTreeMap<StrBytes, BTreeMap<i32, Kept>>,
    /// The youngest record that changed them.
    last: Offset,
}

/// A committed offset and the record that said it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    pub committed: Committed,
    pub at: Offset,
}

impl Offsets {
    pub fn get(&self, group: &StrBytes, topic: &StrBytes, partition: i32) -> Option<&Kept> {
        let group = if mutant::is(Mutant::GroupsShareOffsets) { self.groups.keys().next()? } else { group };
        self.groups.get(group)?.topics.get(topic)?.get(&partition)
    }

    /// A group's offsets in order.
    pub fn of_group(&self, group: &StrBytes) -> impl Iterator<Item = (&StrBytes, &BTreeMap<i32, Kept>)> {
        self.groups.get(group).into_iter().flat_map(|offsets| &offsets.topics)
    }

    /// The youngest record among those that a group's offsets rest on; `None`: it has none.
    pub fn last_of(&self, group: &StrBytes) -> Option<Offset> {
        self.groups.get(group).map(|offsets| offsets.last)
    }

    pub fn groups(&self) -> impl Iterator<Item = &StrBytes> {
        self.groups.keys()
    }

    /// `at` says: this is committed.
    pub fn put(&mut self, (group, topic, partition): Place, kept: Kept) {
        let offsets = self.groups.entry(group.clone()).or_default();
        offsets.last = offsets.last.max(kept.at);
        if !offsets.topics.contains_key(&topic) {
            self.by_topic.entry(topic.clone()).or_default().insert(group);
        }
        let known = offsets.topics.entry(topic).or_default();
        if !(mutant::is(Mutant::OlderCommitWins) && known.contains_key(&partition)) {
            known.insert(partition, kept);
        }
    }

    /// `at` says: no offset is committed here.
    pub fn remove(&mut self, place: &Place, at: Offset) {
        for open in self.pending.values_mut() {
            open.remove(place);
        }
        let (group, topic, partition) = place;
        let Some(offsets) = self.groups.get_mut(group) else { return };
        offsets.last = offsets.last.max(at);
        let Some(partitions) = offsets.topics.get_mut(topic) else { return };
        partitions.remove(partition);
        if partitions.is_empty() {
            offsets.topics.remove(topic);
            if let Some(groups) = self.by_topic.get_mut(topic) {
                groups.remove(group);
                if groups.is_empty() {
                    self.by_topic.remove(topic);
                }
            }
        }
        if offsets.topics.is_empty() {
            self.groups.remove(group);
        }
    }

    /// `at` says: this is committed if the producer's transaction is.
    pub fn put_pending(&mut self, producer: ProducerId, place: Place, kept: Kept) {
        self.pending.entry(producer).or_default().insert(place, kept);
    }

    /// The producer's transaction ended. What was committed beside it since then stays.
    pub fn end_transaction(&mut self, producer: ProducerId, committed: bool) {
        for (place, kept) in self.pending.remove(&producer).unwrap_or_default() {
            let (group, topic, partition) = &place;
            let newer = self.get(group, topic, *partition).is_some_and(|known| known.at > kept.at);
            if committed && !newer {
                self.put(place, kept);
            }
        }
    }

    /// Whether an open transaction may still change this one.
    pub fn is_unstable(&self, place: &Place) -> bool {
        self.pending.values().any(|open| open.contains_key(place))
    }

    /// Whether an open transaction holds offsets of the group.
    pub fn has_open_transaction(&self, group: &StrBytes) -> bool {
        self.pending.values().any(|open| open.keys().any(|(of, _, _)| of == group))
    }

    /// Every place of a group, with those of open transactions.
    pub fn places_of(&self, group: &StrBytes) -> Vec<Place> {
        let kept = self.of_group(group).flat_map(|(topic, partitions)| {
            partitions.keys().map(move |partition| (group.clone(), topic.clone(), *partition))
        });
        let mut places: Vec<Place> = kept.collect();
        for open in self.pending.values() {
            let of_group = open.keys().filter(|(of, _, _)| of == group);
            places.extend(of_group.cloned());
        }
        places.sort();
        places.dedup();
        places
    }

    /// Every place of some topics, with those of open transactions.
    pub fn places_of_topics(&self, topics: &BTreeSet<&StrBytes>) -> Vec<Place> {
        let mut places = Vec::new();
        for topic in topics {
            for group in self.by_topic.get(*topic).into_iter().flatten() {
                let partitions = self.groups.get(group).and_then(|offsets| offsets.topics.get(*topic));
                let partitions = partitions.into_iter().flat_map(BTreeMap::keys);
                places.extend(partitions.map(|partition| (group.clone(), (*topic).clone(), *partition)));
            }
        }
        let open = self.pending.values().flat_map(BTreeMap::keys);
        places.extend(open.filter(|(_, topic, _)| topics.contains(topic)).cloned());
        places.sort();
        places.dedup();
        places
    }

    pub fn check(&self) {
        let pairs =
            self.groups.iter().flat_map(|(group, offsets)| offsets.topics.keys().map(move |topic| (topic, group)));
        let listed = self.by_topic.iter().flat_map(|(topic, groups)| groups.iter().map(move |group| (topic, group)));
        assert!(
            pairs.collect::<BTreeSet<_>>().into_iter().eq(listed),
            "group: a topic's groups are others than have offsets"
        );
        assert!(self.by_topic.values().all(|groups| !groups.is_empty()), "group: a topic of no groups");
        for (group, offsets) in &self.groups {
            assert!(!offsets.topics.is_empty(), "group {}: a place for no offsets", group.as_str());
            for partitions in offsets.topics.values() {
                assert!(!partitions.is_empty(), "group {}: a topic of no offsets", group.as_str());
                assert!(
                    partitions.values().all(|kept| kept.at <= offsets.last),
                    "group {}: a later offset",
                    group.as_str()
                );
            }
        }
    }
}
