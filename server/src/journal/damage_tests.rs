//! What was durable and is damaged ends the start; a write that power was lost in does not.

use super::draft::Draft;
use super::entry::{self, BLOCK, ENTRY_MAX};
use super::file::{FILE, SLOTS};
use super::store::Entry;
use super::tests::{Folder, subject};
use super::*;
use crate::durable::shadow;
use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// In the smallest journal there is one.
const SLOT: u64 = ENTRY_MAX as u64;

/// A journal, the file that it speaks of, and where that ends.
struct Log {
    folder: Folder,
    file: Arc<File>,
    store: Store,
    len: u64,
}

impl Log {
    fn new(life: u64) -> Self {
        let folder = Folder::new();
        let (file, store) = (folder.file(0, b""), folder.store(life));
        Self { folder, file, store, len: 0 }
    }

    /// One write, of an entry for each length.
    fn write(&mut self, lens: &[usize]) {
        let mut entries: Vec<Entry> = Vec::new();
        for &len in lens {
            let gather = Gather::default();
            let bytes = Bytes::from(vec![(self.len % 251) as u8 | 1; len]);
            self.file.write_all_at(&bytes, self.len).unwrap();
            gather.add(&subject(&self.file, 0), self.len, &[bytes]);
            entries.extend(gather.take());
            self.len += len as u64;
        }
        assert_eq!(entries.len(), lens.len());
        self.store.write(&mut entries).unwrap();
    }

    /// Writes until that slot has just been begun.
    fn go_to(&mut self, slot: u64, len: usize) {
        while self.place().0 != slot {
            self.write(&[len]);
        }
    }

    /// A process that wrote through some slots ends, and another begins: what stands behind in its slots is the first one's.
    fn begin_anew(&mut self) {
        self.go_to(3, 5_000);
        replay(self.folder.root()).unwrap();
        self.store = self.folder.store(2);
    }

    /// Writes through all slots, until that one has been begun a second time.
    fn go_round_to(&mut self, slot: u64) {
        for slot in [SLOTS - 1, 0, slot] {
            self.go_to(slot, 500_000);
        }
    }

    /// The slot, and where its next entry goes.
    fn place(&self) -> (u64, u64) {
        let (generation, at) = self.store.place();
        (generation % SLOTS, at)
    }

    fn journal(&self) -> File {
        OpenOptions::new().read(true).write(true).open(self.folder.root().join(FILE)).unwrap()
    }

    fn flip(&self, at: u64) {
        let (file, mut byte) = (self.journal(), [0]);
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    }

    fn slot(&self, slot: u64) -> Vec<u8> {
        let mut bytes = vec![0; SLOT as usize];
        self.journal().read_exact_at(&mut bytes, slot * SLOT).unwrap();
        bytes
    }

    /// All of the slot, and the first block of each: what a replay may have changed.
    fn restore(&self, slot: u64, bytes: &[u8], firsts: &[Vec<u8>]) {
        for (number, first) in (0..).zip(firsts) {
            self.journal().write_all_at(first, number * SLOT).unwrap();
        }
        self.journal().write_all_at(bytes, slot * SLOT).unwrap();
    }

    fn firsts(&self) -> Vec<Vec<u8>> {
        (0..SLOTS).map(|slot| self.slot(slot)[..BLOCK].to_vec()).collect()
    }
}

fn written(draft: &mut Draft, head: entry::Head) -> Vec<u8> {
    draft.finish(head).iter().flat_map(|part| part.iter().copied()).collect()
}

#[test]
fn damage_in_the_midst_ends_the_start() {
    // The second slot has the oldest generation, of which all is durable in the files.
    for (slot, at, ends_well) in
        [(1, 0, true), (2, 0, false), (2, 1, false), (SLOTS - 1, 0, false), (0, 0, false), (0, 1, true)]
    {
        let mut log = Log::new(1);
        // Two in each slot, from the second on: the first one is the last.
        for _ in 0..2 * SLOTS {
            log.write(&[500_000]);
        }
        assert_eq!(log.place().0, 0);
        log.flip(slot * SLOT + 100_000 + at * 500_000);
        assert_eq!(replay(log.folder.root()).is_ok(), ends_well, "slot {slot}, entry {at}");
    }
}

