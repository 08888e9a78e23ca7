//! What happens to groups that have members, and what their members do out of turn: drawn behind all else, with dice of its own.

use super::part::{Part, dice};
use super::{ClientPlan, EXPIRY, Plan};
use crate::dice::Dice;
use std::collections::BTreeMap;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;

/// Kafka's setting for how many members a group has at most.
const MAX_SIZE: &str = "group.max.size";

pub(super) fn groups(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Groups);
    if !plan.clients.iter().any(|client| matches!(client, ClientPlan::Member { .. })) {
        return;
    }
    let (unruly, brief, all_go) = (dice.chance(1, 2), dice.chance(1, 4), dice.chance(1, 8));
    for client in &mut plan.clients {
        let ClientPlan::Member { unruly_us, kept_ms, silent_us, leaves, .. } = client else { continue };
        if unruly && dice.chance(2, 3) {
            *unruly_us = dice.skewed(100 * MS, SECOND);
        }
        if brief && dice.chance(2, 3) {
            *kept_ms = dice.skewed(1, 2_000);
        }
        if all_go && *silent_us == 0 {
            (*silent_us, *leaves) = (dice.between(3 * SECOND, 11 * SECOND), dice.chance(1, 2));
        }
    }
    if brief {
        plan.settings.insert(EXPIRY.into(), dice.skewed(50, 2_000).to_string());
    }
    if dice.chance(1, 3) {
        let size = most(plan);
        plan.settings.insert(MAX_SIZE.into(), size.to_string());
    }
    if dice.chance(1, 3) {
        let pause_us = pause(&mut dice);
        plan.clients.push(ClientPlan::GroupAdmin { pause_us, request_timeout_us: SECOND });
    }
}

const fn pause(dice: &mut Dice) -> u64 {
    dice.skewed(60 * MS, 800 * MS)
}

/// As many as the largest group has at once: whoever is more is one too many. Who takes a static member's place counts beside it until that is
/// gone, as with Kafka.
fn most(plan: &Plan) -> usize {
    let mut members = BTreeMap::<u32, usize>::new();
    for client in &plan.clients {
        if let ClientPlan::Member { group, .. } = client {
            *members.entry(*group).or_default() += 1;
        }
    }
    members.values().max().copied().unwrap_or(1)
}
