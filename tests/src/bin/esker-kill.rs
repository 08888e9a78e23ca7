//! Kills nodes of a running cluster with `kill -9` under load, again and again, and checks that every promise was kept.
//!
//! `esker-kill CLUSTER DIR ROUNDS PAUSE-MS HOST:PORT…`: `CLUSTER kill|start DIR NODE` ends and starts a node; in half of the rounds
//! clients must go on within PAUSE-MS (0: as long as it takes, up to a minute); the addresses are the nodes', the first node 1's.

use esker_tests::kill::{Plan, run};
use std::env;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match play(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("esker-kill: {e}");
            ExitCode::from(2)
        }
    }
}

fn play(args: &[String]) -> Result<bool, String> {
    let [cluster, dir, rounds, limit, nodes @ ..] = args else {
        return Err("usage: esker-kill CLUSTER DIR ROUNDS PAUSE-MS HOST:PORT…".into());
    };
    let nodes = nodes.iter().map(|n| n.parse().map_err(|e| format!("{n}: {e}"))).collect::<Result<Vec<_>, String>>()?;
    let rounds: usize = rounds.parse().map_err(|_| format!("ROUNDS {rounds}?"))?;
    let limit = Duration::from_millis(limit.parse().map_err(|_| format!("PAUSE-MS {limit}?"))?);
    let plan = Plan { cluster: cluster.clone(), dir: dir.clone(), nodes, rounds, partitions: 3 };
    let mut report = run(&plan, |line| println!("{line}"))?;
    let longest = report.pauses.iter().max().copied().unwrap_or_default();
    let median = report.median_pause();
    println!(
        "{} records acknowledged, {} offsets committed; pause after a kill: median {} ms, longest {} ms",
        report.acked,
        report.commits,
        median.as_millis(),
        longest.as_millis()
    );
    if !limit.is_zero() && median > limit {
        report.broken.push(format!(
            "clients went on after {} ms (median); {} ms are allowed",
            median.as_millis(),
            limit.as_millis()
        ));
    }
    for line in &report.broken {
        println!("BROKEN {line}");
    }
    let kept = report.broken.is_empty();
    println!("{} passed, {} failed", if kept { rounds } else { 0 }, report.broken.len());
    Ok(kept)
}
