//! The decoders, one target each: whatever the bytes are, they say what is there or refuse; what they accept stays the same when
//! it is written and read again.

mod golden;

use bytes::Bytes;
use esker_core::api::receive;
use esker_core::batch::{Batches, Limits, Records, is_intact, verify};
use esker_core::config::{Identity, NodeConfig};
use esker_core::id::ConnId;
use esker_core::log::layout;
use esker_core::metadata;
use golden::{Frames, edited, fuzz, golden};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// How many inputs a target is given in `cargo test`: a second's worth.
const USUAL: u64 = 15_000;

/// Runs a target over all inputs as they are, and then over changed ones.
fn run(seeds: &[Vec<u8>], target: impl Fn(usize, &[u8])) {
    run_for(USUAL, seeds, target);
}

fn run_for(usual: u64, seeds: &[Vec<u8>], target: impl Fn(usize, &[u8])) {
    assert!(!seeds.is_empty(), "nothing to begin with");
    seeds.iter().enumerate().for_each(|(place, seed)| target(place, seed));
    fuzz(usual, |input| {
        for (which, edits) in input {
            let place = which % seeds.len();
            target(place, &edited(&seeds[place], edits));
        }
    });
}

#[test]
fn requests() {
    let frames = Frames::golden().requests;
    let seeds: Vec<Vec<u8>> = frames.iter().map(|(_, frame)| frame.to_vec()).collect();
    let listeners: Vec<_> = frames.iter().map(|(listener, _)| *listener).collect();
    run(&seeds, |place, bytes| {
        let frame = Bytes::copy_from_slice(bytes);
        let _ = receive::request(&frame, listeners[place], ConnId(1), &StrBytes::new());
    });
}

#[test]
fn answers() {
    let frames = Frames::golden().answers;
    let seeds: Vec<Vec<u8>> = frames.iter().map(|(_, frame)| frame.to_vec()).collect();
    let slips: Vec<_> = frames.iter().map(|(slip, _)| *slip).collect();
    run(&seeds, |place, bytes| {
        let _ = receive::reply(slips[place], &Bytes::copy_from_slice(bytes));
    });
}

fn logs() -> Vec<Vec<u8>> {
    let files = ["consumer_offsets", "kafka-partition", "kafka-partition-killed"].into_iter().flat_map(golden);
    files.filter(|(name, _)| name.ends_with(".log")).map(|(_, bytes)| bytes).collect()
}

#[test]
fn record_batches() {
    // Each batch by itself, and whole logs.
    let mut seeds = logs();
    let batches: Vec<Vec<u8>> =
        seeds.iter().flat_map(|log| Batches::of(log).map(|(_, batch)| batch.to_vec()).collect::<Vec<_>>()).collect();
    seeds.extend(batches.into_iter().take(40));
    run(&seeds, |_, bytes| {
        for (header, batch) in Batches::of(bytes) {
            let _ = (header.base_offset(), header.last_offset(), header.next_offset(), header.last_sequence());
            let _ = (header.codec(), header.count(), header.size(), is_intact(batch));
            if let Ok(records) = Records::of(batch) {
                records.take(10_000).for_each(drop);
            }
        }
        for limits in [Limits::REPLICA, Limits::produce(3), Limits::produce(9)] {
            let _ = verify(bytes, limits);
        }
    });
}

/// The same, with a checksum that is right again: what lies behind it is reached.
#[test]
fn records_behind_a_good_checksum() {
    const CRC: usize = 17;
    const COVERED: usize = 21;
    let batches: Vec<Vec<u8>> = logs()
        .iter()
        .flat_map(|log| Batches::of(log).map(|(_, batch)| batch.to_vec()).collect::<Vec<_>>())
        .take(60)
        .collect();
    run(&batches, |_, bytes| {
        let mut bytes = bytes.to_vec();
        if bytes.len() > COVERED {
            let length = (bytes.len() - 12) as u32;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            let crc = crc32c::crc32c(&bytes[COVERED..]);
            bytes[CRC..COVERED].copy_from_slice(&crc.to_be_bytes());
        }
        let good = verify(&bytes, Limits::produce(9)).is_ok();
        // What is compressed is looked into by nobody but clients.
        if let Ok(records) = Records::of(&bytes) {
            let read = records.take(100_000).filter(Result::is_ok).count();
            let header = Batches::of(&bytes).next().map(|(header, _)| header.count());
            assert!(
                !good || header == Some(read as i32),
                "it says {header:?} records and {read} are read: {bytes:02x?}"
            );
        }
    });
}

