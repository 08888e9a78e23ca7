//! DescribeGroups and ListGroups as a shard answers them.

use super::classic::{Group, Phase};
use super::shard::Shard;
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest};
use kafka_protocol::protocol::StrBytes;

/// From this version on a group that is not there is an error, and not a `Dead` group (KIP-1043).
const GROUP_NOT_FOUND_VERSION: i16 = 6;
/// The operations that anybody may carry out on a group where nothing is forbidden: read, delete, describe, describe its
/// configs, alter them (`AclEntry.supportedOperations`).
const EVERY_OPERATION: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
/// From this version on the operations can be asked for.
const OPERATIONS_VERSION: i16 = 3;
/// The type of every group here, as ListGroups names it (KIP-848).
const CLASSIC: &str = "classic";

impl Shard {
    pub fn describe(&self, id: &GroupId, version: i16, with_operations: bool) -> DescribedGroup {
        let group = self.groups.get(&id.0).map_or_else(|| not_found(id, version), described);
        if with_operations && version >= OPERATIONS_VERSION && group.error_code == 0 {
            return group.with_authorized_operations(EVERY_OPERATION);
        }
        group
    }

    /// The groups that the request's filters let through; names of states and types count in any case.
    pub fn list(&self, request: &ListGroupsRequest) -> Vec<ListedGroup> {
        let of_type =
            |filter: &[StrBytes]| filter.is_empty() || filter.iter().any(|kind| kind.eq_ignore_ascii_case(CLASSIC));
        let in_state = |group: &Group| {
            let filter = &request.states_filter;
            filter.is_empty() || filter.iter().any(|state| state.eq_ignore_ascii_case(group.state()))
        };
        let left_out = |group: &Group| mutant::is(Mutant::ListLacksEmpty) && group.is_empty();
        let groups = self.groups.values().filter(|group| of_type(&request.types_filter) && in_state(group));
        let groups = groups.filter(|group| !left_out(group));
        groups.map(listed).collect()
    }
}

fn not_found(id: &GroupId, version: i16) -> DescribedGroup {
    let group = DescribedGroup::default().with_group_id(id.clone()).with_group_state(StrBytes::from_static_str("Dead"));
    if version < GROUP_NOT_FOUND_VERSION {
        return group;
    }
    let message = format!("Group {} not found.", id.as_str());
    group.with_error_code(ErrorCode::GroupIdNotFound.code()).with_error_message(Some(StrBytes::from_string(message)))
}

fn described(group: &Group) -> DescribedGroup {
    // Before a group is stable its members' assignments are those of the past.
    let protocol = match group.phase {
        Phase::Stable => group.protocol.as_ref(),
        Phase::Empty | Phase::Preparing { .. } | Phase::Completing => None,
    };
    let members = group.members.iter().map(|(id, member)| {
        DescribedGroupMember::default()
            .with_member_id(id.clone())
            .with_group_instance_id(member.instance.clone())
            .with_client_id(member.client_id.clone())
            .with_client_host(member.client_host.clone())
            .with_member_metadata(protocol.map_or_else(Bytes::new, |name| member.metadata(name)))
            .with_member_assignment(member.assignment.clone())
    });
    DescribedGroup::default()
        .with_group_id(GroupId(group.id.clone()))
        .with_group_state(StrBytes::from_static_str(group.state()))
        .with_protocol_type(group.protocol_type.clone().unwrap_or_default())
        .with_protocol_data(protocol.cloned().unwrap_or_default())
        .with_members(members.collect())
}

fn listed(group: &Group) -> ListedGroup {
    ListedGroup::default()
        .with_group_id(GroupId(group.id.clone()))
        .with_protocol_type(group.protocol_type.clone().unwrap_or_default())
        .with_group_state(StrBytes::from_static_str(group.state()))
        .with_group_type(StrBytes::from_static_str(CLASSIC))
}
