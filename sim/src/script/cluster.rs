//! The cluster, and what is done to it.

use super::stage::{Ask, Stage, ok, split, text, topic_name};
use super::words::{Told, Words, list, span};
use crate::disk::{Faults, Loss};
use crate::net::Peer;
use esker_core::io::{FileName, Input};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_protocol::messages::elect_leaders_request::{ElectLeadersRequest, TopicPartitions};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use kafka_protocol::messages::{ApiKey, BrokerId, DeleteTopicsRequest, ResponseKind, UnregisterBrokerRequest};

const ADMIN_TIMEOUT_MS: i32 = 5_000;

pub fn cluster(stage: &mut Stage, words: &mut Words) -> Told {
    let mut settings = words.pairs()?;
    let count: usize = words.number("a number of nodes")?;
    if !(1..=9).contains(&count) {
        return Err("a cluster has 1 to 9 nodes".into());
    }
    if let Some(voters) = words.after("voters") {
        let voters: Vec<String> = list(&voters)?.iter().map(|id| format!("{id}@n{id}:9093")).collect();
        settings.push(("controller.quorum.voters".into(), voters.join(",")));
    }
    stage.raise(count, &settings)?;
    Ok(Vec::new())
}

pub fn topic(stage: &mut Stage, words: &mut Words) -> Told {
    let configs = words.pairs()?;
    let name = words.word("a topic")?;
    if !words.has("replicas") {
        return Err("say where: replicas 1,2,3".into());
    }
    let lists = words.rest();
    let lists: Vec<Vec<i32>> =
        lists.iter().filter(|word| *word != "/").map(|word| list(word)).collect::<Result<_, _>>()?;
    let assignment = |(number, replicas): (usize, &Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(number as i32)
            .with_broker_ids(replicas.iter().copied().map(BrokerId).collect())
    };
    let config = |(name, value): &(String, String)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let topic = CreatableTopic::default()
        .with_name(topic_name(&name))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(lists.iter().enumerate().map(assignment).collect())
        .with_configs(configs.iter().map(config).collect());
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(ADMIN_TIMEOUT_MS);
    stage.world()?;
    let to = stage.controller().map_or_else(|| stage.living(), Ok)?;
    let told = stage.tell("admin", to, Ask::new(ApiKey::CreateTopics, 5, request), false, |answer| match answer {
        ResponseKind::CreateTopics(answer) if answer.topics.iter().all(|topic| topic.error_code == 0) => Vec::new(),
        ResponseKind::CreateTopics(answer) => answer.topics.iter().map(|topic| ok(topic.error_code)).collect(),
        other => vec![format!("{other:?}")],
    })?;
    let folders: Vec<(String, usize)> = lists
        .iter()
        .enumerate()
        .map(|(number, replicas)| (format!("{name}-{number}"), replicas[0] as usize - 1))
        .collect();
    if told.is_empty() {
        stage.pass_until(super::stage::PATIENCE_US, |stage| {
            folders
                .iter()
                .all(|(folder, leader)| stage.replica(*leader, folder).is_some_and(|replica| replica.is_leader()))
        })?;
    }
    Ok(told)
}

pub fn set(stage: &mut Stage, words: &mut Words) -> Told {
    const TOPIC: i8 = 2;
    let name = words.word("a topic")?;
    let to = words.after("to").map(|node| stage.named(&node, words)).transpose()?;
    let config = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word} is not name=value"))?;
        Ok::<_, String>(AlterableConfig::default().with_name(text(name)).with_value(Some(text(value))))
    };
    let configs = words.rest().iter().map(config).collect::<Result<Vec<_>, _>>()?;
    let resource =
        AlterConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text(&name)).with_configs(configs);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    stage.world()?;
    let to = to.map_or_else(|| stage.living(), Ok)?;
    let ask = Ask::new(ApiKey::IncrementalAlterConfigs, 1, request);
    let told = stage.tell("admin", to, ask, false, |answer| match answer {
        ResponseKind::IncrementalAlterConfigs(answer) => {
            answer.responses.iter().filter(|told| told.error_code != 0).map(|told| ok(told.error_code)).collect()
        }
        other => vec![format!("{other:?}")],
    })?;
    stage.pass(50_000)?;
    Ok(told)
}

