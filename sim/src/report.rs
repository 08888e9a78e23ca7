//! What a person, or a script, is told of runs.

use crate::marks::{self, MENU, Table};
use crate::plan::plan_of;
use crate::run::Outcome;
use crate::say::say;
use crate::world::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The sum of many runs.
#[derive(Debug, Default)]
pub struct Total {
    pub seeds: u64,
    pub events: u64,
    pub virtual_us: u64,
    pub failures: Vec<(u64, Failure)>,
    pub faults: Table,
    pub marks: Table,
}

/// The exit code of a batch that failed no seed and yet missed a mark.
pub const MISSED: u8 = 132;

impl Total {
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.virtual_us += outcome.virtual_us;
        if let Some(failure) = &outcome.failure {
            self.failures.push((outcome.seed, failure.clone()));
        }
        for (of, more) in [(&mut self.faults, &outcome.faults), (&mut self.marks, &outcome.marks)] {
            more.iter().for_each(|(name, count)| *of.entry(name).or_default() += count);
        }
    }

    pub fn per_minute(&self, took: Duration) -> u64 {
        (u128::from(self.seeds) * 60_000 / took.as_millis().max(1)) as u64
    }

    /// Marks and faults that were never seen, with the reason why they have to be.
    pub fn missed(&self) -> Vec<(&'static str, &'static str)> {
        let marks = marks::missed(&self.marks).into_iter().map(|mark| (mark.name(), mark.why().trim()));
        let struck = MENU.iter().filter(|(name, _)| !self.faults.contains_key(name)).copied();
        marks.chain(struck).collect()
    }

    /// One object, for scripts.
    pub fn json(&self, took: Duration, mutant: Option<&str>) -> String {
        json!({
            "seeds": self.seeds,
            "events": self.events,
            "virtual_seconds": self.virtual_us / 1_000_000,
            "seconds": took.as_secs(),
            "seeds_per_minute": self.per_minute(took),
            "failures": self.failures.iter().map(|(seed, failure)| failed(*seed, failure, mutant)).collect::<Vec<_>>(),
            "faults": self.faults,
            "marks": self.marks,
            "missed": self.missed().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        })
        .to_string()
    }

    pub fn print(&self, took: Duration) {
        let hours = self.virtual_us / 3_600_000_000;
        let minutes = self.virtual_us / 60_000_000 % 60;
        say!("\nfaults that struck\n{}", columns(&self.faults));
        say!("\nmarks that were hit ({} of {})\n{}", self.marks.len(), marks::ALL.len(), columns(&self.marks));
        let missed = self.missed();
        if !missed.is_empty() {
            say!("\nnever reached");
            missed.iter().for_each(|(name, why)| say!("  {name:<28} {why}"));
        }
        say!(
            "\n{} seeds, {} events, {hours} h {minutes} min of virtual time in {} s: {} seeds a minute",
            self.seeds,
            self.events,
            took.as_secs(),
            self.per_minute(took)
        );
        say!("{} failures", self.failures.len());
        for (seed, failure) in &self.failures {
            say!("  seed {seed}: {}: {}", failure.kind.name(), failure.anomaly);
        }
    }
}

/// A failure for scripts; its plan is whole, so that it can be replayed by whoever has only this.
fn failed(seed: u64, failure: &Failure, mutant: Option<&str>) -> Value {
    json!({
        "seed": seed,
        "kind": failure.kind.name(),
        "property": failure.anomaly.kind,
        "at_us": failure.anomaly.at,
        "what": failure.anomaly.what,
        "replay": replay(seed, mutant),
        "plan": plan_of(seed, mutant),
    })
}

/// Names and counts, four beside each other.
fn columns(of: &BTreeMap<&'static str, u64>) -> String {
    let cells: Vec<String> = of.iter().map(|(name, count)| format!("  {name:<28}{count:>9}")).collect();
    cells.chunks(3).map(|row| row.join("  ")).collect::<Vec<_>>().join("\n")
}

/// The one command that runs it again.
pub fn replay(which: impl fmt::Display, mutant: Option<&str>) -> String {
    let mutant = mutant.map_or_else(String::new, |name| format!(" --mutant {name}"));
    format!("esker sim replay {which}{mutant}")
}

/// A failing seed: kind, virtual time, the last transitions, the one command that replays it.
pub fn failure(outcome: &Outcome, replay: &str) {
    let Some(failure) = &outcome.failure else { return };
    if !outcome.lines.is_empty() {
        say!("--- the last {} transitions", outcome.lines.len());
    }
    outcome.lines.iter().for_each(|line| say!("{line}"));
    say!("--- seed {} failed: {}: {}", outcome.seed, failure.kind.name(), failure.anomaly);
    say!("replay: {replay} --trace");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Anomaly;
    use crate::world::Kind;

    #[test]
    fn a_script_is_told_kind_time_and_plan_of_each_failure() {
        let failure = Failure { kind: Kind::Safety, anomaly: Anomaly::new("duplicate", 7_000_000, "twice") };
        let total = Total { seeds: 3, failures: vec![(5, failure)], ..Total::default() };
        let told: Value = serde_json::from_str(&total.json(Duration::from_secs(2), Some("append-duplicate"))).unwrap();
        for key in ["seeds", "events", "virtual_seconds", "seeds_per_minute", "failures", "faults", "marks"] {
            assert!(told.get(key).is_some(), "{key}");
        }
        assert_eq!(told["seeds_per_minute"], 90);
        let first = &told["failures"][0];
        assert_eq!((&first["kind"], &first["at_us"]), (&json!("safety"), &json!(7_000_000)));
        assert_eq!(first["plan"]["mutant"], "append-duplicate");
        assert_eq!(first["replay"], "esker sim replay 5 --mutant append-duplicate");
    }
}
