//! Produce on a node that the test plays the cluster for.

use super::*;
use crate::api::bench::{Bench, batch, nodes};
use crate::id::Offset;
use crate::id::Uuid;
use crate::limits::ROOM_RESERVE_BYTES;
use kafka_protocol::messages::{ResponseKind, TopicName};

fn request(topic: &str, id: Uuid, acks: i16, partitions: &[(i32, Bytes)]) -> ProduceRequest {
    let data = partitions
        .iter()
        .map(|(index, records)| PartitionProduceData::default().with_index(*index).with_records(Some(records.clone())));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_string(topic.into())))
        .with_topic_id(id.into())
        .with_partition_data(data.collect());
    ProduceRequest::default().with_acks(acks).with_timeout_ms(500).with_topic_data(alloc::vec![topic])
}

/// Sends one batch to partition 0 of `t`.
fn send(bench: &mut Bench, version: i16, acks: i16) -> u64 {
    produce(bench, version, request("t", Uuid::ZERO, acks, &[(0, batch(b"v"))]), Vec::new())
}

fn produce(bench: &mut Bench, version: i16, request: ProduceRequest, checks: Vec<Result<(), Refusal>>) -> u64 {
    let ask = bench.ask(version);
    on_produce(&mut bench.node, bench.now, ask, request, checks);
    bench.settle();
    bench.last()
}

#[track_caller]
fn answers(bench: &mut Bench, seq: u64) -> Vec<PartitionProduceResponse> {
    let ResponseKind::Produce(response) = bench.plain(seq) else { panic!("a Produce response") };
    response.responses.into_iter().flat_map(|topic| topic.partition_responses).collect()
}

#[track_caller]
fn codes(bench: &mut Bench, seq: u64) -> Vec<i16> {
    answers(bench, seq).into_iter().map(|answer| answer.error_code).collect()
}

fn key(topic: Uuid) -> PartitionKey {
    PartitionKey { topic, partition: 0 }
}

/// Follower 2 holds the log durably up to `synced`.
fn follow(bench: &mut Bench, key: PartitionKey, synced: i64) {
    let partition = bench.node.partitions.get_mut(key).expect("a partition");
    let (dir, epoch) = (partition.dir(), partition.leader_epoch());
    let replica = crate::partition::ReplicaFetch {
        node: NodeId(2),
        broker_epoch: crate::id::BrokerEpoch(102),
        synced: Offset(synced),
        start: Offset::ZERO,
        eligible: true,
    };
    let query = crate::partition::FetchQuery {
        epoch: Some(epoch),
        offset: Offset(synced),
        last_epoch: (synced > 0).then_some(epoch),
        max_bytes: 1,
    };
    let event = partition.on_replica_fetch(bench.now, &replica, &query).expect("a replica");
    bench.node.partitions.note(dir, event);
    bench.settle();
}

#[test]
fn acks_1_waits_for_the_leaders_disk() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1, 2]]);
    let first = send(&mut bench, 9, 1);
    let second = send(&mut bench, 9, 1);
    assert!(bench.replies.is_empty(), "nothing is durable yet");
    bench.sync();
    let answer = answers(&mut bench, second).remove(0);
    assert_eq!(
        (answer.error_code, answer.base_offset, answer.log_append_time_ms, answer.log_start_offset),
        (0, 1, -1, 0)
    );
    assert_eq!(codes(&mut bench, first), [0]);
}

#[test]
fn what_waits_keeps_nothing_of_the_frame_but_the_records() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1, 2]]);
    for name in ["t", "unknown"] {
        let frame = Bytes::from([name.as_bytes(), &[0; 1000]].concat());
        let mut asked = request("t", Uuid::ZERO, 1, &[(0, batch(b"v"))]);
        let mut other = asked.topic_data[0].clone();
        other.name = TopicName(StrBytes::from_utf8(frame.slice(..name.len())).expect("UTF-8"));
        asked.topic_data.push(other);
        let seq = produce(&mut bench, 9, asked, Vec::new());
        assert!(bench.replies.is_empty() && frame.is_unique(), "{name}");
        bench.sync();
        let ResponseKind::Produce(response) = bench.plain(seq) else { panic!("a Produce response") };
        assert_eq!(response.responses[1].name.as_str(), name);
    }
}

