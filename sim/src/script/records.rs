//! Records: produced, fetched, deleted.

use super::stage::{Ask, Sender, Stage, code, ok, split, topic_name};
use super::words::{Told, Words, Wrong, span};
use crate::client::batch;
use crate::clock::EPOCH_MS;
use bytes::Bytes;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, BrokerId, DeleteRecordsRequest, FetchRequest, InitProducerIdRequest, ListOffsetsRequest,
    OffsetForLeaderEpochRequest, ProduceRequest, ResponseKind,
};

const CLIENT: &str = "client";
const PRODUCE_TIMEOUT_US: u64 = 5_000_000;
const FETCH_BYTES: i32 = 1 << 20;

/// A word as a record's value: its bytes, at most eight.
fn value(word: &str) -> Result<u64, Wrong> {
    let mut bytes = [0; 8];
    bytes
        .get_mut(..word.len())
        .ok_or_else(|| format!("{word} is longer than eight letters"))?
        .copy_from_slice(word.as_bytes());
    Ok(u64::from_be_bytes(bytes))
}

fn word(value: u64) -> String {
    String::from_utf8_lossy(&value.to_be_bytes()).trim_end_matches('\0').to_string()
}

/// The client that a line names, and whether its answer is waited for.
fn who(words: &mut Words) -> (String, bool) {
    (words.after("as").unwrap_or_else(|| CLIENT.into()), words.has("&"))
}

/// The node that a line names, or the partition's leader.
fn to(stage: &mut Stage, words: &mut Words, name: &str) -> Result<usize, Wrong> {
    match words.after("to") {
        Some(word) => stage.named(&word, words),
        None => stage.leader(name),
    }
}

pub fn producer(stage: &mut Stage, words: &mut Words) -> Told {
    let name = words.word("a producer")?;
    stage.world()?;
    for _ in 0..100 {
        let node = stage.living()?;
        let request =
            InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(i32::MAX);
        let request = request.with_producer_id((-1).into()).with_producer_epoch(-1);
        let ticket = stage.ask(&name, node, Ask::new(ApiKey::InitProducerId, 4, request))?;
        if let Some(ResponseKind::InitProducerId(answer)) = stage.answer(ticket)?
            && answer.error_code == 0
        {
            let sender =
                Sender { id: answer.producer_id.0, epoch: answer.producer_epoch, next: Default::default(), last: None };
            stage.senders.insert(name, sender);
            return Ok(Vec::new());
        }
        stage.pass(100_000)?;
    }
    Err("no producer id".into())
}

fn tell_produced(answer: &ResponseKind) -> Vec<String> {
    let ResponseKind::Produce(answer) = answer else { return vec![format!("{answer:?}")] };
    let parts = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
    parts.map(|told| code(told.error_code).unwrap_or_else(|| format!("at {}", told.base_offset))).collect()
}

pub fn produce(stage: &mut Stage, words: &mut Words) -> Told {
    let (client, later) = who(words);
    let acks = match words.after("acks").as_deref() {
        None | Some("all") => -1,
        Some("1") => 1,
        Some("0") => 0,
        Some(other) => return Err(format!("acks {other} is not all, 1 or 0")),
    };
    let timeout = words.span_after("timeout")?.unwrap_or(PRODUCE_TIMEOUT_US);
    let size: u32 = words.number_after("size")?.unwrap_or(8);
    let (epoch, sequence) = (words.number_after::<i16>("epoch")?, words.number_after::<i32>("sequence")?);
    let name = words.word("a partition")?;
    stage.world()?;
    let node = to(stage, words, &name)?;
    let values: Vec<u64> = words.rest().iter().map(|word| value(word)).collect::<Result<_, _>>()?;
    let now = EPOCH_MS + (stage.seen().now / 1_000) as i64;
    let sender = match stage.senders.get_mut(&client) {
        None => batch::Sender::PLAIN,
        Some(known) => {
            known.epoch = epoch.unwrap_or(known.epoch);
            let next = known.next.entry(name.clone()).or_default();
            let sequence = sequence.unwrap_or(*next);
            *next = sequence.wrapping_add(values.len() as i32) & i32::MAX;
            batch::Sender { id: known.id, epoch: known.epoch, sequence }
        }
    };
    let bytes = batch::encode(&values, batch::Shape::plain(size), now, sender);
    if let Some(known) = stage.senders.get_mut(&client) {
        known.last = Some((name.clone(), acks, bytes.clone()));
    }
    send(stage, &client, node, &name, acks, timeout, bytes, later)
}

