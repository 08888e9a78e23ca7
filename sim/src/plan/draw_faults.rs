//! The faults of a plan. Each seed switches a random subset of kinds on: a run that has everything at once reaches less
//! than one in which few things go wrong often.

mod late;

use super::part::{Part, VOTERS, dice};
use super::{Damage, Fault, Plan, Strike, Target};
use crate::dice::Dice;
use crate::disk::Loss;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;

type Kind = fn(&mut Dice, &Scene) -> Strike;

struct Scene {
    nodes: u32,
    partitions: u32,
    /// Faults last long and are few, or short and many.
    long: bool,
}

/// The kinds of faults, each with the weight it has when it is switched on.
const KINDS: &[(u64, Kind)] = &[
    (4, crash),
    (4, crash_all),
    (1, stop),
    (2, pause),
    (3, cut),
    (2, isolate),
    (2, reset),
    (2, slow),
    (1, sync_fails),
    (1, write_fails),
    (1, read_fails),
    (1, full),
    (1, step),
];

pub(super) fn faults(plan: &Plan) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Faults);
    let scene =
        Scene { nodes: plan.nodes.len() as u32, partitions: plan.partitions().count() as u32, long: dice.chance(1, 2) };
    let share = dice.between(1, 4);
    let mut kinds: Vec<(u64, Kind)> = KINDS.iter().copied().filter(|_| dice.chance(share, 6)).collect();
    if kinds.is_empty() {
        kinds.push(dice.pick(KINDS));
    }
    let total: u64 = kinds.iter().map(|(weight, _)| weight).sum();
    let count = if scene.long { dice.between(1, 6) } else { dice.between(4, 24) };
    // The cluster is let come up first, mostly.
    let from = if dice.chance(1, 5) { 100 * MS } else { 2 * SECOND };
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| {
            let at_us = dice.between(from, plan.phases.safety_us - 1);
            let mut turn = dice.below(total);
            let kind = kinds.iter().find(|(weight, _)| {
                let found = turn < *weight;
                turn = turn.saturating_sub(*weight);
                found
            });
            let (_, kind) = kind.expect("the weights add up to the total");
            Fault { at_us, strike: kind(&mut dice, &scene) }
        })
        .collect();
    faults.extend(rots(plan, &scene, from));
    damages(plan, &mut faults);
    if faults.iter().all(|fault| !fault.strike.is_loss()) {
        faults.extend(lost(plan, from));
    }
    faults.extend(ambushes(plan, &scene, from));
    faults.extend(swizzle(plan, &scene, from));
    faults.extend(cuts_joining(plan, &scene, from));
    faults.extend(late::faults(plan, &scene, from));
    faults.sort_by_key(|fault| fault.at_us);
    faults
}

/// Bits that flip on disk, in one run of five that has replicas; with dice of their own.
fn rots(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Rot);
    if scene.nodes < 2 || !dice.chance(1, 5) {
        return Vec::new();
    }
    let target = target(&mut dice, scene);
    let count = dice.between(1, 3);
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| Fault {
            at_us: dice.between(from, plan.phases.safety_us - 1),
            strike: Strike::Rot {
                target: target.clone(),
                down_us: dice.skewed(10 * MS, 3 * SECOND),
                damage: Damage::Flip,
            },
        })
        .collect();
    // All lose power with it, mostly: who comes back last is alone in sync.
    if dice.chance(2, 3) {
        let at_us = faults[0].at_us + dice.below(20 * MS);
        let (loss, down_us) = (loss(&mut dice), dice.skewed(10 * MS, 2 * SECOND));
        faults.push(Fault { at_us, strike: Strike::Crash { target: Target::All, loss, loud: true, down_us } });
    }
    faults
}

/// Of what rots half is not a bit alone; with dice of its own.
fn damages(plan: &Plan, faults: &mut [Fault]) {
    let mut dice = dice(plan.seed, Part::Damage);
    for fault in faults {
        if let Strike::Rot { damage, .. } = &mut fault.strike {
            *damage = dice.pick(&[Damage::Flip, Damage::Flip, Damage::Zeros, Damage::Elsewhere]);
        }
    }
}

/// A disk that is lost, in one run of two in which a node does not vote, and one of four of the others; with dice of their own. Sometimes all lose power with it.
fn lost(plan: &Plan, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Lost);
    let nodes = plan.nodes.len() as u64;
    let voters = plan.settings.get(VOTERS).map_or(nodes, |list| list.split(',').count() as u64);
    let (from_node, one_in) = if voters < nodes { (voters + 1, 2) } else { (1, 4) };
    if nodes < 2 || !dice.chance(1, one_in) {
        return Vec::new();
    }
    let target = if voters > 1 && dice.chance(1, 3) { dice.between(1, voters) } else { dice.between(from_node, nodes) };
    let target = Target::Nodes(vec![target as u32]);
    let (at_us, down_us) = (dice.between(from, plan.phases.safety_us - 1), dice.skewed(10 * MS, 3 * SECOND));
    let mut faults = vec![Fault { at_us, strike: Strike::LoseDisk { target, down_us } }];
    if dice.chance(1, 2) {
        let at_us = at_us + dice.below(20 * MS);
        let (loss, down_us) = (loss(&mut dice), dice.skewed(10 * MS, 2 * SECOND));
        faults.push(Fault { at_us, strike: Strike::Crash { target: Target::All, loss, loud: true, down_us } });
    }
    faults
}

