//! Every disk operation of a small story fails once: what was acked is there afterwards, and the cluster goes on.
//!
//! `ESKER_NTH=all` takes every operation of three brokers; without it every one of one broker and a share of the others, the same
//! share each time, so that it stays within seconds.

use esker_sim::disk::{DiskProfile, How, Nth};
use esker_sim::net::LinkProfile;
use esker_sim::plan::{ClientPlan, NodePlan, Phases, Plan, TopicPlan, VERSION};
use esker_sim::trace::Keep;
use esker_sim::world::World;
use std::collections::BTreeMap;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;

/// A few records into a topic of small segments, beside a group's member; short, and everything is fast.
fn story(nodes: u32) -> Plan {
    let disk = DiskProfile { write_us: 10, sync_us: 300, read_us: 30, slow: 1, page: 64 };
    let link = LinkProfile { min_us: 100, max_us: 300, spike_one_in: 0, spike_us: 0 };
    let pairs = |of: &[(&str, &str)]| -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let mut settings = pairs(&[
        ("broker.heartbeat.interval.ms", "100"),
        ("broker.session.timeout.ms", "500"),
        ("controller.quorum.election.timeout.ms", "200"),
        ("controller.quorum.election.backoff.max.ms", "100"),
        ("controller.quorum.fetch.timeout.ms", "500"),
        ("controller.quorum.request.timeout.ms", "400"),
        ("metadata.log.max.record.bytes.between.snapshots", "600"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "100"),
        ("offsets.topic.num.partitions", "1"),
        ("replica.lag.time.max.ms", "600"),
        ("replica.fetch.wait.max.ms", "100"),
    ]);
    settings.insert("offsets.topic.replication.factor".into(), nodes.to_string());
    let producer = ClientPlan::Producer {
        acks: -1,
        idempotent: true,
        partitions: vec![0],
        pause_us: 60 * MS,
        batch: 2,
        size: 40,
        in_flight: 2,
        request_timeout_us: 500 * MS,
        delivery_timeout_us: 10 * SECOND,
        version: 9,
        bump_us: 0,
        step_ms: 0,
        snappy: false,
        first_sequence: 0,
        tick_ms: 0,
        untimed: false,
    };
    let member = ClientPlan::Member {
        group: 0,
        topics: vec![0],
        session_ms: 400,
        rebalance_ms: 800,
        heartbeat_us: 150 * MS,
        commit_us: 200 * MS,
        request_timeout_us: 800 * MS,
        instance: None,
        rejoin_us: 0,
        from_us: 0,
        silent_us: 0,
        leaves: false,
        late_commits: false,
        assignors: Vec::new(),
        asks_all: false,
        by_name: false,
        unruly_us: 0,
        kept_ms: 0,
    };
    let topic = TopicPlan {
        name: "t".into(),
        partitions: 1,
        replicas: nodes,
        settings: pairs(&[("internal.segment.bytes", "700"), ("index.interval.bytes", "100")]),
    };
    Plan {
        esker_plan: VERSION,
        seed: 7,
        mutant: None,
        nodes: vec![NodePlan { disk, drift_ppm: 0, wall_off_ms: 0, start_us: 0 }; nodes as usize],
        settings,
        topics: vec![topic],
        node_links: link,
        client_links: link,
        call_timeout_us: 500 * MS,
        clients: vec![producer, member],
        phases: Phases { safety_us: 1_500 * MS, quiet_us: 1_600 * MS, liveness_us: 30 * SECOND },
        faults: Vec::new(),
        event_budget: 400_000,
    }
}

/// Runs the story with an operation of `node` failing; what is wrong afterwards.
fn play(plan: &Plan, node: usize, nth: Nth) -> Option<String> {
    let mut world = World::new(plan.clone(), Keep::Nothing);
    world.nodes[node].disk.nth = Some(nth);
    world.run(u64::MAX);
    // Up to there the run is the one without a fault.
    assert!(world.nodes[node].disk.completed >= nth.at, "operation {} was never reached", nth.at);
    let failure = world.failure.as_ref()?;
    Some(format!("node {}, operation {} fails with {:?}: {}", node + 1, nth.at, nth.how, failure.anomaly))
}

/// How each operation of `node` may fail, in a story in which none does.
fn ways(plan: &Plan, node: usize) -> Vec<[bool; 3]> {
    let mut world = World::new(plan.clone(), Keep::Nothing);
    world.nodes[node].disk.ways = Some(Vec::new());
    world.run(u64::MAX);
    assert!(world.failure.is_none(), "the story as such: {:?}", world.failure);
    world.nodes[node].disk.ways.take().unwrap_or_default()
}

/// Every `stride`th way of failing.
fn fail_one_by_one(nodes: u32, stride: usize) {
    let plan = story(nodes);
    let (mut wrong, mut played, mut turn) = (Vec::new(), 0, 0);
    for node in 0..nodes as usize {
        for (place, fits) in ways(&plan, node).into_iter().enumerate() {
            for how in How::ALL.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|(how, _)| how) {
                turn += 1;
                if turn % stride == 0 {
                    played += 1;
                    wrong.extend(play(&plan, node, Nth { at: place as u64 + 1, how }));
                }
            }
        }
    }
    println!("{nodes} brokers: {played} of {turn} ways to fail");
    assert!(turn > 50, "a story of {turn} operations proves little");
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.join("\n"));
}

fn stride(usual: usize) -> usize {
    if std::env::var("ESKER_NTH").is_ok_and(|what| what == "all") { 1 } else { usual }
}

#[test]
fn one_broker_survives_the_failure_of_any_operation() {
    fail_one_by_one(1, stride(1));
}

#[test]
fn three_brokers_survive_the_failure_of_any_operation() {
    fail_one_by_one(3, stride(7));
}
