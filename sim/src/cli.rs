//! `esker sim …`: what a person types.

use crate::history::History;
use crate::mutants::hunt;
use crate::plan::Plan;
use crate::report;
use crate::run::run;
use crate::script::play;
use crate::shrink::shrink;
use crate::swarm::{LINES, Swarm, again, plan_of};
use crate::trace::Keep;
use esker_core::mutant;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
esker sim run [--seconds N] [--jobs J] [--seed S] [--seeds N] [--keep-going] [--mutant NAME] [--json]
    runs seeds until the time is over or one fails
esker sim replay SEED|PLAN [--trace] [--until SECONDS] [--mutant NAME] [--history FILE]
    runs one again, exactly; PLAN is a file
esker sim plan SEED
    prints the plan of a seed
esker sim shrink SEED|PLAN [--mutant NAME] [--out FILE]
    makes a failing one small, and writes its plan
esker sim mutants [--bases N] [--seconds N] [--jobs J] [--only NAME]
    hunts every named bug (built with the feature mutants)
esker sim check FILE
    judges a history
esker sim script FILE [--trace] [--mutant NAME]
    plays a scenario, as tests/scenarios has them, and prints it with the answers
exit codes: 0 ok, 127 panic, 128 liveness, 129 safety, 130 not deterministic, 131 out of budget, 2 wrong usage";

/// What stands behind the verb.
struct Args<'a> {
    plain: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

const FLAGS: &[&str] = &["--trace", "--json", "--keep-going"];
const OPTIONS: &[&str] =
    &["--seconds", "--jobs", "--seed", "--seeds", "--until", "--mutant", "--out", "--bases", "--only", "--history"];

impl<'a> Args<'a> {
    fn read(args: &'a [String]) -> Result<Self, String> {
        let mut read = Self { plain: Vec::new(), options: Vec::new() };
        let mut rest = args.iter().map(String::as_str);
        while let Some(arg) = rest.next() {
            if FLAGS.contains(&arg) {
                read.options.push((arg, ""));
            } else if OPTIONS.contains(&arg) {
                read.options.push((arg, rest.next().ok_or_else(|| format!("{arg} needs a value"))?));
            } else if arg.starts_with("--") {
                return Err(format!("unknown option {arg}"));
            } else {
                read.plain.push(arg);
            }
        }
        Ok(read)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.options.iter().find(|(option, _)| *option == name).map(|(_, value)| *value)
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        self.text(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("{name} {text}: not a number")))
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some()
    }
}

