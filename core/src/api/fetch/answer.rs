//! The answer to a Fetch.

use crate::error::ErrorCode;
use crate::id::{HoldId, NodeId};
use crate::io::{Ask, Reply};
use crate::node::{Fetching, Node, SlotKey, Source, Waiting};
use alloc::boxed::Box;
use alloc::vec::Vec;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, NodeEndpoint, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchResponse, TopicName};

/// The whole request is refused.
pub(super) fn refuse(node: &mut Node, ask: &Ask, code: ErrorCode) {
    let response = FetchResponse::default().with_error_code(code.code());
    node.out.reply(ask.conn, ask.seq, Reply::Fetch { response: Box::new(response), records: Vec::new() });
}

/// Answers the row with nothing new.
pub(super) fn send_empty(node: &mut Node, hold: HoldId, session: i32) {
    let Some(row) = node.hold.take(hold) else { return };
    assert!(matches!(row.waiting, Waiting::Fetch(_)), "{hold} waits for a Fetch");
    let response = FetchResponse::default().with_session_id(session);
    node.out.reply(row.ask.conn, row.ask.seq, Reply::Fetch { response: Box::new(response), records: Vec::new() });
}

/// Answers with what was found.
pub(super) fn send(node: &mut Node, ask: &Ask, fetching: Fetching) {
    let (session, found) = match fetching.source {
        Source::Own(mut set) => (0, set.take(true)),
        Source::Session(id) => match node.sessions.get_mut(id) {
            Some(session) => (id, session.set.take(fetching.all)),
            None => return refuse(node, ask, ErrorCode::FetchSessionIdNotFound),
        },
    };
    let mut response = FetchResponse::default().with_session_id(session);
    let mut records = Vec::with_capacity(found.len());
    let mut elsewhere = Vec::new();
    for (key, data, bytes) in found {
        if data.current_leader.leader_id.0 >= 0 {
            elsewhere.push(NodeId(data.current_leader.leader_id.0));
        }
        push(&mut response.responses, &key, data);
        records.push(bytes);
    }
    if ask.version >= 16 {
        endpoints(node, ask, elsewhere, &mut response);
    }
    assert_eq!(records.len(), response.responses.iter().map(|topic| topic.partitions.len()).sum::<usize>());
    node.out.reply(ask.conn, ask.seq, Reply::Fetch { response: Box::new(response), records });
}

/// Partitions of one topic that follow each other share an entry, as in Kafka.
fn push(topics: &mut Vec<FetchableTopicResponse>, key: &SlotKey, data: PartitionData) {
    match topics.last_mut() {
        Some(last) if last.topic.0 == key.name && last.topic_id == uuid::Uuid::from(key.topic) => {
            last.partitions.push(data)
        }
        Some(_) | None => {
            let topic = FetchableTopicResponse::default()
                .with_topic(TopicName(key.name.clone()))
                .with_topic_id(key.topic.into());
            topics.push(topic.with_partitions(alloc::vec![data]));
        }
    }
}

/// Where the leaders are that the reader should ask (KIP-951).
fn endpoints(node: &Node, ask: &Ask, mut elsewhere: Vec<NodeId>, response: &mut FetchResponse) {
    elsewhere.sort_unstable();
    elsewhere.dedup();
    let brokers = elsewhere.into_iter().filter_map(|id| crate::api::place::endpoint(node, ask, id));
    response.node_endpoints = brokers
        .map(|(broker, address)| {
            let rack = broker.rack.as_ref().map(crate::metadata::Text::wire);
            let endpoint = NodeEndpoint::default().with_node_id(BrokerId(broker.id.0)).with_host(address.host);
            endpoint.with_port(address.port.into()).with_rack(rack)
        })
        .collect();
}
