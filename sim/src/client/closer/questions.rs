//! One request of each kind. None changes what the run is judged by: what would be made is only validated, what is named to be deleted is
//! not there.

use super::super::member::group_name;
use crate::dice::Dice;
use crate::plan::Plan;
use esker_core::io::Listener;
use esker_core::wire::versions::served;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_producers_request::TopicRequest as ProducersOf;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    DescribeProducersRequest, DescribeQuorumRequest, DescribeTopicPartitionsRequest, ElectLeadersRequest, FetchRequest,
    FindCoordinatorRequest, GroupId, HeartbeatRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest,
    LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest, MetadataRequest,
    OffsetFetchRequest, OffsetForLeaderEpochRequest, RequestKind, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// `ConfigResource.Type`.
const TOPIC: i8 = 2;
const WAIT_MS: i32 = 500;

pub const ALL: &[ApiKey] = &[
    ApiKey::ApiVersions,
    ApiKey::Metadata,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::CreateTopics,
    ApiKey::CreatePartitions,
    ApiKey::DeleteTopics,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::DescribeConfigs,
    ApiKey::DescribeCluster,
    ApiKey::DescribeLogDirs,
    ApiKey::DescribeProducers,
    ApiKey::DescribeQuorum,
    ApiKey::DescribeTopicPartitions,
    ApiKey::ElectLeaders,
    ApiKey::ListPartitionReassignments,
];

/// Where there are no groups, the topic of their offsets is not to be made now.
pub const OF_GROUPS: &[ApiKey] = &[
    ApiKey::FindCoordinator,
    ApiKey::ListGroups,
    ApiKey::DescribeGroups,
    ApiKey::OffsetFetch,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
];

/// The last version in which Fetch names topics; then they have ids (KIP-516).
const FETCH_BY_NAME: i16 = 12;

/// In which version something is asked, and what.
pub fn question(key: ApiKey, plan: &Plan, dice: &mut Dice) -> (i16, RequestKind) {
    let served = served(Listener::Broker, key).expect("what a broker serves");
    // Some that are served the codec cannot write.
    let last = if key == ApiKey::Fetch { FETCH_BY_NAME } else { key.valid_versions().max };
    let version = dice.between(*served.start() as u64, last.min(*served.end()) as u64) as i16;
    (version, request(key, version, plan, dice))
}

