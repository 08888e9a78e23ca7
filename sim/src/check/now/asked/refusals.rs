//! What an administrator asks the controller for is refused by a code that says why, and by none where nothing is wrong. Of several things that
//! are wrong any may be named. What is wrong is reckoned here from the request and from what the controller had decided when it came.

mod make;

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::id::{NodeId, Uuid};
use esker_core::metadata::{Image, Partition};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, CreatePartitionsRequest, DeleteTopicsRequest, ElectLeadersRequest, RequestKind,
    ResponseKind, alter_configs_request, incremental_alter_configs_request,
};
use std::collections::BTreeMap;

/// Codes that say nothing of what was asked: it is too much at once, or took too long.
const ELSEWHERE: [ErrorCode; 2] = [ErrorCode::PolicyViolation, ErrorCode::RequestTimedOut];

/// Some of what no running broker can change.
const FIXED: [&str; 3] = ["node.id", "log.dirs", "num.partitions"];

/// The codes that a thing may be answered with, by its name. Of what is not there nobody knows.
type Expected = BTreeMap<String, Vec<i16>>;

/// What it may be told, if this is wrong with it.
fn codes(wrong: &[ErrorCode]) -> Vec<i16> {
    if wrong.is_empty() { vec![0] } else { wrong.iter().map(ErrorCode::code).collect() }
}

/// What each that has no answer has to be told.
#[derive(Debug, Default)]
pub struct Refusals {
    asked: Map<At, Expected>,
}

impl Refusals {
    pub fn on_request(&mut self, at: At, body: &RequestKind, version: i16, core: &Core) {
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return };
        let settings = &core.config.topics;
        let is_fixed = |name: &str| FIXED.contains(&name);
        let expected = match body {
            RequestKind::CreateTopics(request) => make::topics(request, image, settings),
            RequestKind::CreatePartitions(request) => widen(request, image),
            RequestKind::DeleteTopics(request) => delete(request, image, settings.delete_enable, version),
            RequestKind::ElectLeaders(request) if request.election_type == 0 => elect(request, image),
            RequestKind::AlterPartitionReassignments(request) => reassign(request, image),
            RequestKind::AlterConfigs(request) => {
                let each = request.resources.iter();
                let fixed = |one: &alter_configs_request::AlterConfigsResource| {
                    one.configs.iter().any(|config| is_fixed(&config.name))
                };
                configs(each.map(|one| (one.resource_type, &*one.resource_name, fixed(one))), image)
            }
            RequestKind::IncrementalAlterConfigs(request) => {
                let each = request.resources.iter();
                let fixed = |one: &incremental_alter_configs_request::AlterConfigsResource| {
                    one.configs.iter().any(|config| is_fixed(&config.name))
                };
                configs(each.map(|one| (one.resource_type, &*one.resource_name, fixed(one))), image)
            }
            _ => return,
        };
        self.asked.insert(at, expected);
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, body: &ResponseKind) -> Result<(), Broken> {
        let Some(expected) = self.asked.remove(&at) else { return Ok(()) };
        let told: Vec<(String, i16)> = match body {
            ResponseKind::CreateTopics(response) => {
                response.topics.iter().map(|told| (told.name.to_string(), told.error_code)).collect()
            }
            ResponseKind::CreatePartitions(response) => {
                response.results.iter().map(|told| (told.name.to_string(), told.error_code)).collect()
            }
            ResponseKind::DeleteTopics(response) => {
                let each = response.responses.iter();
                // By its name where that was named, else by its id.
                let key = |name: Option<String>, id: Uuid| {
                    name.filter(|name| expected.contains_key(name)).unwrap_or_else(|| id.to_string())
                };
                each.map(|told| {
                    (key(told.name.as_ref().map(|name| name.to_string()), told.topic_id.into()), told.error_code)
                })
                .collect()
            }
            ResponseKind::ElectLeaders(response) if response.error_code == 0 => {
                let topics = response.replica_election_results.iter();
                topics
                    .flat_map(|topic| topic.partition_result.iter().map(move |one| (topic, one)))
                    .map(|(topic, one)| (place(&topic.topic, one.partition_id), one.error_code))
                    .collect()
            }
            ResponseKind::AlterPartitionReassignments(response) if response.error_code == 0 => {
                let topics = response.responses.iter();
                topics
                    .flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)))
                    .map(|(topic, one)| (place(&topic.name, one.partition_index), one.error_code))
                    .collect()
            }
            ResponseKind::AlterConfigs(response) => {
                let each = response.responses.iter();
                each.map(|told| (of_kind(told.resource_type, &told.resource_name), told.error_code)).collect()
            }
            ResponseKind::IncrementalAlterConfigs(response) => {
                let each = response.responses.iter();
                each.map(|told| (of_kind(told.resource_type, &told.resource_name), told.error_code)).collect()
            }
            _ => Vec::new(),
        };
        told.iter().try_for_each(|(name, code)| judge(name, expected.get(name).map(Vec::as_slice), *code))
    }
}

