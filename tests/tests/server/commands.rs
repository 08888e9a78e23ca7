//! The command line: what each command says, and its exit code.

use super::node::{Node, Scratch, await_end, esker, run, signal, until};
use esker_tests::batch::{self, Header};
use esker_tests::conn::Conn;
use esker_tests::{records, rpc};
use kafka_protocol::messages::{ApiKey, MetadataResponse};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A node, and commands to it.
pub struct Desk {
    pub node: Node,
    pub scratch: Scratch,
}

impl Desk {
    pub fn open(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let node = Node::start(&scratch.join("data"), &["--set", "group.initial.rebalance.delay.ms=0"]);
        Self { node, scratch }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(esker());
        command.args(args).args(["-b", &self.node.address.to_string()]);
        command
    }

    /// What a command prints that succeeds.
    #[track_caller]
    pub fn good(&self, args: &[&str]) -> String {
        let output = run(&mut self.command(args));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What a command says that fails: one line, nothing printed.
    #[track_caller]
    fn bad(&self, args: &[&str], text: &str) {
        let output = run(&mut self.command(args));
        failed(args, &output, text);
    }

    #[track_caller]
    pub fn feed(&self, args: &[&str], lines: impl AsRef<[u8]>) -> (i32, String) {
        let child = self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("it starts");
        // It may end before it has read all: what is wrong with the first line is told at once.
        let _ = child.stdin.take().expect("piped").write_all(lines.as_ref());
        let output = child.wait_with_output().expect("it ends");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A member of group `g` that reads `t` until it is told to stop.
    pub fn member(&self) -> Child {
        let args = ["consume", "t", "--from-beginning", "--group", "g"];
        let child = self.command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        child.expect("it starts")
    }

    /// The state of group `g`, and what it committed of `t`.
    fn group(&self) -> (String, i64) {
        let group = json(&self.good(&["group", "describe", "g", "--json"]));
        let committed = group["offsets"][0]["committed"].as_i64().unwrap_or(-1);
        (group["state"].as_str().unwrap_or("").to_owned(), committed)
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        let child = self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        child.expect("it starts")
    }

    /// The next offset of partition 0 of `t`; -1: it is not served.
    pub fn next(&self) -> i64 {
        rpc::offset(self.node.address, "t", 0, -1).unwrap_or(-1)
    }

    pub fn close(self) {
        assert_eq!(self.node.stop(), 0);
        drop(self.scratch);
    }
}

#[track_caller]
fn failed(args: &[&str], output: &Output, text: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    assert!(said.lines().count() == 1 && said.starts_with("esker: ") && said.contains(text), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?} prints nothing");
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

#[test]
fn topics() {
    let desk = Desk::open("topics");
    assert_eq!(desk.good(&["topic", "create", "t", "--partitions", "3"]), "created t with 3 partitions\n");
    desk.bad(&["topic", "create", "t"], "already exists");
    desk.bad(&["topic", "create", "a b"], "invalid");
    desk.bad(&["topic", "create", "u", "--partitions", "0"], "partitions");
    desk.bad(&["topic", "create", "u", "--replication-factor", "3"], "replication factor");
    assert_eq!(desk.good(&["topic", "list"]), "t\n");
    assert_eq!(json(&desk.good(&["topic", "list", "--json"])), json(r#"["t"]"#));
    assert!(
        desk.good(&["topic", "describe", "t"])
            .contains("PARTITION  LEADER  REPLICAS  IN SYNC\n0          1       1         1\n")
    );
    let described = json(&desk.good(&["topic", "describe", "t", "--json"]));
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(3));
    desk.bad(&["topic", "describe", "none"], "none");
    desk.bad(&["topic", "delete", "none"], "none");
    assert_eq!(desk.good(&["topic", "delete", "t"]), "deleted t\n");
    for (name, json) in [("d1", false), ("d2", true)] {
        desk.good(&["topic", "create", name]);
        let args = [&["topic", "delete", name, "none"][..], if json { &["--json"] } else { &[] }].concat();
        let output = run(&mut desk.command(&args));
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("topic none was not deleted") && said.lines().count() == 1, "{said}");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed, if json { "{\"deleted\":[\"d2\"]}\n" } else { "deleted d1\n" }, "what is gone is told");
    }
    assert_eq!(desk.good(&["topic", "list"]), "");
    desk.close();
}

/// Passes everything on to a broker and back, but for the first answers about topics after one was created: there it knows of none yet.
fn forgetful(broker: SocketAddr) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut forgets = 0;
        for client in socket.incoming() {
            let (mut client, mut server) = (client.expect("a client"), TcpStream::connect(broker).expect("a broker"));
            while let Ok(request) = frame(&mut client) {
                write_frame(&mut server, &request);
                let mut answer = frame(&mut server).expect("an answer");
                let [key, version] = [0, 2].map(|at| i16::from_be_bytes([request[at], request[at + 1]]));
                if key == ApiKey::CreateTopics as i16 {
                    forgets = 3;
                } else if key == ApiKey::Metadata as i16 && forgets > 0 {
                    forgets -= 1;
                    let head = if MetadataResponse::header_version(version) > 0 { 5 } else { 4 };
                    let mut body = bytes::Bytes::copy_from_slice(&answer[head..]);
                    let mut said = MetadataResponse::decode(&mut body, version).expect("Metadata");
                    said.topics[0].error_code = UNKNOWN_TOPIC;
                    said.topics[0].partitions.clear();
                    answer.truncate(head);
                    said.encode(&mut answer, version).expect("Metadata");
                }
                write_frame(&mut client, &answer);
            }
        }
    });
    address
}

