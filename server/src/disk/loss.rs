//! Power is lost while the disk threads work, with and without a journal: what they said is durable is there afterwards.

use super::*;
use crate::durable::shadow;
use bytes::Bytes;
use esker_core::id::{DirId, Offset};
use esker_core::io::{FileId, FileName, Owner};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// A folder as whoever issues operations knows it. One log, of segments that follow each other.
#[derive(Clone, Default)]
struct Folder {
    /// Names may change, and the bytes of the log from its start on.
    name: String,
    gone: bool,
    /// The bases of the segments; the last one is appended to.
    bases: Vec<i64>,
    /// The bytes of each.
    bytes: BTreeMap<i64, Vec<u8>>,
    /// How many of them an operation so far promised to make durable: an append without a sync promises nothing.
    synced: BTreeMap<i64, usize>,
}

impl Folder {
    /// All bytes of the segment so far are promised.
    fn sync(&mut self, base: i64) {
        self.synced.insert(base, self.bytes[&base].len());
    }
}

/// An issued operation: what the folder is when it has taken effect, and whether its end promises that this is durable.
struct Issued {
    dir: DirId,
    after: Folder,
    durable: bool,
}

struct Story {
    root: PathBuf,
    disk: DiskThreads,
    ended: Arc<Mutex<Vec<u64>>>,
    issued: Vec<Issued>,
    folders: BTreeMap<DirId, Folder>,
    dice: Dice,
    /// Bytes of a large append.
    large: u64,
    seed: u64,
}

const fn log(dir: DirId, base: i64) -> FileId {
    FileId::new(dir, FileName::Log(Offset(base)))
}

impl Story {
    fn start(root: &Path, journal: u64, seed: u64) -> Self {
        let ended = Arc::<Mutex<Vec<u64>>>::default();
        let heard = Arc::clone(&ended);
        let report = move |completed: Completed| {
            for (tag, result) in completed {
                assert_eq!(result, Ok(DiskDone::Done), "operation {}", tag.serial);
                heard.lock().unwrap().push(tag.serial);
            }
        };
        let settings = Settings { readers: 1, files: 8, journal, life: seed };
        let disk = DiskThreads::start(root, settings, Arc::default(), report).unwrap();
        disk.make_journal().unwrap();
        while journal > 0 && !disk.has_journal() {
            std::thread::sleep(Duration::from_millis(1));
        }
        shadow::watch(root);
        let mut dice = Dice(seed);
        // The largest by themselves, and the next ones together, are more than goes through the journal.
        let large = [5000, 100_000, 800_000, 4 << 20][dice.roll(4) as usize];
        Self { root: root.to_path_buf(), disk, ended, issued: Vec::new(), folders: BTreeMap::new(), dice, large, seed }
    }

    /// Issues operations of one folder together; the last one's end promises that `after` is durable, if `durable`.
    fn issue(&mut self, dir: DirId, ops: Vec<DiskOp>, after: Folder, durable: bool) {
        let count = ops.len();
        let mut tagged = Vec::new();
        for (number, op) in ops.into_iter().enumerate() {
            let serial = self.issued.len() as u64;
            tagged.push((DiskTag { owner: Owner::Log(dir), serial }, op));
            self.issued.push(Issued { dir, after: after.clone(), durable: durable && number + 1 == count });
        }
        self.folders.insert(dir, after);
        self.disk.submit(&mut tagged);
    }

    fn open(&mut self, number: u32) {
        let dir = DirId(number);
        let folder = Folder {
            name: format!("t-{number}"),
            bases: vec![0],
            bytes: [(0, Vec::new())].into(),
            ..Folder::default()
        };
        let name = folder.name.clone();
        let ops = vec![DiskOp::OpenDir { dir, name }, DiskOp::Create { file: log(dir, 0) }, DiskOp::SyncDir { dir }];
        self.issue(dir, ops, folder, true);
    }

