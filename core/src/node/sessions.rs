//! Fetch sessions (KIP-227): what a reader wants is kept between its requests, so that each names only what changed and
//! is answered only what is new.

use super::{FetchSet, Rewatch};
use crate::id::{DirId, HoldId};
use crate::limits::{SESSION_EVICTION_AFTER, SESSION_PARTITIONS_MAX};
use crate::mutant::{self, Mutant};
use crate::partition::PartitionEvent;
use crate::rng::Rng;
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The epoch after `epoch`: it wraps to 1, because 0 and -1 have meanings of their own (`FetchMetadata.nextEpoch`).
pub const fn next_epoch(epoch: i32) -> i32 {
    if epoch < 0 {
        -1
    } else if epoch == i32::MAX {
        1
    } else {
        epoch + 1
    }
}

/// A reader's session.
#[derive(Debug)]
pub struct Session {
    /// What the next request has to say.
    pub epoch: i32,
    /// A follower's: it is never put out for a consumer's.
    pub privileged: bool,
    /// Whether topics are named by their ids (Fetch 13 and later): a session does not change that.
    pub by_id: bool,
    pub set: FetchSet,
    /// The row of the request that waits, if one does.
    pub row: Option<HoldId>,
    used: Mono,
}

impl Session {
    /// The request that waits will not be answered with what was found for it. The next one may read from elsewhere, and
    /// take less.
    pub fn drop_row(&mut self) -> Option<HoldId> {
        let row = self.row.take()?;
        self.set.put_back();
        Some(row)
    }
}

/// The sessions of all readers; at most `max`.
#[derive(Debug)]
pub struct Sessions {
    sessions: BTreeMap<i32, Session>,
    /// The folders that the sessions' sets name.
    watches: BTreeSet<(DirId, i32)>,
    used: BTreeSet<(Mono, i32)>,
    /// Partitions in all sessions.
    partitions: usize,
    max: usize,
    rng: Rng,
}

/// Purpose of the random numbers here.
const STREAM: u64 = 0x5e55_1045;

impl Sessions {
    /// `max`: `max.incremental.fetch.session.cache.slots`. Ids are random, so that a session of a process before is not
    /// taken for one of this.
    pub fn new(seed: u64, max: usize) -> Self {
        Self {
            sessions: BTreeMap::new(),
            watches: BTreeSet::new(),
            used: BTreeSet::new(),
            partitions: 0,
            max,
            rng: Rng::new(seed, STREAM),
        }
    }

    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub fn get(&self, id: i32) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// The session, for changes of its set: after them [`Sessions::resized`], [`Sessions::unwatch`] and [`Sessions::rewatch`].
    pub fn get_mut(&mut self, id: i32) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// Makes room and keeps the set as a new session; hands the set back when there is no room.
    pub fn open(&mut self, now: Mono, privileged: bool, by_id: bool, set: FetchSet) -> Result<i32, FetchSet> {
        if !self.make_room(now, privileged, set.len()) {
            return Err(set);
        }
        let id = loop {
            let id = (self.rng.next_u64() >> 33) as i32;
            if id != 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        self.partitions += set.len();
        self.watches.extend(set.dirs().map(|dir| (dir, id)));
        self.used.insert((now, id));
        self.sessions.insert(id, Session { epoch: 1, privileged, by_id, set, row: None, used: now });
        Ok(id)
    }

    /// Puts out sessions until one of `size` partitions fits. As in Kafka's `tryEvict` one not used for two minutes goes
    /// first; else a follower's session puts out a consumer's, and a larger one a smaller one.
    fn make_room(&mut self, now: Mono, privileged: bool, size: usize) -> bool {
        if self.max == 0 || size > SESSION_PARTITIONS_MAX {
            return false;
        }
        while self.sessions.len() >= self.max || self.partitions + size > SESSION_PARTITIONS_MAX {
            let stale =
                self.used.first().filter(|(used, _)| now.since(*used) > SESSION_EVICTION_AFTER).map(|(_, id)| *id);
            let victim = stale.or_else(|| {
                let least = self.sessions.iter().min_by_key(|(id, s)| (s.privileged, s.set.len(), **id));
                least.filter(|(_, s)| (s.privileged, s.set.len()) < (privileged, size)).map(|(id, _)| *id)
            });
            let Some(victim) = victim else { return false };
            self.close(victim);
        }
        true
    }

    /// Ends the session. A row that waits for it keeps waiting and ends at its deadline.
    pub fn close(&mut self, id: i32) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.used.remove(&(session.used, id));
        self.partitions -= session.set.len();
        for dir in session.set.dirs() {
            self.watches.remove(&(dir, id));
        }
        Some(session)
    }

