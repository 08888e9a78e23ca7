//! DeleteRecords on a node that the test plays the cluster for.

use super::*;
use crate::api::bench::{Bench, batch};
use crate::id::{BrokerEpoch, NodeId};
use crate::log::LogConfig;
use crate::partition::{Acks, FetchQuery, ReplicaFetch};
use kafka_protocol::messages::delete_records_request::DeleteRecordsTopic;
use kafka_protocol::messages::{ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;

fn delete(bench: &mut Bench, topic: &str, offset: i64) -> u64 {
    let partition = DeleteRecordsPartition::default().with_offset(offset);
    let topic = DeleteRecordsTopic::default()
        .with_name(TopicName(StrBytes::from_string(topic.into())))
        .with_partitions(alloc::vec![partition]);
    let request = DeleteRecordsRequest::default().with_timeout_ms(300).with_topics(alloc::vec![topic]);
    let ask = bench.ask(2);
    on_delete_records(&mut bench.node, bench.now, ask, request);
    bench.sync();
    bench.last()
}

#[track_caller]
fn answer(bench: &mut Bench, seq: u64) -> (i16, i64) {
    let ResponseKind::DeleteRecords(response) = bench.plain(seq) else { panic!("a DeleteRecords response") };
    let one = &response.topics[0].partitions[0];
    (one.error_code, one.low_watermark)
}

fn append(bench: &mut Bench, key: PartitionKey) {
    let partition = bench.node.partitions.get_mut(key).expect("a partition");
    let dir = partition.dir();
    let (_, event) = partition.on_produce(bench.now, batch(b"v"), Acks::Leader, &mut bench.node.out).expect("leads");
    bench.node.partitions.note(dir, event);
    bench.sync();
}

/// Follower 2 has all three records, and its log starts at `start`.
fn follow(bench: &mut Bench, key: PartitionKey, start: i64) {
    let partition = bench.node.partitions.get_mut(key).expect("a partition");
    let dir = partition.dir();
    let epoch = partition.leader_epoch();
    let replica = ReplicaFetch {
        node: NodeId(2),
        broker_epoch: BrokerEpoch(102),
        synced: Offset(3),
        start: Offset(start),
        eligible: true,
    };
    let query = FetchQuery { epoch: Some(epoch), offset: Offset(3), last_epoch: Some(epoch), max_bytes: 1 };
    let event = partition.on_replica_fetch(bench.now, &replica, &query).expect("a replica");
    bench.node.partitions.note(dir, event);
    bench.settle();
}

/// The checkpoint that says where the log starts is on this node's disk.
fn save(bench: &mut Bench, key: PartitionKey) {
    let partition = bench.node.partitions.get_mut(key).expect("a partition");
    let (dir, start) = (partition.dir(), partition.log_start());
    let event = partition.on_start_saved(bench.now, start, &mut bench.node.out);
    bench.node.partitions.note(dir, event);
    bench.settle();
}

#[test]
fn the_answer_waits_until_no_live_replica_has_the_records() {
    let mut bench = Bench::new();
    let key = PartitionKey { topic: bench.topic("t", &[&[1, 2]]), partition: 0 };
    (0..3).for_each(|_| append(&mut bench, key));
    follow(&mut bench, key, 0);
    let seq = delete(&mut bench, "t", 2);
    save(&mut bench, key);
    assert!(bench.replies.is_empty());
    follow(&mut bench, key, 2);
    assert_eq!(answer(&mut bench, seq), (0, 2));
    let seq = delete(&mut bench, "t", -1);
    bench.pass(Span::from_millis(300));
    assert_eq!(answer(&mut bench, seq), (ErrorCode::RequestTimedOut.code(), 2), "-1 is the watermark");
    assert_eq!(bench.node.partitions.get(key).map(|one| one.log_start()), Some(Offset(3)));
}

/// Else the answer says that its time is up, though all is done (found by the simulator's seed 230).
#[test]
fn who_waits_for_a_follower_looks_again_when_that_is_gone() {
    let mut bench = Bench::new();
    let key = PartitionKey { topic: bench.topic("t", &[&[1, 2]]), partition: 0 };
    let partition = bench.node.partitions.get_mut(key).expect("a partition");
    let epoch = Some(BrokerEpoch(102));
    assert!(partition.on_broker(bench.now, NodeId(2), epoch, false).start_moved, "a fenced replica is not waited for");
    assert!(!partition.on_broker(bench.now, NodeId(2), epoch, true).start_moved);
}

#[test]
fn alone_it_is_done_when_it_is_written_down_and_beyond_the_watermark_never() {
    let mut bench = Bench::new();
    let key = PartitionKey { topic: bench.topic("t", &[&[1]]), partition: 0 };
    bench.topic("__consumer_offsets", &[&[1]]);
    append(&mut bench, key);
    let seq = delete(&mut bench, "t", 2);
    assert_eq!(answer(&mut bench, seq), (ErrorCode::OffsetOutOfRange.code(), -1));
    let seq = delete(&mut bench, "t", -2);
    assert_eq!(answer(&mut bench, seq), (ErrorCode::OffsetOutOfRange.code(), -1));
    let seq = delete(&mut bench, "nope", 0);
    assert_eq!(answer(&mut bench, seq), (ErrorCode::UnknownTopicOrPartition.code(), -1));
    let seq = delete(&mut bench, "__consumer_offsets", 0);
    assert_eq!(answer(&mut bench, seq), (ErrorCode::InvalidTopicException.code(), -1));
    let seq = delete(&mut bench, "t", 1);
    assert!(bench.replies.is_empty(), "a crash now would bring the record back");
    save(&mut bench, key);
    assert_eq!(answer(&mut bench, seq), (0, 1));
}

#[test]
fn only_a_topic_that_is_compacted_and_never_deleted_from_forbids_it() {
    let mut bench = Bench::new();
    let key = PartitionKey { topic: bench.topic("t", &[&[1]]), partition: 0 };
    append(&mut bench, key);
    for (delete_policy, compact_policy, code) in
        [(true, false, 0), (true, true, 0), (false, false, 0), (false, true, ErrorCode::PolicyViolation.code())]
    {
        let partition = bench.node.partitions.get_mut(key).expect("a partition");
        let config = LogConfig { delete_policy, compact_policy, ..LogConfig::default() };
        partition.configure_log(bench.now.mono, config);
        let seq = delete(&mut bench, "t", 0);
        assert_eq!(answer(&mut bench, seq).0, code, "delete {delete_policy}, compact {compact_policy}");
    }
}
