//! Offsets that nobody has renewed expire (`offsets.retention.minutes`), and empty groups with them.

use super::classic::{Group, Phase};
use super::decision::Decision;
use super::delete::tombstone;
use super::offsets::Kept;
use super::records::Entry;
use super::settings::Settings;
use super::shard::Shard;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Wall};
use alloc::vec::Vec;
use kafka_protocol::protocol::StrBytes;

impl Shard {
    /// Offsets whose retention is over go, and with its last offset a group that has no members.
    pub fn expire(&mut self, now: Now, settings: &Settings, out: &mut Decision) {
        let mut entries = Vec::new();
        for group in self.groups.values() {
            let (expired, all) = self.expired(group, now.wall, settings);
            entries.extend(expired);
            if all && group.is_empty() && !self.offsets.has_open_transaction(&group.id) {
                entries.push(Entry::Group { group: group.id.clone(), value: None });
            }
        }
        self.propose_in_batches(now, settings, entries, out);
    }

    /// A group without members that has an offset whose own time was over at `wall`.
    pub fn overdue(&self, wall: Wall) -> Option<&StrBytes> {
        let over = |kept: &Kept| kept.committed.expires_at.is_some_and(|at| at <= wall.0);
        let idle = self.groups.values().filter(|group| group.members.is_empty());
        idle.map(|group| &group.id).find(|id| self.offsets.of_group(id).any(|(_, parts)| parts.values().any(over)))
    }

    /// A group's expired offsets, and whether none is left then.
    fn expired(&self, group: &Group, now: Wall, settings: &Settings) -> (Vec<Entry>, bool) {
        let mut expired = Vec::new();
        let mut all = true;
        for (topic, partitions) in self.offsets.of_group(&group.id) {
            for (index, kept) in partitions {
                let place = (group.id.clone(), topic.clone(), *index);
                if is_expired(group, topic, kept, now, settings) && !self.offsets.is_unstable(&place) {
                    expired.push(tombstone(place));
                } else {
                    all = false;
                }
            }
        }
        (expired, all)
    }
}

/// Kafka's rules (KIP-211): a group with members keeps what they read; an empty one keeps everything for the retention
/// time, counted from when it became empty; without membership each offset counts from its own commit.
fn is_expired(group: &Group, topic: &StrBytes, kept: &Kept, now: Wall, settings: &Settings) -> bool {
    let committed_at = kept.committed.committed_at;
    let since = match (&group.protocol_type, &group.phase) {
        (None, _) => committed_at,
        (Some(_), Phase::Empty) => group.since.map_or(committed_at, |since| since.0),
        (Some(_), Phase::Stable) if group.is_consumer() && group.subscribed.is_some() => committed_at,
        (Some(_), Phase::Preparing { .. } | Phase::Completing) if mutant::is(Mutant::ExpiresWithMembers) => {
            committed_at
        }
        (Some(_), Phase::Preparing { .. } | Phase::Completing | Phase::Stable) => return false,
    };
    if group.is_subscribed(topic) && !mutant::is(Mutant::ExpiresSubscribed) {
        return false;
    }
    let retention = i64::try_from(settings.offsets_retention.as_millis()).unwrap_or(i64::MAX);
    let own = |at: i64| now.0 >= at && !mutant::is(Mutant::NeverExpires);
    kept.committed.expires_at.map_or_else(|| now.0.saturating_sub(since) >= retention, own)
}
