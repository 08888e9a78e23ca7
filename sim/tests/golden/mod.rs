//! What the fuzz targets share: golden bytes, how they are changed, and for how long.
//!
//! Each target takes good bytes (frames that simulated clients and brokers sent, files that brokers and Kafka wrote), changes
//! them a little and hands them to a decoder, or to a whole broker: nothing from a socket or a disk may panic. The changes are
//! drawn from a fixed seed for a few seconds; `ESKER_FUZZ_SEED` and `ESKER_FUZZ_MS` choose others, and for how long. The
//! input that broke something is printed.

// Each target is a program of its own and uses a part of this.
#![allow(dead_code)]

pub mod targets;

use bytes::Bytes;
use esker_core::api::receive::Received;
use esker_core::id::ConnId;
use esker_core::io::Listener;
use esker_core::wire::Slip;
use esker_sim::dice::{Dice, Stream};
use esker_sim::net::Way;
use esker_sim::plan::draw;
use esker_sim::trace::Keep;
use esker_sim::world::World;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// A change: what, where (taken modulo the length), with what.
pub type Edit = (u8, u32, u32);

/// Most changes of one input, and one more: more of them leave nothing that a decoder goes deep into.
const EDITS_MAX: usize = 7;
/// Longest run of bytes that a change adds.
const RUN_MAX: usize = 40;

/// Numbers at which code turns.
const TURNS: [u32; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// The bytes after the changes.
pub fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (kind, place, value) in edits.iter().take(EDITS_MAX) {
        let at = *place as usize % (bytes.len() + 1);
        let put = |bytes: &mut Vec<u8>, with: &[u8]| {
            let end = (at + with.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&with[..end - at]);
        };
        let turn = TURNS[*value as usize % TURNS.len()];
        match kind % 10 {
            0 => put(&mut bytes, &[value.to_be_bytes()[3]]),
            1 => put(&mut bytes, &turn.to_be_bytes()[3..]),
            2 => put(&mut bytes, &turn.to_be_bytes()[2..]),
            3 => put(&mut bytes, &turn.to_be_bytes()),
            4 => put(&mut bytes, &(u64::from(turn) << 32 | u64::from(turn)).to_be_bytes()),
            5 if at < bytes.len() => bytes[at] ^= 1 << (value % 8),
            6 => bytes.truncate(at),
            7 => {
                let end = (at + *value as usize % RUN_MAX).min(bytes.len());
                bytes.drain(at..end);
            }
            8 => {
                let end = (at + *value as usize % RUN_MAX).min(bytes.len());
                let run = bytes[at..end].to_vec();
                bytes.splice(at..at, run);
            }
            9 => {
                let run = vec![value.to_be_bytes()[2]; value.to_be_bytes()[3] as usize % RUN_MAX];
                bytes.splice(at..at, run);
            }
            _ => {}
        }
    }
    bytes
}

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Draws `usual` inputs, the same each time, or as many as `ESKER_FUZZ_MS` has time for: which of the golden bytes, and how they are changed, a few times.
pub fn fuzz(usual: u64, mut target: impl FnMut(&[(usize, Vec<Edit>)])) {
    let time = given("ESKER_FUZZ_MS").map(Duration::from_millis);
    let seed = given("ESKER_FUZZ_SEED").unwrap_or(1);
    let start = Instant::now();
    let mut count = 0;
    while time.map_or(count < usual, |time| start.elapsed() < time) {
        count += 1;
        let mut dice = Dice::new(seed, Stream::Fault, 0, count);
        let input: Vec<(usize, Vec<Edit>)> = (0..dice.between(1, 12))
            .map(|_| {
                let which = dice.number() as usize >> 1;
                let edits = (0..dice.below(EDITS_MAX as u64))
                    .map(|_| (dice.number() as u8, dice.number() as u32, dice.number() as u32));
                (which, edits.collect())
            })
            .collect();
        let culprit = Culprit { seed, count };
        target(&input);
        drop(culprit);
    }
    println!("{count} inputs in {} ms", start.elapsed().as_millis());
}

