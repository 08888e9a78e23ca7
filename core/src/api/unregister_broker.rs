//! UnregisterBroker (key 64, versions 0): a broker that is gone for good is struck off.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, UnregisterBrokerRequest};

/// Decides, or passes on.
pub fn on_unregister_broker(node: &mut Node, now: Now, ask: Ask, request: UnregisterBrokerRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::UnregisterBroker, request);
    };
    let decision = controller.decide_unregister_broker(&request);
    node.commit(now, ask, decision);
}
