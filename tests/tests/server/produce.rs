//! `esker produce`: what is written, when, and what becomes of the rest.

use super::commands::Desk;
use super::node::{Node, Scratch, await_end, signal, until};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn lines_are_sent_while_more_come_and_before_a_signal_ends_it() {
    let desk = Desk::open("linger");
    desk.good(&["topic", "create", "t"]);
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let before = desk.next();
        let mut child = desk.spawn(&["produce", "t"]);
        let mut stdin = child.stdin.take().expect("piped");
        until("a record is there while lines come", || {
            for _ in 0..10 {
                stdin.write_all(b"line\n").expect("it reads");
                sleep(Duration::from_millis(5));
            }
            desk.next() > before
        });
        signal(child.id(), name);
        assert_eq!(await_end(&mut child), code);
        drop(stdin);
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        assert!(said.starts_with(&format!("wrote {} record", desk.next() - before)), "{said}");
    }
    desk.close();
}

#[test]
fn no_good_record_is_lost_to_a_bad_one() {
    let desk = Desk::open("good-and-bad");
    desk.good(&["topic", "create", "t"]);
    let mut lines = format!("{}\n", "x".repeat(1000)).repeat(500);
    lines.push_str(&"y".repeat(700_000));
    let (code, said) = desk.feed(&["produce", "t"], &lines);
    assert_eq!((code, said.trim_end()), (0, "wrote 501 records to t"));
    // Too large for any batch: those before it are there all the same.
    let (code, said) = desk.feed(&["produce", "t"], format!("small\n{}\nlast\n", "z".repeat(2_000_000)));
    assert!(code == 1 && said.contains("MESSAGE_TOO_LARGE") && said.contains("1 record written"), "{code} {said}");
    assert_eq!(desk.next(), 502);
    let (code, said) = desk.feed(&["produce", "t", "--key-separator", ":"], "k:one\nk:two\nthree\nk:four\n");
    let none = desk.feed(&["produce", "t", "--key-separator", ""], "");
    assert!(none.0 == 2 && none.1.contains("--key-separator"), "{none:?}");
    assert!(code == 1 && said.contains("line 3 has no ':'") && said.contains("2 records written"), "{code} {said}");
    assert_eq!(desk.next(), 504);
    desk.good(&["topic", "create", "small", "--config", "max.message.bytes=100000"]);
    let lines: String = (0..2000).map(|number| format!("{number:0>1000}\n")).collect();
    for acks in ["all", "1"] {
        let (code, said) = desk.feed(&["produce", "small", "--acks", acks], &lines);
        assert_eq!((code, said.trim_end()), (0, "wrote 2000 records to small"));
    }
    let all = desk.spawn(&["consume", "small", "--from-beginning", "--max-messages", "4000"]).wait_with_output();
    assert!(all.expect("it ends").stdout == lines.repeat(2).into_bytes(), "every record once, in order");
    desk.close();
}

#[test]
fn without_acks_a_lost_connection_is_made_anew() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let listen = free.expect("a port that nobody has").to_string();
    let scratch = Scratch::new("acks-0");
    let node = Node::start(&scratch.join("data"), &["--listen", &listen]);
    let mut desk = Desk { node, scratch };
    desk.good(&["topic", "create", "t"]);
    let mut child = desk.spawn(&["produce", "t", "--acks", "0"]);
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"one\n").expect("it reads");
    until("it is there", || desk.next() == 1);
    desk.node.signal("TERM");
    assert_eq!(desk.node.ended(), 0);
    desk.node = Node::start(&desk.scratch.join("data"), &["--listen", &listen]);
    until("it is led again", || desk.next() == 1);
    stdin.write_all(b"two\n").expect("it reads");
    until("it is there", || desk.next() == 2);
    drop(stdin);
    assert_eq!(await_end(&mut child), 0);
    desk.close();
}
