//! Replicas together: what no single one of them can promise.

mod cluster;

use super::{Acks, FetchQuery, Isolation, Partition, Settings};
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId};
use crate::io::Records;
use crate::log::Reading;
use crate::rng::Rng;
use crate::time::Span;
use cluster::Cluster;

#[derive(Clone, Copy)]
enum Action {
    Produce,
    Consume,
    Ask,
    Answer,
    Take,
    Disk,
    Hear,
    Propose,
    Decide,
    Pass,
    Lose,
    Checkpoint,
    Start,
    Crash,
    Move,
    Round,
}

/// What can happen, and its largest weight.
const ACTIONS: [(Action, u64); 16] = [
    (Action::Produce, 20),
    (Action::Consume, 8),
    (Action::Ask, 20),
    (Action::Answer, 20),
    (Action::Take, 20),
    (Action::Disk, 60),
    (Action::Hear, 10),
    (Action::Propose, 6),
    (Action::Decide, 6),
    (Action::Pass, 4),
    (Action::Lose, 2),
    (Action::Checkpoint, 2),
    (Action::Start, 6),
    (Action::Crash, 4),
    (Action::Move, 4),
    (Action::Round, 6),
];

fn act(cluster: &mut Cluster, dice: &mut Rng, at: usize, action: Action) {
    match action {
        Action::Produce => {
            let acks = if dice.below(2) == 0 { Acks::All } else { Acks::Leader };
            let _ = cluster.produce(at, acks);
        }
        Action::Consume => cluster.consume(at),
        Action::Ask => cluster.ask(at),
        Action::Answer => cluster.answer(at),
        Action::Take => cluster.take(at),
        Action::Disk => {
            cluster.step_disk(at);
        }
        Action::Hear => cluster.hear(at),
        Action::Propose => cluster.propose(at),
        Action::Decide => cluster.decide(),
        Action::Pass => cluster.pass(Span::from_millis(dice.below(200))),
        Action::Lose => cluster.lose(at),
        Action::Checkpoint => cluster.checkpoint(at),
        Action::Start if !cluster.is_up(at) => {
            cluster.start(at);
            cluster.unfence();
        }
        Action::Crash if cluster.is_up(at) => cluster.crash(at),
        Action::Start | Action::Crash => {}
        Action::Move => cluster.move_leader(),
        // A fetch, whole: what most of them are.
        Action::Round => {
            cluster.ask(at);
            cluster.answer(at);
            cluster.take(at);
        }
    }
}

/// Plays a seed to its end: a stretch of trouble, then calm. What broke, if anything did.
fn play(seed: u64) -> Option<&'static str> {
    let mut dice = Rng::new(seed, 1);
    let mut cluster = Cluster::new(seed, 3);
    trouble(&mut cluster, &mut dice);
    (0..60).for_each(|_| cluster.calm());
    cluster.broken.or_else(|| converged(&cluster))
}

/// As [`play`]; then power is lost, and on one disk the end of the log rots.
fn play_rotten(seed: u64) -> Option<&'static str> {
    let mut dice = Rng::new(seed, 2);
    let mut cluster = Cluster::new(seed, 3);
    trouble(&mut cluster, &mut dice);
    (0..60).for_each(|_| cluster.calm());
    (0..3).for_each(|at| cluster.checkpoint(at));
    let first = dice.below(3) as usize;
    (first..first + 3).for_each(|at| cluster.crash(at % 3));
    cluster.rot_last(dice.below(3) as usize, 1 + dice.below(2) as usize);
    trouble(&mut cluster, &mut dice);
    (0..60).for_each(|_| cluster.calm());
    cluster.broken.or_else(|| converged(&cluster))
}

