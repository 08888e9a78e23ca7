//! Several things in one request, which a client's library lets anybody ask for: what is named twice, what is not there, and what cannot be, beside
//! what can. Each is answered for itself, and refused by the code that says why (`check/now/asked/each.rs`, `check/now/asked/refusals.rs`).
//! Nothing of it changes what the keeper vouches for.

use super::{BROKER, Keeper, Purpose, SET, TIMES, TOPIC, name_of, text};
use crate::client::Ctx;
use crate::client::member::group_name;
use crate::dice::Dice;
use crate::net::Peer;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{
    ApiKey, BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, ElectLeadersRequest, GroupId,
    IncrementalAlterConfigsRequest, OffsetCommitRequest, OffsetFetchRequest, RequestKind,
};
use uuid::Uuid;

/// What no topic is called.
const NOBODYS: &str = "odd-nobodys";

impl Keeper {
    pub(super) fn ask_oddly(&mut self, ctx: &mut Ctx<'_>, node: Peer, dice: &mut Dice) {
        let (key, version, request): (ApiKey, i16, RequestKind) = match dice.below(9) {
            0..=2 => (ApiKey::CreateTopics, 5, self.odd_topics(dice).into()),
            3 => (ApiKey::CreatePartitions, 2, self.odd_partitions(ctx, dice).into()),
            4 => return self.delete_oddly(ctx, node, dice),
            5 => (ApiKey::IncrementalAlterConfigs, 1, odd_configs(ctx, node, dice).into()),
            6 => (ApiKey::ElectLeaders, 2, odd_election(ctx).into()),
            7 => (ApiKey::OffsetCommit, 7, commit_of_nobody(ctx, dice).into()),
            _ => (ApiKey::OffsetFetch, 8, offsets_of_two(ctx).into()),
        };
        self.ask(ctx, node, (key, version), request, Purpose::Any);
    }

    /// Topics that are only to be looked at: a good one, and some that cannot be, or cannot be beside each other.
    fn odd_topics(&self, dice: &mut Dice) -> CreateTopicsRequest {
        let topic = |name: &str| {
            CreatableTopic::default().with_name(name_of(name)).with_num_partitions(1).with_replication_factor(1)
        };
        let placed = |name: &str, places: &[(i32, &[i32])]| {
            let place = |(number, nodes): &(i32, &[i32])| {
                CreatableReplicaAssignment::default()
                    .with_partition_index(*number)
                    .with_broker_ids(nodes.iter().map(|id| BrokerId(*id)).collect())
            };
            let topic = topic(name).with_num_partitions(-1).with_replication_factor(-1);
            topic.with_assignments(places.iter().map(place).collect())
        };
        let mut topics = vec![topic("odd-one")];
        match dice.below(6) {
            0 => topics.extend([topic("odd-twice"), topic("odd-twice")]),
            1 => topics.extend([topic("odd.name"), topic("odd_name")]),
            2 => topics.push(placed("odd-gap", &[(0, &[1]), (2, &[1])])),
            3 if self.nodes > 1 => topics.push(placed("odd-factors", &[(0, &[1, 2]), (1, &[2])])),
            4 => topics.push(placed("odd-counted", &[(0, &[1])]).with_num_partitions(1)),
            _ => topics.push(topic("__cluster_metadata")),
        }
        CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(1_000).with_validate_only(true)
    }

    /// The same twice, and what is not there; only to be looked at.
    fn odd_partitions(&self, ctx: &Ctx<'_>, dice: &mut Dice) -> CreatePartitionsRequest {
        let topic = |name: &str| {
            CreatePartitionsTopic::default().with_name(name_of(name)).with_count(99).with_assignments(None)
        };
        let known = any_topic(ctx, dice);
        let mut topics = vec![topic(&known), topic(NOBODYS)];
        if dice.chance(1, 2) {
            topics.push(topic(&known));
        }
        CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(1_000).with_validate_only(true)
    }

