//! Topics that nobody asked to be made, and that are made because somebody uses them: those that a client names, and those of the
//! coordinators.
//!
//! They are asked of the active controller with CreateTopics, and nobody waits for the answer: who needs the topic looks
//! again. That one asked for twice is there already is no error.

use crate::group;
use crate::io::Lane;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{ApiKey, CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

const VERSION: i16 = 7;
const TIMEOUT_MS: i32 = 30_000;

/// Asks for topics of these names; they have proper names, and are not there.
pub fn create(node: &mut Node, names: &[StrBytes]) {
    let Some(to) = node.controller_address().filter(|_| !names.is_empty()) else { return };
    let topics: Vec<_> = names.iter().map(|name| topic(node, name)).collect();
    let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(TIMEOUT_MS);
    node.out.call(to, Lane::Forward, ApiKey::CreateTopics, VERSION, request.into());
}

/// Counts, factors and configs as the node's file wants them: internal topics have their own.
fn topic(node: &Node, name: &StrBytes) -> CreatableTopic {
    let topic = CreatableTopic::default().with_name(TopicName(name.clone()));
    let (groups, config) = (&node.config.groups, |name, value| {
        CreatableTopicConfig::default().with_name(StrBytes::from_static_str(name)).with_value(Some(value))
    });
    if name.as_str() != group::TOPIC {
        let defaults = &node.config.topics;
        return topic.with_num_partitions(defaults.partitions).with_replication_factor(defaults.replication_factor);
    }
    let policy = if mutant::is(Mutant::OffsetsTopicNotCompacted) { "delete" } else { "compact" };
    topic
        .with_num_partitions(groups.offsets_partitions)
        .with_replication_factor(if mutant::is(Mutant::OffsetsTopicFactorLost) {
            1
        } else {
            groups.offsets_replication_factor
        })
        .with_configs(vec![
            config("cleanup.policy", StrBytes::from_static_str(policy)),
            config("compression.type", StrBytes::from_static_str("producer")),
            config("segment.bytes", groups.offsets_segment_bytes.to_string().into()),
        ])
}
