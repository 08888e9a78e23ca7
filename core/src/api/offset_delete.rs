//! OffsetDelete (key 47, version 0): deletes single committed offsets of a group (KIP-496). Where its members subscribe to the topic:
//! `GROUP_SUBSCRIBED_TO_TOPIC`.
//!
//! Topics and partitions that are not there: `UNKNOWN_TOPIC_OR_PARTITION`. The group is asked all the same, also where none is left: what it
//! says of itself stands for all of them.

use super::place;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::OffsetDeleteRequest;
use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};

/// Takes out what is not there, and hands the rest to the group's shard.
pub fn on_offset_delete(node: &mut Node, now: Now, ask: Ask, mut request: OffsetDeleteRequest) {
    let mut refused = Vec::new();
    for topic in &mut request.topics {
        topic.name = place::name(node.image.topic_named(&topic.name), &topic.name);
        refused.extend(take_unknown(node, topic));
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    node.ask_groups(now, ask, |groups, hold, _| groups.on_offset_delete(now, hold, &request, refused));
}

/// Takes the partitions that are not there out of `topic`, and answers them.
fn take_unknown(node: &Node, topic: &mut OffsetDeleteRequestTopic) -> Option<OffsetDeleteResponseTopic> {
    let count = node.image.topic_named(&topic.name).map_or(0, |known| known.partitions.len());
    let is_known = |index: i32| usize::try_from(index).is_ok_and(|index| index < count);
    let unknown: Vec<_> = topic.partitions.extract_if(.., |partition| !is_known(partition.partition_index)).collect();
    if unknown.is_empty() {
        return None;
    }
    let code = ErrorCode::UnknownTopicOrPartition.code();
    let partitions = unknown.iter().map(|partition| {
        OffsetDeleteResponsePartition::default().with_partition_index(partition.partition_index).with_error_code(code)
    });
    Some(OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;
    use crate::id::{LeaderEpoch, Offset};
    use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestPartition;
    use kafka_protocol::messages::{GroupId, ResponseKind, TopicName};
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn the_group_says_that_it_is_not_there_whatever_of_it_is_named() {
        let mut bench = Bench::new();
        let (now, partition) = (bench.now, bench.node.groups.partition_of("none"));
        let decision = bench.node.groups.on_leader(now, partition, LeaderEpoch(1));
        bench.node.coordinate(now, decision);
        let decision = bench.node.groups.on_load_done(now, partition, Offset::ZERO);
        bench.node.coordinate(now, decision);
        let part = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let name = TopicName(StrBytes::from_static_str("unknown"));
        let unknown = OffsetDeleteRequestTopic::default().with_name(name).with_partitions([part].into());
        let mut code = |group: &'static str, topics: &[OffsetDeleteRequestTopic]| {
            let group = GroupId(StrBytes::from_static_str(group));
            let request = OffsetDeleteRequest::default().with_group_id(group).with_topics(topics.to_vec());
            let ask = bench.ask(0);
            on_offset_delete(&mut bench.node, now, ask, request);
            bench.settle();
            let ResponseKind::OffsetDelete(answer) = bench.plain(bench.last()) else { panic!("another answer") };
            assert!(answer.topics.is_empty(), "a code stands for all of them");
            answer.error_code
        };
        assert_eq!(code("", &[]), ErrorCode::InvalidGroupId.code());
        assert_eq!(code("none", &[]), ErrorCode::GroupIdNotFound.code());
        assert_eq!(code("none", &[unknown]), ErrorCode::GroupIdNotFound.code());
    }
}
