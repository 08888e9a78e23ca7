//! ElectLeaders (key 43, versions 0 to 2): leaders go back to the preferred replica, or (unclean) to any that is left (KIP-460).
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, ElectLeadersRequest};

/// Decides, or passes on.
pub fn on_elect_leaders(node: &mut Node, now: Now, ask: Ask, request: ElectLeadersRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::ElectLeaders, request);
    };
    let decision = controller.decide_elect_leaders(&request);
    node.commit(now, ask, decision);
}
