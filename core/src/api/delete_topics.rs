//! DeleteTopics (key 20, versions 1 to 6): topics are deleted, by name or (from version 6) by id.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, DeleteTopicsRequest};

/// Decides, or passes on.
pub fn on_delete_topics(node: &mut Node, now: Now, ask: Ask, request: DeleteTopicsRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::DeleteTopics, request);
    };
    let decision = controller.decide_delete_topics(ask.version, &request);
    node.commit(now, ask, decision);
}
