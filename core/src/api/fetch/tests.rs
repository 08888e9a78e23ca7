//! Fetch on a node that the test plays the cluster for.

use super::*;
use crate::api::bench::{Bench, batch};
use crate::error::ErrorCode;
use crate::id::ConnId;
use crate::io::{Records, Reply};
use crate::limits::SESSION_PARTITIONS_MAX;
use crate::partition::Acks;
use alloc::boxed::Box;
use bytes::Bytes;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_request::{FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::protocol::StrBytes;

/// A consumer's request of version 13 for partitions of one topic, from these offsets.
fn request(topic: Uuid, partitions: &[(i32, i64)]) -> FetchRequest {
    let asked = partitions.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(*offset)
            .with_partition_max_bytes(1 << 20)
    });
    let topic = FetchTopic::default().with_topic_id(topic.into()).with_partitions(asked.collect());
    let topics = if partitions.is_empty() { Vec::new() } else { alloc::vec![topic] };
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_max_wait_ms(100)
        .with_session_epoch(-1)
        .with_topics(topics)
}

fn forgotten(topic: Uuid, partition: i32) -> ForgottenTopic {
    ForgottenTopic::default().with_topic_id(topic.into()).with_partitions(alloc::vec![partition])
}

fn fetch(bench: &mut Bench, version: i16, request: FetchRequest) -> u64 {
    let ask = bench.ask(version);
    on_fetch(&mut bench.node, bench.now, ask, request);
    bench.settle();
    bench.last()
}

#[track_caller]
fn reply(bench: &mut Bench, seq: u64) -> (Box<FetchResponse>, Vec<usize>) {
    match bench.replies.remove(&seq) {
        Some(Reply::Fetch { response, records }) => (response, records.iter().map(Records::len).collect()),
        other => panic!("a Fetch reply, not {other:?}"),
    }
}

#[track_caller]
fn partitions(bench: &mut Bench, seq: u64) -> Vec<(PartitionData, usize)> {
    let (response, sizes) = reply(bench, seq);
    assert_eq!(response.error_code, 0);
    let all: Vec<_> = response.responses.into_iter().flat_map(|topic| topic.partitions).collect();
    assert_eq!(all.len(), sizes.len(), "records for each partition");
    all.into_iter().zip(sizes).collect()
}

/// Which partitions were answered, and with how many bytes.
#[track_caller]
fn given(bench: &mut Bench, seq: u64) -> Vec<(i32, usize)> {
    partitions(bench, seq).into_iter().map(|(data, bytes)| (data.partition_index, bytes)).collect()
}

#[track_caller]
fn codes(bench: &mut Bench, seq: u64) -> Vec<i16> {
    partitions(bench, seq).into_iter().map(|(data, _)| data.error_code).collect()
}

fn append(bench: &mut Bench, topic: Uuid, partition: i32) {
    let one = bench.node.partitions.get_mut(PartitionKey { topic, partition }).expect("a partition");
    let dir = one.dir();
    let (_, event) = one.on_produce(bench.now, batch(b"value"), Acks::Leader, &mut bench.node.out).expect("leads");
    bench.node.partitions.note(dir, event);
    bench.settle();
}

fn size() -> usize {
    batch(b"value").len()
}

/// A follower's request: node 2 from `offset`, durable up to `synced`.
fn follower(topic: Uuid, offset: i64, synced: i64) -> FetchRequest {
    let mut request = request(topic, &[(0, offset)]);
    request.replica_state = ReplicaState::default().with_replica_id(2.into()).with_replica_epoch(102);
    let asked = &mut request.topics[0].partitions[0];
    asked.current_leader_epoch = 0;
    asked.log_start_offset = 0;
    asked.unknown_tagged_fields.insert(SYNCED_TAG, Bytes::copy_from_slice(&synced.to_be_bytes()));
    request
}

#[test]
fn a_consumer_waits_for_the_watermark_and_not_for_the_append() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1]]);
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]));
    append(&mut bench, topic, 0);
    assert!(bench.replies.is_empty(), "what is not durable is not seen");
    bench.sync();
    let answer = partitions(&mut bench, seq).remove(0);
    assert_eq!((answer.1, answer.0.high_watermark, answer.0.last_stable_offset), (size(), 1, 1));
    assert_eq!(answer.0.aborted_transactions, None);
}

