//! DescribeQuorum (key 55, versions 0 to 2): leader, epoch, watermark and the ends of all voters and observers of the metadata
//! log. Only its leader knows them: a broker that is not passes the request on to it.
//!
//! Errors: `UNKNOWN_TOPIC_OR_PARTITION` for any other partition; `NOT_LEADER_OR_FOLLOWER` on a controller listener off the leader.

use crate::error::ErrorCode;
use crate::io::{Ask, Listener};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use alloc::vec;
use kafka_protocol::messages::describe_quorum_response::{PartitionData, TopicData};
use kafka_protocol::messages::{ApiKey, DescribeQuorumRequest, DescribeQuorumResponse};
use kafka_protocol::protocol::StrBytes;

const TOPIC: &str = "__cluster_metadata";

pub fn on_describe_quorum(node: &mut Node, now: Now, ask: Ask, request: DescribeQuorumRequest) {
    let asked = match request.topics.as_slice() {
        [topic] if topic.topic_name.as_str() == TOPIC => {
            matches!(topic.partitions.as_slice(), [partition] if partition.partition_index == 0)
        }
        _ => false,
    };
    if !asked {
        let reply = each(&request, ErrorCode::UnknownTopicOrPartition, ask.version);
        return ask.reply(&mut node.out, reply);
    }
    match node.quorum.describe(now) {
        Ok(mut reply) => {
            fit(&mut reply, ask.version);
            ask.reply(&mut node.out, reply);
        }
        Err(_) if ask.listener == Listener::Broker && mutant::is(Mutant::QuorumAskedInVain) => {}
        Err(_) if ask.listener == Listener::Broker => node.forward(now, ask, ApiKey::DescribeQuorum, request),
        Err(why) => {
            let reply = each(&request, why.code, ask.version);
            ask.reply(&mut node.out, reply);
        }
    }
}

/// Every partition that was asked for, with the same error.
fn each(request: &DescribeQuorumRequest, code: ErrorCode, version: i16) -> DescribeQuorumResponse {
    let message = (version >= 2).then(|| StrBytes::from_string(alloc::format!("{code}")));
    let topics = request.topics.iter().map(|topic| {
        let partition = |index: i32| {
            PartitionData::default()
                .with_partition_index(index)
                .with_error_code(code.code())
                .with_error_message(message.clone())
        };
        let partitions = topic.partitions.iter().map(|asked| partition(asked.partition_index)).collect::<vec::Vec<_>>();
        TopicData::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions)
    });
    DescribeQuorumResponse::default().with_topics(topics.collect())
}

/// Takes out what the version has no room for.
fn fit(reply: &mut DescribeQuorumResponse, version: i16) {
    if version < 2 {
        reply.nodes.clear();
    }
    if version < 1 {
        for partition in reply.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            for replica in partition.current_voters.iter_mut().chain(&mut partition.observers) {
                replica.last_fetch_timestamp = -1;
                replica.last_caught_up_timestamp = -1;
            }
        }
    }
}
