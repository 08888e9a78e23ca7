//! Logs that Kafka 4.3.1 wrote, read here, and written again to the same bytes. Each is `__consumer_offsets-<n>/0….log` of a
//! single broker after the story in its test.

use super::super::offsets::Kept;
use super::super::records::{Committed, Entry, Generation};
use super::*;
use crate::batch::{Batches, Records};
use crate::id::Uuid;

/// The story: what each record says; and each is written again as Kafka wrote it.
fn entries(log: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (_, batch) in Batches::of(log) {
        for record in Records::of(batch).expect("a batch") {
            let record = record.expect("a record");
            let key = record.key.expect("a key");
            let entry = Entry::decode(key, record.value).expect("readable").expect("known");
            let again = entry.encode();
            assert_eq!((&again.key[..], again.value.as_deref()), (key, record.value), "{entry:?}");
            entries.push(entry);
        }
    }
    entries
}

fn committed(entry: &Entry) -> (&str, &str, i32, Option<&Committed>) {
    match entry {
        Entry::Offset { group, topic, partition, value } => (group, topic, *partition, value.as_ref()),
        Entry::Group { .. } => panic!("{entry:?}"),
    }
}

fn generation(entry: &Entry) -> (&str, Option<&Generation>) {
    match entry {
        Entry::Group { group, value } => (group, value.as_ref()),
        Entry::Offset { .. } => panic!("{entry:?}"),
    }
}

/// A console consumer reads a topic of two partitions and leaves.
#[test]
fn a_dynamic_member_came_committed_and_left() {
    let log = include_bytes!("../../../../tests/golden/consumer_offsets/dyn.log");
    let entries = entries(log);
    assert_eq!(entries.len(), 5);
    let (group, first) = generation(&entries[0]);
    let first = first.expect("a group begins");
    assert_eq!((group, first.generation, first.since, first.members.len()), ("dyn", 0, 1_795_395_687_443, 0));
    assert_eq!((first.protocol_type.as_str(), first.protocol.clone(), first.leader.clone()), ("", None, None));
    let (_, second) = generation(&entries[1]);
    let second = second.expect("a generation");
    assert_eq!(
        (second.generation, second.protocol_type.as_str(), second.protocol.as_deref()),
        (1, "consumer", Some("range"))
    );
    let member = &second.members[0];
    assert_eq!(second.leader.as_ref(), Some(&member.member));
    assert_eq!(
        (member.instance.clone(), member.client_id.as_str(), member.client_host.as_str()),
        (None, "console-consumer", "/127.0.0.1")
    );
    assert_eq!((member.rebalance_timeout_ms, member.session_timeout_ms), (300_000, 45_000));
    let (group, topic, partition, value) = committed(&entries[3]);
    let value = value.expect("an offset");
    assert_eq!(
        (group, topic, partition, value.offset, value.leader_epoch, value.metadata.as_str()),
        ("dyn", "orders", 1, 20, 0, "")
    );
    assert_eq!((value.committed_at, value.expires_at), (1_795_395_687_770, None));
    assert_eq!(value.topic_id, Uuid::parse("YjN81DcNQxeyZl4pKEDPxA").expect("an id"));
    let (_, last) = generation(&entries[4]);
    let last = last.expect("an empty generation");
    assert_eq!(
        (last.generation, last.protocol_type.as_str(), last.protocol.clone(), last.members.len()),
        (2, "consumer", None, 0)
    );
}

/// A static member (`group.instance.id=one`) reads and goes away without leaving; its session ends in the last record.
#[test]
fn a_group_that_kafka_left_goes_on_here() {
    let log = include_bytes!("../../../../tests/golden/consumer_offsets/stat.log");
    assert_eq!(entries(log).len(), 5);
    let log = &log[..594];
    let mut world = World::new(|_| {});
    let decision = world.groups.on_leader(world.now, 0, LeaderEpoch(2));
    world.carry_out(decision);
    assert_eq!(world.groups.on_loaded_batches(world.now, 0, &[Bytes::from_static(log)]), 0);
    assert_eq!(world.groups.load_from(0), Some(Offset(4)));
    let decision = world.groups.on_load_done(world.now, 0, Offset(4));
    world.carry_out(decision);
    let group = world.groups.active().next().expect("a shard").groups.get(&text("stat")).cloned().expect("the group");
    assert_eq!((group.state(), group.generation, group.statics.len()), ("Stable", 1, 1));
    assert_eq!(group.subscribed.clone().into_iter().flatten().collect::<Vec<_>>(), [text("orders")]);
    let hold = world.send_fetch(&[fetch_request("stat", Some(("orders", 1)))]);
    assert_eq!(world.fetched(hold).groups[0].topics[0].partitions[0].committed_offset, 20);
    // It comes back: no rebalance, and what Kafka's leader assigned to it.
    let request = static_request("one", "").with_group_id(GroupId(text("stat")));
    world.logs.insert(0, vec![(Offset(3), Record { key: Bytes::new(), value: None })]);
    let hold = world.send_join(&request.with_protocols(vec![protocol("range", &["orders"])]));
    let joined = world.joined(hold);
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    let hold = world.hold();
    let sync = sync_request(&joined.member_id, 1, &[]).with_group_id(GroupId(text("stat")));
    let decision = world.groups.on_sync(world.now, hold, &sync);
    world.carry_out(decision);
    assert_eq!(&world.synced(hold).assignment[6..14], b"\0\x06orders");
}

