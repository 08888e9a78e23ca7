//! SyncGroup (key 14, versions 0 to 5): a member asks for its assignment of the generation; the leader brings everybody's.
//!
//! Replies leave when the leader's assignments are committed to `__consumer_offsets`.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::SyncGroupRequest;

/// Hands the sync to the group's shard.
pub fn on_sync_group(node: &mut Node, now: Now, ask: Ask, request: SyncGroupRequest) {
    node.ask_groups(now, ask, |groups, hold, _| groups.on_sync(now, hold, &request));
}
