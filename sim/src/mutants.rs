//! Proof that the net catches: every named bug of the core must be found.

use crate::swarm::Swarm;
use esker_core::mutant;
use std::time::Duration;

/// How one mutant fared.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub breaks: &'static str,
    /// Seeds until it was found, from each base seed; `None`: it lived.
    pub seeds: Vec<Option<u64>>,
    /// What spoke.
    pub spoke: Vec<String>,
}

impl Row {
    pub fn lived(&self) -> bool {
        self.seeds.iter().any(Option::is_none)
    }

    fn median(&self) -> Option<u64> {
        let mut seeds: Vec<u64> = self.seeds.iter().copied().flatten().collect();
        seeds.sort_unstable();
        seeds.get(seeds.len() / 2).copied()
    }

    pub fn line(&self) -> String {
        let median = self.median().map_or("lived".to_string(), |median| median.to_string());
        let lived = self.seeds.iter().filter(|seeds| seeds.is_none()).count();
        let lived = if lived > 0 { format!(" ({lived} of {} lived)", self.seeds.len()) } else { String::new() };
        format!("| {} | {} | {} | {median}{lived} |", self.name, self.breaks.trim(), self.spoke.join(", "))
    }
}

/// Hunts one mutant from each of `bases` base seeds, each for `seconds` at most.
pub fn hunt(chosen: mutant::Mutant, bases: u64, jobs: usize, seconds: Duration) -> Row {
    let mut row = Row { name: chosen.name(), breaks: chosen.breaks(), seeds: Vec::new(), spoke: Vec::new() };
    for base in 0..bases {
        let swarm = Swarm {
            seed: 1 + base * 1_000_000,
            jobs,
            seconds,
            most: u64::MAX,
            keep_going: false,
            mutant: Some(chosen.name().into()),
        };
        assert!(mutant::select(chosen.name()), "built without the feature mutants");
        let (total, found, _) = swarm.run(|_, _| {});
        mutant::select("none");
        row.seeds.push(found.as_ref().map(|_| total.seeds));
        let spoke = found.and_then(|outcome| outcome.failure).map(|failure| failure.anomaly.kind.to_string());
        if let Some(spoke) = spoke.filter(|spoke| !row.spoke.contains(spoke)) {
            row.spoke.push(spoke);
        }
        if row.lived() {
            break;
        }
    }
    row
}
