//! `esker topic`: creates, lists, describes and deletes topics.

use super::eligible::Eligible;
use super::{Target, print, table};
use crate::answer;
use crate::client::{Cluster, error_text, expect, patiently, text, topic_name};
use crate::exit::Failure;
use clap::Subcommand;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{ApiKey, BrokerId, CreateTopicsRequest, DeleteTopicsRequest};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum Topic {
    /// Create a topic
    Create {
        name: String,
        #[command(flatten)]
        target: Target,
        /// Partitions; the broker's default where not given
        #[arg(short, long, default_value_t = -1, allow_negative_numbers = true)]
        partitions: i32,
        /// Replicas of each partition; the broker's default where not given
        #[arg(short, long, default_value_t = -1, allow_negative_numbers = true)]
        replication_factor: i16,
        /// A config of the topic; may be repeated
        #[arg(short, long, value_name = "NAME=VALUE")]
        config: Vec<String>,
    },
    /// List the topics
    List {
        #[command(flatten)]
        target: Target,
        /// Those that Kafka keeps for itself, too
        #[arg(long)]
        internal: bool,
    },
    /// Describe topics: partitions, leaders, replicas; all topics where none is named
    Describe {
        names: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Delete topics
    Delete {
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
}

const TIMEOUT_MS: i32 = 30_000;

impl Topic {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create { name, target, partitions, replication_factor, config } => {
                create(&target, &name, partitions, replication_factor, &config)
            }
            Self::List { target, internal } => list(&target, internal),
            Self::Describe { names, target } => describe(&target, &names),
            Self::Delete { names, target } => delete(&target, &names),
        }
    }
}

fn create(target: &Target, name: &str, partitions: i32, factor: i16, configs: &[String]) -> Result<(), Failure> {
    let mut topic = CreatableTopic::default();
    topic.name = topic_name(name);
    topic.num_partitions = partitions;
    topic.replication_factor = factor;
    for pair in configs {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| Failure::failed(format!("--config {pair}: NAME=VALUE is needed")))?;
        topic.configs.push(CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value))));
    }
    let mut request = CreateTopicsRequest::default();
    request.topics = vec![topic];
    request.timeout_ms = TIMEOUT_MS;
    let mut cluster = target.open()?;
    let answer = answer!(CreateTopics, cluster.any(ApiKey::CreateTopics, request));
    for result in &answer.topics {
        let why = result.error_message.as_ref().map(|message| format!(" ({})", message.as_str())).unwrap_or_default();
        expect(result.error_code, &format!("topic {name} was not created{why}"))?;
    }
    // A topic is there when it can be used.
    let partitions = cluster.created(name)?.leaders.len();
    match target.json {
        true => print(json!({"topic": name, "partitions": partitions})),
        false => print(format!("created {name} with {partitions} partition{}", if partitions == 1 { "" } else { "s" })),
    }
    Ok(())
}

fn list(target: &Target, internal: bool) -> Result<(), Failure> {
    let found = target.open()?.metadata(None, false)?;
    let mut names: Vec<&str> = found
        .topics
        .iter()
        .filter(|topic| internal || !topic.is_internal)
        .filter_map(|topic| topic.name.as_deref())
        .map(|name| name.as_str())
        .collect();
    names.sort_unstable();
    match target.json {
        true => print(json!(names)),
        false => names.into_iter().for_each(print),
    }
    Ok(())
}

