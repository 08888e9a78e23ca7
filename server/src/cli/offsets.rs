//! `esker offsets`: the first and the next offset of each partition.

use super::{Target, print, table};
use crate::answer;
use crate::client::{Cluster, Topic, of_leader, topic_name};
use crate::exit::Failure;
use clap::Args;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{ApiKey, BrokerId, ListOffsetsRequest};
use serde_json::json;
use std::collections::BTreeMap;

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
        let mut topic = cluster.topic(&self.topic, false)?;
        let all: Vec<i32> = (0..).take(topic.leaders.len()).collect();
        let first = offsets(&mut cluster, &mut topic, &all, EARLIEST)?;
        let next = offsets(&mut cluster, &mut topic, &all, LATEST)?;
        let of = |found: &Found, partition| found.get(&partition).copied().flatten();
        let rows = all.into_iter().map(|partition| (partition, of(&first, partition), of(&next, partition)));
        if self.target.json {
            let rows =
                rows.map(|(partition, first, next)| json!({"partition": partition, "first": first, "next": next}));
            print(json!({"topic": self.topic, "partitions": rows.collect::<Vec<_>>()}));
            return Ok(());
        }
        let row = |(partition, first, next): (i32, Option<i64>, Option<i64>)| {
            let count = first.zip(next).map(|(first, next)| next - first);
            [Some(i64::from(partition)), first, next, count].map(number).to_vec()
        };
        table(&["PARTITION", "FIRST", "NEXT", "RECORDS"], &rows.map(row).collect::<Vec<_>>());
        Ok(())
    }
}

/// A number as a table shows it.
pub fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_string(), |value| value.to_string())
}

/// Offsets by partition; `None`: nobody leads it for now, and nobody else can say.
pub type Found = BTreeMap<i32, Option<i64>>;

/// The offsets of a time in some partitions: one question to each leader. Partitions without a leader are not waited for.
pub fn offsets(cluster: &mut Cluster, topic: &mut Topic, partitions: &[i32], time: i64) -> Result<Found, Failure> {
    let mut found = Found::new();
    let what = format!("the offsets of {}", topic.name);
    cluster.at_leaders(topic, &what, |cluster, topic| {
        let mut hindrance = None;
        let left: Vec<i32> = partitions.iter().copied().filter(|one| !found.contains_key(one)).collect();
        for (leader, mine) in topic.by_leader(left) {
            let Some(leader) = leader else {
                found.extend(mine.into_iter().map(|one| (one, None)));
                continue;
            };
            let asked = ask(cluster, leader, topic, &mine, time, &mut found);
            match asked {
                Err(why) if why.is_final() => return Err(why),
                Err(why) => hindrance = Some(why),
                Ok(()) => {}
            }
        }
        hindrance.map_or(Ok(()), Err)
    })?;
    Ok(found)
}

/// Asks one leader; what it does not know goes on missing in `found`.
fn ask(
    cluster: &mut Cluster,
    leader: i32,
    topic: &Topic,
    partitions: &[i32],
    time: i64,
    found: &mut Found,
) -> Result<(), Failure> {
    let one = |partition: &i32| ListOffsetsPartition::default().with_partition_index(*partition).with_timestamp(time);
    let of_topic = ListOffsetsTopic::default().with_name(topic_name(&topic.name));
    let mut request = ListOffsetsRequest::default();
    request.replica_id = BrokerId(-1);
    request.topics = vec![of_topic.with_partitions(partitions.iter().map(one).collect())];
    let answer = answer!(ListOffsets, cluster.node(leader, ApiKey::ListOffsets, request));
    let mut hindrance = None;
    for one in answer.topics.iter().flat_map(|topic| &topic.partitions) {
        match of_leader(one.error_code, &format!("{}-{}", topic.name, one.partition_index)) {
            Ok(()) => drop(found.insert(one.partition_index, Some(one.offset))),
            Err(why) if why.is_final() => return Err(why),
            Err(why) => hindrance = Some(why),
        }
    }
    hindrance.map_or(Ok(()), Err)
}
