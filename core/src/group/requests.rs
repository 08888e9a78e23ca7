//! Where a request goes: to the shard of its group, or of each of its groups.

use super::classic::{Join, refused_sync};
use super::decision::{Decision, Release};
use super::fetch::barrier;
use super::groups::{Groups, Place};
use super::refuse;
use super::settings::Settings;
use super::shard::Shard;
use super::text::{TEXT_BYTES_MAX, own};
use super::turn::Then;
use crate::error::ErrorCode;
use crate::id::HoldId;
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::offset_delete_response::OffsetDeleteResponseTopic;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    ListGroupsRequest, ListGroupsResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse, OffsetFetchResponse, ResponseKind, SyncGroupRequest,
};

impl Groups {
    pub fn on_join(&mut self, now: Now, hold: HoldId, ask: &Ask, request: &JoinGroupRequest) -> Decision {
        let named = request.group_instance_id.as_ref().unwrap_or(&ask.client_id);
        let fresh_id =
            if request.member_id.is_empty() { self.fresh_member_id(named) } else { request.member_id.clone() };
        let served = self.validate_join(ask, request).and_then(|()| self.shard_and_settings(&request.group_id.0));
        let mut out = Decision::default();
        match served {
            Ok((shard, settings)) => {
                let join = Join { hold, ask, request, fresh_id };
                shard.on_join(now, settings, &mut out, &join);
            }
            Err(code) => {
                let response =
                    JoinGroupResponse::default().with_protocol_name(None).with_member_id(request.member_id.clone());
                release(&mut out, hold, response.with_error_code(code.code()));
            }
        }
        self.gathered(out)
    }

    fn validate_join(&self, ask: &Ask, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let sessions = self.settings.session_timeout_min_ms..=self.settings.session_timeout_max_ms;
        if !sessions.contains(&request.session_timeout_ms) && !mutant::is(Mutant::AnySessionTaken) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        let protocols = request.protocols.iter().map(|one| one.name.len());
        let texts = [request.protocol_type.len(), ask.client_id.len(), ask.client_host.len()];
        let instance = request.group_instance_id.as_ref().map_or(0, |instance| instance.len());
        if protocols.chain(texts).chain([instance]).any(|len| len > TEXT_BYTES_MAX) {
            return Err(ErrorCode::InvalidRequest);
        }
        Ok(())
    }

    pub fn on_sync(&mut self, now: Now, hold: HoldId, request: &SyncGroupRequest) -> Decision {
        self.in_group_shard(&request.group_id, |served, out| match served {
            Ok((shard, settings)) => {
                let found = shard.with_group(now, settings, out, &request.group_id.0, |group, turn| {
                    group.on_sync(turn, hold, request);
                });
                if found.is_none() {
                    release(out, hold, refused_sync(ErrorCode::UnknownMemberId));
                }
            }
            Err(code) => release(out, hold, refused_sync(code)),
        })
    }

    pub fn on_heartbeat(&mut self, now: Now, hold: HoldId, request: &HeartbeatRequest) -> Decision {
        self.in_group_shard(&request.group_id, |served, out| {
            let result = match served {
                Ok((shard, settings)) => shard
                    .with_group(now, settings, out, &request.group_id.0, |group, turn| {
                        group.on_heartbeat(turn, request)
                    })
                    .unwrap_or(Err(ErrorCode::UnknownMemberId)),
                // It lives, and whoever loads the group will give it its time anew.
                Err(ErrorCode::CoordinatorLoadInProgress) if !mutant::is(Mutant::HeartbeatLoadingRefused) => Ok(()),
                Err(code) => Err(code),
            };
            release(
                out,
                hold,
                HeartbeatResponse::default().with_error_code(result.err().map_or(0, |code| code.code())),
            );
        })
    }

    pub fn on_leave(&mut self, now: Now, hold: HoldId, request: &LeaveGroupRequest) -> Decision {
        self.in_group_shard(&request.group_id, |served, out| match served {
            Ok((shard, settings)) => {
                let found = shard.with_group(now, settings, out, &request.group_id.0, |group, turn| {
                    let (response, entry) = group.on_leave(turn, &request.members);
                    turn.reply_after(entry.into_iter().collect(), hold, response);
                });
                if found.is_none() {
                    release(out, hold, nobody_left(request));
                }
            }
            Err(code) => release(out, hold, LeaveGroupResponse::default().with_error_code(code.code())),
        })
    }

    /// `refused` has the partitions that the caller refused already; the others' answers are put beside them.
    pub fn on_commit(
        &mut self,
        now: Now,
        hold: HoldId,
        ask: &Ask,
        request: &OffsetCommitRequest,
        refused: OffsetCommitResponse,
    ) -> Decision {
        // An empty group id is served for old clients' sake.
        let served = self.shard_and_settings(&request.group_id.0);
        let mut out = Decision::default();
        match served {
            Ok((shard, settings)) => shard.on_commit(now, settings, &mut out, hold, ask, request, refused),
            Err(code) => release(&mut out, hold, refuse::commit(request, refused, code)),
        }
        self.gathered(out)
    }