fn trouble(cluster: &mut Cluster, dice: &mut Rng) {
    // Each seed has its own weights: many short lives or few long ones, quick disks or slow ones, news that travel or not.
    let weights = ACTIONS.map(|(_, most)| dice.below(most + 1));
    let total: u64 = weights.iter().sum::<u64>().max(1);
    for _ in 0..400 {
        let mut left = dice.below(total);
        let chosen = weights.iter().position(|weight| match left.checked_sub(*weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let at = dice.below(3) as usize;
        act(cluster, dice, at, ACTIONS[chosen.unwrap_or(0)].0);
        if cluster.broken.is_some() {
            return;
        }
    }
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
        assert_eq!(play_rotten(seed), None, "seed {seed}, and what rotted");
    }
}

/// Three replicas in sync that hold the same.
fn full(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(seed, 3);
    for _ in 0..40 {
        cluster.calm();
        if let Some(leader) = cluster.state.leader {
            let _ = cluster.produce(leader.0 as usize - 1, Acks::All);
        }
    }
    (0..20).for_each(|_| cluster.calm());
    assert!(cluster.acked.len() > 20 && converged(&cluster).is_none());
    cluster
}

#[test]
fn who_is_about_to_be_in_sync_gives_up_nothing() {
    let mut cluster = full(5);
    let leader = cluster.state.leader.expect("a leader after calm").0 as usize - 1;
    let other = (leader + 1) % 3;
    cluster.put_out(other);
    cluster.hear(leader);
    cluster.ask(other);
    cluster.answer(other);
    cluster.find_damage(other);
    cluster.propose(leader);
    // That it is not in sync reaches it when the leader has asked already that it be.
    cluster.hear(other);
    cluster.take(other);
    cluster.decide();
    assert_eq!(cluster.state.isr.len(), 3, "the leader had heard that it holds everything");
    cluster.lead(other);
    (0..60).for_each(|_| cluster.calm());
    assert_eq!(cluster.broken.or_else(|| converged(&cluster)), None);
    let repaired = cluster.replicas[other].partition.as_ref().is_some_and(|one| one.damaged.is_none());
    assert!(repaired && cluster.state.leader.is_some_and(|id| id.0 as usize - 1 != other), "it handed over first");
}

/// The server sends ranges of files when their turn comes, and a cut is on the same file.
#[test]
fn what_a_later_leader_wrote_is_no_answer_to_who_asked_before() {
    let mut cluster = full(5);
    let leader = cluster.state.leader.expect("a leader after calm").0 as usize - 1;
    let other = (leader + 1) % 3;
    let end = |cluster: &Cluster| cluster.replicas[other].partition.as_ref().expect("it is up").log_end();
    cluster.produce(leader, Acks::Leader).expect("it leads");
    cluster.ask(other);
    cluster.answer(other);
    let before = end(&cluster);
    let answer = cluster.replicas[other].answered.as_mut().expect("there is something to fetch");
    let mut later = answer.records.to_vec();
    // The leader's epoch, which no checksum covers.
    later[15] += 1;
    let given = core::mem::replace(&mut answer.records, later.into());
    let good = crate::partition::Replicated { records: given, ..answer.clone() };
    cluster.take(other);
    assert_eq!(end(&cluster), before);
    cluster.replicas[other].answered = Some(good);
    cluster.take(other);
    assert!(end(&cluster) > before);
}

#[test]
fn who_is_in_sync_and_damaged_leaves_and_fetches_anew() {
    let mut cluster = full(5);
    let leader = cluster.state.leader.expect("a leader after calm").0 as usize - 1;
    let other = (leader + 1) % 3;
    cluster.find_damage(other);
    cluster.lead((leader + 2) % 3);
    let mut left = false;
    for _ in 0..60 {
        cluster.calm();
        left |= cluster.state.isr.len() == 2;
    }
    assert!(left, "the leader heard that what is committed is not whole there");
    assert!(cluster.replicas[other].partition.as_ref().is_some_and(|one| one.damaged.is_none()));
    assert_eq!(cluster.broken.or_else(|| converged(&cluster)), None);
}

#[test]
fn a_leader_whose_bytes_are_damaged_hands_over_and_fetches_them_anew() {
    let mut cluster = full(3);
    cluster.damage(1);
    let mut handed_over = false;
    for _ in 0..200 {
        let leader = cluster.state.leader.expect("somebody is in sync").0 as usize - 1;
        handed_over |= leader != 1 && cluster.state.isr.len() == 2;
        cluster.consume(leader);
        cluster.calm();
    }
    assert!(handed_over, "the damage is met by a reader");
    cluster.reread(1);
    assert_eq!(cluster.broken.or_else(|| converged(&cluster)), None);
}

/// All three hold everything and have written so down; power is lost, and the last batches of `rotten` are damaged. The last that died was
/// replica 1: it alone is in sync.
fn dark(rotten: &[usize]) -> Cluster {
    let mut cluster = full(4);
    (0..3).for_each(|at| cluster.checkpoint(at));
    [0, 2, 1].into_iter().for_each(|at| cluster.crash(at));
    assert_eq!(cluster.state.isr, [NodeId(2)]);
    assert!(rotten.iter().all(|at| cluster.rot_last(*at, 2)));
    cluster
}

fn fetch(cluster: &mut Cluster, at: usize) {
    cluster.hear(at);
    cluster.ask(at);
    cluster.answer(at);
    cluster.take(at);
}

#[test]
fn who_lacks_what_it_promised_hands_over_to_who_has_it() {
    let mut cluster = dark(&[1]);
    cluster.start(1);
    // A second loss of power: what it lacks is written down still.
    cluster.checkpoint(1);
    cluster.crash(1);
    cluster.start(1);
    cluster.unfence();
    cluster.hear(1);
    assert_eq!(cluster.state.leader, Some(NodeId(2)));
    assert_eq!(cluster.produce(1, Acks::Leader), Err(ErrorCode::NotLeaderOrFollower));
    let one = cluster.replicas[1].partition.as_ref().expect("it is up");
    assert!(!one.is_leader() && one.fetch_plan().is_none() && one.promised() == cluster.committed_end);
    assert_eq!(one.epoch_end(None, LeaderEpoch(0)), Err(ErrorCode::NotLeaderOrFollower.into()));
    // One that was heard is not enough: another may know better what is committed.
    cluster.start(0);
    fetch(&mut cluster, 0);
    cluster.propose(1);
    cluster.decide();
    assert_eq!(cluster.state.leader, Some(NodeId(2)));
    assert_eq!(cluster.replicas[0].partition.as_ref().map(|one| one.log_end()), Some(cluster.committed_end));
    cluster.start(2);
    fetch(&mut cluster, 2);
    cluster.propose(1);
    cluster.decide();
    assert!(cluster.state.leader.is_some_and(|leader| leader != NodeId(2)) && cluster.state.isr.len() == 1);
    (0..60).for_each(|_| cluster.calm());
    assert_eq!(cluster.broken.or_else(|| converged(&cluster)), None);
    assert!(cluster.replicas[1].partition.as_ref().is_some_and(|one| one.promised() == one.watermark()));
}

#[test]
fn who_lacks_what_nobody_has_leads() {
    let mut cluster = dark(&[0, 1, 2]);
    cluster.start(1);
    cluster.unfence();
    cluster.hear(1);
    cluster.propose(1);
    let due = |cluster: &Cluster| cluster.replicas[1].partition.as_ref().and_then(Partition::next_deadline);
    for at in [0, 2] {
        assert!(due(&cluster).is_none_or(|at| at > cluster.now.mono), "it waits for the others");
        cluster.start(at);
        fetch(&mut cluster, at);
    }
    assert!(due(&cluster).is_some_and(|at| at <= cluster.now.mono), "all were heard: it is to take the lead");
    (0..60).for_each(|_| cluster.calm());
    let one = cluster.replicas[1].partition.as_ref().expect("it is up");
    assert!(one.is_leader() && cluster.state.isr.len() == 3);
    assert_eq!(one.promised(), one.watermark(), "it promises no more than it has");
    assert!(one.log_end() < cluster.committed_end);

    let mut alone = Cluster::new(1, 1);
    (0..20).for_each(|_| alone.calm());
    alone.produce(0, Acks::All).expect("the only one");
    (0..20).for_each(|_| alone.calm());
    alone.checkpoint(0);
    alone.crash(0);
    assert!(alone.rot_last(0, 1));
    alone.start(0);
    alone.unfence();
    alone.hear(0);
    assert!(alone.replicas[0].partition.as_ref().is_some_and(|one| one.is_leader()), "there is nobody to wait for");
}

#[test]
fn a_reader_is_told_that_a_batch_has_no_room() {
    // Else a session has no reason to look at the partition again before its log moves (seed 527).
    let mut cluster = Cluster::new(1, 3);
    (0..20).for_each(|_| cluster.calm());
    let at = cluster.state.leader.expect("a leader after calm").0 as usize - 1;
    cluster.produce(at, Acks::Leader).expect("the leader takes it");
    let (now, one) = (cluster.now, &mut cluster.replicas[at]);
    let partition = one.partition.as_mut().expect("it is up");
    let end = partition.log_end();
    let mut no_room = |offset, whole_first| {
        let query = FetchQuery { epoch: None, offset, last_epoch: None, max_bytes: 1 };
        let told = partition.on_fetch(now, &query, None, Isolation::End, whole_first, &mut one.out);
        told.expect("it leads").reading == (Reading::Ready { records: Records::Empty, more: true })
    };
    assert!(no_room(end.plus(-1), false));
    assert!(!no_room(end.plus(-1), true), "the first batch of an answer is handed out whole");
    assert!(!no_room(end, false), "there is nothing to have");
}

#[test]
fn a_topic_that_would_rather_lose_records_does_not_wait_for_others() {
    let mut cluster = dark(&[1]);
    cluster.start(1);
    cluster.unfence();
    cluster.hear(1);
    cluster.propose(1);
    let one = cluster.replicas[1].partition.as_mut().expect("it is up");
    assert!(!one.is_leader() && one.next_deadline().is_none_or(|at| at > cluster.now.mono));
    one.configure(crate::time::Mono(0), Settings { unclean: true, ..cluster::SETTINGS });
    assert!(one.next_deadline().is_some_and(|at| at <= cluster.now.mono));
    cluster.propose(1);
    assert!(cluster.replicas[1].partition.as_ref().is_some_and(Partition::is_leader));
    assert_eq!(cluster.state.isr, [NodeId(2)]);
}
