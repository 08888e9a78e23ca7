//! Topics and configs: each decision and each refusal, in Kafka's words where a client may match them.

use super::fixture::{Cluster, creatable};
use crate::error::ErrorCode;
use crate::id::{NodeId, Uuid};
use crate::metadata::Resource;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    AlterConfigsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest, TopicName, alter_configs_request,
};
use kafka_protocol::protocol::StrBytes;

type Outcome = (Option<ErrorCode>, String);

fn outcome(code: i16, message: Option<&StrBytes>) -> Outcome {
    (ErrorCode::try_from_code(code), message.map_or_else(String::new, |text| text.to_string()))
}

fn create(cluster: &mut Cluster, topics: Vec<CreatableTopic>, validate_only: bool) -> Vec<Outcome> {
    let request = CreateTopicsRequest::default().with_topics(topics).with_validate_only(validate_only);
    let decision = cluster.controller.decide_create_topics(&request);
    let reply = cluster.take(decision);
    reply.topics.iter().map(|topic| outcome(topic.error_code, topic.error_message.as_ref())).collect()
}

fn with_config(name: &str, config: &str, value: Option<&str>) -> CreatableTopic {
    let value = value.map(|value| value.to_string().into());
    let config = CreatableTopicConfig::default().with_name(config.to_string().into()).with_value(value);
    creatable(name, 1, 1).with_configs(vec![config])
}

fn assigned(name: &str, replicas: &[(i32, &[i32])]) -> CreatableTopic {
    let each = replicas.iter().map(|(number, ids)| {
        let ids = ids.iter().map(|id| BrokerId(*id)).collect();
        CreatableReplicaAssignment::default().with_partition_index(*number).with_broker_ids(ids)
    });
    creatable(name, -1, -1).with_assignments(each.collect())
}

#[test]
fn topics_are_made_with_defaults_and_configs() {
    let mut cluster = Cluster::with(3, &[("num.partitions", "4"), ("default.replication.factor", "3")]);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![creatable("t", -1, -1), with_config("u", "retention.ms", Some("5"))]);
    let decision = cluster.controller.decide_create_topics(&request);
    let reply = cluster.take(decision);
    assert_eq!((reply.topics[0].num_partitions, reply.topics[0].replication_factor), (4, 3));
    let image = cluster.controller.image();
    let topic = image.topic_named("t").expect("t");
    assert_eq!(Uuid::from(reply.topics[0].topic_id), topic.id);
    assert!(topic.partitions.iter().all(|state| state.isr.len() == 3 && state.leader == state.preferred()));
    let other = image.topic_named("u").expect("u");
    assert_ne!(other.id, topic.id);
    assert_eq!(image.config(Resource::Topic(other.id), "retention.ms"), Some("5"));
    let told = reply.topics[1].configs.iter().flatten().find(|config| config.name.as_str() == "retention.ms");
    assert_eq!(
        told.map(|config| (config.value.as_ref().map(|v| v.as_str()), config.config_source)),
        Some((Some("5"), 1))
    );
}

#[test]
fn what_is_only_validated_is_not_made() {
    let mut cluster = Cluster::of(1);
    assert_eq!(create(&mut cluster, vec![creatable("t", 1, 1)], true), [(None, String::new())]);
    assert!(cluster.controller.image().topic_named("t").is_none());
}

