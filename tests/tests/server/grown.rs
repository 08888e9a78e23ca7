//! Topics that change while a command is at work on them: they get partitions, come late, or go.

use super::commands::Desk;
use super::node::{LIMIT, Node, Scratch, await_end, signal, topic, until};
use esker_tests::conn::Conn;
use esker_tests::rpc::{PATIENCE, call, name, offset};
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// A reader looks at its topic every 30 s.
#[test]
fn partitions_that_come_later_are_read_too() {
    let desk = Desk::open("grown");
    topic(desk.node.address);
    assert_eq!(desk.feed(&["produce", "t"], "0\n").0, 0);
    let mut alone = desk.spawn(&["consume", "t", "--from-beginning"]);
    let stdout = alone.stdout.take().expect("piped");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| tell.send(line)));
    let line = || told.recv_timeout(LIMIT).expect("a line within the limit").expect("text");
    assert_eq!(line(), "0", "it has begun");
    let mut readers = vec![alone, desk.member(), desk.member()];
    until("a member has joined", || desk.good(&["group", "list"]).contains("g "));
    until("the members have joined", || {
        let told = desk.good(&["group", "describe", "g", "--json"]);
        told.contains("\"state\":\"Stable\"") && told.matches("\"member\":").count() == 2
    });
    let row = CreatePartitionsTopic::default().with_name(name("t")).with_count(3).with_assignments(None);
    let grow = CreatePartitionsRequest::default().with_topics(vec![row]).with_timeout_ms(10_000);
    let mut conn = Conn::open(desk.node.address).expect("the node listens");
    assert_eq!(call(&mut conn, 2, &grow, 4 * PATIENCE).expect("an answer").results[0].error_code, 0);
    for partition in 1..3 {
        until("it is led", || offset(desk.node.address, "t", partition, -1).is_ok());
        let wanted = partition.to_string();
        assert_eq!(desk.feed(&["produce", "t", "--partition", &wanted], format!("{wanted}\n")).0, 0);
    }
    let mut read = [line(), line()];
    read.sort();
    assert_eq!(read, ["1", "2"]);
    // One member or the other has read each of them, and committed it.
    until("the group has all of them", || {
        let told = desk.good(&["group", "describe", "g", "--json"]);
        told.matches("\"committed\":1").count() == 3
    });
    for child in &mut readers {
        signal(child.id(), "TERM");
        assert_eq!(await_end(child), 143);
    }
    desk.close();
}

#[test]
fn a_topic_that_nobody_makes_is_waited_for_with_a_word() {
    let scratch = Scratch::new("unmade");
    let node = Node::start(&scratch.join("data"), &["--set", "auto.create.topics.enable=false"]);
    let desk = Desk { node, scratch };
    let mut child = desk.spawn(&["produce", "t"]);
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert!(line.starts_with("topic t does not exist") && line.contains("waited for"), "{line}");
    desk.good(&["topic", "create", "t"]);
    drop(child.stdin.take());
    assert_eq!(await_end(&mut child), 0);
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "wrote 0 records to t\n", "told once");
    desk.close();
}

#[test]
fn a_member_whose_terminal_is_closed_leaves() {
    let desk = Desk::open("hangup");
    topic(desk.node.address);
    // Whoever runs the tests may have it ignored, and children inherit that.
    let inner = desk.command(&["consume", "t", "--group", "g"]);
    let inner = std::iter::once(inner.get_program()).chain(inner.get_args());
    let mut child = Command::new("env")
        .arg("--default-signal=HUP")
        .args(inner)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    until("it has joined", || desk.good(&["group", "list"]).contains("Stable"));
    signal(child.id(), "HUP");
    assert_eq!(await_end(&mut child), 129);
    assert!(desk.good(&["group", "describe", "g"]).starts_with("g  Empty"), "it has left");
    desk.close();
}

fn twice(process: u32) {
    let script = format!("kill -TERM {process}; sleep 0.02; kill -TERM {process} 2>/dev/null; true");
    assert!(Command::new("sh").args(["-c", &script]).status().expect("sh runs").success());
}

/// What `timeout` does: it signals its child, and then the group.
#[test]
fn two_signals_at_once_are_one_wish() {
    let desk = Desk::open("twice");
    topic(desk.node.address);
    let mut child = desk.member();
    until("it has joined", || desk.good(&["group", "list"]).contains("Stable"));
    twice(child.id());
    assert_eq!(await_end(&mut child), 143);
    assert!(desk.good(&["group", "describe", "g"]).starts_with("g  Empty"), "it has left");
    let mut node = desk.node;
    twice(node.id());
    assert_eq!(node.ended(), 0, "it stops in order");
}
