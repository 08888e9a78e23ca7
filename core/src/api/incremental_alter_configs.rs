//! IncrementalAlterConfigs (key 44, versions 0 to 1): single configs of topics and brokers are set, taken back, added to (KIP-339).
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, IncrementalAlterConfigsRequest};

/// Decides, or passes on.
pub fn on_incremental_alter_configs(node: &mut Node, now: Now, ask: Ask, request: IncrementalAlterConfigsRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::IncrementalAlterConfigs, request);
    };
    let decision = controller.decide_incremental_alter_configs(&request);
    node.commit(now, ask, decision);
}
