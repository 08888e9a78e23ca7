//! LeaveGroup (key 13, versions 0 to 5): members leave a group. Versions 0 to 2 know one member; from version 3 on there are several, and an
//! administrator may name static ones by their instance id alone (KIP-345).

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec;
use kafka_protocol::messages::LeaveGroupRequest;
use kafka_protocol::messages::leave_group_request::MemberIdentity;

/// Hands the leave to the group's shard.
pub fn on_leave_group(node: &mut Node, now: Now, ask: Ask, mut request: LeaveGroupRequest) {
    if ask.version < 3 {
        let member = core::mem::take(&mut request.member_id);
        request.members = vec![MemberIdentity::default().with_member_id(member)];
    }
    node.ask_groups(now, ask, |groups, hold, _| groups.on_leave(now, hold, &request));
}
