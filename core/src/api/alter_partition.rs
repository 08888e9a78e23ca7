//! AlterPartition (key 56, versions 2 to 3), from brokers to the active controller: a leader asks for another in-sync set (KIP-497).
//!
//! Where this node is not the active controller: `NOT_CONTROLLER`; the broker looks for the one that is.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse};

/// Decides, and answers when it is committed.
pub fn on_alter_partition(node: &mut Node, now: Now, ask: Ask, request: AlterPartitionRequest) {
    let Some(controller) = node.controller() else {
        let refused = AlterPartitionResponse::default().with_error_code(ErrorCode::NotController.code());
        return ask.reply(&mut node.out, refused);
    };
    let decision = controller.decide_alter_partition(ask.version, &request);
    node.commit(now, ask, decision);
}
