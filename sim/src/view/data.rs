//! What the page shows, as JSON.

use crate::client;
use crate::film::{Film, Reel};
use crate::history::{Act, History, Line, State};
use crate::plan::{ClientPlan, Fault, Plan, Strike, Target};
use crate::run::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All of a run that the page needs.
pub fn of(plan: &Plan, outcome: &Outcome) -> Value {
    let none = Film::default();
    let film = outcome.film.as_ref().unwrap_or(&none);
    let failure = outcome.failure.as_ref();
    let named = failure.map_or_else(Vec::new, |failure| numbers(&failure.anomaly.what));
    json!({
        "seed": plan.seed,
        "mutant": plan.mutant,
        "hash": format!("{:016x}", outcome.hash),
        "events": outcome.events,
        "end": outcome.virtual_us,
        "phases": plan.phases,
        "failure": failure.map(|failure| json!({
            "kind": failure.kind.name(),
            "property": failure.anomaly.kind,
            "at": failure.anomaly.at,
            "what": failure.anomaly.what,
        })),
        "partitions": outcome.history.partitions,
        "faults": plan.faults.iter().map(|fault| struck(fault, plan, film, &outcome.history)).collect::<Vec<_>>(),
        "reels": film.reels,
        "clients": clients(plan, &outcome.history),
        "ops": ops(&outcome.history, &named),
        "lines": around(&outcome.lines, failure.map(|failure| failure.anomaly.at)),
    })
}

/// How many lines of the trace the page has before and after the failure (or, without one, before the end), and how long one is.
const BEFORE: usize = 2_500;
const AFTER: usize = 1_000;
const CHARS: usize = 400;

/// The lines around a moment, each with as much of it as one reads.
fn around(lines: &[String], at: Option<u64>) -> Vec<String> {
    let later = |line: &String| at.is_some_and(|at| crate::trace::moment(line).is_some_and(|moment| moment > at));
    let place = lines.iter().position(later).unwrap_or(lines.len());
    let shown = place.saturating_sub(BEFORE)..(place + AFTER).min(lines.len());
    lines[shown].iter().map(|line| line.chars().take(CHARS).collect()).collect()
}

/// The numbers in a text: the values and offsets that a failure names.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// Values are unique numbers, and far larger than any offset: `client << 32` and more (`client::Me`).
const VALUE_MIN: u64 = 1 << 32;

fn struck(fault: &Fault, plan: &Plan, film: &Film, history: &History) -> Value {
    let all = || (1..=plan.nodes.len() as u32).collect::<Vec<_>>();
    let now = |target: &Target| match target {
        Target::Nodes(nodes) => nodes.clone(),
        Target::All => all(),
        Target::Leader(partition) => {
            let folder = history.partitions.get(*partition as usize);
            holders(film, fault.at_us, |reel, at| folder.is_some_and(|folder| leads(reel, folder, at)))
        }
        Target::Controller => holders(film, fault.at_us, controls),
    };
    let (nodes, lasts) = match &fault.strike {
        Strike::Cut { from, to, for_us, .. } => (vec![*from, *to], *for_us),
        Strike::Crash { target, down_us, .. }
        | Strike::Stop { target, down_us }
        | Strike::Rot { target, down_us, .. }
        | Strike::LoseDisk { target, down_us } => (now(target), *down_us),
        Strike::Pause { target, for_us }
        | Strike::Isolate { target, for_us, .. }
        | Strike::Stall { target, for_us, .. }
        | Strike::Slow { target, for_us, .. }
        | Strike::Full { target, for_us, .. } => (now(target), *for_us),
        // Whom it strikes is seen in its lane.
        Strike::CrashWriting { .. }
        | Strike::StopJoining { .. }
        | Strike::CutJoining { .. }
        | Strike::LateJoining { .. }
        | Strike::LostAnswer { .. }
        | Strike::CrashInstalling { .. } => (Vec::new(), 0),
        Strike::Reset { target }
        | Strike::Perish { target }
        | Strike::SyncFails { target }
        | Strike::WriteFails { target }
        | Strike::ReadFails { target, .. }
        | Strike::Step { target, .. } => (now(target), 0),
    };
    json!({
        "at": fault.at_us,
        "until": (fault.at_us + lasts).min(plan.phases.safety_us.max(fault.at_us)),
        "kind": fault.strike.kind(),
        "nodes": nodes,
        "text": format!("{:?}", fault.strike),
    })
}

/// The nodes of which something was true at a moment.
fn holders(film: &Film, at: u64, is: impl Fn(&Reel, u64) -> bool) -> Vec<u32> {
    (1..).zip(&film.reels).filter(|(_, reel)| is(reel, at)).map(|(node, _)| node).collect()
}

fn leads(reel: &Reel, folder: &str, at: u64) -> bool {
    let shots = reel.parts.get(folder);
    shots.and_then(|shots| shots.iter().rfind(|shot| shot.t < at)).is_some_and(|shot| shot.is.role == "leads")
}

fn controls(reel: &Reel, at: u64) -> bool {
    reel.quorum.iter().rfind(|shot| shot.t < at).is_some_and(|shot| shot.is.role == "leader")
}