#[test]
fn when_time_is_up_there_may_be_nothing() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1]]);
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]));
    bench.pass(Span::from_millis(99));
    assert!(bench.replies.is_empty());
    bench.pass(Span::from_millis(1));
    assert_eq!(given(&mut bench, seq), [(0, 0)]);
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]).with_max_wait_ms(0));
    assert_eq!(given(&mut bench, seq), [(0, 0)]);
    assert!(bench.node.hold.is_empty());
}

#[test]
fn min_bytes_gathers_over_partitions() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1], &[1]]);
    let wanted = request(topic, &[(0, 0), (1, 0)]).with_min_bytes(2 * size() as i32);
    let seq = fetch(&mut bench, 13, wanted);
    append(&mut bench, topic, 0);
    bench.sync();
    assert!(bench.replies.is_empty());
    append(&mut bench, topic, 1);
    bench.sync();
    assert_eq!(given(&mut bench, seq), [(0, size()), (1, size())]);
}

#[test]
fn one_batch_is_handed_out_however_small_the_limits_and_the_next_partition_comes_next() {
    // KIP-74.
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1], &[1]]);
    for partition in [0, 0, 1] {
        append(&mut bench, topic, partition);
    }
    bench.sync();
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0), (1, 0)]).with_max_bytes(1).with_session_epoch(0));
    let (response, sizes) = reply(&mut bench, seq);
    assert_eq!(sizes, [size(), 0], "the first batch of the first partition, and no more");
    let next = request(topic, &[(0, 1)]).with_max_bytes(1).with_session_id(response.session_id).with_session_epoch(1);
    let seq = fetch(&mut bench, 13, next);
    assert_eq!(given(&mut bench, seq), [(1, size())], "the other one has its turn");
}

#[test]
fn each_wrong_is_told_at_once_with_its_code() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1, 2], &[2, 3]]);
    let mut check = |version, request, want: ErrorCode| {
        let seq = fetch(&mut bench, version, request);
        assert_eq!(codes(&mut bench, seq), [want.code()]);
    };
    let epoch = |epoch| {
        let mut request = request(topic, &[(0, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        request
    };
    check(13, request(topic, &[(0, 1)]), ErrorCode::OffsetOutOfRange);
    check(13, request(topic, &[(0, -1)]), ErrorCode::OffsetOutOfRange);
    check(13, request(topic, &[(7, 0)]), ErrorCode::UnknownTopicOrPartition);
    check(13, request(topic, &[(1, 0)]), ErrorCode::NotLeaderOrFollower);
    check(13, request(Uuid(99), &[(0, 0)]), ErrorCode::UnknownTopicId);
    check(12, request(Uuid::ZERO, &[(0, 0)]), ErrorCode::UnknownTopicOrPartition);
    check(13, epoch(1), ErrorCode::UnknownLeaderEpoch);
    bench.elect(PartitionKey { topic, partition: 0 }, 1);
    let seq = fetch(&mut bench, 16, epoch(0));
    let (response, _) = reply(&mut bench, seq);
    let answer = &response.responses[0].partitions[0];
    assert_eq!(answer.error_code, ErrorCode::FencedLeaderEpoch.code());
    assert_eq!((answer.current_leader.leader_id.0, answer.current_leader.leader_epoch), (1, 1), "KIP-951");
    assert_eq!(response.node_endpoints.len(), 1);
}

#[test]
fn a_session_is_told_only_news() {
    // KIP-227.
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1], &[1], &[1]]);
    let all = request(topic, &[(0, 0), (1, 0), (2, 0)]).with_session_epoch(0).with_max_wait_ms(0);
    let seq = fetch(&mut bench, 13, all);
    let (response, _) = reply(&mut bench, seq);
    let id = response.session_id;
    assert!(id > 0 && response.responses[0].partitions.len() == 3);
    let next = |epoch| request(topic, &[]).with_session_id(id).with_session_epoch(epoch);
    let seq = fetch(&mut bench, 13, next(1));
    append(&mut bench, topic, 1);
    bench.sync();
    assert_eq!(given(&mut bench, seq), [(1, size())]);
    let seq = fetch(&mut bench, 13, next(2).with_max_wait_ms(0));
    assert_eq!(given(&mut bench, seq), [(1, size())], "asked from the same offset, it is there still");
    let mut forget = next(3).with_max_wait_ms(0);
    forget.forgotten_topics_data.push(forgotten(topic, 1));
    let seq = fetch(&mut bench, 13, forget);
    assert_eq!(given(&mut bench, seq), []);
    let (wrong_epoch, no_session, by_name) = (next(3), next(1).with_session_id(id ^ 1), next(4));
    for (version, request, want) in [
        (13, wrong_epoch, ErrorCode::InvalidFetchSessionEpoch),
        (13, no_session, ErrorCode::FetchSessionIdNotFound),
        (12, by_name, ErrorCode::FetchSessionTopicIdError),
    ] {
        let seq = fetch(&mut bench, version, request);
        let (response, _) = reply(&mut bench, seq);
        assert_eq!((response.error_code, response.session_id), (want.code(), 0));
    }
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]).with_session_id(id).with_max_wait_ms(0));
    assert_eq!(reply(&mut bench, seq).0.session_id, 0, "epoch -1 ends the session");
    assert!(bench.node.sessions.is_empty());
}

