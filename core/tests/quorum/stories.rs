//! Single promises, each with its source, told step by step.

use crate::disk::Disk;
use crate::world::{Knobs, World, voter};
use esker_core::id::{NodeId, Offset, Uuid};
use esker_core::io::{FileName, Out, Output};
use esker_core::quorum::{Answer, Quorum, QuorumConfig, Turn};
use esker_core::time::{Mono, Now, Span, Wall};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::{BrokerId, FetchRequest};

const CALM: Knobs = Knobs {
    voters: 3,
    observers: 0,
    lost: 0,
    doubled: 0,
    delay_us: 1000,
    disk_us: 1000,
    snapshot_every: 0,
    fetch_bytes: 1 << 20,
};

fn run(world: &mut World, ms: u64) {
    let until = world.now + Span::from_millis(ms);
    world.run_until(until);
}

/// Runs until `done`; how long it took. `None`: longer than `ms`.
fn until(world: &mut World, ms: u64, done: impl Fn(&World) -> bool) -> Option<Span> {
    let start = world.now;
    while !done(world) {
        if world.now.since(start) >= Span::from_millis(ms) {
            return None;
        }
        world.run_until(Mono(world.now.0 + 500));
    }
    Some(world.now.since(start))
}

fn leader_of(world: &mut World) -> i32 {
    until(world, 5000, |w| w.leader().is_some_and(|id| leads_drained(w, id))).expect("a leader");
    world.leader().expect("a leader")
}

fn leads_drained(world: &World, id: i32) -> bool {
    world.nodes[id as usize].quorum.as_ref().is_some_and(|q| q.is_drained())
}

fn epoch(world: &World, id: i32) -> i32 {
    world.nodes[id as usize].quorum.as_ref().expect("it is up").epoch().0
}

fn cut_off(world: &mut World, id: i32) {
    for other in (0..world.nodes.len() as i32).filter(|other| *other != id) {
        world.cut.extend([(id, other), (other, id)]);
    }
}

/// A node alone needs nobody, and no time-out passes before it serves: only its disk is waited for.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_node_alone_elects_itself_at_once() {
    let mut world = World::new(1, Knobs { voters: 1, ..CALM });
    let took = until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads");
    // Open, list, vote, the leader's first record, and the log's own: about fifteen operations of up to 2 ms.
    assert!(took < Span::from_millis(40), "it took {took}");
    assert!(world.append(0, 3));
    run(&mut world, 50);
    assert_eq!(world.judge.end(), Offset(4));
    world.crash(0);
    world.start(0);
    let again = until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads again");
    assert!(again < Span::from_millis(40), "it took {again}");
    assert_eq!(epoch(&world, 0), 2, "it never leads an epoch twice");
}

/// Opens a folder with nobody else in the world; why it could not be opened.
fn opened(mut disk: Disk) -> Option<String> {
    open(&mut disk, Offset::ZERO)
}

/// The same, where `durable` was written down as committed.
fn open(disk: &mut Disk, durable: Offset) -> Option<String> {
    let (mut quorum, mut out) = (Quorum::new(QuorumConfig::new(NodeId(0), vec![voter(0)], 1)), Out::default());
    let now = Now { mono: Mono(0), wall: Wall(0) };
    quorum.open(false, durable, &mut out);
    loop {
        assert!(quorum.promised() >= durable, "what was written down stays so, whatever becomes of the start");
        let changes = quorum.changes();
        if changes.opened || changes.failed.is_some() {
            return changes.failed;
        }
        if let Output::Disk { tag, op } = out.pop().expect("it does not wait while it opens") {
            quorum.on_disk(now, tag, disk.run(&op), &mut out);
        }
    }
}

/// KIP-595: a vote is never forgotten. Records without it say that the file was lost: nothing is fetched or appended before the
/// first epoch is on stable storage.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_lost_vote_is_not_passed_over() {
    let mut world = World::new(1, Knobs { voters: 1, ..CALM });
    until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads");
    assert!(world.append(0, 3));
    run(&mut world, 50);
    let whole = world.node(0).disk.clone();
    assert_eq!(opened(whole.clone()), None);
    let mut lost = whole;
    lost.lose(FileName::QuorumState);
    let why = opened(lost).expect("it is refused");
    assert!(why.contains("has records and no quorum-state"), "{why}");
    // Without records there is nothing that a vote was for.
    assert_eq!(opened(Disk::default()), None);
}

