//! Whoever names several things in one request is answered for each of them, once, and for nothing else: a client goes through what it asked for, and
//! what it does not find in the answer it takes for done, or waits for. A group, or a request as a whole, that is refused by a code of its own
//! needs no more.

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::io::Request;
use kafka_protocol::messages::{OffsetFetchResponse, RequestKind, ResponseKind};
use std::collections::BTreeMap;

/// Things by their names, each with its parts; `None`: it was not said which, or a code stands for all of them.
type Things = Vec<(String, Option<Vec<String>>)>;

/// What each that has no answer names.
#[derive(Debug, Default)]
pub struct Each {
    asked: Map<At, Things>,
}

impl Each {
    pub fn on_request(&mut self, at: At, request: &Request) {
        if let Some(things) = asked(&request.body, request.version) {
            self.asked.insert(at, things);
        }
    }

    pub fn on_reply(&mut self, at: At, body: &ResponseKind) -> Result<(), Broken> {
        match (self.asked.remove(&at), told(body)) {
            (Some(asked), Some(told)) => judge(&asked, &told),
            _ => Ok(()),
        }
    }
}

/// Topics with their partitions, which are numbers (`$index`: or have one). A topic without any is none that an answer has to have.
macro_rules! topics {
    ($topics:expr, $name:ident, $parts:ident $(, $index:ident)?) => {
        $topics
            .iter()
            .map(|topic| {
                let parts = topic.$parts.iter().map(|part| part$(.$index)?.to_string());
                (topic.$name.to_string(), Some(parts.collect::<Vec<String>>()))
            })
            .filter(|(_, parts)| parts.as_ref().is_none_or(|parts| !parts.is_empty()))
            .collect()
    };
}

/// Things without parts.
fn whole(names: impl Iterator<Item = String>) -> Things {
    names.map(|name| (name, None)).collect()
}

/// All partitions of some topics as the parts of one thing.
fn one(name: &str, topics: Option<Things>) -> (String, Option<Vec<String>>) {
    let parts = |(topic, parts): (String, Option<Vec<String>>)| {
        parts.into_iter().flatten().map(move |part| format!("{topic}-{part}"))
    };
    (name.to_string(), topics.map(|topics| topics.into_iter().flat_map(parts).collect()))
}

