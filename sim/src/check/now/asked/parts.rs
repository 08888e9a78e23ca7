//! A member is told the part that its group's leader gave it in that generation, and nobody else's. One that took the place of a static member
//! has the part of that one.

use super::super::{At, Broken};
use crate::table::Map;
use bytes::Bytes;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// Group and generation.
type When = (StrBytes, i32);

#[derive(Debug, Default)]
pub struct Parts {
    asked: Map<At, (When, StrBytes, bool)>,
    /// What leaders brought, each time: one that was deposed may have brought it to a coordinator that was deposed as well.
    brought: Map<When, Vec<BTreeMap<StrBytes, Bytes>>>,
}

impl Parts {
    pub fn on_request(&mut self, at: At, request: &SyncGroupRequest, core: &Core) {
        let Some(sight) = core.groups.sight(&request.group_id) else { return };
        let when = (request.group_id.0.clone(), request.generation_id);
        let leads = sight.leader.as_ref() == Some(&request.member_id);
        if leads && sight.generation == request.generation_id && sight.state == "CompletingRebalance" {
            let parts = request.assignments.iter().map(|one| (one.member_id.clone(), one.assignment.clone()));
            self.brought.entry(when.clone()).or_default().push(parts.collect());
        }
        let own = sight.members.iter().find(|one| one.id == request.member_id);
        let is_static = own.is_some_and(|own| own.instance.is_some());
        self.asked.insert(at, (when, request.member_id.clone(), is_static));
    }

    /// What leaders bring from now on may not be seen.
    pub fn forget(&mut self, at: At) {
        if let Some((when, ..)) = self.asked.remove(&at) {
            self.brought.remove(&when);
        }
    }

    pub fn on_reply(&mut self, at: At, response: &SyncGroupResponse) -> Result<(), Broken> {
        let Some((when, member, is_static)) = self.asked.remove(&at).filter(|_| response.error_code == 0) else {
            return Ok(());
        };
        self.brought
            .get(&when)
            .map_or(Ok(()), |brought| judge(&when, (&member, is_static), brought, &response.assignment))
    }
}

fn judge(
    (group, generation): &When,
    (member, is_static): (&StrBytes, bool),
    brought: &[BTreeMap<StrBytes, Bytes>],
    told: &Bytes,
) -> Result<(), Broken> {
    let gave = |parts: &BTreeMap<StrBytes, Bytes>| {
        let own = parts.get(member);
        own.map_or_else(|| told.is_empty(), |own| own == told) || is_static && parts.values().any(|part| part == told)
    };
    if brought.iter().any(gave) {
        return Ok(());
    }
    let what = format!("tells {member} {told:?} in generation {generation} of {group}, whose leader gave {brought:?}");
    Err(("told-another-part", what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::text;

    #[test]
    fn the_part_of_another_is_caught() {
        let one = |id, part: &'static [u8]| (text(id), Bytes::from_static(part));
        let brought = [BTreeMap::from([one("a", b"0"), one("b", b"1")])];
        let judge = |member, is_static, told: &'static [u8]| {
            judge(&(text("g"), 4), (&text(member), is_static), &brought, &Bytes::from_static(told)).is_ok()
        };
        assert!(judge("a", false, b"0") && judge("c", false, b"") && judge("c", true, b"1"));
        assert!(!judge("a", false, b"1") && !judge("a", false, b"") && !judge("c", false, b"1"));
    }
}
