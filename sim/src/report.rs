//! What a person, or a script, is told of runs.

use crate::run::Outcome;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The sum of many runs.
#[derive(Debug, Default)]
pub struct Total {
    pub seeds: u64,
    pub events: u64,
    pub virtual_us: u64,
    pub failures: Vec<(u64, String)>,
    pub faults: BTreeMap<&'static str, u64>,
    pub marks: BTreeMap<&'static str, u64>,
}

impl Total {
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.virtual_us += outcome.virtual_us;
        if let Some(failure) = &outcome.failure {
            self.failures.push((outcome.seed, format!("{}: {}", failure.kind.name(), failure.anomaly)));
        }
        for (name, count) in &outcome.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (name, count) in &outcome.marks {
            *self.marks.entry(name).or_default() += count;
        }
    }

    fn per_minute(&self, took: Duration) -> u64 {
        (u128::from(self.seeds) * 60_000 / took.as_millis().max(1)) as u64
    }

    /// One object, for scripts.
    pub fn json(&self, took: Duration) -> String {
        json!({
            "seeds": self.seeds,
            "events": self.events,
            "virtual_seconds": self.virtual_us / 1_000_000,
            "seconds": took.as_secs(),
            "seeds_per_minute": self.per_minute(took),
            "failures": self.failures.iter().map(|(seed, what)| json!({ "seed": seed, "what": what })).collect::<Vec<_>>(),
            "faults": self.faults,
            "marks": self.marks,
        })
        .to_string()
    }

    pub fn print(&self, took: Duration) {
        let hours = self.virtual_us / 3_600_000_000;
        let minutes = self.virtual_us / 60_000_000 % 60;
        println!(
            "{} seeds, {} events, {hours} h {minutes} min of virtual time in {} s: {} seeds a minute",
            self.seeds,
            self.events,
            took.as_secs(),
            self.per_minute(took)
        );
        println!("faults: {}", counts(&self.faults));
        println!("marks:  {}", counts(&self.marks));
        println!("{} failures", self.failures.len());
        self.failures.iter().for_each(|(seed, what)| println!("  seed {seed}: {what}"));
    }
}

fn counts(of: &BTreeMap<&'static str, u64>) -> String {
    of.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// A failing seed: kind, virtual time, the last transitions, the one command that replays it.
pub fn failure(outcome: &Outcome, mutant: Option<&str>) {
    let Some(failure) = &outcome.failure else { return };
    println!("--- the last {} transitions", outcome.lines.len());
    outcome.lines.iter().for_each(|line| println!("{line}"));
    println!("--- seed {} failed: {}: {}", outcome.seed, failure.kind.name(), failure.anomaly);
    let mutant = mutant.map_or_else(String::new, |name| format!(" --mutant {name}"));
    println!("replay: esker sim replay {}{mutant} --trace", outcome.seed);
}
