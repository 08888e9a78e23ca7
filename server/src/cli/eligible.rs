//! Who may lead the partitions that nobody leads: those who were in sync last, and are away (KIP-966).

use crate::answer;
use crate::client::Cluster;
use crate::exit::Failure;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{ApiKey, DescribeTopicPartitionsRequest, MetadataResponse, TopicName};
use std::collections::HashMap;

/// Most partitions in one answer.
const PAGE: i32 = 2_000;

/// Node ids, by topic and partition; partitions that have a leader are not among them.
#[derive(Debug, Default)]
pub struct Eligible(HashMap<(TopicName, i32), Vec<i32>>);

impl Eligible {
    /// Asks about the topics in `found` that have a partition without a leader, if there is one; a broker that does not know the question
    /// (Kafka before 3.7) tells of nobody.
    pub fn ask(cluster: &mut Cluster, found: &MetadataResponse) -> Result<Self, Failure> {
        let headless = found.topics.iter().filter(|topic| topic.partitions.iter().any(|one| one.leader_id.0 < 0));
        let names = headless.filter_map(|topic| topic.name.clone());
        let topics: Vec<TopicRequest> = names.map(|name| TopicRequest::default().with_name(name)).collect();
        let mut all = Self::default();
        if topics.is_empty() || cluster.version(ApiKey::DescribeTopicPartitions).is_err() {
            return Ok(all);
        }
        let mut request = DescribeTopicPartitionsRequest::default();
        (request.topics, request.response_partition_limit) = (topics, PAGE);
        loop {
            let page = answer!(DescribeTopicPartitions, cluster.any(ApiKey::DescribeTopicPartitions, request.clone()));
            for topic in page.topics {
                let name = topic.name.unwrap_or_default();
                for one in topic.partitions.into_iter().filter(|one| one.leader_id.0 < 0) {
                    let nodes = one.eligible_leader_replicas.into_iter().flatten().map(|node| node.0);
                    all.0.insert((name.clone(), one.partition_index), nodes.collect());
                }
            }
            let Some(next) = page.next_cursor else { return Ok(all) };
            let cursor = Cursor::default().with_topic_name(next.topic_name).with_partition_index(next.partition_index);
            request.cursor = Some(cursor);
        }
    }

    /// Those of a partition; none where it has a leader.
    pub fn of(&self, topic: Option<&TopicName>, partition: i32) -> &[i32] {
        let place = topic.map(|topic| (topic.clone(), partition));
        place.and_then(|place| self.0.get(&place)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
impl Eligible {
    pub fn known(topic: &TopicName, partition: i32, nodes: Vec<i32>) -> Self {
        Self(HashMap::from([((topic.clone(), partition), nodes)]))
    }
}