#[test]
fn metadata_records() {
    use esker_sim::plan::draw;
    use esker_sim::trace::Keep;
    use esker_sim::world::World;
    let mut world = World::new(draw(2), Keep::Nothing);
    world.run(2_000_000);
    let folder = world.nodes[0].disk.named("__cluster_metadata-0").expect("a node has a log of the metadata");
    let mut seeds = Vec::new();
    for (name, len) in folder.list() {
        let Some(file) = folder.file(name).filter(|_| matches!(name, esker_core::io::FileName::Log(_))) else {
            continue;
        };
        for (_, batch) in Batches::of(file.read(0, len as u32)) {
            let Ok(records) = Records::of(batch) else { continue };
            seeds.extend(records.filter_map(Result::ok).filter_map(|record| Some(record.value?.to_vec())));
        }
    }
    assert!(seeds.len() > 5, "the log of the metadata has records");
    run(&seeds, |_, bytes| {
        if let Ok(record) = metadata::decode(bytes) {
            assert_eq!(metadata::decode(&metadata::encode(&record)), Ok(record));
        }
    });
}

#[test]
fn checkpoints_and_names() {
    let mut seeds: Vec<Vec<u8>> = ["kafka-partition", "kafka-partition-killed"]
        .into_iter()
        .flat_map(golden)
        .filter(|(name, _)| !name.contains("000"))
        .map(|(_, bytes)| bytes)
        .collect();
    seeds.push(b"0\n2\nt 0 17\na-b.c 12 9223372036854775807\n".to_vec());
    seeds.extend([b"t-0".to_vec(), b"a.b-c-12.0123456789abcdef0123456789abcdef-delete".to_vec()]);
    seeds.extend(
        ["00000000000000000170.snapshot", "00000000000000000000.log.deleted", "quorum-state"].map(|n| n.into()),
    );
    run(&seeds, |_, bytes| {
        if let Some(list) = layout::epochs(bytes) {
            assert_eq!(layout::epochs(layout::epochs_text(&list).as_bytes()), Some(list));
        }
        if let Some(id) = layout::partition_metadata(bytes) {
            assert_eq!(layout::partition_metadata(layout::partition_metadata_text(id).as_bytes()), Some(id));
        }
        if let Some(rows) = layout::offsets(bytes) {
            let text = layout::offsets_text(rows.iter().map(|(topic, number, at)| (topic.as_str(), *number, *at)));
            assert_eq!(layout::offsets(text.as_bytes()), Some(rows));
        }
        let text = String::from_utf8_lossy(bytes);
        if let Some(name) = layout::file_name(&text) {
            assert_eq!(layout::file_name(&layout::file_text(name)), Some(name));
        }
        let _ = layout::folder(&text);
    });
}

#[test]
fn configuration() {
    const GOOD: &str = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:19092\n\
        listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092\ncontroller.listener.names=CONTROLLER\n\
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\nlog.dirs=/data\nnum.partitions=4\n\
        min.insync.replicas=2\nlog.retention.ms=-1\nmessage.max.bytes=100\nlog.cleanup.policy=compact,delete\n\
        broker.session.timeout.ms=9000\nreplica.lag.time.max.ms=30000\nunclean.leader.election.enable=true\n";
    // Each name that nobody knows is compared with all that are known.
    run_for(30, &[GOOD.into()], |_, bytes| {
        let text = String::from_utf8_lossy(bytes);
        let file: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let _ = NodeConfig::accept(file, Identity::default());
    });
}
