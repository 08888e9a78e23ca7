//! Follows one leader node: one Fetch under way, with all partitions that this node follows there, in a session.
//!
//! A Fetch is also the acknowledgement: it says up to where each partition is on this node's disk. So one is sent
//! whenever a sync is done; it waits at the leader only if nothing is left to be synced, for else the next
//! acknowledgement would have to wait with it. After an answer that was full the next Fetch runs ahead of the sync.

use crate::config::ReplicaSettings;
use crate::id::{BrokerEpoch, CallId, NodeId, PartitionKey, Uuid};
use crate::limits::REPLICA_AHEAD_MAX;
use crate::mutant::{self, Mutant};
use crate::node::next_epoch;
use crate::partition::FetchPlan;
use crate::time::{Mono, Span};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::{BrokerId, FetchRequest};

/// A partition that is followed.
#[derive(Debug, Default)]
struct Followed {
    /// What it would ask for now.
    plan: Option<FetchPlan>,
    /// What the leader's session has of it.
    told: Option<FetchPlan>,
    /// The last answer was full: there is more to be had at once.
    behind: bool,
    /// It is left out until then: its last answer was an error.
    until: Option<Mono>,
    /// Errors in a row.
    errors: u32,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    call: CallId,
    until: Mono,
}

/// Follows one leader node.
///
/// Invariant: `changed` are the partitions whose plan is not what the session has; `unsynced` those whose plan is ahead of
/// its sync; `paused` those with an `until`, which are in neither.
#[derive(Debug, Default)]
pub(super) struct Fetcher {
    partitions: BTreeMap<PartitionKey, Followed>,
    changed: BTreeSet<PartitionKey>,
    unsynced: BTreeSet<PartitionKey>,
    paused: BTreeSet<(Mono, PartitionKey)>,
    /// In the leader's session, and no longer wanted there.
    forgotten: BTreeSet<PartitionKey>,
    session: i32,
    /// The registration in whose name the session was told: a leader counts what is named in the present one.
    registration: Option<BrokerEpoch>,
    /// What the next request says; 0: it names everything and opens a session.
    epoch: i32,
    asked: Option<Asked>,
    not_before: Option<Mono>,
    /// Something is to be said at once.
    due: bool,
    /// Bytes taken since the last sync was done.
    ahead: usize,
    /// Failures in a row.
    errors: u32,
}

/// The first pause after an error: a new leader may learn of its office a moment after its followers do.
const PAUSE_MIN: Span = Span::from_millis(20);

fn backoff(errors: u32, longest: Span) -> Span {
    Span(PAUSE_MIN.0 << errors.min(10)).min(longest)
}

impl Fetcher {
    pub fn is_idle(&self) -> bool {
        self.partitions.is_empty() && self.asked.is_none()
    }

    pub fn owns(&self, call: CallId) -> bool {
        self.asked.is_some_and(|asked| asked.call == call)
    }

    /// The partition as it stands now.
    pub fn observe(&mut self, key: PartitionKey, plan: FetchPlan) {
        let followed = self.partitions.entry(key).or_default();
        let before = followed.plan.replace(plan);
        if before.is_none_or(|before| before.epoch != plan.epoch)
            && let Some(until) = followed.until.take()
        {
            // Another epoch, another leader: what was wrong may not be any more.
            self.paused.remove(&(until, key));
        }
        if followed.until.is_some() || before == Some(plan) && followed.told == Some(plan) {
            return;
        }
        if before.is_some_and(|before| plan.synced > before.synced) {
            self.ahead = 0;
        }
        let urgent = followed.told.is_none_or(|told| {
            told != plan
                && (told.epoch != plan.epoch
                    || plan.offset < told.offset
                    || plan.synced > told.synced
                    || plan.synced >= plan.offset
                    || followed.behind)
        });
        self.due |= urgent;
        let (changed, unsynced) = (followed.told != Some(plan), plan.synced < plan.offset);
        set(&mut self.changed, key, changed);
        set(&mut self.unsynced, key, unsynced);
        self.forgotten.remove(&key);
    }

    /// The partition is not followed here any more.
    pub fn forget(&mut self, key: PartitionKey) {
        let Some(followed) = self.partitions.remove(&key) else { return };
        if followed.told.is_some() {
            self.forgotten.insert(key);
        }
        self.leave(key, &followed);
    }

