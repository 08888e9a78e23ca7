//! Registration, heartbeats, deaths, leaders, in-sync sets: each decision and each refusal.

use super::fixture::{Cluster, creatable, nodes};
use super::{Controller, FULL_TAG};
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, PartitionKey};
use crate::metadata::Record;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, AlterPartitionRequest, BrokerHeartbeatRequest, BrokerId, CreateTopicsRequest,
    ElectLeadersRequest, TopicName, UnregisterBrokerRequest,
};

fn code(code: i16) -> Option<ErrorCode> {
    ErrorCode::try_from_code(code)
}

#[test]
fn a_registration_is_checked() {
    let mut cluster = Cluster::of(2);
    let refused = |cluster: &mut Cluster, change: &dyn Fn(&mut kafka_protocol::messages::BrokerRegistrationRequest)| {
        let mut request = cluster.registration(3, 77);
        change(&mut request);
        code(cluster.register(&request).error_code)
    };
    let cluster = &mut cluster;
    assert_eq!(refused(cluster, &|r| r.cluster_id = "another".into()), Some(ErrorCode::InconsistentClusterId));
    assert_eq!(refused(cluster, &|r| r.log_dirs.clear()), Some(ErrorCode::InvalidRegistration));
    let twice = |r: &mut kafka_protocol::messages::BrokerRegistrationRequest| r.log_dirs.extend_from_within(..);
    assert_eq!(refused(cluster, &twice), Some(ErrorCode::InvalidRegistration));
    let taken = crate::id::Uuid(5001);
    assert_eq!(refused(cluster, &|r| r.log_dirs = vec![taken.into()]), Some(ErrorCode::InvalidRegistration));
    assert_eq!(refused(cluster, &|r| r.features.clear()), Some(ErrorCode::UnsupportedVersion));
    assert_eq!(refused(cluster, &|r| r.features[0].max_supported_version = 0), Some(ErrorCode::UnsupportedVersion));
    let long = "x".repeat(2000);
    assert_eq!(refused(cluster, &|r| r.listeners[0].host = long.clone().into()), Some(ErrorCode::InvalidRegistration));
    assert_eq!(refused(cluster, &|_| ()), None);
}

