//! Which handler answers which request. Every request that is served has one line here and one file under `api/`.

use crate::api;
use crate::io::{Ask, Listener, Request};
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::RequestKind as R;

/// Hands a request to its handler. What a listener does not serve never gets here: `wire` refuses it.
pub(super) fn on_request(node: &mut Node, now: Now, request: Request) {
    let ask = Ask::of(&request);
    if node.is_left_behind(&ask) {
        return ask.close(&mut node.out);
    }
    match request.body {
        // One line a request, here, in the change that adds its file.
        R::Produce(body) => api::produce::on_produce(node, now, ask, body, request.checks),
        R::Fetch(body) if ask.listener == Listener::Controller => {
            api::fetch_metadata::on_fetch_metadata(node, now, ask, body)
        }
        R::Fetch(body) => api::fetch::on_fetch(node, now, ask, body),
        R::ListOffsets(body) => api::list_offsets::on_list_offsets(node, now, ask, body),
        R::OffsetForLeaderEpoch(body) => {
            api::offset_for_leader_epoch::on_offset_for_leader_epoch(node, now, ask, body);
        }
        R::DescribeProducers(body) => api::describe_producers::on_describe_producers(node, now, ask, body),
        R::DeleteRecords(body) => api::delete_records::on_delete_records(node, now, ask, body),
        R::AlterPartitionReassignments(body) => {
            api::alter_partition_reassignments::on_alter_partition_reassignments(node, now, ask, body);
        }
        R::ListPartitionReassignments(body) => {
            api::list_partition_reassignments::on_list_partition_reassignments(node, now, ask, body);
        }
        R::AlterReplicaLogDirs(body) => api::alter_replica_log_dirs::on_alter_replica_log_dirs(node, now, ask, body),
        R::Vote(body) => api::vote::on_vote(node, now, ask, body),
        R::BeginQuorumEpoch(body) => api::begin_quorum_epoch::on_begin_quorum_epoch(node, now, ask, body),
        R::EndQuorumEpoch(body) => api::end_quorum_epoch::on_end_quorum_epoch(node, now, ask, body),
        R::FetchSnapshot(body) => api::fetch_snapshot::on_fetch_snapshot(node, now, ask, body),
        R::DescribeQuorum(body) => api::describe_quorum::on_describe_quorum(node, now, ask, body),
        R::DeleteGroups(body) => api::delete_groups::on_delete_groups(node, now, ask, body),
        R::DescribeGroups(body) => api::describe_groups::on_describe_groups(node, now, ask, body),
        R::FindCoordinator(body) => api::find_coordinator::on_find_coordinator(node, now, ask, body),
        R::Heartbeat(body) => api::heartbeat::on_heartbeat(node, now, ask, body),
        R::JoinGroup(body) => api::join_group::on_join_group(node, now, ask, body),
        R::LeaveGroup(body) => api::leave_group::on_leave_group(node, now, ask, body),
        R::ListGroups(body) => api::list_groups::on_list_groups(node, now, ask, body),
        R::OffsetCommit(body) => api::offset_commit::on_offset_commit(node, now, ask, body),
        R::OffsetDelete(body) => api::offset_delete::on_offset_delete(node, now, ask, body),
        R::OffsetFetch(body) => api::offset_fetch::on_offset_fetch(node, now, ask, body),
        R::SyncGroup(body) => api::sync_group::on_sync_group(node, now, ask, body),
        R::AllocateProducerIds(body) => api::allocate_producer_ids::on_allocate_producer_ids(node, now, ask, body),
        R::AlterConfigs(body) => api::alter_configs::on_alter_configs(node, now, ask, body),
        R::AlterPartition(body) => api::alter_partition::on_alter_partition(node, now, ask, body),
        R::ApiVersions(body) => api::api_versions::on_api_versions(node, now, ask, body),
        R::BrokerHeartbeat(body) => api::broker_heartbeat::on_broker_heartbeat(node, now, ask, body),
        R::BrokerRegistration(body) => api::broker_registration::on_broker_registration(node, now, ask, body),
        R::CreateAcls(body) => api::create_acls::on_create_acls(node, now, ask, body),
        R::CreatePartitions(body) => api::create_partitions::on_create_partitions(node, now, ask, body),
        R::CreateTopics(body) => api::create_topics::on_create_topics(node, now, ask, body),
        R::DeleteAcls(body) => api::delete_acls::on_delete_acls(node, now, ask, body),
        R::DeleteTopics(body) => api::delete_topics::on_delete_topics(node, now, ask, body),
        R::DescribeAcls(body) => api::describe_acls::on_describe_acls(node, now, ask, body),
        R::DescribeCluster(body) => api::describe_cluster::on_describe_cluster(node, now, ask, body),
        R::DescribeConfigs(body) => api::describe_configs::on_describe_configs(node, now, ask, body),
        R::DescribeLogDirs(body) => api::describe_log_dirs::on_describe_log_dirs(node, now, ask, body),
        R::DescribeTopicPartitions(body) => {
            api::describe_topic_partitions::on_describe_topic_partitions(node, now, ask, body)
        }
        R::ElectLeaders(body) => api::elect_leaders::on_elect_leaders(node, now, ask, body),
        R::IncrementalAlterConfigs(body) => {
            api::incremental_alter_configs::on_incremental_alter_configs(node, now, ask, body)
        }
        R::InitProducerId(body) => api::init_producer_id::on_init_producer_id(node, now, ask, body),
        R::ListConfigResources(body) => api::list_config_resources::on_list_config_resources(node, now, ask, body),
        R::Metadata(body) => api::metadata::on_metadata(node, now, ask, body),
        R::SaslAuthenticate(body) => api::sasl_authenticate::on_sasl_authenticate(node, now, ask, body),
        R::SaslHandshake(body) => api::sasl_handshake::on_sasl_handshake(node, now, ask, body),
        R::UnregisterBroker(body) => api::unregister_broker::on_unregister_broker(node, now, ask, body),

        // The crate's enum, not ours: it has variants for all that Kafka knows, and `wire` lets none of these through.
        _ => ask.close(&mut node.out),
    }
}
