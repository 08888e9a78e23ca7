//! Many seeds, a process each.

use esker_core::mutant::{ALL, SHELL};
use esker_sim::swarm::Swarm;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a seed may take on a busy machine: it needs a fraction of a second. A task that never waits stops virtual time,
/// and no budget of events ends it.
const HANGS: Duration = Duration::from_secs(120);

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Ran {
    pub seed: u64,
    /// The exit code that its failure has; 0: none.
    pub code: u8,
    told: Value,
}

/// The sum of many runs.
#[derive(Debug, Default)]
pub struct Total {
    seeds: u64,
    events: u64,
    virtual_us: u64,
    took: Duration,
    failures: Vec<(u64, String)>,
    faults: BTreeMap<String, u64>,
    marks: BTreeMap<String, u64>,
}

/// Runs a seed in a process of its own; `padding` changes what must not matter.
fn run_one(seed: u64, mutant: Option<&str>, padding: Option<&str>) -> Result<Ran, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["--one", &seed.to_string()]).stdin(Stdio::null()).stderr(Stdio::piped());
    if let Some(mutant) = mutant {
        command.args(["--mutant", mutant]);
    }
    if let Some(padding) = padding {
        command.env("PADDING", padding).env("RUST_LOG", "trace").env("MALLOC_PERTURB_", "85").env("TZ", "Asia/Tokyo");
    }
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let began = Instant::now();
    // What it says fits into the pipe.
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if began.elapsed() > HANGS {
            child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            let what = format!("it did not end within {} s", HANGS.as_secs());
            let failure = json!({ "kind": "budget", "code": 131, "property": "hangs", "what": what });
            return Ok(Ran { seed, code: 131, told: json!({ "failure": failure }) });
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    match serde_json::from_str::<Value>(text.trim()) {
        Ok(told) => {
            let code = told["failure"]["code"].as_u64().unwrap_or(0) as u8;
            Ok(Ran { seed, code, told })
        }
        // It could not even say what happened.
        Err(_) => {
            let what = format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
            let failure = json!({ "kind": "panic", "code": 127, "property": "panic", "what": what });
            Ok(Ran { seed, code: 127, told: json!({ "failure": failure }) })
        }
    }
}

/// Runs a failed seed again, to be read: its last transitions and the command that replays it.
pub fn replay(failed: &Ran, mutant: Option<&str>) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["--replay", &failed.seed.to_string()]);
    if let Some(mutant) = mutant {
        command.args(["--mutant", mutant]);
    }
    command.status().map(|_| ()).map_err(|error| error.to_string())
}

impl Ran {
    fn property(&self) -> &str {
        self.told["failure"]["property"].as_str().unwrap_or("")
    }

    fn what(&self) -> String {
        let failure = &self.told["failure"];
        format!("{}: {}", failure["kind"].as_str().unwrap_or(""), failure["what"].as_str().unwrap_or(""))
    }

    /// What must be the same in every process.
    fn fingerprint(&self) -> String {
        self.told.to_string()
    }
}

/// Runs seeds until the time is over, or one fails. Answers the sum and the failed seed with the smallest number.
pub fn run(swarm: &Swarm, talks: bool) -> Result<(Total, Option<Ran>), String> {
    let began = Instant::now();
    let told = Mutex::new((Total::default(), None::<Ran>, Instant::now()));
    each(swarm, |ran| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, first, last) = &mut *told;
        total.add(&ran);
        let failed = ran.code != 0;
        if failed && first.as_ref().is_none_or(|known| ran.seed < known.seed) {
            *first = Some(ran);
        }
        if talks && last.elapsed() > Duration::from_secs(2) {
            *last = Instant::now();
            let failures = total.failures.len();
            eprintln!("{:>4} s  {} seeds, {failures} failures", began.elapsed().as_secs(), total.seeds);
        }
        !failed || swarm.keep_going
    })?;
    let (mut total, first, _) = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.took = began.elapsed();
    total.failures.sort();
    Ok((total, first))
}

