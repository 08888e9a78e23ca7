//! What a person types.

use crate::draw::draw;
use crate::one::{self, Outcome};
use crate::swarm;
use clap::Parser;
use esker_core::mutant;
use esker_sim::cli::{Batch, EXIT_CODES};
use esker_sim::plan::Plan;
use esker_sim::swarm::{LINES, Swarm};
use esker_sim::trace::Keep;
use esker_sim::world::Kind;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How many seeds a bug is hunted in at most, from each base.
const HUNT_SEEDS: u64 = 500;

/// The unmodified server in one thread from one seed, a process a seed. Without --replay, --twice or --mutants: runs seeds
/// until the time is over or one fails.
#[derive(Parser)]
#[command(name = "ci/fullstack", bin_name = "ci/fullstack", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    batch: Batch,
    /// Run one again, exactly
    #[arg(long, value_name = "SEED|PLAN", group = "mode")]
    replay: Option<String>,
    /// Print the plan, and a line for each transition
    #[arg(long, requires = "replay")]
    trace: bool,
    /// End there, in seconds of virtual time
    #[arg(long, value_name = "SECONDS", requires = "replay")]
    until: Option<u64>,
    /// Write there what clients asked and were told
    #[arg(long, value_name = "FILE", requires = "replay")]
    history: Option<PathBuf>,
    /// Run N seeds twice, in two processes and two environments, and compare
    #[arg(long, value_name = "N", group = "mode")]
    twice: Option<u64>,
    /// Hunt the bugs of the shell, in --seeds each (or 500)
    #[arg(long, group = "mode")]
    mutants: bool,
    /// From how many base seeds each
    #[arg(long, value_name = "N", default_value_t = 1, requires = "mutants")]
    bases: u64,
    /// This one alone
    #[arg(long, value_name = "NAME", requires = "mutants")]
    only: Option<String>,
    /// One run for a batch: its outcome as a line of JSON
    #[arg(long, value_name = "SEED", group = "mode", hide = true)]
    one: Option<String>,
}

impl Cli {
    pub fn run(self) -> ExitCode {
        let done = match (&self.one, &self.replay, self.twice) {
            (Some(which), ..) => one(&self, which),
            (_, Some(which), _) => replay(&self, which),
            (.., Some(seeds)) => twice(&self, seeds),
            (None, None, None) if self.mutants => mutants(&self),
            (None, None, None) => run(&self.batch),
        };
        done.unwrap_or_else(|wrong| {
            eprintln!("ci/fullstack: {wrong}");
            ExitCode::from(2)
        })
    }

    /// The plan of a seed, or in a file; its bug is switched on.
    fn plan(&self, which: &str) -> Result<Plan, String> {
        let mut plan = match which.parse() {
            Ok(seed) => draw(seed),
            Err(_) => Plan::parse(&std::fs::read_to_string(which).map_err(|error| format!("{which}: {error}"))?)?,
        };
        if let Some(mutant) = &self.batch.bug.mutant {
            plan.mutant = Some(mutant.clone());
        }
        let name = plan.mutant.as_deref().unwrap_or("none");
        if mutant::select(name) { Ok(plan) } else { Err(format!("no mutant is called {name} in this build")) }
    }
}

fn run(batch: &Batch) -> Result<ExitCode, String> {
    let (swarm, quiet) = (batch.swarm(), batch.json);
    let (total, first) = swarm::run(&swarm, !quiet)?;
    if quiet {
        println!("{}", total.json());
    } else {
        if let Some(failed) = &first {
            swarm::replay(failed, swarm.mutant.as_deref())?;
        }
        total.print();
    }
    if first.is_none() && swarm.most < u64::MAX && total.seeds() < swarm.most {
        eprintln!("{} of {} seeds were run when the time was over", total.seeds(), swarm.most);
        return Ok(ExitCode::from(Kind::Budget.exit_code()));
    }
    Ok(ExitCode::from(first.map_or(0, |failed| failed.code)))
}

fn mutants(args: &Cli) -> Result<ExitCode, String> {
    let most = args.batch.seeds.unwrap_or(HUNT_SEEDS);
    let swarm = Swarm { most, seconds: Duration::MAX, ..args.batch.swarm() };
    let lived = swarm::mutants(&swarm, args.bases, args.only.as_deref())?;
    println!("{lived} lived");
    Ok(if lived == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn twice(args: &Cli, seeds: u64) -> Result<ExitCode, String> {
    let swarm = Swarm { most: seeds, seconds: Duration::MAX, ..args.batch.swarm() };
    let different = swarm::twice(&swarm)?;
    println!("{} seeds twice: {different} different", swarm.most);
    Ok(ExitCode::from(if different == 0 { 0 } else { 130 }))
}

/// A run for the swarm: one line of JSON.
fn one(args: &Cli, which: &str) -> Result<ExitCode, String> {
    let plan = args.plan(which)?;
    let Outcome { record, virtual_us } = one::run(&plan, Keep::Nothing, u64::MAX);
    let failure = record.failure.as_ref().map(|failure| {
        let code = failure.kind.exit_code();
        json!({ "kind": failure.kind.name(), "code": code, "property": failure.anomaly.kind, "what": failure.anomaly.to_string() })
    });
    let line = json!({
        "seed": plan.seed,
        "events": record.trace.events(),
        "virtual_us": virtual_us,
        "hash": format!("{:016x}", record.trace.value()),
        "lines": record.history.lines.len(),
        "faults": record.faults,
        "marks": record.marks,
        "failure": failure,
    });
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}

fn replay(args: &Cli, which: &str) -> Result<ExitCode, String> {
    let plan = args.plan(which)?;
    let until = args.until.map_or(u64::MAX, |seconds| seconds.saturating_mul(1_000_000));
    let keep = if args.trace { Keep::Print } else { Keep::Last(LINES) };
    if args.trace {
        println!("{}", plan.text());
    }
    let Outcome { record, virtual_us } = one::run(&plan, keep, until);
    if let Some(file) = &args.history {
        let wrong = |error| format!("{}: {error}", file.display());
        let mut to = std::fs::File::create(file).map_err(wrong)?;
        record.history.write(&mut to).map_err(wrong)?;
    }
    let code = record.failure.as_ref().map_or(0, |failure| failure.kind.exit_code());
    if let Some(failure) = &record.failure {
        println!("--- the last {LINES} transitions");
        record.trace.lines().for_each(|line| println!("{line}"));
        println!("--- seed {} failed: {}: {}", plan.seed, failure.kind.name(), failure.anomaly);
        let mutant = plan.mutant.map_or_else(String::new, |name| format!(" --mutant {name}"));
        println!("replay: ci/fullstack --replay {which}{mutant} --trace");
    }
    println!("{} events, {} ms of virtual time", record.trace.events(), virtual_us / 1000);
    println!("trace hash {:016x}", record.trace.value());
    Ok(ExitCode::from(code))
}