const UNKNOWN_TOPIC: i16 = 3;

fn frame(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut frame = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut frame).map(|()| frame)
}

fn write_frame(stream: &mut TcpStream, frame: &[u8]) {
    // Whoever asked may be gone: the next read says so.
    let _ = stream.write_all(&[&(frame.len() as u32).to_be_bytes()[..], frame].concat());
}

#[test]
fn a_topic_that_was_created_may_not_be_known_yet() {
    let desk = Desk::open("not-yet");
    let through = forgetful(desk.node.address).to_string();
    let args = ["topic", "create", "t", "--partitions", "2", "-b", &through];
    let output = run(Command::new(esker()).args(args));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(output.stdout, b"created t with 2 partitions\n");
    desk.close();
}

#[test]
fn records_groups_and_offsets() {
    let desk = Desk::open("records");
    assert_eq!(desk.good(&["topic", "create", "t"]), "created t with 1 partition\n");
    let (code, said) = desk.feed(&["produce", "t", "--key-separator", ":"], "k:one\nk:two\n");
    assert_eq!((code, said.trim_end()), (0, "wrote 2 records to t"));
    let (code, said) = desk.feed(&["produce", "t", "--key-separator", ":"], "k:three\nfour\n");
    assert!(code == 1 && said.contains("line 2"), "{code} {said}");
    let (code, said) = desk.feed(&["produce", "bad/name"], "x\n");
    assert!(code == 1 && said.contains("bad/name"), "{code} {said}");
    desk.bad(&["produce", "t", "--file", "/no/such/file"], "/no/such/file");
    let two = ["consume", "t", "--from-beginning", "--max-messages", "2"];
    assert_eq!(desk.good(&two), "one\ntwo\n");
    let lines = desk.good(&[&two[..], &["--json"]].concat());
    let first = json(lines.lines().next().expect("a line"));
    assert_eq!((&first["key"], &first["value"], &first["offset"]), (&"k".into(), &"one".into(), &0.into()));
    assert_eq!(desk.good(&[&two[..], &["--group", "g"]].concat()), "one\ntwo\n");
    desk.bad(&["consume", "none", "--from-beginning", "--max-messages", "1"], "none");
    desk.bad(&["consume", "t", "--partition", "9", "--max-messages", "1"], "partition");
    desk.bad(&["consume", "t", "--partition", "0", "--offset", "99", "--max-messages", "1"], "offset out of range");
    assert_eq!(json(&desk.good(&["group", "list", "--json"]))[0]["group"], "g");
    let group = json(&desk.good(&["group", "describe", "g", "--json"]));
    assert_eq!((&group["offsets"][0]["committed"], &group["state"]), (&2.into(), &"Empty".into()));
    assert!(desk.good(&["group", "describe", "g"]).starts_with("g  Empty  0 members\n"));
    desk.bad(&["group", "describe", "none"], "none");
    let offsets = json(&desk.good(&["offsets", "t", "--json"]));
    assert_eq!(offsets["partitions"][0]["first"], 0);
    assert!(desk.good(&["offsets", "t"]).starts_with("PARTITION  FIRST  NEXT  RECORDS\n0          0      "));
    desk.bad(&["offsets", "none"], "none");
    assert!(desk.good(&["metadata", "tree", "topics/t"]).contains("leader: 1\n"));
    assert_eq!(json(&desk.good(&["metadata", "tree", "--json"]))["/cluster/controller"], 1);
    desk.bad(&["metadata", "tree", "/none"], "/none");
    desk.close();
}