#[test]
fn a_topic_that_cannot_be_made_says_why() {
    let mut cluster = Cluster::of(2);
    create(&mut cluster, vec![creatable("a.b", 1, 1)], false);
    let mut one = |topic: CreatableTopic| create(&mut cluster, vec![topic], false).remove(0);
    let says = |code: ErrorCode, why: &str| (Some(code), why.to_string());
    assert_eq!(one(creatable("a.b", 1, 1)), says(ErrorCode::TopicAlreadyExists, "Topic 'a.b' already exists."));
    let collides = "Topic 'a_b' collides with existing topic: a.b";
    assert_eq!(one(creatable("a_b", 1, 1)), says(ErrorCode::InvalidTopicException, collides));
    assert_eq!(one(creatable("", 1, 1)).0, Some(ErrorCode::InvalidTopicException));
    let prohibited = "Creation of internal topic __cluster_metadata is prohibited.";
    assert_eq!(one(creatable("__cluster_metadata", 1, 1)), says(ErrorCode::InvalidRequest, prohibited));
    let zero = "Number of partitions was set to an invalid non-positive value.";
    assert_eq!(one(creatable("t", 0, 1)), says(ErrorCode::InvalidPartitions, zero));
    let factor = "Replication factor must be larger than 0, or -1 to use the default value.";
    assert_eq!(one(creatable("t", 1, 0)), says(ErrorCode::InvalidReplicationFactor, factor));
    let few = one(creatable("t", 1, 3));
    assert_eq!(few.0, Some(ErrorCode::InvalidReplicationFactor));
    assert!(
        few.1.starts_with("Unable to replicate the partition 3 time(s): The target replication factor of 3"),
        "{}",
        few.1
    );
    assert_eq!(one(creatable("t", 20_000, 1)).0, Some(ErrorCode::PolicyViolation));
    let null = "Null value not supported for topic configs: retention.ms";
    assert_eq!(one(with_config("t", "retention.ms", None)), says(ErrorCode::InvalidConfig, null));
    assert_eq!(
        one(with_config("t", "nope", Some("1"))),
        says(ErrorCode::InvalidConfig, "Unknown topic config name: nope")
    );
    assert_eq!(one(with_config("t", "retention.ms", Some("x"))).0, Some(ErrorCode::InvalidConfig));
    assert_eq!(one(with_config("t", "compression.type", Some(&"x".repeat(1 << 20)))).0, Some(ErrorCode::InvalidConfig));
    assert!(cluster.controller.image().topic_named("t").is_none());
}

#[test]
fn replicas_that_are_named_are_checked() {
    let mut cluster = Cluster::of(3);
    cluster.pass(9_500, &[1, 2]);
    let mut one = |topic: CreatableTopic| create(&mut cluster, vec![topic], false).remove(0);
    let bad = Some(ErrorCode::InvalidReplicaAssignment);
    assert_eq!(one(assigned("t", &[(0, &[1]), (0, &[2])])).0, bad);
    assert_eq!(one(assigned("t", &[(0, &[1]), (2, &[2])])).0, bad);
    assert_eq!(one(assigned("t", &[(0, &[1, 2]), (1, &[2])])).0, bad);
    assert_eq!(one(assigned("t", &[(0, &[])])).0, bad);
    assert_eq!(one(assigned("t", &[(0, &[1, 1])])).0, bad);
    assert_eq!(one(assigned("t", &[(0, &[9])])).0, bad);
    let fenced = "All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled shutdown.";
    assert_eq!(one(assigned("t", &[(0, &[3])])), (bad, fenced.to_string()));
    assert_eq!(one(assigned("t", &[(0, &[1])]).with_num_partitions(1)).0, Some(ErrorCode::InvalidRequest));
    assert_eq!(one(assigned("t", &[(0, &[1])]).with_replication_factor(1)).0, Some(ErrorCode::InvalidRequest));
    assert_eq!(one(assigned("t", &[(1, &[3, 2]), (0, &[1, 3])])).0, None);
    let topic = cluster.controller.image().topic_named("t").expect("t");
    assert_eq!((topic.partitions[0].leader, topic.partitions[1].leader), (Some(NodeId(1)), Some(NodeId(2))));
    assert_eq!(topic.partitions[1].isr, [NodeId(2)], "a fenced replica is not in sync");
}

#[test]
fn a_name_counts_once_in_a_request() {
    let mut cluster = Cluster::of(1);
    let twice = vec![creatable("t", 1, 1), creatable("u", 1, 1), creatable("t", 1, 1)];
    let duplicate = (Some(ErrorCode::InvalidRequest), "Duplicate topic name.".to_string());
    assert_eq!(create(&mut cluster, twice, false), [(None, String::new()), duplicate]);
    let colliding = create(&mut cluster, vec![creatable("x.y", 1, 1), creatable("x_y", 1, 1)], false);
    assert_eq!(
        (colliding[0].0, colliding[1].0),
        (None, Some(ErrorCode::InvalidTopicException)),
        "a topic of the same request, too"
    );
}

