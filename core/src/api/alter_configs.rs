//! AlterConfigs (key 33, versions 0 to 2): all configs of topics and brokers are set anew; the older form of IncrementalAlterConfigs.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{AlterConfigsRequest, ApiKey};

/// Decides, or passes on.
pub fn on_alter_configs(node: &mut Node, now: Now, ask: Ask, request: AlterConfigsRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::AlterConfigs, request);
    };
    let decision = controller.decide_alter_configs(&request);
    node.commit(now, ask, decision);
}
