//! AlterPartitionReassignments (key 45, versions 0 to 1): replicas move to other brokers, or stay where they were (KIP-455).
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed: what was
//! asked for has begun then, and has ended where nothing had to be copied. Any other broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, ApiKey};

/// Decides, or passes on.
pub fn on_alter_partition_reassignments(
    node: &mut Node,
    now: Now,
    ask: Ask,
    request: AlterPartitionReassignmentsRequest,
) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::AlterPartitionReassignments, request);
    };
    let decision = controller.decide_alter_partition_reassignments(&request);
    node.commit(now, ask, decision);
}
