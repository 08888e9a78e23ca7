//! Static members (KIP-345).

use super::*;
use crate::time::Span;

/// A stable group of two static members, `one` leading.
fn stable(world: &mut World) -> (Vec<String>, i32) {
    let one = world.send_join(&static_request("one", ""));
    let two = world.send_join(&static_request("two", ""));
    world.wait(6_000);
    let (one, two) = (world.joined(one), world.joined(two));
    assert_eq!((one.error_code, two.error_code), (0, 0), "no round trip for an id");
    let mut ids = vec![one.member_id.to_string(), two.member_id.to_string()];
    assert!(ids[0].starts_with("one-") && ids[1].starts_with("two-"));
    ids.sort_by_key(|id| *id != one.leader.as_str());
    assert!(ids[0].starts_with("one-"), "the first to join leads");
    world.sync_all(&ids, one.generation_id);
    (ids, one.generation_id)
}

#[test]
fn a_restarted_member_gets_another_id_and_its_old_assignment_without_a_rebalance() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    world.commits = false;
    let hold = world.send_join(&static_request("two", ""));
    assert!(world.is_waiting(hold), "its new id must not be lost");
    world.commit_all();
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.generation_id, answer.skip_assignment), (0, generation, false));
    assert_ne!(answer.member_id.as_str(), ids[1]);
    assert_eq!((world.state(), world.heartbeat(&ids[0], generation)), ("Stable", 0));
    let sync = world.sync(&answer.member_id, generation, &[]);
    assert_eq!(&world.synced(sync).assignment[..], ids[1].as_bytes(), "what was assigned to its old id");
}

/// It was put out after a session, though its join waited (seed 74000008997).
#[test]
fn who_starts_anew_before_the_first_generation_stays_while_its_join_waits() {
    let mut world = World::new(|settings| settings.initial_rebalance_delay = Span::from_millis(60_000));
    let before = world.send_join(&static_request("one", ""));
    let hold = world.send_join(&static_request("one", ""));
    assert_eq!(world.joined(before).error_code, ErrorCode::FencedInstanceId.code());
    world.wait(50_000);
    assert!(world.is_waiting(hold), "its session is shorter than the group waits");
    world.wait(30_000);
    assert_eq!(world.joined(hold).error_code, 0);
}

/// The node span, and then the next coordinator did.
#[test]
fn who_has_no_time_for_a_rebalance_does_not_stop_the_clock() {
    let mut world = World::new(|_| {});
    let two = world.send_join(&static_request("two", "").with_rebalance_timeout_ms(0));
    let (one, hold) = world.join("");
    world.wait(6_000);
    let ids = [world.joined(two).member_id.to_string(), world.joined(hold).member_id.to_string()];
    world.sync_all(&ids, 1);
    world.leave(&one, None);
    world.wait(9_000);
    assert_eq!(world.state(), "PreparingRebalance", "its session is longer than the time that it gives");
    world.wait(2_000);
    assert_eq!(world.state(), "Empty");
}

/// The member that came last knew no assignor that the static one had said before; the process ended.
#[test]
fn a_new_id_that_is_taken_back_leaves_what_others_joined_by() {
    let mut world = World::new(|_| {});
    let likes = |request: JoinGroupRequest, names: &[&str]| {
        request.with_protocols(names.iter().map(|name| protocol(name, &["t"])).collect())
    };
    let both = |id: &str| likes(join_request(id), &["range", "rr"]);
    let patient = static_request("one", "").with_session_timeout_ms(90_000);
    let (fixed, hold) = (world.send_join(&patient), world.send_join(&both("")));
    let hold = {
        let id = world.joined(hold).member_id;
        world.send_join(&both(&id))
    };
    world.wait(6_000);
    let ids = [world.joined(fixed).member_id.to_string(), world.joined(hold).member_id.to_string()];
    world.sync_all(&ids, 1);
    world.commits = false;
    let anew = world.send_join(&likes(patient, &["range", "rr"]));
    let given = world.send_join(&likes(join_request(""), &["rr"]));
    let given = world.joined(given).member_id;
    let late = world.send_join(&likes(join_request(&given), &["rr"]));
    assert!(world.is_waiting(anew) && world.is_waiting(late), "nothing is committed");
    world.wait(5_100);
    assert_eq!(world.joined(anew).error_code, ErrorCode::CoordinatorNotAvailable.code());
    let other = world.send_join(&both(&ids[1]));
    world.wait(60_000);
    let (late, other) = (world.joined(late), world.joined(other));
    assert_eq!((late.error_code, other.error_code, late.protocol_name.as_deref()), (0, 0, Some("rr")));
}

