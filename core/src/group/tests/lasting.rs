//! Heartbeats, silence, leaving.

use super::*;

#[test]
fn heartbeats_keep_a_member_and_silence_ends_it() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    for _ in 0..5 {
        world.wait(9_999);
        assert_eq!(world.heartbeat(&ids[0], generation), 0);
    }
    world.wait(10_000);
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::UnknownMemberId.code());
    assert_eq!((world.state(), world.generation()), ("Empty", generation + 1));
}

#[test]
fn heartbeats_of_another_generation_or_of_strangers_are_refused() {
    let mut world = World::new(|_| {});
    assert_eq!(world.heartbeat("who", 1), ErrorCode::UnknownMemberId.code());
    let (ids, generation) = world.stable(1);
    assert_eq!(world.heartbeat("who", generation), ErrorCode::UnknownMemberId.code());
    assert_eq!(world.heartbeat(&ids[0], generation - 1), ErrorCode::IllegalGeneration.code());
    assert_eq!(world.heartbeat(&ids[0], generation + 1), ErrorCode::IllegalGeneration.code());
    let request = HeartbeatRequest::default().with_group_id(GroupId(text("")));
    let hold = world.hold();
    let decision = world.groups.on_heartbeat(world.now, hold, &request);
    world.carry_out(decision);
    let Some(ResponseKind::Heartbeat(answer)) = world.replies.get(&hold) else { panic!() };
    assert_eq!(answer.error_code, ErrorCode::InvalidGroupId.code());
}

#[test]
fn a_silent_member_of_several_starts_a_rebalance() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    world.wait(5_000);
    world.heartbeat(&ids[0], generation);
    world.wait(5_000);
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
    assert_eq!(world.heartbeat(&ids[1], generation), ErrorCode::UnknownMemberId.code());
    let hold = world.join(&ids[0]).1;
    assert_eq!(world.joined(hold).generation_id, generation + 1, "nobody else is waited for");
}

#[test]
fn a_new_member_whose_client_is_gone_holds_up_a_group_for_five_minutes_at_most() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    let (_, new) = world.join("");
    // The old member lives, and never joins again: its rebalance time-out is longer than the new one's patience.
    let _ =
        world.send_join(&join_request(&ids[0]).with_rebalance_timeout_ms(600_000).with_session_timeout_ms(1_000_000));
    let again = world.send_join(&join_request(""));
    world.joined(again);
    assert!(!world.is_waiting(new), "all members had joined when it did");
    assert_eq!(world.joined(new).generation_id, generation + 1);
}

#[test]
fn a_member_that_leaves_starts_a_rebalance_at_once() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let answer = world.leave(&ids[1], None);
    assert_eq!((answer.error_code, answer.members[0].error_code), (0, 0));
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
    let hold = world.join(&ids[0]).1;
    assert_eq!(world.joined(hold).generation_id, generation + 1);
}

#[test]
fn the_last_one_to_leave_leaves_an_empty_group_whose_record_is_awaited() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    world.commits = false;
    let hold = world.send_leave(&ids[0], None);
    assert!(world.is_waiting(hold));
    world.commit_all();
    assert!(!world.is_waiting(hold));
    assert_eq!((world.state(), world.generation()), ("Empty", generation + 1));
}

#[test]
fn an_id_that_was_given_can_leave() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request(""));
    let given = world.joined(hold).member_id;
    assert_eq!(world.leave(&given, None).members[0].error_code, 0);
    assert_eq!(world.leave(&given, None).members[0].error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn strangers_cannot_leave() {
    let mut world = World::new(|_| {});
    let answer = world.leave("who", None);
    assert_eq!((answer.error_code, answer.members[0].error_code), (0, ErrorCode::UnknownMemberId.code()));
    world.stable(1);
    assert_eq!(world.leave("who", None).members[0].error_code, ErrorCode::UnknownMemberId.code());
    assert_eq!(world.leave("", None).members[0].error_code, ErrorCode::UnknownMemberId.code());
    assert_eq!(world.state(), "Stable");
}

#[test]
fn whoever_leaves_while_its_join_waits_is_answered() {
    let mut world = World::new(|_| {});
    let (ids, _) = world.stable(2);
    let hold = world.join(&ids[0]).1;
    world.leave(&ids[0], None);
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.member_id.as_str()), (ErrorCode::UnknownMemberId.code(), ""));
}

#[test]
fn the_last_that_was_missing_leaves_and_the_rebalance_ends() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let hold = world.join(&ids[0]).1;
    assert!(world.is_waiting(hold));
    world.leave(&ids[1], None);
    assert_eq!(world.joined(hold).generation_id, generation + 1);
}

#[test]
fn all_leave_during_the_first_rebalance() {
    let mut world = World::new(|_| {});
    let (id, hold) = world.join("");
    world.leave(&id, None);
    assert_eq!(world.joined(hold).error_code, ErrorCode::UnknownMemberId.code());
    world.wait(3_000);
    assert_eq!(world.state(), "Empty");
    let (_, hold) = world.join("");
    world.wait(3_000);
    assert_eq!(world.joined(hold).error_code, 0);
}
