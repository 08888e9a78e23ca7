//! The journal by itself: what it says is put back, what it takes back is not.

use super::file::{FILE, IN_USE, MAKING, SLOTS};
use super::*;
use crate::durable::{Poison, shadow};
use bytes::Bytes;
use esker_core::id::{DirId, Offset};
use esker_core::io::{FileId, FileName};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tempfile::TempDir;

/// The smallest journal: slots of one long entry, 16 MiB in all.
pub const BYTES: u64 = 1 << 20;

/// A data folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir_all(folder.path().join("t-0")).unwrap();
        Self(folder)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn store(&self, life: u64) -> Store {
        Store::make(self.root(), BYTES, life, Poison::new(|| {})).unwrap()
    }

    fn path(&self, base: i64) -> PathBuf {
        self.root().join(format!("t-0/{base:020}.log"))
    }

    /// Makes the file with those bytes.
    pub fn file(&self, base: i64, bytes: &[u8]) -> Arc<File> {
        std::fs::write(self.path(base), bytes).unwrap();
        Arc::new(OpenOptions::new().read(true).write(true).open(self.path(base)).unwrap())
    }

    pub fn read(&self, base: i64) -> Vec<u8> {
        std::fs::read(self.path(base)).unwrap()
    }
}

const fn id(base: i64) -> FileId {
    FileId::new(DirId(5), FileName::Log(Offset(base)))
}

pub fn subject(file: &Arc<File>, base: i64) -> Subject {
    Subject { id: id(base), file: Arc::clone(file), name: format!("t-0/{base:020}.log").into() }
}

