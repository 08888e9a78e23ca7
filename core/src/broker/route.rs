//! Which handler answers which request. Every request that is served has one line here and one file under `api/`.

use crate::api;
use crate::io::{Ask, Listener, Request};
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::RequestKind as R;

/// Hands a request to its handler. What a listener does not serve never gets here: `wire` refuses it.
pub(super) fn on_request(node: &mut Node, now: Now, request: Request) {
    let ask = Ask::of(&request);
    match request.body {
        // One line a request, here, in the change that adds its file.
        R::Produce(body) => api::produce::on_produce(node, now, ask, body, request.checks),
        R::Fetch(body) if ask.listener == Listener::Controller => api::fetch_metadata::on_fetch_metadata(node, now, ask, body),
        R::Fetch(body) => api::fetch::on_fetch(node, now, ask, body),
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

        // The crate's enum, not ours: it has variants for all that Kafka knows, and `wire` lets none of these through.
        _ => ask.close(&mut node.out),
    }
}
