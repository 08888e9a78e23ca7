//! From a seed to a plan. Time-outs and sizes are drawn too, often tiny: constants of production hide paths.

use super::draw_faults::faults;
use super::draw_groups::groups;
use super::draw_kinds::{books, kinds, looks, measures, pieces, strangeness, ways};
use super::part::{Part, VOTERS, dice, some};
use super::{ClientPlan, Fault, NodePlan, Phases, Plan, Strike, Target, TopicPlan, VERSION};
use crate::dice::Dice;
use crate::disk::DiskProfile;
use crate::net::LinkProfile;
use std::collections::BTreeMap;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;

/// Draws the plan of a seed.
pub fn draw(seed: u64) -> Plan {
    let mut shape = dice(seed, Part::Shape);
    let nodes = if shape.chance(1, 4) { 1 } else { 3 };
    let phases = Phases { safety_us: 12 * SECOND, quiet_us: 14 * SECOND, liveness_us: 50 * SECOND };
    let topics = topics(seed, nodes);
    let mut plan = Plan {
        esker_plan: VERSION,
        seed,
        mutant: None,
        nodes: node_plans(seed, nodes),
        settings: settings(seed, nodes),
        clients: clients(seed, &topics, nodes),
        topics,
        node_links: link(&mut dice(seed, Part::Links)),
        client_links: link(&mut dice(seed ^ 1, Part::Links)),
        // Longer than any Fetch waits: one whose answer never comes tells a follower nothing (seed 2102533401959).
        call_timeout_us: shape.skewed(300 * MS, 3 * SECOND).max(700 * MS),
        phases,
        faults: Vec::new(),
        event_budget: 400_000,
    };
    crowd(&mut plan);
    plan.faults = faults(&plan);
    moves(&mut plan);
    retention(&mut plan);
    end(&mut plan);
    durability(&mut plan);
    kinds(&mut plan);
    ways(&mut plan);
    books(&mut plan);
    looks(&mut plan);
    groups(&mut plan);
    strangeness(&mut plan);
    pieces(&mut plan);
    measures(&mut plan);
    plan
}

fn node_plans(seed: u64, count: u32) -> Vec<NodePlan> {
    let mut dice = dice(seed, Part::Nodes);
    // Whether disks are alike or of different speeds decides which orders of events are seen at all.
    let uneven = dice.chance(1, 2);
    let alike = disk_profile(&mut dice);
    let drifts = dice.chance(1, 2);
    (0..count)
        .map(|_| NodePlan {
            disk: if uneven { disk_profile(&mut dice) } else { alike },
            drift_ppm: if drifts { dice.between(0, 40_000) as i64 - 20_000 } else { 0 },
            wall_off_ms: if drifts { dice.between(0, 10_000) as i64 - 5_000 } else { 0 },
            start_us: dice.below(200 * MS),
        })
        .collect()
}

/// In one run of five of those that have more than one there are more nodes than replicas, and not all of them vote: the others are brokers
/// alone, and observe the quorum. With dice of its own.
fn crowd(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Crowd);
    if plan.nodes.len() < 2 || !dice.chance(1, 5) {
        return;
    }
    let (more, voters) = (dice.between(1, 2) as u32, dice.pick(&[1, 3, 3, 3]));
    let all = node_plans(plan.seed, plan.nodes.len() as u32 + more);
    plan.nodes.extend_from_slice(&all[plan.nodes.len()..]);
    let voters: Vec<String> = (1..=voters).map(|id| format!("{id}@n{id}:9093")).collect();
    plan.settings.insert(VOTERS.into(), voters.join(","));
}

fn disk_profile(dice: &mut Dice) -> DiskProfile {
    DiskProfile {
        write_us: dice.skewed(5, 500),
        sync_us: dice.skewed(100, 10_000),
        read_us: dice.skewed(20, 5_000),
        slow: if dice.chance(1, 3) { dice.skewed(1, 20) } else { 1 },
        page: dice.pick(&[16, 64, 512, 4096]),
    }
}

