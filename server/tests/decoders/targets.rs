//! The decoders of the shell, as `sim/tests/golden/targets.rs` has the core's.

use crate::entry::{self, Draft, HEAD, Head, Item};
use crate::golden::targets::Target;
use crate::properties;

pub const TARGETS: &[Target] = &[
    Target { name: "journal-entries", seeds: entries, run: journal_entry, usual: 2_000 },
    Target { name: "properties", seeds: files, run: property_file, usual: 15_000 },
];

fn entries() -> Vec<Vec<u8>> {
    let mut draft = Draft::default();
    draft.write("t-0/00000000000000000000.log", 61, b"abcdef");
    draft.forget("t-1/00000000000000000000.log");
    let mut seeds = Vec::new();
    for number in 0..3 {
        draft.write("t-2/00000000000000000017.log", number * 7, &[7; 300]);
        let len = entry::length(draft.finish(Head { life: 5, generation: 2, number, before: 9 })).expect("an entry");
        seeds.push(draft.finish(Head { life: 5, generation: 2, number, before: 9 })[..len].to_vec());
    }
    seeds
}

/// As it is, and with a length and a checksum that are right again.
fn journal_entry(bytes: &[u8]) {
    let _ = entry::read(bytes);
    let mut bytes = bytes.to_vec();
    if bytes.len() < HEAD {
        return;
    }
    let len = bytes.len() as u32;
    bytes[40..44].copy_from_slice(&len.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[HEAD..]), &bytes[8..HEAD]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    let Some((head, items)) = entry::read(&bytes) else { return };
    let mut draft = Draft::default();
    for item in &items {
        let whole = match item {
            Item::Write { name, at, data } => draft.write(name, *at, data) == data.len() && !data.is_empty(),
            Item::Forget { name } => draft.forget(name),
        };
        // Nobody writes an entry that says nothing of a file, nor one that is too long.
        if !whole {
            return;
        }
    }
    if !draft.is_empty() {
        assert_eq!(entry::read(draft.finish(head)), Some((head, items)));
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
