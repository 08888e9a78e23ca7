//! The log against a model of it: what was appended is what is read, whatever the disk does; what was synced is never lost.

use super::fake::{Bench, DIR, Disk};
use super::{Loading, LogConfig, LogEvent, Opening, Origin, Reading, SyncPolicy};
use crate::batch::{Builder, Header};
use crate::id::{LeaderEpoch, Offset, ProducerId};
use crate::io::{FileId, FileName, Records};
use crate::rng::Rng;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

pub fn config() -> LogConfig {
    LogConfig { segment_bytes: 700, index_interval_bytes: 100, tail_bytes: 300, ..LogConfig::default() }
}

/// A produced batch.
pub fn batch(value: &[u8], records: usize, producer: Option<(i64, i16, i32)>) -> Bytes {
    let mut batch = Builder::new();
    if let Some((id, epoch, sequence)) = producer {
        batch = batch.producer(ProducerId(id), epoch, sequence);
    }
    for _ in 0..records {
        batch.push(1_700_000_000_000, None, Some(value), &[]);
    }
    batch.finish()
}

/// Reads the whole log as a consumer does.
pub fn read_all(bench: &mut Bench, max_bytes: usize) -> Vec<u8> {
    let (mut from, end) = (bench.log.start(), bench.log.end());
    let mut all = Vec::new();
    let (mut waits, mut faults) = (0, 0);
    while from < end {
        let Ok(reading) = bench.log.read(bench.now, from, end, max_bytes, true, &mut bench.out) else {
            // A read that fails is told once, then tried again.
            faults += 1;
            assert!(faults == 1 && bench.disk.fail_at.is_some(), "readable");
            continue;
        };
        let bytes = match reading {
            Reading::Wait => {
                waits += 1;
                assert!(waits < 10_000, "a reader gets on");
                bench.settle();
                continue;
            }
            Reading::Ready { records: Records::Empty, .. } => panic!("nothing at {from} below {end}"),
            Reading::Ready { records: Records::Memory(parts), .. } => parts.concat(),
            Reading::Ready { records: Records::File(range), .. } => {
                assert_eq!(range.file.dir, DIR);
                let file = bench.disk.bytes(range.file.name).expect("a file that is there");
                file[range.at as usize..][..range.len as usize].to_vec()
            }
        };
        assert_eq!(Header::read(&bytes).unwrap().base_offset(), from, "exactly the first batch");
        for (header, _) in crate::batch::Batches::of(&bytes) {
            from = header.next_offset();
        }
        all.extend_from_slice(&bytes);
    }
    all
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    first: Offset,
    next: Offset,
    bytes: Vec<u8>,
}

/// What the log should hold.
struct Model {
    batches: Vec<Kept>,
    /// What a crash may bring back: the batches before truncations that are not durable yet.
    older: Vec<Vec<Kept>>,
    epoch: i32,
    sequences: [i32; 3],
}

impl Model {
    fn end(&self) -> Offset {
        self.batches.last().map_or(Offset::ZERO, |last| last.next)
    }

    fn bytes(&self) -> Vec<u8> {
        self.batches.iter().flat_map(|kept| kept.bytes.iter().copied()).collect()
    }

    fn keep(&mut self, first: Offset, next: Offset, bytes: Vec<u8>) {
        self.batches.push(Kept { first, next, bytes });
    }
}

fn drive(seed: u64, config: LogConfig) {
    let mut rng = Rng::new(seed, 7);
    let mut bench = Bench::opened(Disk::default(), config, Opening::default());
    bench.rng = Rng::new(seed, 8);
    let mut model = Model { batches: Vec::new(), older: Vec::new(), epoch: 0, sequences: [0; 3] };
    for _ in 0..60 {
        match rng.below(16) {
            0..=6 => append(&mut bench, &mut model, &mut rng),
            7 => append_replica(&mut bench, &mut model, &mut rng),
            8 | 9 => {
                for _ in 0..rng.below(8) {
                    bench.step();
                }
            }
            10 => truncate(&mut bench, &mut model, &mut rng),
            11 | 12 => {
                bench.settle();
                assert_eq!(read_all(&mut bench, 1 + rng.below(900) as usize), model.bytes(), "seed {seed}");
            }
            13 => {
                bench.settle();
                model.older.clear();
                bench = bench.restart();
                assert_eq!((bench.log.end(), bench.log.synced()), (model.end(), model.end()), "seed {seed}");
            }
            14 => bench = crash(bench, &mut model, seed),
            _ => read_one(&mut bench, &model, &mut rng),
        }
        bench.log.check();
        if bench.disk.changes_left() == 0 {
            model.older.clear();
        }
    }
    bench.settle();
    assert_eq!(read_all(&mut bench, 500), model.bytes(), "seed {seed}");
}