pub fn drop_topic(stage: &mut Stage, words: &mut Words) -> Told {
    let names = words.word("topics")?.split(',').map(topic_name).collect();
    let request = DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(ADMIN_TIMEOUT_MS);
    stage.world()?;
    let to = stage.living()?;
    let ask = Ask::new(ApiKey::DeleteTopics, 5, request);
    stage.tell("admin", to, ask, false, |answer| match answer {
        ResponseKind::DeleteTopics(answer) => answer.responses.iter().map(|told| ok(told.error_code)).collect(),
        other => vec![format!("{other:?}")],
    })
}

/// Processes come and go.
pub fn process(stage: &mut Stage, verb: &str, words: &mut Words) -> Told {
    let loss = match (words.has("torn"), words.has("pages")) {
        (true, _) => Loss::Torn,
        (_, true) => Loss::Pages,
        (false, false) => Loss::All,
    };
    stage.world()?;
    let mut struck = Vec::new();
    if words.has("all") {
        struck.extend(0..stage.seen().nodes.len());
    } else {
        struck.push(stage.node(words)?);
        for word in words.rest() {
            struck.push(stage.named(&word, words)?);
        }
    }
    for node in struck {
        let world = stage.world()?;
        match verb {
            "kill" => world.end(node, Loss::Nothing, true),
            "crash" => world.end(node, loss, false),
            "stop" => world.tell(node, Input::Stop),
            "start" => {
                world.start(node);
                stage.desk.forget(node as Peer);
                stage.world()?.wake_desk();
            }
            "pause" => world.pause(node),
            _ => world.go_on(node),
        }
    }
    Ok(Vec::new())
}

/// Cuts a link, or mends it.
pub fn cut(stage: &mut Stage, words: &mut Words, cuts: bool) -> Told {
    let one_way = words.has("->");
    let (from, to) = (peer(stage, words)?, peer(stage, words)?);
    let world = stage.world()?;
    for (from, to) in [(from, to), (to, from)].into_iter().take(if one_way { 1 } else { 2 }) {
        if cuts {
            world.cut_link(from, to);
        } else {
            world.mend_link(from, to);
        }
    }
    Ok(Vec::new())
}

/// Holds back what goes one way on the connections between two that are open, until the network heals.
pub fn stall(stage: &mut Stage, words: &mut Words) -> Told {
    words.has("->");
    let (from, to) = (peer(stage, words)?, peer(stage, words)?);
    let full = words.has("full");
    stage.world()?.stall(from, to, full);
    Ok(Vec::new())
}

fn peer(stage: &mut Stage, words: &mut Words) -> Result<Peer, String> {
    let word = words.word("a peer")?;
    if word == "clients" {
        return Ok(stage.world()?.desk_peer());
    }
    stage.named(&word, words).map(|node| node as Peer)
}

pub fn isolate(stage: &mut Stage, words: &mut Words) -> Told {
    let nodes_only = words.after("from").is_some_and(|from| from == "nodes");
    let node = stage.node(words)? as Peer;
    let world = stage.world()?;
    let clients = (!nodes_only).then(|| world.desk_peer());
    let others = (0..world.nodes.len() as Peer).filter(|other| *other != node).chain(clients);
    for other in others.collect::<Vec<_>>() {
        world.cut_link(node, other);
        world.cut_link(other, node);
    }
    Ok(Vec::new())
}

pub fn heal(stage: &mut Stage) -> Told {
    stage.world()?.mend_all();
    Ok(Vec::new())
}

pub fn reset(stage: &mut Stage, words: &mut Words) -> Told {
    let node = stage.node(words)?;
    stage.world()?.reset(node);
    Ok(Vec::new())
}

