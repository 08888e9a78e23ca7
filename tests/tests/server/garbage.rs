//! Hostile and broken clients: whatever comes, memory stays bounded, and others are served meanwhile.

use super::node::{LIMIT, Node, Scratch, topic, until};
use esker_tests::conn::{Conn, Lack};
use esker_tests::{batch, records, rpc};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How much the server may grow while it is attacked: far below what the attack claims, far above what it may cost.
const GROWTH_MAX: u64 = 96 << 20;

/// Xorshift: the same garbage each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A node with a topic `t`, attacked by `attack`, which may look after it now and then.
fn attacked(name: &str, attack: impl FnOnce(&Node)) {
    let scratch = Scratch::new(name);
    let mut node = Node::start(&scratch.join("data"), &["--set", "group.initial.rebalance.delay.ms=0"]);
    topic(node.address);
    let before = node.memory();
    attack(&node);
    assert!(node.is_running(), "it lives: {}", node.log());
    node.serves();
    let grown = node.memory().saturating_sub(before);
    assert!(grown < GROWTH_MAX, "it grew by {} MiB", grown >> 20);
    let log = node.log();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(node.stop(), 0);
}

/// A good Produce's frame, without its length.
fn produce() -> Vec<u8> {
    let body = records::produce("t", 0, -1, &batch::single(b"value"));
    esker_tests::conn::request(records::PRODUCE, records::PRODUCE_VERSION, true, 1, &body)
}

#[test]
fn garbage() {
    attacked("garbage", |node| {
        let mut dice = Dice(0x5eed);
        for round in 0..300 {
            let mut stream = TcpStream::connect(node.address).expect("the port is open");
            let len = dice.next() as usize % 3000;
            // Closed while it is being written: that is an answer.
            let _ = stream.write_all(&dice.bytes(len));
            if round % 2 == 0 {
                let mut framed = 200u32.to_be_bytes().to_vec();
                // A key and a version that are served, and then anything.
                framed.extend([0, (dice.next() % 80) as u8, 0, (dice.next() % 12) as u8]);
                framed.extend(dice.bytes(196));
                let mut stream = TcpStream::connect(node.address).expect("the port is open");
                let _ = stream.write_all(&framed);
            }
            if round % 50 == 0 {
                node.serves();
            }
        }
    });
}

#[test]
fn flipped_bytes_and_cut_frames() {
    attacked("flipped", |node| {
        let good = produce();
        for at in 0..good.len() {
            let mut frame = good.clone();
            frame[at] ^= 0x41;
            let mut conn = Conn::open(node.address).expect("the port is open");
            conn.frame(&frame).expect("it is listened to");
            // Most are closed or refused; a flipped correlation id or client id is none of the broker's business. What must
            // not be is silence, but for acks turned to what has no answer.
            let answer = conn.receive(Duration::from_millis(500));
            if let Ok((_, answer)) = answer {
                assert!(records::produced(&answer).is_ok(), "byte {at}");
            }
            let mut cut = Conn::open(node.address).expect("the port is open");
            cut.frame(&good[..at]).expect("it is listened to");
            assert_ne!(cut.receive(LIMIT), Err(Lack::Silent), "cut at {at}");
        }
        node.serves();
    });
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_written() {
    attacked("checksum", |node| {
        let good = batch::single(b"value");
        let mut conn = Conn::open(node.address).expect("the port is open");
        let mut send = |batch: &[u8]| {
            let body = records::produce("t", 0, -1, batch);
            conn.send(records::PRODUCE, records::PRODUCE_VERSION, true, &body).expect("it is listened to");
            let (_, answer) = conn.receive(LIMIT).expect("an answer");
            records::produced(&answer).expect("a Produce's answer")
        };
        assert_eq!(send(&good), (0, 0));
        for at in 21..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(send(&bad).0, 2, "byte {at}: CORRUPT_MESSAGE");
        }
        assert_eq!(send(&good), (0, 1), "nothing came between");
    });
}

#[test]
fn false_lengths_cost_nothing() {
    attacked("lengths", |node| {
        let announced: Vec<_> = (0..200)
            .map(|_| {
                let mut stream = TcpStream::connect(node.address).expect("the port is open");
                stream.write_all(&100_000_000u32.to_be_bytes()).expect("it is listened to");
                stream.write_all(&[0; 20_000]).expect("it is listened to");
                stream
            })
            .collect();
        for _ in 0..20 {
            node.serves();
        }
        // Arrays that claim two billion elements, in requests of a few bytes.
        for key in 0..76u8 {
            for version in 0..14u8 {
                let mut frame = vec![0, key, 0, version, 0, 0, 0, 1, 0xff, 0xff];
                frame.extend([0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x07, 0xff, 0xff]);
                let mut conn = Conn::open(node.address).expect("the port is open");
                let _ = conn.frame(&frame);
            }
        }
        node.serves();
        drop(announced);
    });
}

#[test]
fn who_does_not_read_is_not_written_to_without_end() {
    attacked("deaf", |node| {
        let mut conn = Conn::open(node.address).expect("the port is open");
        let body = records::produce("t", 0, -1, &batch::single(&vec![7; 500_000]));
        conn.send(records::PRODUCE, records::PRODUCE_VERSION, true, &body).expect("it is listened to");
        assert_eq!(conn.receive(LIMIT).map(|(_, answer)| records::produced(&answer)), Ok(Ok((0, 0))));
        // Each asks for half a megabyte, and is never read.
        let fetch = records::fetch("t", &[(0, 0)], 0, 1, 1 << 20);
        let frame = esker_tests::conn::request(records::FETCH, records::FETCH_VERSION, true, 1, &fetch);
        let mut framed = (frame.len() as u32).to_be_bytes().to_vec();
        framed.extend(frame);
        let deaf: Vec<_> = (0..20)
            .map(|_| {
                let mut stream = TcpStream::connect(node.address).expect("the port is open");
                stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
                let mut sent = 0;
                let stopped = loop {
                    match stream.write_all(&framed) {
                        Ok(()) => sent += framed.len(),
                        Err(why) => break why.kind(),
                    }
                    assert!(sent < 64 << 20, "it goes on reading from one that does not read");
                };
                assert!(matches!(stopped, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stopped:?}");
                stream
            })
            .collect();
        until("others are served", || rpc::view(&[node.address], None).is_ok());
        drop(deaf);
    });
}
