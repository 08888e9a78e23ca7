//! DescribeLogDirs (key 35, versions 1 to 5): the data folder, its replicas, their sizes and how far each is behind.
//!
//! * No topics named (null): all that this node keeps. What it does not keep is left out.
//! * A follower's lag is what it lacks of the leader's watermark, as far as it knows it.
//! * The size of the medium, and how much is left; -1 each until the shell has looked.

use super::place;
use crate::id::PartitionKey;
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Answers at once.
pub fn on_describe_log_dirs(node: &mut Node, _now: Now, ask: Ask, request: DescribeLogDirsRequest) {
    let wanted: Option<BTreeSet<(&str, i32)>> = request.topics.as_ref().map(|topics| {
        let pairs =
            topics.iter().flat_map(|topic| topic.partitions.iter().map(|number| (topic.topic.as_str(), *number)));
        pairs.collect()
    });
    let mut topics = BTreeMap::<StrBytes, Vec<DescribeLogDirsPartition>>::new();
    for (name, key) in kept(node) {
        let asked = wanted.as_ref().is_none_or(|wanted| {
            mutant::is(Mutant::LogDirsAllTold) || wanted.contains(&(name.as_str(), key.partition))
        });
        if let Some(partition) = node.partitions.get(key).filter(|_| asked) {
            let lag = partition.watermark().0.saturating_sub(partition.log_end().0).max(0);
            let described = DescribeLogDirsPartition::default()
                .with_partition_index(key.partition)
                .with_partition_size(i64::try_from(partition.log().size()).unwrap_or(i64::MAX))
                .with_offset_lag(lag);
            topics.entry(name).or_default().push(described);
        }
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        DescribeLogDirsTopic::default().with_name(TopicName(name)).with_partitions(partitions)
    });
    let told = |bytes: Option<u64>| bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let (left, total) = (node.room.left(), node.room.total());
    let result = DescribeLogDirsResult::default()
        .with_log_dir(place::data_folder(node).map_or_else(StrBytes::new, |path| StrBytes::from_string(path.into())))
        .with_topics(topics.collect())
        .with_total_bytes(told(total))
        .with_usable_bytes(told(total.map(|_| left)));
    ask.reply(&mut node.out, DescribeLogDirsResponse::default().with_error_code(0).with_results(vec![result]));
}

/// The partitions that this node keeps and the metadata still knows.
fn kept(node: &Node) -> Vec<(StrBytes, PartitionKey)> {
    let keys = node.partitions.keys().into_iter();
    keys.filter_map(|key| Some((node.image.topic(key.topic)?.name.wire(), key))).collect()
}
