//! Starts that are refused: one clear line, an exit code of its own, and nothing written.

use super::node::{Node, Scratch, esker, files, get, run, serve, topic, until};
use esker_tests::rpc;
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The exit code and what was said; the data folder is as it was.
fn refused(data: &Path, extra: &[&str]) -> (i32, String) {
    let before = files(data);
    let output = run(serve(data, extra).env("RUST_LOG", "off"));
    assert_eq!(files(data), before, "nothing is written");
    assert_eq!(data.exists(), !before.is_empty(), "no folder is made");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    assert!(said.starts_with("esker: "), "{said}");
    (output.status.code().unwrap_or(-1), said)
}

#[track_caller]
fn check(data: &Path, extra: &[&str], code: i32, text: &str) {
    let (got, said) = refused(data, extra);
    assert!(got == code && said.contains(text), "{extra:?}: {got} instead of {code}, {text:?} wanted in: {said}");
}

/// A reader of the log that has gone, or reads no more, or a disk that is full under it: the node goes on, and ends in order.
#[test]
fn a_log_that_goes_nowhere_stops_nothing() {
    let full = File::options().write(true).open("/dev/full").expect("a device that is full");
    for (name, stderr) in [("log-full", Stdio::from(full)), ("log-unread", Stdio::piped())] {
        let scratch = Scratch::new(name);
        let data = scratch.join("data");
        let mut node = Node::begin_into(&mut serve(&data, &[]), data.with_extension("log"), stderr).greeted();
        // A line each: more than a pipe holds.
        for _ in 0..1500 {
            let mut stream = TcpStream::connect(node.address).expect("the port is open");
            let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
        }
        assert!(node.is_running(), "{name}");
        node.serves();
        assert_eq!(node.stop(), 0, "{name}");
    }
}

#[test]
fn too_few_descriptors_are_refused_in_a_line() {
    let scratch = Scratch::new("descriptors");
    let data = scratch.join("data");
    let command = serve(&data, &[]);
    let mut limited = Command::new("bash");
    limited.args(["-c", "ulimit -n 300; exec \"$@\"", "-"]).arg(command.get_program()).args(command.get_args());
    let output = run(&mut limited);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("300 files open"), "{said}");
}

#[test]
fn a_folder_in_use_is_refused() {
    let scratch = Scratch::new("in-use");
    let data = scratch.join("data");
    let node = Node::start(&data, &[]);
    let output = run(serve(&data, &[]).env("RUST_LOG", "off"));
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use by another process"));
    node.serves();
    assert_eq!(node.stop(), 0);
    assert_eq!(Node::start(&data, &[]).stop(), 0, "free again");
}

#[test]
fn another_nodes_or_clusters_folder_is_refused() {
    let scratch = Scratch::new("foreign");
    let data = scratch.join("data");
    assert_eq!(Node::start(&data, &["--set", "cluster.id=mine"]).stop(), 0);
    let other = ["--set", "node.id=2", "--set", "controller.quorum.voters=2@127.0.0.1:9093"];
    check(&data, &other, 4, "belongs to node 1");
    check(&data, &["--set", "cluster.id=theirs"], 4, "belongs to cluster mine");
    assert_eq!(Node::start(&data, &["--set", "cluster.id=mine"]).stop(), 0);
}

#[test]
fn a_folder_that_does_not_say_whose_it_is_is_refused() {
    let scratch = Scratch::new("nobodys");
    let data = scratch.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("meta.properties"), "garbage\n").unwrap();
    check(&data, &[], 4, "meta.properties without a node.id");
}

#[test]
fn an_address_that_leads_nowhere_is_not_given_out() {
    let scratch = Scratch::new("nowhere");
    let data = scratch.join("data");
    let voters = "controller.quorum.voters=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3";
    let listeners = "listeners=PLAINTEXT://0.0.0.0:0,CONTROLLER://127.0.0.1:0";
    check(&data, &["--set", voters, "--set", listeners], 3, "set advertised.listeners");
    let mut command = serve(&data, &["--set", "listeners=PLAINTEXT://0.0.0.0:0"]);
    let alone = Node::begin(command.env("RUST_LOG", "warn"), &data);
    // It is told before the node listens to signals: how it ends is not this test's.
    alone.said("will be sent to localhost");
}

