//! JoinGroup (key 11, versions 0 to 9): becomes a member of a group, or says that one still is, and waits for the next generation.
//!
//! The reply comes when all members have joined, or when the rebalance time-out has passed. From version 4 on a member without an id
//! is given one first (`MEMBER_ID_REQUIRED`, KIP-394); version 5 knows static members (KIP-345), version 8 why somebody joins
//! (KIP-800, not looked at), version 9 a leader that need not assign (KIP-814).

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::JoinGroupRequest;

/// Hands the join to the group's shard.
pub fn on_join_group(node: &mut Node, now: Now, ask: Ask, mut request: JoinGroupRequest) {
    // Version 0 has one time-out for both.
    if ask.version == 0 {
        request.rebalance_timeout_ms = request.session_timeout_ms;
    }
    node.ask_groups(now, ask, |groups, hold, ask| groups.on_join(now, hold, ask, &request));
}
