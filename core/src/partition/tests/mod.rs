//! Replicas together: what no single one of them can promise.

mod cluster;

use super::Acks;
use crate::rng::Rng;
use crate::time::Span;
use cluster::Cluster;

/// Plays a seed to its end: a stretch of trouble, then calm. What broke, if anything did.
fn play(seed: u64) -> Option<&'static str> {
    let mut dice = Rng::new(seed, 1);
    let mut cluster = Cluster::new(seed, 3);
    // Many short lives, or few long ones; quick disks, or slow ones.
    let (crashes, moves, disks) = (1 + dice.below(8), 1 + dice.below(8), 1 + dice.below(6));
    for _ in 0..400 {
        let at = dice.below(3) as usize;
        match dice.below(100 + crashes + moves) {
            0..=14 => {
                let acks = if dice.below(2) == 0 { Acks::All } else { Acks::Leader };
                let _ = cluster.produce(at, acks);
            }
            15..=20 => cluster.consume(at),
            21..=35 => cluster.ask(at),
            36..=50 => cluster.answer(at),
            51..=65 => cluster.take(at),
            66..=77 => {
                for _ in 0..disks {
                    cluster.step_disk(at);
                }
            }
            78..=83 => cluster.hear(at),
            84..=87 => cluster.propose(at),
            88..=91 => cluster.decide(),
            92..=95 => cluster.pass(Span::from_millis(dice.below(200))),
            96 => cluster.lose(at),
            97 => cluster.checkpoint(at),
            98..=99 => {
                if !cluster.is_up(at) {
                    cluster.start(at);
                    cluster.unfence();
                }
            }
            other if other < 100 + crashes => {
                if cluster.is_up(at) {
                    cluster.crash(at);
                }
            }
            _ => cluster.move_leader(),
        }
        if cluster.broken.is_some() {
            return cluster.broken;
        }
    }
    (0..60).for_each(|_| cluster.calm());
    cluster.broken.or_else(|| converged(&cluster))
}

/// After calm: a leader, all in sync, all equal, nothing acknowledged missing.
fn converged(cluster: &Cluster) -> Option<&'static str> {
    let Some(leader) = cluster.state.leader else { return Some("no leader after calm") };
    if cluster.state.isr.len() != 3 {
        return Some("not all are in sync after calm");
    }
    let lead = cluster.holds(leader.0 as usize - 1);
    if (0..3).any(|at| cluster.holds(at) != lead) {
        return Some("the replicas differ after calm");
    }
    if cluster.acked.iter().any(|(base, batch)| lead.get(base) != Some(batch)) {
        return Some("what was acknowledged is lost");
    }
    None
}

#[test]
fn whatever_fails_nothing_acknowledged_is_lost() {
    for seed in 0..400 {
        assert_eq!(play(seed), None, "seed {seed}");
    }
}

/// Every named bug of replication is found by [`play`]. Run alone, the choice is the process's:
/// `cargo test -p esker-core --features mutants partition::tests::every -- --ignored`.
#[cfg(feature = "mutants")]
#[test]
#[ignore = "the mutant is chosen for the whole process"]
fn every_mutant_is_found() {
    extern crate std;
    let mutants = [
        "ack-before-sync",
        "watermark-unsynced",
        "truncate-to-watermark",
        "no-fetch-fencing",
        "read-beyond-watermark",
        "ack-all-at-leader",
        "expand-too-early",
        "shrink-not-granted",
        "no-min-isr",
    ];
    for name in mutants {
        assert!(crate::mutant::select(name), "{name}");
        let found = (0..3000).find_map(|seed| {
            let played = std::panic::catch_unwind(|| play(seed));
            played.map_or(Some((seed, "panic")), |broken| broken.map(|what| (seed, what)))
        });
        std::println!("{name}: {found:?}");
        assert!(found.is_some(), "{name} was not found");
    }
    crate::mutant::select("none");
}