#[test]
fn without_brokers_there_are_no_topics() {
    let mut cluster = Cluster::of(1);
    cluster.pass(9_500, &[]);
    let refused = create(&mut cluster, vec![creatable("t", 1, 1)], false).remove(0);
    assert_eq!(refused.0, Some(ErrorCode::InvalidReplicationFactor));
    assert_eq!(refused.1, "Unable to replicate the partition 1 time(s): All brokers are currently fenced.");
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let mut cluster = Cluster::of(1);
    create(&mut cluster, ["a", "b", "c", "d"].map(|name| creatable(name, 2, 1)).into(), false);
    let id = |cluster: &Cluster, name: &str| {
        cluster.controller.image().topic_named(name).map_or(Uuid::ZERO, |topic| topic.id)
    };
    let state = |name: Option<&str>, id: Uuid| {
        DeleteTopicState::default().with_name(name.map(|n| TopicName(n.to_string().into()))).with_topic_id(id.into())
    };
    let (b, c, d) = (id(&cluster, "b"), id(&cluster, "c"), id(&cluster, "d"));
    let topics = vec![
        state(Some("a"), Uuid::ZERO),
        state(None, b),
        state(Some("c"), c),
        state(None, Uuid::ZERO),
        state(None, Uuid(99)),
        state(Some("nope"), Uuid::ZERO),
        state(Some("twice"), Uuid::ZERO),
        state(Some("twice"), Uuid::ZERO),
        state(None, d),
        state(Some("d"), Uuid::ZERO),
    ];
    let decision = cluster.controller.decide_delete_topics(6, &DeleteTopicsRequest::default().with_topics(topics));
    let reply = cluster.take(decision);
    let mut codes: Vec<i16> = reply.responses.iter().map(|response| response.error_code).collect();
    codes.sort_unstable();
    // 42 INVALID_REQUEST for c, for the one without both, for what is named twice, for d; 3 and 100 for what is not there.
    assert_eq!(codes, [0, 0, 3, 42, 42, 42, 42, 100]);
    let left: Vec<_> = cluster.controller.image().topics_by_name().map(|topic| topic.name.to_string()).collect();
    assert_eq!(left, ["c", "d"]);
    assert_eq!(cluster.controller.image().partition_count(), 4);
}

#[test]
fn deletion_can_be_switched_off() {
    let mut cluster = Cluster::with(1, &[("delete.topic.enable", "false")]);
    create(&mut cluster, vec![creatable("a", 1, 1)], false);
    let request = DeleteTopicsRequest::default().with_topic_names(vec![TopicName("a".into())]);
    for (version, code) in [(2, ErrorCode::InvalidRequest), (5, ErrorCode::TopicDeletionDisabled)] {
        let decision = cluster.controller.decide_delete_topics(version, &request);
        let reply = cluster.take(decision);
        assert_eq!(ErrorCode::try_from_code(reply.responses[0].error_code), Some(code));
    }
    assert!(cluster.controller.image().topic_named("a").is_some());
}

#[test]
fn topics_get_more_partitions() {
    let mut cluster = Cluster::of(3);
    create(&mut cluster, vec![creatable("t", 1, 2)], false);
    let widen = |cluster: &mut Cluster, name: &str, count: i32, brokers: Option<&[&[i32]]>| {
        let assignments = brokers.map(|lists| {
            let ids = |list: &&[i32]| list.iter().map(|id| BrokerId(*id)).collect();
            lists.iter().map(|list| CreatePartitionsAssignment::default().with_broker_ids(ids(list))).collect()
        });
        let topic = CreatePartitionsTopic::default().with_name(TopicName(name.to_string().into())).with_count(count);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic.with_assignments(assignments)]);
        let decision = cluster.controller.decide_create_partitions(&request);
        let reply = cluster.take(decision);
        outcome(reply.results[0].error_code, reply.results[0].error_message.as_ref())
    };
    let cluster = &mut cluster;
    assert_eq!(widen(cluster, "nope", 2, None).0, Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(
        widen(cluster, "t", 1, None),
        (Some(ErrorCode::InvalidPartitions), "Topic already has 1 partition(s).".into())
    );
    assert_eq!(widen(cluster, "t", 0, None).0, Some(ErrorCode::InvalidPartitions));
    assert_eq!(widen(cluster, "t", 100_000, None).0, Some(ErrorCode::PolicyViolation));
    assert_eq!(widen(cluster, "t", 3, Some(&[&[1, 2]])).0, Some(ErrorCode::InvalidReplicaAssignment));
    assert_eq!(widen(cluster, "t", 2, Some(&[&[1]])).0, Some(ErrorCode::InvalidReplicaAssignment), "another factor");
    assert_eq!(widen(cluster, "t", 2, Some(&[&[3, 1]])).0, None);
    assert_eq!(widen(cluster, "t", 6, None).0, None);
    let topic = cluster.controller.image().topic_named("t").expect("t");
    assert_eq!((topic.partitions.len(), topic.partitions[1].preferred()), (6, Some(NodeId(3))));
    assert!(topic.partitions.iter().all(|state| state.replicas.len() == 2));
}

