//! The image as records, and back.

use super::{Image, Record, Resource};
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
}

fn push_configs(records: &mut Vec<Record>, resource: Resource, configs: &super::Configs) {
    let set = |(name, value): (&String, &String)| Record::Config {
        resource,
        name: name.as_str().into(),
        value: Some(value.as_str().into()),
    };
    records.extend(configs.iter().map(set));
}