fn link(dice: &mut Dice) -> LinkProfile {
    let min_us = dice.skewed(20, 5_000);
    LinkProfile {
        min_us,
        max_us: min_us + dice.skewed(10, 30_000),
        spike_one_in: if dice.chance(1, 3) { dice.skewed(20, 1_000) } else { 0 },
        spike_us: dice.skewed(10 * MS, 500 * MS),
    }
}

fn topics(seed: u64, nodes: u32) -> Vec<TopicPlan> {
    let mut dice = dice(seed, Part::Topics);
    let count = dice.between(1, 2);
    (0..count)
        .map(|number| {
            let replicas = if nodes == 1 || dice.chance(1, 8) { 1 } else { dice.pick(&[2, 3, 3, 3]) };
            let mut settings = BTreeMap::new();
            let mut set = |name: &str, value: String| settings.insert(name.to_string(), value);
            if dice.chance(3, 4) {
                set("internal.segment.bytes", dice.skewed(300, 20_000).to_string());
            }
            if dice.chance(1, 2) {
                set("index.interval.bytes", dice.skewed(1, 500).to_string());
            }
            if replicas > 1 && dice.chance(1, 2) {
                set("min.insync.replicas", "2".into());
            }
            if dice.chance(1, 4) {
                set("segment.ms", dice.between(500, 5_000).to_string());
            }
            set("file.delete.delay.ms", dice.skewed(1, 5_000).to_string());
            TopicPlan { name: format!("t{number}"), partitions: dice.between(1, 3) as u32, replicas, settings }
        })
        .collect()
}

fn settings(seed: u64, nodes: u32) -> BTreeMap<String, String> {
    let mut dice = dice(seed, Part::Settings);
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: u64| settings.insert(name.to_string(), value.to_string());
    let election = dice.skewed(150, 1_200);
    set("controller.quorum.election.timeout.ms", election);
    set("controller.quorum.election.backoff.max.ms", dice.between(20, election));
    set("controller.quorum.fetch.timeout.ms", dice.between(300, 2_000));
    set("controller.quorum.request.timeout.ms", dice.between(200, 1_500));
    set("controller.quorum.retry.backoff.ms", dice.between(5, 50));
    set("metadata.log.max.record.bytes.between.snapshots", dice.skewed(300, 20_000));
    let heartbeat = dice.between(100, 600);
    set("broker.heartbeat.interval.ms", heartbeat);
    set("broker.session.timeout.ms", heartbeat * dice.between(2, 5));
    set("replica.lag.time.max.ms", dice.skewed(300, 3_000));
    set("replica.fetch.wait.max.ms", dice.skewed(20, 500));
    set("replica.fetch.backoff.ms", dice.skewed(10, 300));
    set("replica.socket.timeout.ms", dice.between(300, 2_000));
    set("replica.fetch.max.bytes", dice.skewed(200, 1_000_000));
    set("replica.fetch.response.max.bytes", dice.skewed(300, 2_000_000));
    set("replica.high.watermark.checkpoint.interval.ms", dice.skewed(100, 5_000));
    set("log.retention.check.interval.ms", dice.skewed(200, 10_000));
    set("group.initial.rebalance.delay.ms", dice.pick(&[0, 50, 500]));
    set("group.min.session.timeout.ms", 100);
    set("offsets.topic.num.partitions", dice.between(1, 2));
    set("offsets.topic.replication.factor", nodes.into());
    set("offsets.commit.timeout.ms", dice.between(300, 3_000));
    set("leader.imbalance.check.interval.seconds", dice.between(1, 4));
    set("default.replication.factor", nodes.into());
    // Clocks jump by hours here, and a record of the future would be refused.
    set("log.message.timestamp.after.max.ms", i64::MAX as u64);
    set("min.insync.replicas", if nodes > 1 { dice.between(1, 2) } else { 1 });
    settings
}

