//! The rounds: load, `kill -9`, go on, start again, heal; and the reckoning at the end.

use super::producer::Promised;
use super::{Pulse, Stage, check, committer, producer, reader};
use crate::rpc;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Producers of one partition.
const PRODUCERS: u32 = 2;
/// How long clients may take to go on, and a node to come back.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct Plan {
    /// `CLUSTER kill DIR NODE` and `CLUSTER start DIR NODE` end and start a node.
    pub cluster: String,
    pub dir: String,
    /// Where each node listens; the first is node 1.
    pub nodes: Vec<SocketAddr>,
    pub rounds: usize,
    pub partitions: i32,
}

#[derive(Debug, Clone, Default)]
pub struct Report {
    pub acked: u64,
    pub commits: i64,
    /// For each round the longest pause of any client.
    pub pauses: Vec<Duration>,
    /// Promises that were broken.
    pub broken: Vec<String>,
}

impl Report {
    pub fn median_pause(&self) -> Duration {
        let mut sorted = self.pauses.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// Runs the rounds. An error means that the run could not be carried through.
pub fn run(plan: &Plan, mut tell: impl FnMut(&str)) -> Result<Report, String> {
    let topic = format!("kill-{}", std::process::id());
    let replicas = plan.nodes.len().min(3) as i16;
    let configs = [("min.insync.replicas".to_owned(), replicas.min(2).to_string())];
    rpc::create(&plan.nodes, &topic, plan.partitions, replicas, &configs)?;
    let stage = Stage::new(plan.nodes.clone(), topic);
    let pulses: Arc<Vec<Pulse>> =
        Arc::new((0..=plan.partitions as u32 * PRODUCERS).map(|_| Pulse::default()).collect());
    let producers: Vec<_> = (0..plan.partitions as u32 * PRODUCERS)
        .map(|id| {
            let (stage, pulses) = (stage.clone(), pulses.clone());
            let partition = (id / PRODUCERS) as i32;
            thread::spawn(move || producer::run(&stage, id, partition, &pulses[id as usize + 1]))
        })
        .collect();
    let commits = {
        let (stage, pulses) = (stage.clone(), pulses.clone());
        thread::spawn(move || committer::run(&stage, &pulses[0]))
    };
    let readers: Vec<_> = (0..plan.partitions)
        .map(|p| {
            let stage = stage.clone();
            thread::spawn(move || reader::run(&stage, p, None))
        })
        .collect();

    let mut report = Report::default();
    let outcome = rounds(plan, &stage, &pulses, &mut report, &mut tell);
    stage.stop();
    let mut promised: Vec<Promised> = Vec::new();
    for thread in producers {
        promised.extend(keep(thread.join(), &mut report.broken));
    }
    let committed = keep(commits.join(), &mut report.broken).unwrap_or_default();
    let saw: Vec<_> = readers.into_iter().map(|r| keep(r.join(), &mut report.broken).unwrap_or_default()).collect();
    outcome.map_err(|e| format!("{e}; {}", report.broken.join("; ")))?;

    let view = healed(plan, &stage)?;
    for (partition, saw) in saw.iter().enumerate() {
        let leader = view.leader(partition).ok_or("a partition has no leader")?;
        let end = rpc::offset(leader, &stage.topic, partition as i32, -1)?;
        let log = reader::run(&stage, partition as i32, Some(end))?;
        for p in promised.iter().filter(|p| p.partition == partition as i32) {
            report.broken.extend(check::produced(p, &log));
        }
        report.broken.extend(check::strangers(&promised, partition as i32, &log));
        report.broken.extend(check::seen(partition, saw, &log));
    }
    report.broken.extend(check::committed(committed, committer::fetch(&stage)?));
    report.acked = promised.iter().map(|p| p.acked.len() as u64 * producer::BATCH).sum();
    report.commits = committed.acked;
    Ok(report)
}

fn keep<T>(joined: thread::Result<Result<T, String>>, broken: &mut Vec<String>) -> Option<T> {
    match joined {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(e)) => broken.push(e),
        Err(_) => broken.push("a client died".into()),
    }
    None
}

fn rounds(
    plan: &Plan,
    stage: &Stage,
    pulses: &[Pulse],
    report: &mut Report,
    tell: &mut impl FnMut(&str),
) -> Result<(), String> {
    go_on(stage, pulses, stage.micros())?;
    for round in 1..=plan.rounds {
        let view = healed(plan, stage)?;
        sleep(Duration::from_millis(300));
        for pulse in pulses {
            let _before = pulse.take_longest();
        }
        let leader = view.leader(round % plan.partitions as usize).ok_or("a partition has no leader")?;
        let victim = plan.nodes.iter().position(|n| *n == leader).ok_or("the leader is no node of this cluster")? + 1;
        order(plan, "kill", victim)?;
        let killed = stage.micros();
        if plan.nodes.len() == 1 {
            order(plan, "start", victim)?;
        }
        go_on(stage, pulses, killed)?;
        let pause = pulses.iter().map(Pulse::take_longest).max().unwrap_or_default();
        report.pauses.push(pause);
        tell(&format!("round {round}: node {victim} killed, clients went on after {} ms", pause.as_millis()));
        if plan.nodes.len() > 1 {
            order(plan, "start", victim)?;
        }
    }
    Ok(())
}

/// Waits until every client got on after a moment.
fn go_on(stage: &Stage, pulses: &[Pulse], after: u64) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    // An answer that was under way at the kill does not count: a little later is asked for.
    while pulses.iter().any(|p| p.last() < after + 50_000) {
        if Instant::now() > end {
            let stuck = pulses.iter().filter(|p| p.last() < after + 50_000).count();
            return Err(format!("{stuck} of {} clients did not go on within {} s", pulses.len(), PATIENCE.as_secs()));
        }
        if stage.stopped() {
            return Err("the run was stopped".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Waits until every replica is in sync.
fn healed(plan: &Plan, stage: &Stage) -> Result<rpc::View, String> {
    let replicas = plan.nodes.len().min(3);
    rpc::wait(&plan.nodes, Some(&stage.topic), PATIENCE, |v| {
        let whole = v.partitions.iter().enumerate().all(|(i, p)| p.in_sync == replicas && v.leader(i).is_some());
        v.brokers.len() == plan.nodes.len() && whole
    })
}

fn order(plan: &Plan, what: &str, node: usize) -> Result<(), String> {
    let status = Command::new(&plan.cluster).args([what, &plan.dir, &node.to_string()]).status();
    match status {
        Ok(s) if s.success() => Ok(()),
        other => Err(format!("{} {what} {} {node}: {other:?}", plan.cluster, plan.dir)),
    }
}
