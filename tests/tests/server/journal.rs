//! The journal: what its files lost with the power is there at the next start, and damage to it is told.

use super::disk::{all_there, send};
use super::node::{Node, Scratch, run, serve, topic};
use esker_tests::conn::Conn;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The smallest journal there is: sixteen slots of 1 MiB.
const SMALL: [&str; 2] = ["--set", "journal.bytes=16777216"];
const SLOT: u64 = 1 << 20;

/// A node whose journal is in use, and killed after so many records; what it acknowledged.
fn killed(data: &Path, records: u64, len: usize) -> Vec<(i64, u64)> {
    let mut node = Node::start(data, &SMALL);
    node.said("journal of 16 MiB");
    topic(node.address);
    let mut conn = Conn::open(node.address).expect("the port is open");
    let acked = (1..=records).map(|number| match send(&mut conn, number, len).expect("an answer") {
        (0, offset) => (offset, number),
        (code, _) => panic!("record {number} is refused: {code}"),
    });
    let acked = acked.collect();
    node.signal("KILL");
    node.ended();
    acked
}

#[test]
fn what_only_the_journal_has_is_put_back() {
    let scratch = Scratch::new("journal");
    let data = scratch.join("data");
    let acked = killed(&data, 200, 5000);
    let file = data.join("t-0/00000000000000000000.log");
    let whole = std::fs::read(&file).expect("the log");
    // What a loss of power leaves of a file that was never synced.
    OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(0)).expect("a file of ours");
    let node = Node::start(&data, &SMALL);
    node.said("the journal had");
    all_there(node.address, &acked);
    assert_eq!(std::fs::read(&file).expect("the log"), whole);
    assert_eq!(node.stop(), 0);
    // Stopped in order, the files need it no more.
    std::fs::remove_file(data.join("esker.journal")).expect("a file of ours");
    let node = Node::start(&data, &SMALL);
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_damaged_journal_is_refused_until_someone_takes_it_away() {
    let scratch = Scratch::new("journal-damage");
    let data = scratch.join("data");
    // Seven slots and a part of the eighth.
    let acked = killed(&data, 80, 95_000);
    let journal = data.join("esker.journal");
    let file = OpenOptions::new().read(true).write(true).open(&journal).expect("the journal");
    let mut byte = [0];
    // The second of them.
    file.read_exact_at(&mut byte, 2 * SLOT + 9000).expect("a slot");
    file.write_all_at(&[byte[0] ^ 4], 2 * SLOT + 9000).expect("a slot");
    let output = run(serve(&data, &SMALL).env("RUST_LOG", "off"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("is damaged") && said.contains("Remove esker.journal to go on"), "{said}");
    std::fs::remove_file(&journal).expect("a file of ours");
    // The process alone was killed: the files have everything.
    let node = Node::start(&data, &SMALL);
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_journal_that_was_taken_away_in_use_is_missed() {
    let scratch = Scratch::new("journal-gone");
    let data = scratch.join("data");
    let acked = killed(&data, 20, 5000);
    std::fs::remove_file(data.join("esker.journal")).expect("a file of ours");
    let output = run(serve(&data, &SMALL).env("RUST_LOG", "off"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("is not there any more") && said.contains("Remove .esker_in_use to go on"), "{said}");
    std::fs::remove_file(data.join(".esker_in_use")).expect("a file of ours");
    let node = Node::start(&data, &SMALL);
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}
