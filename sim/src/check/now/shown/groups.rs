//! A stable group shows each member with what it was told last, by this coordinator or by one before it: its part, in SyncGroup, and what it said itself
//! to the assignor that was chosen. Whoever has members is listed, and nobody whose state was not asked for.

use super::super::joins::Joins;
use super::super::{At, Broken};
use super::wrong;
use crate::table::Map;
use bytes::Bytes;
use esker_core::group::records::Entry;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DescribeGroupsResponse, JoinGroupRequest, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// Group and member.
type Who = (StrBytes, StrBytes);

/// What members were told to read.
#[derive(Debug, Default)]
pub struct Told {
    /// Who asked, in which generation.
    syncs: Map<At, (Who, i32)>,
    /// With the epoch of the coordinator that told it, and the generation.
    parts: BTreeMap<Who, (LeaderEpoch, i32, Bytes)>,
}

impl Told {
    /// From now on it may have another part.
    pub fn on_join(&mut self, request: &JoinGroupRequest) {
        let who = (request.group_id.0.clone(), request.member_id.clone());
        self.syncs.retain(|_, (of, _)| *of != who);
        self.parts.remove(&who);
    }

    pub fn on_sync(&mut self, at: At, request: &SyncGroupRequest) {
        let (group, generation) = (&request.group_id.0, request.generation_id);
        // Who assigns a generation may assign it to a static member that has not joined it, and is told nothing (seed 7110185).
        if !request.assignments.is_empty() {
            self.parts.retain(|(of, _), (_, told, _)| of != group || *told >= generation);
        }
        self.syncs.insert(at, ((group.clone(), request.member_id.clone()), generation));
    }

    pub fn on_synced(&mut self, at: At, response: &SyncGroupResponse, core: &Core) {
        let asked = self.syncs.remove(&at).filter(|_| response.error_code == 0);
        if let Some((who, generation)) = asked
            && let Some(epoch) = core.groups.epoch_of(core.groups.partition_of(&who.0))
        {
            self.parts.insert(who, (epoch, generation, response.assignment.clone()));
        }
    }

    /// `members`: how many each group had when it was asked for.
    pub fn on_described(
        &self,
        response: &DescribeGroupsResponse,
        members: &[usize],
        core: &Core,
        joins: &Joins,
    ) -> Result<(), Broken> {
        for (group, members) in response.groups.iter().zip(members) {
            let Some(epoch) = core.groups.epoch_of(core.groups.partition_of(&group.group_id.0)) else { continue };
            if group.error_code == 0 && core.groups.members_of(&group.group_id.0) == *members {
                self.judge(group, *members, epoch, &|member, protocol| joins.words(&group.group_id, member, protocol))?;
            }
        }
        Ok(())
    }

    /// `words`: what a member, or an instance, says to an assignor.
    fn judge(
        &self,
        group: &DescribedGroup,
        members: usize,
        epoch: LeaderEpoch,
        words: &dyn Fn(&str, &str) -> Option<Bytes>,
    ) -> Result<(), Broken> {
        let (name, state) = (&group.group_id.0, group.group_state.as_str());
        let none = matches!(state, "Empty" | "Dead");
        // Whoever joined first may be gone before the others had their time to come.
        let may_have_none = none || state == "PreparingRebalance";
        if group.members.len() != members || none && members > 0 || !may_have_none && members == 0 {
            let shown = group.members.len();
            return wrong(format!("shows {name} as {state} with {shown} members, and it has {members}"));
        }
        for member in group.members.iter().filter(|_| state == "Stable") {
            let id = &member.member_id;
            // What a later coordinator told the one before it cannot know.
            let told = self.parts.get(&(name.clone(), id.clone())).filter(|(by, ..)| *by <= epoch);
            if let Some((by, _, part)) = told.filter(|(.., part)| *part != member.member_assignment) {
                let shown = &member.member_assignment;
                return wrong(format!(
                    "shows {shown:?} as the part of {id} in {name}, which {by} told it to be {part:?}"
                ));
            }
            let said = words(member.group_instance_id.as_ref().unwrap_or(id), &group.protocol_data);
            if let Some(said) = said.filter(|said| *said != member.member_metadata) {
                let shown = &member.member_metadata;
                return wrong(format!("shows that {id} says {shown:?} in {name}, and it says {said:?}"));
            }
        }
        Ok(())
    }