fn request(key: ApiKey, version: i16, plan: &Plan, dice: &mut Dice) -> RequestKind {
    let topics = || plan.topics.iter().map(|topic| name(&topic.name));
    let group = || GroupId(StrBytes::from(group_name(0)));
    let nobody = StrBytes::from_static_str("nobody");
    let partition = |of: &TopicName| {
        let of = plan.topics.iter().find(|topic| topic.name == of.0.as_str());
        of.map_or(0, |topic| topic.partitions.saturating_sub(1) as i32)
    };
    match key {
        ApiKey::ApiVersions => {
            let request = ApiVersionsRequest::default();
            if version < 3 {
                return request.into();
            }
            let software = StrBytes::from_static_str("esker-sim");
            request.with_client_software_version(software.clone()).with_client_software_name(software).into()
        }
        ApiKey::Metadata => {
            let topics = topics().map(|topic| MetadataRequestTopic::default().with_name(Some(topic)));
            // All topics: at first no names, then none at all.
            let none = if version == 0 { Some(Vec::new()) } else { None };
            let named = if dice.chance(1, 2) { Some(topics.collect()) } else { none };
            MetadataRequest::default().with_topics(named).into()
        }
        ApiKey::Fetch => {
            let of = |topic| {
                let from = FetchPartition::default().with_partition(partition(&topic)).with_partition_max_bytes(64);
                FetchTopic::default().with_topic(topic).with_partitions(vec![from])
            };
            let request = FetchRequest::default().with_max_wait_ms(WAIT_MS).with_min_bytes(1 << 20);
            request.with_max_bytes(1 << 20).with_topics(topics().map(of).collect()).into()
        }
        ApiKey::ListOffsets => {
            // The largest timestamp is asked for from version 7 on (KIP-734).
            let timestamp = dice.pick(&[-2, -1, 0, if version < 7 { -1 } else { -3 }]);
            let of = |topic| {
                let of = ListOffsetsPartition::default().with_partition_index(partition(&topic));
                ListOffsetsTopic::default().with_name(topic).with_partitions(vec![of.with_timestamp(timestamp)])
            };
            let request = ListOffsetsRequest::default().with_replica_id((-1).into());
            request.with_topics(topics().map(of).collect()).into()
        }
        ApiKey::OffsetForLeaderEpoch => {
            let of = |topic| {
                let of = OffsetForLeaderPartition::default().with_partition(partition(&topic)).with_leader_epoch(0);
                OffsetForLeaderTopic::default().with_topic(topic).with_partitions(vec![of])
            };
            let request = OffsetForLeaderEpochRequest::default().with_replica_id((-1).into());
            request.with_topics(topics().map(of).collect()).into()
        }
        ApiKey::DeleteRecords => {
            // What is before the first offset of all is gone already, wherever a log begins.
            let of = |topic| {
                let of = DeleteRecordsPartition::default().with_partition_index(partition(&topic)).with_offset(0);
                DeleteRecordsTopic::default().with_name(topic).with_partitions(vec![of])
            };
            let request = DeleteRecordsRequest::default().with_topics(topics().map(of).collect());
            request.with_timeout_ms(WAIT_MS).into()
        }
        ApiKey::InitProducerId => InitProducerIdRequest::default().with_transactional_id(None).into(),
        ApiKey::CreateTopics => {
            let new = CreatableTopic::default().with_name(name("unmade")).with_num_partitions(1);
            let request = CreateTopicsRequest::default().with_topics(vec![new.with_replication_factor(1)]);
            request.with_timeout_ms(WAIT_MS).with_validate_only(true).into()
        }
        ApiKey::CreatePartitions => {
            let wider = topics().map(|topic| CreatePartitionsTopic::default().with_name(topic).with_assignments(None));
            let request = CreatePartitionsRequest::default().with_timeout_ms(WAIT_MS).with_validate_only(true);
            request.with_topics(wider.map(|topic| topic.with_count(9)).collect()).into()
        }
        ApiKey::DeleteTopics => {
            let request = DeleteTopicsRequest::default().with_timeout_ms(WAIT_MS);
            if version < 6 {
                return request.with_topic_names(vec![name("unmade")]).into();
            }
            request.with_topics(vec![DeleteTopicState::default().with_name(Some(name("unmade")))]).into()
        }
        ApiKey::IncrementalAlterConfigs => {
            let set = |topic: TopicName| {
                let value = AlterableConfig::default()
                    .with_name(StrBytes::from_static_str("retention.ms"))
                    .with_value(Some(StrBytes::from_static_str("-1")));
                let of = AlterConfigsResource::default().with_resource_type(TOPIC).with_resource_name(topic.0);
                of.with_configs(vec![value])
            };
            let request = IncrementalAlterConfigsRequest::default().with_validate_only(true);
            request.with_resources(topics().map(set).collect()).into()
        }
        ApiKey::DescribeConfigs => {
            let of = |topic: TopicName| {
                let of = DescribeConfigsResource::default().with_resource_type(TOPIC).with_resource_name(topic.0);
                of.with_configuration_keys(None)
            };
            DescribeConfigsRequest::default().with_resources(topics().map(of).collect()).into()
        }
        ApiKey::DescribeCluster => DescribeClusterRequest::default().into(),
        ApiKey::DescribeLogDirs => DescribeLogDirsRequest::default().with_topics(None).into(),
        ApiKey::DescribeProducers => {
            let of = |topic| ProducersOf::default().with_partition_indexes(vec![partition(&topic)]).with_name(topic);
            DescribeProducersRequest::default().with_topics(topics().map(of).collect()).into()
        }
        ApiKey::DescribeQuorum => {
            let topic = TopicData::default().with_topic_name(name("__cluster_metadata"));
            let topic = topic.with_partitions(vec![PartitionData::default()]);
            DescribeQuorumRequest::default().with_topics(vec![topic]).into()
        }
        ApiKey::DescribeTopicPartitions => {
            let topics = topics().map(|topic| TopicRequest::default().with_name(topic));
            DescribeTopicPartitionsRequest::default().with_topics(topics.collect()).into()
        }
        ApiKey::ElectLeaders => {
            ElectLeadersRequest::default().with_topic_partitions(None).with_timeout_ms(WAIT_MS).into()
        }
        ApiKey::ListPartitionReassignments => {
            ListPartitionReassignmentsRequest::default().with_topics(None).with_timeout_ms(WAIT_MS).into()
        }
        ApiKey::FindCoordinator => {
            let request = FindCoordinatorRequest::default();
            if version < 4 {
                return request.with_key(group().0).into();
            }
            request.with_coordinator_keys(vec![group().0]).into()
        }
        ApiKey::ListGroups => ListGroupsRequest::default().into(),
        ApiKey::DescribeGroups => DescribeGroupsRequest::default().with_groups(vec![group()]).into(),
        ApiKey::OffsetFetch => {
            let request = OffsetFetchRequest::default();
            if version < 8 {
                // All topics: from version 2 on.
                let none = if version < 2 { Some(Vec::new()) } else { None };
                return request.with_group_id(group()).with_topics(none).into();
            }
            let all = OffsetFetchRequestGroup::default().with_group_id(group()).with_topics(None);
            request.with_groups(vec![all]).into()
        }
        ApiKey::Heartbeat => {
            HeartbeatRequest::default().with_group_id(group()).with_generation_id(1).with_member_id(nobody).into()
        }
        ApiKey::LeaveGroup => {
            let request = LeaveGroupRequest::default().with_group_id(group());
            if version < 3 {
                return request.with_member_id(nobody).into();
            }
            request.with_members(vec![MemberIdentity::default().with_member_id(nobody)]).into()
        }
        ApiKey::SyncGroup => {
            SyncGroupRequest::default().with_group_id(group()).with_generation_id(1).with_member_id(nobody).into()
        }
        other => unreachable!("{other:?} is no question"),
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from(topic.to_string()))
}
