//! What the cluster looks like from inside.

use super::stage::{Stage, nodes};
use super::words::{Told, Words, Wrong};
use esker_core::batch::Batches;
use esker_core::io::FileName;

pub fn show(stage: &mut Stage, words: &mut Words) -> Told {
    stage.world()?;
    let what = words.word("what to show")?;
    match what.as_str() {
        "quorum" => Ok(quorum(stage)),
        "nodes" => Ok(all_nodes(stage)),
        "disk" => {
            let node = stage.node(words)?;
            Ok(disk(stage, node))
        }
        name => partition(stage, name),
    }
}

/// A line for the partition, and one for each replica: its records, how far it is synced, the watermark that it knows. Equal
/// letters stand for equal bytes.
fn partition(stage: &Stage, name: &str) -> Told {
    let (_, state) = stage.partition(name)?;
    let leader = state.leader.map_or("none".into(), |leader| leader.to_string());
    let elr = if state.elr.is_empty() { String::new() } else { format!(", eligible {}", nodes(&state.elr)) };
    let moving = if state.is_reassigning() {
        format!(", adds {}, removes {}", nodes(&state.adding), nodes(&state.removing))
    } else {
        String::new()
    };
    let mut lines =
        vec![format!("leader {leader}, epoch {}, in sync {}{elr}{moving}", state.leader_epoch.0, nodes(&state.isr))];
    let mut known: Vec<Vec<u8>> = Vec::new();
    let mut replicas = state.replicas.clone();
    replicas.sort_unstable();
    for id in replicas {
        let node = id.0 as usize - 1;
        if stage.seen().nodes[node].process.is_none() {
            lines.push(format!("{id}: down"));
            continue;
        }
        let Some(replica) = stage.replica(node, name).filter(|replica| replica.is_open()) else {
            lines.push(format!("{id}: not open"));
            continue;
        };
        let bytes = log_bytes(stage, node, name);
        let place = known.iter().position(|other| *other == bytes).unwrap_or_else(|| {
            known.push(bytes);
            known.len() - 1
        });
        let role = if !replica.is_online() {
            "offline"
        } else if replica.is_leader() {
            "leads"
        } else {
            "follows"
        };
        lines.push(format!(
            "{id}: {role}, {}..{} synced {} watermark {}, bytes {}",
            replica.log_start(),
            replica.log_end(),
            replica.log().synced(),
            replica.watermark(),
            char::from(b'A' + place as u8)
        ));
    }
    Ok(lines)
}

/// All bytes of a log's segments, one after the other.
fn log_bytes(stage: &Stage, node: usize, folder: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(folder) = stage.seen().nodes[node].disk.named(folder) {
        for (name, len) in folder.list() {
            if let (FileName::Log(_), Some(file)) = (name, folder.file(name)) {
                bytes.extend_from_slice(file.read(0, len.try_into().unwrap_or(u32::MAX)));
            }
        }
    }
    bytes
}

/// Where a node's log ends on its disk, and the epoch of the last record there.
pub fn log_end(stage: &Stage, node: usize, folder: &str) -> (i64, i32) {
    let bytes = log_bytes(stage, node, folder);
    let last = Batches::of(&bytes).last();
    last.map_or((0, 0), |(header, _)| (header.last_offset().0 + 1, header.leader_epoch().0))
}

fn quorum(stage: &Stage) -> Vec<String> {
    let line = |node: &crate::node::Node| {
        let Some(process) = &node.process else { return format!("{}: down", node.id) };
        let quorum = &process.broker.node().quorum;
        let leader = match quorum.leader() {
            Some((leader, _)) if leader != node.id => format!(" of {leader}"),
            _ => String::new(),
        };
        let cut = if quorum.start().0 > 0 { ", log begins behind a snapshot" } else { "" };
        format!("{}: {}{leader}, epoch {}{cut}", node.id, quorum.role_name(), quorum.epoch().0)
    };
    stage.seen().nodes.iter().map(line).collect()
}

fn all_nodes(stage: &Stage) -> Vec<String> {
    let line = |node: &crate::node::Node| {
        let how = match (&node.process, &node.ended) {
            (Some(_), _) if node.paused_until.is_some() => "stands still".into(),
            (Some(process), _) if process.ready => match stage.image() {
                Some(image) if !image.alive(node.id) => "serves, fenced".into(),
                _ => "serves".into(),
            },
            (Some(_), _) => "starts".into(),
            (None, Some(why)) => format!("ended: {why}"),
            (None, None) => "down".into(),
        };
        format!("{}: {how}", node.id)
    };
    stage.seen().nodes.iter().map(line).collect()
}

/// The node's partitions, as its disk holds them: folders and their files, without the internal ones.
fn disk(stage: &Stage, node: usize) -> Vec<String> {
    let disk = &stage.seen().nodes[node].disk;
    let mut lines = Vec::new();
    for name in disk.names() {
        if name.is_empty() || name.starts_with("__") {
            continue;
        }
        let Some(folder) = disk.named(name) else { continue };
        let logs = folder.list().filter_map(|(file, _)| match file {
            FileName::Log(base) => Some(base.to_string()),
            _ => None,
        });
        let logs: Vec<String> = logs.collect();
        // The rest of the name of a folder that was put aside is drawn.
        let shown = name.split_once('.').map_or(name.to_string(), |(start, _)| format!("{start} (put aside)"));
        lines.push(format!("{shown}: segments {}", logs.join(" ")));
    }
    lines
}

/// The place of a log as a script writes it: `10@2`, or `of 1` for that of a node's metadata log.
pub fn place(stage: &mut Stage, words: &mut Words, word: &str) -> Result<(i64, i32), Wrong> {
    if word == "of" {
        let node = stage.node(words)?;
        return Ok(log_end(stage, node, "__cluster_metadata-0"));
    }
    let (end, epoch) = word.split_once('@').ok_or_else(|| format!("{word} is not a place like 10@2"))?;
    match (end.parse(), epoch.parse()) {
        (Ok(end), Ok(epoch)) => Ok((end, epoch)),
        _ => Err(format!("{word} is not a place like 10@2")),
    }
}
