//! An onlooker: asks whatever can be looked at of any node, and changes nothing. What it is told is judged inside the brokers
//! (`check/now/shown`); here nobody waits for it.

use super::link::DATA;
use super::member::group_name;
use super::{Client, Ctx, Event, Link, Me, Pace, earliest};
use crate::dice::Dice;
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_producers_request::TopicRequest as ProducersOf;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    ApiKey, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    DescribeProducersRequest, DescribeQuorumRequest, DescribeTopicPartitionsRequest, GroupId, ListGroupsRequest,
    ListPartitionReassignmentsRequest, OffsetFetchRequest, RequestKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Who only looks.
#[derive(Debug)]
pub struct Onlooker {
    me: Me,
    pace: Pace,
    request_timeout: u64,
    link: Link<()>,
    groups: u32,
}

impl Onlooker {
    pub fn new(plan: &Plan, client: &ClientPlan, me: Me) -> Self {
        let ClientPlan::Onlooker { pause_us, request_timeout_us } = client else { unreachable!("an onlooker's plan") };
        Self {
            pace: Pace::new(*pause_us),
            request_timeout: *request_timeout_us,
            link: Link::new(me.peer, "onlooker"),
            groups: plan.groups() + plan.books(),
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        self.link.expire(ctx);
        if !self.pace.is_due(ctx.now) {
            return;
        }
        let mut dice = self.me.dice();
        self.pace.step(ctx.now, &mut dice);
        let node = dice.below(ctx.plan.nodes.len() as u64) as Peer;
        let (key, version, request) = self.question(ctx.plan, node, &mut dice);
        self.link.ask(ctx, (node, DATA), key, version, request, self.request_timeout, ());
    }

    fn question(&self, plan: &Plan, node: Peer, dice: &mut Dice) -> (ApiKey, i16, RequestKind) {
        match dice.below(9) {
            0 => {
                // Whoever coordinates them: one that did may think that it does.
                let of = |number| {
                    let group = GroupId(StrBytes::from(group_name(number)));
                    OffsetFetchRequestGroup::default().with_group_id(group).with_topics(None)
                };
                let request = OffsetFetchRequest::default().with_groups((0..self.groups).map(of).collect());
                (ApiKey::OffsetFetch, 8, request.into())
            }
            1 => {
                let groups = (0..self.groups).map(|number| GroupId(StrBytes::from(group_name(number))));
                let request = DescribeGroupsRequest::default().with_groups(groups.collect());
                (ApiKey::DescribeGroups, 5, request.into())
            }
            2 => {
                let states: &[&str] = dice.pick(&[&[], &[], &["Stable"], &["Empty", "PreparingRebalance"]]);
                let states = states.iter().map(|state| StrBytes::from_static_str(state));
                let request = ListGroupsRequest::default().with_states_filter(states.collect());
                (ApiKey::ListGroups, 5, request.into())
            }
            3 => {
                let topic = TopicData::default().with_topic_name(name("__cluster_metadata"));
                let topic = topic.with_partitions(vec![PartitionData::default()]);
                (ApiKey::DescribeQuorum, 2, DescribeQuorumRequest::default().with_topics(vec![topic]).into())
            }
            4 => {
                // Of all, or of one partition.
                let one = plan.topics.first().filter(|_| dice.chance(1, 2)).map(|topic| {
                    let of = DescribableLogDirTopic::default().with_topic(name(&topic.name));
                    vec![of.with_partitions(vec![dice.below(topic.partitions.into()) as i32])]
                });
                (ApiKey::DescribeLogDirs, 4, DescribeLogDirsRequest::default().with_topics(one).into())
            }
            5 => {
                let resource = |kind: i8, of: String| {
                    DescribeConfigsResource::default()
                        .with_resource_type(kind)
                        .with_resource_name(StrBytes::from(of))
                        .with_configuration_keys(None)
                };
                let topics = plan.topics.iter().map(|topic| resource(TOPIC, topic.name.clone()));
                // The two hundred settings of a broker are most of what such a question costs.
                let broker = (dice.below(4) == 0).then(|| resource(BROKER, (node + 1).to_string()));
                let resources = topics.chain(broker);
                let request = DescribeConfigsRequest::default().with_resources(resources.collect());
                (ApiKey::DescribeConfigs, 4, request.into())
            }
            6 => {
                let topics = plan.topics.iter().map(|topic| {
                    ProducersOf::default()
                        .with_name(name(&topic.name))
                        .with_partition_indexes((0..topic.partitions as i32).collect())
                });
                let request = DescribeProducersRequest::default().with_topics(topics.collect());
                (ApiKey::DescribeProducers, 0, request.into())
            }
            7 => {
                let request = ListPartitionReassignmentsRequest::default().with_topics(None).with_timeout_ms(1_000);
                (ApiKey::ListPartitionReassignments, 0, request.into())
            }
            _ if dice.chance(1, 2) => {
                let request = DescribeClusterRequest::default().with_include_fenced_brokers(dice.chance(1, 2));
                (ApiKey::DescribeCluster, 2, request.with_endpoint_type(1).into())
            }
            _ => {
                let topics = plan.topics.iter().rev().map(|topic| TopicRequest::default().with_name(name(&topic.name)));
                let request = DescribeTopicPartitionsRequest::default()
                    .with_topics(topics.collect())
                    .with_response_partition_limit(dice.between(1, 6) as i32);
                (ApiKey::DescribeTopicPartitions, 0, request.into())
            }
        }
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from(topic.to_string()))
}

impl Client for Onlooker {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        if matches!(event, Event::Quiet) {
            self.pace.hush();
        }
        self.link.hear(ctx, event);
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        earliest([self.link.next_deadline(), self.pace.next_wake()])
    }
}