fn clients(seed: u64, topics: &[TopicPlan], nodes: u32) -> Vec<ClientPlan> {
    let mut dice = dice(seed, Part::Clients);
    let partitions: Vec<u32> = (0..topics.iter().map(|topic| topic.partitions).sum()).collect();
    let mut clients = Vec::new();
    // "Few and slow" and "many and fast" are different runs.
    let busy = dice.chance(1, 3);
    let timeout = |dice: &mut Dice| dice.skewed(300 * MS, 2 * SECOND);
    for _ in 0..dice.between(1, if busy { 3 } else { 2 }) {
        let idempotent = dice.chance(2, 3);
        let acks = if idempotent || dice.chance(2, 3) { -1 } else { 1 };
        clients.push(ClientPlan::Producer {
            acks,
            idempotent,
            partitions: some(&mut dice, &partitions),
            pause_us: if busy { dice.skewed(20 * MS, 200 * MS) } else { dice.skewed(80 * MS, SECOND) },
            batch: dice.skewed(1, 8) as u32,
            size: dice.skewed(8, 400) as u32,
            in_flight: dice.pick(&[1, 1, 3, 5]),
            request_timeout_us: timeout(&mut dice),
            delivery_timeout_us: dice.skewed(2 * SECOND, 20 * SECOND),
            version: dice.pick(&[3, 8, 9, 12]),
            bump_us: 0,
            step_ms: 0,
            snappy: false,
            first_sequence: 0,
            tick_ms: 0,
            untimed: false,
        });
    }
    for _ in 0..dice.between(0, 2) {
        clients.push(ClientPlan::Reader {
            partitions: some(&mut dice, &partitions),
            max_bytes: dice.skewed(100, 1_000_000) as i32,
            max_wait_ms: dice.skewed(5, 500) as i32,
            pause_us: dice.skewed(10 * MS, 300 * MS),
            request_timeout_us: timeout(&mut dice).max(800 * MS),
            version: dice.pick(&[4, 11, 12]),
            stale_one_in: 0,
            latest_one_in: 0,
            sessions: false,
            min_bytes: 0,
            partition_bytes: 0,
        });
    }
    if dice.chance(1, 2) {
        let heartbeat_us = dice.between(100 * MS, 400 * MS);
        let session_ms = (heartbeat_us / MS * dice.between(3, 8)) as i32;
        for number in 0..dice.between(1, 3) {
            clients.push(ClientPlan::Member {
                group: 0,
                topics: (0..topics.len() as u32).collect(),
                session_ms,
                rebalance_ms: session_ms * 2,
                heartbeat_us,
                commit_us: dice.skewed(100 * MS, SECOND),
                request_timeout_us: timeout(&mut dice).max(800 * MS),
                instance: dice.chance(1, 4).then(|| format!("m{number}")),
                rejoin_us: if dice.chance(1, 3) { dice.between(SECOND, 6 * SECOND) } else { 0 },
                from_us: 0,
                silent_us: 0,
                leaves: false,
                late_commits: false,
                assignors: Vec::new(),
                asks_all: false,
                by_name: false,
                unruly_us: 0,
                kept_ms: 0,
            });
        }
    }
    if dice.chance(1, 2) {
        let (deletes, elects) = (dice.chance(1, 2), nodes > 1 && dice.chance(1, 2));
        clients.push(ClientPlan::Admin {
            pause_us: dice.between(300 * MS, 3 * SECOND),
            deletes,
            elects,
            moves: false,
            many: false,
            request_timeout_us: 2 * SECOND,
        });
    }
    oddities(seed, &mut clients);
    clients
}

/// What well-behaved clients hardly ever do: epochs that are over, members that fall silent or take each other's place. With dice of
/// their own.
fn oddities(seed: u64, clients: &mut Vec<ClientPlan>) {
    let mut dice = dice(seed, Part::Oddities);
    let members = clients.iter().filter(|client| matches!(client, ClientPlan::Member { .. })).count();
    let silent = if members > 1 && dice.chance(1, 2) { dice.below(members as u64) as usize } else { members };
    let mut turn = 0;
    let mut twin = None;
    for client in clients.iter_mut() {
        match client {
            ClientPlan::Producer { idempotent: true, bump_us, .. } if dice.chance(1, 3) => {
                *bump_us = dice.between(500 * MS, 4 * SECOND);
            }
            ClientPlan::Reader { stale_one_in, latest_one_in, .. } if dice.chance(1, 2) => {
                *stale_one_in = dice.between(3, 30);
                *latest_one_in = dice.between(2, 20);
            }
            ClientPlan::Member { instance, silent_us, leaves, late_commits, .. } => {
                *late_commits = dice.chance(1, 2);
                if turn == silent {
                    *silent_us = dice.between(3 * SECOND, 11 * SECOND);
                    *leaves = *silent_us % 2 == 0;
                } else if turn == 0 && dice.chance(1, 2) {
                    instance.get_or_insert_with(|| "m0".into());
                    twin = Some(client.clone());
                }
                turn += 1;
            }
            ClientPlan::Producer { .. }
            | ClientPlan::Reader { .. }
            | ClientPlan::Admin { .. }
            | ClientPlan::Stranger { .. }
            | ClientPlan::Onlooker { .. }
            | ClientPlan::Bookkeeper { .. }
            | ClientPlan::GroupAdmin { .. }
            | ClientPlan::Keeper { .. } => {}
        }
    }
    if let Some(mut twin) = twin {
        if let ClientPlan::Member { from_us, .. } = &mut twin {
            *from_us = dice.between(4 * SECOND, 11 * SECOND);
        }
        clients.push(twin);
    }
}

