//! Assignments: brought by the leader, stored, told.

use super::*;

fn completing(world: &mut World, members: usize) -> (Vec<String>, i32) {
    let joins: Vec<_> = (0..members).map(|_| world.join("")).collect();
    world.wait(3_000 * members as u64);
    let leader = world.joined(joins[0].1).leader.to_string();
    let mut ids: Vec<String> = joins.into_iter().map(|(id, _)| id).collect();
    ids.sort_by_key(|id| *id != leader);
    (ids, 1)
}

#[test]
fn members_are_told_their_assignments_when_those_are_committed() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    world.commits = false;
    let follower = world.sync(&ids[1], generation, &[]);
    assert!(world.is_waiting(follower));
    let leader = world.sync(&ids[0], generation, &[(&ids[0], "a"), ("stranger", "x")]);
    assert!(world.is_waiting(leader) && world.is_waiting(follower), "nothing is told that may be lost");
    assert_eq!(world.state(), "CompletingRebalance");
    world.commit_all();
    let answer = world.synced(leader);
    assert_eq!((answer.error_code, &answer.assignment[..]), (0, &b"a"[..]));
    assert_eq!((answer.protocol_type.as_deref(), answer.protocol_name.as_deref()), (Some("consumer"), Some("range")));
    assert_eq!(&world.synced(follower).assignment[..], b"", "whom the leader leaves out gets nothing");
    assert_eq!(world.state(), "Stable");
}

#[test]
fn a_sync_after_the_assignments_are_known_is_answered_at_once() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    let leader = world.sync(&ids[0], generation, &[(&ids[1], "b")]);
    assert_eq!(world.synced(leader).error_code, 0);
    assert_eq!(world.state(), "Stable");
    let follower = world.sync(&ids[1], generation, &[]);
    assert_eq!(&world.synced(follower).assignment[..], b"b");
}

#[test]
fn syncs_that_do_not_belong_are_refused() {
    let mut world = World::new(|_| {});
    let hold = world.sync("who", 1, &[]);
    assert_eq!(world.synced(hold).error_code, ErrorCode::UnknownMemberId.code(), "no such group");
    let (ids, generation) = completing(&mut world, 1);
    let hold = world.sync("who", generation, &[]);
    assert_eq!(world.synced(hold).error_code, ErrorCode::UnknownMemberId.code());
    for other in [generation - 1, generation + 1] {
        let hold = world.sync(&ids[0], other, &[]);
        assert_eq!(world.synced(hold).error_code, ErrorCode::IllegalGeneration.code());
    }
    let base = sync_request(&ids[0], generation, &[]);
    for request in
        [base.clone().with_protocol_type(Some(text("connect"))), base.clone().with_protocol_name(Some(text("sticky")))]
    {
        let hold = world.hold();
        let decision = world.groups.on_sync(world.now, hold, &request);
        world.carry_out(decision);
        assert_eq!(world.synced(hold).error_code, ErrorCode::InconsistentGroupProtocol.code());
    }
    let hold = world.hold();
    let decision = world.groups.on_sync(world.now, hold, &base.with_group_id(GroupId(text(""))));
    world.carry_out(decision);
    assert_eq!(world.synced(hold).error_code, ErrorCode::InvalidGroupId.code());
}

#[test]
fn a_join_while_assignments_are_awaited_sends_the_syncs_back() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    let follower = world.sync(&ids[1], generation, &[]);
    let (_, new) = world.join("");
    assert_eq!(world.synced(follower).error_code, ErrorCode::RebalanceInProgress.code());
    let hold = world.sync(&ids[1], generation, &[]);
    assert_eq!(world.synced(hold).error_code, ErrorCode::RebalanceInProgress.code());
    assert!(world.is_waiting(new));
}

#[test]
fn assignments_of_a_generation_that_is_over_change_nothing() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    world.commits = false;
    let leader = world.sync(&ids[0], generation, &[(&ids[0], "old")]);
    let (_, _new) = world.join("");
    assert_eq!(world.synced(leader).error_code, ErrorCode::RebalanceInProgress.code());
    world.commit_all();
    assert_eq!(world.state(), "PreparingRebalance");
}

#[test]
fn a_sync_that_is_sent_twice_is_answered_twice() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    let first = world.sync(&ids[1], generation, &[]);
    let second = world.sync(&ids[1], generation, &[]);
    assert_eq!(world.synced(first).error_code, ErrorCode::RebalanceInProgress.code());
    world.sync(&ids[0], generation, &[(&ids[1], "b")]);
    assert_eq!(&world.synced(second).assignment[..], b"b");
}

#[test]
fn assignments_that_cannot_be_stored_start_a_rebalance() {
    for (code, told) in [
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator),
        (ErrorCode::KafkaStorageError, ErrorCode::NotCoordinator),
        (ErrorCode::MessageTooLarge, ErrorCode::UnknownServerError),
    ] {
        let mut world = World::new(|_| {});
        let (ids, generation) = completing(&mut world, 2);
        let follower = world.sync(&ids[1], generation, &[]);
        world.refuse = Some(code);
        let leader = world.sync(&ids[0], generation, &[]);
        assert_eq!(world.synced(leader).error_code, told.code(), "{code:?}");
        assert_eq!(world.synced(follower).error_code, told.code());
        assert_eq!(world.state(), "PreparingRebalance");
    }
}

#[test]
fn assignments_that_are_not_committed_in_time_start_a_rebalance() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 1);
    world.commits = false;
    let leader = world.sync(&ids[0], generation, &[]);
    world.wait(4_999);
    assert!(world.is_waiting(leader));
    world.wait(1);
    assert_eq!(world.synced(leader).error_code, ErrorCode::CoordinatorNotAvailable.code());
    assert_eq!(world.state(), "PreparingRebalance");
}

#[test]
fn members_that_never_sync_are_gone_after_the_rebalance_timeout() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 3);
    let leader = world.sync(&ids[0], generation, &[]);
    assert_eq!(world.synced(leader).error_code, 0);
    let second = world.sync(&ids[1], generation, &[]);
    assert_eq!(world.synced(second).error_code, 0);
    for _ in 0..12 {
        for id in &ids {
            world.heartbeat(id, generation);
        }
        world.wait(5_000);
    }
    assert_eq!(world.state(), "PreparingRebalance");
    assert_eq!(world.heartbeat(&ids[2], generation), ErrorCode::UnknownMemberId.code());
    assert_eq!(world.heartbeat(&ids[1], generation), ErrorCode::RebalanceInProgress.code());
}

#[test]
fn a_session_that_ends_while_its_sync_waits_does_not_end_the_member() {
    let mut world = World::new(|_| {});
    let (ids, generation) = completing(&mut world, 2);
    let follower = world.sync(&ids[1], generation, &[]);
    for _ in 0..4 {
        world.wait(5_000);
        world.heartbeat(&ids[0], generation);
    }
    let leader = world.sync(&ids[0], generation, &[(&ids[1], "b")]);
    assert_eq!(world.synced(leader).error_code, 0);
    assert_eq!(&world.synced(follower).assignment[..], b"b");
    // From then on its silence counts again.
    world.wait(9_999);
    assert_eq!(world.heartbeat(&ids[1], generation), 0);
}