    fn step(&mut self) {
        let dir = DirId(1 + u32::try_from(self.dice.roll(self.folders.len() as u64)).unwrap());
        let mut folder = self.folders[&dir].clone();
        if folder.gone {
            return;
        }
        let base = *folder.bases.last().unwrap();
        let file = log(dir, base);
        let at = folder.bytes[&base].len() as u64;
        match self.dice.roll(40) {
            0 => {
                let next = base + 1 + at as i64;
                folder.sync(base);
                folder.bases.push(next);
                folder.bytes.insert(next, Vec::new());
                let ops = vec![DiskOp::Sync { file }, DiskOp::Create { file: log(dir, next) }, DiskOp::SyncDir { dir }];
                self.issue(dir, ops, folder, true);
            }
            1 if at > 0 => {
                let len = self.dice.roll(at);
                folder.bytes.get_mut(&base).unwrap().truncate(len as usize);
                folder.sync(base);
                self.issue(dir, vec![DiskOp::Truncate { file, len }], folder, true);
            }
            2 if folder.bases.len() > 1 => {
                let first = folder.bases.remove(0);
                folder.bytes.remove(&first);
                let to = FileName::RetiredLog(Offset(first));
                let ops = vec![
                    DiskOp::Rename { from: log(dir, first), to },
                    DiskOp::SyncDir { dir },
                    DiskOp::Delete { file: FileId::new(dir, to) },
                    DiskOp::SyncDir { dir },
                ];
                self.issue(dir, ops, folder, true);
            }
            3 if self.dice.roll(3) == 0 => {
                folder.name = format!("{}x", folder.name);
                let name = folder.name.clone();
                self.issue(dir, vec![DiskOp::RenameDir { dir, name }], folder, true);
            }
            4 if self.dice.roll(8) == 0 => {
                folder.gone = true;
                self.issue(dir, vec![DiskOp::RemoveDir { dir }], folder, true);
            }
            5 => {
                let bytes = Bytes::from(format!("epochs of {at}"));
                let file = FileId::new(dir, FileName::LeaderEpochs);
                self.issue(dir, vec![DiskOp::Replace { file, bytes }], folder, true);
            }
            kind => {
                let len = if (6..10).contains(&kind) { self.dice.roll(self.large) } else { 1 + self.dice.roll(3000) };
                let fill = (1 + self.dice.roll(250)) as u8;
                let bytes: Vec<u8> = (0..len).map(|at| fill.wrapping_add(at as u8) | 1).collect();
                folder.bytes.get_mut(&base).unwrap().extend(&bytes);
                let sync = self.dice.roll(4) > 0;
                if sync {
                    folder.sync(base);
                }
                let (head, rest) = bytes.split_at(if self.dice.roll(2) == 0 { 0 } else { bytes.len() / 3 });
                let bytes = vec![Bytes::copy_from_slice(head), Bytes::copy_from_slice(rest)];
                self.issue(dir, vec![DiskOp::Append { file, at, bytes, sync }], folder, sync);
            }
        }
    }

    /// Loses power, starts anew on what is left, and compares.
    fn lose_power(mut self, image: &Path) {
        // What ended before the power was lost; later ends may be durable too.
        let ended: Vec<u64> = self.ended.lock().unwrap().clone();
        let dice = &mut self.dice;
        shadow::lose_power(&self.root, image, &mut |below| dice.roll(below));
        crate::journal::replay(image).unwrap();
        let mut promised: HashMap<DirId, usize> = HashMap::new();
        for serial in ended {
            let at = serial as usize;
            if self.issued[at].durable {
                let last = promised.entry(self.issued[at].dir).or_insert(at);
                *last = at.max(*last);
            }
        }
        for (dir, promised) in promised {
            let states = self.issued.iter().enumerate().filter(|(at, one)| one.dir == dir && *at >= promised);
            let states: Vec<&Folder> = states.map(|(_, one)| &one.after).collect();
            // What has not ended may have reached the medium in any order: what is in the folder is not held against its name.
            let folder = states.iter().map(|state| image.join(&state.name)).find(|folder| folder.exists());
            let folder = folder.unwrap_or_else(|| image.join(&states[0].name));
            let fits = states.iter().enumerate().any(|(at, state)| {
                // The bytes of appends that were under way may be there in part: up to the next state that is not one.
                fits(&folder, states[0], state) || (at > 0 && fits(&folder, states[at - 1], state))
            });
            assert!(fits, "seed {}: {dir} is none of the {} states from its last promise on", self.seed, states.len());
        }
    }
}

/// Whether the folder on the medium holds at least what `least` has, and nothing that `most` has not. One that is gone may be there still, as a
/// whole: what it had is in the state before.
fn fits(folder: &Path, least: &Folder, most: &Folder) -> bool {
    if most.gone {
        return !folder.exists();
    }
    most.bytes.iter().all(|(base, bytes)| {
        let Ok(found) = std::fs::read(folder.join(format!("{base:020}.log"))) else {
            return !least.bytes.contains_key(base);
        };
        let promised = least.synced.get(base).map_or(0, |least| (*least).min(bytes.len()));
        found.len() >= promised && found[..promised] == bytes[..promised]
    })
}

fn play(journal: u64, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let scratch = tempfile::tempdir().unwrap();
        let (root, image) = (scratch.path().join("data"), scratch.path().join("image"));
        std::fs::create_dir_all(&root).unwrap();
        let mut story = Story::start(&root, journal, seed);
        for number in 1..=3 {
            story.open(number);
        }
        let steps = 20 + story.dice.roll(if story.large > 1 << 20 { 100 } else { 400 });
        let pace = story.dice.roll(3);
        for _ in 0..steps {
            story.step();
            if pace == 0 || story.dice.roll(30) == 0 {
                std::thread::sleep(Duration::from_micros(300));
            }
        }
        story.lose_power(&image);
    }
}

#[test]
fn what_is_durable_survives_a_loss_of_power() {
    play(threads::JOURNAL_MIN, 1..31);
}

#[test]
fn what_is_durable_survives_a_loss_of_power_without_a_journal() {
    play(0, 1..20);
}