fn append(bench: &mut Bench, model: &mut Model, rng: &mut Rng) {
    let records = 1 + rng.below(3) as usize;
    let value = vec![rng.next_u64() as u8; rng.below(200) as usize];
    let who = rng.below(3) as usize;
    let producer = (rng.below(2) == 0).then(|| (who as i64, 0, model.sequences[who]));
    let epoch = LeaderEpoch(model.epoch);
    if !bench.log.is_settled() {
        bench.settle();
    }
    let bytes = batch(&value, records, producer);
    let appended = bench.log.append(bench.now, epoch, bytes.clone(), Origin::Client, &mut bench.out).expect("appended");
    assert!(!appended.duplicate);
    assert_eq!(appended.first, model.end());
    let again = producer.map(|_| {
        bench.log.append(bench.now, epoch, bytes.clone(), Origin::Client, &mut bench.out).expect("a duplicate")
    });
    if let Some(again) = again {
        assert_eq!((again.first, again.last, again.duplicate), (appended.first, appended.last, true));
        model.sequences[who] += records as i32;
    }
    let stamped = crate::batch::stamp(bytes, crate::batch::Stamp { base: appended.first, epoch, append_time: None });
    model.keep(appended.first, appended.next(), [&stamped.0[..], &stamped.1[..]].concat());
    bench.disk.accept(&mut bench.out);
}

fn append_replica(bench: &mut Bench, model: &mut Model, rng: &mut Rng) {
    bench.settle();
    let mut set = Vec::new();
    for _ in 0..1 + rng.below(4) {
        let mut batch = Builder::new().base(model.end()).epoch(LeaderEpoch(model.epoch));
        batch.push(1_700_000_000_000, None, Some(&vec![7; rng.below(300) as usize]), &[]);
        let bytes = batch.finish();
        model.keep(model.end(), model.end().plus(1), bytes.to_vec());
        set.extend_from_slice(&bytes);
    }
    // Kafka's leaders may cut the last batch.
    set.extend_from_slice(&[0; 5]);
    bench.log.append_replica(bench.now, Bytes::from(set), &mut bench.out).expect("continues");
    bench.disk.accept(&mut bench.out);
}

fn truncate(bench: &mut Bench, model: &mut Model, rng: &mut Rng) {
    if model.batches.is_empty() || !bench.log.is_settled() {
        return;
    }
    let to = Offset(rng.below(model.end().0 as u64 + 1) as i64);
    model.older.push(model.batches.clone());
    bench.log.truncate(bench.now, to, &mut bench.out);
    bench.disk.accept(&mut bench.out);
    if !bench.log.is_settled() {
        bench.settle();
        model.older.clear();
    }
    model.batches.retain(|kept| kept.next <= to);
    assert_eq!(bench.log.end(), model.end());
    model.epoch += 1;
    // Producers begin a new epoch of theirs where theirs may be gone: here, others.
    let known = bench.log.producers();
    for (who, sequence) in model.sequences.iter_mut().enumerate() {
        let last = known.get(ProducerId(who as i64)).and_then(|producer| producer.window.last().copied());
        *sequence = last.map_or(0, |last| last.last_sequence + 1);
    }
    check_producers(bench, model);
}

/// The producers are those of the batches that are there.
fn check_producers(bench: &Bench, model: &Model) {
    let mut want = super::Producers::default();
    for kept in &model.batches {
        want.record(&Header::read(&kept.bytes).unwrap(), None);
    }
    assert_eq!(bench.log.producers(), &want);
}