#[test]
fn an_id_belongs_to_the_process_that_lives() {
    let mut cluster = Cluster::of(2);
    let before = cluster.controller.broker_epoch(NodeId(2));
    let again = cluster.registration(2, 1002);
    assert_eq!(
        cluster.register(&again).broker_epoch,
        before.map_or(0, |epoch| epoch.0),
        "the same process, the same epoch"
    );
    assert!(!cluster.heartbeat(2, |_| ()).is_fenced, "it stays unfenced");
    let other = cluster.registration(2, 99);
    assert_eq!(code(cluster.register(&other).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
    cluster.kill(2);
    let mut elsewhere = other.clone();
    elsewhere.listeners[0].port = 1;
    assert_eq!(code(cluster.register(&elsewhere).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
    let reply = cluster.register(&other);
    assert_eq!(code(reply.error_code), None, "restarted before it was missed");
    assert!(Some(reply.broker_epoch) > before.map(|epoch| epoch.0));
    assert!(!cluster.controller.image().alive(NodeId(2)), "a new process is fenced until it has caught up");
    // The old process's heartbeats are nobody's.
    let old = cluster.heartbeat(2, |request| request.broker_epoch -= 1);
    assert_eq!(code(old.error_code), Some(ErrorCode::StaleBrokerEpoch));
}

#[test]
fn who_was_let_go_in_order_guards_nothing() {
    let mut cluster = Cluster::of(2);
    while !cluster.heartbeat(2, |request| request.want_shut_down = true).should_shut_down {
        cluster.heartbeat(1, |_| ());
    }
    let mut elsewhere = cluster.registration(2, 99);
    elsewhere.listeners[0].port = 1;
    assert_eq!(code(cluster.register(&elsewhere).error_code), None, "at another address, and at once");
    let third = cluster.registration(2, 100);
    assert_eq!(code(cluster.register(&third).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
}

#[test]
fn who_has_stopped_is_given_replicas_as_who_is_down() {
    let mut cluster = Cluster::of(2);
    while !cluster.heartbeat(2, |request| request.want_shut_down = true).should_shut_down {
        cluster.heartbeat(1, |_| ());
    }
    let request = CreateTopicsRequest::default().with_topics(vec![creatable("t", 1, 2)]);
    let decision = cluster.controller.decide_create_topics(&request);
    assert_eq!(code(cluster.take(decision).topics[0].error_code), None);
}

#[test]
fn who_was_found_dead_makes_room_for_the_same_folder() {
    let mut cluster = Cluster::of(2);
    let mut elsewhere = cluster.registration(2, 99);
    elsewhere.listeners[0].port = 1;
    let mut other_folder = elsewhere.clone();
    other_folder.log_dirs = vec![crate::id::Uuid(7000).into()];
    cluster.kill(2);
    assert_eq!(code(cluster.register(&elsewhere).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
    for _ in 0..8 {
        for (node, _) in cluster.controller.probes(cluster.now) {
            cluster.controller.on_probe(cluster.now, node, false);
        }
        cluster.pass(100, &[1]);
    }
    assert_eq!(code(cluster.register(&other_folder).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
    assert_eq!(code(cluster.register(&elsewhere).error_code), None);
}

#[test]
fn the_only_voter_knows_that_its_own_predecessor_is_gone() {
    let mut cluster = Cluster::of(1);
    let mut other = cluster.registration(1, 99);
    other.listeners[0].port = 1;
    assert_eq!(code(cluster.register(&other).error_code), Some(ErrorCode::DuplicateBrokerRegistration));
    let own = crate::id::Uuid(0x1ca4_0001);
    let same_process = other.with_incarnation_id(own.into());
    assert_eq!(code(cluster.register(&same_process).error_code), None, "this very process asks");
}

#[test]
fn a_broker_is_unfenced_when_it_has_caught_up() {
    let mut cluster = Cluster::of(1);
    cluster.register(&cluster.registration(2, 7));
    let behind = cluster.heartbeat(2, |request| request.current_metadata_offset = 0);
    assert!(behind.is_fenced && !behind.is_caught_up);
    let unwilling = cluster.heartbeat(2, |request| request.want_fence = true);
    assert!(unwilling.is_fenced && unwilling.is_caught_up);
    assert!(!cluster.controller.image().alive(NodeId(2)));
    assert!(!cluster.heartbeat(2, |_| ()).is_fenced);
    assert!(cluster.controller.image().active(NodeId(2)));
    assert!(cluster.heartbeat(2, |request| request.want_fence = true).is_fenced);
    assert!(!cluster.controller.image().alive(NodeId(2)));
}

#[test]
fn a_silent_leader_is_fenced_and_followed() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(cluster.line(key), "1 e0 [1, 2, 3]");
    cluster.pass(8_900, &[2, 3]);
    assert_eq!(cluster.line(key), "1 e0 [1, 2, 3]");
    cluster.pass(200, &[2, 3]);
    assert_eq!(cluster.line(key), "2 e1 [2, 3]");
    assert!(!cluster.controller.image().alive(NodeId(1)));
    // Back, it follows: the controller does not put it into the in-sync set, the leader does.
    cluster.heartbeat(1, |_| ());
    assert_eq!(cluster.line(key), "2 e1 [2, 3]");
}

/// Seed 1795816221374: beside the dead it would leave the set to them when it is fenced again; seed 1795816228935: and nobody would wait for
/// them to delete records.
#[test]
fn who_is_back_first_goes_on_without_those_who_were_fenced_with_it() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    cluster.pass(9_100, &[3]);
    assert_eq!(cluster.line(key), "none e1 [1, 2]", "fenced at once, each of them has everything");
    cluster.heartbeat(2, |_| ());
    assert_eq!(cluster.line(key), "2 e2 [2]");
    cluster.pass(9_100, &[3]);
    assert_eq!(cluster.line(key), "none e3 [2]", "it has what it took alone");
}

#[test]
fn whose_disk_is_full_hands_over_and_stays_in_sync() {
    let mut cluster = Cluster::of(3);
    let full = |request: &mut BrokerHeartbeatRequest| {
        request.unknown_tagged_fields.insert(FULL_TAG, bytes::Bytes::new());
    };
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    let alone = cluster.topic("alone", &[&[1]], &[]);
    cluster.heartbeat(1, full);
    assert_eq!(cluster.line(key), "2 e1 [1, 2, 3]");
    assert_eq!(cluster.line(alone), "1 e0 [1]", "nobody else has it");
    cluster.heartbeat(1, full);
    assert_eq!(cluster.line(key), "2 e1 [1, 2, 3]");
    assert!(cluster.controller.preferred_elections().is_empty(), "it would be handed over again");
    cluster.heartbeat(2, full);
    assert_eq!(cluster.line(key), "3 e2 [1, 2, 3]");
    cluster.heartbeat(3, full);
    assert_eq!(cluster.line(key), "3 e2 [1, 2, 3]", "nobody has room");
    cluster.heartbeat(1, |_| ());
    cluster.heartbeat(3, full);
    assert_eq!(cluster.line(key), "1 e3 [1, 2, 3]", "there is room again");
}

#[test]
fn who_was_fenced_comes_back_when_it_knows_of_it() {
    let mut cluster = Cluster::of(3);
    let before = cluster.controller.image().offset();
    cluster.pass(9_100, &[2, 3]);
    assert!(!cluster.controller.image().alive(NodeId(1)));
    let past = |request: &mut BrokerHeartbeatRequest| request.current_metadata_offset = before.0;
    let back = cluster.heartbeat(1, past);
    assert!(back.is_fenced && !back.is_caught_up, "it may still believe that it leads");
    let (settings, image) = (cluster.controller.settings.clone(), cluster.controller.image().clone());
    cluster.controller = Controller::new(cluster.now, settings, image, LeaderEpoch(2));
    assert!(cluster.heartbeat(1, past).is_fenced, "nor does the next controller believe it");
    assert!(!cluster.heartbeat(1, |_| ()).is_fenced);
    assert!(cluster.controller.image().alive(NodeId(1)));
}

#[test]
fn a_killed_leader_is_followed_within_a_second() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    cluster.kill(1);
    for _ in 0..8 {
        for (node, _) in cluster.controller.probes(cluster.now) {
            assert_eq!(node, NodeId(1));
            cluster.controller.on_probe(cluster.now, node, false);
        }
        cluster.pass(100, &[2, 3]);
    }
    assert_eq!(cluster.line(key), "2 e1 [2, 3]");
}

#[test]
fn the_last_in_sync_replica_is_waited_for() {
    let mut cluster = Cluster::of(2);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    cluster.pass(9_500, &[2]);
    cluster.pass(9_500, &[1]);
    assert_eq!(cluster.line(key), "none e2 [2]", "1 is back, and lacks what 2 may have acknowledged");
    cluster.heartbeat(2, |_| ());
    assert_eq!(cluster.line(key), "2 e3 [2]");
}

#[test]
fn who_is_allowed_may_lead_uncleanly() {
    let mut cluster = Cluster::of(2);
    let key = cluster.topic("t", &[&[1, 2]], &[("unclean.leader.election.enable", "true")]);
    cluster.pass(9_500, &[2]);
    cluster.pass(9_500, &[1]);
    assert_eq!(cluster.line(key), "1 e2 [1]");
    assert!(cluster.partition(key).recovering);
}

#[test]
fn a_broker_leaves_when_all_others_know() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert!(!cluster.heartbeat(1, |request| request.want_shut_down = true).should_shut_down);
    assert_eq!(cluster.line(key), "2 e1 [2, 3]");
    assert!(cluster.controller.image().alive(NodeId(1)), "it still serves");
    assert!(
        !cluster.heartbeat(1, |request| request.want_shut_down = true).should_shut_down,
        "2 and 3 have not seen it"
    );
    cluster.heartbeat(2, |_| ());
    cluster.heartbeat(3, |_| ());
    let last = cluster.heartbeat(1, |request| request.want_shut_down = true);
    assert!(last.should_shut_down && last.is_fenced);
    assert!(!cluster.controller.image().alive(NodeId(1)));
}

#[test]
fn a_broker_alone_leaves_at_once_and_leads_again() {
    let mut cluster = Cluster::of(1);
    let key = cluster.topic("t", &[&[1]], &[]);
    assert!(!cluster.heartbeat(1, |request| request.want_shut_down = true).should_shut_down);
    assert!(cluster.heartbeat(1, |request| request.want_shut_down = true).should_shut_down);
    assert_eq!(cluster.line(key), "none e1 [1]");
    cluster.kill(1);
    cluster.register(&cluster.registration(1, 55));
    cluster.heartbeat(1, |_| ());
    assert_eq!(cluster.line(key), "1 e2 [1]");
}

#[test]
fn leaders_go_back_after_a_while() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    cluster.pass(9_500, &[2, 3]);
    cluster.pass(1_000, &[1, 2, 3]);
    assert_eq!(alter(&mut cluster, key, 2, &[1, 2], |_| ()), None);
    cluster.pass(200_000, &[1, 2, 3]);
    assert_eq!(cluster.line(key), "2 e1 [1, 2]");
    cluster.pass(100_000, &[1, 2, 3]);
    assert_eq!(cluster.line(key), "1 e2 [1, 2]");
}

#[test]
fn leaders_stay_where_they_are_told_to() {
    let mut cluster = Cluster::with(2, &[("auto.leader.rebalance.enable", "false")]);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    cluster.pass(9_500, &[2]);
    cluster.pass(1_000, &[1, 2]);
    assert_eq!(alter(&mut cluster, key, 2, &[1, 2], |_| ()), None);
    cluster.pass(400_000, &[1, 2]);
    assert_eq!(cluster.line(key), "2 e1 [1, 2]");
}

/// Asks, as `asker`, for an in-sync set; the state asked against is the present one unless the test changes it.
fn alter(
    cluster: &mut Cluster,
    key: PartitionKey,
    asker: i32,
    isr: &[i32],
    change: impl Fn(&mut PartitionData),
) -> Option<ErrorCode> {
    let state = cluster.controller.image().partition(key).cloned();
    let epoch = |id: i32| cluster.controller.broker_epoch(NodeId(id)).map_or(-1, |epoch| epoch.0);
    let members: Vec<BrokerState> = isr
        .iter()
        .map(|id| BrokerState::default().with_broker_id(BrokerId(*id)).with_broker_epoch(epoch(*id)))
        .collect();
    let mut partition = PartitionData::default()
        .with_partition_index(key.partition)
        .with_leader_epoch(state.as_ref().map_or(0, |s| s.leader_epoch.0))
        .with_partition_epoch(state.as_ref().map_or(0, |s| s.epoch.0))
        .with_new_isr_with_epochs(members);
    change(&mut partition);
    let topic = TopicData::default().with_topic_id(key.topic.into()).with_partitions(vec![partition]);
    let request = AlterPartitionRequest::default()
        .with_broker_id(BrokerId(asker))
        .with_broker_epoch(epoch(asker))
        .with_topics(vec![topic]);
    let decision = cluster.controller.decide_alter_partition(3, &request);
    let reply = cluster.take(decision);
    code(reply.error_code).or_else(|| code(reply.topics[0].partitions[0].error_code))
}

#[test]
fn a_leader_changes_its_in_sync_set() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(alter(&mut cluster, key, 1, &[1, 3], |_| ()), None);
    assert_eq!((cluster.line(key).as_str(), cluster.partition(key).epoch.0), ("1 e0 [1, 3]", 1));
    assert_eq!(alter(&mut cluster, key, 1, &[1, 2, 3], |_| ()), None);
    assert_eq!((cluster.line(key).as_str(), cluster.partition(key).epoch.0), ("1 e0 [1, 2, 3]", 2));
    assert_eq!(alter(&mut cluster, key, 1, &[1, 2, 3], |_| ()), None, "what is so is granted");
    assert_eq!(cluster.partition(key).epoch.0, 2);
}

#[test]
fn a_leader_that_leaves_the_in_sync_set_is_followed_by_another_of_it() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(alter(&mut cluster, key, 1, &[2, 3], |_| ()), Some(ErrorCode::NewLeaderElected));
    assert_eq!((cluster.line(key).as_str(), cluster.partition(key).epoch.0), ("2 e1 [2, 3]", 1));
}

#[test]
fn a_change_of_the_in_sync_set_is_refused_by_the_first_rule_that_it_breaks() {
    let mut cluster = Cluster::of(4);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(alter(&mut cluster, key, 1, &[1, 2], |_| ()), None);
    cluster.pass(9_500, &[1, 2, 4]);
    let cluster = &mut cluster;
    let before = cluster.line(key);
    let nowhere = PartitionKey { topic: crate::id::Uuid(9), partition: 0 };
    assert_eq!(alter(cluster, nowhere, 1, &[1], |_| ()), Some(ErrorCode::UnknownTopicId));
    assert_eq!(
        alter(cluster, PartitionKey { partition: 9, ..key }, 1, &[1], |_| ()),
        Some(ErrorCode::UnknownTopicOrPartition)
    );
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.leader_epoch += 1), Some(ErrorCode::NotController));
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.partition_epoch += 1), Some(ErrorCode::NotController));
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.leader_epoch -= 1), Some(ErrorCode::FencedLeaderEpoch));
    assert_eq!(alter(cluster, key, 2, &[2], |_| ()), Some(ErrorCode::InvalidRequest), "not the leader");
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.partition_epoch -= 1), Some(ErrorCode::InvalidUpdateVersion));
    assert_eq!(alter(cluster, key, 1, &[], |_| ()), Some(ErrorCode::InvalidRequest), "nobody");
    assert_eq!(alter(cluster, key, 1, &[1, 4], |_| ()), Some(ErrorCode::InvalidRequest), "not a replica");
    assert_eq!(alter(cluster, key, 1, &[1, 1], |_| ()), Some(ErrorCode::InvalidRequest), "twice");
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.leader_recovery_state = 1), Some(ErrorCode::InvalidRequest));
    assert_eq!(alter(cluster, key, 1, &[1], |p| p.leader_recovery_state = 5), Some(ErrorCode::InvalidRequest));
    assert_eq!(alter(cluster, key, 1, &[1, 2, 3], |_| ()), Some(ErrorCode::IneligibleReplica), "3 is fenced");
    let old = |p: &mut PartitionData| p.new_isr_with_epochs[1].broker_epoch -= 1;
    assert_eq!(alter(cluster, key, 1, &[1, 2], old), Some(ErrorCode::IneligibleReplica), "2 was restarted since");
    let stale =
        cluster.controller.decide_alter_partition(3, &AlterPartitionRequest::default().with_broker_id(BrokerId(1)));
    assert_eq!(code(stale.reply.error_code), Some(ErrorCode::StaleBrokerEpoch));
    assert_eq!(cluster.line(key), before, "nothing refused is written");
}

