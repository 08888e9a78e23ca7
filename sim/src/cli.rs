//! `esker sim …`: what a person types.

use crate::history::History;
use crate::marks;
use crate::mutants::{Row, hunt, put_table};
use crate::plan::{Plan, plan_of};
use crate::progress::{self, Progress};
use crate::report;
use crate::run::run;
use crate::say::say;
use crate::script::play;
use crate::shrink::shrink;
use crate::swarm::{LINES, Swarm, again};
use crate::trace::Keep;
use crate::twice;
use crate::world::Kind;
use esker_core::mutant;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
esker sim run [--seconds N] [--jobs J] [--seed S] [--seeds N] [--keep-going] [--mutant NAME] [--marks] [--json]
    runs seeds until the time is over or one fails; --marks: a mark that none reached is an error (some thousand seeds reach all)
esker sim replay SEED|PLAN [--trace] [--until SECONDS] [--mutant NAME] [--history FILE]
    runs one again, exactly; PLAN is a file
esker sim plan SEED
    prints the plan of a seed
esker sim shrink SEED|PLAN [--mutant NAME] [-o FILE]
    makes a failing one small, and writes its plan
esker sim view SEED|PLAN [--mutant NAME] [-o FILE]
    writes a run as one HTML page: a lane for each node and client, roles, epochs, watermarks, faults, what failed
esker sim diff SEED|PLAN [SEED|PLAN] [--with PROGRAM] [--mutant NAME]
    runs it twice, in two processes whose surroundings differ (or by another build of the simulator), or runs two plans, and
    shows the first line of the trace that differs
esker sim mutants [--bases N] [--seconds N] [--jobs J] [--only NAME,…] [--table FILE]
    hunts every named bug (built with the feature mutants) from each of N base seeds, N seconds at most each; --table puts the
    table into a file, between the lines `<!-- mutants -->` and `<!-- end of mutants -->`
esker sim check FILE
    judges a history
esker sim script FILE [--trace] [--mutant NAME]
    plays a scenario, as tests/scenarios has them, and prints it with the answers
esker sim marks
    lists the marks and faults that a batch has to reach, each with the reason
exit codes: 0 ok, 127 panic, 128 liveness, 129 safety, 130 not deterministic, 131 out of budget, 132 a mark was never reached, 2 wrong usage";

/// What stands behind the verb.
struct Args<'a> {
    plain: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

const FLAGS: &[&str] = &["--trace", "--json", "--keep-going", "--marks"];
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
    "-o",
    "--with",
    "--table",
];

