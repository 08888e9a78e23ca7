//! Committed offsets: who may commit, what is told, and when.

use super::*;
use kafka_protocol::messages::OffsetDeleteRequest;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};

#[test]
fn a_member_of_the_generation_commits() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    assert_eq!(world.commit(&ids[0], generation, 7), 0);
    assert_eq!(world.offset(), 7);
}

#[test]
fn others_do_not() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    for other in [generation - 1, generation + 1] {
        assert_eq!(world.commit(&ids[0], other, 7), ErrorCode::IllegalGeneration.code());
    }
    assert_eq!(world.commit("who", generation, 7), ErrorCode::UnknownMemberId.code());
    assert_eq!(world.commit("", generation, 7), ErrorCode::UnknownMemberId.code());
    assert_eq!(world.commit("", -1, 7), ErrorCode::UnknownMemberId.code(), "the group has members");
    assert_eq!(world.commit(&ids[0], -1, 7), ErrorCode::IllegalGeneration.code());
    assert_eq!(world.offset(), -1);
}

#[test]
fn while_members_join_they_may_commit_and_while_assignments_are_awaited_they_may_not() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(2);
    let leader = world.join(&ids[0]).1;
    assert_eq!(world.commit(&ids[1], generation, 7), 0, "before it gives its partitions up");
    world.join(&ids[1]);
    assert_eq!(world.joined(leader).generation_id, generation + 1);
    assert_eq!(world.commit(&ids[1], generation + 1, 8), ErrorCode::RebalanceInProgress.code());
    assert_eq!(world.commit(&ids[1], generation, 8), ErrorCode::IllegalGeneration.code());
    assert_eq!(world.offset(), 7);
}

#[test]
fn a_commit_keeps_a_member_alive() {
    let mut world = World::new(|_| {});
    let (ids, generation) = world.stable(1);
    for offset in 0..5 {
        world.wait(9_000);
        assert_eq!(world.commit(&ids[0], generation, offset), 0);
    }
}

#[test]
fn without_membership_anybody_commits_while_there_are_no_members() {
    let mut world = World::new(|_| {});
    assert_eq!(world.commit("", -1, 3), 0);
    assert_eq!((world.state(), world.offset()), ("Empty", 3));
    assert_eq!(world.commit("", 0, 3), ErrorCode::UnknownMemberId.code(), "a generation is membership");
    let (ids, _) = world.stable(1);
    assert_eq!(world.commit("", -1, 4), ErrorCode::UnknownMemberId.code());
    world.leave(&ids[0], None);
    assert_eq!(world.commit("", -1, 5), 0);
    assert_eq!(world.offset(), 5);
}

#[test]
fn a_generation_of_a_group_that_is_not_there() {
    let mut world = World::new(|_| {});
    assert_eq!(world.commit("m", 1, 3), ErrorCode::GroupIdNotFound.code());
    world.version = 8;
    assert_eq!(world.commit("m", 1, 3), ErrorCode::IllegalGeneration.code());
}

#[test]
fn a_commit_is_answered_when_it_is_committed_and_not_told_before() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    world.commits = false;
    let commit = world.send_commit(&commit_request(GROUP, "", -1, "t", 0, 2));
    let fetch = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    let other = world.send_commit(&commit_request("other", "", -1, "t", 0, 2));
    assert!(world.is_waiting(commit) && world.is_waiting(fetch) && world.is_waiting(other));
    world.commit_all();
    assert_eq!((world.committed(commit), world.committed(other)), (0, 0));
    assert_eq!(world.fetched(fetch).groups[0].topics[0].partitions[0].committed_offset, 2);
}

#[test]
fn a_group_is_not_kept_waiting_for_the_commits_of_others() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    world.commits = false;
    world.send_commit(&commit_request("other", "", -1, "t", 0, 2));
    assert_eq!(world.offset(), 1);
}

#[test]
fn a_commit_that_is_not_committed_in_time_is_told_so() {
    let mut world = World::new(|_| {});
    world.commits = false;
    let commit = world.send_commit(&commit_request(GROUP, "", -1, "t", 0, 2));
    let fetch = world.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
    world.wait(4_999);
    assert!(world.is_waiting(commit));
    world.wait(1);
    assert_eq!(world.committed(commit), ErrorCode::CoordinatorNotAvailable.code());
    assert_eq!(
        world.fetched(fetch).groups[0].error_code,
        ErrorCode::NotCoordinator.code(),
        "old consumers know no other"
    );
    world.commit_all();
    assert_eq!(world.offset(), 2, "it may be committed all the same");
}