/// Replicas move, in one run of three that has where to; with dice of their own. Not where bits flip or a disk is lost: the node with the
/// damage might be left with the last copy.
fn moves(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Moves);
    let loses = plan.faults.iter().any(|fault| fault.strike.is_loss());
    if plan.nodes.len() < 2 || loses || !dice.chance(1, 3) {
        return;
    }
    let pause = dice.between(200 * MS, 2 * SECOND);
    let admin = plan.clients.iter_mut().find_map(|client| match client {
        ClientPlan::Admin { moves, .. } => Some(moves),
        ClientPlan::Producer { .. }
        | ClientPlan::Reader { .. }
        | ClientPlan::Member { .. }
        | ClientPlan::Stranger { .. }
        | ClientPlan::Onlooker { .. }
        | ClientPlan::Bookkeeper { .. }
        | ClientPlan::GroupAdmin { .. }
        | ClientPlan::Keeper { .. } => None,
    });
    match admin {
        Some(moves) => *moves = true,
        None => plan.clients.push(ClientPlan::Admin {
            pause_us: pause,
            deletes: false,
            elects: false,
            moves: true,
            many: false,
            request_timeout_us: 2 * SECOND,
        }),
    }
}

/// Logs have bounds, in one topic of four; with dice of their own.
fn retention(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Retention);
    for topic in &mut plan.topics {
        if dice.chance(1, 4) {
            topic.settings.insert("retention.bytes".into(), dice.skewed(200, 10_000).to_string());
        }
    }
}

/// A node dies for good at the end, in one run of two that can do without any; with dice of its own.
fn end(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::End);
    let nodes = plan.nodes.len() as u64;
    // One that votes alone is not done without.
    let alone = plan.settings.get(VOTERS).is_some_and(|voters| !voters.contains(','));
    if nodes < 3 || alone || plan.moves() || plan.topics.iter().any(|topic| topic.replicas < 3) || !dice.chance(1, 2) {
        return;
    }
    let target = match dice.below(3) {
        0 => Target::Controller,
        1 => Target::Leader(dice.below(plan.partitions().count() as u64) as u32),
        _ => Target::Nodes(vec![dice.between(1, nodes) as u32]),
    };
    plan.faults.push(Fault { at_us: plan.phases.safety_us - 1, strike: Strike::Perish { target } });
}

/// Records are acknowledged before they are synced, in one run of eight; with dice of its own. That is promised to outlive processes, and not
/// the loss of power: so no disk loses what was written to it.
fn durability(plan: &mut Plan) {
    let mut dice = dice(plan.seed, Part::Durability);
    if !dice.chance(1, 8) {
        return;
    }
    plan.settings.insert("durability".into(), "os".into());
    // When a log is to be synced all the same; drawn behind all that is drawn before.
    for topic in &mut plan.topics {
        for (name, most) in [("flush.messages", 30), ("flush.ms", 3_000)] {
            if dice.chance(1, 2) {
                topic.settings.insert(name.into(), dice.skewed(1, most).to_string());
            }
        }
    }
    for fault in &mut plan.faults {
        fault.strike.spare();
    }
    plan.faults.retain(|fault| !matches!(fault.strike, Strike::SyncFails { .. } | Strike::LoseDisk { .. }));
}
