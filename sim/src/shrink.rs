//! Makes a failing plan small: the shortest time, then the fewest faults, clients, and settings with which the same failure comes.

use crate::plan::Plan;
use crate::run::{run, same};
use crate::trace::Keep;
use crate::world::Failure;

/// A plan and how it fails.
struct Hunt<'a> {
    plan: Plan,
    failure: Failure,
    tries: u32,
    told: &'a dyn Fn(&str),
}

/// Shrinks a plan that fails; `None` if it does not.
pub fn shrink(plan: &Plan, told: &dyn Fn(&str)) -> Option<(Plan, Failure)> {
    let failure = run(plan, Keep::Nothing, u64::MAX).failure?;
    let mut hunt = Hunt { plan: plan.clone(), failure, tries: 0, told };
    loop {
        let before = hunt.plan.clone();
        hunt.drop_late_faults();
        hunt.drop_some(
            "faults",
            |plan| plan.faults.len(),
            |plan, place| {
                plan.faults.remove(place);
            },
        );
        hunt.drop_some(
            "clients",
            |plan| plan.clients.len(),
            |plan, place| {
                plan.clients.remove(place);
            },
        );
        hunt.soften();
        if hunt.plan == before {
            break;
        }
    }
    Some((hunt.plan, hunt.failure))
}

impl Hunt<'_> {
    /// Keeps the candidate if it fails in the same way.
    fn keep(&mut self, candidate: Plan) -> bool {
        self.tries += 1;
        match run(&candidate, Keep::Nothing, u64::MAX).failure {
            Some(failure) if same(&failure, &self.failure) => {
                self.plan = candidate;
                self.failure = failure;
                true
            }
            _ => false,
        }
    }

    /// What strikes after the failure cannot matter; the safety phase may end where it does.
    fn drop_late_faults(&mut self) {
        let at = self.failure.anomaly.at;
        let mut candidate = self.plan.clone();
        candidate.faults.retain(|fault| fault.at_us <= at);
        if candidate != self.plan {
            self.keep(candidate);
        }
        // Bisect the length of the safety phase.
        let (mut low, mut high) = (0, self.plan.phases.safety_us);
        while high - low > 200_000 {
            let middle = low + (high - low) / 2;
            let mut candidate = self.plan.clone();
            let gap = candidate.phases.quiet_us - candidate.phases.safety_us;
            candidate.phases.safety_us = middle;
            candidate.phases.quiet_us = middle + gap;
            candidate.faults.retain(|fault| fault.at_us < middle);
            if self.keep(candidate) {
                high = middle;
            } else {
                low = middle;
            }
        }
        (self.told)(&format!(
            "{} faults, safety phase of {} ms, {} tries",
            self.plan.faults.len(),
            self.plan.phases.safety_us / 1000,
            self.tries
        ));
    }

    /// Takes out whatever is not needed, one at a time, from the end.
    fn drop_some(&mut self, what: &str, len: impl Fn(&Plan) -> usize, remove: impl Fn(&mut Plan, usize)) {
        let mut place = len(&self.plan);
        while place > 0 {
            place -= 1;
            let mut candidate = self.plan.clone();
            remove(&mut candidate, place);
            self.keep(candidate);
        }
        (self.told)(&format!("{} {what} left, {} tries", len(&self.plan), self.tries));
    }

    /// Quiet clocks, plain links, no settings of topics.
    fn soften(&mut self) {
        let mut candidate = self.plan.clone();
        candidate.nodes.iter_mut().for_each(|node| (node.drift_ppm, node.wall_off_ms) = (0, 0));
        (candidate.node_links.spike_one_in, candidate.client_links.spike_one_in) = (0, 0);
        if candidate != self.plan {
            self.keep(candidate);
        }
        for topic in 0..self.plan.topics.len() {
            for name in self.plan.topics[topic].settings.keys().cloned().collect::<Vec<_>>() {
                let mut candidate = self.plan.clone();
                candidate.topics[topic].settings.remove(&name);
                self.keep(candidate);
            }
        }
    }
}
