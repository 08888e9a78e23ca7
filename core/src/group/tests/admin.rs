//! What administrators see and do.

use super::*;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, OffsetDeleteRequest};

fn describe(world: &mut World, version: i16) -> DescribedGroup {
    world.version = version;
    let request = DescribeGroupsRequest::default()
        .with_groups(vec![GroupId(text(GROUP))])
        .with_include_authorized_operations(true);
    let (hold, ask) = (world.hold(), world.ask());
    let decision = world.groups.on_describe(hold, &ask, &request);
    world.carry_out(decision);
    let Some(ResponseKind::DescribeGroups(mut answer)) = world.replies.remove(&hold) else { panic!() };
    answer.groups.remove(0)
}

#[test]
fn a_stable_group_is_described_with_what_its_members_say_and_have() {
    let mut world = World::new(|_| {});
    let (ids, _) = world.stable(1);
    let group = describe(&mut world, 5);
    assert_eq!(
        (group.group_state.as_str(), group.protocol_type.as_str(), group.protocol_data.as_str()),
        ("Stable", "consumer", "range")
    );
    let member = &group.members[0];
    assert_eq!(
        (member.member_id.as_str(), member.client_id.as_str(), member.client_host.as_str()),
        (&ids[0][..], "cli", "/127.0.0.1")
    );
    assert_eq!(&member.member_assignment[..], ids[0].as_bytes());
    assert!(!member.member_metadata.is_empty());
    assert_eq!(group.authorized_operations, 3400);
    world.join(&ids[0]);
    let group = describe(&mut world, 2);
    assert_eq!((group.group_state.as_str(), group.protocol_data.as_str()), ("CompletingRebalance", ""));
    assert!(group.members[0].member_metadata.is_empty());
    assert_eq!(group.authorized_operations, i32::MIN, "not in this version");
}

#[test]
fn a_group_that_is_not_there_is_dead_or_not_found() {
    let mut world = World::new(|_| {});
    let group = describe(&mut world, 5);
    assert_eq!((group.error_code, group.group_state.as_str(), group.error_message), (0, "Dead", None));
    let group = describe(&mut world, 6);
    assert_eq!((group.error_code, group.group_state.as_str()), (ErrorCode::GroupIdNotFound.code(), "Dead"));
    assert_eq!(group.error_message.as_deref(), Some("Group g not found."));
}

#[test]
fn groups_are_listed_by_state_and_type_in_any_case() {
    let mut world = World::new(|settings| settings.topic_partitions = 3);
    world.stable(1);
    for group in ["x", "y"] {
        let hold = world.send_commit(&commit_request(group, "", -1, "t", 0, 1));
        world.committed(hold);
    }
    let mut list = |states: &[&str], types: &[&str]| {
        let of = |names: &[&str]| names.iter().map(|name| text(name)).collect();
        let request = ListGroupsRequest::default().with_states_filter(of(states)).with_types_filter(of(types));
        let hold = world.hold();
        let decision = world.groups.on_list(hold, &request);
        world.carry_out(decision);
        let Some(ResponseKind::ListGroups(answer)) = world.replies.remove(&hold) else { panic!() };
        let mut groups: Vec<_> =
            answer.groups.iter().map(|g| (g.group_id.to_string(), g.group_state.to_string())).collect();
        assert!(answer.groups.iter().all(|group| group.group_type.as_str() == "classic"));
        groups.sort();
        groups.into_iter().map(|(id, state)| id + " " + &state).collect::<Vec<_>>()
    };
    assert_eq!(list(&[], &[]), ["g Stable", "x Empty", "y Empty"]);
    assert_eq!(list(&["sTABLE"], &["Classic"]), ["g Stable"]);
    assert_eq!(list(&["empty", "Stable"], &[]).len(), 3);
    assert!(list(&["Assigning"], &[]).is_empty() && list(&[], &["consumer"]).is_empty());
}

#[test]
fn groups_without_members_are_deleted_with_their_offsets() {
    let mut world = World::new(|settings| settings.topic_partitions = 3);
    let (ids, generation) = world.stable(1);
    world.commit(&ids[0], generation, 5);
    let hold = world.send_commit(&commit_request("x", "", -1, "t", 0, 1));
    world.committed(hold);
    let delete = |world: &mut World, names: &[&str]| {
        let names = names.iter().map(|name| GroupId(text(name))).collect();
        let request = DeleteGroupsRequest::default().with_groups_names(names);
        let hold = world.hold();
        let decision = world.groups.on_delete(world.now, hold, &request);
        world.carry_out(decision);
        let Some(ResponseKind::DeleteGroups(answer)) = world.replies.remove(&hold) else { panic!() };
        answer.results.iter().map(|result| (result.group_id.to_string(), result.error_code)).collect::<Vec<_>>()
    };
    let (full, gone) = (ErrorCode::NonEmptyGroup.code(), ErrorCode::GroupIdNotFound.code());
    assert_eq!(delete(&mut world, &["x", GROUP, "n"]), [("x".into(), 0), (GROUP.into(), full), ("n".into(), gone)]);
    assert_eq!(delete(&mut world, &["x", "x"]), [("x".into(), gone)], "Kafka answers once");
    assert!(delete(&mut world, &[]).is_empty());
    world.leave(&ids[0], None);
    assert_eq!(delete(&mut world, &[GROUP, GROUP]), [(GROUP.into(), 0)]);
    assert_eq!((world.state(), world.offset()), ("Dead", -1));
}