/// How often each is named.
fn times<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut times = BTreeMap::new();
    names.for_each(|name| *times.entry(name).or_default() += 1);
    times
}

fn place(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// Brokers that may be given replicas: all that are not about to leave, if one of them can lead (a fenced one cannot).
fn usable(image: &Image) -> usize {
    let can_lead = image.brokers().any(|broker| !broker.fenced && !broker.leaving);
    if can_lead { image.brokers().filter(|broker| broker.fenced || !broker.leaving).count() } else { 0 }
}

/// What is wrong with replicas that somebody names.
fn wrong_replicas(replicas: &[i32], image: &Image) -> bool {
    let twice = (1..replicas.len()).any(|at| replicas[..at].contains(&replicas[at]));
    replicas.is_empty() || twice || replicas.iter().any(|id| image.broker(NodeId(*id)).is_none())
}

fn widen(request: &CreatePartitionsRequest, image: &Image) -> Expected {
    let times = times(request.topics.iter().map(|topic| topic.name.as_str()));
    let each = request.topics.iter().map(|wanted| {
        let name = wanted.name.as_str();
        let mut wrong = Vec::new();
        if times[name] > 1 {
            wrong.push(ErrorCode::InvalidRequest);
        }
        match image.topic_named(name) {
            None => wrong.push(ErrorCode::UnknownTopicOrPartition),
            Some(topic) => {
                let has = topic.partitions.len();
                let more = usize::try_from(wanted.count).unwrap_or(0).saturating_sub(has);
                let factor = topic.partitions.first().map_or(0, |first| first.replicas.len());
                if more == 0 {
                    wrong.push(ErrorCode::InvalidPartitions);
                }
                match &wanted.assignments {
                    None if factor > usable(image) || usable(image) == 0 => {
                        wrong.push(ErrorCode::InvalidReplicationFactor);
                    }
                    None => {}
                    Some(given) => {
                        let bad = given.iter().any(|one| {
                            let replicas: Vec<i32> = one.broker_ids.iter().map(|id| id.0).collect();
                            let idle = !replicas.iter().any(|id| image.active(NodeId(*id)));
                            replicas.len() != factor || wrong_replicas(&replicas, image) || idle
                        });
                        if bad || given.len() != more {
                            wrong.push(ErrorCode::InvalidReplicaAssignment);
                        }
                    }
                }
            }
        }
        (name.to_string(), codes(&wrong))
    });
    each.collect()
}

fn delete(request: &DeleteTopicsRequest, image: &Image, may: bool, version: i16) -> Expected {
    let by_name = request.topics.iter().filter_map(|topic| topic.name.as_ref()).chain(&request.topic_names);
    let names = times(by_name.map(|name| name.as_str()));
    let ids: Vec<Uuid> =
        request.topics.iter().map(|topic| topic.topic_id.into()).filter(|id| *id != Uuid::ZERO).collect();
    let mut expected = Expected::new();
    let disabled = if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
    let disabled = (!may).then_some(disabled);
    for (name, times) in names {
        let known = image.topic_named(name);
        let mut wrong: Vec<ErrorCode> = disabled.into_iter().collect();
        // By its name and by its id; or both at once.
        let both = request.topics.iter().any(|topic| {
            topic.name.as_ref().is_some_and(|own| own.as_str() == name) && Uuid::from(topic.topic_id) != Uuid::ZERO
        });
        if times > 1 || both || known.is_some_and(|topic| ids.contains(&topic.id)) {
            wrong.push(ErrorCode::InvalidRequest);
        }
        if known.is_none() {
            wrong.push(ErrorCode::UnknownTopicOrPartition);
        }
        expected.insert(name.to_string(), codes(&wrong));
    }
    for id in &ids {
        let mut wrong: Vec<ErrorCode> = disabled.into_iter().collect();
        if ids.iter().filter(|other| *other == id).count() > 1 {
            wrong.push(ErrorCode::InvalidRequest);
        }
        if image.topic(*id).is_none() {
            wrong.push(ErrorCode::UnknownTopicId);
        }
        expected.insert(id.to_string(), codes(&wrong));
    }
    expected
}

/// Preferred leaders.
fn elect(request: &ElectLeadersRequest, image: &Image) -> Expected {
    let mut expected = Expected::new();
    let told = |state: Option<&Partition>| match state {
        None => vec![ErrorCode::UnknownTopicOrPartition.code()],
        Some(state) if state.leader.is_some() && state.leader == state.preferred() => {
            vec![ErrorCode::ElectionNotNeeded.code()]
        }
        Some(state) => {
            // Whether its disk is full only the controller knows.
            let ready = state.preferred().is_some_and(|node| state.in_sync(node) && image.active(node));
            let absent = ErrorCode::PreferredLeaderNotAvailable.code();
            if ready { vec![0, absent] } else { vec![absent] }
        }
    };
    match &request.topic_partitions {
        Some(topics) => {
            for (topic, number) in topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, *one)))
            {
                let state = image.topic_named(&topic.topic).and_then(|topic| topic.partition(number));
                expected.insert(place(&topic.topic, number), told(state));
            }
        }
        None => {
            for topic in image.topics() {
                for (key, state) in topic.each_partition() {
                    expected.insert(place(&topic.name, key.partition), told(Some(state)));
                }
            }
        }
    }
    expected
}

