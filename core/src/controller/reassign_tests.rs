//! Reassignments: each step, each refusal, and how they end.

use super::fixture::{Cluster, nodes};
use crate::error::ErrorCode;
use crate::id::{NodeId, PartitionKey};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionRequest, BrokerId, ListPartitionReassignmentsRequest, TopicName,
};

fn wanted(topic: &'static str, replicas: Option<&[i32]>) -> AlterPartitionReassignmentsRequest {
    let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
    let partition = ReassignablePartition::default().with_replicas(replicas);
    let topic = ReassignableTopic::default().with_name(TopicName(topic.into())).with_partitions(vec![partition]);
    AlterPartitionReassignmentsRequest::default().with_topics(vec![topic])
}

fn take(cluster: &mut Cluster, request: &AlterPartitionReassignmentsRequest) -> Option<ErrorCode> {
    let decision = cluster.controller.decide_alter_partition_reassignments(request);
    ErrorCode::try_from_code(cluster.take(decision).responses[0].partitions[0].error_code)
}

/// The error of one partition of a topic.
fn ask(cluster: &mut Cluster, topic: &'static str, replicas: Option<&[i32]>) -> Option<ErrorCode> {
    take(cluster, &wanted(topic, replicas))
}

/// The leader asks for this in-sync set.
fn alter(cluster: &mut Cluster, key: PartitionKey, isr: &[i32]) -> Option<ErrorCode> {
    let state = cluster.partition(key).clone();
    let leader = state.leader.expect("a leader");
    let member = |id: &i32| BrokerState::default().with_broker_id(BrokerId(*id)).with_broker_epoch(-1);
    let partition = PartitionData::default()
        .with_partition_index(key.partition)
        .with_leader_epoch(state.leader_epoch.0)
        .with_partition_epoch(state.epoch.0)
        .with_new_isr_with_epochs(isr.iter().map(member).collect());
    let topic = TopicData::default().with_topic_id(key.topic.into()).with_partitions(vec![partition]);
    let request = AlterPartitionRequest::default()
        .with_broker_id(BrokerId(leader.0))
        .with_broker_epoch(cluster.controller.broker_epoch(leader).map_or(-1, |epoch| epoch.0))
        .with_topics(vec![topic]);
    let decision = cluster.controller.decide_alter_partition(3, &request);
    ErrorCode::try_from_code(cluster.take(decision).topics[0].partitions[0].error_code)
}

/// Replicas, in-sync set, `+` what is added, `-` what is removed, the leader and its epoch.
fn line(cluster: &Cluster, key: PartitionKey) -> String {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|node| format!("{node}")).collect::<Vec<_>>().join(",");
    let state = cluster.partition(key);
    let leader = state.leader.map_or(-1, |leader| leader.0);
    let (isr, epoch) = (ids(&state.isr), state.leader_epoch.0);
    format!(
        "{} isr {isr} +{} -{} leader {leader}@{epoch}",
        ids(&state.replicas),
        ids(&state.adding),
        ids(&state.removing)
    )
}

fn listed(cluster: &Cluster, request: &ListPartitionReassignmentsRequest) -> Vec<String> {
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| format!("{}", id.0)).collect::<Vec<_>>().join(",");
    let reply = cluster.controller.list_partition_reassignments(request);
    let topics = reply.topics.iter();
    let each = topics.flat_map(|topic| topic.partitions.iter().map(move |one| (topic.name.as_str(), one)));
    each.map(|(name, one)| {
        let (adds, removes) = (ids(&one.adding_replicas), ids(&one.removing_replicas));
        format!("{name}-{} {} +{adds} -{removes}", one.partition_index, ids(&one.replicas))
    })
    .collect()
}

fn all() -> ListPartitionReassignmentsRequest {
    ListPartitionReassignmentsRequest::default().with_topics(None)
}

#[test]
fn replicas_change_their_order_at_once() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    let before = cluster.partition(key).clone();
    assert_eq!(ask(&mut cluster, "t", Some(&[1, 2])), None);
    assert_eq!(*cluster.partition(key), before, "nothing to do");
    assert_eq!(ask(&mut cluster, "t", Some(&[2, 1])), None);
    let after = cluster.partition(key);
    assert_eq!((&after.replicas, after.leader, &after.isr), (&nodes(&[2, 1]), before.leader, &before.isr));
    assert!(after.epoch > before.epoch && after.leader_epoch == before.leader_epoch);
}

