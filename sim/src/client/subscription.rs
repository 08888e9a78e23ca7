//! Reading partitions: positions, and the Fetch requests that move them. What assigned readers and members of groups share.

use super::Ctx;
use super::batch::decode;
use super::map::{Map, number, place};
use crate::history::Read;
use crate::net::Peer;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse};
use std::collections::{BTreeMap, BTreeSet};

/// Kafka's name for the first offset there is.
const EARLIEST: i64 = -2;

/// Where a reader is in a partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// `None`: to be asked for.
    pub offset: Option<i64>,
    /// The high watermark as last told.
    pub end: Option<i64>,
}

/// What an answer changed.
#[derive(Debug, Default)]
pub struct Fetched {
    pub reads: Vec<Read>,
    /// Partitions whose position is not there any more.
    pub out_of_range: Vec<u32>,
}

/// Positions by partition.
#[derive(Debug, Default)]
pub struct Subscription {
    pub places: BTreeMap<u32, Place>,
    turn: usize,
}

impl Subscription {
    pub fn new(partitions: impl IntoIterator<Item = u32>) -> Self {
        Self { places: partitions.into_iter().map(|partition| (partition, Place::default())).collect(), turn: 0 }
    }

    /// A Fetch to one leader, with all partitions that it leads; each call another leader.
    pub fn fetch(
        &mut self,
        ctx: &Ctx<'_>,
        map: &Map,
        max_bytes: i32,
        max_wait_ms: i32,
    ) -> Option<(Peer, FetchRequest)> {
        self.turn += 1;
        let ready = |partition: &u32, place: &Place| Some((map.leader(*partition)?, *partition, place.offset?));
        let all: Vec<_> = self.places.iter().filter_map(|(partition, place)| ready(partition, place)).collect();
        let leaders: BTreeSet<Peer> = all.iter().map(|(leader, ..)| *leader).collect();
        let leader = leaders.iter().copied().nth(self.turn % leaders.len().max(1))?;
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (_, partition, offset) in all.into_iter().filter(|(at, ..)| *at == leader) {
            let (name, index) = place(ctx.plan, partition);
            let mut wanted = FetchPartition::default();
            wanted.partition = index;
            wanted.current_leader_epoch = map.epoch(partition);
            wanted.fetch_offset = offset;
            wanted.log_start_offset = -1;
            wanted.partition_max_bytes = max_bytes;
            match topics.last_mut().filter(|topic| topic.topic == name) {
                Some(topic) => topic.partitions.push(wanted),
                None => {
                    let mut topic = FetchTopic::default();
                    topic.topic = name;
                    topic.partitions = vec![wanted];
                    topics.push(topic);
                }
            }
        }
        let mut request = FetchRequest::default();
        request.replica_id = (-1).into();
        request.max_wait_ms = if self.is_behind_elsewhere(map, leader) { 0 } else { max_wait_ms };
        request.min_bytes = 1;
        request.max_bytes = max_bytes;
        request.session_epoch = -1;
        request.topics = topics;
        Some((leader, request))
    }

    /// Another leader is known to have more: it is not waited for news at this one (a real consumer asks all leaders at once).
    fn is_behind_elsewhere(&self, map: &Map, leader: Peer) -> bool {
        let elsewhere = |partition: u32| map.leader(partition).is_some_and(|other| other != leader);
        self.places.iter().any(|(partition, at)| at.offset.is_some() && at.offset < at.end && elsewhere(*partition))
    }

    pub fn on_fetched(&mut self, ctx: &mut Ctx<'_>, map: &mut Map, answer: &FetchResponse) -> Fetched {
        let mut fetched = Fetched::default();
        for topic in &answer.responses {
            let name = map.name(ctx, &topic.topic, topic.topic_id);
            for data in &topic.partitions {
                let Some(partition) = number(ctx.plan, &name, data.partition_index) else { continue };
                let Some(at) = self.places.get_mut(&partition) else { continue };
                let Some(offset) = at.offset else { continue };
                match Code::try_from_code(data.error_code) {
                    None => {}
                    Some(Code::OffsetOutOfRange) => {
                        at.offset = None;
                        fetched.out_of_range.push(partition);
                        continue;
                    }
                    Some(_) => {
                        map.forget(ctx, partition);
                        continue;
                    }
                }
                at.end = Some(data.high_watermark);
                match decode(data.records.as_deref().unwrap_or_default(), offset) {
                    Ok((records, next)) => {
                        at.offset = Some(next);
                        if !records.is_empty() {
                            fetched.reads.push(Read { partition, records });
                        }
                    }
                    Err(why) => ctx.corrupt.push(format!("partition {partition} from {offset}: {why}")),
                }
            }
        }
        fetched
    }

    /// A ListOffsets for the partitions without a position that one node leads.
    pub fn list(&self, ctx: &Ctx<'_>, map: &Map) -> Option<(Peer, ListOffsetsRequest)> {
        let unknown: Vec<u32> =
            self.places.iter().filter(|(_, place)| place.offset.is_none()).map(|(partition, _)| *partition).collect();
        let leader = unknown.iter().find_map(|partition| map.leader(*partition))?;
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        for partition in unknown.into_iter().filter(|partition| map.leader(*partition) == Some(leader)) {
            let (name, index) = place(ctx.plan, partition);
            let mut wanted = ListOffsetsPartition::default();
            wanted.partition_index = index;
            wanted.timestamp = EARLIEST;
            wanted.current_leader_epoch = map.epoch(partition);
            let mut topic = ListOffsetsTopic::default();
            topic.name = name;
            topic.partitions = vec![wanted];
            topics.push(topic);
        }
        let mut request = ListOffsetsRequest::default();
        request.replica_id = (-1).into();
        request.topics = topics;
        Some((leader, request))
    }

    /// Takes the answer: which partitions now stand where.
    pub fn on_listed(&mut self, ctx: &Ctx<'_>, map: &mut Map, answer: &ListOffsetsResponse) -> Vec<(u32, i64)> {
        let mut found = Vec::new();
        for topic in &answer.topics {
            for told in &topic.partitions {
                let Some(partition) = number(ctx.plan, &topic.name, told.partition_index) else { continue };
                if told.error_code != 0 {
                    map.forget(ctx, partition);
                } else if let Some(place) = self.places.get_mut(&partition)
                    && place.offset.is_none()
                {
                    place.offset = Some(told.offset);
                    found.push((partition, told.offset));
                }
            }
        }
        found
    }
}
