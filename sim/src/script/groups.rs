//! Members of classic consumer groups, and their offsets.

use super::stage::{Ask, Seat, Stage, code, ok, split, text, topic_name};
use super::words::{Told, Words, Wrong};
use crate::client::GROUP;
use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest, OffsetFetchRequest, ResponseKind, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

const MEMBER_ID_REQUIRED: i16 = 79;

fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// The node that coordinates the group, found as a client finds it.
fn coordinator(stage: &mut Stage, group: &str) -> Result<usize, Wrong> {
    stage.world()?;
    for _ in 0..200 {
        let node = stage.living()?;
        let request = FindCoordinatorRequest::default().with_key(text(group));
        let ticket = stage.ask("finder", node, Ask::new(ApiKey::FindCoordinator, 3, request))?;
        if let Some(ResponseKind::FindCoordinator(answer)) = stage.answer(ticket)?
            && answer.error_code == 0
            && stage.seen().nodes[answer.node_id.0 as usize - 1].process.is_some()
        {
            return Ok(answer.node_id.0 as usize - 1);
        }
        stage.pass(100_000)?;
    }
    Err(format!("nobody coordinates {group}"))
}

/// Codes that a client answers by asking again, when a coordinator is loading or has moved.
fn moves(number: i16) -> bool {
    matches!(
        code(number).as_deref(),
        Some("COORDINATOR_NOT_AVAILABLE" | "COORDINATOR_LOAD_IN_PROGRESS" | "NOT_COORDINATOR")
    )
}

/// Asks the coordinator until it is one, or for ten seconds; `number` reads the answer's code.
fn ask(
    stage: &mut Stage,
    group: &str,
    client: &str,
    make: impl Fn() -> Ask,
    number: fn(&ResponseKind) -> i16,
) -> Result<ResponseKind, Wrong> {
    let mut last = None;
    for _ in 0..100 {
        let node = coordinator(stage, group)?;
        let ticket = stage.ask(client, node, make().on(GROUP))?;
        match stage.answer(ticket)? {
            Some(answer) if !moves(number(&answer)) => return Ok(answer),
            told => {
                last = told.or(last);
                stage.pass(100_000)?;
            }
        }
    }
    last.ok_or_else(|| format!("the coordinator of {group} does not answer"))
}