impl Store {
    /// Makes durable that these bytes stand there.
    pub fn say(&mut self, subject: &Subject, at: u64, parts: &[&'static [u8]]) -> std::io::Result<()> {
        let gather = Gather::default();
        gather.add(subject, at, &parts.iter().map(|part| Bytes::from_static(part)).collect::<Vec<_>>());
        self.write(&mut gather.take())
    }
}

#[test]
fn a_journal_is_there_as_a_whole_or_not_at_all() {
    let folder = Folder::new();
    let [path, making] = [FILE, MAKING].map(|name| folder.root().join(name));
    std::fs::write(&making, [0; 100]).unwrap();
    assert_eq!(replay(folder.root()).unwrap().entries, 0, "who made it died");
    assert!(!making.exists());
    drop(folder.store(1));
    assert!(path.exists() && !making.exists());
    OpenOptions::new().write(true).open(&path).unwrap().set_len(100).unwrap();
    assert!(replay(folder.root()).unwrap_err().to_string().contains("damaged: it is cut short"));
}

#[test]
fn what_a_file_lacks_is_put_back_and_the_journal_is_empty_then() {
    let folder = Folder::new();
    let file = folder.file(0, b"0123");
    let mut store = folder.store(1);
    let gather = Gather::default();
    gather.add(&subject(&file, 0), 4, &[Bytes::from_static(b"45"), Bytes::from_static(b"67")]);
    gather.add(&subject(&file, 0), 8, &[Bytes::from_static(b"89")]);
    store.write(&mut gather.take()).unwrap();
    store.say(&subject(&file, 0), 10, &[b"ab"]).unwrap();
    let replayed = replay(folder.root()).unwrap();
    assert_eq!((replayed.entries, replayed.put_back, replayed.left_out), (2, 4, 0));
    assert_eq!(folder.read(0), b"0123456789ab");
    assert_eq!(replay(folder.root()).unwrap(), Default::default(), "nothing is left to be put back");
}

/// What a record holds is the producer's to choose: here a batch of just that length, with a checksum that is wrong.
#[test]
fn what_imitates_a_batch_is_put_back_and_so_is_what_follows() {
    let folder = Folder::new();
    let file = folder.file(0, b"");
    let mut store = folder.store(1);
    let mut data = vec![7; 40_000];
    data[8..12].copy_from_slice(&(40_000i32 - 12).to_be_bytes());
    data[16] = 2;
    let data: &'static [u8] = data.leak();
    store.say(&subject(&file, 0), 0, &[data]).unwrap();
    store.say(&subject(&file, 0), 40_000, &[b"behind"]).unwrap();
    assert_eq!(replay(folder.root()).unwrap().left_out, 0);
    assert_eq!(folder.read(0), [data, b"behind"].concat());
}

/// It may stand in the page cache alone: after a sync that failed a later one writes nothing, and says that all is well.
#[test]
fn what_stands_in_the_file_is_written_all_the_same() {
    let folder = Folder::new();
    let file = folder.file(0, b"0123456789");
    folder.store(1).say(&subject(&file, 0), 4, &[b"4567"]).unwrap();
    file.set_modified(UNIX_EPOCH).unwrap();
    let replayed = replay(folder.root()).unwrap();
    assert_eq!((replayed.entries, replayed.put_back), (1, 0), "and it is not told as lost");
    assert!(file.metadata().unwrap().modified().unwrap() > UNIX_EPOCH);
}

#[test]
fn what_was_forgotten_stays_away_and_what_came_later_does_not() {
    let folder = Folder::new();
    let file = folder.file(0, b"");
    let mut store = folder.store(1);
    store.say(&subject(&file, 0), 0, &[b"0123456789"]).unwrap();
    store.forget(|file| *file == id(0), |_| Ok(Arc::clone(&file))).unwrap();
    std::fs::write(folder.path(0), b"0123").unwrap();
    store.say(&subject(&file, 0), 4, &[b"xy"]).unwrap();
    replay(folder.root()).unwrap();
    assert_eq!(folder.read(0), b"0123xy");
}

#[test]
fn files_that_are_gone_or_shorter_are_left_alone() {
    let folder = Folder::new();
    let (gone, short) = (folder.file(0, b""), folder.file(7, b"0123456789"));
    let mut store = folder.store(1);
    store.say(&subject(&gone, 0), 0, &[b"never promised"]).unwrap();
    store.say(&subject(&short, 7), 10, &[b"ab"]).unwrap();
    std::fs::remove_file(folder.path(0)).unwrap();
    std::fs::write(folder.path(7), b"01").unwrap();
    let replayed = replay(folder.root()).unwrap();
    assert_eq!((replayed.put_back, replayed.left_out), (0, 2));
    assert!(!folder.path(0).exists());
    assert_eq!(folder.read(7), b"01");
}

/// More than the journal holds, through all slots several times: every slot is begun anew only when its files are durable.
#[test]
fn slots_are_written_in_turn() {
    let folder = Folder::new();
    let file = folder.file(0, b"");
    let mut store = folder.store(1);
    let piece: &'static [u8] = vec![7; 600_000].leak();
    let mut len = 0;
    for _ in 0..120 {
        file.write_all_at(piece, len).unwrap();
        store.say(&subject(&file, 0), len, &[piece]).unwrap();
        len += piece.len() as u64;
    }
    // The last that was said is all in the journal.
    let kept = len - 2 * piece.len() as u64;
    std::fs::File::options().write(true).open(folder.path(0)).unwrap().set_len(kept).unwrap();
    let replayed = replay(folder.root()).unwrap();
    assert!(replayed.put_back >= 2 && replayed.left_out == 0, "{replayed:?}");
    assert_eq!(folder.read(0).len() as u64, len);
    assert!(folder.read(0).iter().all(|byte| *byte == 7));
}

/// Power is lost when the journal has been through all its slots, and nothing is left but what was synced.
#[test]
fn a_slot_is_begun_anew_only_when_its_files_are_durable() {
    // A slot has two entries, of as many files, or ten, of more files than are synced one by one.
    for (len, rounds) in [(400_000, 15), (100_000, 60)] {
        let folder = Folder::new();
        let (root, image) = (folder.root(), folder.root().with_extension("image"));
        let files: Vec<_> = (0..6).map(|base| folder.file(base, b"")).collect();
        let mut store = folder.store(1);
        shadow::watch(root);
        let piece: &'static [u8] = vec![7; len].leak();
        for round in 0..rounds {
            for (base, file) in (0..).zip(&files) {
                file.write_all_at(piece, round * len as u64).unwrap();
                store.say(&subject(file, base), round * len as u64, &[piece]).unwrap();
            }
        }
        shadow::lose_power(root, &image, &mut |_| 0);
        replay(&image).unwrap();
        for base in 0..6 {
            let bytes = std::fs::read(image.join(format!("t-0/{base:020}.log"))).unwrap();
            assert_eq!(bytes.len() as u64, rounds * len as u64, "file {base}");
            assert!(bytes.iter().all(|byte| *byte == 7), "file {base}");
        }
        std::fs::remove_dir_all(image).unwrap();
    }
}

/// Power is lost within each sync of a write of several entries, of which the last goes into the next slot. What of them reached the
/// medium is nobody's to say; but where the last one is, those before it are, or else the journal looks as if it had lost what was
/// promised.
#[test]
fn a_write_into_the_next_slot_counts_on_what_is_in_the_one_before() {
    for seed in 0..6 {
        let struck = (0..).take_while(|spared| loses_power_within_a_write(seed, *spared)).count();
        assert!(struck > 1, "one sync ends the slot, and one the write");
    }
}

/// `false`: the write has no more than `spared` syncs.
fn loses_power_within_a_write(seed: u64, spared: u32) -> bool {
    let folder = Folder::new();
    let (root, image) = (folder.root(), folder.root().with_extension("image"));
    let file = folder.file(0, b"");
    let mut store = folder.store(1);
    shadow::watch(root);
    let promised: &'static [u8] = vec![7; 600_000].leak();
    file.write_all_at(promised, 0).unwrap();
    store.say(&subject(&file, 0), 0, &[promised]).unwrap();
    // The first fills the slot; the last, of one block, has no room there.
    let mut entries = Vec::new();
    for (at, len) in [(600_000, 444_000), (1_044_000, 4_000)] {
        let part = Bytes::from(vec![8; len]);
        file.write_all_at(&part, at).unwrap();
        let gather = Gather::default();
        gather.add(&subject(&file, 0), at, &[part]);
        entries.extend(gather.take());
    }
    let mut turn = seed;
    let dice = move |below| {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (turn >> 33) % below
    };
    shadow::lose_power_within(root, FILE, spared, &image, Box::new(dice));
    store.write(&mut entries).unwrap();
    shadow::forget(root);
    if !image.exists() {
        return false;
    }
    let replayed = replay(&image);
    assert!(replayed.is_ok(), "seed {seed}, {spared} syncs: {replayed:?}");
    let found = std::fs::read(image.join(format!("t-0/{:020}.log", 0))).unwrap();
    assert!(found.starts_with(promised), "seed {seed}, {spared} syncs: what was promised is there");
    std::fs::remove_dir_all(image).unwrap();
    true
}

/// What cannot be made durable elsewhere stays in the journal, which takes no more once that is known.
#[test]
fn a_file_that_cannot_be_synced_ends_the_journal() {
    let folder = Folder::new();
    folder.file(0, b"");
    let unsynced = Arc::new(File::open("/dev/null").unwrap());
    let mut store = folder.store(1);
    let piece: &'static [u8] = vec![7; 500_000].leak();
    let ended = (0..50).find(|at| store.say(&subject(&unsynced, 0), at * 500_000, &[piece]).is_err());
    // It has two entries in each slot.
    let whole = ended.expect("the journal takes no more");
    assert!((1..=2 * SLOTS).contains(&whole), "{whole} writes are durable");
    let replayed = replay(folder.root()).unwrap();
    assert!(replayed.put_back >= whole, "{replayed:?}");
    assert!(folder.read(0).len() as u64 >= whole * piece.len() as u64);
}

#[test]
fn closed_in_order_it_is_empty() {
    let folder = Folder::new();
    let file = folder.file(0, b"0123");
    let mut store = folder.store(1);
    store.say(&subject(&file, 0), 4, &[b"45"]).unwrap();
    store.close().unwrap();
    assert_eq!(replay(folder.root()).unwrap(), Default::default());
}

#[test]
fn a_journal_that_is_gone_is_missed_unless_it_was_empty() {
    let folder = Folder::new();
    let file = folder.file(0, b"0123");
    let (path, mark) = (folder.root().join(FILE), folder.root().join(IN_USE));
    let mut store = folder.store(1);
    store.say(&subject(&file, 0), 4, &[b"45"]).unwrap();
    store.close().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(replay(folder.root()).unwrap(), Default::default(), "it was closed in order");
    drop(folder.store(2));
    replay(folder.root()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(replay(folder.root()).unwrap(), Default::default(), "it was put back");
    drop(folder.store(3));
    std::fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        let line = replay(folder.root()).unwrap_err().to_string();
        assert!(line.contains("is not there any more") && line.contains(IN_USE), "{line}");
    }
    std::fs::remove_file(&mark).unwrap();
    assert_eq!(replay(folder.root()).unwrap(), Default::default());
    // One that was told to be damaged may be taken away.
    drop(folder.store(4));
    std::fs::write(&path, b"x").unwrap();
    assert!(replay(folder.root()).is_err() && replay(folder.root()).is_err());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(replay(folder.root()).unwrap(), Default::default());
}

#[test]
fn names_outside_the_data_folder_are_not_followed() {
    let folder = Folder::new();
    let file = folder.file(0, b"");
    let outside = folder.root().join("../esker-journal-outside.log");
    std::fs::write(&outside, b"").unwrap();
    let mut store = folder.store(1);
    for name in ["../esker-journal-outside.log", "t-0/../../esker-journal-outside.log", "/etc/hostname", "t-0//x"] {
        store.say(&Subject { name: name.into(), ..subject(&file, 0) }, 0, &[b"x"]).unwrap();
    }
    assert_eq!(replay(folder.root()).unwrap().left_out, 4);
    assert_eq!(std::fs::read(&outside).unwrap(), b"");
    std::fs::remove_file(outside).unwrap();
}