#[test]
fn an_admin_asks_for_leaders() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2], &[2, 3]], &[]);
    cluster.pass(9_500, &[2, 3]);
    let elect = |cluster: &mut Cluster, kind: i8, partitions: Option<&[i32]>| {
        let topics = partitions.map(|numbers| {
            vec![TopicPartitions::default().with_topic(TopicName("t".into())).with_partitions(numbers.to_vec())]
        });
        let request = ElectLeadersRequest::default().with_election_type(kind).with_topic_partitions(topics);
        let decision = cluster.controller.decide_elect_leaders(&request);
        let reply = cluster.take(decision);
        let each = reply.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
        each.map(|p| (p.partition_id, code(p.error_code))).collect::<Vec<_>>()
    };
    let cluster = &mut cluster;
    let unavailable = Some(ErrorCode::PreferredLeaderNotAvailable);
    let (needless, unknown) = (Some(ErrorCode::ElectionNotNeeded), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(elect(cluster, 0, Some(&[0, 1, 7])), [(0, unavailable), (1, needless), (7, unknown)]);
    assert_eq!(elect(cluster, 0, None), [(0, unavailable)], "among all, those that need none are not named");
    assert_eq!(elect(cluster, 1, Some(&[0])), [(0, needless)]);
    assert_eq!(elect(cluster, 5, Some(&[0])), [(0, Some(ErrorCode::InvalidRequest))]);
    cluster.heartbeat(1, |_| ());
    assert_eq!(alter(cluster, key, 2, &[1, 2], |_| ()), None);
    assert_eq!(elect(cluster, 0, Some(&[0, 0])), [(0, None), (0, None)]);
    assert_eq!(cluster.line(key), "1 e2 [1, 2]");
    // 1 alone is in sync and dies: 2 leads only if an admin says so.
    assert_eq!(alter(cluster, key, 1, &[1], |_| ()), None);
    cluster.pass(9_500, &[2, 3]);
    assert_eq!(cluster.line(key), "none e3 [1]");
    assert_eq!(elect(cluster, 1, Some(&[0])), [(0, None)]);
    assert_eq!(cluster.line(key), "2 e4 [2]");
}

