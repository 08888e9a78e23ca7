//! OffsetDelete (key 47, version 0): deletes single committed offsets of a group (KIP-496). Where its members subscribe to the topic:
//! `GROUP_SUBSCRIBED_TO_TOPIC`.
//!
//! Topics and partitions that are not there: `UNKNOWN_TOPIC_OR_PARTITION`, without asking the group.

use super::place;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

/// Takes out what is not there, and hands the rest to the group's shard.
pub fn on_offset_delete(node: &mut Node, now: Now, ask: Ask, mut request: OffsetDeleteRequest) {
    let mut refused = Vec::new();
    for topic in &mut request.topics {
        topic.name = place::name(node.image.topic_named(&topic.name), &topic.name);
        refused.extend(take_unknown(node, topic));
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    if request.topics.is_empty() {
        ask.reply(&mut node.out, OffsetDeleteResponse::default().with_topics(refused));
        return;
    }
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