fn join_ask(group: &str, seat: &Seat) -> Ask {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(Bytes::from_static(&[0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
    let request = JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(seat.session_ms)
        .with_rebalance_timeout_ms(seat.session_ms)
        .with_member_id(seat.id.clone())
        .with_group_instance_id(seat.instance.clone())
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    Ask::new(ApiKey::JoinGroup, 5, request).on(GROUP)
}

/// All named members ask at once; the lines come when all have their answer.
pub fn join(stage: &mut Stage, words: &mut Words) -> Told {
    let session_ms = words.span_after("session")?.map_or(10_000, |us| (us / 1_000) as i32);
    let instance = words.after("static");
    let group = words.word("a group")?;
    let names = words.rest();
    let node = coordinator(stage, &group)?;
    let mut open = Vec::new();
    // Who is new first: then those who are members are awaited, as a rebalance does that somebody else began.
    let known = |stage: &Stage, name: &String| {
        stage.members.get(&(group.clone(), name.clone())).is_some_and(|seat| !seat.id.is_empty())
    };
    let (members, new): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| known(stage, name));
    let begins = new.len();
    for (turn, name) in new.into_iter().chain(members).enumerate() {
        if turn == begins && begins > 0 {
            // Long enough for who is new to be given an id and to ask again with it.
            settle_new(stage, &group, &mut open)?;
        }
        let key = (group.clone(), name.clone());
        let mut seat = stage.members.get(&key).cloned().unwrap_or_default();
        seat.session_ms = session_ms;
        seat.instance = instance.as_deref().map(text);
        let ticket = stage.ask(name, node, join_ask(&group, &seat))?;
        stage.members.insert(key, seat);
        open.push((name.clone(), ticket));
    }
    let mut lines = Vec::new();
    while let Some((name, ticket)) = first_answered(stage, &mut open)? {
        let key = (group.clone(), name.clone());
        let Some(ResponseKind::JoinGroup(answer)) = ticket else {
            lines.push(format!("{name}: no answer"));
            continue;
        };
        let mut seat = stage.members.get(&key).cloned().unwrap_or_default();
        if answer.error_code == MEMBER_ID_REQUIRED || moves(answer.error_code) {
            if answer.error_code == MEMBER_ID_REQUIRED {
                seat.id = answer.member_id.clone();
            } else {
                stage.pass(100_000)?;
            }
            let node = coordinator(stage, &group)?;
            let ticket = stage.ask(&name, node, join_ask(&group, &seat))?;
            stage.members.insert(key, seat);
            open.push((name, ticket));
            continue;
        }
        lines.push(joined(stage, &group, &name, &mut seat, &answer));
        stage.members.insert(key, seat);
    }
    lines.sort();
    Ok(lines)
}

/// Those who are new are given their ids, and ask again.
fn settle_new(stage: &mut Stage, group: &str, open: &mut [(String, u64)]) -> Result<(), Wrong> {
    stage.pass(20_000)?;
    for (name, ticket) in open {
        let answer = stage.desk.take(*ticket).flatten();
        if let Some(ResponseKind::JoinGroup(answer)) = answer {
            if answer.error_code != MEMBER_ID_REQUIRED {
                return Err(format!("{name} is answered too early: {}", ok(answer.error_code)));
            }
            let key = (group.to_string(), name.clone());
            let mut seat = stage.members.get(&key).cloned().unwrap_or_default();
            seat.id = answer.member_id.clone();
            let node = coordinator(stage, group)?;
            *ticket = stage.ask(name, node, join_ask(group, &seat))?;
            stage.members.insert(key, seat);
        }
    }
    stage.pass(20_000)
}

/// The first of the open requests that is answered.
fn first_answered(
    stage: &mut Stage,
    open: &mut Vec<(String, u64)>,
) -> Result<Option<(String, Option<ResponseKind>)>, Wrong> {
    if open.is_empty() {
        return Ok(None);
    }
    let mut found = None;
    stage.pass_until(super::stage::PATIENCE_US, |stage| {
        found = (0..open.len()).find_map(|place| Some((place, stage.desk.take(open[place].1)?)));
        found.is_some()
    })?;
    let (place, answer) = found.unwrap_or((0, None));
    Ok(Some((open.remove(place).0, answer)))
}

fn joined(stage: &Stage, group: &str, name: &str, seat: &mut Seat, answer: &JoinGroupResponse) -> String {
    if let Some(code) = code(answer.error_code) {
        return format!("{name}: {code}");
    }
    seat.id = answer.member_id.clone();
    seat.generation = answer.generation_id;
    seat.leads = answer.leader == answer.member_id;
    if !seat.leads {
        return format!("{name}: generation {}", seat.generation);
    }
    let known = |id: &StrBytes| {
        if *id == seat.id {
            return name.to_string();
        }
        let found = stage.members.iter().find(|((of, _), other)| of == group && other.id == *id);
        found.map_or("somebody".into(), |((_, name), _)| name.clone())
    };
    let mut members: Vec<String> = answer.members.iter().map(|member| known(&member.member_id)).collect();
    members.sort();
    format!("{name}: generation {}, leads {}", seat.generation, members.join(" "))
}

/// `sync g m1=t-0 m2=t-1`: all named ask; who leads brings what everyone is to get.
pub fn sync(stage: &mut Stage, words: &mut Words) -> Told {
    let group = words.word("a group")?;
    let given: Vec<(String, String)> = words
        .rest()
        .iter()
        .map(|word| {
            word.split_once('=').map_or((word.clone(), String::new()), |(name, what)| (name.into(), what.into()))
        })
        .collect();
    let assignments: Vec<SyncGroupRequestAssignment> = given
        .iter()
        .filter_map(|(name, what)| {
            let seat = stage.members.get(&(group.clone(), name.clone()))?;
            let bytes = Bytes::from(what.clone().into_bytes());
            Some(SyncGroupRequestAssignment::default().with_member_id(seat.id.clone()).with_assignment(bytes))
        })
        .collect();
    let node = coordinator(stage, &group)?;
    let mut open = Vec::new();
    for (name, _) in &given {
        let seat = seat(stage, &group, name)?;
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(&group))
            .with_generation_id(seat.generation)
            .with_member_id(seat.id.clone())
            .with_group_instance_id(seat.instance.clone())
            .with_assignments(if seat.leads { assignments.clone() } else { Vec::new() });
        open.push((name.clone(), stage.ask(name, node, Ask::new(ApiKey::SyncGroup, 3, request).on(GROUP))?));
    }
    let mut lines = Vec::new();
    while let Some((name, answer)) = first_answered(stage, &mut open)? {
        lines.push(match answer {
            Some(ResponseKind::SyncGroup(answer)) => code(answer.error_code).map_or_else(
                || format!("{name}: {}", String::from_utf8_lossy(&answer.assignment)),
                |code| format!("{name}: {code}"),
            ),
            _ => format!("{name}: no answer"),
        });
    }
    lines.sort();
    Ok(lines)
}

fn seat(stage: &Stage, group: &str, name: &str) -> Result<Seat, Wrong> {
    let known = stage.members.get(&(group.to_string(), name.to_string()));
    known.cloned().ok_or_else(|| format!("{name} never joined {group}"))
}

pub fn beat(stage: &mut Stage, words: &mut Words) -> Told {
    let group = words.word("a group")?;
    let mut lines = Vec::new();
    for name in words.rest() {
        let seat = seat(stage, &group, &name)?;
        let make = || {
            let request = HeartbeatRequest::default()
                .with_group_id(group_id(&group))
                .with_generation_id(seat.generation)
                .with_member_id(seat.id.clone())
                .with_group_instance_id(seat.instance.clone());
            Ask::new(ApiKey::Heartbeat, 3, request)
        };
        let number = |answer: &ResponseKind| match answer {
            ResponseKind::Heartbeat(answer) => answer.error_code,
            _ => -1,
        };
        let answer = ask(stage, &group, &name, make, number)?;
        lines.push(format!("{name}: {}", ok(number(&answer))));
    }
    Ok(lines)
}

pub fn leave(stage: &mut Stage, words: &mut Words) -> Told {
    let group = words.word("a group")?;
    let name = words.word("a member")?;
    let seat = seat(stage, &group, &name)?;
    let make = || {
        let member =
            MemberIdentity::default().with_member_id(seat.id.clone()).with_group_instance_id(seat.instance.clone());
        let request = LeaveGroupRequest::default().with_group_id(group_id(&group)).with_members(vec![member]);
        Ask::new(ApiKey::LeaveGroup, 3, request)
    };
    let number = |answer: &ResponseKind| match answer {
        ResponseKind::LeaveGroup(answer) => {
            answer.members.first().map_or(answer.error_code, |member| member.error_code.max(answer.error_code))
        }
        _ => -1,
    };
    let answer = ask(stage, &group, &name, make, number)?;
    stage.members.remove(&(group, name.clone()));
    Ok(vec![format!("{name}: {}", ok(number(&answer)))])
}

pub fn describe(stage: &mut Stage, words: &mut Words) -> Told {
    let group = words.word("a group")?;
    let make =
        || Ask::new(ApiKey::DescribeGroups, 4, DescribeGroupsRequest::default().with_groups(vec![group_id(&group)]));
    let number = |answer: &ResponseKind| match answer {
        ResponseKind::DescribeGroups(answer) => answer.groups.first().map_or(0, |group| group.error_code),
        _ => -1,
    };
    let answer = ask(stage, &group, "admin", make, number)?;
    let ResponseKind::DescribeGroups(answer) = answer else { return Ok(vec![format!("{answer:?}")]) };
    let line = |told: &kafka_protocol::messages::describe_groups_response::DescribedGroup| {
        format!("{}, {} members", told.group_state.as_str(), told.members.len())
    };
    Ok(answer.groups.iter().map(line).collect())
}

pub fn commit(stage: &mut Stage, words: &mut Words) -> Told {
    let name = words.after("as");
    let generation = words.number_after::<i32>("generation")?;
    let group = words.word("a group")?;
    let (topic, number) = split(&words.word("a partition")?)?;
    let offset: i64 = words.number("an offset")?;
    let seat = match &name {
        Some(name) => seat(stage, &group, name)?,
        None => Seat { generation: -1, ..Seat::default() },
    };
    let make = || {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(number)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1);
        let topic = OffsetCommitRequestTopic::default().with_name(topic_name(&topic)).with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(&group))
            .with_generation_id_or_member_epoch(generation.unwrap_or(seat.generation))
            .with_member_id(seat.id.clone())
            .with_group_instance_id(seat.instance.clone())
            .with_topics(vec![topic]);
        Ask::new(ApiKey::OffsetCommit, 7, request)
    };
    let number = |answer: &ResponseKind| match answer {
        ResponseKind::OffsetCommit(answer) => {
            let part = answer.topics.first().and_then(|topic| topic.partitions.first());
            part.map_or(-1, |told| told.error_code)
        }
        _ => -1,
    };
    let answer = ask(stage, &group, name.as_deref().unwrap_or("client"), make, number)?;
    Ok(vec![ok(number(&answer))])
}