#[test]
fn a_move_ends_when_all_that_shall_stay_are_in_sync() {
    // KIP-455; Kafka `ReplicationControlManager.changePartitionReassignment`.
    let mut cluster = Cluster::of(4);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    assert_eq!(ask(&mut cluster, "t", Some(&[3, 4])), None);
    assert_eq!(line(&cluster, key), "3,4,1,2 isr 1,2 +3,4 -1,2 leader 1@0");
    assert_eq!(listed(&cluster, &all()), ["t-0 3,4,1,2 +3,4 -1,2"]);
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), None);
    assert_eq!(line(&cluster, key), "3,4,1,2 isr 1,2,3 +3,4 -1,2 leader 1@0", "4 is not in sync yet");
    assert_eq!(alter(&mut cluster, key, &[1, 3, 4]), Some(ErrorCode::NewLeaderElected));
    assert_eq!(line(&cluster, key), "3,4 isr 3,4 + - leader 3@1");
    assert!(listed(&cluster, &all()).is_empty());
}

#[test]
fn a_leader_that_stays_leads_on_in_an_epoch_of_its_own() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    assert_eq!(ask(&mut cluster, "t", Some(&[3, 1])), None);
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), None);
    assert_eq!(line(&cluster, key), "3,1 isr 1,3 + - leader 1@1", "2 is fenced by the epoch");
}

#[test]
fn more_replicas_need_no_new_epoch_and_fewer_end_at_once() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    assert_eq!(ask(&mut cluster, "t", Some(&[1, 2, 3])), None);
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), None);
    assert_eq!(line(&cluster, key), "1,2,3 isr 1,2,3 + - leader 1@0");
    assert_eq!(ask(&mut cluster, "t", Some(&[2])), None);
    assert_eq!(line(&cluster, key), "2 isr 2 + - leader 2@1");
}

#[test]
fn who_shall_stay_and_is_not_in_sync_is_waited_for() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(alter(&mut cluster, key, &[1, 3]), None);
    assert_eq!(ask(&mut cluster, "t", Some(&[2])), None);
    assert_eq!(line(&cluster, key), "2,1,3 isr 1,3 + -1,3 leader 1@0");
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), Some(ErrorCode::NewLeaderElected));
    assert_eq!(line(&cluster, key), "2 isr 2 + - leader 2@1");
}

#[test]
fn a_cancelled_move_leaves_the_replicas_of_before() {
    let mut cluster = Cluster::of(4);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    assert_eq!(ask(&mut cluster, "t", None), Some(ErrorCode::NoReassignmentInProgress));
    assert_eq!(ask(&mut cluster, "t", Some(&[3, 4])), None);
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), None);
    assert_eq!(ask(&mut cluster, "t", None), None);
    assert_eq!(line(&cluster, key), "1,2 isr 1,2 + - leader 1@1", "3 and 4 are fenced by the epoch");
    assert_eq!(ask(&mut cluster, "t", None), Some(ErrorCode::NoReassignmentInProgress));
}

#[test]
fn a_cancellation_that_would_lose_records_is_refused_unless_that_is_allowed() {
    for (unclean, refused) in [("false", Some(ErrorCode::InvalidReplicaAssignment)), ("true", None)] {
        let mut cluster = Cluster::of(3);
        let key = cluster.topic("t", &[&[1]], &[("unclean.leader.election.enable", unclean)]);
        assert_eq!(ask(&mut cluster, "t", Some(&[2, 3])), None);
        assert_eq!(alter(&mut cluster, key, &[1, 2]), None);
        cluster.kill(1);
        cluster.pass(20_000, &[2, 3]);
        assert_eq!(line(&cluster, key), "2,3,1 isr 2 +2,3 -1 leader 2@1");
        assert_eq!(ask(&mut cluster, "t", None), refused);
        let after = if refused.is_some() { "2,3,1 isr 2 +2,3 -1 leader 2@1" } else { "1 isr 1 + - leader -1@2" };
        assert_eq!(line(&cluster, key), after);
    }
}

