//! A disk that fails, and a stop under load. What was acknowledged is there in every case.

use super::node::{LIMIT, Node, Scratch, esker, run, serve, topic, until};
use esker_tests::conn::Conn;
use esker_tests::{batch, records, rpc};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// One record whose value is its number, `len` bytes long.
fn one(number: u64, len: usize) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(len.max(8), b'.');
    batch::single(&value)
}

/// Sends one record with acks=all: its error code and offset, or why there is no answer.
pub fn send(conn: &mut Conn, number: u64, len: usize) -> Result<(i16, i64), String> {
    let body = records::produce("t", 0, -1, &one(number, len));
    conn.send(records::PRODUCE, records::PRODUCE_VERSION, true, &body).map_err(|why| why.to_string())?;
    let (_, answer) = conn.receive(LIMIT).map_err(|lack| format!("{lack:?}"))?;
    records::produced(&answer)
}

/// What a record at an offset carries.
fn read(conn: &mut Conn, offset: i64) -> u64 {
    let body = records::fetch("t", &[(0, offset)], 10_000, 1, 1 << 20);
    conn.send(records::FETCH, records::FETCH_VERSION, true, &body).expect("it is listened to");
    let (_, answer) = conn.receive(LIMIT).expect("an answer");
    let found = records::fetched(&answer).expect("a Fetch's answer");
    assert_eq!(found[0].error, 0, "offset {offset}");
    let records = found[0].records;
    let base = i64::from_be_bytes(records[..8].try_into().expect("a batch"));
    assert_eq!(base, offset, "each batch is one record");
    // The value ends the record but for the count of headers: its first bytes are found from the front.
    let content = &records[batch::HEADER..];
    let mut at = 0;
    let mut varint = || {
        let from = at;
        while content[at] & 0x80 != 0 {
            at += 1;
        }
        at += 1;
        from
    };
    varint();
    // attributes, time, offset, null key, then the value's length.
    for _ in 0..5 {
        varint();
    }
    u64::from_be_bytes(content[at..at + 8].try_into().expect("a value"))
}

/// Every acknowledged record is where it was said to be.
pub fn all_there(address: SocketAddr, acked: &[(i64, u64)]) {
    until("the leader leads", || rpc::offset(address, "t", 0, -1).is_ok());
    let mut conn = Conn::open(address).expect("the port is open");
    for (offset, number) in acked {
        assert_eq!(read(&mut conn, *offset), *number, "offset {offset}");
    }
}

/// Whether a command succeeds; what it says is not heard.
pub fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Produces until the node is gone; what was acknowledged.
fn until_it_ends(node: &mut Node) -> Vec<(i64, u64)> {
    let mut conn = Conn::open(node.address).expect("the port is open");
    let mut acked = Vec::new();
    for number in 1..100_000 {
        match send(&mut conn, number, 20_000) {
            Ok((0, offset)) => acked.push((offset, number)),
            Ok(_) | Err(_) => break,
        }
    }
    assert_eq!(node.ended(), 6, "its storage failed: {}", node.log());
    assert!(node.log().lines().any(|line| line.starts_with("esker: stopped: ")), "{}", node.log());
    acked
}

