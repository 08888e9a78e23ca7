//! Replies to which several shards contribute.

use super::decision::Release;
use crate::id::HoldId;
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use kafka_protocol::messages::{DeleteGroupsResponse, GroupId, OffsetFetchResponse, ResponseKind};

/// Replies that several shards have a part in: each is let go when the last part is there.
#[derive(Debug, Default)]
pub(super) struct Gathers {
    open: BTreeMap<HoldId, Gather>,
}

#[derive(Debug)]
struct Gather {
    /// The groups in the order of the request: that of the reply.
    order: Vec<GroupId>,
    /// Parts still to come.
    left: usize,
    parts: Vec<ResponseKind>,
}

impl Gathers {
    /// The reply to `hold` has `parts` parts, and its groups this order.
    pub fn expect(&mut self, hold: HoldId, order: Vec<GroupId>, parts: usize) {
        assert!(parts > 0, "group: a reply of no parts");
        let before = self.open.insert(hold, Gather { order, left: parts, parts: Vec::new() });
        assert!(before.is_none(), "group: two replies to one request");
    }

    /// A reply, or a part of one; answers the whole reply if this is all of it.
    pub fn add(&mut self, hold: HoldId, response: ResponseKind) -> Option<Release> {
        let Some(gather) = self.open.get_mut(&hold) else { return Some(Release { hold, response }) };
        gather.parts.push(response);
        gather.left -= 1;
        if gather.left > 0 {
            return None;
        }
        let Gather { order, parts, .. } = self.open.remove(&hold)?;
        Some(Release { hold, response: whole(&order, parts) })
    }
}

fn whole(order: &[GroupId], parts: Vec<ResponseKind>) -> ResponseKind {
    let place: BTreeMap<&GroupId, usize> = order
        .iter()
        .enumerate()
        .map(|(place, id)| (id, if mutant::is(Mutant::GatherInAnyOrder) { 0 } else { place }))
        .rev()
        .collect();
    let (mut fetched, mut deleted) = (Vec::new(), Vec::new());
    let mut deletes = false;
    for part in parts {
        match part {
            ResponseKind::OffsetFetch(part) => fetched.extend(part.groups),
            ResponseKind::DeleteGroups(part) => {
                deletes = true;
                deleted.extend(part.results);
            }
            other => unreachable!("group: {other:?} has no parts"),
        }
    }
    fetched.sort_by_key(|group| place.get(&group.group_id).copied());
    deleted.sort_by_key(|group| place.get(&group.group_id).copied());
    if deletes {
        DeleteGroupsResponse::default().with_results(deleted).into()
    } else {
        OffsetFetchResponse::default().with_groups(fetched).into()
    }
}
