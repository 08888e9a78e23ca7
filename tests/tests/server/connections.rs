//! Connections: how many, how long, how large, and what each is told of the others' addresses.

use super::disk::send;
use super::node::{LIMIT, Node, Scratch, topic, until};
use esker_tests::conn::{Conn, Lack};
use esker_tests::rpc::{self, PATIENCE, call};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, FetchRequest, FindCoordinatorRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn open(address: SocketAddr) -> Conn {
    Conn::open(address).expect("the port is open")
}

/// Whether the connection is answered; `false`: it is closed.
fn answered(conn: &mut Conn) -> bool {
    call(conn, 0, &ApiVersionsRequest::default(), PATIENCE).is_ok()
}

fn capped(name: &str, set: &str) {
    let scratch = Scratch::new(name);
    let node = Node::start(&scratch.join("data"), &["--set", set]);
    let mut within: Vec<Conn> = (0..3).map(|_| open(node.address)).collect();
    assert!(within.iter_mut().all(answered));
    for _ in 0..5 {
        assert!(!answered(&mut open(node.address)), "one too many is closed");
    }
    assert!(within.iter_mut().all(answered), "those before are served on");
    within.pop();
    until("a place becomes free", || answered(&mut open(node.address)));
    assert_eq!(node.stop(), 0);
}

#[test]
fn no_more_than_max_connections() {
    capped("max-connections", "max.connections=3");
}

#[test]
fn no_more_than_max_connections_from_one_address() {
    capped("max-per-ip", "max.connections.per.ip=3");
}

