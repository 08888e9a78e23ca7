//! Topics that are to be made.

use super::super::configs::is_nonsense;
use super::super::topics::{collide, is_name};
use super::{Expected, codes, times, usable, wrong_replicas};
use esker_core::config::TopicDefaults;
use esker_core::error::ErrorCode;
use esker_core::id::NodeId;
use esker_core::metadata::Image;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use std::collections::BTreeMap;

/// The log of the metadata, which is no topic of anybody's.
const METADATA: &str = "__cluster_metadata";

pub(super) fn topics(request: &CreateTopicsRequest, image: &Image, defaults: &TopicDefaults) -> Expected {
    let times = times(request.topics.iter().map(|topic| topic.name.as_str()));
    let mut expected = Expected::new();
    // Those of the same request that come before it, as far as they are made.
    let mut made: Vec<&str> = Vec::new();
    for wanted in &request.topics {
        let name = wanted.name.as_str();
        let mut wrong = wrong_settings(wanted);
        if times[name] > 1 || name == METADATA {
            wrong.push(ErrorCode::InvalidRequest);
        }
        if image.topic_named(name).is_some() {
            wrong.push(ErrorCode::TopicAlreadyExists);
        }
        let mut others = image.topics().map(|topic| topic.name.as_str()).chain(made.iter().copied());
        if !is_name(name) || others.any(|other| collide(other, name)) {
            wrong.push(ErrorCode::InvalidTopicException);
        }
        if wanted.assignments.is_empty() {
            wrong.extend(wrong_counts(wanted, image, defaults));
        } else {
            wrong.extend(wrong_assignments(wanted, image));
        }
        if wrong.is_empty() {
            made.push(name);
        }
        let mut codes = codes(&wrong);
        // What settings there are, and what each can be, is not reckoned here.
        if !wanted.configs.is_empty() {
            codes.push(ErrorCode::InvalidConfig.code());
        }
        expected.insert(name.to_string(), codes);
    }
    expected
}

fn wrong_settings(wanted: &CreatableTopic) -> Vec<ErrorCode> {
    let settings = wanted.configs.iter();
    let settings = settings.filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())));
    let settings: BTreeMap<String, String> = settings.collect();
    let null = wanted.configs.iter().any(|config| config.value.is_none());
    if null || is_nonsense(&settings) { vec![ErrorCode::InvalidConfig] } else { Vec::new() }
}

fn wrong_counts(wanted: &CreatableTopic, image: &Image, defaults: &TopicDefaults) -> Vec<ErrorCode> {
    let mut wrong = Vec::new();
    let (count, factor) = (wanted.num_partitions, wanted.replication_factor);
    if count == 0 || count < -1 {
        wrong.push(ErrorCode::InvalidPartitions);
    }
    let factor = if factor == -1 { defaults.replication_factor } else { factor };
    if factor <= 0 || usize::try_from(factor).is_ok_and(|factor| factor > usable(image)) {
        wrong.push(ErrorCode::InvalidReplicationFactor);
    }
    wrong
}

/// Each partition has a place of its own, from the first on, and all of them have as many replicas, one of which can lead.
fn wrong_assignments(wanted: &CreatableTopic, image: &Image) -> Vec<ErrorCode> {
    let mut wrong = Vec::new();
    if wanted.num_partitions != -1 || wanted.replication_factor != -1 {
        wrong.push(ErrorCode::InvalidRequest);
    }
    let mut numbers: Vec<i32> = wanted.assignments.iter().map(|one| one.partition_index).collect();
    numbers.sort_unstable();
    let in_order = (0..).zip(&numbers).all(|(place, number)| place == *number);
    let factor = wanted.assignments.first().map_or(0, |first| first.broker_ids.len());
    let bad = wanted.assignments.iter().any(|one| {
        let replicas: Vec<i32> = one.broker_ids.iter().map(|id| id.0).collect();
        let idle = !replicas.iter().any(|id| image.active(NodeId(*id)));
        replicas.len() != factor || idle || wrong_replicas(&replicas, image)
    });
    if bad || !in_order {
        wrong.push(ErrorCode::InvalidReplicaAssignment);
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::tests::{image, name};
    use super::*;
    use kafka_protocol::messages::BrokerId;
    use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;

    fn topic(of: &'static str, places: &[i32]) -> CreatableTopic {
        let place = |number: &i32| {
            CreatableReplicaAssignment::default().with_partition_index(*number).with_broker_ids(vec![BrokerId(1)])
        };
        let topic = CreatableTopic::default().with_name(name(of)).with_num_partitions(-1).with_replication_factor(-1);
        topic.with_assignments(places.iter().map(place).collect())
    }

    #[test]
    fn what_is_wrong_with_a_topic_is_named() {
        let defaults = TopicDefaults { partitions: 1, replication_factor: 1, auto_create: false, delete_enable: true };
        let told = |wanted: Vec<CreatableTopic>, of: &str| {
            topics(&CreateTopicsRequest::default().with_topics(wanted), &image(), &defaults)[of].clone()
        };
        // Nobody is there who could have a replica.
        let nobody = ErrorCode::InvalidReplicationFactor.code();
        assert_eq!(told(vec![topic("u", &[])], "u"), [nobody]);
        assert!(told(vec![topic("t", &[])], "t").contains(&ErrorCode::TopicAlreadyExists.code()));
        assert!(told(vec![topic("u", &[]), topic("u", &[])], "u").contains(&ErrorCode::InvalidRequest.code()));
        assert!(told(vec![topic("no name!", &[])], "no name!").contains(&ErrorCode::InvalidTopicException.code()));
        assert_eq!(told(vec![topic("u", &[0, 2])], "u"), [ErrorCode::InvalidReplicaAssignment.code()]);
    }
}
