//! The image as records, and back.

use super::{Change, Image, Record, Resource};
use crate::id::{LeaderEpoch, Offset};
use crate::mutant::{self, Mutant};
use alloc::string::String;
use alloc::vec::Vec;

impl Image {
    /// The image as records: applied to an empty image they make this one again, but for its offset and epoch.
    pub fn to_records(&self) -> Vec<Record> {
        let mut records = Vec::with_capacity(self.partitions + self.topics.len() + self.brokers.len() + 16);
        records.extend(self.cluster_id.iter().map(|id| Record::Cluster { id: id.clone() }));
        records.extend(self.features.iter().map(|(name, level)| Record::Feature { name: name.clone(), level: *level }));
        records.extend(self.brokers.values().cloned().map(Record::Broker));
        for topic in self.topics.values() {
            records.push(Record::Topic { id: topic.id, name: topic.name.clone() });
            let states = topic.each_partition();
            records.extend(states.map(|(key, state)| Record::Partition { key, state: state.clone() }));
            push_configs(&mut records, Resource::Topic(topic.id), self.configs(Resource::Topic(topic.id)));
        }
        for id in self.broker_configs.keys() {
            push_configs(&mut records, Resource::Broker(*id), self.configs(Resource::Broker(*id)));
        }
        if !mutant::is(Mutant::SnapshotLacksDefaults) {
            push_configs(&mut records, Resource::BrokerDefault, &self.broker_default);
        }
        if self.next_producer_id > 0 && !mutant::is(Mutant::SnapshotLacksIds) {
            records.push(Record::ProducerIds { next: self.next_producer_id });
        }
        records
    }

    /// The image of a snapshot that was taken at `offset` in `epoch`.
    pub fn from_records<'a>(offset: Offset, epoch: LeaderEpoch, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut image = Self::new();
        for record in records {
            image.apply(offset, record);
        }
        image.offset = offset;
        image.epoch = epoch;
        image
    }

    /// What may have changed since `before`, for who takes this image, a snapshot's, in its place: the records between were never seen. What is gone
    /// comes first, as a name may stand for another topic now.
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let gone = before.topics().filter(|topic| self.topic(topic.id).is_none());
        let removed = before.brokers.keys().filter(|id| self.broker(**id).is_none());
        let made = self.topics().flat_map(|topic| {
            let partitions = topic.each_partition().map(|(key, _)| Change::Partition(key));
            core::iter::once(Change::Topic(topic.id)).chain(partitions)
        });
        let mut changes = Vec::with_capacity(self.partitions + self.topics.len() + self.brokers.len() + 16);
        changes.extend(gone.map(Change::removed));
        changes.extend(removed.map(|id| Change::BrokerRemoved(*id)));
        changes.extend(self.cluster_id.iter().map(|_| Change::Cluster));
        changes.push(Change::Feature);
        changes.extend(self.brokers.keys().map(|id| Change::Broker(*id)));
        changes.extend(made);
        // Who hears of the defaults looks at every topic's settings.
        changes.push(Change::Config(Resource::BrokerDefault));
        changes.push(Change::ProducerIds);
        changes
    }
}

fn push_configs(records: &mut Vec<Record>, resource: Resource, configs: &super::Configs) {
    let set = |(name, value): (&String, &String)| Record::Config {
        resource,
        name: name.as_str().into(),
        value: Some(value.as_str().into()),
    };
    records.extend(configs.iter().map(set));
}

#[cfg(test)]
mod tests {
    use super::super::{Broker, Partition};
    use super::*;
    use crate::id::{BrokerEpoch, NodeId, PartitionKey, Uuid};

    fn topic(id: u128, name: &str) -> [Record; 2] {
        let (id, state) = (Uuid(id), Partition::new([NodeId(1)].into(), [NodeId(1)].into()));
        [
            Record::Topic { id, name: name.into() },
            Record::Partition { key: PartitionKey { topic: id, partition: 0 }, state },
        ]
    }

    fn broker(id: i32) -> Record {
        Record::Broker(Broker {
            id: NodeId(id),
            epoch: BrokerEpoch(1),
            incarnation: Uuid(1),
            endpoints: Vec::new(),
            rack: None,
            directories: Vec::new(),
            fenced: false,
            leaving: false,
        })
    }

    #[test]
    fn a_snapshot_tells_first_what_it_lacks_and_then_all_that_it_has() {
        let before = [broker(1), broker(2)].into_iter().chain(topic(7, "kept")).chain(topic(8, "made-anew"));
        let after = [broker(2)].into_iter().chain(topic(7, "kept")).chain(topic(9, "made-anew"));
        let image = |records: Vec<Record>| Image::from_records(Offset(9), LeaderEpoch(1), &records);
        let changes = image(after.collect()).changes_since(&image(before.collect()));
        let key = |topic| PartitionKey { topic: Uuid(topic), partition: 0 };
        let gone = [
            Change::TopicRemoved { id: Uuid(8), name: "made-anew".into(), partitions: 1 },
            Change::BrokerRemoved(NodeId(1)),
        ];
        assert_eq!(changes[..2], gone);
        for change in [Change::Broker(NodeId(2)), Change::Partition(key(7)), Change::Partition(key(9))] {
            assert!(changes[2..].contains(&change), "{change}");
        }
        assert!(!changes[2..].iter().any(|change| gone.contains(change)));
    }
}
