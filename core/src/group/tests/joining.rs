//! Members come, come again, and stay away.

use super::*;

#[test]
fn a_member_without_an_id_is_given_one_and_comes_again() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request(""));
    let given = world.joined(hold);
    assert_eq!(given.error_code, ErrorCode::MemberIdRequired.code());
    assert!(given.member_id.starts_with("cli-") && given.member_id.len() == "cli-".len() + 36, "{}", given.member_id);
    assert_eq!(world.state(), "Empty");
    let hold = world.send_join(&join_request(&given.member_id));
    assert!(world.is_waiting(hold) && world.state() == "PreparingRebalance");
    world.wait(3_000);
    let joined = world.joined(hold);
    assert_eq!((joined.error_code, joined.generation_id, &joined.leader), (0, 1, &joined.member_id));
    assert_eq!((joined.protocol_type.as_deref(), joined.protocol_name.as_deref()), (Some("consumer"), Some("range")));
    assert_eq!(joined.members.len(), 1);
    assert_eq!(world.state(), "CompletingRebalance");
}

#[test]
fn before_version_4_no_id_is_needed() {
    let mut world = World::new(|_| {});
    world.version = 3;
    let hold = world.send_join(&join_request(""));
    world.wait(3_000);
    assert_eq!(world.joined(hold).error_code, 0);
}

#[test]
fn an_id_that_was_given_and_not_used_is_forgotten_after_the_session_timeout() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request(""));
    let given = world.joined(hold).member_id;
    world.wait(10_000);
    let hold = world.send_join(&join_request(&given));
    assert_eq!(world.joined(hold).error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn a_member_of_a_group_that_is_not_there_is_unknown() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request("who"));
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.member_id.as_str()), (ErrorCode::UnknownMemberId.code(), "who"));
    assert!(world.logs.is_empty() && world.state() == "Dead");
}

#[test]
fn a_stranger_with_an_id_is_unknown_in_every_state() {
    let mut world = World::new(|_| {});
    world.stable(1);
    let hold = world.send_join(&join_request("who"));
    assert_eq!(world.joined(hold).error_code, ErrorCode::UnknownMemberId.code());
    assert_eq!(world.state(), "Stable");
}

#[test]
fn bad_requests_are_refused_before_a_group_begins() {
    let mut world = World::new(|_| {});
    let cases = [
        (join_request("").with_group_id(GroupId(text(""))), ErrorCode::InvalidGroupId),
        (join_request("").with_session_timeout_ms(5_999), ErrorCode::InvalidSessionTimeout),
        (join_request("").with_session_timeout_ms(1_800_001), ErrorCode::InvalidSessionTimeout),
        (join_request("").with_group_id(GroupId(text(&"x".repeat(40_000)))), ErrorCode::InvalidGroupId),
        (join_request("").with_protocol_type(text(&"x".repeat(40_000))), ErrorCode::InvalidRequest),
        (static_request(&"x".repeat(40_000), ""), ErrorCode::InvalidRequest),
    ];
    for (request, code) in cases {
        let hold = world.send_join(&request);
        assert_eq!(world.joined(hold).error_code, code.code(), "{code:?}");
    }
    assert!(world.logs.is_empty());
}

#[test]
fn assignors_that_the_others_do_not_know_are_refused() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request("").with_protocols(vec![]));
    assert_eq!(world.joined(hold).error_code, ErrorCode::InconsistentGroupProtocol.code());
    let hold = world.send_join(&join_request("").with_protocol_type(text("")));
    assert_eq!(world.joined(hold).error_code, ErrorCode::InconsistentGroupProtocol.code());
    world.stable(1);
    for request in [
        join_request("").with_protocols(vec![protocol("roundrobin", &["t"])]),
        join_request("").with_protocol_type(text("connect")),
    ] {
        let hold = world.send_join(&request);
        assert_eq!(world.joined(hold).error_code, ErrorCode::InconsistentGroupProtocol.code());
    }
}

#[test]
fn the_assignor_that_most_members_like_best_is_chosen_of_those_that_all_know() {
    let mut world = World::new(|_| {});
    world.version = 3;
    let likes =
        |names: &[&str]| join_request("").with_protocols(names.iter().map(|name| protocol(name, &["t"])).collect());
    let holds = [
        world.send_join(&likes(&["only-mine", "sticky", "range"])),
        world.send_join(&likes(&["range", "sticky"])),
        world.send_join(&likes(&["sticky", "range"])),
    ];
    world.wait(20_000);
    for hold in holds {
        assert_eq!(world.joined(hold).protocol_name.as_deref(), Some("sticky"));
    }
}