fn send(
    stage: &mut Stage,
    client: &str,
    node: usize,
    name: &str,
    acks: i16,
    timeout: u64,
    bytes: Bytes,
    later: bool,
) -> Told {
    let (topic, number) = split(name)?;
    let data = PartitionProduceData::default().with_index(number).with_records(Some(bytes));
    let topic = TopicProduceData::default().with_name(topic_name(&topic)).with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(acks)
        .with_timeout_ms((timeout / 1_000) as i32)
        .with_topic_data(vec![topic]);
    let ask = Ask::new(ApiKey::Produce, 9, request);
    if acks == 0 {
        // No answer is to come.
        stage.ask(&format!("{client} without acks"), node, ask)?;
        return Ok(Vec::new());
    }
    stage.tell(client, node, ask, later, tell_produced)
}

pub fn again(stage: &mut Stage, words: &mut Words) -> Told {
    let later = words.has("&");
    let client = words.word("a producer")?;
    let known = stage.senders.get(&client).and_then(|sender| sender.last.clone());
    let (name, acks, bytes) = known.ok_or_else(|| format!("{client} has sent nothing"))?;
    let node = to(stage, words, &name)?;
    send(stage, &client, node, &name, acks, PRODUCE_TIMEOUT_US, bytes, later)
}

pub fn settle(stage: &mut Stage, words: &mut Words) -> Told {
    let client = words.word("a client")?;
    let mut lines = Vec::new();
    let (mine, others) = std::mem::take(&mut stage.open).into_iter().partition(|open| open.client == client);
    stage.open = others;
    for open in mine {
        let answer = stage.answer(open.ticket)?;
        lines.extend(answer.map_or_else(|| vec!["no answer".into()], |answer| (open.tell)(&answer)));
    }
    if lines.is_empty() { Err(format!("{client} waits for nothing")) } else { Ok(lines) }
}

/// What a line says of a Fetch.
struct Query {
    from: i64,
    epoch: i32,
    last: i32,
    max: i32,
    most: i32,
    min: i32,
    wait_ms: i32,
}

fn fetch_ask(name: &str, query: &Query) -> Result<Ask, Wrong> {
    let (topic, number) = split(name)?;
    let partition = FetchPartition::default()
        .with_partition(number)
        .with_fetch_offset(query.from)
        .with_current_leader_epoch(query.epoch)
        .with_last_fetched_epoch(query.last)
        .with_partition_max_bytes(query.max);
    let topic = FetchTopic::default().with_topic(topic_name(&topic)).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(query.wait_ms)
        .with_min_bytes(query.min)
        .with_max_bytes(query.most)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    Ok(Ask::new(ApiKey::Fetch, 12, request))
}

fn records_of(bytes: &[u8], from: i64) -> Vec<String> {
    match batch::decode(bytes, from) {
        Ok((records, _)) => records.iter().map(|(offset, value)| format!("{offset} {}", word(*value))).collect(),
        Err(wrong) => vec![wrong],
    }
}

fn tell_fetched(answer: &ResponseKind) -> Vec<String> {
    let ResponseKind::Fetch(answer) = answer else { return vec![format!("{answer:?}")] };
    if let Some(code) = code(answer.error_code) {
        return vec![code];
    }
    let parts = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let line = |part: &kafka_protocol::messages::fetch_response::PartitionData| {
        if let Some(code) = code(part.error_code) {
            return code;
        }
        if part.diverging_epoch.end_offset >= 0 {
            return format!(
                "diverges: epoch {} ends at {}",
                part.diverging_epoch.epoch, part.diverging_epoch.end_offset
            );
        }
        let records = records_of(part.records.as_deref().unwrap_or_default(), 0);
        let records = if records.is_empty() { "nothing".into() } else { records.join(", ") };
        format!("{records}; from {} to {}", part.log_start_offset, part.high_watermark)
    };
    parts.map(line).collect()
}

pub fn fetch(stage: &mut Stage, words: &mut Words) -> Told {
    let (client, later) = who(words);
    let query = Query {
        from: words.number_after("from")?.ok_or("from which offset?")?,
        epoch: words.number_after("epoch")?.unwrap_or(-1),
        last: words.number_after("last")?.unwrap_or(-1),
        max: words.number_after("max")?.unwrap_or(FETCH_BYTES),
        most: words.number_after("most")?.unwrap_or(FETCH_BYTES),
        min: words.number_after("min")?.unwrap_or(0),
        wait_ms: words.span_after("wait")?.map_or(0, |us| (us / 1_000) as i32),
    };
    let name = words.word("a partition")?;
    stage.world()?;
    let node = to(stage, words, &name)?;
    stage.tell(&client, node, fetch_ask(&name, &query)?, later, tell_fetched)
}

