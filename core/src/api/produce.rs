//! Produce (key 0), versions 3 to 13; advertised from 0 (KAFKA-18659).
//!
//! Each partition's batch is appended by itself, and has its own error. The answer leaves when all of them are where
//! `acks` wants them, or when the time is up, and never before this node's own disk has them or [`OWN_DISK_MAX`] is over: a request
//! that is done is not counted any more in what is kept in memory. With `acks=0` there is no answer; an error closes the
//! connection, which is all a client that wants no answer can be told.

use super::{no_transactions, place};
use crate::batch::{Header, Limits, is_one_batch};
use crate::error::{ErrorCode, Refusal};
use crate::id::{DirId, HoldId, LeaderEpoch, NodeId, PartitionKey};
use crate::io::{Address, Ask, Reply};
use crate::limits::OWN_DISK_MAX;
use crate::metadata::Broker;
use crate::mutant::{self, Mutant};
use crate::node::{Appender, Node, Partitions, ProduceWait, Producing, Waiting};
use crate::partition::{Acks, Appended};
use crate::time::{Now, Span};
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

/// From this version on topics are named by id alone.
const TOPIC_IDS: i16 = 13;
/// From this version on an answer says who leads instead (KIP-951).
const LEADER_HINTS: i16 = 10;

/// `checks`: what checking each partition's bytes found, in the order of the request.
pub fn on_produce(node: &mut Node, now: Now, ask: Ask, request: ProduceRequest, checks: Vec<Result<(), Refusal>>) {
    let acks = match request.acks {
        0 => Ok(Acks::None),
        1 => Ok(Acks::Leader),
        -1 => Ok(Acks::All),
        _ if mutant::is(Mutant::AnyAcksTaken) => Ok(Acks::Leader),
        _ => Err(ErrorCode::InvalidRequiredAcks),
    };
    let deadline = now.mono + Span::from_kafka_millis(request.timeout_ms.into());
    let mut turn = Turn {
        by_id: ask.version >= TOPIC_IDS,
        admin: ask.client_id.as_str() == "__admin_client",
        limits: Limits::produce(ask.version),
        acks,
        checks: checks.into_iter(),
        waits: Vec::new(),
        leaders: Vec::new(),
        failed: false,
    };
    let mut response = ProduceResponse::default();
    response.responses.reserve_exact(request.topic_data.len());
    let lost = mutant::is(Mutant::SilenceNotAppended) && request.acks == 0;
    for topic in request.topic_data.into_iter().filter(|_| !lost) {
        let place = response.responses.len() as u32;
        response.responses.push(on_topic(node, now, &mut turn, place, topic));
    }
    if turn.acks == Ok(Acks::None) && turn.failed {
        return ask.close(&mut node.out);
    }
    if ask.version >= LEADER_HINTS {
        hint(node, &ask, &turn.leaders, &mut response);
    }
    let acks = turn.acks.unwrap_or(Acks::Leader);
    let mut producing = Producing { acks, overdue: false, response, waits: turn.waits };
    settle(&node.partitions, &mut producing, None);
    if producing.waits.is_empty() {
        return tell(node, &ask, producing);
    }
    let first = producing.waits.first().map(|wait| wait.dir);
    let others = producing.waits.iter().skip(1).filter(|_| !mutant::is(Mutant::ProduceWatchesFirst));
    let others: Vec<DirId> = others.map(|wait| wait.dir).collect();
    let hold = node.hold.insert(
        ask,
        now.mono,
        Some(deadline).filter(|_| !mutant::is(Mutant::ProduceNeverDue)),
        Waiting::Produce(producing),
    );
    for dir in first.into_iter().chain(others) {
        node.hold.watch(hold, dir);
    }
}

/// What is the same for all partitions of a request, and what comes together over them.
struct Turn {
    by_id: bool,
    /// The admin client may write to internal topics, as in Kafka.
    admin: bool,
    limits: Limits,
    acks: Result<Acks, ErrorCode>,
    checks: alloc::vec::IntoIter<Result<(), Refusal>>,
    waits: Vec<ProduceWait>,
    /// Where a partition is led instead: its place in the answer.
    leaders: Vec<((u32, u32), PartitionKey)>,
    failed: bool,
}