#[test]
fn a_second_move_takes_the_place_of_the_first() {
    let mut cluster = Cluster::of(4);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    assert_eq!(ask(&mut cluster, "t", Some(&[3])), None);
    assert_eq!(ask(&mut cluster, "t", Some(&[4])), None);
    assert_eq!(line(&cluster, key), "4,1,2,3 isr 1,2 +4 -1,2,3 leader 1@0");
    // Back to where it was, by name: 3 and 4 go at once.
    assert_eq!(ask(&mut cluster, "t", Some(&[1, 2])), None);
    assert_eq!(line(&cluster, key), "1,2 isr 1,2 + - leader 1@1");
    // Who was to go and is asked for again stays.
    assert_eq!(ask(&mut cluster, "t", Some(&[3])), None);
    assert_eq!(ask(&mut cluster, "t", Some(&[1, 2, 3])), None);
    assert_eq!(line(&cluster, key), "1,2,3 isr 1,2 +3 - leader 1@1");
    assert_eq!(alter(&mut cluster, key, &[1, 2, 3]), None);
    assert_eq!(line(&cluster, key), "1,2,3 isr 1,2,3 + - leader 1@1");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    let before = cluster.partition(key).clone();
    for replicas in [&[1, 9][..], &[1, 2, 2], &[]] {
        assert_eq!(ask(&mut cluster, "t", Some(replicas)), Some(ErrorCode::InvalidReplicaAssignment), "{replicas:?}");
    }
    assert_eq!(ask(&mut cluster, "other", Some(&[1])), Some(ErrorCode::UnknownTopicOrPartition));
    let mut other = wanted("t", Some(&[1]));
    other.topics[0].partitions[0].partition_index = 1;
    assert_eq!(take(&mut cluster, &other), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(*cluster.partition(key), before);
    let mut twice = wanted("t", Some(&[2, 1]));
    let again = twice.topics[0].partitions[0].clone();
    twice.topics[0].partitions.push(again);
    let decision = cluster.controller.decide_alter_partition_reassignments(&twice);
    let codes: Vec<_> = decision.reply.responses[0].partitions.iter().map(|one| one.error_code).collect();
    assert_eq!((codes, decision.records.len()), (vec![0, ErrorCode::InvalidRequest.code()], 1));
}

#[test]
fn the_number_of_replicas_changes_only_where_that_is_allowed() {
    // KIP-860.
    let mut cluster = Cluster::of(4);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    let same = |replicas| wanted("t", Some(replicas)).with_allow_replication_factor_change(false);
    for replicas in [&[1][..], &[1, 2, 3]] {
        assert_eq!(take(&mut cluster, &same(replicas)), Some(ErrorCode::InvalidReplicationFactor), "{replicas:?}");
    }
    assert_eq!(take(&mut cluster, &same(&[3, 4])), None);
    // While it lasts there are four, of which two will stay.
    assert_eq!(take(&mut cluster, &same(&[1, 2, 3])), Some(ErrorCode::InvalidReplicationFactor));
    assert_eq!(take(&mut cluster, &same(&[1, 4])), None);
    assert_eq!(line(&cluster, key), "1,4,2,3 isr 1,2 +3,4 -2,3 leader 1@0");
}

#[test]
fn only_what_is_under_way_is_listed() {
    let mut cluster = Cluster::of(3);
    cluster.topic("t", &[&[1], &[1], &[1]], &[]);
    cluster.topic("u", &[&[1]], &[]);
    assert_eq!(ask(&mut cluster, "t", Some(&[2])), None);
    assert_eq!(ask(&mut cluster, "u", Some(&[3])), None);
    assert_eq!(listed(&cluster, &all()), ["t-0 2,1 +2 -1", "u-0 3,1 +3 -1"]);
    let named = |name: &'static str, numbers: &[i32]| {
        ListPartitionReassignmentsTopics::default()
            .with_name(TopicName(name.into()))
            .with_partition_indexes(numbers.to_vec())
    };
    let some = all().with_topics(Some(vec![named("u", &[7, 0]), named("t", &[1, 2]), named("nope", &[0])]));
    assert_eq!(listed(&cluster, &some), ["u-0 3,1 +3 -1"]);
}

#[test]
fn a_broker_that_dies_while_it_is_added_is_waited_for() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    cluster.kill(3);
    cluster.pass(20_000, &[1, 2]);
    assert_eq!(ask(&mut cluster, "t", Some(&[3, 1])), None, "a fenced broker may be moved to");
    cluster.kill(1);
    cluster.pass(20_000, &[2]);
    assert_eq!(line(&cluster, key), "3,1,2 isr 2 +3 -2 leader 2@1");
}
