//! AllocateProducerIds (key 67, versions 0), from brokers to the active controller: a block of producer ids (KIP-730).
//!
//! Where this node is not the active controller: `NOT_CONTROLLER`; the broker looks for the one that is.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};

/// Decides, and answers when it is committed.
pub fn on_allocate_producer_ids(node: &mut Node, now: Now, ask: Ask, request: AllocateProducerIdsRequest) {
    let Some(controller) = node.controller() else {
        let refused = AllocateProducerIdsResponse::default().with_error_code(ErrorCode::NotController.code());
        return ask.reply(&mut node.out, refused);
    };
    let decision = controller.decide_allocate_producer_ids(&request);
    node.commit(now, ask, decision);
}