#[test]
fn what_a_member_knows_is_what_it_said_last_and_what_those_know_who_left_binds_nobody() {
    let mut world = World::new(|_| {});
    world.version = 3;
    let likes = |member: &str, names: &[&str]| {
        join_request(member).with_protocols(names.iter().map(|name| protocol(name, &["t"])).collect())
    };
    let first = world.send_join(&likes("", &["range", "sticky", "range"]));
    world.wait(3_000);
    let first = world.joined(first);
    assert_eq!((first.error_code, first.protocol_name.as_deref()), (0, Some("range")), "named twice, known once");
    let refused = ErrorCode::InconsistentGroupProtocol.code();
    let again = world.send_join(&likes(&first.member_id, &["sticky"]));
    assert_eq!(world.joined(again).protocol_name.as_deref(), Some("sticky"));
    let other = world.send_join(&likes("", &["range"]));
    assert_eq!(world.joined(other).error_code, refused, "which nobody knows any more");
    assert!(world.leave(&first.member_id, None).members.iter().all(|told| told.error_code == 0));
    let other = world.send_join(&likes("", &["range"]));
    world.wait(3_000);
    let other = world.joined(other);
    assert_eq!((other.error_code, other.protocol_name.as_deref()), (0, Some("range")));
}

#[test]
fn the_first_generation_waits_for_more_members_but_not_longer_than_the_rebalance_timeout() {
    let mut world = World::new(|_| {});
    world.version = 3;
    let request = join_request("").with_rebalance_timeout_ms(7_000);
    let first = world.send_join(&request);
    world.wait(2_999);
    let second = world.send_join(&request);
    world.wait(1);
    assert!(world.is_waiting(first), "the second one extends the delay");
    world.wait(2_999);
    let third = world.send_join(&request);
    world.wait(1);
    assert!(world.is_waiting(first), "and the third one once more");
    let fourth = world.send_join(&request);
    world.wait(1_000);
    for hold in [first, second, third, fourth] {
        assert_eq!(world.joined(hold).error_code, 0, "3 + 3 + 1 seconds are all there is");
    }
}

#[test]
fn nobody_extends_the_delay_of_a_first_generation_that_nobody_joins() {
    let mut world = World::new(|_| {});
    world.version = 3;
    let hold = world.send_join(&join_request(""));
    world.wait(2_999);
    assert!(world.is_waiting(hold));
    world.wait(1);
    assert_eq!(world.joined(hold).error_code, 0);
}

#[test]
fn a_new_member_starts_a_rebalance_and_the_others_hear_of_it_by_heartbeat() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let (new, hold) = world.join("");
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
    let again: Vec<_> = ids.iter().map(|id| world.join(id).1).collect();
    let told = world.joined(hold);
    assert_eq!((told.error_code, told.generation_id), (0, generation + 1));
    assert_eq!(told.leader.as_str(), ids[0], "the leader stays if it comes");
    let leader = world.joined(again[0]);
    assert_eq!(leader.members.len(), 3, "only the leader is told the members");
    assert!(leader.members.iter().any(|member| member.member_id.as_str() == new));
    assert!(told.members.is_empty() && world.joined(again[1]).members.is_empty());
}

#[test]
fn members_that_do_not_join_in_time_are_left_out() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(3);
    let hold = world.join(&ids[1]).1;
    assert!(!world.is_waiting(hold), "a follower that says the same is told the generation");
    world.joined(hold);
    let (_, new) = world.join("");
    let hold = world.join(&ids[1]).1;
    // The others live, and do not join.
    for _ in 0..12 {
        world.wait(5_000);
        for id in [&ids[0], &ids[2]] {
            world.heartbeat(id, generation);
        }
    }
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.generation_id), (0, generation + 1));
    assert_eq!(answer.leader, world.joined(new).leader);
    assert_ne!(answer.leader.as_str(), ids[0], "the leader did not come: another leads");
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::UnknownMemberId.code());
}

#[test]
fn a_leader_that_joins_again_starts_a_rebalance_though_nothing_changed() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let leader = world.join(&ids[0]).1;
    assert!(world.is_waiting(leader));
    assert_eq!(world.heartbeat(&ids[1], generation), ErrorCode::RebalanceInProgress.code());
    let follower = world.join(&ids[1]).1;
    assert_eq!(world.joined(leader).generation_id, generation + 1);
    assert_eq!(world.joined(follower).generation_id, generation + 1);
}

#[test]
fn a_follower_with_another_subscription_starts_a_rebalance() {
    let mut world = World::new(|_| {});
    let (ids, _) = world.stable(2);
    let hold = world.send_join(&join_request(&ids[1]).with_protocols(vec![protocol("range", &["t", "u"])]));
    assert!(world.is_waiting(hold) && world.state() == "PreparingRebalance");
}

#[test]
fn a_member_that_did_not_hear_the_generation_is_told_again_while_assignments_are_awaited() {
    let mut world = World::new(|_| {});
    let (id, hold) = world.join("");
    world.wait(3_000);
    let first = world.joined(hold);
    let hold = world.join(&id).1;
    assert_eq!(world.joined(hold), first, "the leader gets the members again");
    assert_eq!(world.state(), "CompletingRebalance");
    let hold = world.send_join(&join_request(&id).with_protocols(vec![protocol("range", &["u"])]));
    assert_eq!(world.joined(hold).generation_id, 2, "another subscription is another generation");
}