#[test]
fn acks_all_waits_for_every_disk_in_sync() {
    let mut bench = Bench::new();
    let id = bench.topic("t", &[&[1, 2]]);
    let seq = send(&mut bench, 9, -1);
    bench.sync();
    follow(&mut bench, key(id), 0);
    assert!(bench.replies.is_empty(), "the follower has not got it");
    follow(&mut bench, key(id), 1);
    assert_eq!(codes(&mut bench, seq), [0]);
    let seq = send(&mut bench, 9, -1);
    follow(&mut bench, key(id), 2);
    assert!(bench.replies.is_empty(), "the follower is faster than the leader's own disk");
    bench.sync();
    assert_eq!(codes(&mut bench, seq), [0]);
}

#[test]
fn time_up_is_told_for_each_partition_that_is_not_there_yet() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1, 2], &[1]]);
    let both = request("t", Uuid::ZERO, -1, &[(0, batch(b"a")), (1, batch(b"b"))]);
    let seq = produce(&mut bench, 9, both, Vec::new());
    bench.sync();
    assert!(bench.replies.is_empty());
    bench.pass(Span::from_millis(500));
    assert_eq!(codes(&mut bench, seq), [ErrorCode::RequestTimedOut.code(), 0]);
    assert!(bench.node.hold.is_empty());
}

/// Kafka's answer has no time-out where nobody else is waited for: KafkaEx asks with 0. And who is answered is not held to what waits
/// for the disk any more: with others to wait for a short time-out was a way to fill this node's memory.
#[test]
fn for_its_own_disk_a_write_waits_whatever_its_client_says() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1, 2], &[1]]);
    let too_late = ErrorCode::RequestTimedOut.code();
    for (acks, partition, told) in [(1, 0, 0), (-1, 1, 0), (-1, 0, too_late)] {
        for millis in [0, -1, 1] {
            let one = request("t", Uuid::ZERO, acks, &[(partition, batch(b"v"))]).with_timeout_ms(millis);
            let seq = produce(&mut bench, 9, one, Vec::new());
            bench.pass(Span::from_millis(2));
            assert!(bench.replies.is_empty(), "acks {acks}, time-out {millis}");
            bench.sync();
            assert_eq!(codes(&mut bench, seq), [told]);
        }
    }
    let both = request("t", Uuid::ZERO, -1, &[(0, batch(b"a")), (1, batch(b"b"))]).with_timeout_ms(0);
    let seq = produce(&mut bench, 9, both, Vec::new());
    bench.pass(Span::from_millis(OWN_DISK_MAX.as_millis() - 1));
    assert!(bench.replies.is_empty());
    bench.pass(Span::from_millis(1));
    assert_eq!(codes(&mut bench, seq), [too_late, too_late], "not for ever");
}

