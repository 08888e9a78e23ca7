//! BrokerRegistration (key 62, versions 0 to 4), from brokers to the active controller: a process asks to be the broker of its id (KIP-631).
//!
//! Where this node is not the active controller: `NOT_CONTROLLER`; the broker looks for the one that is.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{BrokerRegistrationRequest, BrokerRegistrationResponse};

/// Decides, and answers when it is committed.
pub fn on_broker_registration(node: &mut Node, now: Now, ask: Ask, request: BrokerRegistrationRequest) {
    let Some(controller) = node.controller() else {
        let refused = BrokerRegistrationResponse::default().with_error_code(ErrorCode::NotController.code());
        return ask.reply(&mut node.out, refused.with_broker_epoch(-1));
    };
    let decision = controller.decide_broker_registration(now, &request);
    node.commit(now, ask, decision);
}