fn reassign(request: &AlterPartitionReassignmentsRequest, image: &Image) -> Expected {
    let mut expected = Expected::new();
    for (topic, asked) in request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one))) {
        let state = image.topic_named(&topic.name).and_then(|topic| topic.partition(asked.partition_index));
        let mut wrong = Vec::new();
        match (state, &asked.replicas) {
            (None, _) => wrong.push(ErrorCode::UnknownTopicOrPartition),
            (Some(state), None) if !state.is_reassigning() => wrong.push(ErrorCode::NoReassignmentInProgress),
            (Some(state), None) => {
                // What is left of the set in sync would be nobody.
                if state.isr.iter().all(|node| state.adding.contains(node)) {
                    continue;
                }
            }
            (Some(state), Some(wanted)) => {
                let wanted: Vec<i32> = wanted.iter().map(|id| id.0).collect();
                let factor = state.replicas.iter().filter(|node| !state.removing.contains(node)).count();
                if wrong_replicas(&wanted, image) {
                    wrong.push(ErrorCode::InvalidReplicaAssignment);
                }
                if !request.allow_replication_factor_change && wanted.len() != factor {
                    wrong.push(ErrorCode::InvalidReplicationFactor);
                }
            }
        }
        // Of one that is named twice the first may be done.
        let twice = expected.get_mut(&place(&topic.name, asked.partition_index));
        let mut codes = codes(&wrong);
        match twice {
            Some(known) => {
                known.append(&mut codes);
                known.push(ErrorCode::InvalidRequest.code());
            }
            None => drop(expected.insert(place(&topic.name, asked.partition_index), codes)),
        }
    }
    expected
}

