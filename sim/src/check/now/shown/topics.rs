//! A page of topics has the partitions from its first on, in their order, and says where the next begins; configs are those that were set.

use super::super::{Broken, described};
use super::wrong;
use esker_core::metadata::{Configs, Image, Resource};
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};

/// `DescribeConfigsResponse.ConfigSource`.
const DYNAMIC_TOPIC: i8 = 1;
const DYNAMIC_BROKER: i8 = 2;
const DYNAMIC_DEFAULT: i8 = 3;

pub fn on_described(
    request: &DescribeTopicPartitionsRequest,
    response: &DescribeTopicPartitionsResponse,
    image: &Image,
) -> Result<(), Broken> {
    let mut told = Vec::new();
    for topic in &response.topics {
        let name = topic.name.clone().unwrap_or_default();
        let Some(known) = image.topic_named(&name) else {
            if topic.error_code == 0 {
                return wrong(format!("describes {}, which is not there", name.as_str()));
            }
            continue;
        };
        for partition in &topic.partitions {
            let Some(state) = known.partition(partition.partition_index) else {
                return wrong(format!("describes {}-{}, which is not there", known.name, partition.partition_index));
            };
            described::judge(&known.name, &as_in_metadata(partition), state, true, |id| image.alive(id))?;
            let eligible = partition.eligible_leader_replicas.iter().flatten().map(|id| id.0);
            let away = described::all_away(state, |id| image.alive(id));
            if !eligible.eq(if away { &state.isr } else { &state.elr }.iter().map(|id| id.0)) {
                return wrong(format!(
                    "describes {}-{} as {partition:?}: {state}",
                    known.name, partition.partition_index
                ));
            }
            told.push((known.name.as_str(), partition.partition_index));
        }
    }
    let mut names: Vec<&str> = request.topics.iter().map(|topic| topic.name.as_str()).collect();
    names.sort_unstable();
    let topics = names.iter().filter_map(|name| image.topic_named(name));
    let each = topics.flat_map(|topic| (0..topic.partitions.len()).map(|number| (topic.name.as_str(), number as i32)));
    let all: Vec<(&str, i32)> = each.collect();
    let next = response.next_cursor.as_ref().map(|next| (next.topic_name.as_str(), next.partition_index));
    judge_page(&all, request.response_partition_limit, &told, next)
}

fn as_in_metadata(told: &DescribeTopicPartitionsResponsePartition) -> MetadataResponsePartition {
    MetadataResponsePartition::default()
        .with_partition_index(told.partition_index)
        .with_error_code(told.error_code)
        .with_leader_id(told.leader_id)
        .with_leader_epoch(told.leader_epoch)
        .with_replica_nodes(told.replica_nodes.clone())
        .with_isr_nodes(told.isr_nodes.clone())
        .with_offline_replicas(told.offline_replicas.clone())
}

/// The first page, of `limit` partitions.
fn judge_page(all: &[(&str, i32)], limit: i32, told: &[(&str, i32)], next: Option<(&str, i32)>) -> Result<(), Broken> {
    let count = all.len().min(limit as usize);
    if all[..count] == *told && all.get(count).copied() == next {
        return Ok(());
    }
    wrong(format!("has {told:?} on a page of {limit}, and {next:?} as the next one, of {all:?}"))
}

pub fn on_configs(
    request: &DescribeConfigsRequest,
    response: &DescribeConfigsResponse,
    image: &Image,
) -> Result<(), Broken> {
    for (asked, told) in request.resources.iter().zip(&response.results).filter(|(_, told)| told.error_code == 0) {
        let name = told.resource_name.as_str();
        if (asked.resource_type, &asked.resource_name) != (told.resource_type, &told.resource_name) {
            return wrong(format!("is asked for the configs of {}, and tells those of {name}", asked.resource_name));
        }
        match image.topic_named(name) {
            Some(topic) if told.resource_type == 2 => {
                judge_set(name, &told.configs, DYNAMIC_TOPIC, image.configs(Resource::Topic(topic.id)), None)?;
            }
            _ => {
                let Ok(id) = name.parse::<i32>() else { continue };
                let own = image.configs(Resource::Broker(esker_core::id::NodeId(id)));
                judge_set(name, &told.configs, DYNAMIC_BROKER, own, None)?;
                let defaults = image.configs(Resource::BrokerDefault);
                judge_set(name, &told.configs, DYNAMIC_DEFAULT, defaults, Some(own))?;
            }
        }
    }
    Ok(())
}

/// Told as set there (`source`) is all that is `set` and not `hidden` by what is set nearer by, and nothing else.
fn judge_set(
    of: &str,
    told: &[DescribeConfigsResourceResult],
    source: i8,
    set: &Configs,
    hidden: Option<&Configs>,
) -> Result<(), Broken> {
    let mut shown = 0;
    for config in told.iter().filter(|config| config.config_source == source) {
        let value = config.value.as_ref().map(|value| value.as_str());
        let own = set.get(config.name.as_str());
        if own.is_none() || value != own.map(String::as_str) {
            return wrong(format!("tells {} of {of} as {value:?}, which was set to {own:?}", config.name));
        }
        shown += 1;
    }
    let known = |name: &String| told.iter().any(|config| config.name.as_str() == name.as_str());
    let wanted =
        set.iter().filter(|(name, _)| known(name) && hidden.is_none_or(|near| near.get(name.as_str()).is_none()));
    if wanted.count() == shown {
        return Ok(());
    }
    wrong(format!("tells {shown} configs of {of} as set there, which are {set:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn a_page_that_leaves_something_out_is_caught() {
        let all = [("a", 0), ("a", 1), ("b", 0)];
        assert!(judge_page(&all, 2, &all[..2], Some(("b", 0))).is_ok());
        assert!(judge_page(&all, 3, &all, None).is_ok() && judge_page(&all, 9, &all, None).is_ok());
        assert!(judge_page(&all, 2, &all[..2], None).is_err());
        assert!(judge_page(&all, 2, &all[..1], Some(("a", 1))).is_err(), "there was room for one more");
        assert!(judge_page(&all, 3, &[all[0], all[2]], None).is_err());
    }

    #[test]
    fn a_config_that_is_not_told_or_was_not_set_is_caught() {
        let mut set = Configs::new();
        set.insert("retention.ms".into(), "7".into());
        let config = |name: &'static str, value: &'static str, source| {
            DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_static_str(value)))
                .with_config_source(source)
        };
        let judge = |told: &[DescribeConfigsResourceResult], hidden| judge_set("t", told, 1, &set, hidden).is_ok();
        assert!(judge(&[config("retention.ms", "7", 1), config("segment.ms", "9", 5)], None));
        assert!(!judge(&[config("retention.ms", "8", 1)], None), "another value");
        assert!(!judge(&[config("retention.ms", "7", 5)], None), "as a default");
        assert!(judge(&[config("retention.ms", "7", 5)], Some(&set)), "what is set nearer by goes first");
        assert!(!judge(&[config("retention.ms", "7", 1), config("segment.ms", "9", 1)], None), "one that was not set");
    }
}
