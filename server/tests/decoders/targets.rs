//! The decoders of the shell, as `sim/tests/golden/targets.rs` has the core's.

use crate::draft::Draft;
use crate::entry::{self, BLOCK, HEAD, Head, Item, MAGIC, WRITE_APART};
use crate::golden::targets::Target;
use crate::properties;
use bytes::Bytes;

pub const TARGETS: &[Target] = &[
    Target { name: "journal-entries", seeds: entries, run: journal_entry, usual: 2_000 },
    Target { name: "properties", seeds: files, run: property_file, usual: 15_000 },
];

fn entries() -> Vec<Vec<u8>> {
    let mut draft = Draft::default();
    draft.write("t-0/00000000000000000000.log", 61, &Bytes::from_static(b"abcdef"));
    draft.forget("t-1/00000000000000000000.log");
    let mut seeds = vec![apart()];
    for number in 0..3 {
        draft.write("t-2/00000000000000000017.log", number * 7, &Bytes::from_static(&[7; 300]));
        seeds.push(written(&mut draft, Head { life: 5, generation: 2, number, before: 9, synced: 0 }));
    }
    for seed in &mut seeds {
        assert!(entry::read(seed).is_some(), "an entry");
        *seed = without_padding(seed);
    }
    seeds
}

/// What is written apart, shorter than anybody writes it: a fuzzer takes no long input.
fn apart() -> Vec<u8> {
    const NAME: &[u8] = b"t-2/00000000000000000017.log";
    let (before, middle, behind) = ([1; 30], [2; BLOCK], [3; 40]);
    let data = [&before[..], &middle, &behind].concat();
    let mut bytes = vec![0; HEAD];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[44] = 1;
    bytes[46] = 1;
    bytes.extend([WRITE_APART, 0, NAME.len() as u8, 0]);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(61u64.to_le_bytes());
    bytes.extend(NAME);
    for number in [crc32c::crc32c(&middle), before.len() as u32, behind.len() as u32] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(before);
    bytes.extend(behind);
    bytes.extend(middle);
    made_right(&bytes).expect("an entry")
}

/// An entry's bytes as they come to lie in the journal.
fn written(draft: &mut Draft, head: Head) -> Vec<u8> {
    draft.finish(head).iter().flat_map(|part| part.iter().copied()).collect()
}

/// Without the zeros between the items and the body.
fn without_padding(bytes: &[u8]) -> Vec<u8> {
    let (len, body) = entry::lengths(bytes).expect("an entry");
    [&bytes[..len], &bytes[bytes.len() - body..]].concat()
}

/// With padding, and with a length and a checksum that are right again. `None`: too short for what it says of its body.
fn made_right(bytes: &[u8]) -> Option<Vec<u8>> {
    let blocks = u16::from_le_bytes(bytes.get(46..HEAD)?.try_into().ok()?);
    let len = bytes.len().checked_sub(usize::from(blocks) * BLOCK).filter(|len| *len >= HEAD)?;
    let (items, body) = bytes.split_at(len);
    let mut bytes = items.to_vec();
    bytes[40..44].copy_from_slice(&(len as u32).to_le_bytes());
    let crc = entry::crc_of(&bytes);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes.resize(len.next_multiple_of(BLOCK), 0);
    bytes.extend(body);
    Some(bytes)
}

/// What the items say, however the bytes of one write are divided among them.
fn said(items: &[Item<'_>]) -> Vec<(String, Option<(u64, Vec<u8>)>)> {
    let mut said: Vec<(String, Option<(u64, Vec<u8>)>)> = Vec::new();
    for item in items {
        match item {
            Item::Write { data: [], .. } => {}
            Item::Write { name, at, data } => match said.last_mut() {
                Some((last, Some((from, bytes))))
                    if last == name && from.checked_add(bytes.len() as u64) == Some(*at) =>
                {
                    bytes.extend(*data);
                }
                _ => said.push((name.to_string(), Some((*at, data.to_vec())))),
            },
            Item::Forget { name } => said.push((name.to_string(), None)),
        }
    }
    said
}

/// As it is, and with lengths and a checksum that are right again.
fn journal_entry(bytes: &[u8]) {
    let _ = entry::read(bytes);
    let Some(bytes) = made_right(bytes) else { return };
    let Some((head, items)) = entry::read(&bytes) else { return };
    let mut draft = Draft::default();
    for item in &items {
        let whole = match item {
            Item::Write { name, at, data } => draft.write(name, *at, &Bytes::copy_from_slice(data)) == data.len(),
            Item::Forget { name } => draft.forget(name),
        };
        // Nobody writes an entry that is too long.
        if !whole {
            return;
        }
    }
    // Nor one that says nothing of a file.
    if !draft.is_empty() {
        let again = written(&mut draft, head);
        let (head_again, items_again) = entry::read(&again).expect("what was written");
        assert_eq!((head_again, said(&items_again)), (head, said(&items)));
    }
}

fn files() -> Vec<Vec<u8>> {
    const FILE: &str = "# a comment\n! another\nnode.id=1\nlog.dirs = /data\nlisteners:PLAINTEXT://h:9092,\\\n    CONTROLLER://h:9093\n\
        with\\ space\\=in\\:name value\nunicode=\\u00e9\\t\\n\nempty=\n";
    vec![FILE.into()]
}

fn property_file(bytes: &[u8]) {
    let _ = properties::parse(&String::from_utf8_lossy(bytes));
}