fn old_form(world: &mut World) -> ResponseKind {
    let hold = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    world.fetched(hold).into()
}

#[test]
fn old_versions_have_their_own_forms() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 5);
    let ResponseKind::OffsetFetch(old) = super::super::shape(old_form(&mut world), 7) else { panic!() };
    assert!(old.groups.is_empty());
    assert_eq!((old.topics[0].name.as_str(), old.topics[0].partitions[0].committed_offset), ("t", 5));
    let refused = super::super::refuse::instead_of(old_form(&mut world), ErrorCode::NotCoordinator);
    let ResponseKind::OffsetFetch(old) = super::super::shape(refused.clone(), 1) else { panic!() };
    let told = &old.topics[0].partitions[0];
    assert_eq!((told.committed_offset, told.error_code), (-1, 16), "there is no other place for it");
    let ResponseKind::OffsetFetch(later) = super::super::shape(refused, 2) else { panic!() };
    assert_eq!((later.topics.len(), later.error_code), (0, 16));
    let left = world.leave("who", None);
    let ResponseKind::LeaveGroup(old) = super::super::shape(left.clone().into(), 2) else { panic!() };
    assert_eq!((old.members.len(), old.error_code), (0, ErrorCode::UnknownMemberId.code()));
    assert_eq!(super::super::shape(left.clone().into(), 3), left.into());
    let hold = world.send_join(&join_request("who"));
    let refused = world.joined(hold);
    let ResponseKind::JoinGroup(old) = super::super::shape(refused.clone().into(), 6) else { panic!() };
    assert_eq!(old.protocol_name.as_deref(), Some(""));
    assert_eq!(refused.protocol_name, None);
}

#[test]
fn a_group_is_where_kafka_puts_it() {
    let world = World::new(|settings| settings.topic_partitions = 50);
    // Kafka's `GroupCoordinatorService.partitionFor`; the last one's hash is the smallest number there is.
    for (group, partition) in
        [("", 0), ("a", 47), ("console-consumer-1", 24), ("group-ä-€-𝄞", 34), ("polygenelubricants", 0)]
    {
        assert_eq!(world.groups.partition_of(group), partition, "{group}");
    }
}

#[test]
fn an_answer_that_waits_for_a_record_keeps_nothing_of_the_frame_that_asked() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    world.commit(&ids[0], generation, 5);
    let hold = world.send_commit(&commit_request("x", "", -1, "t", 0, 1));
    world.committed(hold);
    world.commits = false;
    let frame = Bytes::from([ids[0].as_bytes(), b"xtg", &[0; 1000]].concat());
    let slice = |from: usize, len: usize| StrBytes::from_utf8(frame.slice(from..from + len)).expect("UTF-8");
    let at = ids[0].len();
    let (x, t, g) = (|| slice(at, 1), || slice(at + 1, 1), || GroupId(slice(at + 2, 1)));
    let waits = |world: &mut World, what: &str, act: &mut dyn FnMut(&mut Groups, Now, HoldId) -> Decision| {
        let hold = world.hold();
        let decision = act(&mut world.groups, world.now, hold);
        world.carry_out(decision);
        assert!(world.is_waiting(hold) && frame.is_unique(), "{what}");
    };
    world.vouched = false;
    waits(&mut world, "OffsetFetch", &mut |groups, now, hold| {
        let topic = OffsetFetchRequestTopics::default().with_name(TopicName(t())).with_partition_indexes(vec![0]);
        let asked = OffsetFetchRequestGroup::default().with_group_id(g()).with_topics(Some(vec![topic]));
        groups.on_fetch(now, hold, &[asked], true, false)
    });
    waits(&mut world, "OffsetDelete", &mut |groups, now, hold| {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let topic = OffsetDeleteRequestTopic::default().with_name(TopicName(t())).with_partitions(vec![partition]);
        let asked = OffsetDeleteRequest::default().with_group_id(GroupId(x())).with_topics(vec![topic]);
        groups.on_offset_delete(now, hold, &asked, Vec::new())
    });
    waits(&mut world, "DeleteGroups", &mut |groups, now, hold| {
        groups.on_delete(now, hold, &DeleteGroupsRequest::default().with_groups_names(vec![GroupId(x())]))
    });
    waits(&mut world, "LeaveGroup", &mut |groups, now, hold| {
        let member = MemberIdentity::default().with_member_id(slice(0, at));
        groups.on_leave(now, hold, &LeaveGroupRequest::default().with_group_id(g()).with_members(vec![member]))
    });
}
