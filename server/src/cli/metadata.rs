//! `esker metadata tree`: the cluster's state by path, as ZooKeeper used to show it.

use super::eligible::Eligible;
use super::{Target, print};
use crate::client::expect;
use crate::exit::Failure;
use clap::Subcommand;
use kafka_protocol::messages::{BrokerId, MetadataResponse};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Subcommand)]
pub enum Metadata {
    /// Print the metadata as a tree, or the part of it under a path such as /topics/orders
    Tree {
        #[arg(default_value = "/")]
        path: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Metadata {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Tree { path, target } = self;
        let mut cluster = target.open()?;
        let found = cluster.metadata(None, false)?;
        expect(found.error_code, "metadata")?;
        let leaves = leaves(&found, &Eligible::ask(&mut cluster, &found)?);
        let wanted = format!("/{}", path.trim_matches('/'));
        let under = |place: &str| wanted == "/" || place == wanted || place.starts_with(&format!("{wanted}/"));
        let chosen: BTreeMap<&str, &Value> =
            leaves.iter().filter(|(place, _)| under(place)).map(|(place, value)| (place.as_str(), value)).collect();
        if chosen.is_empty() {
            return Err(Failure::failed(format!("there is nothing at {wanted}")));
        }
        if target.json {
            print(json!(chosen));
        } else {
            draw(&chosen);
        }
        Ok(())
    }
}

/// Numbers in a path are as wide as this, so that they sort; shown without the zeros.
fn place(number: i32) -> String {
    format!("{number:08}")
}

fn leaves(found: &MetadataResponse, eligible: &Eligible) -> BTreeMap<String, Value> {
    let ids = |list: &[BrokerId]| json!(list.iter().map(|node| node.0).collect::<Vec<_>>());
    let mut all = BTreeMap::new();
    let cluster = found.cluster_id.as_ref().map_or("", |id| id.as_str());
    all.insert("/cluster/id".into(), json!(cluster));
    all.insert("/cluster/controller".into(), json!(found.controller_id.0));
    for broker in &found.brokers {
        let at = format!("/brokers/{}", broker.node_id.0);
        all.insert(format!("{at}/address"), json!(format!("{}:{}", broker.host.as_str(), broker.port)));
        if let Some(rack) = &broker.rack {
            all.insert(format!("{at}/rack"), json!(rack.as_str()));
        }
    }
    for topic in &found.topics {
        let at = format!("/topics/{}", topic.name.as_deref().map_or("", |name| name.as_str()));
        all.insert(format!("{at}/id"), json!(esker_core::id::Uuid::from(topic.topic_id).to_string()));
        for partition in &topic.partitions {
            let at = format!("{at}/partitions/{}", partition.partition_index);
            all.insert(format!("{at}/leader"), json!(partition.leader_id.0));
            all.insert(format!("{at}/leader-epoch"), json!(partition.leader_epoch));
            all.insert(format!("{at}/replicas"), ids(&partition.replica_nodes));
            all.insert(format!("{at}/in-sync"), ids(&partition.isr_nodes));
            let may_lead = eligible.of(topic.name.as_ref(), partition.partition_index);
            if !may_lead.is_empty() {
                all.insert(format!("{at}/eligible-leaders"), json!(may_lead));
            }
        }
    }
    all
}

/// Prints each part of a path once, indented by its depth.
fn draw(leaves: &BTreeMap<&str, &Value>) {
    let sorted: BTreeMap<Vec<String>, (&str, &Value)> =
        leaves.iter().map(|(path, value)| (key(path), (*path, *value))).collect();
    let mut above: Vec<&str> = Vec::new();
    for (path, value) in sorted.values() {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let same = parts.iter().zip(&above).take_while(|(one, other)| one == other).count();
        for (depth, part) in parts.iter().enumerate().skip(same) {
            let indent = "  ".repeat(depth);
            if depth + 1 == parts.len() {
                let shown = value.as_str().map_or_else(|| value.to_string(), String::from);
                print(format!("{indent}{part}: {shown}"));
            } else {
                print(format!("{indent}{part}/"));
            }
        }
        above = parts;
    }
}

fn key(path: &str) -> Vec<String> {
    path.split('/').map(|part| part.parse().map_or_else(|_| part.to_string(), place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn who_may_lead_is_shown_where_nobody_leads() {
        let name = TopicName(StrBytes::from_static_str("t"));
        let partition = |number| MetadataResponsePartition::default().with_partition_index(number);
        let topic = MetadataResponseTopic::default().with_name(Some(name.clone()));
        let topic = topic.with_partitions(vec![partition(0), partition(1)]);
        let found = MetadataResponse::default().with_topics(vec![topic]);
        let all = leaves(&found, &Eligible::known(&name, 1, vec![2]));
        assert_eq!(all.get("/topics/t/partitions/1/eligible-leaders"), Some(&json!([2])));
        assert_eq!(all.get("/topics/t/partitions/0/eligible-leaders"), None);
    }

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(key("/topics/a/partitions/9/leader") < key("/topics/a/partitions/10/leader"));
    }
}