fn crash(mut bench: Bench, model: &mut Model, seed: u64) -> Bench {
    bench.disk.accept(&mut bench.out);
    let synced = bench.log.synced();
    let durable = bench.log.config().sync == SyncPolicy::Always;
    let mut bench = bench.crash(Opening::default());
    assert!(bench.log.is_open(), "seed {seed}");
    let end = bench.log.end();
    assert_eq!(end, bench.log.synced());
    assert!(!durable || end >= synced, "seed {seed}: synced to {synced}, recovered to {end}");
    model.older.push(core::mem::take(&mut model.batches));
    let all = read_all(&mut bench, 400);
    let from = bench.log.start();
    let found = model.older.iter().find_map(|older| {
        let kept: Vec<Kept> = older.iter().filter(|kept| kept.next <= end).cloned().collect();
        let bytes: Vec<u8> = kept.iter().flat_map(|kept| kept.bytes.iter().copied()).collect();
        (bytes == all && from == Offset::ZERO).then_some(kept)
    });
    model.batches = found.unwrap_or_else(|| panic!("seed {seed}: what was recovered was never in the log"));
    assert_eq!(model.end(), end, "seed {seed}");
    model.older.clear();
    model.epoch += 1;
    check_producers(&bench, model);
    for (who, sequence) in model.sequences.iter_mut().enumerate() {
        let last =
            bench.log.producers().get(ProducerId(who as i64)).and_then(|producer| producer.window.last().copied());
        *sequence = last.map_or(0, |last| last.last_sequence + 1);
    }
    // Once more, without a fault: the same state, the same bytes.
    let image = bench.disk.image();
    let again = Bench::opened(bench.disk.clone(), bench.log.config().clone(), Opening::default());
    assert_eq!(again.log.end(), end);
    assert_eq!(again.log.producers(), bench.log.producers());
    assert_eq!(again.log.epochs, bench.log.epochs);
    assert_eq!(again.disk.image(), image, "seed {seed}: a second recovery changes nothing");
    bench
}

fn read_one(bench: &mut Bench, model: &Model, rng: &mut Rng) {
    if model.batches.is_empty() {
        return;
    }
    let kept = &model.batches[rng.below(model.batches.len() as u64) as usize];
    let inside = Offset(kept.first.0 + rng.below((kept.next.0 - kept.first.0) as u64) as i64);
    for _ in 0..1000 {
        match bench.log.load(bench.now, inside, model.end(), 1, &mut bench.out).expect("loadable") {
            Loading::Wait => bench.settle(),
            Loading::End => panic!("there is a batch at {inside}"),
            Loading::Batches(batches) => {
                assert_eq!(&batches[0][..], &kept.bytes[..]);
                return;
            }
        }
    }
    panic!("a reader gets on");
}

#[test]
fn what_was_appended_is_read_and_what_was_synced_survives() {
    for seed in 0..400 {
        drive(seed, config());
    }
}

#[test]
fn so_it_does_where_the_system_syncs() {
    let sync = SyncPolicy::Os { flush_messages: 5, flush_ms: i64::MAX };
    for seed in 0..200 {
        drive(seed, LogConfig { sync, ..config() });
    }
}

#[test]
fn so_it_does_in_large_segments_and_with_everything_in_memory() {
    for seed in 0..100 {
        drive(seed, LogConfig { segment_bytes: 1 << 20, ..config() });
        drive(seed, LogConfig { tail_bytes: 1 << 20, ..config() });
        drive(seed, LogConfig { tail_bytes: 0, index_interval_bytes: 0, ..config() });
    }
}

/// A day in the life of a log: appends, rolls, a truncation, a restart. How many operations it took, unless one failed.
fn day(fail_at: Option<u64>) -> Option<u64> {
    let mut disk = Disk::default();
    disk.fail_at = fail_at;
    let mut bench = Bench::open(disk, config(), Opening::default());
    let mut acked = Offset::ZERO;
    for step in 0..12u8 {
        bench.settle();
        if step == 8 && bench.log.is_open() {
            acked = acked.min(Offset(5));
            bench.log.truncate(bench.now, Offset(5), &mut bench.out);
            bench.settle();
        }
        let appended = bench.log.append(
            bench.now,
            LeaderEpoch(0),
            batch(&[step; 150], 1, Some((1, i16::from(step), 0))),
            Origin::Client,
            &mut bench.out,
        );
        bench.disk.accept(&mut bench.out);
        let failed = bench.events.iter().any(|event| matches!(event, LogEvent::Failed(_)));
        assert_eq!(appended.is_err(), failed, "a log that failed takes nothing, any other does");
        bench.settle();
        acked = acked.max(bench.log.synced());
    }
    let failed = bench.events.iter().any(|event| matches!(event, LogEvent::Failed(_)));
    if !failed {
        assert_eq!(bench.log.synced(), bench.log.end());
        assert!(!read_all(&mut bench, 300).is_empty());
    }
    let count = bench.disk.count;
    let bench = bench.crash(Opening::default());
    assert!(bench.log.is_open() && bench.log.end() >= acked, "acked {acked}, found {}", bench.log.end());
    (!failed).then_some(count)
}

