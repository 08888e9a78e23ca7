//! AlterReplicaLogDirs (key 34, versions 1 to 2): moves replicas between the folders of `log.dirs` (KIP-113). A node has one data
//! folder, so there is nowhere to move to: a replica that is asked to be where it is, is; any other folder is `LOG_DIR_NOT_FOUND`.
//!
//! A partition that there is not: `UNKNOWN_TOPIC_OR_PARTITION`; one that this node keeps no replica of: `REPLICA_NOT_AVAILABLE`,
//! as Kafka answers.

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
    let key = node.image.topic_named(topic.as_str()).map(|topic| PartitionKey { topic: topic.id, partition });
    let Some(key) = key.filter(|key| node.image.partition(*key).is_some()) else {
        return Some(ErrorCode::UnknownTopicOrPartition);
    };
    if node.partitions.get(key).is_some() { None } else { Some(ErrorCode::ReplicaNotAvailable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::Bench;
    use kafka_protocol::messages::ResponseKind;
    use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
    use kafka_protocol::protocol::StrBytes;

    /// What the first node answers to the wish that a partition of a topic be in a folder.
    fn code(bench: &mut Bench, path: &'static str, topic: &'static str, partition: i32) -> i16 {
        let topic = AlterReplicaLogDirTopic::default()
            .with_name(TopicName(StrBytes::from_static_str(topic)))
            .with_partitions(alloc::vec![partition]);
        let dir =
            AlterReplicaLogDir::default().with_path(StrBytes::from_static_str(path)).with_topics(alloc::vec![topic]);
        let ask = bench.ask(2);
        let request = AlterReplicaLogDirsRequest::default().with_dirs(alloc::vec![dir]);
        on_alter_replica_log_dirs(&mut bench.node, bench.now, ask, request);
        bench.sync();
        let seq = bench.last();
        let ResponseKind::AlterReplicaLogDirs(response) = bench.plain(seq) else { panic!("log dirs") };
        response.results[0].partitions[0].error_code
    }

    #[test]
    fn the_folder_is_known_by_either_name_of_the_setting() {
        for setting in ["log.dirs", "log.dir"] {
            let mut bench = Bench::new();
            bench.topic("t", &[&[1]]);
            bench.node.config.file.retain(|name, _| !name.starts_with("log.dir"));
            bench.node.config.file.insert(setting.into(), " /data ".into());
            let codes = ["/data", "/elsewhere"].map(|path| code(&mut bench, path, "t", 0));
            assert_eq!(codes, [0, ErrorCode::LogDirNotFound.code()], "{setting}");
        }
    }

    #[test]
    fn a_partition_that_there_is_not_is_not_one_that_is_elsewhere() {
        let mut bench = Bench::new();
        bench.node.config.file.insert("log.dirs".into(), "/data".into());
        bench.topic("t", &[&[1], &[2]]);
        let codes = [("t", 0), ("t", 1), ("t", 2), ("none", 0)].map(|(topic, at)| code(&mut bench, "/data", topic, at));
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(codes, [0, ErrorCode::ReplicaNotAvailable.code(), unknown, unknown]);
    }
}
