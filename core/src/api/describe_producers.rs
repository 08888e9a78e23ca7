//! DescribeProducers (key 61), versions 0 to 0: what a replica of a partition, whether it leads or not, knows of those who write to it (KIP-664).
//!
//! Each idempotent producer with its epoch, its last sequence and the time of its last batch; there are no transactions yet,
//! so none has one open. Errors are those of finding the partition, for each partition.

use super::place;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

pub fn on_describe_producers(node: &mut Node, _now: Now, ask: Ask, request: DescribeProducersRequest) {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|index| {
            let answer = PartitionResponse::default().with_partition_index(*index);
            match producers(node, &topic.name, *index) {
                Ok(producers) => answer.with_active_producers(producers),
                Err(code) => answer.with_error_code(code.code()),
            }
        });
        let partitions = partitions.collect();
        TopicResponse::default().with_name(topic.name).with_partitions(partitions)
    });
    let response = DescribeProducersResponse::default().with_topics(topics.collect());
    ask.reply(&mut node.out, response);
}

fn producers(node: &Node, topic: &str, index: i32) -> Result<Vec<ProducerState>, ErrorCode> {
    let key = place::partition(node, place::topic(node, false, Default::default(), topic)?, index)?;
    let partition = node.partitions.get(key).ok_or(ErrorCode::NotLeaderOrFollower)?;
    partition.check_replica(None).map_err(|refusal| refusal.code)?;
    // After a cut a follower's are made anew.
    if !partition.log().is_settled() {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    let known = partition.log().producers().iter().map(|(id, producer)| {
        ProducerState::default()
            .with_producer_id(ProducerId(id.0))
            .with_producer_epoch(producer.epoch.into())
            .with_last_sequence(producer.window.last().map_or(-1, |written| written.last_sequence))
            .with_last_timestamp(producer.timestamp)
            .with_coordinator_epoch(producer.coordinator_epoch)
            .with_current_txn_start_offset(producer.transaction.map_or(-1, |offset| offset.0))
    });
    Ok(known.collect())
}