fn clients(plan: &Plan, history: &History) -> Vec<Value> {
    let mut labels: BTreeMap<u32, String> =
        history.lines.iter().map(|line| (seat(line), format!("client {}", seat(line)))).collect();
    for (number, client) in (1..).zip(&plan.clients) {
        let label = match client {
            ClientPlan::Producer { acks, idempotent, .. } => {
                format!("producer acks={acks}{}", if *idempotent { " idempotent" } else { "" })
            }
            ClientPlan::Reader { .. } => "reader".into(),
            ClientPlan::Member { group, .. } => format!("member of group {group}"),
            ClientPlan::Admin { .. } => "admin".into(),
            ClientPlan::Stranger { .. } => "stranger".into(),
            ClientPlan::Onlooker { .. } => "onlooker".into(),
            ClientPlan::Bookkeeper { .. } => "bookkeeper".into(),
            ClientPlan::GroupAdmin { .. } => "admin of groups".into(),
            ClientPlan::Keeper { .. } => "keeper".into(),
        };
        labels.insert(number, format!("{number} {label}"));
    }
    // Those that every run has beside the plan's (`world`).
    for (number, label) in [(900, "makes the topics"), (901, "probe"), (902, "last reader"), (904, "asks last")] {
        labels.entry(number).and_modify(|known| *known = label.into());
    }
    labels.into_iter().map(|(number, label)| json!({ "number": number, "label": label })).collect()
}

/// The client whose lane has this: all sessions of a producer are in one.
const fn seat(line: &Line) -> u32 {
    line.client % client::SESSION
}

fn ops(history: &History, named: &[u64]) -> Vec<Value> {
    let mut open: BTreeMap<(u32, u64), usize> = BTreeMap::new();
    let mut ops: Vec<Value> = Vec::new();
    for line in &history.lines {
        let hot = values(&line.act).any(|value| value >= VALUE_MIN && named.contains(&value));
        let text = said(&line.act, history);
        let known = open.get(&(line.client, line.op)).copied().filter(|_| line.state != State::Invoke);
        if let Some(place) = known {
            let op = &mut ops[place];
            op["to"] = json!(line.t);
            op["state"] = json!(line.state);
            op["told"] = json!(text);
            op["hot"] = json!(hot || op["hot"] == json!(true));
            continue;
        }
        open.insert((line.client, line.op), ops.len());
        let to = (line.state != State::Invoke).then_some(line.t);
        let state = to.map_or("open".into(), |_| json!(line.state));
        ops.push(json!({
            "client": seat(line), "op": line.op, "from": line.t, "to": to, "state": state,
            "kind": kind(&line.act), "text": text, "told": "", "hot": hot,
        }));
    }
    ops
}

fn values(act: &Act) -> impl Iterator<Item = u64> + '_ {
    let sent: &[u64] = if let Act::Send { values, .. } = act { values } else { &[] };
    let reads: &[crate::history::Read] = if let Act::Polled { reads } = act { reads } else { &[] };
    sent.iter().copied().chain(reads.iter().flat_map(|read| read.records.iter().map(|(_, value)| *value)))
}

fn kind(act: &Act) -> String {
    let text = serde_json::to_value(act).unwrap_or_default();
    text["do"].as_str().unwrap_or_default().to_string()
}

/// An act in words.
fn said(act: &Act, history: &History) -> String {
    let name = |partition: &u32| history.partitions.get(*partition as usize).map_or("?", String::as_str);
    let offsets = |offsets: &[(u32, i64)]| {
        offsets.iter().map(|(partition, offset)| format!("{} {offset}", name(partition))).collect::<Vec<_>>().join(", ")
    };
    match act {
        Act::Send { partition, values, .. } => format!("send to {}: {values:?}", name(partition)),
        Act::Sent { offset: Some(offset) } => format!("at offset {offset}"),
        Act::Sent { offset: None } => "at an offset unknown".into(),
        Act::Poll { .. } => "poll".into(),
        Act::Polled { reads } => {
            let read = |read: &crate::history::Read| {
                let (first, last) = (read.records.first(), read.records.last());
                let span = |record: Option<&(i64, u64)>| record.map_or(-1, |(offset, _)| *offset);
                format!("{} {} to {}", name(&read.partition), span(first), span(last))
            };
            let reads: Vec<String> = reads.iter().map(read).collect();
            if reads.is_empty() { "nothing new".into() } else { format!("read {}", reads.join(", ")) }
        }
        Act::Seek { partition, offset } => format!("seek {} to {offset}", name(partition)),
        Act::Commit { generation, offsets: of, .. } => format!("commit in generation {generation}: {}", offsets(of)),
        Act::Forget { partitions, .. } => {
            let names: Vec<_> = partitions.iter().map(name).collect();
            format!("delete the committed offsets of {}", names.join(", "))
        }
        Act::Ask { .. } => "ask for committed offsets".into(),
        Act::Told { offsets: of } => format!("committed are {}", offsets(of)),
        Act::Assigned { generation, partitions, .. } => {
            let names: Vec<&str> = partitions.iter().map(name).collect();
            format!("assigned in generation {generation}: {}", names.join(", "))
        }
        Act::Delete { partition, before } => format!("delete {} before {before}", name(partition)),
        Act::Latest { partition, .. } => format!("ask for the end of {}", name(partition)),
        Act::LatestIs { offset, .. } => format!("the end is {offset}"),
        Act::Admin { what } => what.clone(),
        Act::End { partition, offset } => format!("read {} to its end {offset}", name(partition)),
        Act::Error { why } => why.clone(),
        Act::Done => "done".into(),
    }
}
