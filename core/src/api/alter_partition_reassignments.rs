//! AlterPartitionReassignments (key 45, versions 0 to 1): replicas get another order (KIP-455); moving them is not built yet.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

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