fn on_topic(node: &mut Node, now: Now, turn: &mut Turn, place: u32, topic: TopicProduceData) -> TopicProduceResponse {
    let found = place::topic(node, turn.by_id, topic.topic_id.into(), &topic.name);
    let name = place::name(found.ok(), &topic.name);
    let found = found.map(|found| (found.id, found.internal(), found.partitions.len()));
    let mut answer = TopicProduceResponse::default().with_name(name).with_topic_id(topic.topic_id);
    answer.partition_responses.reserve_exact(topic.partition_data.len());
    for data in topic.partition_data {
        let at = (place, answer.partition_responses.len() as u32);
        let check = turn.checks.next().unwrap_or(Ok(()));
        let index = data.index;
        let key = match found {
            Err(code) => Err(code),
            Ok((_, true, _)) if !turn.admin && !mutant::is(Mutant::InternalWritten) => {
                Err(ErrorCode::InvalidTopicException)
            }
            Ok((id, _, count)) if usize::try_from(index).is_ok_and(|index| index < count) => {
                Ok(PartitionKey { topic: id, partition: index })
            }
            Ok(_) => Err(ErrorCode::UnknownTopicOrPartition),
        };
        let shaped = check.is_ok() || is_one_batch(data.records.as_deref().unwrap_or_default(), turn.limits);
        let done = key.map_err(Refusal::new).and_then(|key| on_partition(node, now, turn, at, key, check, data));
        turn.failed |= done.is_err();
        answer.partition_responses.push(match done {
            Ok(appended) => appended_answer(index, &appended),
            Err(refusal) => refused_answer(node, index, key.ok().filter(|_| shaped), refusal),
        });
    }
    answer
}

fn on_partition(
    node: &mut Node,
    now: Now,
    turn: &mut Turn,
    at: (u32, u32),
    key: PartitionKey,
    check: Result<(), Refusal>,
    data: PartitionProduceData,
) -> Result<Appended, Refusal> {
    let acks = turn.acks?;
    check?;
    let bytes = data.records.unwrap_or_default();
    refuse_transactions(&bytes)?;
    let size = bytes.len() as u64;
    node.room.admit(Appender::Client, size, &mut node.out)?;
    let Some(partition) = node.partitions.get_mut(key) else {
        turn.leaders.push((at, key));
        return Err(ErrorCode::NotLeaderOrFollower.into());
    };
    let dir = partition.dir();
    match partition.on_produce(now, bytes, acks, &mut node.out) {
        Ok((appended, event)) => {
            node.partitions.note(dir, event);
            node.room.spend(size);
            turn.waits.push(ProduceWait { place: at, partition: key, dir, appended });
            Ok(appended)
        }
        Err(refusal) => {
            if refusal.code == ErrorCode::NotLeaderOrFollower {
                turn.leaders.push((at, key));
            }
            Err(refusal)
        }
    }
}

/// Kafka answers so to a transactional batch outside a transaction. There are no transactions yet: a batch of one would never be committed or aborted, and block `read_committed` readers.
fn refuse_transactions(bytes: &Bytes) -> Result<(), Refusal> {
    match Header::read(bytes) {
        Some(header) if header.is_transactional() && !mutant::is(Mutant::TransactionalTaken) => {
            Err(no_transactions::refusal())
        }
        Some(_) => Ok(()),
        None => Err(Refusal::because(ErrorCode::InvalidRecord, "there has to be a record batch for each partition")),
    }
}

fn appended_answer(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse::default()
        .with_index(index)
        .with_base_offset(appended.base.0)
        .with_log_append_time_ms(match appended.append_time {
            Some(time) if !mutant::is(Mutant::AppendTimeUntold) => time.0,
            _ => -1,
        })
        .with_log_start_offset(if mutant::is(Mutant::ProduceStartIsBase) { appended.base.0 } else { appended.start.0 })
}

/// Kafka tells where the log starts when the log itself refused, and a text where records were not valid
/// (and which: `record_errors`, KIP-467; `ReplicaManager.appendToLocalLog`).
fn refused_answer(node: &Node, index: i32, key: Option<PartitionKey>, refusal: Refusal) -> PartitionProduceResponse {
    let by_log = !matches!(
        refusal.code,
        ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::InvalidTopicException
            | ErrorCode::InvalidRequiredAcks
            | ErrorCode::TransactionalIdAuthorizationFailed
            | ErrorCode::NotLeaderOrFollower
            | ErrorCode::MessageTooLarge
            | ErrorCode::RecordListTooLarge
            | ErrorCode::CorruptMessage
            | ErrorCode::KafkaStorageError
    );
    let start = key.filter(|_| by_log).and_then(|key| node.partitions.get(key)).map_or(-1, |p| p.log_start().0);
    let tells = matches!(
        refusal.code,
        ErrorCode::InvalidRecord | ErrorCode::InvalidTimestamp | ErrorCode::TransactionalIdAuthorizationFailed
    );
    let message = refusal.message.filter(|_| tells).map(StrBytes::from_string);
    let at_fault = refusal.records.into_iter().map(|place| {
        BatchIndexAndErrorMessage::default().with_batch_index(place).with_batch_index_error_message(message.clone())
    });
    PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(refusal.code.code())
        .with_record_errors(at_fault.collect())
        .with_base_offset(-1)
        .with_log_append_time_ms(-1)
        .with_log_start_offset(start)
        .with_error_message(message)
}

