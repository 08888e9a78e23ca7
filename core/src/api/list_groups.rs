//! ListGroups (key 16, versions 0 to 5): the groups that this node coordinates; filtered by state from version 4 on, by type from version 5
//! on. While one of its shards is loading: `COORDINATOR_LOAD_IN_PROGRESS`.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::ListGroupsRequest;

/// Asks all shards.
pub fn on_list_groups(node: &mut Node, now: Now, ask: Ask, request: ListGroupsRequest) {
    node.ask_groups(now, ask, |groups, hold, _| groups.on_list(hold, &request));
}
