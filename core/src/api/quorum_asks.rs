//! Requests to the metadata quorum: asked, and asked again while the answer is `Wait`. The row in the table is the request.

use crate::id::HoldId;
use crate::io::{Ask, Reply};
use crate::node::{Node, Waiting};
use crate::quorum::{Answer, Turn};
use crate::time::{Mono, Now, Span};
use alloc::boxed::Box;
use alloc::vec;
use kafka_protocol::messages::RequestKind;

/// Puts a request to the quorum: it is answered now, or waits until `deadline` (`None`: its disk operation ends it).
pub fn begin(node: &mut Node, now: Now, ask: Ask, request: impl Into<RequestKind>, deadline: Option<Mono>) {
    let request = Box::new(request.into());
    match put(node, now, ask.version, &request, Turn::First) {
        Answer::Reply(reply) => node.out.reply(ask.conn, ask.seq, reply),
        Answer::Wait => {
            let hold = node.hold.insert(ask, now.mono, deadline, Waiting::Quorum { request });
            node.quorum_asks.insert(hold);
        }
    }
}

/// The quorum has news: every request that waits is put again.
pub fn again(node: &mut Node, now: Now) {
    for hold in node.quorum_asks.iter().copied().collect::<vec::Vec<_>>() {
        put_row(node, now, hold, Turn::Again);
    }
}

/// The time of a request is up.
pub fn last(node: &mut Node, now: Now, hold: HoldId) {
    put_row(node, now, hold, Turn::Last);
}

fn put_row(node: &mut Node, now: Now, hold: HoldId, turn: Turn) {
    let row = node.hold.get(hold).and_then(|row| match &row.waiting {
        Waiting::Quorum { request } => Some((row.ask.version, request.clone())),
        _ => None,
    });
    let Some((version, request)) = row else {
        // Its connection ended.
        node.quorum_asks.remove(&hold);
        return;
    };
    let answer = put(node, now, version, &request, turn);
    if answer == Answer::Wait && turn != Turn::Last {
        return;
    }
    node.quorum_asks.remove(&hold);
    let Some(row) = node.hold.take(hold) else { return };
    match answer {
        Answer::Reply(reply) => node.out.reply(row.ask.conn, row.ask.seq, reply),
        Answer::Wait => row.ask.close(&mut node.out),
    }
}

fn put(node: &mut Node, now: Now, version: i16, request: &RequestKind, turn: Turn) -> Answer<Reply> {
    let (quorum, out) = (&mut node.quorum, &mut node.out);
    match request {
        RequestKind::Vote(request) => quorum.on_vote(now, request, out).map(|mut reply| {
            if version < 1 {
                reply.node_endpoints.clear();
            }
            Reply::plain(reply)
        }),
        RequestKind::BeginQuorumEpoch(request) => quorum.on_begin_epoch(now, request, out).map(|mut reply| {
            if version < 1 {
                reply.node_endpoints.clear();
            }
            Reply::plain(reply)
        }),
        RequestKind::EndQuorumEpoch(request) => quorum.on_end_epoch(now, request, out).map(|mut reply| {
            if version < 1 {
                reply.node_endpoints.clear();
            }
            Reply::plain(reply)
        }),
        RequestKind::Fetch(request) => quorum.on_fetch(now, request, turn, out).map(|mut reply| {
            if version < 16 {
                reply.response.node_endpoints.clear();
            }
            let records = reply.response.responses.iter().map(|_| reply.records.clone()).collect();
            Reply::Fetch { response: reply.response, records }
        }),
        RequestKind::FetchSnapshot(request) => quorum.on_fetch_snapshot(now, request, turn, out).map(|mut reply| {
            if version < 1 {
                reply.node_endpoints.clear();
            }
            Reply::plain(reply)
        }),
        _ => Answer::Wait,
    }
}

/// When a Fetch that may wait so long is answered with what there is.
pub fn fetch_deadline(now: Now, max_wait_ms: i32) -> Option<Mono> {
    Some(now.mono + Span::from_kafka_millis(i64::from(max_wait_ms)))
}