/// Says who leads the partitions that were sent to the wrong node, and where those leaders are (KIP-951).
fn hint(node: &Node, ask: &Ask, wrong: &[((u32, u32), PartitionKey)], response: &mut ProduceResponse) {
    for (at, key) in wrong {
        let (leader, epoch) = place::leader(node, *key);
        let leader = if mutant::is(Mutant::HintNamesSelf) { node.config.node } else { leader };
        let topic = response.responses.get_mut(at.0 as usize);
        if let Some(answer) = topic.and_then(|topic| topic.partition_responses.get_mut(at.1 as usize)) {
            answer.current_leader = leader_of(leader, epoch);
        }
        let known = response.node_endpoints.iter().any(|endpoint| endpoint.node_id == BrokerId(leader.0));
        if let Some((broker, address)) = place::endpoint(node, ask, leader).filter(|_| !known) {
            response.node_endpoints.push(endpoint_of(broker, address));
        }
    }
}

fn leader_of(leader: NodeId, epoch: LeaderEpoch) -> LeaderIdAndEpoch {
    LeaderIdAndEpoch::default().with_leader_id(BrokerId(leader.0)).with_leader_epoch(epoch.0)
}

fn endpoint_of(broker: &Broker, address: Address) -> NodeEndpoint {
    let endpoint = NodeEndpoint::default().with_node_id(BrokerId(broker.id.0)).with_host(address.host);
    endpoint.with_port(address.port.into()).with_rack(broker.rack.as_ref().map(crate::metadata::Text::wire))
}

/// Ends the waits that are over; `dir`: only those of that folder can be.
fn settle(partitions: &Partitions, producing: &mut Producing, dir: Option<DirId>) {
    let (acks, overdue) = (producing.acks, producing.overdue);
    producing.end(|wait| {
        if dir.is_some_and(|dir| dir != wait.dir) {
            return None;
        }
        match partitions.get(wait.partition) {
            Some(partition) if partition.dir() == wait.dir => {
                let late = overdue && partition.has_durable(&wait.appended);
                partition.acked(&wait.appended, acks).or_else(|| late.then(too_late))
            }
            // The replica is no longer kept here, or was made anew.
            Some(_) | None => Some(Err(ErrorCode::NotLeaderOrFollower)),
        }
    });
}

/// What a client is told of what was not where `acks` wants it in time, though it may yet come to be.
fn too_late() -> Result<(), ErrorCode> {
    if mutant::is(Mutant::AckOnTimeout) { Ok(()) } else { Err(ErrorCode::RequestTimedOut) }
}

/// The log of `dir` moved, and the row waits for it.
pub fn on_moved(node: &mut Node, hold: HoldId, dir: DirId) {
    let Some(Waiting::Produce(producing)) = node.hold.get_mut(hold) else { return };
    settle(&node.partitions, producing, Some(dir));
    if producing.waits.is_empty() {
        answer(node, hold);
    }
}

/// The row's time is up, or the time that its own disk has beyond it.
pub fn on_due(node: &mut Node, now: Now, hold: HoldId) {
    let Some(last) = node.hold.get(hold).map(|row| row.since + OWN_DISK_MAX) else { return };
    let Some(Waiting::Produce(producing)) = node.hold.get_mut(hold) else { return };
    producing.overdue = true;
    settle(&node.partitions, producing, None);
    if !producing.waits.is_empty() && now.mono < last {
        return node.hold.put_off(hold, last);
    }
    producing.end(|_| Some(too_late()));
    answer(node, hold);
}

fn answer(node: &mut Node, hold: HoldId) {
    let Some(row) = node.hold.take(hold) else { return };
    let Waiting::Produce(producing) = row.waiting else { unreachable!("{hold} waits for a Produce") };
    tell(node, &row.ask, producing);
}

fn tell(node: &mut Node, ask: &Ask, producing: Producing) {
    if producing.acks == Acks::None && !mutant::is(Mutant::SilenceAnswered) {
        return node.out.reply(ask.conn, ask.seq, Reply::Silence);
    }
    ask.reply(&mut node.out, producing.response);
}

#[cfg(test)]
mod tests;
