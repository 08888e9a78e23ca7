//! ListOffsets on a node that the test plays the cluster for.

use super::*;
use crate::api::bench::{Bench, batch};
use crate::id::NodeId;
use crate::partition::Acks;
use kafka_protocol::messages::list_offsets_request::ListOffsetsTopic;
use kafka_protocol::messages::{ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;

fn ask(bench: &mut Bench, version: i16, replica: i32, timestamps: &[i64]) -> Vec<(i16, i64, i64)> {
    let mut answers = Vec::new();
    for timestamp in timestamps {
        let partition = ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(*timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("t")))
            .with_partitions(alloc::vec![partition]);
        let request = ListOffsetsRequest::default().with_replica_id(replica.into()).with_topics(alloc::vec![topic]);
        let ask = bench.ask(version);
        on_list_offsets(&mut bench.node, bench.now, ask, request);
        bench.sync();
        let seq = bench.last();
        let ResponseKind::ListOffsets(response) = bench.plain(seq) else { panic!("offsets") };
        let one = &response.topics[0].partitions[0];
        answers.push((one.error_code, one.offset, one.timestamp));
    }
    answers
}

fn topic_with_two(replicas: &[i32]) -> (Bench, PartitionKey) {
    let mut bench = Bench::new();
    let key = PartitionKey { topic: bench.topic("t", &[replicas]), partition: 0 };
    for _ in 0..2 {
        let partition = bench.node.partitions.get_mut(key).expect("a partition");
        let dir = partition.dir();
        let (_, event) =
            partition.on_produce(bench.now, batch(b"v"), Acks::Leader, &mut bench.node.out).expect("leads");
        bench.node.partitions.note(dir, event);
        bench.sync();
    }
    (bench, key)
}

#[test]
fn special_timestamps_mean_what_they_mean_from_their_versions_on() {
    const AT: i64 = 1_700_000_000_000;
    let (mut bench, _) = topic_with_two(&[1]);
    assert_eq!(
        ask(&mut bench, 10, -1, &[-1, -2, -3, -4, -5]),
        [(0, 2, -1), (0, 0, -1), (0, 0, AT), (0, 0, -1), (0, -1, -1)]
    );
    assert_eq!(ask(&mut bench, 10, -1, &[0, AT, AT + 1]), [(0, 0, AT), (0, 0, AT), (0, -1, -1)]);
    let unsupported = (ErrorCode::UnsupportedVersion.code(), -1, -1);
    assert_eq!(ask(&mut bench, 6, -1, &[-3, -1]), [unsupported, (0, 2, -1)]);
    assert_eq!(ask(&mut bench, 7, -1, &[-4]), [unsupported]);
    assert_eq!(ask(&mut bench, 8, -1, &[-5, -6]), [unsupported, unsupported]);
}

#[test]
fn a_consumer_sees_the_watermark_and_a_replica_the_end() {
    let (mut bench, _) = topic_with_two(&[1, 2]);
    assert_eq!(ask(&mut bench, 10, -1, &[-1, 0]), [(0, 0, -1), (0, -1, -1)], "nothing is committed");
    assert_eq!(ask(&mut bench, 10, 2, &[-1]), [(0, 2, -1)]);
}

#[test]
fn a_new_leader_does_not_know_the_end_before_its_watermark_reaches_its_epoch() {
    // KIP-207.
    let (mut bench, key) = topic_with_two(&[1, 2]);
    bench.elect(key, 1);
    assert_eq!(ask(&mut bench, 5, -1, &[-1, 0]), [(ErrorCode::OffsetNotAvailable.code(), -1, -1); 2]);
    assert_eq!(ask(&mut bench, 4, -1, &[-1]), [(ErrorCode::LeaderNotAvailable.code(), -1, -1)]);
    assert_eq!(ask(&mut bench, 5, -1, &[-2]), [(0, 0, -1)], "where it starts is known");
    bench.elect(key, 2);
    assert_eq!(ask(&mut bench, 5, -1, &[-1]), [(ErrorCode::NotLeaderOrFollower.code(), -1, -1)]);
    assert_ne!(NodeId(1), NodeId(2));
}

#[test]
fn who_debugs_may_ask_any_replica() {
    let (mut bench, key) = topic_with_two(&[1, 2]);
    bench.elect(key, 2);
    let led_elsewhere = ErrorCode::NotLeaderOrFollower.code();
    for replica in [-1, 3] {
        assert_eq!(ask(&mut bench, 4, replica, &[-1]), [(led_elsewhere, -1, -1)]);
    }
    assert_eq!(ask(&mut bench, 4, -2, &[-1, -2]), [(0, 2, -1), (0, 0, -1)]);
}