#[test]
fn a_join_that_is_sent_twice_is_answered_twice() {
    let mut world = World::new(|_| {});
    let (ids, _) = world.stable(2);
    let first = world.join(&ids[0]).1;
    let second = world.join(&ids[0]).1;
    assert_eq!(world.joined(first).error_code, ErrorCode::RebalanceInProgress.code());
    world.join(&ids[1]);
    assert_eq!(world.joined(second).error_code, 0);
}

#[test]
fn a_group_takes_no_more_than_its_maximum() {
    let mut world = World::new(|settings| settings.group_max_size = 2);
    let (ids, _) = world.stable(2);
    let hold = world.send_join(&join_request(""));
    assert_eq!(world.joined(hold).error_code, ErrorCode::GroupMaxSizeReached.code());
    // While members join those count that have come: the last one is left out.
    let holds: Vec<_> = ids.iter().map(|id| world.join(id).1).collect();
    assert!(holds.iter().all(|hold| !world.is_waiting(*hold)));
    assert_eq!(world.generation(), 2);
}

#[test]
fn a_pending_id_with_an_instance_is_an_error_and_no_panic() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&join_request(""));
    let given = world.joined(hold).member_id;
    let hold = world.send_join(&static_request("one", &given));
    let answer = world.joined(hold);
    assert_eq!((answer.error_code, answer.member_id.as_str()), (ErrorCode::UnknownServerError.code(), ""));
}

#[test]
fn a_rebalance_waits_for_those_who_were_given_an_id() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    let hold = world.send_join(&join_request(""));
    let given = world.joined(hold).member_id;
    let leader = world.join(&ids[0]).1;
    assert!(world.is_waiting(leader), "somebody may still come");
    let new = world.send_join(&join_request(&given));
    assert_eq!(world.joined(leader).members.len(), 2);
    assert_eq!(world.joined(new).generation_id, generation + 1);
    world.sync_all(&[ids[0].clone(), given.to_string()], generation + 1);
    // And no longer than that one's session time-out.
    let hold = world.send_join(&join_request(""));
    world.joined(hold);
    let (leader, other) = (world.join(&ids[0]).1, world.join(&given).1);
    assert!(world.is_waiting(leader));
    world.wait(10_000);
    assert_eq!(world.joined(leader).error_code, 0);
    assert_eq!(world.joined(other).error_code, 0);
}

#[test]
fn a_group_whose_first_record_is_refused_is_not_there() {
    let mut world = World::new(|_| {});
    world.version = 3;
    world.refuse = Some(ErrorCode::NotEnoughReplicas);
    let hold = world.send_join(&join_request(""));
    assert_eq!(world.joined(hold).error_code, ErrorCode::CoordinatorNotAvailable.code());
    assert_eq!(world.state(), "Dead");
    assert!(world.groups.next_deadline().is_some_and(|at| at > world.now.mono), "nothing of it is left to do");
}

#[test]
fn ids_that_nobody_uses_have_a_bound() {
    let mut world = World::new(|_| {});
    for _ in 0..crate::limits::PENDING_JOINS_MAX {
        let (hold, ask) = (world.hold(), world.ask());
        let decision = world.groups.on_join(world.now, hold, &ask, &join_request(""));
        // Checking all invariants each time would take long.
        if !decision.appends.is_empty() {
            world.carry_out(decision);
        }
    }
    let hold = world.send_join(&join_request(""));
    assert_eq!(world.joined(hold).error_code, ErrorCode::CoordinatorNotAvailable.code());
    world.wait(10_000);
    let hold = world.send_join(&join_request(""));
    assert_eq!(world.joined(hold).error_code, ErrorCode::MemberIdRequired.code());
}

#[test]
fn a_members_session_keeps_nothing_of_the_frame_that_renewed_it() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    let frame = Bytes::from([ids[0].as_bytes(), &[0; 1000]].concat());
    let member = || StrBytes::from_utf8(frame.slice(..ids[0].len())).expect("UTF-8");
    let mut commit = commit_request(GROUP, &ids[0], generation, "t", 0, 1);
    commit.member_id = member();
    let hold = world.send_commit(&commit);
    assert_eq!(world.committed(hold), 0);
    drop(commit);
    assert!(frame.is_unique(), "an OffsetCommit");
    let beat = HeartbeatRequest::default().with_group_id(GroupId(text(GROUP))).with_generation_id(generation);
    let (hold, beat) = (world.hold(), beat.with_member_id(member()));
    let decision = world.groups.on_heartbeat(world.now, hold, &beat);
    world.carry_out(decision);
    drop(beat);
    assert!(frame.is_unique(), "a heartbeat");
}
