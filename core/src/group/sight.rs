//! What a group is at a moment, for the simulator's checkers: they judge what may be answered by what is so, not by what clients believe.

use super::classic::{Group, Phase};
use super::groups::{Groups, Place};
use super::timers::Timer;
use crate::time::Mono;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// A group as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sight {
    /// As Kafka names it; `Dead`: it is not there.
    pub state: &'static str,
    pub generation: i32,
    pub protocol_type: Option<StrBytes>,
    pub protocol: Option<StrBytes>,
    pub leader: Option<StrBytes>,
    pub members: Vec<SightOfMember>,
    /// The group was empty before: only time ends the joining.
    pub delayed: bool,
    /// Ids that were given out and have not joined yet.
    pub expected: Vec<StrBytes>,
}

/// A member of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SightOfMember {
    pub id: StrBytes,
    pub instance: Option<StrBytes>,
    /// Assignors and what it says to each, in the order of its liking.
    pub protocols: Vec<(StrBytes, Bytes)>,
    /// Its JoinGroup waits.
    pub joins: bool,
}

/// What a group waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait<'a> {
    pub group: &'a StrBytes,
    pub generation: i32,
    /// Its members are to join; else, to ask for their parts.
    pub joining: bool,
    /// It is stable, and waits for those who have not asked for their parts.
    pub stable: bool,
    /// The group was empty before: only time ends the joining.
    pub delayed: bool,
    /// Somebody is missing.
    pub missing: bool,
    pub until: Mono,
}

impl Groups {
    /// The groups that are served here and wait for somebody.
    pub fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let all = self.active().flat_map(|shard| shard.groups.values().map(move |group| (shard, group)));
        all.filter_map(|(shard, group)| {
            let joining = matches!(group.phase, Phase::Preparing { .. });
            let of = group.id.clone();
            let timer = if joining { Timer::Join { group: of } } else { Timer::Sync { group: of } };
            Some(Wait {
                group: &group.id,
                generation: group.generation,
                joining,
                stable: matches!(group.phase, Phase::Stable),
                delayed: matches!(group.phase, Phase::Preparing { first: Some(_) }),
                missing: if joining { !group.has_all_joined() } else { !group.pending_syncs.is_empty() },
                until: shard.timers.when(&timer)?,
            })
        })
    }

    /// A group that is served here; `None`: it is not.
    pub fn sight(&self, id: &StrBytes) -> Option<Sight> {
        match self.shards.get(&self.partition_of(id)) {
            Some(Place::Active(shard)) => Some(shard.groups.get(id).map_or_else(nowhere, of)),
            Some(Place::Loading(_)) | None => None,
        }
    }
}

const fn nowhere() -> Sight {
    Sight {
        state: "Dead",
        generation: 0,
        protocol_type: None,
        protocol: None,
        leader: None,
        members: Vec::new(),
        delayed: false,
        expected: Vec::new(),
    }
}

fn of(group: &Group) -> Sight {
    let members = group.members.iter().map(|(id, member)| SightOfMember {
        id: id.clone(),
        instance: member.instance.clone(),
        protocols: member.protocols.clone(),
        joins: member.joining.is_some(),
    });
    Sight {
        state: group.state(),
        generation: group.generation,
        protocol_type: group.protocol_type.clone(),
        protocol: group.protocol.clone(),
        leader: group.leader.clone(),
        members: members.collect(),
        delayed: matches!(group.phase, Phase::Preparing { first: Some(_) }),
        expected: group.pending_joins.iter().cloned().collect(),
    }
}
