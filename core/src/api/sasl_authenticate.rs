//! SaslAuthenticate (key 36, versions 0 to 2): a token of the mechanism that SaslHandshake agreed on (KIP-152), which on a listener of plain
//! text agrees on none: `ILLEGAL_SASL_STATE`, as Kafka answers.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use kafka_protocol::protocol::StrBytes;

/// Answers at once.
pub fn on_sasl_authenticate(node: &mut Node, _now: Now, ask: Ask, _request: SaslAuthenticateRequest) {
    let why = StrBytes::from_static_str(
        "This listener has nobody authenticate: SaslAuthenticate comes where no mechanism was agreed on.",
    );
    let reply = SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::IllegalSaslState.code())
        .with_error_message(Some(why));
    ask.reply(&mut node.out, reply);
}
