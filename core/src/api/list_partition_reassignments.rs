//! ListPartitionReassignments (key 46, version 0): the reassignments under way, with what each adds and removes (KIP-455).
//!
//! Told by the active controller once all that it knows is committed; any other broker passes the request on to it, as Kafka's does.

use crate::controller::Decision;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, ListPartitionReassignmentsRequest};

/// Answers, or passes on.
pub fn on_list_partition_reassignments(
    node: &mut Node,
    now: Now,
    ask: Ask,
    request: ListPartitionReassignmentsRequest,
) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::ListPartitionReassignments, request);
    };
    let decision = Decision::only(controller.list_partition_reassignments(&request));
    node.commit(now, ask, decision);
}
