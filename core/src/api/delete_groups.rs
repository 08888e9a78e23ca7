//! DeleteGroups (key 42, versions 0 to 2): ends groups without members, with their offsets. With members: `NON_EMPTY_GROUP`; not there:
//! `GROUP_ID_NOT_FOUND`. The reply leaves when that is committed to `__consumer_offsets`.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::DeleteGroupsRequest;

/// Hands each group to its shard.
pub fn on_delete_groups(node: &mut Node, now: Now, ask: Ask, request: DeleteGroupsRequest) {
    node.ask_groups(now, ask, |groups, hold, _| groups.on_delete(now, hold, &request));
}