#[test]
fn a_second_request_of_a_session_ends_the_first() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1]]);
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]).with_session_epoch(0).with_max_wait_ms(0));
    let id = reply(&mut bench, seq).0.session_id;
    let next = |epoch| request(topic, &[]).with_session_id(id).with_session_epoch(epoch);
    let first = fetch(&mut bench, 13, next(1));
    let second = fetch(&mut bench, 13, next(2));
    assert_eq!(given(&mut bench, first), []);
    append(&mut bench, topic, 0);
    bench.sync();
    assert_eq!(given(&mut bench, second), [(0, size())]);
    assert!(bench.node.hold.is_empty());
}

#[test]
fn a_request_of_a_session_is_not_answered_with_what_was_found_for_one_before() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1]]);
    let seq = fetch(&mut bench, 13, request(topic, &[(0, 0)]).with_session_epoch(0).with_max_wait_ms(0));
    let id = reply(&mut bench, seq).0.session_id;
    append(&mut bench, topic, 0);
    append(&mut bench, topic, 0);
    bench.sync();
    let next = |offset, epoch| request(topic, &[(0, offset)]).with_session_id(id).with_session_epoch(epoch);
    let found = |bench: &Bench| bench.node.sessions.get(id).expect("a session").set.bytes();
    let more = |offset, epoch| next(offset, epoch).with_min_bytes(3 * size() as i32);
    let first = fetch(&mut bench, 13, more(0, 1));
    assert_eq!(found(&bench), 2 * size());
    let second = fetch(&mut bench, 13, next(1, 2).with_max_bytes(1));
    assert_eq!((given(&mut bench, first), given(&mut bench, second)), (Vec::new(), alloc::vec![(0, size())]));
    let gone = fetch(&mut bench, 13, more(0, 3));
    assert_eq!(found(&bench), 2 * size());
    for (hold, row) in bench.node.hold.drop_connection(ConnId(1)) {
        on_gone(&mut bench.node, hold, &row.waiting);
    }
    assert_eq!(found(&bench), 0, "nobody waits for it");
    let seq = fetch(&mut bench, 13, next(1, 4).with_max_bytes(1));
    assert_eq!(given(&mut bench, seq), [(0, size())]);
    assert!(!bench.replies.contains_key(&gone) && bench.node.hold.is_empty());
}