    fn leave(&mut self, key: PartitionKey, followed: &Followed) {
        self.changed.remove(&key);
        self.unsynced.remove(&key);
        if let Some(until) = followed.until {
            self.paused.remove(&(until, key));
        }
    }

    /// Leaves the partition out for a while: longer with each error in a row.
    pub fn pause(&mut self, key: PartitionKey, now: Mono, longest: Span) {
        let Some(mut followed) = self.partitions.remove(&key) else { return };
        let until = now + backoff(followed.errors, longest);
        followed.errors = followed.errors.saturating_add(1);
        self.leave(key, &followed);
        if followed.told.take().is_some() {
            self.forgotten.insert(key);
        }
        followed.until = Some(until);
        self.paused.insert((until, key));
        self.partitions.insert(key, followed);
    }

    /// What the leader was told last of the partition: what its answer is an answer to.
    pub fn told(&self, key: PartitionKey) -> Option<FetchPlan> {
        self.partitions.get(&key).and_then(|followed| followed.told)
    }

    /// The partition's part of an answer brought so many bytes.
    pub fn on_bytes(&mut self, key: PartitionKey, bytes: usize, full: bool) {
        self.ahead = self.ahead.saturating_add(bytes);
        if let Some(followed) = self.partitions.get_mut(&key) {
            followed.behind = full;
            followed.errors = 0;
        }
    }

    /// Whether a Fetch is to be sent now.
    pub fn wants_to_send(&self, now: Mono) -> bool {
        if self.asked.is_some() || self.not_before.is_some_and(|at| at > now) {
            return false;
        }
        let some = self.partitions.len() > self.paused.len() || !self.forgotten.is_empty() && self.epoch != 0;
        some && (self.unsynced.is_empty() || self.due && self.ahead < REPLICA_AHEAD_MAX)
    }