    /// A request uses the session: it becomes the last to be put out.
    pub fn touch(&mut self, now: Mono, id: i32) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.used.remove(&(session.used, id));
        session.used = now;
        self.used.insert((now, id));
    }

    /// The set has grown or shrunk from `before` partitions. After that [`Sessions::is_overfull`]: the session may have to end.
    pub fn resized(&mut self, id: i32, before: usize) {
        let Some(session) = self.sessions.get(&id) else { return };
        self.partitions = self.partitions - before + session.set.len();
    }

    /// Whether all sessions together have more partitions than they may.
    pub fn is_overfull(&self) -> bool {
        self.partitions > SESSION_PARTITIONS_MAX
    }

    /// The session's set watches these folders no longer.
    pub fn unwatch(&mut self, id: i32, dirs: impl IntoIterator<Item = DirId>) {
        for dir in dirs {
            self.watches.remove(&(dir, id));
        }
    }

    /// A look at one of the session's partitions changed which folders its set watches.
    pub fn rewatch(&mut self, id: i32, rewatch: Rewatch) {
        self.unwatch(id, rewatch.left);
        self.watches.extend(rewatch.entered.map(|dir| (dir, id)));
    }

    /// The log of the folder moved: the sessions that watch it will look at it. Answers the rows that may now have enough.
    ///
    /// A consumer sees nothing of records below the watermark's reach; a follower is told the watermark with the next
    /// records, or when its time is up.
    pub fn on_moved(&mut self, dir: DirId, event: &PartitionEvent) -> Vec<HoldId> {
        let both = event.role && !mutant::is(Mutant::SessionIgnoresRole)
            || event.start_moved
            || event.warm
            || event.failed.is_some();
        let mut rows = Vec::new();
        for &(_, id) in self.watches.range((dir, i32::MIN)..=(dir, i32::MAX)) {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if !(both
                || event.watermark_moved && (session.privileged || !mutant::is(Mutant::ConsumerSessionAsleep))
                || session.privileged && event.end_moved)
            {
                continue;
            }
            if session.set.on_moved(dir) && (both || event.watermark_moved != session.privileged || event.end_moved) {
                rows.extend(session.row);
            }
        }
        rows
    }

    pub fn check(&self) {
        assert!(self.sessions.len() <= self.max, "sessions: {} of {}", self.sessions.len(), self.max);
        assert_eq!(self.used.len(), self.sessions.len(), "each session was used once, last");
        let partitions: usize = self.sessions.values().map(|session| session.set.len()).sum();
        assert_eq!(partitions, self.partitions, "the partitions of all sessions are counted");
        assert!(!self.is_overfull(), "sessions hold too many partitions");
        let watched: usize = self.sessions.values().map(|session| session.set.watched()).sum();
        assert_eq!(watched, self.watches.len(), "a session watches what its set names");
        // The others are as they were when they were used last.
        if let Some(session) = self.used.last().and_then(|(_, id)| self.sessions.get(id)) {
            session.set.check();
            assert!(session.row.is_some() || session.set.bytes() == 0, "a session keeps what nobody waits for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Offset;
    use crate::node::{SlotKey, Wanted};
    use crate::partition::FetchQuery;
    use crate::time::Span;
    use kafka_protocol::protocol::StrBytes;

    fn set(partitions: i32) -> FetchSet {
        let mut set = FetchSet::default();
        let query = FetchQuery { epoch: None, offset: Offset(0), last_epoch: None, max_bytes: 1 };
        for partition in 0..partitions {
            let key = SlotKey { topic: crate::id::Uuid(1), name: StrBytes::new(), partition };
            set.put(key, Wanted { query, synced: Offset(0), start: Offset(0) });
        }
        set
    }

    #[test]
    fn epochs_wrap_around_the_special_ones() {
        // Kafka `FetchMetadata.nextEpoch`.
        assert_eq!([next_epoch(0), next_epoch(7), next_epoch(i32::MAX), next_epoch(-1)], [1, 8, 1, -1]);
    }

    #[test]
    fn a_full_cache_gives_way_as_kafkas_does() {
        // Kafka `FetchSessionCacheShard.tryEvict`.
        let mut sessions = Sessions::new(1, 2);
        let small = sessions.open(Mono(0), false, true, set(2)).expect("room");
        let large = sessions.open(Mono(1), false, true, set(5)).expect("room");
        assert!(small > 0 && large > 0 && small != large);
        assert!(sessions.open(Mono(2), false, true, set(2)).is_err(), "not larger than the smallest");
        let larger = sessions.open(Mono(3), false, true, set(3)).expect("larger than the smallest");
        assert!(sessions.get(small).is_none());
        let follower = sessions.open(Mono(4), true, true, set(1)).expect("a follower's goes before any consumer's");
        assert!(sessions.get(larger).is_none());
        let other = sessions.open(Mono(5), true, true, set(1)).expect("and so does another's");
        assert!(sessions.get(large).is_none());
        assert!(sessions.open(Mono(6), false, true, set(100)).is_err(), "no consumer's puts out a follower's");
        sessions.check();
        sessions.touch(Mono(7) + SESSION_EVICTION_AFTER, other);
        let late = Mono(8) + SESSION_EVICTION_AFTER + Span(1);
        assert!(sessions.open(late, false, true, set(1)).is_ok(), "but one that nobody uses");
        assert!(sessions.get(follower).is_none() && sessions.get(other).is_some());
        sessions.check();
    }

    #[test]
    fn what_a_set_watches_no_longer_wakes_nobody() {
        let mut sessions = Sessions::new(1, 2);
        let id = sessions.open(Mono(0), false, true, set(1)).expect("room");
        for (left, entered) in [(None, Some(1)), (Some(1), Some(2)), (Some(2), None)] {
            let rewatch = Rewatch { left: left.map(DirId), entered: entered.map(DirId) };
            sessions.rewatch(id, rewatch);
            assert_eq!(sessions.watches, entered.map(|dir| (DirId(dir), id)).into_iter().collect());
        }
    }

    #[test]
    fn without_slots_there_are_no_sessions() {
        assert!(Sessions::new(1, 0).open(Mono(0), true, true, set(1)).is_err());
    }
}
