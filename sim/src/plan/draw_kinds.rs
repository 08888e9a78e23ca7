//! Kinds of topics, clients and requests that are rarer: each with dice of its own, drawn behind all else.

use super::part::{Part, dice, some};
use super::{BY_ID, ClientPlan, EXPIRY, Fault, Plan, Strike, Target};
use crate::dice::Dice;
use crate::disk::Loss;
use std::collections::BTreeMap;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;
const HALF_A_DAY_MS: u64 = 43_200_000;

pub(super) fn kinds(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Kinds);
    for topic in &mut plan.topics {
        // Whose clock a record has, and whether its age is its end.
        if dice.chance(1, 5) {
            topic.settings.insert("message.timestamp.type".into(), "LogAppendTime".into());
        }
        if dice.chance(1, 8) {
            topic.settings.insert("retention.ms".into(), dice.skewed(500, 8_000).to_string());
        }
    }
    for client in &mut plan.clients {
        match client {
            ClientPlan::Producer { version, .. } | ClientPlan::Reader { version, .. } if dice.chance(1, 4) => {
                *version = BY_ID;
            }
            ClientPlan::Producer { .. }
            | ClientPlan::Reader { .. }
            | ClientPlan::Member { .. }
            | ClientPlan::Admin { .. }
            | ClientPlan::Stranger { .. }
            | ClientPlan::Onlooker { .. }
            | ClientPlan::Bookkeeper { .. }
            | ClientPlan::GroupAdmin { .. }
            | ClientPlan::Keeper { .. } => {}
        }
    }
    if dice.chance(1, 6) {
        let careless = careless(plan, &mut dice);
        plan.clients.push(careless);
    }
    for client in &mut plan.clients {
        if let ClientPlan::Producer { step_ms, snappy, .. } = client {
            *step_ms = if dice.chance(1, 2) { dice.skewed(1, 100) } else { 0 };
            *snappy = dice.chance(1, 4);
        }
    }
    if dice.chance(1, 3) {
        second_group(plan, &mut dice);
    }
    habits(plan);
}

/// What members of groups say and ask is not all alike; a stranger asks what it may not; a keeper looks after topics of its own. With dice
/// of their own.
fn habits(plan: &mut Plan) {
    let mut dice = self::dice(plan.seed, Part::Habits);
    let mixed = dice.chance(1, 2);
    let mut known = BTreeMap::<String, Vec<String>>::new();
    for client in &mut plan.clients {
        let ClientPlan::Member { assignors, asks_all, by_name, rebalance_ms, instance, .. } = client else { continue };
        (*asks_all, *by_name) = (dice.chance(1, 3), instance.is_some() && dice.chance(1, 2));
        if dice.chance(1, 4) {
            *rebalance_ms *= 3;
        }
        if mixed {
            // All know all of them: a coordinator that takes over knows of each member the chosen one alone, and refuses whoever does not know
            // that (as Kafka's does; seed 7000033 of an earlier draw).
            let likes: &[&str] = dice.pick(&[&["sticky", "range"], &["range", "sticky"], &["range", "sticky"]]);
            *assignors = likes.iter().map(ToString::to_string).collect();
        }
        // Whoever takes another's place is configured as that one was.
        if let Some(name) = instance {
            let first = known.entry(name.clone()).or_insert_with(|| assignors.clone());
            assignors.clone_from(first);
        }
    }
    if dice.chance(1, 3) {
        let pause_us = dice.skewed(50 * MS, SECOND);
        plan.clients.push(ClientPlan::Stranger {
            pause_us,
            request_timeout_us: SECOND,
            trespasses: false,
            improper: false,
        });
    }
    if dice.chance(1, 3) {
        let pause_us = dice.skewed(30 * MS, 800 * MS);
        plan.clients.push(ClientPlan::Keeper { pause_us, request_timeout_us: 2 * SECOND, odd: false });
    }
}

/// Offsets of a group without members, which come and go, in one run of three; with dice of their own.
pub(super) fn books(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Books);
    if !dice.chance(1, 3) {
        return;
    }
    let (group, pause_us) = (plan.groups(), dice.skewed(20 * MS, 500 * MS));
    let deletes = dice.chance(1, 2);
    plan.clients.push(ClientPlan::Bookkeeper { group, pause_us, deletes, request_timeout_us: 2 * SECOND });
    // A group that is found empty, without offsets, ends; if it comes again its generations begin anew, and nobody could tell two of them apart.
    if !plan.clients.iter().any(|client| matches!(client, ClientPlan::Member { .. })) {
        plan.settings.insert(EXPIRY.into(), dice.skewed(50, 2_000).to_string());
    }
}