/// Damage that one start passed over is no damage to the next: what was left of the process before would be taken for another's.
#[test]
fn what_a_start_passed_over_is_gone_with_it() {
    for in_order in [false, true] {
        let mut log = Log::new(1);
        // Round once, and on: the process behind it begins at the front, and does not come to the oldest slot.
        for _ in 0..2 * SLOTS + 8 {
            log.write(&[500_000]);
        }
        assert_eq!(log.place().0, 4);
        // Of the oldest slot, the entry behind the first.
        log.flip(5 * SLOT + 600_000);
        replay(log.folder.root()).unwrap();
        log.store = log.folder.store(2);
        log.write(&[500_000]);
        if in_order {
            log.store.close().unwrap();
        }
        let replayed = replay(log.folder.root());
        assert!(replayed.is_ok(), "stopped in order: {in_order}, {replayed:?}");
    }
}

#[test]
fn damage_in_the_first_slots_ends_the_start() {
    for slot in 0..4 {
        let mut log = Log::new(1);
        for _ in 0..6 {
            log.write(&[500_000]);
        }
        assert_eq!(log.place().0, 3);
        log.flip(slot * SLOT + 20);
        assert!(replay(log.folder.root()).is_err(), "slot {slot}");
    }
}

/// The newest slot: a bit flips in one of its entries, in the head, in an item or in the body.
#[test]
fn damage_in_the_newest_slot_ends_the_start_unless_it_is_in_the_last_write() {
    let begins: [(&str, fn(&mut Log)); 5] = [
        ("first", |_| ()),
        ("second", |log| log.go_to(2, 60_000)),
        ("anew", Log::begin_anew),
        ("anew-second", |log| {
            log.begin_anew();
            log.go_to(2, 60_000);
        }),
        ("round", |log| {
            log.begin_anew();
            log.go_round_to(3);
        }),
    ];
    for (name, begin) in begins {
        let mut log = Log::new(1);
        begin(&mut log);
        let (slot, _) = log.place();
        let mut last = 0;
        for lens in [&[300][..], &[40_000, 200], &[5_000], &[9_000], &[100, 40_000, 100]] {
            last = log.place().1;
            log.write(lens);
        }
        let (end_slot, end) = log.place();
        assert_eq!(end_slot, slot, "{name}");
        let (bytes, firsts) = (log.slot(slot), log.firsts());
        let mut at = 0;
        let mut entries = 0;
        while at < end {
            let len = entry::length(&bytes[at as usize..]).unwrap() as u64;
            for offset in [0, 9, 17, 25, 33, 37, 41, 45, 50, 70, 100, len - BLOCK as u64 + 90] {
                log.flip(slot * SLOT + at + offset);
                let replayed = replay(log.folder.root());
                let line = format!("{name}: entry {entries} at {at}, byte {offset}: {replayed:?}");
                assert_eq!(replayed.is_ok(), at >= last, "{line}");
                log.restore(slot, &bytes, &firsts);
            }
            at += len;
            entries += 1;
        }
        assert!(entries >= 8, "{name}: {entries} entries");
        assert!(replay(log.folder.root()).is_ok(), "{name}: undamaged");
    }
}

