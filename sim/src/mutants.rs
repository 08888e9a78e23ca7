//! Proof that the net catches: every named bug of the core must be found.

use crate::plan::plan_of;
use crate::run::{run, same};
use crate::swarm::Swarm;
use crate::trace::Keep;
use esker_core::mutant;
use std::time::{Duration, Instant};

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

/// Between these lines of a document stands the table.
const BEGIN: &str = "<!-- mutants -->\n";
const END: &str = "<!-- end of mutants -->";

/// The document with the table of `rows`; `None`: it has no place for one.
pub fn put_table(document: &str, rows: &[Row]) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let lines: String = rows.iter().map(|row| row.line() + "\n").collect();
    Some(format!("{before}{BEGIN}{}\n{lines}{END}{after}", Row::HEAD))
}

impl Row {
    pub const HEAD: &str =
        "| mutant | what it breaks | which promise spoke | median seeds to kill |\n|---|---|---|---|";

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
        let killed = hunt_from(chosen, 1 + base * 1_000_000, jobs, seconds);
        row.seeds.push(killed.as_ref().map(|(seeds, _)| *seeds));
        if let Some((_, spoke)) = killed.filter(|(_, spoke)| !row.spoke.contains(spoke)) {
            row.spoke.push(spoke);
        }
        if row.lived() {
            break;
        }
    }
    row
}

/// Hunts from one base seed: how many seeds it took, and what spoke. A seed that fails without the bug as well says nothing.
fn hunt_from(chosen: mutant::Mutant, base: u64, jobs: usize, seconds: Duration) -> Option<(u64, String)> {
    let began = Instant::now();
    let mut seed = base;
    while let Some(left) = seconds.checked_sub(began.elapsed()) {
        let swarm =
            Swarm { seed, jobs, seconds: left, most: u64::MAX, keep_going: false, mutant: Some(chosen.name().into()) };
        assert!(mutant::select(chosen.name()), "built without the feature mutants");
        let (_, found, _) = swarm.run(|_, _| {});
        mutant::select("none");
        let outcome = found?;
        let failure = outcome.failure?;
        let without = run(&plan_of(outcome.seed, None), Keep::Nothing, u64::MAX).failure;
        if without.is_none_or(|without| !same(&without, &failure)) {
            return Some((outcome.seed - base + 1, failure.anomaly.kind.to_string()));
        }
        seed = outcome.seed + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seeds: &[Option<u64>]) -> Row {
        Row { name: "a-bug", breaks: " Something.", seeds: seeds.to_vec(), spoke: vec!["duplicate".into()] }
    }

    #[test]
    fn the_table_takes_its_place_and_tells_who_lived() {
        let text = "before\n<!-- mutants -->\nold\n<!-- end of mutants -->\nafter\n";
        let told = put_table(text, &[row(&[Some(3), Some(9), Some(4)])]).unwrap();
        assert!(told.contains("| a-bug | Something. | duplicate | 4 |\n<!-- end"), "{told}");
        assert!(told.starts_with("before\n") && told.ends_with("after\n") && !told.contains("old"));
        assert!(row(&[Some(3), None]).lived());
        assert!(row(&[None]).line().contains("lived"));
        assert_eq!(put_table("nothing", &[]), None);
    }
}