/// Each by itself would do; the second was refused, and the first told that it was done.
#[test]
fn where_all_together_is_too_much_nothing_is_done() {
    let mut cluster = Cluster::of(1);
    create(&mut cluster, vec![creatable("a", 1, 1), creatable("b", 1, 1)], false);
    let wanted = |name: &str| {
        CreatePartitionsTopic::default()
            .with_name(TopicName(name.to_string().into()))
            .with_count(6_001)
            .with_assignments(None)
    };
    let request = CreatePartitionsRequest::default().with_topics(vec![wanted("a"), wanted("b")]);
    let decision = cluster.controller.decide_create_partitions(&request);
    let policy = ErrorCode::PolicyViolation.code();
    assert!(decision.records.is_empty());
    assert_eq!(decision.reply.results.iter().map(|one| one.error_code).collect::<Vec<_>>(), [policy, policy]);
}

/// A batch of the metadata's log that nobody reads again ended the node, and each start of it.
#[test]
fn configs_are_no_more_than_a_batch_may_hold() {
    let mut cluster = Cluster::of(1);
    let (names, value): (Vec<String>, _) = ((0..200).map(|n| format!("unknown.{n}")).collect(), "x".repeat(60_000));
    let ops: Vec<_> = names.iter().map(|name| (name.as_str(), 0, Some(value.as_str()))).collect();
    assert_eq!(alter(&mut cluster, 4, "", &ops).0, Some(ErrorCode::PolicyViolation));
    assert!(cluster.controller.image().configs(Resource::BrokerDefault).is_empty());
    assert_eq!(alter(&mut cluster, 4, "", &ops[..100]).0, None);
}

fn alter(cluster: &mut Cluster, kind: i8, name: &str, ops: &[(&str, i8, Option<&str>)]) -> Outcome {
    let configs = ops.iter().map(|(name, op, value)| {
        let value = value.map(|value| value.to_string().into());
        AlterableConfig::default().with_name(name.to_string().into()).with_config_operation(*op).with_value(value)
    });
    let resource = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(name.to_string().into());
    let request =
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource.with_configs(configs.collect())]);
    let decision = cluster.controller.decide_incremental_alter_configs(&request);
    let reply = cluster.take(decision);
    outcome(reply.responses[0].error_code, reply.responses[0].error_message.as_ref())
}

#[test]
fn configs_are_set_and_taken_back() {
    let mut cluster = Cluster::of(1);
    let key = cluster.topic("t", &[&[1]], &[]);
    let value = |cluster: &Cluster, name: &str| {
        cluster.controller.image().config(Resource::Topic(key.topic), name).map(str::to_string)
    };
    assert_eq!(alter(&mut cluster, 2, "t", &[("retention.ms", 0, Some("5")), ("flush.ms", 0, Some("7"))]).0, None);
    assert_eq!(value(&cluster, "retention.ms").as_deref(), Some("5"));
    assert_eq!(alter(&mut cluster, 2, "t", &[("retention.ms", 1, None)]).0, None);
    assert_eq!((value(&cluster, "retention.ms"), value(&cluster, "flush.ms").as_deref()), (None, Some("7")));
    // An addition begins with the default.
    assert_eq!(alter(&mut cluster, 2, "t", &[("cleanup.policy", 2, Some("compact"))]).0, None);
    assert_eq!(value(&cluster, "cleanup.policy").as_deref(), Some("delete,compact"));
    assert_eq!(alter(&mut cluster, 2, "t", &[("cleanup.policy", 3, Some("delete"))]).0, None);
    assert_eq!(value(&cluster, "cleanup.policy").as_deref(), Some("compact"));
    // The older form takes back what it does not name.
    let config =
        alter_configs_request::AlterableConfig::default().with_name("retention.ms".into()).with_value(Some("9".into()));
    let resource = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name("t".into())
        .with_configs(vec![config]);
    let decision =
        cluster.controller.decide_alter_configs(&AlterConfigsRequest::default().with_resources(vec![resource]));
    assert_eq!(cluster.take(decision).responses[0].error_code, 0);
    assert_eq!(cluster.controller.image().configs(Resource::Topic(key.topic)).len(), 1);
}