    /// The Fetch to send. [`Fetcher::sent`] follows.
    pub fn request(&mut self, me: NodeId, epoch: BrokerEpoch, settings: &ReplicaSettings) -> FetchRequest {
        if self.registration.replace(epoch) != Some(epoch) && !mutant::is(Mutant::SessionOutlivesRegistration) {
            self.restart();
        }
        let full = self.epoch == 0;
        let named: Vec<PartitionKey> = if full {
            self.forgotten.clear();
            self.partitions.iter().filter(|(_, one)| one.until.is_none()).map(|(key, _)| *key).collect()
        } else {
            self.changed.iter().copied().collect()
        };
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        for key in named {
            let Some(followed) = self.partitions.get_mut(&key) else { continue };
            let Some(plan) = followed.plan else { continue };
            followed.told = Some(plan);
            topics.entry(key.topic).or_default().push(wire(key, &plan, settings));
        }
        let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for key in core::mem::take(&mut self.forgotten) {
            forgotten.entry(key.topic).or_default().push(key.partition);
        }
        self.changed.clear();
        self.due = false;
        let wait = if self.unsynced.is_empty() { settings.fetch_wait } else { Span::ZERO };
        FetchRequest::default()
            .with_replica_state(ReplicaState::default().with_replica_id(BrokerId(me.0)).with_replica_epoch(epoch.0))
            .with_max_wait_ms(i32::try_from(wait.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(i32::try_from(settings.fetch_bytes_min).unwrap_or(i32::MAX))
            .with_max_bytes(i32::try_from(settings.response_bytes).unwrap_or(i32::MAX))
            .with_session_id(self.session)
            .with_session_epoch(self.epoch)
            .with_topics(
                topics
                    .into_iter()
                    .map(|(id, partitions)| FetchTopic::default().with_topic_id(id.into()).with_partitions(partitions))
                    .collect(),
            )
            .with_forgotten_topics_data(
                forgotten
                    .into_iter()
                    .map(|(id, partitions)| {
                        ForgottenTopic::default().with_topic_id(id.into()).with_partitions(partitions)
                    })
                    .collect(),
            )
    }

    pub fn sent(&mut self, call: CallId, until: Mono) {
        self.asked = Some(Asked { call, until });
        self.not_before = None;
    }

    /// The answer came, in the session of that id (0: none).
    pub fn answered(&mut self, session: i32) {
        self.asked = None;
        self.errors = 0;
        if session == 0 && self.epoch == 0 && !mutant::is(Mutant::SessionlessSpins) {
            // The leader has no room for a session. The next request names everything again, and leaves when there is something to say:
            // while this node syncs it would else ask as fast as it is answered (seed 61129075727).
        } else if session == 0 || self.epoch != 0 && session != self.session {
            self.restart();
        } else {
            self.session = session;
            self.epoch = next_epoch(self.epoch);
        }
    }

    /// The session is gone: the next request names everything anew.
    pub fn session_lost(&mut self) {
        self.asked = None;
        self.restart();
    }

    /// There was no answer: the next request comes after a while, longer with each failure in a row.
    pub fn failed(&mut self, now: Mono, longest: Span) {
        self.session_lost();
        self.hold_back(now, longest);
    }

    fn restart(&mut self) {
        self.session = 0;
        self.epoch = 0;
        self.due = true;
        self.forgotten.clear();
        self.changed.clear();
        for (key, followed) in &mut self.partitions {
            followed.told = None;
            if followed.until.is_none() {
                self.changed.insert(*key);
            }
        }
    }

    /// Waits before it sends again.
    pub fn hold_back(&mut self, now: Mono, longest: Span) {
        self.not_before = Some(now + backoff(self.errors, longest));
        self.errors = self.errors.saturating_add(1);
    }

    /// Sends again at once: the leader's address may have changed.
    pub fn hurry(&mut self) {
        self.not_before = None;
    }

    /// Whether the answer is overdue.
    pub fn is_overdue(&self, now: Mono) -> bool {
        self.asked.is_some_and(|asked| asked.until <= now)
    }

    /// The partitions whose pause is over: they take part again.
    pub fn on_tick(&mut self, now: Mono) {
        if self.not_before.is_some_and(|at| at <= now) {
            self.not_before = None;
        }
        while let Some((until, key)) = self.paused.pop_first() {
            if until > now {
                self.paused.insert((until, key));
                return;
            }
            let Some(followed) = self.partitions.get_mut(&key) else { continue };
            followed.until = None;
            if let Some(plan) = followed.plan.take() {
                self.observe(key, plan);
            }
        }
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        let paused = self.paused.first().map(|(at, _)| *at);
        let own = match self.asked {
            Some(asked) => Some(asked.until),
            None => self.not_before,
        };
        match (paused, own) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

fn set(of: &mut BTreeSet<PartitionKey>, key: PartitionKey, wanted: bool) {
    if wanted {
        of.insert(key);
    } else {
        of.remove(&key);
    }
}

fn wire(key: PartitionKey, plan: &FetchPlan, settings: &ReplicaSettings) -> FetchPartition {
    FetchPartition::default()
        .with_partition(key.partition)
        .with_current_leader_epoch(plan.epoch.0)
        .with_fetch_offset(plan.offset.0)
        .with_last_fetched_epoch(match plan.last_epoch {
            Some(epoch) if !mutant::is(Mutant::LastEpochUnsaid) => epoch.0,
            _ => -1,
        })
        .with_log_start_offset(plan.start.0)
        .with_partition_max_bytes(i32::try_from(settings.fetch_bytes).unwrap_or(i32::MAX))
        .with_unknown_tagged_field(crate::api::fetch::SYNCED_TAG, Bytes::copy_from_slice(&plan.synced.0.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LeaderEpoch, Offset};

    #[test]
    fn without_a_session_a_follower_that_syncs_asks_when_it_has_something_to_say() {
        let key = PartitionKey { topic: Uuid(1), partition: 0 };
        let plan = |synced| FetchPlan {
            leader: NodeId(2),
            epoch: LeaderEpoch(0),
            offset: Offset(4),
            last_epoch: None,
            start: Offset(0),
            synced: Offset(synced),
        };
        let settings = crate::config::NodeConfig::for_test(NodeId(1), &[(1, "a", 9093)], &[]).replicas;
        let (mut fetcher, now) = (Fetcher::default(), Mono(0));
        let ask = |fetcher: &mut Fetcher, synced| {
            fetcher.observe(key, plan(synced));
            let wants = fetcher.wants_to_send(now);
            if wants {
                let named = fetcher.request(NodeId(1), BrokerEpoch(1), &settings).topics.len();
                assert_eq!(named, 1, "a request without a session names everything");
                fetcher.sent(CallId(1), Mono(1));
                fetcher.answered(0);
            }
            wants
        };
        assert!(ask(&mut fetcher, 2));
        assert!(!ask(&mut fetcher, 2), "nothing is synced since");
        assert!(ask(&mut fetcher, 4));
        assert!(ask(&mut fetcher, 4), "nothing is left to sync: it waits at the leader");
    }
}
