//! Which partitions a Fetch (key 1) is about: those that it names, or, from versions 7 on, those of its session (KIP-227,
//! Kafka's `FetchManager`).

use super::{key_of, wanted};
use crate::controller::TOPIC_NAME_MAX;
use crate::error::ErrorCode;
use crate::id::HoldId;
use crate::io::Ask;
use crate::metadata::Text;
use crate::mutant::{self, Mutant};
use crate::node::{FetchSet, Node, Reader, Session, Source, Waiting, next_epoch};
use crate::time::Now;
use kafka_protocol::messages::{FetchRequest, TopicName};

/// `session_epoch` of a request that names all its partitions and wants a session.
const INITIAL: i32 = 0;
/// `session_epoch` of a request that names all its partitions and wants none.
const FINAL: i32 = -1;

/// The partitions, and whether all of them are to be answered.
///
/// # Errors
/// `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`, `FETCH_SESSION_TOPIC_ID_ERROR`.
pub(super) fn source(
    node: &mut Node,
    now: Now,
    ask: &Ask,
    request: &FetchRequest,
    reader: Reader,
) -> Result<(Source, bool), ErrorCode> {
    let by_id = ask.version >= super::look::TOPIC_IDS;
    if ask.version >= 7 && request.session_epoch != INITIAL && request.session_epoch != FINAL {
        return resume(node, now, request, by_id);
    }
    if ask.version >= 7 && request.session_id != 0 {
        drop_session(node, request.session_id);
    }
    let count = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let mut set = FetchSet::with_capacity(count);
    put(&mut set, request, by_id);
    if ask.version < 7 || request.session_epoch == FINAL || set.is_empty() || names_too_long(request) {
        return Ok((Source::Own(set), true));
    }
    let source = match node.sessions.open(now.mono, reader.replica.is_some(), by_id, set) {
        Ok(id) => Source::Session(id),
        Err(set) => Source::Own(set),
    };
    Ok((source, true))
}

fn resume(node: &mut Node, now: Now, request: &FetchRequest, by_id: bool) -> Result<(Source, bool), ErrorCode> {
    let id = request.session_id;
    let session = node.sessions.get_mut(id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
    if session.epoch != request.session_epoch && !mutant::is(Mutant::SessionEpochIgnored) {
        return Err(ErrorCode::InvalidFetchSessionEpoch);
    }
    if session.by_id != by_id && !mutant::is(Mutant::SessionNamingUnchecked) {
        return Err(ErrorCode::FetchSessionTopicIdError);
    }
    if names_too_long(request) {
        drop_session(node, id);
        return Err(ErrorCode::FetchSessionIdNotFound);
    }
    session.epoch = next_epoch(session.epoch);
    let row = session.drop_row();
    let before = session.set.len();
    put(&mut session.set, request, by_id);
    node.sessions.resized(id, before);
    node.sessions.touch(now.mono, id);
    // Its reader has asked anew, so it does not wait for the answer to its last request.
    if let Some(hold) = row {
        super::answer::send_empty(node, hold, id);
    }
    // Its reader names all its partitions in a new session then, which is opened if there is or can be made room for it.
    if node.sessions.is_overfull() {
        drop_session(node, id);
        return Err(ErrorCode::FetchSessionIdNotFound);
    }
    forget(node, id, request, by_id);
    if node.sessions.get(id).is_none_or(|session| session.set.is_empty()) {
        drop_session(node, id);
        return Ok((Source::Own(FetchSet::default()), true));
    }
    Ok((Source::Session(id), false))
}

fn forget(node: &mut Node, id: i32, request: &FetchRequest, by_id: bool) {
    let Some(session) = node.sessions.get_mut(id) else { return };
    let before = session.set.len();
    let keys = request.forgotten_topics_data.iter().flat_map(|topic| {
        let key = |partition: &i32| key_of(by_id, topic.topic_id, &topic.topic, *partition);
        topic.partitions.iter().map(key)
    });
    let unwatched = session.set.forget(keys.filter(|_| !mutant::is(Mutant::ForgottenStillRead)));
    node.sessions.resized(id, before);
    node.sessions.unwatch(id, unwatched);
}

/// Whether what no topic can be called is named: up to 32 KiB, which the bound of all sessions does not count. Who names it has no
/// session, and is told in each answer that there is no such topic.
fn names_too_long(request: &FetchRequest) -> bool {
    request.topics.iter().any(|topic| topic.topic.len() > TOPIC_NAME_MAX)
}

fn put(set: &mut FetchSet, request: &FetchRequest, by_id: bool) {
    for topic in &request.topics {
        // A copy: the name in the request is a slice of its whole frame, which would live as long as the session.
        let name = TopicName(Text::from(topic.topic.as_str()).wire());
        for partition in &topic.partitions {
            set.put(key_of(by_id, topic.topic_id, &name, partition.partition), wanted(partition));
        }
    }
}

/// Ends the session; a request that waits in it is answered with nothing.
fn drop_session(node: &mut Node, id: i32) {
    if let Some(hold) = node.sessions.close(id).and_then(|session| session.row) {
        super::answer::send_empty(node, hold, id);
    }
}

/// The session's request waits in the row.
pub(super) fn wait(node: &mut Node, id: i32, hold: HoldId) {
    if let Some(session) = node.sessions.get_mut(id) {
        assert!(session.row.is_none(), "session {id}: two requests wait");
        session.row = Some(hold);
    }
}

/// The row no longer waits: it is answered with what was found for it, or waits once more.
pub(super) fn leave(node: &mut Node, source: &Source, hold: HoldId) {
    if let Some(session) = waits_in(node, source, hold) {
        session.row = None;
    }
}

/// The row's connection has gone.
pub fn on_gone(node: &mut Node, hold: HoldId, waiting: &Waiting) {
    if let Waiting::Fetch(fetching) = waiting
        && let Some(session) = waits_in(node, &fetching.source, hold)
    {
        session.drop_row();
    }
}

/// The session in which the row waits.
fn waits_in<'a>(node: &'a mut Node, source: &Source, hold: HoldId) -> Option<&'a mut Session> {
    let Source::Session(id) = source else { return None };
    node.sessions.get_mut(*id).filter(|session| session.row == Some(hold))
}