/// Links that are cut one after the other and mended in another order, in one run of eight that has some; with dice of their own. (FoundationDB's
/// "swizzle-clogging", which finds what a single cut does not.)
fn swizzle(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Swizzle);
    if scene.nodes < 3 || !dice.chance(1, 8) {
        return Vec::new();
    }
    let (begins, step) = (dice.between(from, plan.phases.safety_us - 2 * SECOND), dice.skewed(10 * MS, 500 * MS));
    let mut faults = Vec::new();
    for (from, to) in (1..=scene.nodes).flat_map(|one| (one + 1..=scene.nodes).map(move |two| (one, two))) {
        let (turn, for_us) = (dice.below(6), dice.skewed(100 * MS, 3 * SECOND));
        if turn < 4 {
            faults.push(Fault { at_us: begins + turn * step, strike: Strike::Cut { from, to, both: true, for_us } });
        }
    }
    faults
}

/// Faults that wait for their moment, in one run of three; with dice of their own.
fn ambushes(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::Ambush);
    let mut faults = Vec::new();
    if !dice.chance(1, 3) {
        return faults;
    }
    let (writing, count) = (scene.nodes < 2 || dice.chance(1, 2), dice.between(1, 4));
    for _ in 0..count {
        let (at_us, down_us) = (dice.between(from, plan.phases.safety_us - 1), dice.skewed(10 * MS, 2 * SECOND));
        let loss = dice.pick(&[Loss::Pages, Loss::Pages, Loss::Torn, Loss::Nothing]);
        let strike = if writing { Strike::CrashWriting { loss, down_us } } else { Strike::StopJoining { down_us } };
        faults.push(Fault { at_us, strike });
    }
    faults
}

/// A leader that does not hear whom it may count, in one run of six; with dice of their own.
fn cuts_joining(plan: &Plan, scene: &Scene, from: u64) -> Vec<Fault> {
    let mut dice = dice(plan.seed, Part::CutJoining);
    if scene.nodes < 2 || !dice.chance(1, 6) {
        return Vec::new();
    }
    let (at_us, for_us) = (dice.between(from, plan.phases.safety_us - 1), dice.skewed(300 * MS, 4 * SECOND));
    vec![Fault { at_us, strike: Strike::CutJoining { for_us } }]
}

fn lasting(dice: &mut Dice, scene: &Scene) -> u64 {
    if scene.long { dice.skewed(SECOND, 8 * SECOND) } else { dice.skewed(20 * MS, SECOND) }
}

fn loss(dice: &mut Dice) -> Loss {
    dice.pick(&[Loss::Nothing, Loss::All, Loss::All, Loss::Torn, Loss::Torn, Loss::Pages, Loss::Pages])
}

fn target(dice: &mut Dice, scene: &Scene) -> Target {
    match dice.below(6) {
        0 => Target::Controller,
        1 | 2 => Target::Leader(dice.below(scene.partitions.into()) as u32),
        _ => Target::Nodes(vec![dice.between(1, scene.nodes.into()) as u32]),
    }
}

fn crash(dice: &mut Dice, scene: &Scene) -> Strike {
    let two = scene.nodes > 2 && dice.chance(1, 4);
    let target = if two {
        let spared = dice.between(1, scene.nodes.into()) as u32;
        Target::Nodes((1..=scene.nodes).filter(|node| *node != spared).collect())
    } else {
        target(dice, scene)
    };
    Strike::Crash { target, loss: loss(dice), loud: dice.chance(2, 3), down_us: lasting(dice, scene) }
}

fn crash_all(dice: &mut Dice, _: &Scene) -> Strike {
    Strike::Crash {
        target: Target::All,
        loss: loss(dice),
        loud: dice.chance(1, 2),
        down_us: dice.skewed(10 * MS, SECOND),
    }
}

fn stop(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Stop { target: target(dice, scene), down_us: lasting(dice, scene) }
}

fn pause(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Pause { target: target(dice, scene), for_us: lasting(dice, scene) }
}

fn cut(dice: &mut Dice, scene: &Scene) -> Strike {
    let from = dice.between(1, scene.nodes.into()) as u32;
    let to = dice.between(1, scene.nodes.into()) as u32;
    Strike::Cut { from, to, both: dice.chance(1, 2), for_us: lasting(dice, scene) }
}

fn isolate(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Isolate { target: target(dice, scene), clients: dice.chance(1, 2), for_us: lasting(dice, scene) }
}

fn reset(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Reset { target: target(dice, scene) }
}

fn slow(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Slow { target: target(dice, scene), times: dice.skewed(2, 100), for_us: lasting(dice, scene) }
}

fn sync_fails(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::SyncFails { target: target(dice, scene) }
}

fn write_fails(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::WriteFails { target: target(dice, scene) }
}

fn read_fails(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::ReadFails { target: target(dice, scene), count: dice.between(1, 4) as u32 }
}

fn full(dice: &mut Dice, scene: &Scene) -> Strike {
    Strike::Full { target: target(dice, scene), room: dice.skewed(1, 100_000), for_us: lasting(dice, scene) }
}

fn step(dice: &mut Dice, scene: &Scene) -> Strike {
    let far = if scene.long { 3_600_000 } else { 5_000 };
    Strike::Step { target: target(dice, scene), ms: dice.between(0, 2 * far) as i64 - far as i64 }
}