#[test]
fn the_kth_operation_fails_for_every_k() {
    let count = day(None).expect("without a fault it goes well");
    let mut failed = 0;
    for k in 1..=count {
        failed += u64::from(day(Some(k)).is_none());
    }
    assert!(failed > count / 2, "most operations are changes, whose failure is final: {failed} of {count}");
}

/// The files of Kafka's own partition folder.
fn golden(killed: bool) -> Disk {
    macro_rules! file {
        ($folder:literal, $name:literal) => {
            &include_bytes!(concat!("../../../tests/golden/", $folder, "/", $name))[..]
        };
    }
    if killed {
        Disk::holding(&[
            (FileName::Log(Offset(0)), file!("kafka-partition-killed", "00000000000000000000.log")),
            (FileName::Index(Offset(0)), file!("kafka-partition-killed", "00000000000000000000.index")),
            (FileName::TimeIndex(Offset(0)), file!("kafka-partition-killed", "00000000000000000000.timeindex")),
            (FileName::LeaderEpochs, file!("kafka-partition-killed", "leader-epoch-checkpoint")),
            (FileName::PartitionMetadata, file!("kafka-partition-killed", "partition.metadata")),
        ])
    } else {
        Disk::holding(&[
            (FileName::Log(Offset(0)), file!("kafka-partition", "00000000000000000000.log")),
            (FileName::Index(Offset(0)), file!("kafka-partition", "00000000000000000000.index")),
            (FileName::TimeIndex(Offset(0)), file!("kafka-partition", "00000000000000000000.timeindex")),
            (FileName::ProducerSnapshot(Offset(170)), file!("kafka-partition", "00000000000000000170.snapshot")),
            (FileName::LeaderEpochs, file!("kafka-partition", "leader-epoch-checkpoint")),
            (FileName::PartitionMetadata, file!("kafka-partition", "partition.metadata")),
        ])
    }
}

#[test]
fn a_folder_that_kafka_closed_opens_without_a_change() {
    let disk = golden(false);
    let image = disk.image();
    let mut bench = Bench::opened(disk, LogConfig::default(), Opening { clean: true, ..Opening::default() });
    assert_eq!((bench.log.start(), bench.log.end()), (Offset(0), Offset(170)));
    assert_eq!(bench.log.latest_epoch(), LeaderEpoch(0));
    assert_eq!(bench.log.topic_id().map(|id| alloc::format!("{id}")).as_deref(), Some("1kP_yqn1QCi4im-hLFMLdw"));
    assert_eq!(bench.log.producers().iter().len(), 2);
    assert_eq!(bench.disk.image(), image);
    let log = image[&FileName::Log(Offset(0))].clone();
    assert_eq!(read_all(&mut bench, 2000), log);
    // A second time the bytes are known to be good.
    let again = bench.log.read(bench.now, Offset(0), Offset(170), 1 << 20, true, &mut bench.out);
    let whole = crate::io::FileRange { file: FileId::new(DIR, FileName::Log(Offset(0))), at: 0, len: log.len() as u32 };
    assert_eq!(again, Ok(Reading::Ready { records: Records::File(whole), more: false }));
}

#[test]
fn a_folder_of_a_kafka_that_was_killed_opens_and_becomes_what_kafka_would_have_left() {
    let bench =
        Bench::opened(golden(true), LogConfig { index_interval_bytes: 64, ..LogConfig::default() }, Opening::default());
    assert_eq!((bench.log.start(), bench.log.end()), (Offset(0), Offset(170)));
    assert_eq!(bench.log.producers().iter().len(), 2);
    let bench = bench.restart();
    let (ours, theirs) = (bench.disk.image(), golden(false).image());
    for name in [
        FileName::Log(Offset(0)),
        FileName::Index(Offset(0)),
        FileName::TimeIndex(Offset(0)),
        FileName::LeaderEpochs,
        FileName::PartitionMetadata,
    ] {
        assert_eq!(ours[&name], theirs[&name], "{name:?}");
    }
    let kafkas = super::snapshot::read(&theirs[&FileName::ProducerSnapshot(Offset(170))]).unwrap();
    for (id, producer) in kafkas.iter() {
        let ours = bench.log.producers().get(*id).unwrap();
        assert_eq!(
            (ours.epoch, ours.window.last(), ours.timestamp),
            (producer.epoch, producer.window.last(), producer.timestamp)
        );
    }
}
