//! Who is told that a topic, or a partition of it, is there may use it at once.

use super::node::{Node, Scratch};
use esker_tests::conn::Conn;
use esker_tests::rpc::{PATIENCE, call, name, offset};
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use std::time::{Duration, Instant};

/// An answer waits for logs a second at most: one that came so late says nothing of them.
const LATE: Duration = Duration::from_millis(900);

#[test]
fn what_is_made_serves_as_soon_as_it_is_said_to_be_there() {
    let scratch = Scratch::new("made");
    let node = Node::start(&scratch.join("data"), &[]);
    let mut conn = Conn::open(node.address).expect("the node listens");
    for round in 0..10 {
        let topic = format!("t{round}");
        let row = CreatableTopic::default().with_name(name(&topic)).with_num_partitions(3).with_replication_factor(1);
        let create = CreateTopicsRequest::default().with_topics(vec![row]).with_timeout_ms(10_000);
        let began = Instant::now();
        let made = call(&mut conn, 5, &create, 4 * PATIENCE).expect("an answer");
        assert_eq!(made.topics[0].error_code, 0);
        let soon = began.elapsed() < LATE;
        let ends = |partitions: i32| -> Vec<_> {
            (0..partitions).map(|partition| offset(node.address, &topic, partition, -1)).collect()
        };
        let made = ends(3);
        assert!(made == vec![Ok(0); 3] || !soon, "{topic}: {made:?}");
        let row = CreatePartitionsTopic::default().with_name(name(&topic)).with_count(6).with_assignments(None);
        let grow = CreatePartitionsRequest::default().with_topics(vec![row]).with_timeout_ms(10_000);
        let began = Instant::now();
        let grown = call(&mut conn, 2, &grow, 4 * PATIENCE).expect("an answer");
        assert_eq!(grown.results[0].error_code, 0);
        let soon = soon && began.elapsed() < LATE;
        let grown = ends(6);
        assert!(grown == vec![Ok(0); 6] || !soon, "{topic}: {grown:?}");
    }
}
