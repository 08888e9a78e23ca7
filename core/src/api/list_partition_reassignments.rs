//! ListPartitionReassignments (key 46, version 0): the reassignments under way. Replicas cannot be moved yet, so there are none.
//!
//! Kafka answers at the controller from its replication control; with nothing under way both answer alike.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

/// Answers with the empty list.
pub fn on_list_partition_reassignments(
    node: &mut Node,
    _now: Now,
    ask: Ask,
    _request: ListPartitionReassignmentsRequest,
) {
    ask.reply(&mut node.out, ListPartitionReassignmentsResponse::default().with_error_message(None));
}
