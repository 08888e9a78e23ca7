//! `esker group`: lists and describes consumer groups.

use super::content::escaped;
use super::offsets::{Found, LATEST, number, offsets};
use super::{Target, print, table};
use crate::answer;
use crate::client::{Cluster, expect, is_passing, patiently, text};
use crate::exit::Failure;
use clap::Subcommand;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{ApiKey, DescribeGroupsRequest, GroupId, ListGroupsRequest, OffsetFetchRequest};
use serde_json::json;

#[derive(Subcommand)]
pub enum Group {
    /// List the groups
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Describe a group: its members, and how far it is
    Describe {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Group {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { target } => list(&target),
            Self::Describe { name, target } => describe(&target, &name),
        }
    }
}

/// Names are what clients made up: a terminal is not steered by them.
fn shown(name: &str) -> String {
    escaped(name.as_bytes())
}

/// A committed offset.
pub struct Committed {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

fn list(target: &Target) -> Result<(), Failure> {
    let mut cluster = target.open()?;
    let mut rows: Vec<[String; 3]> = Vec::new();
    // Each node knows the groups that it coordinates.
    for broker in cluster.metadata(None, false)?.brokers {
        let found = patiently("the list of groups", || {
            let answer =
                answer!(ListGroups, cluster.node(broker.node_id.0, ApiKey::ListGroups, ListGroupsRequest::default()));
            if is_passing(answer.error_code) {
                return Ok(None);
            }
            expect(answer.error_code, "groups")?;
            Ok(Some(answer.groups))
        })?;
        rows.extend(found.iter().map(|group| {
            [group.group_id.0.to_string(), group.group_state.to_string(), group.protocol_type.to_string()]
        }));
    }
    rows.sort();
    if target.json {
        let row = |[group, state, kind]: &[String; 3]| json!({"group": group, "state": state, "protocol": kind});
        print(json!(rows.iter().map(row).collect::<Vec<_>>()));
    } else {
        let row = |row: [String; 3]| row.iter().map(|cell| shown(cell)).collect();
        table(&["GROUP", "STATE", "PROTOCOL"], &rows.into_iter().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

fn describe(target: &Target, name: &str) -> Result<(), Failure> {
    let mut cluster = target.open()?;
    let group = described(&mut cluster, name)?;
    let mut rows = Vec::new();
    for of_topic in committed(&mut cluster, name)?.chunk_by(|one, other| one.topic == other.topic) {
        let ends = ends(&mut cluster, of_topic)?;
        rows.extend(of_topic.iter().map(|Committed { topic, partition, offset }| {
            (topic.clone(), *partition, *offset, ends.get(partition).copied().flatten())
        }));
    }
    let member = |id: &str, host: &str, client: &str| json!({"member": id, "host": host, "client": client});
    if target.json {
        let offsets = rows.iter().map(|(topic, partition, committed, end)| {
            json!({"topic": topic, "partition": partition, "committed": committed, "end": end, "lag": end.map(|end| end - committed)})
        });
        let members = group.members.iter().map(|one| member(&one.member_id, &one.client_host, &one.client_id));
        print(json!({"group": name, "state": group.group_state.as_str(), "protocol": group.protocol_data.as_str(),
            "members": members.collect::<Vec<_>>(), "offsets": offsets.collect::<Vec<_>>()}));
        return Ok(());
    }
    print(format!("{}  {}  {} members", shown(name), group.group_state.as_str(), group.members.len()));
    for one in &group.members {
        print(format!("  {} {} {}", shown(&one.member_id), shown(&one.client_host), shown(&one.client_id)));
    }
    let lines: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(topic, partition, committed, end)| {
            let lag = end.map(|end| end - committed);
            vec![topic, partition.to_string(), committed.to_string(), number(end), number(lag)]
        })
        .collect();
    if !lines.is_empty() {
        table(&["TOPIC", "PARTITION", "COMMITTED", "END", "LAG"], &lines);
    }
    Ok(())
}

/// The next offset of each partition of one topic in which the group has committed.
fn ends(cluster: &mut Cluster, of_topic: &[Committed]) -> Result<Found, Failure> {
    let partitions: Vec<i32> = of_topic.iter().map(|row| row.partition).collect();
    let name = of_topic.first().map_or("", |row| row.topic.as_str());
    let found = cluster.topic(name, false).and_then(|mut topic| offsets(cluster, &mut topic, &partitions, LATEST));
    match found {
        // A topic may be gone, its offsets not yet.
        Err(why) if why.is_final() => Ok(Found::new()),
        found => found,
    }
}

fn described(cluster: &mut Cluster, name: &str) -> Result<DescribedGroup, Failure> {
    patiently(&format!("group {name}"), || {
        let node = cluster.coordinator(name)?;
        let mut request = DescribeGroupsRequest::default();
        request.groups = vec![GroupId(text(name))];
        let answer = answer!(DescribeGroups, cluster.node(node, ApiKey::DescribeGroups, request));
        let Some(group) = answer.groups.into_iter().next() else { return Ok(None) };
        if is_passing(group.error_code) {
            return Ok(None);
        }
        expect(group.error_code, &format!("group {name}"))?;
        // Older versions have no error for it.
        if group.group_state.as_str() == "Dead" {
            return Err(Failure::failed(format!("group {name} does not exist")).for_good());
        }
        Ok(Some(group))
    })
}

/// Everything that a group has committed, by topic and partition.
pub fn committed(cluster: &mut Cluster, name: &str) -> Result<Vec<Committed>, Failure> {
    let mut all = patiently(&format!("group {name}"), || {
        let node = cluster.coordinator(name)?;
        let mut request = OffsetFetchRequest::default();
        if cluster.link_to(node)?.version(ApiKey::OffsetFetch)? >= 8 {
            request.groups =
                vec![OffsetFetchRequestGroup::default().with_group_id(GroupId(text(name))).with_topics(None)];
        } else {
            request.group_id = GroupId(text(name));
            request.topics = None;
        }
        let answer = answer!(OffsetFetch, cluster.node(node, ApiKey::OffsetFetch, request));
        let code = answer.groups.first().map_or(answer.error_code, |group| group.error_code);
        if is_passing(code) {
            return Ok(None);
        }
        expect(code, &format!("group {name}"))?;
        let mut rows = Vec::new();
        for topic in answer.groups.iter().flat_map(|group| &group.topics) {
            let row = |(partition, offset)| Committed { topic: topic.name.0.to_string(), partition, offset };
            rows.extend(topic.partitions.iter().map(|one| (one.partition_index, one.committed_offset)).map(row));
        }
        for topic in &answer.topics {
            let row = |(partition, offset)| Committed { topic: topic.name.0.to_string(), partition, offset };
            rows.extend(topic.partitions.iter().map(|one| (one.partition_index, one.committed_offset)).map(row));
        }
        Ok(Some(rows))
    })?;
    all.retain(|row| row.offset >= 0);
    all.sort_by(|one, other| (&one.topic, one.partition).cmp(&(&other.topic, other.partition)));
    Ok(all)
}
