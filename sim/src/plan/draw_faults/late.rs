//! Faults by which messages come late, or a process after a long while: each with dice of its own.

use super::super::part::{Part, VOTERS, dice};
use super::super::{Fault, Plan, Strike, Target};
use super::{MS, SECOND, Scene, loss, target};
use crate::disk::Loss;

pub(super) fn faults(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut faults = stalls(plan, scene, from);
    faults.extend(ambushes(plan, scene, from));
    faults.extend(dark(plan, from));
    faults.extend(standstill(plan, from));
    faults
}

/// Connections that carry nothing while others pass them, in one run of four; sometimes one that is long enough for its ends to give up.
fn stalls(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Stalls);
    if scene.nodes < 2 || !dice.chance(1, 4) {
        return Vec::new();
    }
    let count = dice.between(1, 6);
    let full = self::dice(plan.seed, Part::FullSockets).chance(1, 2);
    let stall = |_| {
        let (at_us, for_us) = (dice.between(from, plan.phases.safety_us - 1), dice.skewed(50 * MS, 4 * SECOND));
        Fault { at_us, strike: Strike::Stall { target: target(&mut dice, scene), for_us, full } }
    };
    (0..count).map(stall).collect()
}

/// What waits for a leader to ask for a follower, or for a snapshot to be taken over, in one run of three.
fn ambushes(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Late);
    if scene.nodes < 2 || !dice.chance(1, 3) {
        return Vec::new();
    }
    let (kind, count) = (dice.below(3), dice.between(1, 3));
    let ambush = |_| {
        let at_us = dice.between(from, plan.phases.safety_us - 1);
        let strike = match kind {
            0 => Strike::LateJoining {
                down_us: dice.skewed(10 * MS, 300 * MS),
                for_us: dice.between(400 * MS, 2 * SECOND),
            },
            1 => Strike::LostAnswer { for_us: dice.skewed(300 * MS, 2 * SECOND) },
            _ => Strike::CrashInstalling {
                loss: dice.pick(&[Loss::Nothing, Loss::All, Loss::Torn, Loss::Pages]),
                down_us: dice.skewed(10 * MS, 2 * SECOND),
            },
        };
        Fault { at_us, strike }
    };
    (0..count).map(ambush).collect()
}

/// Who does not vote is down for longer than a session when all die, in one run of two in which somebody does not: the next controller loses
/// several at once.
fn dark(plan: &Plan, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Dark);
    let (nodes, voters) = (plan.nodes.len() as u32, voters(plan));
    if voters == nodes || !dice.chance(1, 2) {
        return Vec::new();
    }
    let at_us = dice.between(from, plan.phases.safety_us - 4 * SECOND);
    let (loss, loud, down_us) = (loss(&mut dice), dice.chance(1, 3), dice.between(SECOND, 6 * SECOND));
    let others = (voters + 1..=nodes).map(|node| (node, down_us + dice.below(3 * SECOND)));
    let crash = |node, down_us| Fault {
        at_us,
        strike: Strike::Crash { target: Target::Nodes(vec![node]), loss, loud, down_us },
    };
    let mut faults: Vec<Fault> = others.map(|(node, down_us)| crash(node, down_us)).collect();
    faults.extend((1..=voters).map(|node| crash(node, dice.between(10 * MS, 400 * MS))));
    faults
}

/// A controller that nobody else can follow stands still, in most runs that have one: it goes on when it wakes.
fn standstill(plan: &Plan, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Standstill);
    if voters(plan) > 1 || plan.nodes.len() < 2 || !dice.chance(2, 3) {
        return Vec::new();
    }
    let pause = |_| Fault {
        at_us: dice.between(from, plan.phases.safety_us - 1),
        strike: Strike::Pause { target: Target::Controller, for_us: dice.between(SECOND, 4 * SECOND) },
    };
    (0..2).map(pause).collect()
}

fn voters(plan: &Plan) -> u32 {
    plan.settings.get(VOTERS).map_or(plan.nodes.len(), |list| list.split(',').count()) as u32
}