/// Somebody who only looks, in one run of three; with dice of their own.
pub(super) fn looks(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Looks);
    if dice.chance(1, 3) {
        let pause_us = dice.skewed(20 * MS, 500 * MS);
        plan.clients.push(ClientPlan::Onlooker { pause_us, request_timeout_us: SECOND });
    }
}

/// Ways of asking, and bounds of topics, that only some clients and topics have: drawn behind the kinds, with dice of their own.
pub(super) fn ways(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Ways);
    for client in &mut plan.clients {
        if let ClientPlan::Reader { sessions, .. } = client {
            *sessions = dice.chance(1, 2);
        }
    }
    for topic in &mut plan.topics {
        if dice.chance(1, 6) {
            topic.settings.insert("max.message.bytes".into(), dice.skewed(200, 3_000).to_string());
        }
        if dice.chance(1, 4) {
            // Longer than clocks are wrong: only what comes from days ago is refused.
            topic.settings.insert("message.timestamp.before.max.ms".into(), HALF_A_DAY_MS.to_string());
        }
        if dice.chance(1, 8) {
            topic.settings.insert("cleanup.policy".into(), dice.pick(&["compact", "compact,delete"]).into());
        }
    }
}

/// A producer that wants no answer.
fn careless(plan: &Plan, dice: &mut Dice) -> ClientPlan {
    let all: Vec<u32> = (0..plan.partitions().count() as u32).collect();
    ClientPlan::Producer {
        acks: 0,
        idempotent: false,
        partitions: some(dice, &all),
        pause_us: dice.skewed(50 * MS, SECOND),
        batch: dice.skewed(1, 8) as u32,
        size: dice.skewed(8, 400) as u32,
        in_flight: 5,
        request_timeout_us: SECOND,
        delivery_timeout_us: 5 * SECOND,
        version: dice.pick(&[3, 9, BY_ID]),
        bump_us: 0,
        step_ms: 0,
        snappy: false,
        first_sequence: 0,
        tick_ms: 0,
        untimed: false,
    }
}

/// Where there is a group another one reads the same topics, or the first of them: what it does is its own.
fn second_group(plan: &mut Plan, dice: &mut Dice) {
    let first = plan.clients.iter().find(|client| matches!(client, ClientPlan::Member { .. }));
    let Some(mut other) = first.cloned() else { return };
    if let ClientPlan::Member { group, topics, instance, rejoin_us, silent_us, from_us, .. } = &mut other {
        (*group, *instance, *rejoin_us, *silent_us) = (1, None, 0, 0);
        *from_us = dice.below(4 * SECOND);
        if dice.chance(1, 2) {
            topics.truncate(1);
        }
    }
    for _ in 0..dice.between(1, 2) {
        plan.clients.push(other.clone());
    }
}

/// What only some of the clients do, in one run of two or three each; with dice of their own: sequences that begin near their end, deletions in
/// several partitions at once, strangers who take themselves for brokers, and keepers who ask for what is odd.
pub(super) fn strangeness(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Strangeness);
    let (wraps, many_at_once, trespass) = (dice.chance(1, 3), dice.chance(1, 2), dice.chance(1, 4));
    for client in &mut plan.clients {
        match client {
            ClientPlan::Producer { idempotent: true, first_sequence, .. } if wraps => {
                *first_sequence = i32::MAX - dice.below(60) as i32;
            }
            ClientPlan::Admin { many, .. } => *many = many_at_once,
            ClientPlan::Stranger { trespasses, .. } => *trespasses = trespass,
            ClientPlan::Producer { .. }
            | ClientPlan::Reader { .. }
            | ClientPlan::Member { .. }
            | ClientPlan::Onlooker { .. }
            | ClientPlan::Bookkeeper { .. }
            | ClientPlan::GroupAdmin { .. }
            | ClientPlan::Keeper { .. } => {}
        }
    }
    if trespass && !plan.clients.iter().any(|client| matches!(client, ClientPlan::Stranger { .. })) {
        let pause_us = dice.skewed(50 * MS, SECOND);
        plan.clients.push(ClientPlan::Stranger {
            pause_us,
            request_timeout_us: SECOND,
            trespasses: true,
            improper: false,
        });
    }
    for client in &mut plan.clients {
        if let ClientPlan::Stranger { improper, .. } = client {
            *improper = dice.chance(3, 4);
        }
    }
    for client in &mut plan.clients {
        if let ClientPlan::Keeper { odd, .. } = client {
            *odd = dice.chance(3, 4);
        }
    }
}