#[test]
fn a_coordinator_that_nobody_vouches_for_tells_what_it_knows_once_a_record_of_then_is_committed() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    world.vouched = false;
    world.commits = false;
    let both = [fetch_request(GROUP, Some(("t", 0))), fetch_request("nobody", None)];
    let fetch = world.send_fetch(&both);
    assert!(world.is_waiting(fetch), "it may have a successor");
    world.commit_all();
    let told = world.fetched(fetch);
    assert_eq!(told.groups[0].topics[0].partitions[0].committed_offset, 1);
    assert_eq!((told.groups[1].error_code, told.groups[1].topics.len()), (0, 0));
    world.vouched = true;
    assert_eq!(world.offset(), 1, "what was written says nothing");
    world.vouched = false;
    let fetch = world.send_fetch(&both);
    world.wait(5_000);
    assert_eq!(world.fetched(fetch).groups[0].error_code, ErrorCode::NotCoordinator.code(), "its followers are gone");
}

#[test]
fn a_commit_that_is_not_appended_changes_nothing() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    for (code, told) in [
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator),
        (ErrorCode::MessageTooLarge, ErrorCode::UnknownServerError),
    ] {
        world.refuse = Some(code);
        assert_eq!(world.commit("", -1, 2), told.code());
        assert_eq!(world.offset(), 1);
    }
}

#[test]
fn metadata_has_a_limit_of_its_own_at_each_partition() {
    let mut world = World::new(|settings| settings.offset_metadata_max = 3);
    let mut request = commit_request(GROUP, "", -1, "t", 0, 5);
    let mut second = request.topics[0].partitions[0].clone();
    second.partition_index = 1;
    // Three units of UTF-16, nine bytes of UTF-8.
    second.committed_metadata = Some(text("ÄÖ€"));
    request.topics[0].partitions[0].committed_metadata = Some(text("four"));
    request.topics[0].partitions.push(second);
    let hold = world.send_commit(&request);
    let Some(ResponseKind::OffsetCommit(answer)) = world.replies.remove(&hold) else { panic!() };
    let codes: Vec<_> = answer.topics[0].partitions.iter().map(|p| (p.partition_index, p.error_code)).collect();
    assert_eq!(codes, [(0, ErrorCode::OffsetMetadataTooLarge.code()), (1, 0)]);
    let hold = world.send_fetch(&[fetch_request(GROUP, None)]);
    let told = world.fetched(hold);
    assert_eq!(told.groups[0].topics[0].partitions.len(), 1);
    assert_eq!(told.groups[0].topics[0].partitions[0].metadata.as_deref(), Some("ÄÖ€"));
}

#[test]
fn what_the_caller_refused_stands_beside_what_was_committed() {
    let mut world = World::new(|_| {});
    let refused = super::super::refuse::commit(
        &commit_request(GROUP, "", -1, "t", 9, 0),
        OffsetCommitResponse::default(),
        ErrorCode::UnknownTopicOrPartition,
    );
    let (hold, ask) = (world.hold(), world.ask());
    let decision = world.groups.on_commit(world.now, hold, &ask, &commit_request(GROUP, "", -1, "t", 0, 5), refused);
    world.carry_out(decision);
    let Some(ResponseKind::OffsetCommit(answer)) = world.replies.remove(&hold) else { panic!() };
    assert_eq!(answer.topics.len(), 1);
    let codes: Vec<_> = answer.topics[0].partitions.iter().map(|p| (p.partition_index, p.error_code)).collect();
    assert_eq!(codes, [(9, ErrorCode::UnknownTopicOrPartition.code()), (0, 0)]);
}

