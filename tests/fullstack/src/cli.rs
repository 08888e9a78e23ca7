//! What a person types.

use crate::draw::draw;
use crate::one::{self, Outcome};
use crate::swarm::{self, Swarm};
use esker_core::mutant;
use esker_sim::plan::Plan;
use esker_sim::swarm::LINES;
use esker_sim::trace::Keep;
use esker_sim::world::Kind;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
ci/fullstack [--seconds N] [--jobs J] [--seed S] [--seeds N] [--keep-going] [--mutant NAME] [--json]
    runs seeds until the time is over or one fails
ci/fullstack --replay SEED|PLAN [--trace] [--until SECONDS] [--mutant NAME] [--history FILE]
    runs one again, exactly; PLAN is a file
ci/fullstack --twice N [--seed S] [--jobs J]
    runs N seeds twice, in two processes and two environments, and compares
ci/fullstack --mutants [--bases N] [--seeds N] [--jobs J] [--only NAME]
    hunts the bugs of the shell
exit codes: 0 ok, 127 panic, 128 liveness, 129 safety, 130 not deterministic, 131 out of budget, 2 wrong usage";

/// The command line.
#[derive(Default)]
struct Args<'a>(Vec<(&'a str, &'a str)>);

const FLAGS: &[&str] = &["--trace", "--json", "--keep-going", "--mutants"];
const OPTIONS: &[&str] = &[
    "--seconds",
    "--jobs",
    "--seed",
    "--seeds",
    "--until",
    "--mutant",
    "--bases",
    "--only",
    "--history",
    "--replay",
    "--twice",
    "--one",
];

impl<'a> Args<'a> {
    fn read(args: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut rest = args.iter().map(String::as_str);
        while let Some(arg) = rest.next() {
            if FLAGS.contains(&arg) {
                read.0.push((arg, ""));
            } else if OPTIONS.contains(&arg) {
                read.0.push((arg, rest.next().ok_or_else(|| format!("{arg} needs a value"))?));
            } else {
                return Err(format!("unknown option {arg}"));
            }
        }
        Ok(read)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(option, _)| *option == name).map(|(_, value)| *value)
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        self.text(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("{name} {text}: not a number")))
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some()
    }
}

/// The command.
pub fn main(args: &[String]) -> ExitCode {
    let done = Args::read(args).and_then(|args| match (args.text("--one"), args.text("--replay")) {
        (Some(which), _) => one(&args, which),
        (_, Some(which)) => replay(&args, which),
        (None, None) if args.flag("--mutants") => mutants(&args),
        (None, None) if args.flag("--twice") => twice(&args),
        (None, None) => run(&args),
    });
    done.unwrap_or_else(|wrong| {
        eprintln!("ci/fullstack: {wrong}\n{HELP}");
        ExitCode::from(2)
    })
}

fn swarm(args: &Args<'_>) -> Result<Swarm, String> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    Ok(Swarm {
        seed: args.number("--seed", 1)?,
        jobs: args.number("--jobs", cores)? as usize,
        seconds: Duration::from_secs(args.number("--seconds", 60)?),
        most: args.number("--seeds", u64::MAX)?,
        keep_going: args.flag("--keep-going"),
        mutant: args.text("--mutant").map(str::to_string),
    })
}

fn run(args: &Args<'_>) -> Result<ExitCode, String> {
    let swarm = swarm(args)?;
    let quiet = args.flag("--json");
    let (total, first) = swarm.run(!quiet)?;
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

fn mutants(args: &Args<'_>) -> Result<ExitCode, String> {
    let swarm = Swarm { most: args.number("--seeds", 500)?, seconds: Duration::MAX, ..swarm(args)? };
    let lived = swarm::mutants(&swarm, args.number("--bases", 1)?, args.text("--only"))?;
    println!("{lived} lived");
    Ok(if lived == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn twice(args: &Args<'_>) -> Result<ExitCode, String> {
    let swarm = Swarm { most: args.number("--twice", 10)?, seconds: Duration::MAX, ..swarm(args)? };
    let different = swarm::twice(&swarm)?;
    println!("{} seeds twice: {different} different", swarm.most);
    Ok(ExitCode::from(if different == 0 { 0 } else { 130 }))
}

/// The plan of a seed, or in a file; its bug is switched on.
fn plan(args: &Args<'_>, which: &str) -> Result<Plan, String> {
    let mut plan = match which.parse() {
        Ok(seed) => draw(seed),
        Err(_) => Plan::parse(&std::fs::read_to_string(which).map_err(|error| format!("{which}: {error}"))?)?,
    };
    if let Some(mutant) = args.text("--mutant") {
        plan.mutant = Some(mutant.into());
    }
    let name = plan.mutant.as_deref().unwrap_or("none");
    if mutant::select(name) { Ok(plan) } else { Err(format!("no mutant is called {name} in this build")) }
}

/// A run for the swarm: one line of JSON.
fn one(args: &Args<'_>, which: &str) -> Result<ExitCode, String> {
    let plan = plan(args, which)?;
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

fn replay(args: &Args<'_>, which: &str) -> Result<ExitCode, String> {
    let plan = plan(args, which)?;
    let until = args.number("--until", u64::MAX / 1_000_000)?.saturating_mul(1_000_000);
    let keep = if args.flag("--trace") { Keep::Print } else { Keep::Last(LINES) };
    if args.flag("--trace") {
        println!("{}", plan.text());
    }
    let Outcome { record, virtual_us } = one::run(&plan, keep, until);
    if let Some(file) = args.text("--history") {
        let mut to = std::fs::File::create(file).map_err(|error| format!("{file}: {error}"))?;
        record.history.write(&mut to).map_err(|error| format!("{file}: {error}"))?;
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