    /// The committed offsets of each of `groups`, whatever the version's form. `vouched`: the controller said
    /// of late that this node is in service.
    pub fn on_fetch(
        &mut self,
        now: Now,
        hold: HoldId,
        groups: &[OffsetFetchRequestGroup],
        require_stable: bool,
        vouched: bool,
    ) -> Decision {
        let mut out = Decision::default();
        if groups.is_empty() {
            release(&mut out, hold, OffsetFetchResponse::default());
            return out;
        }
        self.gathers.expect(hold, groups.iter().map(|group| kept(&group.group_id)).collect(), groups.len());
        for request in groups {
            let one = |group| Box::new(ResponseKind::from(OffsetFetchResponse::default().with_groups(vec![group])));
            match self.shard_and_settings(&request.group_id.0) {
                Ok((shard, settings)) => {
                    let (group, until) = shard.fetch(request, require_stable);
                    let then = Then::Reply { hold, response: one(group) };
                    if vouched || mutant::is(Mutant::CutOffTells) {
                        shard.promise(now, settings, until, then, &mut out);
                    } else {
                        shard.turn(now, settings, &mut out).propose(vec![barrier(&request.group_id)], then);
                    }
                }
                Err(code) => {
                    let group = refuse::fetch(request, code);
                    out.releases.push(Release { hold, response: *one(group) });
                }
            }
        }
        self.gathered(out)
    }

    /// `refused` has the partitions that the caller refused already; the others' answers are put beside them.
    pub fn on_offset_delete(
        &mut self,
        now: Now,
        hold: HoldId,
        request: &OffsetDeleteRequest,
        refused: Vec<OffsetDeleteResponseTopic>,
    ) -> Decision {
        self.in_group_shard(&request.group_id, |served, out| {
            let deleted = served.and_then(|(shard, settings)| {
                let (entries, response) = shard.delete_offsets(request, refused)?;
                Ok((shard, settings, entries, response))
            });
            match deleted {
                Ok((shard, settings, entries, response)) => {
                    shard.reply_deleted(now, settings, entries, hold, response, out)
                }
                Err(code) => release(out, hold, OffsetDeleteResponse::default().with_error_code(code.code())),
            }
        })
    }

    pub fn on_describe(&mut self, hold: HoldId, ask: &Ask, request: &DescribeGroupsRequest) -> Decision {
        let mut groups = Vec::new();
        for id in &request.groups {
            groups.push(match self.shard(&id.0) {
                Ok(shard) => shard.describe(id, ask.version, request.include_authorized_operations),
                Err(code) => refuse::describe(id, code),
            });
        }
        let mut out = Decision::default();
        release(&mut out, hold, DescribeGroupsResponse::default().with_groups(groups));
        out
    }

    /// The groups of all shards. Those still loading would be missing: then there is no answer yet.
    pub fn on_list(&mut self, hold: HoldId, request: &ListGroupsRequest) -> Decision {
        let mut out = Decision::default();
        let loading = self.shards.values().any(|place| matches!(place, Place::Loading(_)));
        let response = if loading {
            ListGroupsResponse::default().with_error_code(ErrorCode::CoordinatorLoadInProgress.code())
        } else {
            ListGroupsResponse::default().with_groups(self.active().flat_map(|shard| shard.list(request)).collect())
        };
        release(&mut out, hold, response);
        out
    }

    pub fn on_delete(&mut self, now: Now, hold: HoldId, request: &DeleteGroupsRequest) -> Decision {
        let mut out = Decision::default();
        let mut by_partition: BTreeMap<i32, Vec<GroupId>> = BTreeMap::new();
        // Named twice, it is deleted once, and told once.
        let mut named = BTreeSet::new();
        for id in &request.groups_names {
            if !named.insert(id) && !mutant::is(Mutant::GroupNamedTwice) {
                continue;
            }
            by_partition.entry(self.partition_of(id)).or_default().push(kept(id));
        }
        if by_partition.is_empty() {
            release(&mut out, hold, DeleteGroupsResponse::default());
            return out;
        }
        self.gathers.expect(hold, request.groups_names.iter().map(kept).collect(), by_partition.len());
        for ids in by_partition.into_values() {
            let served = ids.first().map_or(Err(ErrorCode::InvalidGroupId), |id| self.shard_and_settings(&id.0));
            match served {
                Ok((shard, settings)) => delete_groups(now, shard, settings, hold, &ids, &mut out),
                Err(code) => release(&mut out, hold, refuse::deletes(ids, code)),
            }
        }
        self.gathered(out)
    }

    /// Runs `act` with the shard of a request's group, or with why there is none.
    fn in_group_shard(
        &mut self,
        group: &GroupId,
        act: impl FnOnce(Result<(&mut Shard, &Settings), ErrorCode>, &mut Decision),
    ) -> Decision {
        let mut out = Decision::default();
        let served = if group.is_empty() { Err(ErrorCode::InvalidGroupId) } else { self.shard_and_settings(&group.0) };
        act(served, &mut out);
        self.gathered(out)
    }
}

/// For an answer that may wait.
fn kept(id: &GroupId) -> GroupId {
    GroupId(own(&id.0))
}

fn delete_groups(now: Now, shard: &mut Shard, settings: &Settings, hold: HoldId, ids: &[GroupId], out: &mut Decision) {
    let mut entries = Vec::new();
    let mut results = Vec::new();
    for id in ids {
        let deleted = shard.delete_group(if mutant::is(Mutant::DeletesFirstGroup) { &ids[0].0 } else { &id.0 });
        let code = deleted.as_ref().err().map_or(0, |code| code.code());
        results.push(DeletableGroupResult::default().with_group_id(id.clone()).with_error_code(code));
        entries.extend(deleted.unwrap_or_default());
    }
    let response = DeleteGroupsResponse::default().with_results(results);
    shard.reply_deleted(now, settings, entries, hold, response, out);
}

/// A group that is not there has no members.
fn nobody_left(request: &LeaveGroupRequest) -> LeaveGroupResponse {
    let members = request.members.iter().map(|one| {
        MemberResponse::default()
            .with_member_id(one.member_id.clone())
            .with_group_instance_id(one.group_instance_id.clone())
            .with_error_code(ErrorCode::UnknownMemberId.code())
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

fn release(out: &mut Decision, hold: HoldId, response: impl Into<ResponseKind>) {
    out.releases.push(Release { hold, response: response.into() });
}