#[test]
fn offsets_are_fetched_one_by_one_or_all_and_of_several_groups_in_their_order() {
    let mut world = World::new(|settings| settings.topic_partitions = 7);
    let groups = ["b", "a", "c", "d"];
    for (place, group) in groups.iter().enumerate() {
        for topic in ["u", "t"] {
            let hold = world.send_commit(&commit_request(group, "", -1, topic, 3, place as i64));
            assert_eq!(world.committed(hold), 0);
        }
    }
    let mut asked: Vec<_> = groups.iter().map(|group| fetch_request(group, None)).collect();
    asked.push(fetch_request("nobody", None));
    asked.push(fetch_request("nobody", Some(("t", 1))));
    let hold = world.send_fetch(&asked);
    let told = world.fetched(hold).groups;
    let ids: Vec<_> = told.iter().map(|group| group.group_id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "c", "d", "nobody", "nobody"]);
    for (place, group) in told.iter().take(4).enumerate() {
        let topics: Vec<_> = group.topics.iter().map(|topic| (topic.name.as_str(), &topic.partitions[0])).collect();
        assert_eq!((topics[0].0, topics[1].0), ("t", "u"));
        assert_eq!((topics[0].1.partition_index, topics[0].1.committed_offset), (3, place as i64));
    }
    assert!(told[4].topics.is_empty() && told[4].error_code == 0);
    assert_eq!(told[5].topics[0].partitions[0].committed_offset, -1);
    assert_eq!(told[5].topics[0].partitions[0].metadata.as_deref(), Some(""));
}

#[test]
fn a_fetch_of_no_groups_is_answered() {
    let mut world = World::new(|_| {});
    let hold = world.send_fetch(&[]);
    assert!(world.fetched(hold).groups.is_empty());
}

/// What is not there any more was deleted by a record: until that is committed it may come back (seed 1795816203339).
#[test]
fn that_an_offset_is_gone_is_answered_when_it_cannot_come_back() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    world.commits = false;
    let delete = |world: &mut World| {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let topic =
            OffsetDeleteRequestTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(GroupId(text(GROUP))).with_topics(vec![topic]);
        let hold = world.hold();
        let decision = world.groups.on_offset_delete(world.now, hold, &request, Vec::new());
        world.carry_out(decision);
        hold
    };
    let (first, again) = (delete(&mut world), delete(&mut world));
    assert!(world.is_waiting(first) && world.is_waiting(again));
    world.commit_all();
    assert!(world.replies.contains_key(&first) && world.replies.contains_key(&again));
}

#[test]
fn single_offsets_are_deleted_unless_members_read_the_topic() {
    let mut world = World::new(|_| {});
    let delete = |world: &mut World, topic: &str| {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let topic =
            OffsetDeleteRequestTopic::default().with_name(TopicName(text(topic))).with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(GroupId(text(GROUP))).with_topics(vec![topic]);
        let hold = world.hold();
        let decision = world.groups.on_offset_delete(world.now, hold, &request, Vec::new());
        world.carry_out(decision);
        let Some(ResponseKind::OffsetDelete(answer)) = world.replies.remove(&hold) else { panic!() };
        (answer.error_code, answer.topics.first().map(|topic| topic.partitions[0].error_code))
    };
    assert_eq!(delete(&mut world, "t"), (ErrorCode::GroupIdNotFound.code(), None));
    world.commit("", -1, 1);
    let hold = world.send_commit(&commit_request(GROUP, "", -1, "u", 0, 1));
    world.committed(hold);
    let (ids, _) = world.stable(1);
    assert_eq!(delete(&mut world, "t"), (0, Some(ErrorCode::GroupSubscribedToTopic.code())));
    assert_eq!(delete(&mut world, "u"), (0, Some(0)), "which its members do not read");
    assert_eq!(delete(&mut world, "u"), (0, Some(0)), "and what is not there is deleted");
    world.leave(&ids[0], None);
    assert_eq!(delete(&mut world, "t"), (0, Some(0)));
    assert_eq!(world.offset(), -1);
    // A group of another kind does not say what its members read.
    world.version = 3;
    let hold = world.send_join(&join_request("").with_protocol_type(text("connect")));
    world.wait(3_000);
    world.joined(hold);
    assert_eq!(delete(&mut world, "t"), (ErrorCode::NonEmptyGroup.code(), None));
}

#[test]
fn the_offsets_of_a_deleted_topic_go() {
    let mut world = World::new(|_| {});
    world.commit("", -1, 1);
    let hold = world.send_commit(&commit_request("other", "", -1, "u", 0, 1));
    world.committed(hold);
    let decision = world.groups.on_topics_deleted(world.now, &[text("t"), text("v")]);
    world.carry_out(decision);
    assert_eq!(world.offset(), -1);
    let hold = world.send_fetch(&[fetch_request("other", Some(("u", 0)))]);
    assert_eq!(world.fetched(hold).groups[0].topics[0].partitions[0].committed_offset, 1);
}
