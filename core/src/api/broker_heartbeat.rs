//! BrokerHeartbeat (key 63, versions 0 to 1), from brokers to the active controller: it lives, how far it has come, what it wants (KIP-631).
//!
//! Where this node is not the active controller: `NOT_CONTROLLER`; the broker looks for the one that is.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

/// Decides, and answers when it is committed.
pub fn on_broker_heartbeat(node: &mut Node, now: Now, ask: Ask, request: BrokerHeartbeatRequest) {
    let Some(controller) = &mut node.controller else {
        let refused = BrokerHeartbeatResponse::default().with_error_code(ErrorCode::NotController.code());
        return ask.reply(&mut node.out, refused.with_is_fenced(true));
    };
    let decision = controller.on_broker_heartbeat(now, ask.conn, &request);
    node.commit(now, ask, decision);
}
