//! OffsetForLeaderEpoch (key 23), versions 2 to 4: where the records of an epoch end on the leader (KIP-101, KIP-279, KIP-320).
//!
//! The largest epoch that is not above the one asked for, and the offset behind its records; -1 for both if the leader
//! does not know.

use super::place;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, Offset};
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

pub fn on_offset_for_leader_epoch(node: &mut Node, _now: Now, ask: Ask, request: OffsetForLeaderEpochRequest) {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = EpochEndOffset::default().with_partition(asked.partition);
            match on_partition(node, &topic.topic, asked) {
                Ok((epoch, end)) => answer.with_leader_epoch(epoch.0).with_end_offset(end.0),
                Err(code) => answer.with_error_code(code.code()).with_leader_epoch(-1).with_end_offset(-1),
            }
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions)
    });
    let response = OffsetForLeaderEpochResponse::default().with_topics(topics.collect());
    ask.reply(&mut node.out, response);
}

fn on_partition(
    node: &Node,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<(LeaderEpoch, Offset), ErrorCode> {
    let key = place::partition(node, place::topic(node, false, Default::default(), topic)?, asked.partition)?;
    let partition = node.partitions.get(key).ok_or(ErrorCode::NotLeaderOrFollower)?;
    let epoch = (asked.current_leader_epoch >= 0).then_some(LeaderEpoch(asked.current_leader_epoch));
    partition
        .epoch_end(epoch.filter(|_| !mutant::is(Mutant::EpochEndUnfenced)), LeaderEpoch(asked.leader_epoch))
        .map_err(|refusal| refusal.code)
}
