//! Replicas move.

use super::stage::{Ask, Stage, ok, split, topic_name};
use super::words::{Told, Words, list};
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, ApiKey, BrokerId, ListPartitionReassignmentsRequest, ResponseKind,
};

const TIMEOUT_MS: i32 = 5_000;

/// `reassign t-0 to 2,3` or `reassign t-0 back`.
pub fn reassign(stage: &mut Stage, words: &mut Words) -> Told {
    let to = words.after("to");
    let same = words.has("same") && words.has("factor");
    let (topic, number) = split(&words.word("a partition")?)?;
    let replicas = match to {
        Some(to) => Some(list(&to)?.into_iter().map(BrokerId).collect()),
        None if words.has("back") => None,
        None => return Err("to which nodes, or back?".into()),
    };
    let partition = ReassignablePartition::default().with_partition_index(number).with_replicas(replicas);
    let topic = ReassignableTopic::default().with_name(topic_name(&topic)).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_allow_replication_factor_change(!same)
        .with_topics(vec![topic]);
    stage.world()?;
    let to = stage.living()?;
    let ask = Ask::new(ApiKey::AlterPartitionReassignments, 1, request);
    stage.tell("admin", to, ask, false, |answer| match answer {
        ResponseKind::AlterPartitionReassignments(answer) => {
            answer.responses.iter().flat_map(|topic| &topic.partitions).map(|told| ok(told.error_code)).collect()
        }
        other => vec![format!("{other:?}")],
    })
}

/// What is under way, as an admin is told it.
pub fn reassignments(stage: &mut Stage) -> Told {
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(None);
    stage.world()?;
    let to = stage.living()?;
    stage.tell("admin", to, Ask::new(ApiKey::ListPartitionReassignments, 0, request), false, |answer| {
        let ResponseKind::ListPartitionReassignments(answer) = answer else { return vec![format!("{answer:?}")] };
        let ids = |ids: &[BrokerId]| {
            let ids: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
            if ids.is_empty() { "none".into() } else { ids.join(" ") }
        };
        let each = answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)));
        let lines: Vec<String> = each
            .map(|(topic, one)| {
                format!(
                    "{}-{}: {}, adds {}, removes {}",
                    topic.name.0.as_str(),
                    one.partition_index,
                    ids(&one.replicas),
                    ids(&one.adding_replicas),
                    ids(&one.removing_replicas)
                )
            })
            .collect();
        if lines.is_empty() { vec!["none".into()] } else { lines }
    })
}
