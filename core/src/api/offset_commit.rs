//! OffsetCommit (key 8, versions 2 to 9): commits offsets of a group: a member of the generation, or anybody while the group has no
//! members. The reply leaves when they are committed to `__consumer_offsets`.
//!
//! Topics and partitions that are not there: `UNKNOWN_TOPIC_OR_PARTITION`, the others are committed. Metadata longer than
//! `offset.metadata.max.bytes`: `OFFSET_METADATA_TOO_LARGE`.

use super::place;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use uuid::Uuid;

/// Takes out what is not there, and hands the rest to the group's shard.
pub fn on_offset_commit(node: &mut Node, now: Now, ask: Ask, mut request: OffsetCommitRequest) {
    let mut refused = Vec::new();
    for topic in &mut request.topics {
        topic.name = place::name(node.image.topic_named(&topic.name), &topic.name);
        refused.extend(take_unknown(node, topic));
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    let refused = OffsetCommitResponse::default().with_topics(refused);
    if request.topics.is_empty() {
        ask.reply(&mut node.out, refused);
        return;
    }
    node.ask_groups(now, ask, |groups, hold, ask| groups.on_commit(now, hold, ask, &request, refused));
}

/// Takes the partitions that are not there out of `topic`, and answers them. The topic's id goes into the offsets' records.
fn take_unknown(node: &Node, topic: &mut OffsetCommitRequestTopic) -> Option<OffsetCommitResponseTopic> {
    let known = node.image.topic_named(&topic.name);
    topic.topic_id = known.map_or_else(Uuid::nil, |known| known.id.into());
    let count = known.map_or(0, |known| known.partitions.len());
    let is_known = |index: i32| {
        usize::try_from(index).is_ok_and(|index| index < count + usize::from(mutant::is(Mutant::CommitsBeyondTopic)))
    };
    let unknown: Vec<_> = topic.partitions.extract_if(.., |partition| !is_known(partition.partition_index)).collect();
    if unknown.is_empty() {
        return None;
    }
    let code = ErrorCode::UnknownTopicOrPartition.code();
    let partitions = unknown.iter().map(|partition| {
        OffsetCommitResponsePartition::default().with_partition_index(partition.partition_index).with_error_code(code)
    });
    Some(OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect()))
}