/// The metadata comes in small pieces, in one run of two or three each; how many partitions a topic has by itself, and whether any may be
/// deleted. With dice of their own.
pub(super) fn pieces(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Pieces);
    away(plan, &mut dice);
    let mut set = |name: &str, value: String| plan.settings.insert(name.into(), value);
    if dice.chance(1, 2) {
        set("controller.quorum.fetch.snapshot.max.bytes", dice.skewed(50, 5_000).to_string());
    }
    if dice.chance(1, 3) {
        // With hardly a record in each a cluster learns of its brokers' coming and going more slowly than they come and go.
        set("controller.quorum.fetch.max.bytes", dice.skewed(2_000, 50_000).to_string());
    }
    if dice.chance(1, 2) {
        set("num.partitions", dice.between(2, 3).to_string());
    }
    if dice.chance(1, 10) {
        set("delete.topic.enable", "false".into());
    }
}

/// How coarse producers' clocks are; how much readers want at least, and of one partition at most; how much a node gives at most, and for how
/// many readers it keeps a session: each in one of three or four. With dice of their own.
pub(super) fn measures(plan: &mut Plan) {
    let mut old = dice(plan.seed, Part::Untimed);
    let mut dice = dice(plan.seed, Part::Measures);
    for client in &mut plan.clients {
        if let ClientPlan::Producer { tick_ms, .. } = client
            && dice.chance(1, 3)
        {
            *tick_ms = dice.skewed(20, 2_000);
        }
        if let ClientPlan::Producer { untimed, snappy: false, .. } = client {
            *untimed = old.chance(1, 6);
        }
        let ClientPlan::Reader { max_bytes, min_bytes, partition_bytes, .. } = client else { continue };
        if dice.chance(1, 3) {
            *min_bytes = dice.skewed(2, 3_000) as i32;
        }
        if dice.chance(1, 3) {
            *partition_bytes = dice.skewed(50, (*max_bytes).max(100) as u64) as i32;
        }
    }
    // One that sends so fast that its followers never have all there is.
    let first = plan.clients.iter_mut().find(|client| matches!(client, ClientPlan::Producer { .. }));
    if let Some(ClientPlan::Producer { pause_us, batch, size, in_flight, .. }) = first.filter(|_| dice.chance(1, 10)) {
        (*pause_us, *in_flight, *batch, *size) = (dice.between(4 * MS, 15 * MS), 5, 1, 20);
        // They would never have what stands before it.
        for name in ["replica.fetch.max.bytes", "replica.fetch.response.max.bytes"] {
            plan.settings.insert(name.into(), "1000000".into());
        }
    }
    if dice.chance(1, 4) {
        plan.settings.insert("fetch.max.bytes".into(), dice.skewed(1_024, 20_000).to_string());
    }
    if dice.chance(1, 4) {
        plan.settings.insert("max.incremental.fetch.session.cache.slots".into(), dice.between(1, 4).to_string());
    }
}

/// In one run of four that can do without somebody for a while, somebody is away for so long that only a snapshot of the metadata has what he
/// missed.
fn away(plan: &mut Plan, dice: &mut Dice) {
    let loses = plan.faults.iter().any(|fault| fault.strike.is_loss());
    let nodes = plan.nodes.len() as u64;
    if nodes < 3 || loses || !dice.chance(1, 4) {
        return;
    }
    plan.settings.insert("metadata.log.max.record.bytes.between.snapshots".into(), dice.skewed(200, 1_000).to_string());
    let target = Target::Nodes(vec![dice.between(1, nodes) as u32]);
    let (down_us, last) = (dice.between(2 * SECOND, 5 * SECOND), plan.phases.safety_us - 5 * SECOND);
    let strike = Strike::Crash { target, loss: Loss::Nothing, loud: true, down_us };
    plan.faults.push(Fault { at_us: dice.between(SECOND, last), strike });
    plan.faults.sort_by_key(|fault| fault.at_us);
}
