//! Where a broker has the topic of the coordinators made, it is as its settings say: with so many partitions and replicas, and compacted, for the
//! last word of each key has to stay, however old it is.

use super::Broken;
use esker_core::config::Given;
use esker_core::group;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopic;

/// A call leaves a node whose settings are `file`.
pub fn on_call(request: &CreateTopicsRequest, file: &Given) -> Result<(), Broken> {
    let topic = request.topics.iter().find(|topic| topic.name.as_str() == group::TOPIC);
    topic.map_or(Ok(()), |topic| judge(topic, file))
}

fn judge(topic: &CreatableTopic, file: &Given) -> Result<(), Broken> {
    let number =
        |name: &str, default: i32| file.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default);
    let (partitions, replicas) =
        (number("offsets.topic.num.partitions", 50), number("offsets.topic.replication.factor", 3));
    let policy = topic.configs.iter().find(|config| config.name.as_str() == "cleanup.policy");
    let compacts = policy.and_then(|policy| policy.value.as_deref()) == Some("compact");
    if compacts && (topic.num_partitions, i32::from(topic.replication_factor)) == (partitions, replicas) {
        return Ok(());
    }
    let (count, factor) = (topic.num_partitions, topic.replication_factor);
    Err((
        "offsets-topic-otherwise",
        format!(
            "has {count} partitions of {factor} replicas made, compacted: {compacts}, where {partitions} of {replicas} are set"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::create_topics_request::CreatableTopicConfig;
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn another_topic_than_is_set_is_caught() {
        let file: Given = [("offsets.topic.num.partitions".to_string(), "2".to_string())].into();
        let judge = |partitions, factor, policy: &'static str| {
            let policy = CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str("cleanup.policy"))
                .with_value(Some(StrBytes::from_static_str(policy)));
            let topic = CreatableTopic::default().with_num_partitions(partitions).with_replication_factor(factor);
            judge(&topic.with_configs(vec![policy]), &file).is_ok()
        };
        assert!(judge(2, 3, "compact"));
        assert!(!judge(50, 3, "compact") && !judge(2, 1, "compact") && !judge(2, 3, "delete"));
    }
}
