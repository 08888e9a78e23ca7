//! Typed requests for the load and kill clients: one at a time over a connection, and what they ask of a cluster.

use crate::conn::{Conn, Lack};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use kafka_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long one answer may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
const ALREADY_EXISTS: i16 = 36;

/// One request and its answer.
pub fn call<R>(conn: &mut Conn, version: i16, request: &R, patience: Duration) -> Result<R::Response, String>
where
    R: Request + Encodable + HeaderVersion,
    R::Response: Decodable + HeaderVersion,
{
    let mut body = bytes::BytesMut::new();
    request.encode(&mut body, version).map_err(|e| e.to_string())?;
    conn.send(R::KEY, version, R::header_version(version) >= 2, &body).map_err(|e| e.to_string())?;
    let (_, answer) = conn.receive(patience).map_err(|lack| match lack {
        Lack::Closed => "the connection ended".to_owned(),
        Lack::Silent => "no answer came in time".to_owned(),
    })?;
    let mut answer = bytes::Bytes::from(answer);
    if R::Response::header_version(version) >= 1 {
        let _no_tags = answer.split_to(1);
    }
    R::Response::decode(&mut answer, version).map_err(|e| e.to_string())
}

/// What a topic looks like to one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Brokers alive: id and address.
    pub brokers: Vec<(i32, SocketAddr)>,
    pub partitions: Vec<Partition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub leader: i32,
    pub in_sync: usize,
}

impl View {
    /// Where a partition's leader listens.
    pub fn leader(&self, partition: usize) -> Option<SocketAddr> {
        let leader = self.partitions.get(partition)?.leader;
        self.brokers.iter().find(|b| b.0 == leader).map(|b| b.1)
    }
}

pub fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

/// Asks the first broker that answers.
pub fn view(bootstrap: &[SocketAddr], topic: Option<&str>) -> Result<View, String> {
    let topics = topic.map(|t| MetadataRequestTopic::default().with_name(Some(name(t)))).into_iter().collect();
    let request = MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false);
    let mut last = "no broker was named".to_owned();
    for address in bootstrap {
        let answer =
            Conn::open(*address).map_err(|e| e.to_string()).and_then(|mut c| call(&mut c, 9, &request, PATIENCE));
        match answer {
            Ok(answer) => {
                let brokers = answer.brokers.iter().filter_map(|b| {
                    let address = format!("{}:{}", b.host, b.port).parse().ok()?;
                    Some((b.node_id.0, address))
                });
                let rows = answer.topics.first().map(|t| t.partitions.clone()).unwrap_or_default();
                let mut partitions: Vec<_> = rows
                    .iter()
                    .map(|p| (p.partition_index, Partition { leader: p.leader_id.0, in_sync: p.isr_nodes.len() }))
                    .collect();
                partitions.sort_by_key(|p| p.0);
                return Ok(View {
                    brokers: brokers.collect(),
                    partitions: partitions.into_iter().map(|p| p.1).collect(),
                });
            }
            Err(e) => last = format!("{address}: {e}"),
        }
    }
    Err(last)
}

/// Waits until a view is as wanted.
pub fn wait(
    bootstrap: &[SocketAddr],
    topic: Option<&str>,
    limit: Duration,
    wanted: impl Fn(&View) -> bool,
) -> Result<View, String> {
    let end = Instant::now() + limit;
    loop {
        let view = view(bootstrap, topic);
        match view {
            Ok(view) if wanted(&view) => return Ok(view),
            other if Instant::now() >= end => {
                return Err(format!("not reached within {} s: {other:?}", limit.as_secs()));
            }
            _ => sleep(Duration::from_millis(2)),
        }
    }
}

/// Makes a topic, or finds it made, and waits until the leader of each partition serves it.
pub fn create(
    bootstrap: &[SocketAddr],
    topic: &str,
    partitions: i32,
    replicas: i16,
    configs: &[(String, String)],
) -> Result<View, String> {
    let text = |t: &str| StrBytes::from_string(t.to_owned());
    let rows =
        configs.iter().map(|(n, v)| CreatableTopicConfig::default().with_name(text(n)).with_value(Some(text(v))));
    let row = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas)
        .with_configs(rows.collect());
    let request = CreateTopicsRequest::default().with_topics(vec![row]).with_timeout_ms(10_000);
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let address = bootstrap.first().ok_or("no broker was named")?;
        let answer =
            Conn::open(*address).map_err(|e| e.to_string()).and_then(|mut c| call(&mut c, 5, &request, 4 * PATIENCE));
        match answer.map(|a| a.topics.first().map_or(-1, |t| t.error_code)) {
            Ok(0 | ALREADY_EXISTS) => break,
            other if Instant::now() >= end => return Err(format!("{topic} was not created: {other:?}")),
            _ => sleep(Duration::from_millis(100)),
        }
    }
    let all = usize::try_from(partitions).unwrap_or(0);
    let view = wait(bootstrap, Some(topic), Duration::from_secs(30), |v| {
        v.partitions.len() == all && (0..all).all(|p| v.leader(p).is_some())
    })?;
    // A broker may be named as the leader a moment before it knows.
    for partition in 0..all {
        let leader = view.leader(partition).ok_or("a partition lost its leader")?;
        while let Err(why) = offset(leader, topic, partition as i32, -1) {
            if Instant::now() >= end {
                return Err(format!("{topic}-{partition} is not served: {why}"));
            }
            sleep(Duration::from_millis(5));
        }
    }
    Ok(view)
}

/// A producer id of its own, from the first broker that gives one.
pub fn producer_id(bootstrap: &[SocketAddr]) -> Result<(i64, i16), String> {
    let request = InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(60_000);
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        for address in bootstrap {
            let answer =
                Conn::open(*address).map_err(|e| e.to_string()).and_then(|mut c| call(&mut c, 1, &request, PATIENCE));
            if let Ok(answer) = answer
                && answer.error_code == 0
            {
                return Ok((answer.producer_id.0, answer.producer_epoch));
            }
        }
        if Instant::now() >= end {
            return Err("no producer id was given within 30 s".into());
        }
        sleep(Duration::from_millis(100));
    }
}

/// The first offset (`-2`) or the one after the last (`-1`) of a partition, from its leader.
pub fn offset(leader: SocketAddr, topic: &str, partition: i32, time: i64) -> Result<i64, String> {
    let row = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(time);
    let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![row]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let answer = call(&mut conn, 5, &request, PATIENCE)?;
    let row = answer.topics.first().and_then(|t| t.partitions.first()).ok_or("an empty answer")?;
    if row.error_code == 0 { Ok(row.offset) } else { Err(format!("error {}", row.error_code)) }
}
