//! `esker offsets`: the first and the next offset of each partition.

use super::{Target, print, table};
use crate::answer;
use crate::client::{Cluster, expect, is_passing, patiently, topic_name};
use crate::exit::Failure;
use clap::Args;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{ApiKey, BrokerId, ListOffsetsRequest};
use serde_json::json;

/// What ListOffsets takes for a time that means "the next offset" and "the first".
pub const LATEST: i64 = -1;
pub const EARLIEST: i64 = -2;

#[derive(Args)]
pub struct Offsets {
    topic: String,
    #[command(flatten)]
    target: Target,
}

impl Offsets {
    pub fn run(self) -> Result<(), Failure> {
        let mut cluster = self.target.open()?;
        let partitions = cluster.leaders(&self.topic, false)?.len();
        let mut rows = Vec::new();
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            let first = offset(&mut cluster, &self.topic, partition, EARLIEST)?;
            let next = offset(&mut cluster, &self.topic, partition, LATEST)?;
            rows.push((partition, first, next));
        }
        if self.target.json {
            let row = |&(partition, first, next): &(i32, i64, i64)| json!({"partition": partition, "first": first, "next": next});
            print(json!({"topic": self.topic, "partitions": rows.iter().map(row).collect::<Vec<_>>()}));
            return Ok(());
        }
        let text: Vec<Vec<String>> = rows
            .iter()
            .map(|(partition, first, next)| {
                [i64::from(*partition), *first, *next, next - first].map(|n| n.to_string()).to_vec()
            })
            .collect();
        table(&["PARTITION", "FIRST", "NEXT", "RECORDS"], &text);
        Ok(())
    }
}

/// The offset of a time in one partition, from its leader.
pub fn offset(cluster: &mut Cluster, topic: &str, partition: i32, time: i64) -> Result<i64, Failure> {
    let what = format!("{topic}-{partition}");
    patiently(&what, || {
        let leaders = cluster.leaders(topic, false)?;
        let place = usize::try_from(partition).ok();
        let leader = place.and_then(|place| leaders.get(place)).copied();
        let leader = leader.ok_or_else(|| Failure::failed(format!("{topic} has no partition {partition}")))?;
        let one = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(time);
        let mut request = ListOffsetsRequest::default();
        request.replica_id = BrokerId(-1);
        request.topics = vec![ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![one])];
        let found = answer!(ListOffsets, cluster.node(leader, ApiKey::ListOffsets, request));
        let Some(one) = found.topics.first().and_then(|topic| topic.partitions.first()) else { return Ok(None) };
        if is_passing(one.error_code) {
            return Ok(None);
        }
        expect(one.error_code, &what)?;
        Ok(Some(one.offset))
    })
}
