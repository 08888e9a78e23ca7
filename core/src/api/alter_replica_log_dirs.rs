//! AlterReplicaLogDirs (key 34, versions 1 to 2): moves replicas between the folders of `log.dirs` (KIP-113). A node has one data
//! folder, so there is nowhere to move to: a replica that is asked to be where it is, is; any other folder is `LOG_DIR_NOT_FOUND`.
//!
//! A partition that this node keeps no replica of: `REPLICA_NOT_AVAILABLE`, as Kafka answers.

use super::place;
use crate::error::ErrorCode;
use crate::id::PartitionKey;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName};

/// Answers each partition by itself.
pub fn on_alter_replica_log_dirs(node: &mut Node, _now: Now, ask: Ask, request: AlterReplicaLogDirsRequest) {
    let mut results = Vec::new();
    for dir in request.dirs {
        let ours = place::data_folder(node).is_some_and(|path| path == dir.path.as_str());
        for topic in dir.topics {
            let code = |partition: &i32| {
                if ours { kept_here(node, &topic.name, *partition) } else { Some(ErrorCode::LogDirNotFound) }
            };
            let partitions = topic.partitions.iter().map(|partition| {
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_error_code(code(partition).map_or(0, |code| code.code()))
            });
            let partitions = partitions.collect();
            results.push(
                AlterReplicaLogDirTopicResult::default()
                    .with_topic_name(topic.name.clone())
                    .with_partitions(partitions),
            );
        }
    }
    ask.reply(&mut node.out, AlterReplicaLogDirsResponse::default().with_results(results));
}

fn kept_here(node: &Node, topic: &TopicName, partition: i32) -> Option<ErrorCode> {
    let here = node
        .image
        .topic_named(topic.as_str())
        .is_some_and(|topic| node.partitions.get(PartitionKey { topic: topic.id, partition }).is_some());
    if here { None } else { Some(ErrorCode::ReplicaNotAvailable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::Bench;
    use kafka_protocol::messages::ResponseKind;
    use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn the_folder_is_known_by_either_name_of_the_setting() {
        for setting in ["log.dirs", "log.dir"] {
            let mut bench = Bench::new();
            bench.topic("t", &[&[1]]);
            bench.node.config.file.retain(|name, _| !name.starts_with("log.dir"));
            bench.node.config.file.insert(setting.into(), " /data ".into());
            let codes = ["/data", "/elsewhere"].map(|path| {
                let topic = AlterReplicaLogDirTopic::default()
                    .with_name(TopicName(StrBytes::from_static_str("t")))
                    .with_partitions(alloc::vec![0]);
                let dir = AlterReplicaLogDir::default()
                    .with_path(StrBytes::from_static_str(path))
                    .with_topics(alloc::vec![topic]);
                let ask = bench.ask(2);
                let request = AlterReplicaLogDirsRequest::default().with_dirs(alloc::vec![dir]);
                on_alter_replica_log_dirs(&mut bench.node, bench.now, ask, request);
                bench.sync();
                let seq = bench.last();
                let ResponseKind::AlterReplicaLogDirs(response) = bench.plain(seq) else { panic!("log dirs") };
                response.results[0].partitions[0].error_code
            });
            assert_eq!(codes, [0, ErrorCode::LogDirNotFound.code()], "{setting}");
        }
    }
}