#[test]
fn a_restarted_leader_is_told_to_skip_the_assignment() {
    let mut world = World::new(|_| {});
    let (_, generation) = stable(&mut world);
    let hold = world.send_join(&static_request("one", ""));
    let answer = world.joined(hold);
    assert_eq!(answer.leader, answer.member_id);
    assert!(answer.skip_assignment && answer.members.len() == 2 && answer.generation_id == generation);
}

#[test]
fn a_restarted_leader_that_cannot_skip_is_told_that_it_follows() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    world.version = 8;
    let hold = world.send_join(&static_request("one", ""));
    let answer = world.joined(hold);
    assert_eq!((answer.leader.as_str(), answer.skip_assignment, answer.members.len()), (ids[0].as_str(), false, 0));
    let sync = world.sync(&answer.member_id, generation, &[]);
    assert_eq!(&world.synced(sync).assignment[..], ids[0].as_bytes());
}

#[test]
fn the_old_id_is_fenced_wherever_it_names_its_instance() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    let hold = world.send_join(&static_request("two", ""));
    world.joined(hold);
    let fenced = ErrorCode::FencedInstanceId.code();
    let hold = world.send_join(&static_request("two", &ids[1]));
    assert_eq!(world.joined(hold).error_code, fenced);
    let hold = world.hold();
    let request = sync_request(&ids[1], generation, &[]).with_group_instance_id(Some(text("two")));
    let decision = world.groups.on_sync(world.now, hold, &request);
    world.carry_out(decision);
    assert_eq!(world.synced(hold).error_code, fenced);
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_member_id(text(&ids[1]))
        .with_group_instance_id(Some(text("two")))
        .with_generation_id(generation);
    let hold = world.hold();
    let decision = world.groups.on_heartbeat(world.now, hold, &request);
    world.carry_out(decision);
    let Some(ResponseKind::Heartbeat(answer)) = world.replies.get(&hold) else { panic!() };
    assert_eq!(answer.error_code, fenced);
    let request = commit_request(GROUP, &ids[1], generation, "t", 0, 1).with_group_instance_id(Some(text("two")));
    let hold = world.send_commit(&request);
    assert_eq!(world.committed(hold), fenced);
    assert_eq!(world.leave(&ids[1], Some("two")).members[0].error_code, fenced);
    // And without naming it the old id is nobody.
    assert_eq!(world.heartbeat(&ids[1], generation), ErrorCode::UnknownMemberId.code());
}

