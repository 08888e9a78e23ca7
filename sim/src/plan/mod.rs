//! A run as data: everything that happens in it follows from its plan.
//!
//! # The format
//!
//! A plan is one JSON object, `esker_plan` its version (now 1); fields not named in a version are refused, so that a plan never
//! means something else than it says. Times are in microseconds of virtual time (`_us`), nodes are numbered from 1, partitions
//! are numbered through all topics in their order; `sim/README.md` has a line for every field. `esker sim plan SEED` prints the plan of a seed; it can be edited,
//! shrunk, kept in `sim/corpus/` and replayed by `esker sim replay FILE`.

mod draw;
mod draw_faults;
mod draw_groups;
mod draw_kinds;
mod format;
mod part;
mod strike;

pub use draw::draw;
pub use format::{BY_ID, ClientPlan, EXPIRY, NodePlan, Phases, Plan, TopicPlan, VERSION};
pub use strike::{Damage, Fault, Strike, Target};

/// The plan of a seed, with a mutant or without.
pub fn plan_of(seed: u64, mutant: Option<&str>) -> Plan {
    let mut plan = draw(seed);
    plan.mutant = mutant.map(str::to_string);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_text() {
        for seed in 0..200 {
            let plan = draw(seed);
            assert_eq!(Plan::parse(&plan.text()), Ok(plan));
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_plan_and_another_does_not() {
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5).settings, draw(6).settings);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let text = draw(1).text();
        assert!(Plan::parse(&text.replacen("\"esker_plan\": 1", "\"esker_plan\": 2", 1)).is_err());
        assert!(Plan::parse(&text.replacen("\"event_budget\"", "\"event_budgets\"", 1)).is_err());
    }

    #[test]
    fn seeds_differ_in_which_faults_they_know() {
        let kinds =
            |seed| draw(seed).faults.iter().map(|fault| fault.strike.kind()).collect::<std::collections::BTreeSet<_>>();
        let all: std::collections::BTreeSet<_> = (0..300).flat_map(kinds).collect();
        assert_eq!(all.len(), 28, "{all:?}");
        assert!((0..50).any(|seed| kinds(seed).len() <= 2));
        assert!((0..50).any(|seed| kinds(seed).len() >= 5));
    }

    #[test]
    fn faults_are_in_order_and_end_with_the_safety_phase() {
        for seed in 0..300 {
            let plan = draw(seed);
            assert!(plan.faults.is_sorted_by_key(|fault| fault.at_us));
            assert!(plan.faults.iter().all(|fault| fault.at_us < plan.phases.safety_us));
        }
    }
}