fn describe(target: &Target, names: &[String]) -> Result<(), Failure> {
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut cluster = target.open()?;
    let found = cluster.metadata((!asked.is_empty()).then_some(&asked), false)?;
    let mut topics: Vec<&MetadataResponseTopic> = found.topics.iter().collect();
    topics.sort_by(|one, other| one.name.cmp(&other.name));
    for topic in &topics {
        expect(topic.error_code, &format!("topic {}", name_of(topic)))?;
    }
    let eligible = Eligible::ask(&mut cluster, &found)?;
    if target.json {
        print(json!(topics.iter().map(|topic| as_json(topic, &eligible)).collect::<Vec<_>>()));
        return Ok(());
    }
    for topic in topics {
        let id = esker_core::id::Uuid::from(topic.topic_id);
        print(format!("{}  id {id}  {} partitions", name_of(topic), topic.partitions.len()));
        let mut partitions: Vec<_> = topic.partitions.iter().collect();
        partitions.sort_by_key(|partition| partition.partition_index);
        let rows: Vec<Vec<String>> = partitions
            .into_iter()
            .map(|partition| {
                let leader = if partition.leader_id.0 < 0 { "none".into() } else { partition.leader_id.0.to_string() };
                vec![
                    partition.partition_index.to_string(),
                    leader,
                    nodes(&partition.replica_nodes),
                    in_sync(&nodes(&partition.isr_nodes), eligible.of(topic.name.as_ref(), partition.partition_index)),
                ]
            })
            .collect();
        table(&["PARTITION", "LEADER", "REPLICAS", "IN SYNC"], &rows);
    }
    Ok(())
}

fn name_of(topic: &MetadataResponseTopic) -> &str {
    topic.name.as_deref().map_or("", |name| name.as_str())
}

fn nodes(list: &[BrokerId]) -> String {
    list.iter().map(|node| node.0.to_string()).collect::<Vec<_>>().join(",")
}

/// Where nobody is in sync because nobody who was is there: who that was.
fn in_sync(nodes: &str, eligible: &[i32]) -> String {
    if eligible.is_empty() {
        return nodes.into();
    }
    let last: Vec<String> = eligible.iter().map(i32::to_string).collect();
    format!("none (last: {})", last.join(","))
}

fn as_json(topic: &MetadataResponseTopic, eligible: &Eligible) -> Value {
    let ids = |list: &[BrokerId]| list.iter().map(|node| node.0).collect::<Vec<_>>();
    let partitions: Vec<Value> = topic
        .partitions
        .iter()
        .map(|one| {
            json!({"partition": one.partition_index, "leader": one.leader_id.0, "leader_epoch": one.leader_epoch,
                "replicas": ids(&one.replica_nodes), "isr": ids(&one.isr_nodes),
                "eligible_leaders": eligible.of(topic.name.as_ref(), one.partition_index)})
        })
        .collect();
    json!({"topic": name_of(topic), "id": esker_core::id::Uuid::from(topic.topic_id).to_string(),
        "internal": topic.is_internal, "partitions": partitions})
}

fn delete(target: &Target, names: &[String]) -> Result<(), Failure> {
    let mut cluster = target.open()?;
    let mut request = DeleteTopicsRequest::default();
    request.timeout_ms = TIMEOUT_MS;
    let version = cluster.version(ApiKey::DeleteTopics)?;
    for name in names {
        if version >= 6 {
            request.topics.push(DeleteTopicState::default().with_name(Some(topic_name(name))));
        } else {
            request.topic_names.push(topic_name(name));
        }
    }
    let answer = answer!(DeleteTopics, cluster.any(ApiKey::DeleteTopics, request));
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for result in &answer.responses {
        let name = result.name.as_deref().map_or("", |name| name.as_str());
        match error_text(result.error_code) {
            None => deleted.push(name.to_string()),
            Some(why) => failed.push(format!("topic {name} was not deleted: {why}")),
        }
    }
    gone(&mut cluster, &deleted)?;
    match target.json {
        true if !deleted.is_empty() => print(json!({"deleted": deleted})),
        true => {}
        false => deleted.iter().for_each(|name| print(format!("deleted {name}"))),
    }
    // What is gone was told: whoever tries again is to know what is left.
    if failed.is_empty() { Ok(()) } else { Err(Failure::failed(failed.join("; ")).for_good()) }
}

/// Waits until nobody is told of the topics any more.
fn gone(cluster: &mut Cluster, names: &[String]) -> Result<(), Failure> {
    patiently("the deletion", || {
        let found = cluster.metadata(None, false)?;
        let left = |name: &String| found.topics.iter().any(|topic| name_of(topic) == name);
        Ok((!names.iter().any(left)).then_some(()))
    })
}
