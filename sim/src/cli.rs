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
use clap::{Args, Subcommand, value_parser};
use esker_core::mutant;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What the commands end with.
pub const EXIT_CODES: &str = "Exit codes: 0 ok, 127 panic, 128 liveness, 129 safety, 130 not deterministic, \
131 out of budget, 132 a mark was never reached, 2 wrong usage";

/// The commands of `esker sim`.
#[derive(Subcommand, Debug)]
pub enum Sim {
    /// Run seeds until the time is over or one fails
    Run {
        #[command(flatten)]
        batch: Batch,
        /// Take a mark that no seed reached for an error (some thousand seeds reach all)
        #[arg(long)]
        marks: bool,
    },
    /// Run one again, exactly
    Replay {
        #[command(flatten)]
        one: One,
        /// Print the plan, and a line for each transition
        #[arg(long)]
        trace: bool,
        /// End there, in seconds of virtual time
        #[arg(long, value_name = "SECONDS", default_value_t = u64::MAX / 1_000_000, hide_default_value = true)]
        until: u64,
        /// Write there what clients asked and were told
        #[arg(long, value_name = "FILE")]
        history: Option<PathBuf>,
    },
    /// Print the plan of a seed
    Plan(One),
    /// Make a failing one small, and write its plan
    Shrink {
        #[command(flatten)]
        one: One,
        /// Where the plan goes [default: SEED.plan]
        #[arg(short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a run as one HTML page: a lane for each node and client, roles, epochs, watermarks, faults, what failed
    View {
        #[command(flatten)]
        one: One,
        /// Where the page goes [default: SEED.html]
        #[arg(short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run one twice, in two processes whose surroundings differ, or run two, and show the first line that differs
    Diff {
        /// One, or two
        #[arg(value_name = "SEED|PLAN", num_args = 1..=2, required = true)]
        which: Vec<String>,
        /// The second time by another build of the simulator
        #[arg(long, value_name = "PROGRAM")]
        with: Option<PathBuf>,
        #[command(flatten)]
        bug: Bug,
    },
    /// Hunt every named bug (of a build with the feature mutants)
    Mutants {
        /// From how many base seeds each
        #[arg(long, value_name = "N", default_value_t = 1)]
        bases: u64,
        /// How long from each at most
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u64,
        #[command(flatten)]
        jobs: Jobs,
        /// These alone
        #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
        only: Vec<String>,
        /// Put the table into a file, between the lines `<!-- mutants -->` and `<!-- end of mutants -->`
        #[arg(long, value_name = "FILE")]
        table: Option<PathBuf>,
    },
    /// Judge a history
    Check {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Play a scenario, as tests/scenarios has them, and print it with the answers
    Script {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print a line for each transition
        #[arg(long)]
        trace: bool,
        #[command(flatten)]
        bug: Bug,
    },
    /// List the marks and faults that a batch has to reach, each with the reason
    Marks,
}

/// A named bug of `esker_core::mutant`.
#[derive(Args, Clone, Debug)]
pub struct Bug {
    /// Switch a named bug on (of a build with the feature mutants)
    #[arg(long, value_name = "NAME")]
    pub mutant: Option<String>,
}

/// Which run a command is about.
#[derive(Args, Clone, Debug)]
pub struct One {
    /// A seed, or the file of a plan
    #[arg(value_name = "SEED|PLAN")]
    which: String,
    #[command(flatten)]
    bug: Bug,
}

/// How many run at once.
#[derive(Args, Clone, Copy, Debug)]
pub struct Jobs {
    /// How many run at once [default: one a core]
    #[arg(long, value_name = "J", value_parser = value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Jobs {
    fn number(self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(cores, usize::from)
    }
}

/// Many seeds: what a batch of either simulator takes.
#[derive(Args, Clone, Debug)]
pub struct Batch {
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many seeds at most; fewer within the time are an error
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// How long at most
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    #[command(flatten)]
    jobs: Jobs,
    /// Do not end at the first seed that fails
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    pub bug: Bug,
    /// Print one object of JSON, for scripts
    #[arg(long)]
    pub json: bool,
}

impl Batch {
    pub fn swarm(&self) -> Swarm {
        Swarm {
            seed: self.seed,
            jobs: self.jobs.number(),
            seconds: Duration::from_secs(self.seconds),
            most: self.seeds.unwrap_or(u64::MAX),
            keep_going: self.keep_going,
            mutant: self.bug.mutant.clone(),
        }
    }
}

impl Sim {
    /// Does it; what cannot be done is told on standard error.
    pub fn run(self) -> ExitCode {
        let done = match self {
            Self::Run { batch, marks } => command_run(&batch, marks),
            Self::Replay { one, trace, until, history } => replay(&one, trace, until, history.as_deref()),
            Self::Plan(one) => one.plan().map(|plan| {
                say!("{}", plan.text());
                ExitCode::SUCCESS
            }),
            Self::Shrink { one, output } => command_shrink(&one, output),
            Self::View { one, output } => view(&one, output),
            Self::Diff { which, with, bug } => diff(&which, with, bug.mutant),
            Self::Mutants { bases, seconds, jobs, only, table } => {
                mutants(bases, Duration::from_secs(seconds), jobs.number(), &only, table.as_deref())
            }
            Self::Check { file } => check(&file),
            Self::Script { file, trace, bug } => script(&file, trace, bug.mutant.as_deref()),
            Self::Marks => {
                marks::ALL.iter().for_each(|mark| say!("{:<28} {}", mark.name(), mark.why().trim()));
                marks::MENU.iter().for_each(|(name, what)| say!("{name:<28} {what}"));
                Ok(ExitCode::SUCCESS)
            }
        };
        done.unwrap_or_else(|wrong| {
            eprintln!("esker sim: {wrong}");
            ExitCode::from(2)
        })
    }
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

/// What is wrong with a file, and which.
fn about(file: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", file.display())
}

fn script(file: &Path, trace: bool, mutant: Option<&str>) -> Result<ExitCode, String> {
    let text = std::fs::read_to_string(file).map_err(about(file))?;
    choose(mutant)?;
    let played = play(&text, if trace { Keep::Print } else { Keep::Nothing });
    say!("{}", played.text.trim_end());
    Ok(match played.broken {
        None => ExitCode::SUCCESS,
        Some(broken) => {
            eprintln!("{broken}");
            ExitCode::from(1)
        }
    })
}

fn command_run(batch: &Batch, marks: bool) -> Result<ExitCode, String> {
    let swarm = batch.swarm();
    choose(swarm.mutant.as_deref())?;
    let quiet = batch.json;
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
    if code == 0 && marks && !total.missed().is_empty() {
        eprintln!("esker sim: the batch never reached some of the marks");
        code = report::MISSED;
    }
    Ok(ExitCode::from(code))
}

impl One {
    fn plan(&self) -> Result<Plan, String> {
        let mut plan = match self.which.parse() {
            Ok(seed) => plan_of(seed, None),
            Err(_) => Plan::parse(&std::fs::read_to_string(&self.which).map_err(about(Path::new(&self.which)))?)?,
        };
        if let Some(mutant) = &self.bug.mutant {
            plan.mutant = Some(mutant.clone());
        }
        Ok(plan)
    }
}

fn replay(one: &One, trace: bool, until: u64, history: Option<&Path>) -> Result<ExitCode, String> {
    let plan = one.plan()?;
    choose(plan.mutant.as_deref())?;
    let keep = if trace { Keep::Print } else { Keep::Last(LINES) };
    if trace {
        say!("{}", plan.text());
    }
    let outcome = run(&plan, keep, until.saturating_mul(1_000_000));
    if let Some(file) = history {
        let mut to = std::fs::File::create(file).map_err(about(file))?;
        outcome.history.write(&mut to).map_err(about(file))?;
    }
    report::failure(&outcome, &report::replay(&one.which, one.bug.mutant.as_deref()));
    say!("{} events, {} ms of virtual time", outcome.events, outcome.virtual_us / 1000);
    say!("state hash {:016x}", outcome.state);
    say!("trace hash {:016x}", outcome.hash);
    Ok(ExitCode::from(outcome.failure.map_or(0, |failure| failure.kind.exit_code())))
}

fn command_shrink(one: &One, output: Option<PathBuf>) -> Result<ExitCode, String> {
    let plan = one.plan()?;
    choose(plan.mutant.as_deref())?;
    let Some((small, failure)) = shrink(&plan, &|line| eprintln!("{line}")) else {
        say!("seed {} does not fail", plan.seed);
        return Ok(ExitCode::SUCCESS);
    };
    let file = output.unwrap_or_else(|| format!("{}.plan", plan.seed).into());
    std::fs::write(&file, small.text()).map_err(about(&file))?;
    say!("{}: {}\nreplay: esker sim replay {} --trace", failure.kind.name(), failure.anomaly, file.display());
    Ok(ExitCode::from(failure.kind.exit_code()))
}

fn view(one: &One, output: Option<PathBuf>) -> Result<ExitCode, String> {
    let plan = one.plan()?;
    choose(plan.mutant.as_deref())?;
    let file = output.unwrap_or_else(|| format!("{}.html", plan.seed).into());
    let page = crate::view::page(&plan);
    std::fs::write(&file, &page).map_err(about(&file))?;
    say!("{}: {} KB; open it in a browser", file.display(), page.len() / 1024);
    Ok(ExitCode::SUCCESS)
}

fn diff(which: &[String], with: Option<PathBuf>, mutant: Option<String>) -> Result<ExitCode, String> {
    let mutant = mutant.map_or_else(Vec::new, |name| vec!["--mutant".into(), name]);
    let words = |which: Option<&String>| [which.cloned().as_slice(), &mutant].concat();
    let (first, second) = (words(which.first()), words(which.last()));
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let other = with.unwrap_or_else(|| own.clone());
    // In the shipped binary the word `sim` stands before the verb.
    let verb_before: Vec<String> = std::env::args().skip(1).take_while(|word| word != "diff").collect();
    let compared = twice::twice(&own, &other, &verb_before, &first, &second)?;
    compared.print();
    let same = matches!(compared, twice::Compared::Same { .. });
    Ok(ExitCode::from(if same { 0 } else { Kind::NotDeterministic.exit_code() }))
}

fn mutants(
    bases: u64,
    seconds: Duration,
    jobs: usize,
    only: &[String],
    table: Option<&Path>,
) -> Result<ExitCode, String> {
    for name in only {
        choose(Some(name))?;
    }
    let mut rows = Vec::new();
    say!("{}", Row::HEAD);
    let core = mutant::ALL.iter().filter(|chosen| !mutant::SHELL.contains(chosen));
    for chosen in core.filter(|chosen| only.is_empty() || only.iter().any(|name| name == chosen.name())) {
        choose(Some(chosen.name()))?;
        let row = hunt(*chosen, bases, jobs, seconds);
        say!("{}", row.line());
        rows.push(row);
    }
    if let Some(file) = table {
        let text = std::fs::read_to_string(file).map_err(about(file))?;
        let text = put_table(&text, &rows).ok_or_else(|| format!("{} has no place for the table", file.display()))?;
        std::fs::write(file, text).map_err(about(file))?;
    }
    let lived: Vec<&str> = rows.iter().filter(|row| row.lived()).map(|row| row.name).collect();
    say!("{} of {} were found{}", rows.len() - lived.len(), rows.len(), if lived.is_empty() { "" } else { "; alive:" });
    lived.iter().for_each(|name| say!("  {name}"));
    Ok(if lived.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(file: &Path) -> Result<ExitCode, String> {
    let from = std::fs::File::open(file).map_err(about(file))?;
    let history =
        History::read(std::io::BufReader::new(from)).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = crate::check::past::judge(&history);
    found.iter().for_each(|anomaly| say!("{anomaly}"));
    say!("{} events, {} anomalies", history.lines.len(), found.len());
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Safety.exit_code()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(subcommand)]
        sim: Sim,
    }

    #[test]
    fn what_has_no_place_on_the_line_is_refused() {
        let parsed = |line: &str| Line::try_parse_from(["sim"].into_iter().chain(line.split(' ')));
        for wrong in [
            "run 4",
            "run --jobs 0",
            "run --seeds 0",
            "run --seconds 0",
            "run --trace",
            "mutants a-bug",
            "replay",
            "replay 1 2",
            "diff 1 2 3",
            "dance",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        for right in
            ["run --seed 4 --jobs 2 --json", "mutants --only a-bug,another", "replay 1 --trace --until 3", "diff 1 2"]
        {
            assert!(parsed(right).is_ok(), "{right}");
        }
    }
}