/// Power is lost in the last write, of three entries: whichever of its blocks are missing, the node starts, and has what was promised.
#[test]
fn a_torn_last_write_is_none() {
    // How far the file is durable without the journal.
    let begins: [(&str, fn(&mut Log) -> u64); 5] = [
        ("first", |_| 0),
        ("behind", |log| {
            log.write(&[300, 5_000]);
            0
        }),
        ("anew", |log| {
            log.begin_anew();
            log.len
        }),
        ("anew-behind", |log| {
            log.begin_anew();
            let len = log.len;
            log.write(&[300, 5_000]);
            len
        }),
        ("round", |log| {
            log.go_round_to(4);
            let left = (SLOT - log.place().1) as usize;
            log.write(&[left - 30_000]);
            log.len
        }),
    ];
    for (name, begin) in begins {
        let mut log = Log::new(1);
        let durable = begin(&mut log);
        let promised = &log.folder.read(0)[..];
        let slots: Vec<Vec<u8>> = (0..SLOTS).map(|slot| log.slot(slot)).collect();
        let firsts = log.firsts();
        log.write(&[100, 40_000, 5_000]);
        let slot = log.place().0;
        let (before, after) = (&slots[slot as usize], log.slot(slot));
        let blocks = (0..SLOT as usize).step_by(BLOCK);
        let blocks: Vec<usize> = blocks.filter(|at| before[*at..at + BLOCK] != after[*at..at + BLOCK]).collect();
        assert!((10..16).contains(&blocks.len()), "{name}: {} blocks", blocks.len());
        let ends = (0..=blocks.len()).flat_map(|count| [(1u32 << count) - 1, !((1 << count) - 1)]);
        let any = (0..100u32).map(|seed| seed.wrapping_mul(0x9e37_79b1) >> 7);
        for kept in ends.chain(any) {
            let mut torn = before.clone();
            for (_, &at) in blocks.iter().enumerate().filter(|(number, _)| kept & (1 << number) != 0) {
                torn[at..at + BLOCK].copy_from_slice(&after[at..at + BLOCK]);
            }
            log.restore(slot, &torn, &firsts);
            log.file.set_len(durable).unwrap();
            let replayed = replay(log.folder.root());
            assert!(replayed.is_ok(), "{name}, blocks {kept:b}: {replayed:?}");
            assert!(log.folder.read(0).starts_with(promised), "{name}, blocks {kept:b}: {replayed:?}");
        }
    }
}

/// Power is lost while a start empties the journal. The next one finds some slots empty, and goes on.
#[test]
fn a_start_that_was_cut_short_is_no_damage() {
    let struck = (0..).take_while(|spared| loses_power_within_a_start(*spared)).count();
    assert_eq!(struck, 6, "each generation's slot is emptied durably");
}

/// `false`: the start has no more than `spared` syncs of the journal.
fn loses_power_within_a_start(spared: u32) -> bool {
    let mut log = Log::new(1);
    log.go_to(5, 500_000);
    let (root, image) = (log.folder.root().to_path_buf(), log.folder.root().with_extension("image"));
    let whole = log.folder.read(0);
    shadow::watch(&root);
    shadow::lose_power_within(&root, FILE, spared, &image, Box::new(|_| 0));
    replay(&root).unwrap();
    shadow::forget(&root);
    if !image.exists() {
        return false;
    }
    let replayed = replay(&image);
    assert!(replayed.is_ok(), "{spared} syncs: {replayed:?}");
    assert!(std::fs::read(image.join(format!("t-0/{:020}.log", 0))).unwrap() == whole, "{spared} syncs");
    std::fs::remove_dir_all(image).unwrap();
    true
}

#[test]
fn entries_of_another_process_are_damage() {
    let mut log = Log::new(1);
    for _ in 0..2 {
        log.write(&[800_000]);
    }
    // Without a replay between.
    log.store = log.folder.store(2);
    log.write(&[1]);
    let why = replay(log.folder.root()).unwrap_err();
    assert!(why.to_string().contains("Remove esker.journal to go on"), "{why}");
}

/// What a program wrote that knew of no `synced`, and began with the first generation.
#[test]
fn a_journal_of_the_earlier_form_is_read() {
    let folder = Folder::new();
    let file = folder.file(0, b"");
    drop(folder.store(1));
    let journal = OpenOptions::new().read(true).write(true).open(folder.root().join(FILE)).unwrap();
    journal.write_all_at(&[0; BLOCK], 0).unwrap();
    for (number, text) in (0..).zip(["ab", "cd", "ef"]) {
        let gather = Gather::default();
        gather.add(&subject(&file, 0), number * 2, &[Bytes::from_static(text.as_bytes())]);
        let head = entry::Head { life: 9, generation: 1, number, before: 0, synced: 0 };
        let bytes = written(&mut gather.take()[0].draft, head);
        journal.write_all_at(&bytes, SLOT + number * BLOCK as u64).unwrap();
    }
    let replayed = replay(folder.root()).unwrap();
    assert_eq!((replayed.entries, replayed.put_back), (3, 3));
    assert_eq!(folder.read(0), b"abcdef");
}
