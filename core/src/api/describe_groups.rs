//! DescribeGroups (key 15, versions 0 to 6): state, assignor and members of groups. One that is not there is a group in the state `Dead`; from
//! version 6 on the error `GROUP_ID_NOT_FOUND` (KIP-1043).

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::DescribeGroupsRequest;

/// Hands each group to its shard.
pub fn on_describe_groups(node: &mut Node, now: Now, ask: Ask, request: DescribeGroupsRequest) {
    node.ask_groups(now, ask, |groups, hold, ask| groups.on_describe(hold, ask, &request));
}