/// Asks the coordinator, wherever it is, or the node behind `to`.
pub fn committed(stage: &mut Stage, words: &mut Words) -> Told {
    let later = words.has("&");
    let node = words.after("to").map(|word| stage.named(&word, words)).transpose()?;
    let group = words.word("a group")?;
    let (topic, number) = split(&words.word("a partition")?)?;
    let make = || {
        let topic =
            OffsetFetchRequestTopic::default().with_name(topic_name(&topic)).with_partition_indexes(vec![number]);
        let request = OffsetFetchRequest::default().with_group_id(group_id(&group)).with_topics(Some(vec![topic]));
        Ask::new(ApiKey::OffsetFetch, 5, request)
    };
    if let Some(node) = node {
        return stage.tell("client", node, make().on(GROUP), later, tell_committed);
    }
    let number = |answer: &ResponseKind| match answer {
        ResponseKind::OffsetFetch(answer) => answer.error_code,
        _ => -1,
    };
    ask(stage, &group, "client", make, number).map(|answer| tell_committed(&answer))
}

fn tell_committed(answer: &ResponseKind) -> Vec<String> {
    let ResponseKind::OffsetFetch(answer) = answer else { return vec![format!("{answer:?}")] };
    if let Some(code) = code(answer.error_code) {
        return vec![code];
    }
    let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let told = parts.map(|told| match code(told.error_code) {
        Some(code) => code,
        None if told.committed_offset < 0 => "nothing committed".into(),
        None => format!("offset {}", told.committed_offset),
    });
    told.collect()
}