impl<'a> Args<'a> {
    fn read(args: &'a [String]) -> Result<Self, String> {
        let mut read = Self { plain: Vec::new(), options: Vec::new() };
        let mut rest = args.iter().map(String::as_str);
        while let Some(arg) = rest.next() {
            if FLAGS.contains(&arg) {
                read.options.push((arg, ""));
            } else if OPTIONS.contains(&arg) {
                read.options.push((arg, rest.next().ok_or_else(|| format!("{arg} needs a value"))?));
            } else if arg.starts_with('-') {
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
        say!("{HELP}");
        return ExitCode::from(2);
    };
    let done = Args::read(rest).and_then(|args| match verb.as_str() {
        "run" => command_run(&args),
        "replay" => replay(&args),
        "plan" => plan(&args).map(|plan| {
            say!("{}", plan.text());
            ExitCode::SUCCESS
        }),
        "shrink" => command_shrink(&args),
        "view" => view(&args),
        "diff" => diff(&args),
        "mutants" => mutants(&args),
        "check" => check(&args),
        "script" => script(&args),
        "marks" => {
            marks::ALL.iter().for_each(|mark| say!("{:<28} {}", mark.name(), mark.why().trim()));
            marks::MENU.iter().for_each(|(name, what)| say!("{name:<28} {what}"));
            Ok(ExitCode::SUCCESS)
        }
        "help" | "--help" | "-h" => {
            say!("{HELP}");
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
    say!("{}", played.text.trim_end());
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
    if !quiet {
        progress::outlook(&swarm);
    }
    let progress = Progress::default();
    let (total, first, took) = swarm.run(|total, took| progress.show(total, took));
    progress.end();
    let mut code = first.map_or(0, |outcome| {
        let second = again(&plan_of(outcome.seed, swarm.mutant.as_deref()), &outcome);
        if !quiet {
            report::failure(&second, &report::replay(outcome.seed, swarm.mutant.as_deref()));
        }
        second.failure.as_ref().map_or(0, |failure| failure.kind.exit_code())
    });
    if quiet {
        say!("{}", total.json(took, swarm.mutant.as_deref()));
    } else {
        total.print(took);
    }
    if code == 0 && swarm.most < u64::MAX && total.seeds < swarm.most {
        eprintln!("esker sim: {} of {} seeds were run when the time was over", total.seeds, swarm.most);
        code = Kind::Budget.exit_code();
    }
    if code == 0 && args.flag("--marks") && !total.missed().is_empty() {
        eprintln!("esker sim: the batch never reached some of the marks");
        code = report::MISSED;
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
        say!("{}", plan.text());
    }
    let outcome = run(&plan, keep, until);
    if let Some(file) = args.text("--history") {
        let mut to = std::fs::File::create(file).map_err(|error| format!("{file}: {error}"))?;
        outcome.history.write(&mut to).map_err(|error| format!("{file}: {error}"))?;
    }
    report::failure(&outcome, &report::replay(args.plain[0], args.text("--mutant")));
    say!("{} events, {} ms of virtual time", outcome.events, outcome.virtual_us / 1000);
    say!("state hash {:016x}", outcome.state);
    say!("trace hash {:016x}", outcome.hash);
    Ok(ExitCode::from(outcome.failure.map_or(0, |failure| failure.kind.exit_code())))
}

fn command_shrink(args: &Args<'_>) -> Result<ExitCode, String> {
    let plan = plan(args)?;
    choose(plan.mutant.as_deref())?;
    let Some((small, failure)) = shrink(&plan, &|line| eprintln!("{line}")) else {
        say!("seed {} does not fail", plan.seed);
        return Ok(ExitCode::SUCCESS);
    };
    let file = args.text("-o").map_or_else(|| format!("{}.plan", plan.seed), str::to_string);
    std::fs::write(&file, small.text()).map_err(|error| format!("{file}: {error}"))?;
    say!("{}: {}\nreplay: esker sim replay {file} --trace", failure.kind.name(), failure.anomaly);
    Ok(ExitCode::from(failure.kind.exit_code()))
}

fn view(args: &Args<'_>) -> Result<ExitCode, String> {
    let plan = plan(args)?;
    choose(plan.mutant.as_deref())?;
    let file = args.text("-o").map_or_else(|| format!("{}.html", plan.seed), str::to_string);
    let page = crate::view::page(&plan);
    std::fs::write(&file, &page).map_err(|error| format!("{file}: {error}"))?;
    say!("{file}: {} KB; open it in a browser", page.len() / 1024);
    Ok(ExitCode::SUCCESS)
}

fn diff(args: &Args<'_>) -> Result<ExitCode, String> {
    let (first, second) = match args.plain[..] {
        [one] => (one, one),
        [one, other] => (one, other),
        _ => return Err("name one or two seeds or plans".into()),
    };
    let mutant = args.text("--mutant").map_or_else(Vec::new, |name| vec!["--mutant".into(), name.into()]);
    let words = |which: &str| [&[which.to_string()], &mutant[..]].concat();
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let other = args.text("--with").map_or_else(|| own.clone(), PathBuf::from);
    // In the shipped binary the word `sim` stands before the verb.
    let verb_before: Vec<String> = std::env::args().skip(1).take_while(|word| word != "diff").collect();
    let compared = twice::twice(&own, &other, &verb_before, &words(first), &words(second))?;
    compared.print();
    let same = matches!(compared, twice::Compared::Same { .. });
    Ok(ExitCode::from(if same { 0 } else { Kind::NotDeterministic.exit_code() }))
}

fn mutants(args: &Args<'_>) -> Result<ExitCode, String> {
    let seconds = Duration::from_secs(args.number("--seconds", 60)?);
    let jobs = args.number("--jobs", cores())? as usize;
    let bases = args.number("--bases", 1)?;
    let only: Vec<&str> = args.text("--only").map_or_else(Vec::new, |names| names.split(',').collect());
    for name in &only {
        choose(Some(name))?;
    }
    let mut rows = Vec::new();
    say!("{}", Row::HEAD);
    let core = mutant::ALL.iter().filter(|chosen| !mutant::SHELL.contains(chosen));
    for chosen in core.filter(|chosen| only.is_empty() || only.contains(&chosen.name())) {
        choose(Some(chosen.name()))?;
        let row = hunt(*chosen, bases, jobs, seconds);
        say!("{}", row.line());
        rows.push(row);
    }
    if let Some(file) = args.text("--table") {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let text = put_table(&text, &rows).ok_or_else(|| format!("{file} has no place for the table"))?;
        std::fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    let lived: Vec<&str> = rows.iter().filter(|row| row.lived()).map(|row| row.name).collect();
    say!("{} of {} were found{}", rows.len() - lived.len(), rows.len(), if lived.is_empty() { "" } else { "; alive:" });
    lived.iter().for_each(|name| say!("  {name}"));
    Ok(if lived.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(args: &Args<'_>) -> Result<ExitCode, String> {
    let [file] = args.plain[..] else { return Err("name one history".into()) };
    let from = std::fs::File::open(file).map_err(|error| format!("{file}: {error}"))?;
    let history = History::read(std::io::BufReader::new(from)).map_err(|error| format!("{file}: {error}"))?;
    let found = crate::check::past::judge(&history);
    found.iter().for_each(|anomaly| say!("{anomaly}"));
    say!("{} events, {} anomalies", history.lines.len(), found.len());
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Safety.exit_code()) })
}
