//! Makes a failing plan small: the shortest time, then the fewest faults, clients, partitions, nodes and settings with which the same
//! failure comes.

use crate::plan::{ClientPlan, Plan, Strike, Target};
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
        hunt.drop_partitions();
        hunt.drop_nodes();
        hunt.soften();
        if hunt.plan == before {
            break;
        }
    }
    Some((hunt.plan, hunt.failure))
}

impl Hunt<'_> {
    /// Keeps the candidate if it fails in the same way. One whose cluster cannot come up would: nobody gets anywhere in it.
    fn keep(&mut self, candidate: Plan) -> bool {
        if candidate.check().is_err() {
            return false;
        }
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
            candidate.faults.retain(|fault| fault.at_us < middle || fault.strike.is_for_good());
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

    /// Takes away the last partition, as long as that goes.
    fn drop_partitions(&mut self) {
        while let Some(candidate) = without_partition(&self.plan) {
            if !self.keep(candidate) {
                break;
            }
        }
        (self.told)(&format!("{} partitions left, {} tries", self.plan.partitions().count(), self.tries));
    }

    /// Takes away the last node, as long as that goes.
    fn drop_nodes(&mut self) {
        while let Some(candidate) = without_node(&self.plan) {
            if !self.keep(candidate) {
                break;
            }
        }
        (self.told)(&format!("{} nodes left, {} tries", self.plan.nodes.len(), self.tries));
    }

    /// Quiet clocks, plain links, no settings.
    fn soften(&mut self) {
        let mut candidate = self.plan.clone();
        candidate.nodes.iter_mut().for_each(|node| (node.drift_ppm, node.wall_off_ms) = (0, 0));
        (candidate.node_links.spike_one_in, candidate.client_links.spike_one_in) = (0, 0);
        if candidate != self.plan {
            self.keep(candidate);
        }
        for name in self.plan.settings.keys().cloned().collect::<Vec<_>>() {
            let mut candidate = self.plan.clone();
            candidate.settings.remove(&name);
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

/// The plan without its last partition, and without the topic if that was its only one; what others say of it goes too. `None`: it
/// is the only one.
fn without_partition(plan: &Plan) -> Option<Plan> {
    let mut plan = plan.clone();
    let last = plan.topics.last_mut()?;
    last.partitions -= 1;
    if last.partitions == 0 {
        plan.topics.pop();
    }
    let (partitions, topics) = (plan.partitions().count() as u32, plan.topics.len() as u32);
    plan.clients.retain_mut(|client| match client {
        ClientPlan::Producer { partitions: of, .. } | ClientPlan::Reader { partitions: of, .. } => {
            of.retain(|partition| *partition < partitions);
            !of.is_empty()
        }
        ClientPlan::Member { topics: of, .. } => {
            of.retain(|topic| *topic < topics);
            !of.is_empty()
        }
        ClientPlan::Admin { .. }
        | ClientPlan::Stranger { .. }
        | ClientPlan::Onlooker { .. }
        | ClientPlan::Bookkeeper { .. }
        | ClientPlan::GroupAdmin { .. }
        | ClientPlan::Keeper { .. } => true,
    });
    plan.faults.retain_mut(|fault| match fault.strike.target_mut() {
        Some(Target::Leader(partition)) => *partition < partitions,
        Some(Target::Nodes(_) | Target::All | Target::Controller) | None => true,
    });
    (partitions > 0).then_some(plan)
}

/// The plan without its last node: nobody has more replicas than nodes, and no fault names it. `None`: it is the only one.
fn without_node(plan: &Plan) -> Option<Plan> {
    let mut plan = plan.clone();
    plan.nodes.pop();
    let nodes = plan.nodes.len() as u32;
    plan.topics.iter_mut().for_each(|topic| topic.replicas = topic.replicas.min(nodes));
    let settings = plan.topics.iter_mut().map(|topic| &mut topic.settings).chain([&mut plan.settings]);
    for of in settings {
        for name in ["default.replication.factor", "offsets.topic.replication.factor", "min.insync.replicas"] {
            if let Some(count) = of.get_mut(name)
                && count.parse().is_ok_and(|count: u32| count > nodes)
            {
                *count = nodes.to_string();
            }
        }
    }
    plan.faults.retain_mut(|fault| match &mut fault.strike {
        Strike::Cut { from, to, .. } => *from <= nodes && *to <= nodes,
        other => match other.target_mut() {
            Some(Target::Nodes(of)) => {
                of.retain(|node| *node <= nodes);
                !of.is_empty()
            }
            Some(Target::Leader(_) | Target::All | Target::Controller) | None => true,
        },
    });
    (nodes > 0).then_some(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Anomaly;
    use crate::plan::draw;
    use crate::world::Kind;

    #[test]
    fn what_is_left_is_a_plan_that_names_nothing_that_is_gone() {
        for seed in 0..200 {
            let mut plan = draw(seed);
            let mut steps = 0;
            while let Some(smaller) = without_partition(&plan) {
                plan = smaller;
                assert_eq!(Plan::parse(&plan.text()), Ok(plan.clone()));
                let count = plan.partitions().count() as u32;
                assert!(
                    plan.faults
                        .iter_mut()
                        .all(|fault| !matches!(fault.strike.target_mut(), Some(Target::Leader(of)) if *of >= count))
                );
                steps += 1;
            }
            assert!(plan.partitions().count() == 1 && steps >= draw(seed).partitions().count() - 1);
            while let Some(smaller) = without_node(&plan) {
                plan = smaller;
                assert_eq!(Plan::parse(&plan.text()), Ok(plan.clone()));
                assert!(plan.topics.iter().all(|topic| topic.replicas <= plan.nodes.len() as u32));
            }
            assert_eq!(plan.nodes.len(), 1);
        }
    }

    #[test]
    fn a_cluster_that_cannot_come_up_is_not_the_same_failure() {
        let has_group = |plan: &Plan| plan.clients.iter().any(|client| matches!(client, ClientPlan::Member { .. }));
        let mut plan = (0..).map(draw).find(|plan| plan.nodes.len() > 1 && has_group(plan)).expect("some seed has one");
        while plan.nodes.len() > 1 {
            plan = without_node(&plan).expect("more than one");
        }
        assert_eq!(plan.check(), Ok(()));
        let failure = Failure { kind: Kind::Liveness, anomaly: Anomaly::new("liveness", 0, "") };
        let mut hunt = Hunt { plan: plan.clone(), failure, tries: 0, told: &|_| {} };
        // Kafka's default is three replicas: no broker could hold __consumer_offsets, and no member would ever join.
        plan.settings.remove("offsets.topic.replication.factor");
        assert!(!hunt.keep(plan));
        assert_eq!(hunt.tries, 0, "it is not even run");
    }
}