/// The command `esker sim`; `args` begin with the verb.
pub fn main(args: &[String]) -> ExitCode {
    let Some((verb, rest)) = args.split_first() else {
        println!("{HELP}");
        return ExitCode::from(2);
    };
    let done = Args::read(rest).and_then(|args| match verb.as_str() {
        "run" => command_run(&args),
        "replay" => replay(&args),
        "plan" => plan(&args).map(|plan| {
            println!("{}", plan.text());
            ExitCode::SUCCESS
        }),
        "shrink" => command_shrink(&args),
        "mutants" => mutants(&args),
        "check" => check(&args),
        "script" => script(&args),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(format!("unknown command {other}")),
    });
    done.unwrap_or_else(|wrong| {
        eprintln!("esker sim: {wrong}\n{HELP}");
        ExitCode::from(2)
    })
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

/// Switches the plan's bug on, if there is one.
fn choose(mutant: Option<&str>) -> Result<(), String> {
    let name = mutant.unwrap_or("none");
    if mutant::select(name) {
        return Ok(());
    }
    if mutant::ALL.iter().any(|known| known.name() == name) {
        return Err(format!("the mutant {name} needs a build with the feature mutants"));
    }
    Err(format!("no mutant is called {name}"))
}

fn script(args: &Args<'_>) -> Result<ExitCode, String> {
    let [file] = args.plain[..] else { return Err("script needs one FILE".into()) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    choose(args.text("--mutant"))?;
    let played = play(&text, if args.flag("--trace") { Keep::Print } else { Keep::Nothing });
    print!("{}", played.text);
    Ok(match played.broken {
        None => ExitCode::SUCCESS,
        Some(broken) => {
            eprintln!("{broken}");
            ExitCode::from(1)
        }
    })
}

fn command_run(args: &Args<'_>) -> Result<ExitCode, String> {
    let swarm = Swarm {
        seed: args.number("--seed", 1)?,
        jobs: args.number("--jobs", cores())? as usize,
        seconds: Duration::from_secs(args.number("--seconds", 60)?),
        most: args.number("--seeds", u64::MAX)?,
        keep_going: args.flag("--keep-going"),
        mutant: args.text("--mutant").map(str::to_string),
    };
    choose(swarm.mutant.as_deref())?;
    let quiet = args.flag("--json");
    let (total, first, took) = swarm.run(|total, took| {
        if !quiet {
            eprintln!(
                "{:>4} s  {} seeds, {} events, {} failures",
                took.as_secs(),
                total.seeds,
                total.events,
                total.failures.len()
            );
        }
    });
    let code = first.map_or(0, |outcome| {
        let second = again(&plan_of(outcome.seed, swarm.mutant.as_deref()), &outcome);
        if !quiet {
            report::failure(&second, swarm.mutant.as_deref());
        }
        second.failure.as_ref().map_or(0, |failure| failure.kind.exit_code())
    });
    if quiet {
        println!("{}", total.json(took));
    } else {
        total.print(took);
    }
    Ok(ExitCode::from(code))
}

/// The plan that a command is about: of a seed, or in a file.
fn plan(args: &Args<'_>) -> Result<Plan, String> {
    let [which] = args.plain[..] else { return Err("name one seed or plan".into()) };
    let mut plan = match which.parse() {
        Ok(seed) => plan_of(seed, None),
        Err(_) => Plan::parse(&std::fs::read_to_string(which).map_err(|error| format!("{which}: {error}"))?)?,
    };
    if let Some(mutant) = args.text("--mutant") {
        plan.mutant = Some(mutant.into());
    }
    Ok(plan)
}

fn replay(args: &Args<'_>) -> Result<ExitCode, String> {
    let plan = plan(args)?;
    choose(plan.mutant.as_deref())?;
    let until = args.number("--until", u64::MAX / 1_000_000)?.saturating_mul(1_000_000);
    let keep = if args.flag("--trace") { Keep::Print } else { Keep::Last(LINES) };
    if args.flag("--trace") {
        println!("{}", plan.text());
    }
    let outcome = run(&plan, keep, until);
    if let Some(file) = args.text("--history") {
        let mut to = std::fs::File::create(file).map_err(|error| format!("{file}: {error}"))?;
        outcome.history.write(&mut to).map_err(|error| format!("{file}: {error}"))?;
    }
    report::failure(&outcome, plan.mutant.as_deref());
    println!("{} events, {} ms of virtual time", outcome.events, outcome.virtual_us / 1000);
    println!("trace hash {:016x}", outcome.hash);
    Ok(ExitCode::from(outcome.failure.map_or(0, |failure| failure.kind.exit_code())))
}

fn command_shrink(args: &Args<'_>) -> Result<ExitCode, String> {
    let plan = plan(args)?;
    choose(plan.mutant.as_deref())?;
    let Some((small, failure)) = shrink(&plan, &|line| eprintln!("{line}")) else {
        println!("seed {} does not fail", plan.seed);
        return Ok(ExitCode::SUCCESS);
    };
    let file = args.text("--out").map_or_else(|| format!("{}.plan", plan.seed), str::to_string);
    std::fs::write(&file, small.text()).map_err(|error| format!("{file}: {error}"))?;
    println!("{}: {}\nreplay: esker sim replay {file} --trace", failure.kind.name(), failure.anomaly);
    Ok(ExitCode::from(failure.kind.exit_code()))
}

fn mutants(args: &Args<'_>) -> Result<ExitCode, String> {
    let seconds = Duration::from_secs(args.number("--seconds", 60)?);
    let jobs = args.number("--jobs", cores())? as usize;
    let bases = args.number("--bases", 1)?;
    let only = args.text("--only");
    let mut lived = 0;
    println!("| mutant | what it breaks | which promise spoke | median seeds to kill |\n|---|---|---|---|");
    let core = mutant::ALL.iter().filter(|chosen| !mutant::SHELL.contains(chosen));
    for chosen in core.filter(|chosen| only.is_none_or(|only| only == chosen.name())) {
        choose(Some(chosen.name()))?;
        let row = hunt(*chosen, bases, jobs, seconds);
        println!("{}", row.line());
        lived += u32::from(row.lived());
    }
    println!("{lived} lived");
    Ok(if lived == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(args: &Args<'_>) -> Result<ExitCode, String> {
    let [file] = args.plain[..] else { return Err("name one history".into()) };
    let from = std::fs::File::open(file).map_err(|error| format!("{file}: {error}"))?;
    let history = History::read(std::io::BufReader::new(from)).map_err(|error| format!("{file}: {error}"))?;
    let found = crate::check::past::judge(&history);
    found.iter().for_each(|anomaly| println!("{anomaly}"));
    println!("{} events, {} anomalies", history.lines.len(), found.len());
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(crate::world::Kind::Safety.exit_code()) })
}