/// Reads from the start to the watermark, as a consumer does that begins anew.
pub fn consume(stage: &mut Stage, words: &mut Words) -> Told {
    let name = words.word("a partition")?;
    stage.world()?;
    let node = to(stage, words, &name)?;
    let (mut from, mut lines) = (0, Vec::new());
    for _ in 0..1_000 {
        let query = Query { from, epoch: -1, last: -1, max: FETCH_BYTES, most: FETCH_BYTES, min: 0, wait_ms: 0 };
        let ticket = stage.ask(CLIENT, node, fetch_ask(&name, &query)?)?;
        let Some(ResponseKind::Fetch(answer)) = stage.answer(ticket)? else { return Ok(vec!["no answer".into()]) };
        let Some(part) = answer.responses.first().and_then(|topic| topic.partitions.first()) else {
            return Ok(vec![ok(answer.error_code)]);
        };
        match code(part.error_code).as_deref() {
            None => {}
            Some("OFFSET_OUT_OF_RANGE") if from < part.log_start_offset => {
                from = part.log_start_offset;
                continue;
            }
            Some("OFFSET_OUT_OF_RANGE") if from == 0 => {
                // Kafka leaves the offsets of a refused part out: a consumer asks for them.
                from = stage.replica(node, &name).map_or(0, |replica| replica.log_start().0);
                continue;
            }
            Some(code) => return Ok(vec![code.to_string()]),
        }
        let bytes = part.records.as_deref().unwrap_or_default();
        lines.extend(records_of(bytes, from));
        let next = batch::decode(bytes, from)?.1;
        if next == from {
            return Ok(vec![if lines.is_empty() { "nothing".into() } else { lines.join(", ") }]);
        }
        from = next;
    }
    Err("it never ends".into())
}

pub fn offsets(stage: &mut Stage, words: &mut Words) -> Told {
    let name = words.word("a partition")?;
    let timestamp = match words.word("earliest, latest, max or at")?.as_str() {
        "latest" => -1,
        "earliest" => -2,
        "max" => -3,
        "at" => EPOCH_MS + (span(&words.word("a time")?)? / 1_000) as i64,
        other => return Err(format!("there is no offset {other}")),
    };
    stage.world()?;
    let node = to(stage, words, &name)?;
    let (topic, number) = split(&name)?;
    let partition = ListOffsetsPartition::default().with_partition_index(number).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(topic_name(&topic)).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    stage.tell(CLIENT, node, Ask::new(ApiKey::ListOffsets, 7, request), false, |answer| {
        let ResponseKind::ListOffsets(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        parts.map(|told| code(told.error_code).unwrap_or_else(|| told.offset.to_string())).collect()
    })
}

pub fn epoch_end(stage: &mut Stage, words: &mut Words) -> Told {
    let name = words.word("a partition")?;
    let epoch: i32 = words.number("an epoch")?;
    stage.world()?;
    let node = to(stage, words, &name)?;
    let (topic, number) = split(&name)?;
    let partition = OffsetForLeaderPartition::default()
        .with_partition(number)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default().with_topic(topic_name(&topic)).with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    stage.tell(CLIENT, node, Ask::new(ApiKey::OffsetForLeaderEpoch, 4, request), false, |answer| {
        let ResponseKind::OffsetForLeaderEpoch(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let told = parts.map(|told| {
            code(told.error_code).unwrap_or_else(|| format!("epoch {} ends at {}", told.leader_epoch, told.end_offset))
        });
        told.collect()
    })
}

pub fn delete(stage: &mut Stage, words: &mut Words) -> Told {
    let before: i64 = words.number_after("before")?.ok_or("before which offset?")?;
    let name = words.word("a partition")?;
    stage.world()?;
    let node = to(stage, words, &name)?;
    let (topic, number) = split(&name)?;
    let partition = DeleteRecordsPartition::default().with_partition_index(number).with_offset(before);
    let topic = DeleteRecordsTopic::default().with_name(topic_name(&topic)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(3_000);
    stage.tell(CLIENT, node, Ask::new(ApiKey::DeleteRecords, 2, request), false, |answer| {
        let ResponseKind::DeleteRecords(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let told =
            parts.map(|told| code(told.error_code).unwrap_or_else(|| format!("starts at {}", told.low_watermark)));
        told.collect()
    })
}