    pub fn on_listed(
        &self,
        request: &ListGroupsRequest,
        response: &ListGroupsResponse,
        core: &Core,
    ) -> Result<(), Broken> {
        if response.error_code != 0 {
            return Ok(());
        }
        // Of a log that is still being read nobody knows what is in it.
        if let Some(loading) = core.groups.partitions().find(|partition| core.groups.is_loading(*partition)) {
            return super::wrong(format!("lists its groups while it reads those of {loading}"));
        }
        let served = core.groups.partitions().filter_map(|partition| core.groups.stored(partition)).flatten();
        let known = served.filter_map(|entry| match entry {
            Entry::Group { group, value: Some(value) } => Some((group, !value.members.is_empty())),
            Entry::Group { .. } | Entry::Offset { .. } => None,
        });
        judge_list(&request.states_filter, &response.groups, &known.collect())
    }
}

/// `known`: the groups that are there, and whether each has members.
fn judge_list(wanted: &[StrBytes], told: &[ListedGroup], known: &BTreeMap<StrBytes, bool>) -> Result<(), Broken> {
    let mut names: Vec<&StrBytes> = told.iter().map(|group| &group.group_id.0).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return wrong(format!("lists {} twice", twice[0]));
    }
    if let Some(other) = told.iter().find(|group| !wanted.is_empty() && !wanted.contains(&group.group_state)) {
        return wrong(format!("lists {} where {wanted:?} were asked for", other.group_state));
    }
    for (group, has_members) in known {
        let listed = told.iter().find(|one| one.group_id.0 == *group);
        let as_empty = listed.is_some_and(|one| one.group_state.as_str() == "Empty");
        if *has_members && as_empty || wanted.is_empty() && listed.is_none() {
            return wrong(format!("has the group {group}, and lists it as {listed:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::GroupId;
    use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;

    fn text(words: &'static str) -> StrBytes {
        StrBytes::from_static_str(words)
    }

    #[test]
    fn another_part_or_other_words_are_caught() {
        let mut told = Told::default();
        told.parts.insert((text("g"), text("m")), (LeaderEpoch(2), 1, Bytes::from_static(b"all")));
        let member = |part: &'static [u8], words: &'static [u8]| {
            DescribedGroupMember::default()
                .with_member_id(text("m"))
                .with_member_assignment(Bytes::from_static(part))
                .with_member_metadata(Bytes::from_static(words))
        };
        let group = |state: &'static str, member| {
            DescribedGroup::default()
                .with_group_id(GroupId(text("g")))
                .with_group_state(text(state))
                .with_protocol_data(text("range"))
                .with_members(vec![member])
        };
        let words = |_: &str, protocol: &str| (protocol == "range").then(|| Bytes::from_static(b"t"));
        let judge = |group, members, epoch| told.judge(&group, members, LeaderEpoch(epoch), &words).is_ok();
        assert!(judge(group("Stable", member(b"all", b"t")), 1, 2));
        assert!(!judge(group("Stable", member(b"all", b"u")), 1, 2));
        assert!(!judge(group("Stable", member(b"half", b"t")), 1, 3), "a later one knows it too");
        assert!(judge(group("Stable", member(b"half", b"t")), 1, 1), "one before does not");
        assert!(judge(group("PreparingRebalance", member(b"half", b"")), 1, 2));
        assert!(!judge(group("Stable", member(b"all", b"t")), 2, 2), "one is missing");
        assert!(!judge(group("Empty", member(b"all", b"t")), 1, 2));
    }

    #[test]
    fn a_group_that_is_missing_or_was_not_asked_for_is_caught() {
        let group =
            |name, state| ListedGroup::default().with_group_id(GroupId(text(name))).with_group_state(text(state));
        let known = |names: &[(&'static str, bool)]| names.iter().map(|(name, has)| (text(name), *has)).collect();
        let judge_list = |wanted: &[StrBytes], told: &[ListedGroup], names: &[(&'static str, bool)]| {
            judge_list(wanted, told, &known(names))
        };
        let told = [group("g", "Stable"), group("h", "Empty")];
        assert!(judge_list(&[], &told, &[("g", true)]).is_ok());
        assert!(judge_list(&[], &told[1..], &[("g", true)]).is_err());
        assert!(judge_list(&[], &told[..1], &[("g", true), ("h", false)]).is_err(), "it is there, and empty");
        assert!(judge_list(&[], &told, &[("h", true)]).is_err(), "it has members");
        assert!(judge_list(&[text("Empty")], &told[1..], &[("g", true)]).is_ok());
        assert!(judge_list(&[text("Empty")], &told, &[("g", true)]).is_err());
        assert!(judge_list(&[], &[told[0].clone(), told[0].clone()], &[]).is_err());
    }
}
