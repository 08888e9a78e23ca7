//! A group as a record of `__consumer_offsets`, and back.

use super::super::records::{Entry, Generation, StoredMember};
use super::group::{Group, Member, Phase};
use crate::mutant::{self, Mutant};
use crate::time::Wall;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use kafka_protocol::protocol::StrBytes;

impl Group {
    /// The record of this generation, with these assignments.
    pub fn stored(&self, assignment: &dyn Fn(&StrBytes) -> Bytes) -> Entry {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = self.members.iter().map(|(id, member)| StoredMember {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(&protocol),
            assignment: assignment(id),
        });
        let value = Generation {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation - i32::from(mutant::is(Mutant::StoredGenerationOld)),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.since.map_or(-1, |wall| wall.0),
            members: members.collect(),
        };
        Entry::Group { group: self.id.clone(), value: Some(value) }
    }

    /// The group as its record has it: with members it is stable.
    pub fn from_stored(id: StrBytes, stored: &Generation) -> Self {
        let mut group = Self::new(id, Wall(stored.since));
        if stored.since == -1 || mutant::is(Mutant::ReloadLosesSince) {
            group.since = None;
        }
        if !stored.members.is_empty() {
            group.phase = Phase::Stable;
        }
        if !(stored.members.is_empty() && mutant::is(Mutant::EmptyGenerationLost)) {
            group.generation = stored.generation;
        }
        group.protocol_type = Some(stored.protocol_type.clone()).filter(|kind| !kind.is_empty());
        group.protocol.clone_from(&stored.protocol);
        for member in &stored.members {
            group.restore(stored, member);
        }
        if !group.members.is_empty() {
            group.protocol.get_or_insert_default();
            let known =
                |leader: &&StrBytes| group.members.contains_key(*leader) && !mutant::is(Mutant::StoredLeaderLost);
            if let Some(leader) = stored.leader.as_ref().filter(known) {
                group.leader = Some(leader.clone());
            }
        }
        group.subscribed = group.compute_subscribed();
        group
    }

    fn restore(&mut self, stored: &Generation, member: &StoredMember) {
        // A record is a disk's word: a member or an instance twice is not ours, and the first one stays.
        let taken = member.instance.as_ref().is_some_and(|instance| self.statics.contains_key(instance));
        if taken || self.members.contains_key(&member.member) {
            return;
        }
        let restored = Member {
            instance: member.instance.clone().filter(|_| !mutant::is(Mutant::StoredInstanceLost)),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: if mutant::is(Mutant::TimeoutsSwapped) {
                member.session_timeout_ms
            } else {
                member.rebalance_timeout_ms
            },
            session_timeout_ms: if mutant::is(Mutant::TimeoutsSwapped) {
                member.rebalance_timeout_ms
            } else {
                member.session_timeout_ms
            },
            protocols: vec![(stored.protocol.clone().unwrap_or_default(), member.subscription.clone())],
            assignment: member.assignment.clone(),
            joining: None,
            syncing: None,
            is_new: false,
        };
        self.add(member.member.clone(), stored.protocol_type.clone(), restored);
    }

    /// The topics that the members of a consumer group subscribe to with the chosen assignor; `None`: this is no consumer
    /// group, or what they say cannot be read.
    pub fn compute_subscribed(&self) -> Option<BTreeSet<StrBytes>> {
        if !self.is_consumer() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_ref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscription_topics(member.metadata(protocol))?);
        }
        Some(topics)
    }
}

/// The topics of a consumer's subscription (`ConsumerProtocolSubscription`): two bytes of version, then, in every version, the list.
fn subscription_topics(mut bytes: Bytes) -> Option<Vec<StrBytes>> {
    if bytes.len() < 6 {
        return None;
    }
    let _version = bytes.get_i16();
    let count = usize::try_from(bytes.get_i32()).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let len = if bytes.len() < 2 { return None } else { usize::try_from(bytes.get_i16()).ok()? };
        let name = if bytes.len() < len { return None } else { bytes.split_to(len) };
        // A copy: the subscription itself may be replaced sooner.
        topics.push(StrBytes::from_utf8(Bytes::copy_from_slice(&name)).ok()?);
        if mutant::is(Mutant::FirstTopicSubscribed) {
            break;
        }
    }
    Some(topics)
}