/// Runs seed after seed, on all jobs, until `go_on` says no.
fn each(swarm: &Swarm, go_on: impl Fn(Ran) -> bool + Sync) -> Result<(), String> {
    let wrong = Mutex::new(None);
    swarm.each(|seed| match run_one(seed, swarm.mutant.as_deref(), None) {
        Ok(ran) => go_on(ran),
        Err(why) => {
            *wrong.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            false
        }
    });
    wrong.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Runs each seed again in another environment, and says which come out otherwise.
pub fn twice(swarm: &Swarm) -> Result<u64, String> {
    let padding = "x".repeat(4_321);
    let different = AtomicU64::new(0);
    each(swarm, |first| {
        let second = run_one(first.seed, swarm.mutant.as_deref(), Some(&padding));
        if second.as_ref().map(Ran::fingerprint) != Ok(first.fingerprint()) {
            different.fetch_add(1, Ordering::Relaxed);
            let second = second.map_or_else(|why| why, |second| second.fingerprint());
            println!("seed {} is not deterministic:\n  {}\n  {second}", first.seed, first.fingerprint());
        }
        true
    })?;
    Ok(different.into_inner())
}

/// Hunts the bugs of the shell, each from `bases` first seeds. A seed that fails without the bug as well says nothing.
pub fn mutants(swarm: &Swarm, bases: u64, only: Option<&str>) -> Result<u64, String> {
    let mut lived = 0;
    println!("| mutant | what it breaks | which promise spoke | seeds to kill |\n|---|---|---|---|");
    for mutant in ALL.iter().filter(|one| only.map_or(SHELL.contains(one), |only| only == one.name())) {
        let (mut seeds, mut spoke) = (Vec::new(), Vec::new());
        for base in 0..bases {
            let first = swarm.seed + base * 10_000;
            let hunt = Swarm { seed: first, mutant: Some(mutant.name().into()), keep_going: true, ..swarm.clone() };
            let killed = Mutex::new(None::<Ran>);
            each(&hunt, |ran| {
                if ran.code != 0
                    && run_one(ran.seed, None, None).is_ok_and(|without| without.property() != ran.property())
                {
                    let mut killed = killed.lock().unwrap_or_else(PoisonError::into_inner);
                    killed.get_or_insert(ran);
                    return false;
                }
                true
            })?;
            match killed.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(ran) => {
                    seeds.push((ran.seed - first + 1).to_string());
                    if !spoke.contains(&ran.property().to_string()) {
                        spoke.push(ran.property().to_string());
                    }
                }
                None => {
                    seeds.push(format!("lived {}", hunt.most));
                    lived += 1;
                }
            }
        }
        println!("| {} | {} | {} | {} |", mutant.name(), mutant.breaks().trim(), spoke.join(", "), seeds.join(" "));
    }
    Ok(lived)
}

impl Total {
    /// How many seeds were run.
    pub const fn seeds(&self) -> u64 {
        self.seeds
    }

    fn add(&mut self, ran: &Ran) {
        self.seeds += 1;
        self.events += ran.told["events"].as_u64().unwrap_or(0);
        self.virtual_us += ran.told["virtual_us"].as_u64().unwrap_or(0);
        if ran.code != 0 {
            self.failures.push((ran.seed, ran.what()));
        }
        for (name, sum) in [("faults", &mut self.faults), ("marks", &mut self.marks)] {
            for (kind, count) in ran.told[name].as_object().into_iter().flatten() {
                *sum.entry(kind.clone()).or_default() += count.as_u64().unwrap_or(0);
            }
        }
    }

    fn per_minute(&self) -> u64 {
        (u128::from(self.seeds) * 60_000 / self.took.as_millis().max(1)) as u64
    }

    /// One object, for scripts.
    pub fn json(&self) -> String {
        let failures: Vec<Value> =
            self.failures.iter().map(|(seed, what)| json!({ "seed": seed, "what": what })).collect();
        json!({
            "seeds": self.seeds,
            "events": self.events,
            "virtual_seconds": self.virtual_us / 1_000_000,
            "seconds": self.took.as_secs(),
            "seeds_per_minute": self.per_minute(),
            "failures": failures,
            "faults": self.faults,
            "marks": self.marks,
        })
        .to_string()
    }

    pub fn print(&self) {
        println!(
            "{} seeds, {} events, {} s of virtual time in {} s: {} seeds a minute",
            self.seeds,
            self.events,
            self.virtual_us / 1_000_000,
            self.took.as_secs(),
            self.per_minute()
        );
        println!("faults: {}", counts(&self.faults));
        println!("marks:  {}", counts(&self.marks));
        println!("{} failures", self.failures.len());
        self.failures.iter().for_each(|(seed, what)| println!("  seed {seed}: {what}"));
    }
}

fn counts(of: &BTreeMap<String, u64>) -> String {
    of.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