#[test]
fn a_session_ends_that_grows_beyond_what_all_may_have() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1], &[1], &[1]]);
    let mut others = FetchSet::default();
    for partition in 2..SESSION_PARTITIONS_MAX as i32 {
        others.put(
            key_of(true, uuid::Uuid::from_u128(1), &TopicName::default(), partition),
            wanted(&FetchPartition::default()),
        );
    }
    bench.node.sessions.open(bench.now.mono, false, true, others).expect("room but for two");
    bench.now.mono = bench.now.mono + Span(1);
    let all = |partitions: &[(i32, i64)]| request(topic, partitions).with_session_epoch(0).with_max_wait_ms(0);
    let seq = fetch(&mut bench, 13, all(&[(0, 0)]));
    let id = reply(&mut bench, seq).0.session_id;
    let next = |epoch, partitions: &[(i32, i64)]| all(partitions).with_session_id(id).with_session_epoch(epoch);
    let seq = fetch(&mut bench, 13, next(1, &[(1, 0)]));
    assert_eq!(given(&mut bench, seq), [(1, 0)], "up to the bound");
    let first = fetch(&mut bench, 13, next(2, &[]).with_max_wait_ms(100));
    let mut other = next(3, &[(2, 0)]);
    other.forgotten_topics_data.push(forgotten(topic, 1));
    let seq = fetch(&mut bench, 13, other);
    assert_eq!(given(&mut bench, first), []);
    let (response, _) = reply(&mut bench, seq);
    assert_eq!((response.error_code, response.session_id), (ErrorCode::FetchSessionIdNotFound.code(), 0));
    assert!(bench.node.sessions.get(id).is_none() && bench.node.sessions.len() == 1);
    let seq = fetch(&mut bench, 13, all(&[(0, 0), (1, 0), (2, 0)]));
    let (response, sizes) = reply(&mut bench, seq);
    assert_eq!((response.error_code, response.session_id, sizes.len()), (0, 0, 3), "without a session");
    let seq = fetch(&mut bench, 13, all(&[(0, 0), (1, 0)]));
    assert_ne!(reply(&mut bench, seq).0.session_id, 0, "there is room for two still");
}

#[test]
fn a_session_keeps_nothing_of_the_frames_it_was_asked_in() {
    let mut bench = Bench::new();
    bench.topic("known", &[&[1]]);
    let mut id = 0;
    for (epoch, name) in (0..).zip(["known", "unknown"]) {
        let frame = Bytes::from([name.as_bytes(), &[0; 1000]].concat());
        let mut asked = request(Uuid::ZERO, &[(0, 0)]).with_session_id(id).with_session_epoch(epoch);
        let text = StrBytes::from_utf8(frame.slice(..name.len())).expect("UTF-8");
        asked.topics[0].topic = TopicName(text);
        let seq = fetch(&mut bench, 12, asked.with_max_wait_ms(0));
        let (response, _) = reply(&mut bench, seq);
        assert_eq!(response.responses[0].topic.as_str(), name);
        id = response.session_id;
        assert!(frame.is_unique(), "{name}");
    }
    assert_eq!(bench.node.sessions.get(id).expect("a session").set.len(), 2);
}

#[test]
fn what_no_topic_can_be_called_is_in_no_session() {
    let mut bench = Bench::new();
    bench.topic("t", &[&[1]]);
    let named = |name: &str, id, epoch| {
        let mut request = request(Uuid::ZERO, &[(0, 0)]).with_session_id(id).with_session_epoch(epoch);
        request.topics[0].topic = TopicName(StrBytes::from_string(name.into()));
        request.with_max_wait_ms(0)
    };
    let (longest, longer) = ("n".repeat(249), "n".repeat(250));
    let seq = fetch(&mut bench, 12, named(&longer, 0, 0));
    let (response, _) = reply(&mut bench, seq);
    let code = response.responses[0].partitions[0].error_code;
    assert_eq!((response.session_id, code), (0, ErrorCode::UnknownTopicOrPartition.code()));
    assert!(bench.node.sessions.is_empty());
    let seq = fetch(&mut bench, 12, named(&longest, 0, 0));
    let id = reply(&mut bench, seq).0.session_id;
    let seq = fetch(&mut bench, 12, named("t", id, 1));
    assert_eq!(reply(&mut bench, seq).0.session_id, id);
    let seq = fetch(&mut bench, 12, named(&longer, id, 2));
    let (response, _) = reply(&mut bench, seq);
    assert_eq!((response.error_code, response.session_id), (ErrorCode::FetchSessionIdNotFound.code(), 0));
    assert!(bench.node.sessions.is_empty());
}