#[test]
fn a_lost_vote_is_refused() {
    let scratch = Scratch::new("vote");
    let data = scratch.join("data");
    assert_eq!(Node::start(&data, &[]).stop(), 0);
    let state = data.join("__cluster_metadata-0/quorum-state");
    let kept = std::fs::read(&state).unwrap();
    std::fs::remove_file(&state).unwrap();
    let output = run(serve(&data, &[]).env("RUST_LOG", "off"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(6) && said.contains("has records and no quorum-state"), "{said}");
    std::fs::write(&state, kept).unwrap();
    assert_eq!(Node::start(&data, &[]).stop(), 0, "put back, it serves");
}

/// Whoever held the node's id before is gone, and nobody waits for its session to run out, which takes a minute here.
#[test]
fn a_restart_at_another_port_waits_for_nobody() {
    const SESSION: [&str; 2] = ["--set", "broker.session.timeout.ms=60000"];
    let scratch = Scratch::new("moved");
    let data = scratch.join("data");
    let mut node = Node::start(&data, &SESSION);
    topic(node.address);
    for name in ["TERM", "KILL"] {
        node.signal(name);
        node.ended();
        let began = Instant::now();
        node = Node::start(&data, &SESSION);
        until("it leads again", || rpc::offset(node.address, "t", 0, -1).is_ok());
        assert!(began.elapsed() < Duration::from_secs(30), "after {name}: {:?}: {}", began.elapsed(), node.log());
    }
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_second_process_with_the_same_id_is_kept_out_and_says_so() {
    let scratch = Scratch::new("twins");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).unwrap();
    let voters = format!("controller.quorum.voters=1@{free}");
    let listeners = format!("listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://{free}");
    let controller = Node::start(&scratch.join("one"), &["--set", &voters, "--set", &listeners]);
    let broker = ["--set", "node.id=2", "--set", "process.roles=broker", "--set", &voters];
    let first = Node::start(&scratch.join("two"), &broker);
    until("it is registered", || rpc::view(&[controller.address], None).is_ok_and(|view| view.brokers.len() == 2));
    // A copy of the folder has the folder's own id: that alone makes it no less another process.
    let copy = scratch.join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(scratch.join("two/meta.properties"), copy.join("meta.properties")).unwrap();
    for data in [scratch.join("three"), copy] {
        let second = Node::begin(&mut serve(&data, &broker), &data);
        let line = second.said("node 2 does not serve yet");
        assert!(line.contains(&first.address.to_string()) && line.contains("9000 ms"), "{line}");
    }
    first.serves();
    assert_eq!((first.stop(), controller.stop()), (0, 0));
}

/// A node that is started with SIGHUP at its default, or ignored as `nohup` has it: whatever runs the tests may be under `nohup` itself.
fn with_hangup(how: &str, data: &Path) -> Node {
    let plain = serve(data, &[]);
    let mut command = Command::new("env");
    command.arg(format!("--{how}-signal=HUP")).arg(plain.get_program()).args(plain.get_args()).env("RUST_LOG", "info");
    Node::spawn(command, data)
}

#[test]
fn a_terminal_that_is_closed_stops_it_in_order() {
    let scratch = Scratch::new("hangup");
    let mut node = with_hangup("default", &scratch.join("data"));
    node.signal("HUP");
    assert_eq!(node.ended(), 0);
    node.said("stopped in order");
}

#[test]
fn under_nohup_a_terminal_that_is_closed_does_not() {
    let scratch = Scratch::new("nohup");
    let node = with_hangup("ignore", &scratch.join("data"));
    node.signal("HUP");
    std::thread::sleep(std::time::Duration::from_secs(1));
    node.serves();
    assert!(!node.log().contains("stopping"), "{}", node.log());
    assert_eq!(node.stop(), 0);
}

#[test]
fn addresses_of_ipv6_stand_in_brackets() {
    let Ok(free) = TcpListener::bind("[::1]:0").and_then(|taken| taken.local_addr()) else { return };
    let scratch = Scratch::new("ipv6");
    let admin = format!("admin.listen={free}");
    let node = Node::start(&scratch.join("data"), &["--set", &admin, "--set", "listeners=PLAINTEXT://[::1]:0"]);
    assert!(node.address.is_ipv6());
    assert_eq!(get(&free.to_string(), "/readyz").0, 200);
    let list = run(Command::new(esker()).args(["topic", "create", "t", "-b", &node.address.to_string()]));
    assert_eq!(list.status.code(), Some(0), "{}", String::from_utf8_lossy(&list.stderr));
    assert_eq!(node.stop(), 0);
}

const OTHER: &str = "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT";

#[test]
fn an_address_in_use_is_refused() {
    let scratch = Scratch::new("address");
    let data = scratch.join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check(&data, &["--listen", &address], 5, &address);
    check(
        &data,
        &["--set", &format!("listeners=PLAINTEXT://127.0.0.1:0,OTHER://{address}"), "--set", OTHER],
        5,
        &address,
    );
    check(&data, &["--set", &format!("admin.listen={address}")], 5, &address);
    check(&data, &["--set", &format!("admin.listen={address}")], 5, "give admin.listen another port");
    check(&data, &["--listen", "192.0.2.1:9092"], 5, "192.0.2.1:9092");
}

#[test]
fn a_configuration_that_cannot_be_kept_is_refused() {
    let scratch = Scratch::new("config");
    let data = scratch.join("data");
    for (set, text) in [
        ("num.partition=3", "num.partitions"),
        ("min.insync.replica=2", "min.insync.replicas"),
        ("num.partitions=many", "num.partitions"),
        ("num.partitions=0", "num.partitions"),
        ("process.roles=janitor", "process.roles"),
        ("node.id=-3", "node.id"),
        ("admin.listen=nowhere", "admin.listen"),
        ("listener.security.protocol.map=PLAINTEXT:SSL", "SSL"),
        ("listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT", "SASL_PLAINTEXT"),
        ("ssl.keystore.location=/etc/keys", "ssl.keystore.location"),
        ("sasl.enabled.mechanisms=SCRAM-SHA-256", "sasl.enabled.mechanisms"),
        ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "authorizer.class.name"),
        ("security.inter.broker.protocol=SSL", "security.inter.broker.protocol"),
        ("controller.quorum.voters=", "controller.quorum.voters is missing"),
    ] {
        check(&data, &["--set", set], 3, text);
    }
    check(&data, &["--set", "num.partitions"], 3, "NAME=VALUE");
    let kraft = ["--set", "controller.quorum.voters=", "--set", "controller.quorum.bootstrap.servers=localhost:9093"];
    check(&data, &kraft, 3, "replace its line with controller.quorum.voters=1@localhost:9093");
    let file = scratch.join("no-such.properties");
    check(&data, &[&file.display().to_string()], 3, "no-such.properties");
    std::fs::write(&file, "num.partitions=1\nnum.partition=1\n").unwrap();
    check(&data, &[&file.display().to_string()], 3, "num.partitions");
}