/// Where what was committed is damaged the start ends, and the folder is as it was: whoever knows what the byte was puts it back.
#[cfg_attr(not(feature = "mutants"), test)]
fn what_was_committed_and_is_damaged_is_not_cut_away() {
    let mut world = World::new(1, Knobs { voters: 1, ..CALM });
    until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads");
    for _ in 0..3 {
        assert!(world.append(0, 3));
        run(&mut world, 50);
    }
    let (end, whole) = (world.judge.end(), world.node(0).disk.clone());
    let log = FileName::Log(Offset::ZERO);
    let mut refused = 0;
    for at in (0..whole.bytes(log).len()).step_by(5) {
        let mut disk = whole.clone();
        disk.flip(log, at);
        // No CRC covers a batch's epoch.
        let Some(why) = open(&mut disk, end) else { continue };
        assert!(why.contains("is damaged"), "{why}");
        refused += 1;
        disk.flip(log, at);
        assert_eq!(disk.bytes(log), whole.bytes(log), "byte {at}");
        assert_eq!(open(&mut disk, end), None, "byte {at} is what it was");
    }
    assert!(refused * 5 > whole.bytes(log).len() * 9 / 10, "{refused} bytes were missed when they flipped");
}

/// A voter that hears that it voted from another folder than it has lost a disk, and does not stand for election before it hears of the one that it
/// has (`quorum/directories.rs`).
#[cfg_attr(not(feature = "mutants"), test)]
fn a_voter_whose_disk_was_lost_does_not_stand() {
    let mut world = World::new(11, CALM);
    let leader = leader_of(&mut world);
    let others = [(leader + 1) % 3, (leader + 2) % 3];
    let hear = |world: &mut World, folder: Uuid| {
        for id in others {
            world.tell(id, |quorum, now, out| quorum.learn_directory(now, NodeId(id), folder, out));
        }
    };
    hear(&mut world, Uuid(7));
    world.crash(leader);
    run(&mut world, 20_000);
    assert_eq!(world.leader(), None, "neither of them has what it had");
    hear(&mut world, QuorumConfig::new(NodeId(0), Vec::new(), 0).directory);
    assert!(others.contains(&leader_of(&mut world)));
}

/// Nobody else could vote: with another `directory.id` it stood still for ever, and said nothing.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_node_alone_leads_from_a_folder_with_another_name() {
    let mut world = World::new(1, Knobs { voters: 1, ..CALM });
    until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads");
    world.tell(0, |quorum, now, out| quorum.learn_directory(now, NodeId(0), Uuid(7), out));
    run(&mut world, 50);
    world.crash(0);
    world.start(0);
    until(&mut world, 5000, |w| leads_drained(w, 0)).expect("it leads again");
}

/// KIP-996: who was cut off and comes back counts no epoch up, and does not depose the leader.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_node_that_comes_back_disturbs_nobody() {
    let mut world = World::new(2, CALM);
    let leader = leader_of(&mut world);
    let before = epoch(&world, leader);
    let lonely = (leader + 1) % 3;
    cut_off(&mut world, lonely);
    run(&mut world, 20_000);
    assert_eq!(epoch(&world, lonely), before, "alone it cannot win a pre-vote");
    world.cut.clear();
    run(&mut world, 5_000);
    assert_eq!((world.leader(), epoch(&world, leader)), (Some(leader), before));
    assert!(world.append(leader, 1));
    run(&mut world, 100);
    assert!(world.nodes.iter().all(|node| node.state.0 == world.judge.end()), "it has caught up");
}

/// KIP-595, check quorum: a leader that no majority fetches from resigns.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_leader_cut_off_resigns() {
    let mut world = World::new(3, CALM);
    let old = leader_of(&mut world);
    cut_off(&mut world, old);
    // Fetch time-out times one and a half, and a little.
    run(&mut world, 3_600);
    assert!(!world.nodes[old as usize].quorum.as_ref().expect("up").is_leader(), "it has resigned");
    until(&mut world, 5_000, |w| w.leader().is_some_and(|id| id != old)).expect("the others elect one");
}

/// A leader that dies is noticed by its connections: it does not take the whole fetch time-out.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_dead_leader_is_replaced_soon() {
    for seed in 0..20 {
        let mut world = World::new(seed, CALM);
        let old = leader_of(&mut world);
        assert!(world.append(old, 2));
        run(&mut world, 100);
        world.kill(old);
        let took = until(&mut world, 10_000, |w| w.leader().is_some_and(|id| leads_drained(w, id))).expect("a leader");
        assert!(took < Span::from_millis(1500), "seed {seed}: it took {took}\n{}", world.judge.trace());
    }
}