#[test]
fn a_broker_is_struck_off() {
    let mut cluster = Cluster::of(2);
    let key = cluster.topic("t", &[&[1, 2]], &[]);
    let unknown =
        cluster.controller.decide_unregister_broker(&UnregisterBrokerRequest::default().with_broker_id(BrokerId(7)));
    assert_eq!(code(unknown.reply.error_code), Some(ErrorCode::BrokerIdNotRegistered));
    let decision =
        cluster.controller.decide_unregister_broker(&UnregisterBrokerRequest::default().with_broker_id(BrokerId(1)));
    cluster.take(decision);
    assert_eq!(cluster.line(key), "2 e1 [2]");
    assert!(cluster.controller.image().broker(NodeId(1)).is_none());
    assert_eq!(code(cluster.heartbeat(1, |_| ()).error_code), Some(ErrorCode::StaleBrokerEpoch));
}

#[test]
fn blocks_of_producer_ids_never_meet() {
    let mut cluster = Cluster::of(2);
    let ask = |cluster: &mut Cluster, id: i32, change: i64| {
        let epoch = cluster.controller.broker_epoch(NodeId(id)).map_or(0, |epoch| epoch.0) + change;
        let request = AllocateProducerIdsRequest::default().with_broker_id(BrokerId(id)).with_broker_epoch(epoch);
        let decision = cluster.controller.decide_allocate_producer_ids(&request);
        cluster.take(decision)
    };
    assert_eq!(ask(&mut cluster, 1, 0).producer_id_start.0, 0);
    assert_eq!((ask(&mut cluster, 2, 0).producer_id_start.0, ask(&mut cluster, 1, 0).producer_id_len), (1000, 1000));
    assert_eq!(code(ask(&mut cluster, 1, 1).error_code), Some(ErrorCode::StaleBrokerEpoch));
    assert_eq!(cluster.controller.image().next_producer_id(), 3000);
}

#[test]
fn a_new_cluster_has_an_id_and_features() {
    let cluster = Cluster::empty(&[]);
    let image = cluster.controller.image();
    assert_eq!(image.cluster_id().map(|id| id.len()), Some(22));
    assert_eq!(image.features().len(), super::FEATURES.len());
    assert_eq!(cluster.controller.decide_activation(), [], "once");
    let named = Cluster::empty(&[("cluster.id", "mine")]);
    assert!(named.controller.decide_activation().is_empty());
    assert_eq!(named.controller.image().cluster_id().map(|id| id.as_str()), Some("mine"));
}

#[test]
fn many_that_die_together_leave_nothing_to_each_other() {
    let mut cluster = Cluster::of(3);
    let key = cluster.topic("t", &[&[1, 2, 3]], &[]);
    cluster.pass(9_500, &[3]);
    assert_eq!(cluster.line(key), "3 e1 [3]", "not 2 for a moment");
    let epochs: Vec<_> = nodes(&[1, 2, 3]).into_iter().map(|node| cluster.controller.broker_epoch(node)).collect();
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "each registration has a later epoch");
    let records = cluster.controller.image().to_records();
    assert!(records.iter().any(|record| matches!(record, Record::Partition { .. })));
}