#[test]
fn an_instance_that_is_not_there_is_unknown() {
    let mut world = World::new(|_| {});
    let (ids, _) = stable(&mut world);
    let hold = world.send_join(&static_request("three", &ids[1]));
    assert_eq!(world.joined(hold).error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn whoever_waits_under_the_old_id_is_fenced() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    let leader = world.send_join(&static_request("one", &ids[0]));
    assert!(world.is_waiting(leader));
    let again = world.send_join(&static_request("one", ""));
    let fenced = world.joined(leader);
    assert_eq!((fenced.error_code, fenced.member_id.as_str()), (ErrorCode::FencedInstanceId.code(), ids[0].as_str()));
    let two = world.send_join(&static_request("two", &ids[1]));
    let (one, two) = (world.joined(again), world.joined(two));
    assert_eq!((one.generation_id, two.generation_id), (generation + 1, generation + 1));
    let sync = world.sync(&two.member_id, generation + 1, &[]);
    let again = world.send_join(&static_request("two", ""));
    assert_eq!(world.synced(sync).error_code, ErrorCode::FencedInstanceId.code());
    assert!(world.is_waiting(again) && world.state() == "PreparingRebalance", "the leader may assign to the old id");
}

#[test]
fn a_restarted_member_with_another_liking_starts_a_rebalance_only_if_the_assignor_changes() {
    let mut world = World::new(|_| {});
    let likes = |instance: &str, names: &[&str]| {
        static_request(instance, "").with_protocols(names.iter().map(|name| protocol(name, &["t"])).collect())
    };
    let one = world.send_join(&likes("one", &["range", "sticky"]));
    world.wait(3_000);
    let id = world.joined(one).member_id.to_string();
    world.sync_all(&[id], 1);
    let hold = world.send_join(&likes("one", &["sticky", "range"]));
    assert_eq!(world.joined(hold).generation_id, 2, "alone its liking decides");
}

#[test]
fn a_new_id_that_cannot_be_stored_leaves_the_old_one_in_its_place() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    world.refuse = Some(ErrorCode::NotEnoughReplicas);
    let hold = world.send_join(&static_request("two", "").with_session_timeout_ms(60_000));
    assert_eq!(world.joined(hold).error_code, ErrorCode::CoordinatorNotAvailable.code());
    assert_eq!(world.heartbeat(&ids[1], generation), 0);
    world.wait(9_999);
    world.heartbeat(&ids[0], generation);
    world.wait(1);
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code(), "with its old time-out");
}

#[test]
fn a_new_id_that_was_told_with_a_later_generation_stays_though_it_was_never_stored() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    world.commits = false;
    let again = world.send_join(&static_request("two", ""));
    let leader = world.send_join(&static_request("one", &ids[0]));
    let (one, two) = (world.joined(leader), world.joined(again));
    assert_eq!((one.generation_id, two.generation_id), (generation + 1, generation + 1));
    world.wait(5_000);
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_member_id(two.member_id)
        .with_group_instance_id(Some(text("two")))
        .with_generation_id(generation + 1);
    let hold = world.hold();
    let decision = world.groups.on_heartbeat(world.now, hold, &request);
    world.carry_out(decision);
    let Some(ResponseKind::Heartbeat(answer)) = world.replies.get(&hold) else { panic!() };
    assert_eq!(answer.error_code, 0);
}

#[test]
fn an_administrator_removes_a_member_by_its_instance() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    let answer = world.leave("", Some("two"));
    let told = &answer.members[0];
    assert_eq!((told.error_code, told.member_id.as_str(), told.group_instance_id.as_deref()), (0, "", Some("two")));
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
    assert_eq!(world.leave("", Some("two")).members[0].error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn a_static_member_that_does_not_join_keeps_its_place_until_its_session_ends() {
    let mut world = World::new(|_| {});
    let one = static_request("one", "").with_rebalance_timeout_ms(6_000).with_session_timeout_ms(20_000);
    let hold = world.send_join(&one);
    let other = world.send_join(&static_request("two", "").with_rebalance_timeout_ms(6_000));
    world.wait(6_000);
    let (one, two) = (world.joined(hold), world.joined(other));
    let mut ids = vec![one.member_id.to_string(), two.member_id.to_string()];
    ids.sort_by_key(|id| *id != one.leader.as_str());
    world.sync_all(&ids, 1);
    // Two joins alone: one, the leader, stays away beyond the rebalance time-out.
    let two = static_request("two", &two.member_id).with_protocols(vec![protocol("range", &["u"])]);
    let hold = world.send_join(&two.with_rebalance_timeout_ms(6_000));
    world.wait(6_000);
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.leader == answer.member_id), (0, true), "the one who came leads");
    assert_eq!(answer.members.len(), 2, "the other has its place still");
}

#[test]
fn when_no_member_joins_the_static_ones_have_the_time_of_their_sessions() {
    let mut world = World::new(|_| {});
    let (ids, generation) = stable(&mut world);
    // A third member starts a rebalance, and is gone before anybody else joins.
    let (new, _) = world.join("");
    world.leave(&new, None);
    for _ in 0..13 {
        world.wait(5_000);
        for id in &ids {
            world.heartbeat(id, generation);
        }
    }
    assert_eq!(world.state(), "PreparingRebalance");
    world.wait(20_000);
    assert_eq!(world.state(), "Empty", "their sessions ended");
}
