//! SaslHandshake (key 17, versions 0 to 1): asks for a mechanism to authenticate by (KIP-43). There is nothing to authenticate on a
//! listener of plain text, whose clients are all `User:ANONYMOUS` from the start: `ILLEGAL_SASL_STATE`, and no mechanism, as Kafka answers.
//!
//! Tools take a broker that does not list this request for one of 0.9.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};

/// Answers at once.
pub fn on_sasl_handshake(node: &mut Node, _now: Now, ask: Ask, _request: SaslHandshakeRequest) {
    let reply = SaslHandshakeResponse::default().with_error_code(ErrorCode::IllegalSaslState.code());
    ask.reply(&mut node.out, reply);
}