/// `kafka-consumer-groups --reset-offsets` of a group without members; and a group that was then deleted.
#[test]
fn offsets_without_members_and_a_deleted_group() {
    let simple = entries(include_bytes!("../../../../tests/golden/consumer_offsets/simple.log"));
    let offsets: Vec<_> = simple.iter().map(|entry| committed(entry).3.map(|value| value.offset)).collect();
    assert_eq!(offsets, [Some(0), Some(3)]);
    let log = include_bytes!("../../../../tests/golden/consumer_offsets/gone.log");
    let gone = entries(log);
    assert!(committed(&gone[0]).3.is_some() && committed(&gone[1]).3.is_none() && generation(&gone[2]).1.is_none());
    let mut world = World::new(|_| {});
    let decision = world.groups.on_leader(world.now, 0, LeaderEpoch(2));
    world.carry_out(decision);
    world.groups.on_loaded_batches(world.now, 0, &[Bytes::from_static(log)]);
    let decision = world.groups.on_load_done(world.now, 0, Offset(3));
    world.carry_out(decision);
    assert!(world.groups.active().all(|shard| shard.groups.is_empty()));
}

/// The versions that Kafka wrote in the past, by its message definitions.
#[test]
fn old_versions_are_read() {
    let key = b"\0\0\0\x01g\0\x01t\0\0\0\x05";
    let read = |value: &[u8]| match Entry::decode(key, Some(value)) {
        Ok(Some(Entry::Offset { value: Some(value), partition: 5, .. })) => value,
        other => panic!("{other:?}"),
    };
    let value = Committed {
        offset: 9,
        leader_epoch: -1,
        metadata: text("m"),
        committed_at: 7,
        expires_at: None,
        topic_id: Uuid::ZERO,
    };
    let nine = [0, 0, 0, 0, 0, 0, 0, 9];
    let seven = [0, 0, 0, 0, 0, 0, 0, 7];
    let meta = [0, 1, b'm'];
    for version in [0u8, 2] {
        assert_eq!(read(&[&[0, version], &nine[..], &meta, &seven].concat()), value);
    }
    let expiring = Committed { expires_at: Some(9), ..value.clone() };
    assert_eq!(read(&[&[0, 1], &nine[..], &meta, &seven, &nine].concat()), expiring);
    assert_eq!(read(&[&[0, 1], &nine[..], &meta, &seven, &[255; 8]].concat()), value, "-1: no time of its own");
    let epoch = Committed { leader_epoch: 4, ..value.clone() };
    assert_eq!(read(&[&[0, 3], &nine[..], &[0, 0, 0, 4], &meta, &seven].concat()), epoch);
    assert_eq!(read(&[&[0, 4], &nine[..], &[0, 0, 0, 4], &[2, b'm'], &seven, &[0]].concat()), epoch);
    for cut in 0..12 {
        assert!(Entry::decode(&key[..cut], None).is_err());
    }
    // What expires on its own is written in version 1, and comes back.
    let entry = Entry::Offset { group: text("g"), topic: text("t"), partition: 5, value: Some(expiring) };
    let record = entry.encode();
    assert_eq!(Entry::decode(&record.key, record.value.as_deref()), Ok(Some(entry)));
}

/// A transaction's offsets, as Kafka's logs have them, count when it is committed.
#[test]
fn offsets_of_a_transaction_count_when_it_ends_well() {
    for (marker, offset) in [(1u8, 8), (0, 1)] {
        let mut world = World::new(|_| {});
        let entry = |offset| Entry::Offset {
            group: text(GROUP),
            topic: text("t"),
            partition: 0,
            value: Some(Committed {
                offset,
                leader_epoch: -1,
                metadata: text(""),
                committed_at: 0,
                expires_at: None,
                topic_id: Uuid::ZERO,
            }),
        };
        let batch = |builder: Builder, offset| {
            let record = entry(offset).encode();
            let mut builder = builder;
            builder.push(0, Some(&record.key), record.value.as_deref(), &[]);
            builder.finish()
        };
        let producer = crate::id::ProducerId(5);
        let plain = batch(Builder::new(), 1);
        let open = batch(Builder::new().base(Offset(1)).transactional().producer(producer, 0, 0), 8);
        let mut end = Builder::new().base(Offset(2)).transactional().control().producer(producer, 0, -1);
        end.push(0, Some(&[0, 0, 0, marker]), Some(&[0, 0, 0, 0, 0, 0]), &[]);
        let decision = world.groups.on_leader(world.now, 0, LeaderEpoch(2));
        world.carry_out(decision);
        world.groups.on_loaded_batches(world.now, 0, &[plain, open]);
        let decision = world.groups.on_load_done(world.now, 0, Offset(2));
        world.carry_out(decision);
        let hold = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
        let told = world.fetched(hold).groups[0].topics[0].partitions[0].clone();
        assert_eq!((told.committed_offset, told.error_code), (-1, ErrorCode::UnstableOffsetCommit.code()));
        let mut offsets = world.groups.active().next().expect("a shard").offsets.clone();
        offsets.end_transaction(producer, marker == 1);
        let kept: Option<&Kept> = offsets.get(&text(GROUP), &text("t"), 0);
        assert_eq!(kept.map(|kept| kept.committed.offset), Some(offset));
        let _ = end;
    }
}
