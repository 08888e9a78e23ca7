//! A node's configuration, cut up for its machines.

use crate::config::{self, Durability, NodeConfig, TopicConfig};
use crate::controller;
use crate::group;
use crate::log::{self, LogConfig, SyncPolicy};
use crate::node::Node;
use crate::partition;
use crate::quorum::{Quorum, QuorumConfig, Voter};
use crate::rng::Rng;
use crate::time::Span;
use alloc::vec::Vec;

/// Streams of the node's seed, one a purpose.
const QUORUM_STREAM: u64 = 1;
const CONTROLLER_STREAM: u64 = 2;
const GROUP_STREAM: u64 = 3;
/// From here on, one for each folder that is put aside.
const STRAY_STREAM: u64 = 1 << 32;

/// How long until a proposal to the controller that was refused is made again.
const ISR_RETRY: Span = Span::from_millis(100);

fn seed_of(config: &NodeConfig, stream: u64) -> u64 {
    Rng::new(config.identity.seed, stream).next_u64()
}

/// What the name of the stray of that number is drawn from.
pub(super) fn stray_stream(config: &NodeConfig, number: u64) -> Rng {
    Rng::new(config.identity.seed, STRAY_STREAM + number)
}

pub(super) fn node(config: NodeConfig) -> Node {
    let quorum = Quorum::new(quorum(&config));
    let groups = group::Groups::new(groups(&config), Rng::new(config.identity.seed, GROUP_STREAM));
    Node::new(config, quorum, groups)
}

fn quorum(config: &NodeConfig) -> QuorumConfig {
    let voters: Vec<_> =
        config.voters.iter().map(|voter| Voter { id: voter.node, address: voter.address.clone() }).collect();
    QuorumConfig {
        directory: config.identity.directory,
        cluster_id: config.identity.cluster.clone(),
        election_timeout: config.quorum.election_timeout,
        fetch_timeout: config.quorum.fetch_timeout,
        election_backoff_max: config.quorum.election_backoff_max,
        request_timeout: config.quorum.request_timeout,
        retry_backoff: config.quorum.retry_backoff,
        fetch_bytes: config.quorum.fetch_bytes,
        snapshot_bytes: config.quorum.snapshot_fetch_bytes,
        segment_bytes: config.quorum.segment_bytes,
        ..QuorumConfig::new(config.node, voters, seed_of(config, QUORUM_STREAM))
    }
}

pub(super) fn controller(config: &NodeConfig) -> controller::Settings {
    controller::Settings { seed: seed_of(config, CONTROLLER_STREAM), ..controller::Settings::of(config) }
}

fn groups(config: &NodeConfig) -> group::Settings {
    let given = &config.groups;
    group::Settings {
        topic_partitions: given.offsets_partitions,
        group_max_size: given.members_max,
        initial_rebalance_delay: given.initial_delay,
        session_timeout_min_ms: i32::try_from(given.session_min.as_millis()).unwrap_or(i32::MAX),
        session_timeout_max_ms: i32::try_from(given.session_max.as_millis()).unwrap_or(i32::MAX),
        offset_metadata_max: given.offset_metadata_max,
        offsets_retention: given.offsets_retention,
        offsets_retention_check_interval: given.offsets_retention_check,
        offset_commit_timeout: given.commit_timeout,
    }
}

pub(super) fn partition(config: &NodeConfig, topic: &TopicConfig) -> partition::Settings {
    partition::Settings {
        min_insync: topic.min_insync,
        lag_max: config.replicas.lag_max,
        retry: ISR_RETRY,
        unclean: topic.unclean_election,
    }
}

/// Negative where Kafka says "none".
fn kafka_millis(span: Option<Span>) -> i64 {
    span.map_or(-1, |span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

pub(super) fn log(config: &NodeConfig, topic: &TopicConfig) -> LogConfig {
    let never = |number: Option<i64>| number.unwrap_or(i64::MAX);
    LogConfig {
        segment_bytes: topic.segment_bytes,
        segment: topic.segment_age,
        index_bytes: topic.index_bytes,
        index_interval_bytes: topic.index_interval,
        retention_ms: kafka_millis(topic.retention),
        retention_bytes: topic.retention_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        delete_policy: topic.cleanup.delete,
        compact_policy: topic.cleanup.compact,
        max_message_bytes: topic.batch_bytes_max,
        timestamp_type: match topic.timestamps {
            config::TimestampType::CreateTime => log::TimestampType::CreateTime,
            config::TimestampType::LogAppendTime => log::TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: never(topic.timestamp_before_max.map(|span| kafka_millis(Some(span)))),
        timestamp_after_max_ms: never(topic.timestamp_after_max.map(|span| kafka_millis(Some(span)))),
        sync: match topic.durability {
            Durability::Sync => SyncPolicy::Always,
            Durability::Os => SyncPolicy::Os {
                flush_messages: never(topic.flush_messages.map(|count| i64::try_from(count).unwrap_or(i64::MAX))),
                flush_ms: never(topic.flush_age.map(|span| kafka_millis(Some(span)))),
            },
        },
        file_delete_delay: topic.delete_delay,
        retention_check: config.chores.retention_check,
        producer_expiry: config.producers.expiration,
        ..LogConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    /// A plan of the simulator that drew them small found that nothing came of them.
    #[test]
    fn the_quorum_asks_for_no_more_at_once_than_is_set() {
        let set = [("controller.quorum.fetch.max.bytes", "700"), ("controller.quorum.fetch.snapshot.max.bytes", "300")];
        let config = quorum(&NodeConfig::for_test(NodeId(1), &[(1, "host", 9093)], &set));
        assert_eq!((config.fetch_bytes, config.snapshot_bytes), (700, 300));
    }
}