#[test]
fn a_leader_that_was_deposed_says_so() {
    let mut bench = Bench::new();
    let id = bench.topic("t", &[&[1, 2]]);
    let seq = send(&mut bench, 9, -1);
    bench.elect(key(id), 2);
    assert_eq!(codes(&mut bench, seq), [ErrorCode::NotLeaderOrFollower.code()]);
    // Elected anew: what was appended in the term before is not this one's to acknowledge.
    let seq = send(&mut bench, 10, -1);
    let ResponseKind::Produce(response) = bench.plain(seq) else { panic!("a Produce response") };
    let answer = &response.responses[0].partition_responses[0];
    assert_eq!(answer.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!((answer.current_leader.leader_id.0, answer.current_leader.leader_epoch), (2, 1), "KIP-951");
    assert_eq!(response.node_endpoints.len(), 1);
    assert_eq!((response.node_endpoints[0].node_id.0, response.node_endpoints[0].host.as_str()), (2, "host2"));
}

#[test]
fn each_wrong_has_its_own_code() {
    let mut bench = Bench::new();
    let id = bench.topic("t", &[&[1, 2], &[2, 3]]);
    bench.topic("__consumer_offsets", &[&[1]]);
    let one = |topic: &str, acks, index| request(topic, Uuid::ZERO, acks, &[(index, batch(b"v"))]);
    let mut check = |version, request, checks, want: ErrorCode| {
        let seq = produce(&mut bench, version, request, checks);
        bench.sync();
        assert_eq!(codes(&mut bench, seq), [want.code()]);
    };
    check(9, one("t", 2, 0), Vec::new(), ErrorCode::InvalidRequiredAcks);
    check(9, one("nope", 1, 0), Vec::new(), ErrorCode::UnknownTopicOrPartition);
    check(9, one("t", 1, 2), Vec::new(), ErrorCode::UnknownTopicOrPartition);
    check(9, one("t", 1, -1), Vec::new(), ErrorCode::UnknownTopicOrPartition);
    check(9, one("t", 1, 1), Vec::new(), ErrorCode::NotLeaderOrFollower);
    check(9, one("__consumer_offsets", 1, 0), Vec::new(), ErrorCode::InvalidTopicException);
    check(13, request("", Uuid(99), 1, &[(0, batch(b"v"))]), Vec::new(), ErrorCode::UnknownTopicId);
    check(13, request("", id, 1, &[(1, batch(b"v"))]), Vec::new(), ErrorCode::NotLeaderOrFollower);
    let bad = alloc::vec![Err(Refusal::new(ErrorCode::CorruptMessage))];
    check(9, one("t", 1, 0), bad, ErrorCode::CorruptMessage);
    check(9, request("t", Uuid::ZERO, 1, &[(0, Bytes::new())]), Vec::new(), ErrorCode::InvalidRecord);
    let mut transactional = batch(b"v").to_vec();
    transactional[22] |= 0x10;
    check(
        9,
        request("t", Uuid::ZERO, 1, &[(0, transactional.into())]),
        Vec::new(),
        ErrorCode::TransactionalIdAuthorizationFailed,
    );
    bench.node.room.on_looked(ROOM_RESERVE_BYTES, u64::MAX, &mut bench.node.out);
    let seq = send(&mut bench, 9, 1);
    assert_eq!(codes(&mut bench, seq), [ErrorCode::KafkaStorageError.code()]);
}

#[test]
fn too_few_in_sync_refuse_acks_all_alone() {
    // Kafka `Partition.appendRecordsToLeader`, min.insync.replicas=2.
    let mut bench = Bench::new();
    let id = bench.topic("t", &[&[1, 2]]);
    bench.change(key(id), |state| state.isr = nodes(&[1]));
    let seq = send(&mut bench, 9, -1);
    assert_eq!(codes(&mut bench, seq), [ErrorCode::NotEnoughReplicas.code()]);
    let seq = send(&mut bench, 9, 1);
    bench.sync();
    assert_eq!(codes(&mut bench, seq), [0]);
}

#[test]
fn too_few_in_sync_after_the_append_are_told() {
    let mut bench = Bench::new();
    let id = bench.topic("t", &[&[1, 2, 3]]);
    let seq = send(&mut bench, 9, -1);
    bench.sync();
    follow(&mut bench, key(id), 1);
    // 3 is put out, which moves the watermark; then 2 as well, and then the answer is looked at.
    let partition = bench.node.partitions.get(key(id)).expect("a partition");
    assert_eq!(partition.watermark(), Offset(0));
    bench.change(key(id), |state| state.isr = nodes(&[1, 2]));
    assert_eq!(codes(&mut bench, seq), [0]);
}

#[test]
fn acks_0_has_no_answer_and_an_error_closes() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1]]);
    let seq = send(&mut bench, 9, 0);
    assert!(bench.replies.is_empty(), "what is not written is in memory: until it is, the request counts");
    bench.sync();
    assert!(matches!(bench.replies.remove(&seq), Some(Reply::Silence)));
    assert!(!bench.closed);
    produce(&mut bench, 9, request("nope", Uuid::ZERO, 0, &[(0, batch(b"v"))]), Vec::new());
    assert!(bench.closed && bench.replies.is_empty());
}
