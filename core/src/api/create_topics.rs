//! CreateTopics (key 19, versions 2 to 7): topics are made, each by itself; `validate_only` says what would come of it.
//!
//! Decided by the active controller (`controller` has the rules and the error codes), answered when it is committed; any other
//! broker passes the request on to it.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{ApiKey, CreateTopicsRequest};

/// Decides, or passes on.
pub fn on_create_topics(node: &mut Node, now: Now, ask: Ask, request: CreateTopicsRequest) {
    let Some(controller) = node.controller() else {
        return node.forward(now, ask, ApiKey::CreateTopics, request);
    };
    let decision = controller.decide_create_topics(&request);
    node.commit(now, ask, decision);
}