#[test]
fn a_consumer_that_is_told_to_stop_leaves_its_group() {
    let desk = Desk::open("signals");
    desk.good(&["topic", "create", "t"]);
    assert_eq!(desk.feed(&["produce", "t"], "one\ntwo\n").0, 0);
    for (name, code, said) in [("INT", 130, "2 records\n"), ("TERM", 143, "1 record\n")] {
        let mut child = desk.member();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut String::new()).expect("a record");
        until("it has committed", || desk.group().1 >= 2);
        signal(child.id(), name);
        assert_eq!(await_end(&mut child), code);
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        assert_eq!(stderr, said);
        assert_eq!(desk.group(), ("Empty".into(), if code == 130 { 2 } else { 3 }), "nobody waits for its session");
        assert_eq!(desk.feed(&["produce", "t"], "three\n").0, 0);
    }
    // Its reader has gone away: no record that it did not get is committed.
    let mut child = desk.member();
    drop(child.stdout.take());
    assert_eq!(await_end(&mut child), 0);
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(stderr, "", "it ends in silence");
    assert_eq!(desk.group(), ("Empty".into(), 3));
    desk.close();
}

#[test]
fn damage_is_told_once() {
    let desk = Desk::open("damage");
    desk.good(&["topic", "create", "t"]);
    assert_eq!(desk.feed(&["produce", "t"], "one\n").0, 0);
    // It says that it is packed, and is not.
    let packed = batch::build(&Header { attributes: 1, ..Header::plain(batch::now(), 1) }, b"no gzip");
    let mut conn = Conn::open(desk.node.address).expect("a connection");
    records::send_produce(&mut conn, &records::produce("t", 0, -1, &packed)).expect("sent");
    let (_, answer) = conn.receive(rpc::PATIENCE).expect("an answer");
    // Behind the correlation id comes an empty set of tags.
    assert_eq!(records::produced(&answer), Ok((0, 1)));
    let all = ["consume", "t", "--from-beginning"];
    for args in [&all[..], &[&all[..], &["--group", "g"]].concat()] {
        let output = run(&mut desk.command(args));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("t-0: the batch at offset 1 is damaged"), "{said}");
        assert_eq!(output.stdout, b"one\n", "and nothing is printed twice");
    }
    assert_eq!(desk.group(), ("Empty".into(), 1), "what was printed is committed");
    assert_eq!(desk.good(&[&all[..], &["--max-messages", "1"]].concat()), "one\n");
    desk.close();
}

