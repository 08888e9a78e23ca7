//! CreatePartitions (key 37, versions 0 to 3): topics get more partitions.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, CreatePartitionsRequest};

/// Decides, or passes on.
pub fn on_create_partitions(node: &mut Node, now: Now, ask: Ask, request: CreatePartitionsRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::CreatePartitions, request);
    };
    let decision = controller.decide_create_partitions(&request);
    node.commit(now, ask, decision);
}