#[test]
fn a_session_watches_nothing_that_it_has_forgotten() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1], &[1]]);
    let all = request(topic, &[(0, 0), (1, 0)]).with_session_epoch(0).with_max_wait_ms(0);
    let seq = fetch(&mut bench, 13, all);
    let id = reply(&mut bench, seq).0.session_id;
    for partition in 0..2 {
        let mut next = request(topic, &[]).with_session_id(id).with_session_epoch(partition + 1).with_max_wait_ms(0);
        next.forgotten_topics_data.push(forgotten(topic, partition));
        let seq = fetch(&mut bench, 13, next);
        assert_eq!(given(&mut bench, seq), []);
        bench.node.sessions.check();
    }
    assert!(bench.node.sessions.is_empty(), "it forgot all");
}

#[test]
fn a_follower_reads_to_the_end_and_counts_with_what_it_has_synced() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1, 2]]);
    append(&mut bench, topic, 0);
    let watermark = |bench: &Bench| {
        bench.node.partitions.get(PartitionKey { topic, partition: 0 }).expect("a partition").watermark()
    };
    let seq = fetch(&mut bench, 17, follower(topic, 0, 0));
    assert_eq!(given(&mut bench, seq), [(0, size())], "before the leader's own disk has it");
    bench.sync();
    let mut ahead = follower(topic, 1, 0).with_max_wait_ms(0);
    ahead.topics[0].partitions[0].last_fetched_epoch = 0;
    let seq = fetch(&mut bench, 17, ahead);
    assert_eq!(
        (given(&mut bench, seq), watermark(&bench)),
        (alloc::vec![(0, 0)], Offset(0)),
        "it runs ahead of its disk"
    );
    let mut done = follower(topic, 1, 1).with_max_wait_ms(0);
    done.topics[0].partitions[0].last_fetched_epoch = 0;
    let seq = fetch(&mut bench, 17, done);
    let answer = partitions(&mut bench, seq).remove(0).0;
    assert_eq!((answer.high_watermark, watermark(&bench)), (1, Offset(1)));
}

#[test]
fn a_follower_is_told_at_once_that_it_was_not_counted_however_full_the_answer_is() {
    // Told later, when this node leads in the epoch that the follower knows of, nothing is wrong any more, and in its session the
    // follower does not say again where it stands.
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1, 2], &[1, 2]]);
    append(&mut bench, topic, 1);
    bench.sync();
    let mut both = follower(topic, 0, 0).with_session_epoch(0).with_max_bytes(1);
    let mut other = both.topics[0].partitions[0].clone();
    other.partition = 1;
    both.topics[0].partitions.push(other);
    let seq = fetch(&mut bench, 17, both.clone());
    let id = reply(&mut bench, seq).0.session_id;
    let mut ahead = both.with_session_id(id).with_session_epoch(1);
    ahead.topics[0].partitions.pop();
    ahead.topics[0].partitions[0].current_leader_epoch = 1;
    let seq = fetch(&mut bench, 17, ahead);
    assert_eq!(codes(&mut bench, seq), [ErrorCode::UnknownLeaderEpoch.code(), 0]);
}

#[test]
fn a_follower_that_is_none_or_diverges_or_is_of_old_is_not_counted() {
    let mut bench = Bench::new();
    let topic = bench.topic("t", &[&[1, 2]]);
    append(&mut bench, topic, 0);
    bench.sync();
    let key = PartitionKey { topic, partition: 0 };
    let mut stranger = follower(topic, 0, 0);
    stranger.replica_state.replica_id = 3.into();
    let seq = fetch(&mut bench, 17, stranger);
    assert_eq!(codes(&mut bench, seq), [ErrorCode::UnknownLeaderEpoch.code()]);
    bench.elect(key, 1);
    let mut other = follower(topic, 1, 1);
    other.topics[0].partitions[0].current_leader_epoch = 1;
    other.topics[0].partitions[0].last_fetched_epoch = 0;
    other.topics[0].partitions[0].fetch_offset = 5;
    let seq = fetch(&mut bench, 17, other.clone());
    let answer = partitions(&mut bench, seq).remove(0).0;
    assert_eq!((answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset), (0, 1), "KIP-595");
    other.topics[0].partitions[0].fetch_offset = 1;
    other.replica_state.replica_epoch = 101;
    fetch(&mut bench, 17, other);
    let progress = bench.node.partitions.get(key).expect("a partition").follower(NodeId(2)).expect("a follower");
    assert_eq!(progress.synced, Offset::NONE, "an incarnation before (KIP-903)");
}