    /// What is not there by its name and by its id, and one of its own twice: by its name, or by its name and its id.
    fn delete_oddly(&mut self, ctx: &mut Ctx<'_>, node: Peer, dice: &mut Dice) {
        let by_name = |name: &str| DeleteTopicState::default().with_name(Some(name_of(name)));
        let by_id = |id: Uuid| DeleteTopicState::default().with_name(None).with_topic_id(id);
        let mut topics = vec![by_name(NOBODYS), by_id(Uuid::from_u128(1000))];
        let mut then = Purpose::Any;
        let own = self.keeps.topics.iter().find(|(_, kept)| kept.partitions > 0);
        match own.map(|(own, kept)| (own, kept, self.ids.get(own))) {
            Some((own, kept, Some(id))) if dice.chance(1, 2) => {
                topics.extend([by_name(own), by_id(*id)]);
                then = Purpose::Topic(own.clone(), kept.clone());
            }
            Some((own, ..)) => topics.extend([by_name(own), by_name(own)]),
            None => topics.extend([by_id(Uuid::from_u128(1001)), by_id(Uuid::from_u128(1001))]),
        }
        let request = DeleteTopicsRequest::default().with_topics(topics).with_timeout_ms(1_000);
        self.ask(ctx, node, (ApiKey::DeleteTopics, 6), request, then);
    }
}

/// The same twice, what is not there, and what is fixed; beside one that can be. Only to be looked at.
fn odd_configs(ctx: &Ctx<'_>, node: Peer, dice: &mut Dice) -> IncrementalAlterConfigsRequest {
    let resource = |kind: i8, name: &str, setting: &str| {
        let config = AlterableConfig::default().with_name(text(setting)).with_config_operation(SET);
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config.with_value(Some(text(TIMES[0])))])
    };
    let known = any_topic(ctx, dice);
    let mut resources = vec![resource(TOPIC, &known, "retention.ms"), resource(TOPIC, NOBODYS, "retention.ms")];
    if dice.chance(1, 2) {
        resources.push(resource(TOPIC, &known, "segment.ms"));
    }
    if dice.chance(1, 2) {
        resources.push(resource(BROKER, &(node + 1).to_string(), dice.pick(&["node.id", "num.partitions"])));
    }
    IncrementalAlterConfigsRequest::default().with_resources(resources).with_validate_only(true)
}

/// Partitions by their numbers, and one that is not there.
fn odd_election(ctx: &Ctx<'_>) -> ElectLeadersRequest {
    let topics = ctx.plan.topics.iter().map(|topic| {
        TopicPartitions::default()
            .with_topic(name_of(&topic.name))
            .with_partitions((0..=topic.partitions as i32).collect())
    });
    ElectLeadersRequest::default()
        .with_election_type(0)
        .with_topic_partitions(Some(topics.collect()))
        .with_timeout_ms(1_000)
}

/// A commit of several partitions by somebody who is no member.
fn commit_of_nobody(ctx: &Ctx<'_>, dice: &mut Dice) -> OffsetCommitRequest {
    let topics = ctx.plan.topics.iter().map(|topic| {
        let parts = (0..=topic.partitions as i32).map(|number| {
            OffsetCommitRequestPartition::default().with_partition_index(number).with_committed_offset(1)
        });
        OffsetCommitRequestTopic::default().with_name(name_of(&topic.name)).with_partitions(parts.collect())
    });
    OffsetCommitRequest::default()
        .with_group_id(GroupId(text(&group_name(dice.below(2) as u32))))
        .with_member_id(text("nobody"))
        .with_generation_id_or_member_epoch(1_000_000)
        .with_topics(topics.collect())
}

/// The offsets of all partitions, and of one that is not there, in two groups.
fn offsets_of_two(ctx: &Ctx<'_>) -> OffsetFetchRequest {
    let topics = ctx.plan.topics.iter().map(|topic| {
        OffsetFetchRequestTopics::default()
            .with_name(name_of(&topic.name))
            .with_partition_indexes((0..=topic.partitions as i32).collect())
    });
    let topics: Vec<_> = topics.collect();
    let groups = (0..2).map(|number| {
        let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text(&group_name(number))));
        group.with_topics(Some(topics.clone()))
    });
    OffsetFetchRequest::default().with_groups(groups.collect())
}

/// One of the topics that are there from the beginning.
fn any_topic(ctx: &Ctx<'_>, dice: &mut Dice) -> String {
    let topics = &ctx.plan.topics;
    topics[dice.below(topics.len() as u64) as usize].name.clone()
}
