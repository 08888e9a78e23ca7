//! The decoders, one target each: whatever the bytes are, they say what is there or refuse; what they accept stays the same when
//! it is written and read again.
//!
//! `cargo test` hands each of them good bytes that were changed a little (`decoders.rs`), `ci/fuzz` what a fuzzer thinks of that
//! sees how far it comes (`fuzz/`). An input that broke something is kept in `tests/golden/found/NAME/`.

use super::{Frames, golden};
use bytes::Bytes;
use esker_core::api::receive;
use esker_core::batch::{Batches, Limits, Records, is_intact, verify};
use esker_core::config::{Identity, NodeConfig};
use esker_core::group::records::Entry;
use esker_core::id::ConnId;
use esker_core::io::{Address, Listener};
use esker_core::log::index::Index;
use esker_core::log::{layout, snapshot};
use esker_core::metadata;
use esker_core::quorum::{Voter, state_file};
use esker_core::wire::Slip;
use esker_sim::history::History;
use esker_sim::plan::{Plan, draw};
use esker_sim::trace::Keep;
use esker_sim::world::World;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// A decoder.
pub struct Target {
    pub name: &'static str,
    /// Good bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Panics if the decoder breaks its promise.
    pub run: fn(&[u8]),
    /// How many changed inputs it is given in `cargo test`: a second's worth.
    pub usual: u64,
}

const fn target(name: &'static str, seeds: fn() -> Vec<Vec<u8>>, run: fn(&[u8])) -> Target {
    Target { name, seeds, run, usual: 15_000 }
}

pub const TARGETS: &[Target] = &[
    target("requests", request_frames, request),
    target("answers", answer_frames, answer),
    target("batches", batches_and_logs, record_batches),
    target("records", whole_batches, records_behind_a_good_checksum),
    target("metadata-records", records_of_the_metadata, metadata_record),
    target("group-records", records_of_groups, group_record),
    target("indexes", index_files, indexes),
    target("producers", producer_snapshots, producers),
    target("checkpoints", text_files, checkpoints_and_names),
    target("quorum-state", quorum_states, quorum_state),
    // Each name that nobody knows is compared with all that are known.
    Target { usual: 30, ..target("configuration", configurations, configuration) },
    Target { usual: 1_000, ..target("plans", plans, plan) },
    Target { usual: 3_000, ..target("histories", histories, history) },
];

fn request_frames() -> Vec<Vec<u8>> {
    Frames::golden().requests.iter().map(|(_, frame)| frame.to_vec()).collect()
}

fn request(bytes: &[u8]) {
    let frame = Bytes::copy_from_slice(bytes);
    for listener in [Listener::Broker, Listener::Controller] {
        let _ = receive::request(&frame, listener, ConnId(1), &StrBytes::new());
    }
}

/// Behind the key and the version of the request that each answers.
fn answer_frames() -> Vec<Vec<u8>> {
    let framed = |(slip, frame): &(Slip, Bytes)| {
        [&(slip.key as i16).to_be_bytes(), &slip.version.to_be_bytes(), frame.as_ref()].concat()
    };
    Frames::golden().answers.iter().map(framed).collect()
}

fn answer(bytes: &[u8]) {
    let [a, b, c, d, frame @ ..] = bytes else { return };
    let Ok(key) = ApiKey::try_from(i16::from_be_bytes([*a, *b])) else { return };
    let version = i16::from_be_bytes([*c, *d]);
    // Who calls knows what it asked.
    if (key.valid_versions().min..=key.valid_versions().max).contains(&version) {
        let correlation = frame.first_chunk().map_or(0, |first| i32::from_be_bytes(*first));
        let _ = receive::reply(Slip { key, version, correlation }, &Bytes::copy_from_slice(frame));
    }
}

fn logs() -> Vec<Vec<u8>> {
    let files = ["consumer_offsets", "kafka-partition", "kafka-partition-killed"].into_iter().flat_map(golden);
    files.filter(|(name, _)| name.ends_with(".log")).map(|(_, bytes)| bytes).collect()
}

fn whole_batches() -> Vec<Vec<u8>> {
    let logs = logs();
    logs.iter().flat_map(|log| Batches::of(log).map(|(_, batch)| batch.to_vec())).take(60).collect()
}

/// Each batch by itself, and whole logs.
fn batches_and_logs() -> Vec<Vec<u8>> {
    logs().into_iter().chain(whole_batches().into_iter().take(40)).collect()
}

fn record_batches(bytes: &[u8]) {
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
}

/// With a length and a checksum that are right again, so that what lies behind them is reached.
fn records_behind_a_good_checksum(bytes: &[u8]) {
    const CRC: usize = 17;
    const COVERED: usize = 21;
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
        assert!(!good || header == Some(read as i32), "it says {header:?} records and {read} are read: {bytes:02x?}");
    }
}

/// Of a run's log of the metadata.
fn records_of_the_metadata() -> Vec<Vec<u8>> {
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
    seeds
}

fn metadata_record(bytes: &[u8]) {
    if let Ok(record) = metadata::decode(bytes) {
        assert_eq!(metadata::decode(&metadata::encode(&record)), Ok(record));
    }
}

