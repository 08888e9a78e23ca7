//! Which handler answers which request. Every request that is served has one line here and one file under `api/`.

use crate::io::{Ask, Request};
use crate::node::Node;
use crate::time::Now;

/// Hands a request to its handler. What a listener does not serve never gets here: `wire` refuses it.
pub(super) fn on_request(node: &mut Node, _now: Now, request: Request) {
    let ask = Ask::of(&request);
    match request.body {
        // One line a request, here, in the change that adds its file.
        // The crate's enum, not ours: it has variants for all that Kafka knows, and `wire` lets none of these through.
        _ => ask.close(&mut node.out),
    }
}