/// Says which input it was, if it breaks something.
struct Culprit {
    seed: u64,
    count: u64,
}

impl Drop for Culprit {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("input {} of ESKER_FUZZ_SEED={} broke it", self.count, self.seed);
        }
    }
}

/// Frames that were sent in simulated runs: a few of each request and version.
#[derive(Debug, Default)]
pub struct Frames {
    pub requests: Vec<(Listener, Bytes)>,
    pub answers: Vec<(Slip, Bytes)>,
}

/// How many of each request and version are kept.
const EACH: usize = 3;

impl Frames {
    /// Of runs with different clients and versions, for their first seconds.
    pub fn golden() -> Self {
        const SEEDS: [u64; 6] = [1, 2, 3, 5, 8, 13];
        const UNTIL_US: u64 = 3_000_000;
        let mut frames = Self::default();
        let mut count: BTreeMap<(bool, i16, i16), usize> = BTreeMap::new();
        for seed in SEEDS {
            let mut world = World::new(draw(seed), Keep::Nothing);
            world.tapped = Some(Vec::new());
            world.run(UNTIL_US);
            // Which request an answer belongs to is known by its connection's order.
            let mut asked: BTreeMap<u32, Vec<Slip>> = BTreeMap::new();
            for (arrival, listener, frame) in world.tapped.take().unwrap_or_default() {
                let slip = match arrival.way {
                    Way::Out => match slip(listener, &frame) {
                        Some(slip) => slip,
                        None => continue,
                    },
                    Way::Back => {
                        let Some(open) = asked.get_mut(&arrival.conn).filter(|open| !open.is_empty()) else { continue };
                        open.remove(0)
                    }
                };
                let known = count.entry((arrival.way == Way::Out, slip.key as i16, slip.version)).or_default();
                *known += 1;
                let keep = *known <= EACH;
                match arrival.way {
                    Way::Out => {
                        asked.entry(arrival.conn).or_default().push(slip);
                        frames.requests.extend(keep.then_some((listener, frame)));
                    }
                    Way::Back => frames.answers.extend(keep.then_some((slip, frame))),
                }
            }
        }
        frames.add_empty();
        assert!(frames.requests.len() > 100 && frames.answers.len() > 30, "the runs said too little");
        frames
    }

    /// For each request and version one that is all zeros: most lists are empty, most numbers 0.
    fn add_empty(&mut self) {
        const BODY: usize = 48;
        for key in (0..100).filter_map(|key| ApiKey::try_from(key).ok()) {
            for version in key.valid_versions().min..=key.valid_versions().max {
                let mut frame = Vec::from((key as i16).to_be_bytes());
                frame.extend(version.to_be_bytes());
                frame.extend([0; 4 + BODY]);
                self.requests.extend([Listener::Broker, Listener::Controller].map(|on| (on, frame.clone().into())));
            }
        }
    }
}

fn slip(listener: Listener, frame: &Bytes) -> Option<Slip> {
    match esker_core::api::receive::request(frame, listener, ConnId(1), &StrBytes::new()).ok()? {
        Received::Request { slip, .. } => Some(slip),
        Received::UnsupportedVersion { .. } => None,
    }
}

/// Runs a target of this list on good bytes, and on such as are changed a little.
pub fn run(targets: &[targets::Target], name: &str) {
    let target = targets.iter().find(|target| target.name == name).expect("a target of that name");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "nothing to begin with");
    seeds.iter().chain(&found(name)).for_each(|seed| (target.run)(seed));
    fuzz(target.usual, |input| {
        for (which, edits) in input {
            (target.run)(&edited(&seeds[which % seeds.len()], edits));
        }
    });
}

/// Inputs that broke a target once.
pub fn found(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/found").join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| std::fs::read(entry.ok()?.path()).ok()).collect()
}

/// The files of a folder of `tests/golden`, those that Kafka wrote among them.
pub fn golden(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(folder);
    let entries = std::fs::read_dir(folder).expect("golden files");
    let mut files: Vec<(String, Vec<u8>)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_string_lossy().into_owned(), std::fs::read(path).ok()?))
        })
        .collect();
    files.sort();
    files
}