#[test]
fn who_is_silent_for_too_long_is_closed_and_who_is_not_stays() {
    let scratch = Scratch::new("idle");
    let node = Node::start(&scratch.join("data"), &["--set", "connections.max.idle.ms=10000"]);
    let (mut silent, mut busy) = (open(node.address), open(node.address));
    let began = Instant::now();
    assert!(answered(&mut silent));
    while silent.receive(Duration::from_millis(100)) == Err(Lack::Silent) {
        assert!(answered(&mut busy), "a connection in use stays");
        assert!(began.elapsed() < LIMIT, "the silent one is closed");
    }
    assert!(began.elapsed() >= Duration::from_secs(10), "not before its time");
    assert!(answered(&mut busy));
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_request_that_is_too_large_closes_its_connection_alone() {
    let scratch = Scratch::new("request-size");
    let node = Node::start(&scratch.join("data"), &["--set", "socket.request.max.bytes=10000"]);
    let mut other = open(node.address);
    assert!(answered(&mut other));
    for len in [10_001u32, 1 << 30, u32::MAX] {
        let mut large = open(node.address);
        large.bytes(&len.to_be_bytes()).expect("it is listened to");
        assert_eq!(large.receive(LIMIT), Err(Lack::Closed), "a length of {len}");
    }
    node.said("socket.request.max.bytes is 10000");
    assert!(answered(&mut other));
    let named =
        |len: usize| ApiVersionsRequest::default().with_client_software_name(StrBytes::from_string("x".repeat(len)));
    assert!(call(&mut other, 3, &named(9_900), PATIENCE).is_ok(), "what is allowed is taken");
    assert!(call(&mut other, 3, &named(10_000), PATIENCE).is_err());
    assert_eq!(node.stop(), 0);
}

/// Long requests have room of their own: who announces them and sends nothing keeps nobody waiting but others of that kind.
#[test]
fn long_requests_that_do_not_come_keep_no_short_ones_waiting() {
    let scratch = Scratch::new("uploads");
    let small = ["--set", "queued.max.request.bytes=8000000", "--set", "socket.request.max.bytes=8000000"];
    let node = Node::start(&scratch.join("data"), &small);
    let announced = |len: u32| {
        let mut conn = open(node.address);
        conn.bytes(&len.to_be_bytes()).expect("it is listened to");
        conn.bytes(&[0; 1000]).expect("it is listened to");
        conn
    };
    let (first, second) = (announced(6_000_000), announced(6_000_000));
    let mut small = open(node.address);
    for _ in 0..100 {
        assert!(answered(&mut small));
    }
    drop((first, second));
    let text = StrBytes::from_string("x".repeat(30_000));
    let mut large = open(node.address);
    let topics = (0..200).map(|_| MetadataRequestTopic::default().with_name(Some(TopicName(text.clone()))));
    let request = MetadataRequest::default().with_topics(Some(topics.collect()));
    let answer = call(&mut large, 9, &request, LIMIT).expect("a long request has its turn");
    assert_eq!(answer.topics.first().map(|topic| topic.error_code), Some(17), "no topic may be called so");
    assert_eq!(node.stop(), 0);
}

/// What waits for other clients has a bound of its own: who asks for records that do not come keeps nobody waiting but others
/// that do the same.
#[test]
fn requests_that_wait_keep_no_others_waiting() {
    let scratch = Scratch::new("polls");
    let small = ["--set", "queued.max.request.bytes=100000", "--set", "socket.request.max.bytes=50000"];
    let node = Node::start(&scratch.join("data"), &small);
    topic(node.address);
    let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(1000);
    let fetch = FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_wait_ms(600_000)
        .with_min_bytes(1)
        .with_max_bytes(1000)
        .with_topics(vec![FetchTopic::default().with_topic(rpc::name("t")).with_partitions(vec![partition])])
        .with_rack_id(StrBytes::from_string("x".repeat(30_000)));
    let mut body = bytes::BytesMut::new();
    fetch.encode(&mut body, 12).expect("encodes");
    let mut waiting: Vec<Conn> = (0..8).map(|_| open(node.address)).collect();
    for conn in &mut waiting {
        conn.send(ApiKey::Fetch as i16, 12, true, &body).expect("it is listened to");
    }
    for conn in &mut waiting {
        assert_eq!(conn.receive(Duration::from_millis(20)), Err(Lack::Silent), "it waits");
    }
    let mut other = open(node.address);
    assert!(answered(&mut other), "others are served");
    assert_eq!(send(&mut other, 1, 100).map(|(code, _)| code), Ok(0), "a write is taken");
    for conn in &mut waiting {
        assert!(conn.receive(LIMIT).is_ok(), "and ends the wait of all, one after the other");
    }
    assert_eq!(node.stop(), 0);
}

#[test]
fn who_sends_byte_by_byte_is_cut_off() {
    let scratch = Scratch::new("loris");
    let node = Node::start(&scratch.join("data"), &[]);
    let began = Instant::now();
    let mut slow = open(node.address);
    slow.bytes(&100u32.to_be_bytes()).expect("it is listened to");
    while slow.receive(Duration::from_secs(1)) == Err(Lack::Silent) {
        assert!(began.elapsed() < LIMIT, "a frame has to become whole");
        let _ = slow.bytes(&[0]);
        node.serves();
    }
    assert_eq!(node.stop(), 0);
}

#[test]
fn brokers_are_told_at_the_listener_by_which_the_question_came() {
    let scratch = Scratch::new("listeners");
    let data = scratch.join("data");
    let listeners = "listeners=PLAINTEXT://127.0.0.1:0,OUTSIDE://127.0.0.1:0";
    let protocols = "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT";
    let node = Node::start(&data, &["--set", listeners, "--set", protocols]);
    let inside = node.address;
    let outside = node.other.expect("the line names both");
    assert_ne!(inside, outside);
    for at in [inside, outside] {
        let view = rpc::wait(&[at], None, LIMIT, |view| !view.brokers.is_empty()).expect("it is up");
        assert_eq!(view.brokers, [(1, at)]);
        let request = FindCoordinatorRequest::default().with_key("g".into());
        until("the group has a coordinator", || {
            let answer = call(&mut open(at), 2, &request, PATIENCE).expect("an answer");
            if answer.error_code == 0 {
                assert_eq!((answer.host.as_str(), answer.port), ("127.0.0.1", i32::from(at.port())));
            }
            answer.error_code == 0
        });
    }
    assert_eq!(node.stop(), 0);
}