#[test]
fn a_write_that_fails_stops_the_node() {
    let scratch = Scratch::new("write");
    let data = scratch.join("data");
    let plain = serve(&data, &[]);
    // Beyond a limit on the length of files a write fails, and the signal that tells so is ignored.
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "bash"]).arg(plain.get_program()).args(plain.get_args());
    let mut node = Node::spawn(command, &data);
    topic(node.address);
    let limited = quiet(Command::new("prlimit").args(["--pid", &node.id().to_string(), "--fsize=1000000"]));
    assert!(limited, "util-linux has prlimit");
    let acked = until_it_ends(&mut node);
    assert!(acked.len() > 10, "{} were written before", acked.len());
    let node = Node::start(&data, &[]);
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_sync_that_fails_stops_the_node() {
    let scratch = Scratch::new("sync");
    let data = scratch.join("data");
    let mut node = Node::start(&data, &[]);
    topic(node.address);
    let mut conn = Conn::open(node.address).expect("the port is open");
    let mut acked = Vec::new();
    for number in 1..50 {
        let (code, offset) = send(&mut conn, number, 1000).expect("an answer");
        assert_eq!(code, 0);
        acked.push((offset, number));
    }
    let log = scratch.join("strace.log");
    let strace = Command::new("strace")
        .args(["-f", "-p", &node.id().to_string(), "-e", "inject=fdatasync,fsync,syncfs:error=EIO"])
        .stderr(std::fs::File::create(&log).expect("a log"))
        .spawn();
    let Ok(mut strace) = strace else { return println!("left out: there is no strace") };
    until("strace is attached", || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        said.contains("attached") || !matches!(strace.try_wait(), Ok(None))
    });
    if !matches!(strace.try_wait(), Ok(None)) {
        return println!("left out: strace may not attach here");
    }
    assert_ne!(send(&mut conn, 50, 1000).map(|(code, _)| code), Ok(0), "what is not synced is not acknowledged");
    assert_eq!(node.ended(), 6, "{}", node.log());
    let _ = strace.wait();
    let node = Node::start(&data, &[]);
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_stop_under_load_is_clean() {
    let scratch = Scratch::new("stop");
    let data = scratch.join("data");
    let node = Node::start(&data, &[]);
    topic(node.address);
    let (address, enough) = (node.address, AtomicBool::new(false));
    let acked = std::thread::scope(|scope| {
        let load: Vec<_> = (0..4u64)
            .map(|producer| {
                let enough = &enough;
                scope.spawn(move || {
                    let mut conn = Conn::open(address).expect("the port is open");
                    let mut acked = Vec::new();
                    while let Ok((0, offset)) = send(&mut conn, producer << 32 | acked.len() as u64, 2000) {
                        acked.push((offset, producer << 32 | acked.len() as u64));
                        enough.fetch_or(acked.len() > 50, Ordering::Relaxed);
                    }
                    acked
                })
            })
            .collect();
        until("there is load", || enough.load(Ordering::Relaxed));
        assert_eq!(node.stop(), 0, "in order");
        load.into_iter().flat_map(|producer| producer.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(acked.len() > 50);
    let mut again = serve(&data, &[]);
    again.env("RUST_LOG", "debug");
    let mut node = Node::spawn(again, &data);
    all_there(node.address, &acked);
    node.signal("TERM");
    assert_eq!(node.ended(), 0);
    // Read when nobody writes to it any more: its lines are whole.
    let log = node.log();
    let opened: Vec<&str> = log.lines().filter(|line| line.contains(" opened from ")).collect();
    assert!(!opened.is_empty(), "{log}");
    for line in opened {
        let scanned = line.split("scanned ").nth(1).and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
        // Behind the last place that the index knows it looks for where the log ends: that is not the whole segment of 100 kB and more.
        assert!(scanned.is_some_and(|bytes| bytes < 10_000) && line.ends_with("cut 0"), "no recovery: {line}");
    }
}

/// Nobody else has it: a reader would wait for ever.
#[test]
fn a_batch_that_rots_is_told_to_who_reads_it() {
    let scratch = Scratch::new("rot");
    let data = scratch.join("data");
    let node = Node::start(&data, &[]);
    topic(node.address);
    let mut conn = Conn::open(node.address).expect("the port is open");
    for number in 0..4 {
        assert_eq!(send(&mut conn, number, 100), Ok((0, number as i64)));
    }
    assert_eq!(node.stop(), 0);
    let log = data.join("t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).expect("the log");
    let second = bytes.len() / 4;
    bytes[2 * second - 10] ^= 1;
    std::fs::write(&log, bytes).expect("written");
    let node = Node::start(&data, &[]);
    let consume = |from: &str| {
        let address = node.address.to_string();
        let args = ["consume", "t", "--partition", "0", "--offset", from, "--max-messages", "2", "-b", &address];
        let output = run(Command::new(esker()).args(args));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), output.stdout.iter().filter(|byte| **byte == b'\n').count(), said)
    };
    let (code, lines, said) = consume("0");
    assert!(said.contains("t-0: the batch at offset 1 is damaged, and no other replica in sync has it"), "{said}");
    assert_eq!((code, lines), (Some(1), 1));
    let (code, lines, said) = consume("2");
    assert_eq!((code, lines), (Some(0), 2), "{said}");
    assert_eq!(node.stop(), 0);
}
