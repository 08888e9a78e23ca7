//! DescribeTopicPartitions (key 75, version 0): topics and partitions a page at a time, with eligible leaders (KIP-966).
//!
//! * Topics come by name; no names: all. `cursor` says where to go on; a negative partition there, or a topic that is not
//!   among the named ones, is `INVALID_REQUEST`.
//! * At most `response_partition_limit` partitions, at least one, at most `max.request.partition.size.limit`; `next_cursor` names
//!   the first one left out.
//! * An unknown topic: `UNKNOWN_TOPIC_OR_PARTITION`, or `INVALID_TOPIC_EXCEPTION` where none may be called so.

use super::cluster_view::{NOT_ASKED, TOPIC_OPERATIONS, ids, in_sync, leader, offline};
use super::place::{self, ListenerName};
use crate::controller::check_topic_name;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::metadata::{Image, Partition, Topic, is_internal};
use crate::node::Node;
use crate::time::Now;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName};

/// Answers at once.
pub fn on_describe_topic_partitions(node: &mut Node, _now: Now, ask: Ask, request: DescribeTopicPartitionsRequest) {
    if !is_cursor_good(&request) {
        return ask.reply(&mut node.out, refused(&request));
    }
    let most = node.config.limits.described_partitions;
    let limit = usize::try_from(request.response_partition_limit.min(most)).unwrap_or(0).max(1);
    let response = page(&node.image, place::listener(node, &ask), &request, limit);
    ask.reply(&mut node.out, response);
}

/// Kafka's `DescribeTopicPartitionsRequestHandler`.
fn is_cursor_good(request: &DescribeTopicPartitionsRequest) -> bool {
    request.cursor.as_ref().is_none_or(|cursor| {
        let mut named = request.topics.iter().map(|topic| &topic.name);
        cursor.partition_index >= 0 && (request.topics.is_empty() || named.any(|name| *name == cursor.topic_name))
    })
}

fn refused(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let each = request
        .topics
        .iter()
        .map(|topic| missing(&topic.name, ErrorCode::InvalidRequest).with_topic_authorized_operations(NOT_ASKED));
    DescribeTopicPartitionsResponse::default().with_topics(each.collect()).with_next_cursor(None)
}

fn page(
    image: &Image,
    at: ListenerName<'_>,
    request: &DescribeTopicPartitionsRequest,
    limit: usize,
) -> DescribeTopicPartitionsResponse {
    let (from, mut first) =
        request.cursor.as_ref().map_or(("", 0), |cursor| (cursor.topic_name.as_str(), cursor.partition_index));
    let names: BTreeSet<&str> =
        request.topics.iter().map(|topic| topic.name.as_str()).filter(|name| *name >= from).collect();
    let all = image.topics_from(from).map(|topic| topic.name.as_str());
    let names: Vec<&str> = if request.topics.is_empty() { all.collect() } else { names.into_iter().collect() };
    let mut left = limit;
    let mut topics = vec![];
    for name in names {
        // The cursor's partition counts for the cursor's topic alone.
        let begin = if name == from { core::mem::take(&mut first) } else { 0 };
        let Some(topic) = image.topic_named(name) else {
            let unknown =
                check_topic_name(name).map_or_else(|refusal| refusal.code, |()| ErrorCode::UnknownTopicOrPartition);
            topics.push(missing(&TopicName(alloc::string::String::from(name).into()), unknown));
            continue;
        };
        let cursor = |partition| {
            Some(Cursor::default().with_topic_name(TopicName(topic.name.wire())).with_partition_index(partition))
        };
        if left == 0 {
            return DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(cursor(begin));
        }
        let rest = (0..).zip(&topic.partitions).filter(|(number, _)| *number >= begin);
        let shown: Vec<_> = rest.take(left).map(|(number, state)| partition(image, at, number, state)).collect();
        left -= shown.len();
        let next = begin.saturating_add(i32::try_from(shown.len()).unwrap_or(i32::MAX));
        topics.push(described(topic, shown));
        if topic.partition(next).is_some() {
            return DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(cursor(next));
        }
    }
    DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(None)
}

fn missing(name: &TopicName, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(code.code())
        .with_name(Some(name.clone()))
        .with_is_internal(is_internal(name))
        .with_topic_authorized_operations(TOPIC_OPERATIONS)
}