fn asked(body: &RequestKind, version: i16) -> Option<Things> {
    let things = match body {
        RequestKind::OffsetCommit(request) => topics!(request.topics, name, partitions, partition_index),
        RequestKind::OffsetDelete(request) => topics!(request.topics, name, partitions, partition_index),
        RequestKind::OffsetFetch(request) if version < 8 => {
            vec![one("", request.topics.as_ref().map(|topics| topics!(topics, name, partition_indexes)))]
        }
        RequestKind::OffsetFetch(request) => {
            let each = request.groups.iter().map(|group| {
                let topics = group.topics.as_ref();
                one(&group.group_id, topics.map(|topics| topics!(topics, name, partition_indexes)))
            });
            each.collect()
        }
        RequestKind::DeleteGroups(request) => whole(request.groups_names.iter().map(|group| group.to_string())),
        RequestKind::DescribeGroups(request) => whole(request.groups.iter().map(|group| group.to_string())),
        RequestKind::FindCoordinator(request) if version >= 4 => {
            whole(request.coordinator_keys.iter().map(ToString::to_string))
        }
        RequestKind::LeaveGroup(request) if version >= 3 => {
            whole(request.members.iter().map(|one| format!("{:?}", (&one.member_id, &one.group_instance_id))))
        }
        RequestKind::CreateTopics(request) => whole(request.topics.iter().map(|topic| topic.name.to_string())),
        RequestKind::CreatePartitions(request) => whole(request.topics.iter().map(|topic| topic.name.to_string())),
        RequestKind::IncrementalAlterConfigs(request) => {
            whole(request.resources.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        RequestKind::AlterConfigs(request) => {
            whole(request.resources.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        RequestKind::DescribeConfigs(request) => {
            whole(request.resources.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        RequestKind::AlterPartitionReassignments(request) => {
            topics!(request.topics, name, partitions, partition_index)
        }
        RequestKind::ElectLeaders(request) => topics!(request.topic_partitions.as_ref()?, topic, partitions),
        RequestKind::DeleteRecords(request) => topics!(request.topics, name, partitions, partition_index),
        RequestKind::ListOffsets(request) => topics!(request.topics, name, partitions, partition_index),
        RequestKind::OffsetForLeaderEpoch(request) => topics!(request.topics, topic, partitions, partition),
        RequestKind::DescribeProducers(request) => topics!(request.topics, name, partition_indexes),
        _ => return None,
    };
    Some(things)
}

/// `None`: refused as a whole.
fn told(body: &ResponseKind) -> Option<Things> {
    let refused = match body {
        ResponseKind::OffsetDelete(response) => response.error_code,
        ResponseKind::LeaveGroup(response) => response.error_code,
        ResponseKind::AlterPartitionReassignments(response) => response.error_code,
        ResponseKind::ElectLeaders(response) => response.error_code,
        _ => 0,
    };
    if refused != 0 {
        return None;
    }
    let things = match body {
        ResponseKind::OffsetCommit(response) => topics!(response.topics, name, partitions, partition_index),
        ResponseKind::OffsetDelete(response) => topics!(response.topics, name, partitions, partition_index),
        ResponseKind::OffsetFetch(response) => fetched(response),
        ResponseKind::DeleteGroups(response) => whole(response.results.iter().map(|one| one.group_id.to_string())),
        ResponseKind::DescribeGroups(response) => whole(response.groups.iter().map(|one| one.group_id.to_string())),
        ResponseKind::FindCoordinator(response) => whole(response.coordinators.iter().map(|one| one.key.to_string())),
        ResponseKind::LeaveGroup(response) => {
            whole(response.members.iter().map(|one| format!("{:?}", (&one.member_id, &one.group_instance_id))))
        }
        ResponseKind::CreateTopics(response) => whole(response.topics.iter().map(|topic| topic.name.to_string())),
        ResponseKind::CreatePartitions(response) => whole(response.results.iter().map(|one| one.name.to_string())),
        ResponseKind::IncrementalAlterConfigs(response) => {
            whole(response.responses.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        ResponseKind::AlterConfigs(response) => {
            whole(response.responses.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        ResponseKind::DescribeConfigs(response) => {
            whole(response.results.iter().map(|one| format!("{} {}", one.resource_type, one.resource_name)))
        }
        ResponseKind::AlterPartitionReassignments(response) => {
            topics!(response.responses, name, partitions, partition_index)
        }
        ResponseKind::ElectLeaders(response) => {
            topics!(response.replica_election_results, topic, partition_result, partition_id)
        }
        ResponseKind::DeleteRecords(response) => topics!(response.topics, name, partitions, partition_index),
        ResponseKind::ListOffsets(response) => topics!(response.topics, name, partitions, partition_index),
        ResponseKind::OffsetForLeaderEpoch(response) => topics!(response.topics, topic, partitions, partition),
        ResponseKind::DescribeProducers(response) => topics!(response.topics, name, partitions, partition_index),
        _ => return None,
    };
    Some(things)
}

/// Groups with their offsets; before version 8 the only one has no name there.
fn fetched(response: &OffsetFetchResponse) -> Things {
    if response.groups.is_empty() {
        let topics = (response.error_code == 0).then(|| topics!(response.topics, name, partitions, partition_index));
        return vec![one("", topics)];
    }
    let each = response.groups.iter().map(|group| {
        let topics = (group.error_code == 0).then(|| topics!(group.topics, name, partitions, partition_index));
        one(&group.group_id, topics)
    });
    each.collect()
}

fn judge(asked: &Things, told: &Things) -> Result<(), Broken> {
    let (asked, told) = (counted(asked), counted(told));
    let fewer = asked.iter().find(|(name, _)| !told.contains_key(*name));
    let more = told.iter().find(|(name, thing)| asked.get(*name).is_none_or(|asked| asked.times < thing.times));
    if let Some((name, _)) = fewer.or(more) {
        let (asked, told) = (asked.get(name).map_or(0, |one| one.times), told.get(name).map_or(0, |one| one.times));
        return wrong(format!("is asked {asked} times for {name:?}, and answers {told} times"));
    }
    for (name, thing) in &asked {
        let (Some(wanted), Some(known)) = (&thing.parts, told.get(name).and_then(|told| told.parts.as_ref())) else {
            continue;
        };
        let lacks = wanted.keys().find(|part| !known.contains_key(*part));
        let other = known.iter().find(|(part, times)| wanted.get(*part).is_none_or(|asked| asked < *times));
        if let Some(part) = lacks.or(other.map(|(part, _)| part)) {
            let (asked, told) = (wanted.get(part).unwrap_or(&0), known.get(part).unwrap_or(&0));
            return wrong(format!("is asked {asked} times for {part:?} of {name:?}, and answers {told} times"));
        }
    }
    Ok(())
}

/// How often a thing is named, and each of its parts.
#[derive(Debug, Default)]
struct Named<'a> {
    times: usize,
    parts: Option<BTreeMap<&'a str, usize>>,
}

/// A topic that is named with some of its partitions, and with more of them further on, is one thing.
fn counted(things: &Things) -> BTreeMap<&str, Named<'_>> {
    let mut all = BTreeMap::<&str, Named<'_>>::new();
    for (name, parts) in things {
        let named = all.entry(name).or_default();
        named.times += 1;
        if let Some(parts) = parts {
            let known = named.parts.get_or_insert_default();
            parts.iter().for_each(|part| *known.entry(part).or_default() += 1);
        }
    }
    all
}

fn wrong(what: String) -> Result<(), Broken> {
    Err(("not-each-answered", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(named: &[(&str, &[&str])]) -> Things {
        named
            .iter()
            .map(|(name, parts)| (name.to_string(), Some(parts.iter().map(ToString::to_string).collect())))
            .collect()
    }

    #[test]
    fn what_is_left_out_or_added_is_caught() {
        let asked = things(&[("t", &["0", "1"]), ("u", &["0"])]);
        let judge = |told: &[(&str, &[&str])]| judge(&asked, &things(told)).map_err(|broken| broken.0);
        assert_eq!(judge(&[("u", &["0"]), ("t", &["1", "0"])]), Ok(()), "in any order");
        assert_eq!(judge(&[("t", &["0", "1"])]), Err("not-each-answered"));
        assert_eq!(judge(&[("t", &["0"]), ("u", &["0"])]), Err("not-each-answered"));
        assert_eq!(judge(&[("t", &["0", "1", "1"]), ("u", &["0"])]), Err("not-each-answered"));
        assert_eq!(judge(&[("t", &["0", "1"]), ("u", &["0"]), ("w", &["0"])]), Err("not-each-answered"));
    }

    #[test]
    fn what_is_named_twice_may_be_answered_once() {
        let twice = whole(["a", "a"].iter().map(ToString::to_string));
        let once = whole(["a"].iter().map(ToString::to_string));
        assert!(judge(&twice, &once).is_ok() && judge(&twice, &twice).is_ok());
        assert!(judge(&once, &twice).is_err());
        assert!(judge(&once, &vec![("a".into(), None)]).is_ok(), "a code stands for all of it");
    }
}