/// A controller that is a broker as well, and how a broker joins it.
fn two(name: &str, settings: &[&str]) -> (Desk, impl Fn(&Path, &[&str]) -> Node) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let free = free.expect("a port that nobody has");
    let voters = format!("controller.quorum.voters=1@{free}");
    let listeners = format!("listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://{free}");
    let scratch = Scratch::new(name);
    let all = [settings, &["group.initial.rebalance.delay.ms=0", &voters]].concat();
    let all: Vec<String> = all.iter().flat_map(|pair| ["--set".into(), pair.to_string()]).collect();
    let start = move |data: &Path, extra: &[&str]| {
        let all: Vec<&str> = all.iter().map(String::as_str).chain(extra.iter().copied()).collect();
        Node::start(data, &all)
    };
    let node = start(&scratch.join("one"), &["--set", &listeners]);
    (Desk { node, scratch }, start)
}

const BROKER: [&str; 4] = ["--set", "node.id=2", "--set", "process.roles=broker"];

/// Two nodes that share the partitions, and then one of them is gone.
#[test]
fn a_partition_without_a_leader_takes_nothing_from_the_others() {
    let (desk, join) = two("leaderless", &["offsets.topic.num.partitions=1"]);
    // The group's coordinator is the node that stays.
    assert_eq!(desk.feed(&["produce", "first"], "x\n").0, 0);
    assert_eq!(desk.good(&["consume", "first", "--from-beginning", "-n", "1", "--group", "g"]), "x\n");
    let other = join(&desk.scratch.join("two"), &BROKER);
    until("both are there", || rpc::view(&[desk.node.address], None).is_ok_and(|view| view.brokers.len() == 2));
    assert_eq!(desk.good(&["topic", "create", "t", "--partitions", "4"]), "created t with 4 partitions\n");
    let view = rpc::view(&[desk.node.address], Some("t")).expect("a view");
    let of = |node| view.partitions.iter().position(|partition| partition.leader == node).expect("each leads some");
    let (lost, left) = (of(2), of(1));
    for partition in ["0", "1", "2", "3"] {
        assert_eq!(desk.feed(&["produce", "t", "--partition", partition], "a\n").0, 0);
    }
    let read = desk.good(&["consume", "t", "--from-beginning", "-n", "4", "--group", "g"]);
    assert_eq!(read.lines().count(), 4);
    let mut running = desk.spawn(&["consume", "t", "-n", "1"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(other.stop(), 0);
    until("nobody leads it", || {
        rpc::view(&[desk.node.address], Some("t")).is_ok_and(|view| view.partitions[lost].leader < 0)
    });
    let began = std::time::Instant::now();
    let offsets = json(&desk.good(&["offsets", "t", "--json"]));
    let (of_lost, of_left) = (&offsets["partitions"][lost], &offsets["partitions"][left]);
    assert!(of_lost["first"].is_null() && of_lost["next"].is_null() && of_left["next"] == 1, "{offsets}");
    assert!(desk.good(&["offsets", "t"]).contains(&format!("{lost}          -      -     -\n")));
    let group = json(&desk.good(&["group", "describe", "g", "--json"]));
    let rows = group["offsets"].as_array().expect("rows");
    let row = |partition: usize| rows.iter().find(|row| row["topic"] == "t" && row["partition"] == partition);
    assert!(row(lost).is_some_and(|row| row["end"].is_null() && row["lag"].is_null()), "{group}");
    assert!(row(left).is_some_and(|row| row["lag"] == 0), "{group}");
    let one = left.to_string();
    let all = ["consume", "t", "--from-beginning", "-n", "1"];
    assert_eq!(desk.good(&[&all[..], &["--partition", &one]].concat()), "a\n");
    assert_eq!(desk.good(&all), "a\n");
    assert_eq!(desk.feed(&["produce", "t"], "c\n").0, 0, "it goes where a leader is");
    assert_eq!(await_end(&mut running), 0);
    assert!(began.elapsed() < std::time::Duration::from_secs(25), "nobody is waited for: {:?}", began.elapsed());
    desk.close();
}

#[test]
fn bytes_that_are_no_text() {
    let desk = Desk::open("bytes");
    desk.good(&["topic", "create", "t"]);
    assert_eq!(desk.feed(&["produce", "t", "--key-separator", ":"], b"k:\xff\x00\n\xfe:\x1b[2J\n").0, 0);
    let two = ["consume", "t", "--from-beginning", "--max-messages", "2"];
    let lines = desk.good(&[&two[..], &["--json"]].concat());
    let lines: Vec<_> = lines.lines().map(json).collect();
    assert_eq!((&lines[0]["key"], &lines[0]["value_base64"]), (&"k".into(), &"/wA=".into()));
    assert_eq!((&lines[1]["key_base64"], &lines[1]["value"]), (&"/g==".into(), &"\u{1b}[2J".into()));
    assert!(lines[0].get("value").is_none() && lines[1].get("key").is_none());
    let output = run(desk.command(&two).stdin(Stdio::null()));
    assert_eq!(output.stdout, b"\xff\x00\n\x1b[2J\n", "without --json every byte is as it was written");
    let log = desk.scratch.join("data/t-0/00000000000000000000.log");
    let shown = printed(&dump(&["--records"], &log));
    assert!(shown.contains(r"key k  value \xff\u{0}") && shown.contains(r"key \xfe  value \u{1b}[2J"), "{shown}");
    assert!(shown.bytes().all(|byte| byte == b'\n' || byte >= b' '), "a terminal is not steered");
    let line = printed(&dump(&["--records", "--json"], &log)).lines().nth(1).map(json).expect("a record");
    assert_eq!(line["value_base64"], "/wA=");
    desk.close();
}

fn dump(args: &[&str], path: &Path) -> Output {
    run(Command::new(esker()).args(["log", "dump"]).args(args).arg(path))
}

/// What was printed by what succeeded.
#[track_caller]
fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn dumps_of_logs() {
    let desk = Desk::open("dump");
    desk.good(&["topic", "create", "t", "--config", "segment.bytes=1048576"]);
    for _ in 0..3 {
        assert_eq!(desk.feed(&["produce", "t"], vec![b'x'; 600_000]).0, 0);
    }
    let data = desk.scratch.join("data");
    let log = data.join("t-0/00000000000000000000.log");
    let whole = printed(&dump(&[], &data.join("t-0")));
    let bases: Vec<&str> = whole.lines().filter(|line| line.starts_with("base ")).collect();
    assert_eq!(bases.len(), 3, "{whole}");
    assert!((0..3).all(|base| bases[base].starts_with(&format!("base {base} "))), "in order: {whole}");
    assert_eq!(whole.matches(".log:\n").count(), 3, "each file is named: {whole}");
    failed(&["dump"], &dump(&[], &data), "no segment");
    failed(&["dump"], &dump(&[], &data.join("meta.properties")), "is no log segment");
    failed(&["dump"], &dump(&[], &data.join("none.log")), "none.log");
    let metadata = printed(&dump(&["--records"], &data.join("__cluster_metadata-0")));
    assert!(metadata.contains("  topic t ") && metadata.contains("  broker 1 "), "{metadata}");
    let metadata = printed(&dump(&["--records", "--json"], &data.join("__cluster_metadata-0")));
    assert!(
        metadata.lines().map(json).any(|line| line["record"].as_str().is_some_and(|text| text.starts_with("topic t ")))
    );
    let mut bytes = std::fs::read(&log).expect("the log");
    bytes[70] ^= 1;
    let damaged = desk.scratch.join("damaged.log");
    std::fs::write(&damaged, bytes).expect("written");
    let output = dump(&[], &damaged);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged"));
    desk.close();
}

#[test]
fn damage_in_a_log_is_json_like_all_else() {
    let desk = Desk::open("dump-damage");
    desk.good(&["topic", "create", "t"]);
    assert_eq!(desk.feed(&["produce", "t"], "one\n").0, 0);
    let log = desk.scratch.join("data/t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).expect("the log");
    // Its attributes say that it is packed, which it is not; and half a batch comes after it.
    bytes[22] = 1;
    bytes.extend_from_within(..40);
    let damaged = desk.scratch.join("damaged.log");
    std::fs::write(&damaged, bytes).expect("written");
    let output = dump(&["--records", "--json"], &damaged);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(json).collect();
    let [batch, packed, tail] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&batch["crc"], &packed["at"]), (&"WRONG".into(), &0.into()));
    assert!(packed["error"].as_str().is_some_and(|why| why.contains("damaged")), "{packed}");
    assert_eq!((&tail["at"], &tail["error"].is_string()), (&batch["len"], &true));
    assert!(lines.iter().all(|line| line.get("file").is_none()), "there is one file");
    let output = run(Command::new(esker()).args(["log", "dump", "--records", "--json"]).args([&log, &damaged]));
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(json).collect();
    let of = |path: &Path| lines.iter().filter(|line| line["file"].as_str() == path.to_str()).count();
    assert_eq!((of(&log), of(&damaged)), (2, 3), "{lines:?}");
    desk.close();
}

#[test]
fn without_a_broker_or_with_a_wrong_command_line() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let free = free.expect("a port that nobody has").to_string();
    for args in [
        &["topic", "list"][..],
        &["topic", "create", "t"],
        &["produce", "t"],
        &["consume", "t"],
        &["group", "list"],
        &["offsets", "t"],
        &["metadata", "tree"],
    ] {
        failed(args, &run(Command::new(esker()).args(args).args(["-b", &free])), &free);
        failed(args, &run(Command::new(esker()).args(args).args(["-b", "nowhere"])), "HOST:PORT");
    }
    for args in
        [&["topic"][..], &["topic", "mend"], &["consume"], &["consume", "t", "--offset", "1"], &["serve", "--listen"]]
    {
        assert_eq!(run(Command::new(esker()).args(args)).status.code(), Some(2), "{args:?}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that takes nothing");
    let desk = Desk::open("full-output");
    desk.good(&["topic", "create", "t"]);
    let status = desk.command(&["topic", "list"]).stdout(full).stderr(Stdio::null()).status().expect("it runs");
    assert_eq!(status.code(), Some(1), "what could not be printed is no success");
    desk.close();
}

/// Two groups, one coordinated by the node that stays, one by the other.
#[test]
fn a_consumer_goes_on_when_its_coordinator_comes_back() {
    let (desk, join) = two("coordinator", &["offsets.topic.num.partitions=2"]);
    assert_eq!(desk.feed(&["produce", "t"], "one\n").0, 0);
    let data = desk.scratch.join("two");
    let mut other = join(&data, &BROKER);
    until("both are there", || rpc::view(&[desk.node.address], None).is_ok_and(|view| view.brokers.len() == 2));
    let mut members = ["g0", "g1"].map(|group| desk.spawn(&["consume", "t", "--from-beginning", "--group", group]));
    let mut readers = members.each_mut().map(|child| BufReader::new(child.stdout.take().expect("piped")));
    let mut lines = || {
        readers.each_mut().map(|reader| {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a record");
            line
        })
    };
    assert_eq!(lines(), ["one\n", "one\n"]);
    for next in ["two\n", "three\n"] {
        other.signal("KILL");
        other.ended();
        // A heartbeat is due meanwhile.
        std::thread::sleep(std::time::Duration::from_secs(4));
        other = join(&data, &[&BROKER[..], &["--listen", &other.address.to_string()]].concat());
        assert_eq!(desk.feed(&["produce", "t"], next).0, 0);
        assert_eq!(lines(), [next; 2], "what comes later, and nothing twice");
    }
    for child in &mut members {
        signal(child.id(), "TERM");
        assert_eq!(await_end(child), 143);
    }
    desk.close();
}
