//! The Produce request of a producer, what its answer says of a partition, and the end of a batch that has none.

use crate::client::Ctx;
use crate::client::map::{Map, place};
use crate::history::{Act, State};
use crate::plan::BY_ID;
use bytes::Bytes;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// Error and offset of a partition in an answer.
pub(super) fn told(ctx: &Ctx<'_>, map: &Map, answer: &ProduceResponse, partition: u32) -> (i16, i64) {
    let (name, index) = place(ctx.plan, partition);
    let of_topic = answer.responses.iter().filter(|topic| map.name(ctx, &topic.name, topic.topic_id) == name);
    let told = of_topic.flat_map(|topic| &topic.partition_responses).find(|told| told.index == index);
    told.map_or((Code::UnknownServerError.code(), -1), |told| (told.error_code, told.base_offset))
}

/// How a producer asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub acks: i16,
    pub version: i16,
    pub timeout_us: u64,
}

/// A request with these batches, one a partition.
pub(super) fn produce(
    ctx: &Ctx<'_>,
    map: &Map,
    terms: Terms,
    batches: impl IntoIterator<Item = (u32, Bytes)>,
) -> ProduceRequest {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    for (partition, bytes) in batches {
        let (name, number) = place(ctx.plan, partition);
        let mut data = PartitionProduceData::default();
        data.index = number;
        data.records = Some(bytes);
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.partition_data.push(data),
            None => {
                let mut topic = TopicProduceData::default();
                topic.name = name;
                topic.partition_data = vec![data];
                topics.push(topic);
            }
        }
    }
    if terms.version >= BY_ID {
        for topic in &mut topics {
            topic.topic_id = map.id(ctx, &std::mem::take(&mut topic.name));
        }
    }
    let mut request = ProduceRequest::default();
    request.transactional_id = None;
    request.acks = terms.acks;
    request.timeout_ms = (terms.timeout_us / 1000) as i32;
    request.topic_data = topics;
    request
}

/// A batch is given up: what was never sent failed, of the rest nobody knows.
pub(super) fn end(ctx: &mut Ctx<'_>, number: u32, op: u64, was_sent: bool, why: &str) {
    let state = if was_sent { State::Info } else { State::Fail };
    ctx.history.push(ctx.now, number, op, state, Act::Error { why: why.into() });
}
