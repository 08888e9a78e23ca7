//! SyncGroup (key 14, versions 0 to 5): a member asks for its assignment of the generation; the leader brings everybody's.
//!
//! Replies leave when the leader's assignments are committed to `__consumer_offsets`.

use crate::error::ErrorCode;
use crate::group::refused_sync;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::SyncGroupRequest;

/// Hands the sync to the group's shard. From version 5 on it names the protocol, or is refused before anybody looks for the group.
pub fn on_sync_group(node: &mut Node, now: Now, ask: Ask, request: SyncGroupRequest) {
    let names_both = request.protocol_type.is_some() && request.protocol_name.is_some();
    if ask.version >= 5 && !names_both {
        return ask.reply(&mut node.out, refused_sync(ErrorCode::InconsistentGroupProtocol));
    }
    node.ask_groups(now, ask, |groups, hold, _| groups.on_sync(now, hold, &request));
}
