//! A node's configuration, cut up for its machines.

use crate::config::{NodeConfig, TopicConfig};
use crate::controller;
use crate::group;
use crate::log::LogConfig;
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

/// How long until a proposal to the controller that was refused is made again.
const ISR_RETRY: Span = Span::from_millis(100);

fn seed_of(config: &NodeConfig, stream: u64) -> u64 {
    Rng::new(config.identity.seed, stream).next_u64()
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
        cluster_id: config.identity.cluster.clone(),
        election_timeout: config.quorum.election_timeout,
        fetch_timeout: config.quorum.fetch_timeout,
        election_backoff_max: config.quorum.election_backoff_max,
        request_timeout: config.quorum.request_timeout,
        retry_backoff: config.quorum.retry_backoff,
        segment_bytes: config.quorum.segment_bytes,
        ..QuorumConfig::new(config.node, voters, seed_of(config, QUORUM_STREAM))
    }
}

pub(super) fn controller(config: &NodeConfig) -> controller::Settings {
    controller::Settings {
        seed: seed_of(config, CONTROLLER_STREAM),
        cluster_id: config.identity.cluster.as_deref().map(Into::into),
        session_timeout: config.brokers.session_timeout,
        partitions: config.topics.partitions,
        replication_factor: config.topics.replication_factor,
        unclean_election: false,
        rebalance: config.brokers.rebalance_leaders,
        rebalance_interval: config.brokers.rebalance_interval,
        imbalance_percent: 10,
    }
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
    partition::Settings { min_insync: topic.min_insync, lag_max: config.replicas.lag_max, retry: ISR_RETRY }
}