pub fn disk(stage: &mut Stage, words: &mut Words) -> Told {
    let node = stage.node(words)?;
    let how = words.word("what its disk does")?;
    match how.as_str() {
        "fails" => {
            let what = words.word("sync, write or read")?;
            let faults = &mut stage.world()?.nodes[node].disk.faults;
            match what.as_str() {
                "sync" => faults.sync += 1,
                "write" => faults.write += 1,
                "read" => faults.read += 1,
                _ => return Err(format!("a disk cannot fail to {what}")),
            }
        }
        "slow" => stage.world()?.nodes[node].disk.slow = words.number("how many times slower")?,
        "rots" => {
            let folder = words.word("a partition")?;
            let base = words.has("base");
            if !stage.world()?.nodes[node].disk.rot(&folder, base) {
                return Err(format!("node {} holds nothing of {folder}", node + 1));
            }
        }
        "says" => {
            let folder = words.word("a partition")?;
            let (topic, partition) = folder.rsplit_once('-').ok_or("a partition is topic-number")?;
            let start: i64 = words.number("where it starts")?;
            let text = format!("0\n1\n{topic} {partition} {start}\n");
            stage.world()?.nodes[node].disk.put("", FileName::LogStartOffsets, text.as_bytes());
        }
        "lost" => {
            let world = stage.world()?;
            if world.nodes[node].process.is_some() {
                return Err(format!("node {} is up", node + 1));
            }
            world.on_disk_lost(node);
        }
        "lacks" => {
            let folder = words.word("a partition")?;
            let world = stage.world()?;
            if world.nodes[node].process.is_some() || !world.nodes[node].disk.lose_folder(&folder) {
                return Err(format!("node {} is up, or has no {folder}", node + 1));
            }
        }
        "full" => stage.world()?.room(node, Some(0)),
        "whole" => {
            let world = stage.world()?;
            world.nodes[node].disk.faults = Faults::default();
            world.nodes[node].disk.slow = 1;
            world.room(node, None);
        }
        _ => return Err(format!("a disk cannot be {how}")),
    }
    Ok(Vec::new())
}

pub fn loss(stage: &mut Stage) -> Told {
    stage.world()?.expect_loss();
    Ok(Vec::new())
}

pub fn clock(stage: &mut Stage, words: &mut Words) -> Told {
    let node = stage.node(words)?;
    let step = words.word("a step like +5s")?;
    let far = span(step.trim_start_matches(['+', '-']))? as i64 / 1_000;
    let ms = if step.starts_with('-') { -far } else { far };
    stage.world()?.nodes[node].clock.step(ms);
    Ok(Vec::new())
}

pub fn elect(stage: &mut Stage, words: &mut Words) -> Told {
    let kind = match words.word("preferred or unclean")?.as_str() {
        "preferred" => 0,
        "unclean" => 1,
        other => return Err(format!("there is no election {other}")),
    };
    let (topic, number) = split(&words.word("a partition")?)?;
    let wanted = TopicPartitions::default().with_topic(topic_name(&topic)).with_partitions(vec![number]);
    let request = ElectLeadersRequest::default()
        .with_election_type(kind)
        .with_topic_partitions(Some(vec![wanted]))
        .with_timeout_ms(ADMIN_TIMEOUT_MS);
    stage.world()?;
    let to = stage.living()?;
    let told = stage.tell("admin", to, Ask::new(ApiKey::ElectLeaders, 2, request), false, |answer| match answer {
        ResponseKind::ElectLeaders(answer) => answer
            .replica_election_results
            .iter()
            .flat_map(|topic| topic.partition_result.iter().map(|told| ok(told.error_code)))
            .collect(),
        other => vec![format!("{other:?}")],
    })?;
    stage.pass(50_000)?;
    Ok(told)
}

pub fn unregister(stage: &mut Stage, words: &mut Words) -> Told {
    let node = stage.node(words)?;
    let request = UnregisterBrokerRequest::default().with_broker_id(BrokerId(node as i32 + 1));
    let to = stage.living()?;
    let told =
        stage.tell("admin", to, Ask::new(ApiKey::UnregisterBroker, 0, request), false, |answer| match answer {
            ResponseKind::UnregisterBroker(answer) => vec![ok(answer.error_code)],
            other => vec![format!("{other:?}")],
        })?;
    stage.pass(50_000)?;
    Ok(told)
}
