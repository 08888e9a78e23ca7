//! The operator's port.

use super::node::{Node, Scratch, get, serve, topic, until};
use std::io::Write;
use std::net::TcpStream;

/// Where the log says that it is.
fn admin_of(node: &Node) -> String {
    let line = node.said("http://");
    line.split("http://").nth(1).expect("an address").split(['/', ' ']).next().expect("an address").to_owned()
}

#[test]
fn a_node_that_serves_is_ready_and_counts() {
    let scratch = Scratch::new("admin");
    let node = Node::start(&scratch.join("data"), &["--set", "admin.listen=127.0.0.1:0"]);
    let admin = admin_of(&node);
    assert_eq!(get(&admin, "/readyz"), (200, "ready\n".into()));
    assert_eq!(get(&admin, "/healthz"), (200, "alive\n".into()));
    assert_eq!(get(&admin, "/nowhere").0, 404);
    let count = || {
        let (status, text) = get(&admin, "/metrics");
        assert!(status == 200 && text.ends_with("# EOF\n"), "Prometheus' text: {text}");
        let line = text.lines().find(|line| line.starts_with("esker_requests_total{request=\"Metadata\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).expect("a counter of Metadata")
    };
    let before = count();
    node.serves();
    assert_eq!(count(), before + 1);
    let text = get(&admin, "/metrics").1;
    let timed = format!("esker_request_seconds_count{{request=\"Metadata\"}} {}", count());
    assert!(text.lines().any(|line| line == timed), "{timed} in {text}");
    for name in
        ["esker_connections ", "esker_disk_room_bytes ", "esker_sent_bytes_total ", "esker_disk_sync_seconds_count "]
    {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} in {text}");
    }
    topic(node.address);
    for line in [
        "esker_partitions 1",
        "esker_leaders 1",
        "esker_under_replicated_partitions 0",
        "esker_under_min_isr_partitions 0",
        "esker_offline_partitions 0",
        "esker_active_controller 1",
    ] {
        until(line, || get(&admin, "/metrics").1.lines().any(|one| one == line));
    }
    let mut rude = TcpStream::connect(&admin).unwrap();
    rude.write_all(&[0xff; 10_000]).unwrap();
    assert_eq!(get(&admin, "/healthz").0, 200, "garbage hurts nobody");
    // Most of those who say nothing are ended for one who asks.
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&admin).expect("the port is open")).collect();
    assert_eq!(get(&admin, "/readyz").0, 200, "nor do they who say nothing");
    drop(silent);
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_node_without_a_quorum_is_alive_and_not_ready() {
    let scratch = Scratch::new("unready");
    let data = scratch.join("data");
    let voters = "controller.quorum.voters=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3";
    let listeners = "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0";
    let mut command = serve(&data, &["--set", "admin.listen=127.0.0.1:0", "--set", voters, "--set", listeners]);
    let node = Node::begin(&mut command, &data);
    let admin = admin_of(&node);
    assert_eq!(get(&admin, "/healthz").0, 200);
    assert_eq!(get(&admin, "/readyz"), (503, "starting\n".into()));
    assert_eq!(node.stop(), 0);
}