/// What is named twice, is not there, or has what is fixed. Whether other settings can be, others judge.
fn configs<'a>(resources: impl Iterator<Item = (i8, &'a str, bool)> + Clone, image: &Image) -> Expected {
    let keys: Vec<String> = resources.clone().map(|(kind, name, _)| of_kind(kind, name)).collect();
    let times = times(keys.iter().map(String::as_str));
    let wrong = resources.filter_map(|(kind, name, fixed)| {
        let key = of_kind(kind, name);
        if times[key.as_str()] > 1 || kind == 4 && fixed {
            return Some((key, codes(&[ErrorCode::InvalidRequest, ErrorCode::InvalidConfig])));
        }
        let absent = kind == 2 && image.topic_named(name).is_none();
        let why = [
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::InvalidTopicException,
            ErrorCode::InvalidConfig,
            ErrorCode::InvalidRequest,
        ];
        absent.then(|| (key, codes(&why)))
    });
    wrong.collect()
}

fn of_kind(kind: i8, name: &str) -> String {
    format!("{kind} {name}")
}

/// `right`: what it may be told; `None`: nobody knows.
fn judge(name: &str, right: Option<&[i16]>, code: i16) -> Result<(), Broken> {
    let elsewhere = || ELSEWHERE.iter().any(|one| one.code() == code);
    match right.filter(|right| !right.contains(&code) && !elsewhere()) {
        None => Ok(()),
        Some(right) => {
            Err(("refused-wrongly", format!("answers {code} to what is asked of {name}, where {right:?} is right")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{Offset, PartitionKey};
    use esker_core::metadata::Record;
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
    use kafka_protocol::messages::elect_leaders_request::TopicPartitions;

    /// A cluster without brokers, with one topic, whose leader is not the preferred one.
    pub fn image() -> Image {
        let mut image = Image::new();
        let mut state = Partition::new(vec![NodeId(1), NodeId(2)], vec![NodeId(2)]);
        state.leader = Some(NodeId(2));
        image.apply(Offset(0), &Record::Topic { id: Uuid(7), name: "t".into() });
        image.apply(Offset(1), &Record::Partition { key: PartitionKey { topic: Uuid(7), partition: 0 }, state });
        image
    }

    pub fn name(name: &'static str) -> TopicName {
        TopicName(name.into())
    }

    #[test]
    fn a_topic_by_its_name_and_by_its_id_is_not_deleted() {
        let by_name = |of| DeleteTopicState::default().with_name(Some(name(of)));
        let by_id = |id| DeleteTopicState::default().with_name(None).with_topic_id(Uuid(id).into());
        let told = |topics: Vec<DeleteTopicState>, key: &str| {
            delete(&DeleteTopicsRequest::default().with_topics(topics), &image(), true, 6)[key].clone()
        };
        assert_eq!(told(vec![by_name("t")], "t"), [0]);
        assert_eq!(told(vec![by_name("u")], "u"), [ErrorCode::UnknownTopicOrPartition.code()]);
        assert_eq!(told(vec![by_name("t"), by_id(7)], "t"), [ErrorCode::InvalidRequest.code()]);
        assert_eq!(told(vec![by_id(8)], &Uuid(8).to_string()), [ErrorCode::UnknownTopicId.code()]);
    }

    #[test]
    fn who_is_not_there_is_not_elected() {
        let topics = TopicPartitions::default().with_topic(name("t")).with_partitions(vec![0, 1]);
        let expected = elect(&ElectLeadersRequest::default().with_topic_partitions(Some(vec![topics])), &image());
        assert_eq!(expected["t-0"], [ErrorCode::PreferredLeaderNotAvailable.code()]);
        assert_eq!(expected["t-1"], [ErrorCode::UnknownTopicOrPartition.code()]);
    }

    #[test]
    fn done_though_wrong_and_refused_though_right_are_caught() {
        let wrong = codes(&[ErrorCode::InvalidRequest]);
        assert!(judge("t", Some(&wrong), 42).is_ok() && judge("t", Some(&codes(&[])), 0).is_ok());
        assert!(judge("t", None, 3).is_ok() && judge("t", Some(&[0]), ErrorCode::PolicyViolation.code()).is_ok());
        assert_eq!(judge("t", Some(&wrong), 0).unwrap_err().0, "refused-wrongly");
        assert_eq!(judge("t", Some(&codes(&[])), 42).unwrap_err().0, "refused-wrongly");
    }
}
