//! The dice of each part of a plan.

use crate::dice::{Dice, Stream};

/// The setting that names who votes; without it all nodes do.
pub(super) const VOTERS: &str = "controller.quorum.voters";

/// Parts of a plan, each with dice of its own, so that a change of one leaves the others alone.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Shape = 1,
    Settings,
    Topics,
    Nodes,
    Links,
    Clients,
    Faults,
    Rot,
    Ambush,
    Oddities,
    Moves,
    End,
    Retention,
    Durability,
    Kinds,
    Ways,
    Habits,
    Crowd,
    Lost,
    Swizzle,
    Books,
    Damage,
    CutJoining,
    Looks,
    Groups,
    Stalls,
    Late,
    Dark,
    Standstill,
    Strangeness,
    Pieces,
    Measures,
    FullSockets,
    Untimed,
}

pub(super) const fn dice(seed: u64, part: Part) -> Dice {
    Dice::new(seed, Stream::Plan, part as u64, 0)
}

/// At least one of them.
pub(super) fn some(dice: &mut Dice, all: &[u32]) -> Vec<u32> {
    let chosen: Vec<u32> = all.iter().copied().filter(|_| dice.chance(2, 3)).collect();
    if chosen.is_empty() { vec![dice.pick(all)] } else { chosen }
}
