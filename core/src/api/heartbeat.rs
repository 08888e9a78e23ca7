//! Heartbeat (key 12, versions 0 to 4): a member of a group lives. `REBALANCE_IN_PROGRESS` tells it to join again.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::HeartbeatRequest;

/// Hands the heartbeat to the group's shard.
pub fn on_heartbeat(node: &mut Node, now: Now, ask: Ask, request: HeartbeatRequest) {
    node.ask_groups(now, ask, |groups, hold, _| groups.on_heartbeat(now, hold, &request));
}