fn described(
    topic: &Topic,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(topic.name.wire())))
        .with_topic_id(topic.id.into())
        .with_is_internal(topic.internal())
        .with_partitions(partitions)
        .with_topic_authorized_operations(TOPIC_OPERATIONS)
}

fn partition(
    image: &Image,
    at: ListenerName<'_>,
    number: i32,
    state: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let (leader, code) = leader(image, at, state);
    let (isr, eligible) = in_sync(image, state);
    DescribeTopicPartitionsResponsePartition::default()
        .with_error_code(code)
        .with_partition_index(number)
        .with_leader_id(leader)
        .with_leader_epoch(state.leader_epoch.0)
        .with_replica_nodes(ids(&state.replicas))
        .with_isr_nodes(ids(isr))
        .with_eligible_leader_replicas(Some(ids(eligible)))
        .with_last_known_elr(Some(ids(&state.last_known_elr)))
        .with_offline_replicas(offline(image, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, Offset, PartitionKey, Uuid};
    use crate::metadata::Record;
    use kafka_protocol::messages::describe_topic_partitions_request::{Cursor as From, TopicRequest};

    fn image() -> Image {
        let mut image = Image::new();
        for (id, name, count) in [(1, "a", 3), (2, "b", 2), (3, "c", 1)] {
            let topic = Uuid(id);
            image.apply(Offset(0), &Record::Topic { id: topic, name: name.into() });
            for partition in 0..count {
                let state = Partition::new([NodeId(1)].into(), [NodeId(1)].into());
                image.apply(Offset(0), &Record::Partition { key: PartitionKey { topic, partition }, state });
            }
        }
        image
    }

    /// The pages as `topic:partitions`, from the first to the last.
    fn pages(names: &[&'static str], limit: usize) -> Vec<Vec<(alloc::string::String, Vec<i32>)>> {
        let topic = |name: &&'static str| TopicRequest::default().with_name(TopicName((*name).into()));
        let mut request =
            DescribeTopicPartitionsRequest::default().with_topics(names.iter().map(topic).collect()).with_cursor(None);
        let mut pages = Vec::new();
        loop {
            let response = page(&image(), ListenerName(None), &request, limit);
            let name =
                |t: &DescribeTopicPartitionsResponseTopic| t.name.as_ref().map_or("", |name| name.as_str()).into();
            let numbers =
                |t: &DescribeTopicPartitionsResponseTopic| t.partitions.iter().map(|p| p.partition_index).collect();
            pages.push(response.topics.iter().map(|t| (name(t), numbers(t))).collect());
            let Some(next) = response.next_cursor else { return pages };
            let cursor = From::default().with_topic_name(next.topic_name).with_partition_index(next.partition_index);
            request.cursor = Some(cursor);
        }
    }

    #[test]
    fn a_cursor_is_among_what_is_named() {
        let good = |names: &[&'static str], topic: &'static str, partition| {
            let topics = names.iter().map(|name| TopicRequest::default().with_name(TopicName((*name).into())));
            let cursor = From::default().with_topic_name(TopicName(topic.into())).with_partition_index(partition);
            let request = DescribeTopicPartitionsRequest::default().with_topics(topics.collect());
            is_cursor_good(&request.with_cursor(Some(cursor)))
        };
        assert!(good(&["a", "b"], "b", 7) && good(&["nope"], "nope", 0) && good(&[], "b", 0) && good(&[], "nope", 0));
        assert!(!good(&["a", "c"], "b", 0) && !good(&["a"], "", 0));
        assert!(!good(&["a"], "a", -1) && !good(&[], "a", -1));
        assert!(is_cursor_good(&DescribeTopicPartitionsRequest::default().with_cursor(None)));
    }

    #[test]
    fn pages_hold_every_partition_once() {
        let page = |rows: &[(&str, &[i32])]| {
            rows.iter().map(|(name, numbers)| ((*name).into(), numbers.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(
            pages(&[], 2),
            [page(&[("a", &[0, 1])]), page(&[("a", &[2]), ("b", &[0])]), page(&[("b", &[1]), ("c", &[0])])]
        );
        assert_eq!(pages(&[], 3), [page(&[("a", &[0, 1, 2])]), page(&[("b", &[0, 1]), ("c", &[0])])]);
        assert_eq!(pages(&["c", "a"], 100), [page(&[("a", &[0, 1, 2]), ("c", &[0])])]);
        assert_eq!(pages(&["nope"], 1), [page(&[("nope", &[])])]);
    }
}
