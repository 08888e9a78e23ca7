//! The lead of the partition is lost and gained.

use super::*;
use kafka_protocol::messages::{DescribeGroupsRequest, ListGroupsRequest};

#[test]
fn whoever_waits_when_the_partition_is_lost_is_sent_on() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let joins = [world.join(&ids[0]).1, world.join("").1];
    world.commits = false;
    let commit = world.send_commit(&commit_request(GROUP, &ids[1], generation, "t", 0, 5));
    let fetch = world.send_fetch(&[fetch_request(GROUP, None)]);
    let decision = world.groups.on_unload(world.now, 0);
    world.carry_out(decision);
    let code = ErrorCode::NotCoordinator.code();
    for hold in joins {
        assert_eq!(world.joined(hold).error_code, code);
    }
    assert_eq!(world.committed(commit), code);
    assert_eq!(world.fetched(fetch).groups[0].error_code, code);
    assert_eq!(world.heartbeat(&ids[0], generation), code);
    assert_eq!(world.commit(&ids[0], generation, 6), code);
    let hold = world.join(&ids[0]).1;
    assert_eq!(world.joined(hold).error_code, code);
    let hold = world.sync(&ids[0], generation, &[]);
    assert_eq!(world.synced(hold).error_code, code);
    assert_eq!(world.leave(&ids[0], None).error_code, code);
    assert_eq!(world.groups.next_deadline(), None);
}

#[test]
fn a_sync_that_waits_when_the_partition_is_lost_is_sent_on() {
    let mut world = World::new(|_| {});
    let (_, hold) = world.join("");
    world.wait(3_000);
    let member = world.joined(hold).member_id.to_string();
    world.commits = false;
    let hold = world.sync(&member, 1, &[]);
    let decision = world.groups.on_unload(world.now, 0);
    world.carry_out(decision);
    assert_eq!(world.synced(hold).error_code, ErrorCode::NotCoordinator.code());
}

#[test]
fn while_a_log_is_read_nothing_is_known() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    let decision = world.groups.on_leader(world.now, 0, LeaderEpoch(2));
    world.carry_out(decision);
    assert!(world.groups.is_loading(0) && world.groups.epoch_of(0) == Some(LeaderEpoch(2)));
    assert_eq!(world.groups.load_from(0), Some(Offset(0)));
    let code = ErrorCode::CoordinatorLoadInProgress.code();
    assert_eq!(world.commit(&ids[0], generation, 6), code);
    let hold = world.join(&ids[0]).1;
    assert_eq!(world.joined(hold).error_code, code);
    assert_eq!(world.heartbeat(&ids[0], generation), 0, "a heartbeat does no harm");
    let hold = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    let told = world.fetched(hold);
    assert_eq!((told.groups[0].error_code, told.groups[0].topics.len()), (code, 0));
    world.version = 1;
    let hold = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    assert_eq!(world.fetched(hold).topics[0].partitions[0].error_code, code, "the only place it has");
    let hold = world.hold();
    let decision = world.groups.on_list(hold, &ListGroupsRequest::default());
    world.carry_out(decision);
    let Some(ResponseKind::ListGroups(answer)) = world.replies.get(&hold) else { panic!() };
    assert_eq!(answer.error_code, code);
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(GROUP))]);
    let (hold, ask) = (world.hold(), world.ask());
    let decision = world.groups.on_describe(hold, &ask, &request);
    world.carry_out(decision);
    let Some(ResponseKind::DescribeGroups(answer)) = world.replies.get(&hold) else { panic!() };
    assert_eq!(answer.groups[0].error_code, code);
}

#[test]
fn members_go_on_after_a_failover_as_if_nothing_was() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    world.commit(&ids[0], generation, 5);
    world.load(0);
    assert_eq!((world.state(), world.generation(), world.offset()), ("Stable", generation, 5));
    for id in &ids {
        assert_eq!(world.heartbeat(id, generation), 0);
        let hold = world.sync(id, generation, &[]);
        assert_eq!(&world.synced(hold).assignment[..], id.as_bytes());
        assert_eq!(world.commit(id, generation, 6), 0);
    }
    let hold = world.join(&ids[1]).1;
    assert_eq!(world.joined(hold).leader.as_str(), ids[0], "who follows is told the generation");
}

#[test]
fn members_that_died_with_the_coordinator_are_gone_after_their_sessions() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    world.load(0);
    world.wait(9_999);
    assert_eq!(world.heartbeat(&ids[0], generation), 0);
    world.wait(1);
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
}

#[test]
fn a_static_member_is_known_after_a_failover() {
    let mut world = World::new(|_| {});
    let hold = world.send_join(&static_request("one", ""));
    world.wait(3_000);
    let id = world.joined(hold).member_id.to_string();
    world.sync_all(core::slice::from_ref(&id), 1);
    let hold = world.send_join(&static_request("one", ""));
    let new = world.joined(hold).member_id.to_string();
    world.load(0);
    let hold = world.send_join(&static_request("one", &id));
    assert_eq!(world.joined(hold).error_code, ErrorCode::FencedInstanceId.code());
    assert_eq!(world.heartbeat(&new, 1), 0);
}

#[test]
fn a_rebalance_that_was_under_way_is_forgotten_with_the_coordinator() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    let (_, new) = world.join("");
    world.load(0);
    assert_eq!(world.joined(new).error_code, ErrorCode::NotCoordinator.code());
    assert_eq!((world.state(), world.heartbeat(&ids[0], generation)), ("Stable", 0));
}

#[test]
fn what_was_not_committed_when_the_coordinator_began_is_told_only_when_it_is() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    world.commits = false;
    world.send_commit(&commit_request(GROUP, "", -1, "t", 0, 2));
    world.load(0);
    let fetch = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    assert!(world.is_waiting(fetch));
    world.commit_all();
    assert_eq!(world.fetched(fetch).groups[0].topics[0].partitions[0].committed_offset, 2);
}

#[test]
fn a_group_that_has_become_too_large_for_its_coordinator_rebalances() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(3);
    world.groups.settings.group_max_size = 2;
    world.load(0);
    assert_eq!(world.heartbeat(&ids[0], generation), ErrorCode::RebalanceInProgress.code());
    let holds: Vec<_> = ids.iter().map(|id| world.join(id).1).collect();
    assert_eq!(world.joined(holds[2]).error_code, ErrorCode::GroupMaxSizeReached.code());
    assert_eq!(world.joined(holds[0]).members.len(), 2);
}

#[test]
fn garbage_in_the_log_is_passed_over_and_counted() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    let bad = [
        (&b""[..], Some(&b"x"[..])),
        (b"\0\x01", Some(b"x")),
        (b"\0\x02\xff\xff", Some(b"x")),
        (b"\0\x02\0\x01g", Some(b"\0\x09")),
        (b"\0\x02\0\x01g", Some(b"\0\x03\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x7f\xff\xff\xff")),
        (b"\0\x01\0\x01g\0\x01t\0\0\0\0", Some(b"\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff")),
        (b"\0\x03\0\x01g", Some(b"of another protocol")),
    ];
    let mut batch = Builder::new().base(Offset(1));
    for (key, value) in bad {
        batch.push(0, Some(key), value, &[]);
    }
    let mut batches = world.batches(0);
    batches.push(batch.finish());
    let decision = world.groups.on_leader(world.now, 0, LeaderEpoch(2));
    world.carry_out(decision);
    assert_eq!(world.groups.on_loaded_batches(world.now, 0, &batches), 6);
    let decision = world.groups.on_load_done(world.now, 0, Offset(8));
    world.carry_out(decision);
    assert_eq!(world.offset(), 1);
}