/// The length of the key, the key, and the value.
fn records_of_groups() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (name, log) in golden("consumer_offsets") {
        for (_, batch) in Batches::of(&log).filter(|_| name.ends_with(".log")) {
            let Ok(records) = Records::of(batch) else { continue };
            for record in records.filter_map(Result::ok) {
                let key = record.key.unwrap_or_default();
                seeds.push([&[key.len() as u8], key, record.value.unwrap_or_default()].concat());
            }
        }
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

fn group_record(bytes: &[u8]) {
    let Some((key_len, rest)) = bytes.split_first() else { return };
    let Some((key, value)) = rest.split_at_checked(usize::from(*key_len)) else { return };
    let value = (!value.is_empty()).then_some(value);
    let _ = Entry::decode(key, value);
}

/// Size and end of the segment, the number of entries of the one index, and both files.
fn index_files() -> Vec<Vec<u8>> {
    let files = golden("kafka-partition").into_iter().chain(golden("kafka-partition-killed"));
    let files: BTreeMap<String, Vec<u8>> = files.collect();
    let mut seeds = Vec::new();
    for (name, offsets) in files.iter().filter(|(name, _)| name.ends_with(".index")) {
        let times = files.get(&name.replace(".index", ".timeindex")).cloned().unwrap_or_default();
        let (offsets, times) = (&offsets[..offsets.len().min(400)], &times[..times.len().min(600)]);
        let head = [1 << 20, 1 << 20, (offsets.len() / 8) as u32].map(u32::to_be_bytes).concat();
        seeds.push([&head, offsets, times].concat());
    }
    assert!(!seeds.is_empty(), "Kafka wrote indexes");
    seeds
}

fn indexes(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<12>() else { return };
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (offsets, times) = rest.split_at((number(8) as usize).saturating_mul(8).min(rest.len()));
    let index = Index::read(offsets, times, number(0).into(), number(4));
    index.check();
    assert_eq!(Index::read(&index.offsets_file(), &index.times_file(), number(0).into(), number(4)), index);
}

fn producer_snapshots() -> Vec<Vec<u8>> {
    let folders = ["consumer_offsets", "kafka-partition", "kafka-partition-killed"].into_iter().flat_map(golden);
    let files = folders.filter(|(name, _)| name.ends_with(".snapshot")).map(|(_, bytes)| bytes);
    files.chain([snapshot::write(&Default::default()).to_vec()]).collect()
}

/// With a checksum that is right again.
fn producers(bytes: &[u8]) {
    let _ = snapshot::read(bytes);
    let mut bytes = bytes.to_vec();
    if bytes.len() > 6 {
        let crc = crc32c::crc32c(&bytes[6..]);
        bytes[2..6].copy_from_slice(&crc.to_be_bytes());
    }
    if let Some(producers) = snapshot::read(&bytes) {
        assert!(snapshot::read(&snapshot::write(&producers)).is_some());
    }
}

fn text_files() -> Vec<Vec<u8>> {
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
    seeds
}

fn checkpoints_and_names(bytes: &[u8]) {
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
}

fn quorum_states() -> Vec<Vec<u8>> {
    const KAFKAS: &str = r#"{"leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}"#;
    const VOTED: &str =
        r#"{"leaderId":-1,"leaderEpoch":7,"votedId":2,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAg","data_version":1}"#;
    const KNOWN: &str =
        r#"{"leaderEpoch":1,"currentVoters":[{"voterId":3,"directoryId":"AAAAAAAAAAAAAAAAAAAAAg"}],"data_version":0}"#;
    vec![KAFKAS.into(), VOTED.into(), KNOWN.into()]
}

fn quorum_state(bytes: &[u8]) {
    if let Ok(state) = state_file::decode(bytes) {
        let address = || Address { host: StrBytes::default(), port: 1 };
        let known: Vec<_> = state.directories.keys().map(|id| Voter { id: *id, address: address() }).collect();
        assert_eq!(state_file::decode(&state_file::encode(&state, &known)), Ok(state));
    }
}

fn configurations() -> Vec<Vec<u8>> {
    const GOOD: &str = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:19092\n\
        listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092\ncontroller.listener.names=CONTROLLER\n\
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\nlog.dirs=/data\nnum.partitions=4\n\
        min.insync.replicas=2\nlog.retention.ms=-1\nmessage.max.bytes=100\nlog.cleanup.policy=compact,delete\n\
        broker.session.timeout.ms=9000\nreplica.lag.time.max.ms=30000\nunclean.leader.election.enable=true\n";
    vec![GOOD.into()]
}

fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let file: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let _ = NodeConfig::accept(file, Identity::default());
}

fn plans() -> Vec<Vec<u8>> {
    (1..4).map(|seed| draw(seed).text().into_bytes()).collect()
}

fn plan(bytes: &[u8]) {
    if let Ok(plan) = Plan::parse(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Plan::parse(&plan.text()), Ok(plan));
    }
}

/// The first seconds of a run's.
fn histories() -> Vec<Vec<u8>> {
    let mut world = World::new(draw(1), Keep::Nothing);
    world.run(2_000_000);
    world.history.lines.truncate(60);
    let mut text = Vec::new();
    world.history.write(&mut text).expect("memory takes it");
    vec![text]
}

/// And what reads the same is judged, whatever it says.
fn history(bytes: &[u8]) {
    if let Ok(history) = History::read(bytes) {
        let mut text = Vec::new();
        history.write(&mut text).expect("memory takes it");
        assert_eq!(History::read(&text[..]).as_ref(), Ok(&history));
        let _ = esker_sim::check::past::judge(&history);
    }
}