/// KIP-595, EndQuorumEpoch: the successor that is named stands at once.
#[cfg_attr(not(feature = "mutants"), test)]
fn a_leader_that_stops_hands_over() {
    for seed in 0..20 {
        let mut world = World::new(seed, CALM);
        let old = leader_of(&mut world);
        world.resign(old);
        let took = until(&mut world, 10_000, |w| w.leader().is_some_and(|id| id != old && leads_drained(w, id)));
        assert!(took.is_some_and(|took| took < Span::from_millis(300)), "seed {seed}: {took:?}");
        let resigned =
            until(&mut world, 1_000, |w| w.nodes[old as usize].quorum.as_ref().is_some_and(|q| q.is_resigned()));
        assert!(resigned.is_some());
    }
}

/// KIP-630: who is too far behind gets the snapshot, and goes on from there.
#[cfg_attr(not(feature = "mutants"), test)]
fn who_is_far_behind_gets_a_snapshot() {
    let mut world = World::new(5, Knobs { snapshot_every: 10, ..CALM });
    let leader = leader_of(&mut world);
    let late = (leader + 1) % 3;
    world.crash(late);
    for _ in 0..60 {
        assert!(world.append(leader, 1));
        run(&mut world, 20);
    }
    let installed = world.judge.installed;
    world.start(late);
    run(&mut world, 3_000);
    let quorum = world.nodes[late as usize].quorum.as_ref().expect("up");
    assert!(quorum.start() > Offset::ZERO, "its log begins where the snapshot ends");
    assert!(world.judge.installed > installed);
    assert_eq!(world.nodes[late as usize].state.0, world.judge.end());
}

/// An observer finds the leader by asking, follows it, and is counted by nobody.
#[cfg_attr(not(feature = "mutants"), test)]
fn an_observer_reads_along() {
    let mut world = World::new(6, Knobs { observers: 1, ..CALM });
    let leader = leader_of(&mut world);
    assert!(world.append(leader, 2));
    run(&mut world, 1000);
    assert_eq!(world.nodes[3].state.0, world.judge.end());
    for voter in (0..3).filter(|id| *id != leader) {
        world.crash(voter);
    }
    let committed = world.judge.end();
    world.append(leader, 1);
    run(&mut world, 1000);
    assert_eq!(world.judge.end(), committed, "leader and observer are no majority of three");
}

/// A Fetch of the voter `from`, whose log ends at `end` with a record of `last` and is all on its stable storage.
fn fetch(from: i32, epoch: i32, end: i64, last: i32) -> FetchRequest {
    let partition =
        FetchPartition::default().with_current_leader_epoch(epoch).with_fetch_offset(end).with_last_fetched_epoch(last);
    let topic = FetchTopic::default()
        .with_topic_id(esker_core::id::Uuid::METADATA_TOPIC.into())
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_state(ReplicaState::default().with_replica_id(BrokerId(from)))
        .with_max_wait_ms(100)
        .with_topics(vec![topic])
}

/// Raft paper, 5.4.2 and figure 8: a record of an older epoch is committed by one of the leader's own, never by counting.
pub fn old_records_are_not_committed_by_counting() {
    let mut world = World::new(7, CALM);
    let old = leader_of(&mut world);
    let other = (old + 1) % 3;
    let gone = (old + 2) % 3;
    let first = epoch(&world, old);
    cut_off(&mut world, old);
    assert!(world.append(old, 1), "a record that nobody else gets");
    run(&mut world, 20);
    world.crash(gone);
    world.crash(old);
    world.start(old);
    world.cut.clear();
    until(&mut world, 10_000, |w| w.leader() == Some(old)).expect("the longest log wins");
    cut_off(&mut world, old);
    let (epoch, now) = (epoch(&world, old), world.time());
    assert!(epoch > first);
    run(&mut world, 20);
    let mut out = Out::default();
    let quorum = world.nodes[old as usize].quorum.as_mut().expect("up");
    let (end, before) = (quorum.end(), quorum.watermark());
    assert_eq!(quorum.synced(), end);
    let asked = quorum.on_fetch(now, &fetch(other, epoch, end.0 - 1, first), Turn::First, &mut out);
    assert!(matches!(asked, Answer::Reply(_)), "it gets the leader's own record");
    assert_eq!(quorum.watermark(), before, "two of three have the old record, and that is not enough");
    let _ = quorum.on_fetch(now, &fetch(other, epoch, end.0, epoch), Turn::First, &mut out);
    assert_eq!(quorum.watermark(), end, "with the leader's own record it is");
}

#[cfg_attr(not(feature = "mutants"), test)]
fn figure_8() {
    old_records_are_not_committed_by_counting();
}