/// Kafka: `ConfigurationControlManagerTest.testRejectMinIsrChangeWhenElrEnabled`.
#[test]
fn the_least_in_sync_is_not_one_brokers() {
    const NAME: &str = "min.insync.replicas";
    let mut cluster = Cluster::with(1, &[]);
    let mut code = |name: &str, op, value| alter(&mut cluster, 4, name, &[(NAME, op, value)]).0;
    assert_eq!(code("1", 0, Some("1")), Some(ErrorCode::InvalidConfig));
    assert_eq!(code("1", 1, None), Some(ErrorCode::InvalidConfig));
    assert_eq!(code("1", 0, Some("many")), Some(ErrorCode::InvalidRequest));
    assert_eq!(code("", 0, Some("2")), None);
    assert_eq!(code("", 1, None), Some(ErrorCode::InvalidConfig));
}

#[test]
fn a_config_that_cannot_be_set_says_why() {
    let mut cluster = Cluster::of(1);
    cluster.topic("t", &[&[1]], &[]);
    let cluster = &mut cluster;
    let set = |value: &'static str| [("retention.ms", 0, Some(value))];
    let invalid = Some(ErrorCode::InvalidRequest);
    let unknown = (Some(ErrorCode::UnknownTopicOrPartition), "The topic 'nope' does not exist.".to_string());
    assert_eq!(alter(cluster, 2, "nope", &set("5")), unknown);
    assert_eq!(alter(cluster, 2, "", &set("5")).0, invalid);
    assert_eq!(alter(cluster, 2, "a b", &set("5")).0, Some(ErrorCode::InvalidTopicException));
    assert_eq!(alter(cluster, 2, "t", &set("five")).0, Some(ErrorCode::InvalidConfig));
    let append =
        (Some(ErrorCode::InvalidConfig), "Can't APPEND to key retention.ms because its type is not LIST.".to_string());
    assert_eq!(alter(cluster, 2, "t", &[("retention.ms", 2, Some("5"))]), append);
    assert_eq!(alter(cluster, 2, "t", &[("retention.ms", 9, Some("5"))]).0, invalid);
    assert_eq!(alter(cluster, 2, "t", &[("retention.ms", 0, None)]).0, invalid);
    assert_eq!(alter(cluster, 2, "t", &[("flush.ms", 0, Some("1")), ("flush.ms", 1, None)]).0, invalid);
    assert_eq!(alter(cluster, 9, "t", &set("5")).0, invalid);
    assert_eq!(alter(cluster, 4, "one", &set("5")).0, invalid);
    assert_eq!(alter(cluster, 4, "-1", &set("5")).0, invalid);
    assert_eq!(alter(cluster, 4, "1", &[("node.id", 0, Some("5"))]).0, invalid, "cannot change while a broker runs");
    let unregistered = (Some(ErrorCode::BrokerIdNotRegistered), "No broker with id 77 found.".to_string());
    assert_eq!(alter(cluster, 4, "77", &[("log.retention.ms", 0, Some("5"))]), unregistered);
    let listeners = [("listeners", 0, Some("PLAINTEXT://:1"))];
    assert_eq!(alter(cluster, 4, "1", &listeners).0, invalid, "a broker listens where it was started");
    assert_eq!(alter(cluster, 8, "1", &[("root", 0, Some("INFO"))]).0, Some(ErrorCode::InvalidConfig));
    assert_eq!(alter(cluster, 8, "1", &[("root", 2, Some("INFO"))]).0, invalid);
    assert_eq!(alter(cluster, 4, "", &[("log.retention.ms", 0, Some("x"))]).0, invalid);
    assert_eq!(alter(cluster, 4, "", &[("log.retention.ms", 0, Some("50"))]).0, None);
    assert_eq!(cluster.controller.image().config(Resource::BrokerDefault, "log.retention.ms"), Some("50"));
    assert_eq!(alter(cluster, 4, "1", &[("log.retention.ms", 0, Some("60"))]).0, None);
    assert_eq!(cluster.controller.image().config(Resource::Broker(NodeId(1)), "log.retention.ms"), Some("60"));
}

#[test]
fn a_resource_counts_once_in_a_request() {
    let cluster = Cluster::of(1);
    let resource = AlterConfigsResource::default().with_resource_type(4).with_resource_name("1".into());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone(), resource]);
    let decision = cluster.controller.decide_incremental_alter_configs(&request);
    assert!(decision.reply.responses.iter().all(|response| response.error_code == ErrorCode::InvalidRequest.code()));
}
