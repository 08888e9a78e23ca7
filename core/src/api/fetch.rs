//! Fetch (key 1), versions 4 to 18: consumers and followers alike.
//!
//! A reader names partitions, or only what changed since its last request in a session (KIP-227). It is answered when
//! there are `min_bytes` (what it does not take for want of room is there as well), when something went wrong, or when its time is up; a first batch larger than all limits is handed
//! out once in an answer (KIP-74). A consumer sees up to the watermark, a follower up to the end; a follower's fetch offset
//! is what the leader counts, or its synced end where it says so in the tagged field 100.

mod answer;
mod look;
mod session;

pub use session::on_gone;

use crate::id::{BrokerEpoch, DirId, HoldId, LeaderEpoch, NodeId, Offset, PartitionKey, Uuid};
use crate::io::Ask;
use crate::limits::COLD_READ_MAX;
use crate::mutant::{self, Mutant};
use crate::node::{FetchSet, Fetching, Node, Reader, Rewatch, Sessions, SlotKey, Source, Waiting, Wanted};
use crate::partition::{FetchQuery, Isolation, PartitionEvent, ReplicaFetch};
use crate::time::{Now, Span};
use alloc::vec::Vec;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::{FetchRequest, TopicName};

/// The tagged field of a partition in which a follower says up to where it holds the log on stable storage: 8 bytes.
pub const SYNCED_TAG: i32 = 100;

/// The tagged field of an answer in which a leader tells a follower that is out of range what it knows of the producers at its log's
/// start: a producer snapshot.
pub const PRODUCERS_TAG: i32 = 101;

pub fn on_fetch(node: &mut Node, now: Now, ask: Ask, request: FetchRequest) {
    let replica = if ask.version >= 15 { request.replica_state.replica_id } else { request.replica_id };
    let replica = (replica.0 >= 0).then_some(NodeId(replica.0));
    let isolation = match (replica, request.isolation_level) {
        (Some(_), _) => Isolation::End,
        (None, 1) => Isolation::Stable,
        (None, _) => Isolation::Watermark,
    };
    let reader = Reader { replica, isolation };
    let (mut source, all) = match session::source(node, now, &ask, &request, reader) {
        Ok(found) => found,
        Err(code) => return answer::refuse(node, &ask, code),
    };
    if let Some(replica) = replica {
        let refused = count(node, now, replica, &request, ask.version >= look::TOPIC_IDS);
        if let Some(set) = set_of(&mut node.sessions, &mut source) {
            set.hurry(&refused);
        }
    }
    let most = if mutant::is(Mutant::FetchMaxIgnored) { u32::MAX } else { node.config.fetches.bytes_max };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(most);
    // Who wants more at least than he may have is answered with what he may have (Kafka's `KafkaApis.handleFetchRequest`).
    let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0).min(max_bytes);
    let fetching = Fetching { reader, min_bytes, max_bytes, source, all, overdue: request.max_wait_ms <= 0 };
    proceed(node, now, ask, fetching, Span::from_kafka_millis(request.max_wait_ms.into()));
}

/// What a request wants of a partition.
fn wanted(partition: &FetchPartition) -> Wanted {
    let synced = partition.unknown_tagged_fields.get(&SYNCED_TAG);
    let synced = synced.and_then(|bytes| bytes.as_ref().try_into().ok()).map(i64::from_be_bytes);
    let epoch = |epoch: i32| (epoch >= 0).then_some(LeaderEpoch(epoch));
    Wanted {
        query: FetchQuery {
            epoch: epoch(partition.current_leader_epoch),
            offset: Offset(partition.fetch_offset),
            last_epoch: epoch(partition.last_fetched_epoch),
            max_bytes: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
        },
        synced: Offset(synced.unwrap_or(partition.fetch_offset)),
        start: Offset(partition.log_start_offset),
    }
}

/// Takes down where the follower stands in the partitions that the request names. A request of an incarnation before is
/// not counted (KIP-903). In a session a follower that names nothing is where it was.
///
/// Answers the partitions in which that is refused. The same request has to tell it: a follower of a session that is not
/// told takes it for counted, does not say it again, and never comes into sync.
fn count(node: &mut Node, now: Now, replica: NodeId, request: &FetchRequest, by_id: bool) -> Vec<SlotKey> {
    let mut refused = Vec::new();
    let epoch = BrokerEpoch(request.replica_state.replica_epoch);
    let registered = node.image.broker(replica);
    let known = registered.map(|broker| broker.epoch);
    if epoch.0 >= 0 && known.is_some_and(|known| known > epoch) && !mutant::is(Mutant::OldIncarnationCounted) {
        return refused;
    }
    let eligible = registered.is_some_and(|broker| broker.active()) && (epoch.0 < 0 || known == Some(epoch));
    for topic in &request.topics {
        // What is not here may be the next moment, if this node hears later of it than its followers (seed 883005244).
        let id = super::place::topic(node, by_id, topic.topic_id.into(), &topic.topic).map(|found| found.id).ok();
        for asked in &topic.partitions {
            let wanted = wanted(asked);
            let key = id.map(|topic| PartitionKey { topic, partition: asked.partition });
            let Some(partition) = key.and_then(|key| node.partitions.get_mut(key)) else {
                refused.push(key_of(by_id, topic.topic_id, &topic.topic, asked.partition));
                continue;
            };
            let dir = partition.dir();
            let fetch = ReplicaFetch {
                node: replica,
                broker_epoch: epoch,
                synced: wanted.synced,
                start: wanted.start,
                eligible,
            };
            match partition.on_replica_fetch(now, &fetch, &wanted.query) {
                Ok(event) => node.partitions.note(dir, event),
                Err(_) => refused.push(key_of(by_id, topic.topic_id, &topic.topic, asked.partition)),
            }
        }
    }
    refused
}

/// Looks at what is to be looked at; answers, or waits for `wait`.
fn proceed(node: &mut Node, now: Now, ask: Ask, mut fetching: Fetching, wait: Span) {
    gather(node, now, ask.version, &mut fetching);
    if is_enough(node, &fetching) || mutant::is(Mutant::FetchNeverWaits) {
        answer::send(node, &ask, fetching);
        return;
    }
    // Who waits for the disk alone is not sent away with nothing.
    let wait = if fetching.overdue { COLD_READ_MAX } else { wait };
    let session = match &fetching.source {
        Source::Session(id) => Some(*id),
        Source::Own(_) => None,
    };
    let hold = node.hold.insert(ask, now.mono, Some(now.mono + wait), Waiting::Fetch(fetching));
    match session {
        Some(id) => session::wait(node, id, hold),
        None => watch_own(node, hold),
    }
}

fn watch_own(node: &mut Node, hold: HoldId) {
    let Some(Waiting::Fetch(Fetching { source: Source::Own(set), .. })) = node.hold.get(hold).map(|row| &row.waiting)
    else {
        return;
    };
    let dirs: Vec<DirId> = set.dirs().collect();
    for dir in dirs {
        node.hold.watch(hold, dir);
    }
}

fn set_of<'a>(sessions: &'a mut Sessions, source: &'a mut Source) -> Option<&'a mut FetchSet> {
    match source {
        Source::Session(id) => sessions.get_mut(*id).map(|session| &mut session.set),
        Source::Own(set) => Some(set),
    }
}

fn gather(node: &mut Node, now: Now, version: i16, fetching: &mut Fetching) {
    let Node { sessions, partitions, image, out, .. } = node;
    let session = match &fetching.source {
        Source::Session(id) => Some(*id),
        Source::Own(_) => None,
    };
    let (reader, max_bytes, all) = (fetching.reader, fetching.max_bytes, fetching.all);
    let Some(set) = set_of(sessions, &mut fetching.source) else { return };
    let mut rewatches = Vec::new();
    let mut scene = look::Scene { now, version, reader, partitions, image, out };
    for _ in 0..set.queued() {
        if !all && set.bytes() >= max_bytes && set.bytes() > 0 {
            break;
        }
        let Some(at) = set.pop() else { break };
        let room = max_bytes.saturating_sub(set.bytes());
        let whole_first = set.bytes() == 0 || mutant::is(Mutant::WholeEverywhere);
        let Some(slot) = set.slot(at) else { continue };
        let (partition, dir, found) = scene.look(slot, room, whole_first);
        let rewatch = set.found(at, partition, dir, found);
        if session.is_some() && rewatch != Rewatch::default() {
            rewatches.push(rewatch);
        }
    }
    if let Some(id) = session {
        rewatches.into_iter().for_each(|rewatch| sessions.rewatch(id, rewatch));
    }
}

/// Kafka's `ReplicaManager.fetchMessages`: enough bytes, no time, no partitions, or something to tell at once.
fn is_enough(node: &Node, fetching: &Fetching) -> bool {
    let set = match &fetching.source {
        Source::Session(id) => node.sessions.get(*id).map(|session| &session.set),
        Source::Own(set) => Some(set),
    };
    let Some(set) = set else { return true };
    let waits_for_disk = set.cold() > 0 && set.bytes() == 0;
    set.is_empty()
        || set.urgent() > 0
        || set.counts() >= fetching.min_bytes.max(1) + usize::from(mutant::is(Mutant::MinBytesStrict))
        || { (fetching.overdue || fetching.min_bytes == 0) && !waits_for_disk }
}

/// The log of `dir` moved: the sessions and, by `hold`, the request that watch it look at it.
pub fn on_moved(node: &mut Node, now: Now, hold: HoldId, dir: DirId) {
    let Some(Waiting::Fetch(fetching)) = node.hold.get_mut(hold) else { return };
    if let Source::Own(set) = &mut fetching.source {
        set.on_moved(dir);
    }
    again(node, now, hold);
}

/// The log of `dir` moved: readers with a session that watches it look again.
pub fn on_partition_event(node: &mut Node, now: Now, dir: DirId, event: &PartitionEvent) {
    for hold in node.sessions.on_moved(dir, event) {
        again(node, now, hold);
    }
}

fn again(node: &mut Node, now: Now, hold: HoldId) {
    let Some(version) = node.hold.get(hold).map(|row| row.ask.version) else { return };
    let Some(Waiting::Fetch(waiting)) = node.hold.get_mut(hold) else { return };
    let mut fetching = core::mem::replace(waiting, Fetching::void());
    gather(node, now, version, &mut fetching);
    if is_enough(node, &fetching) {
        end(node, hold, fetching);
    } else if let Some(Waiting::Fetch(waiting)) = node.hold.get_mut(hold) {
        *waiting = fetching;
    }
}

/// The row's time is up: what there is, is the answer, but for bytes that the disk is about to bring.
pub fn on_due(node: &mut Node, now: Now, hold: HoldId) {
    let Some(row) = node.hold.take(hold) else { return };
    let Waiting::Fetch(mut fetching) = row.waiting else { unreachable!("{hold} waits for a Fetch") };
    session::leave(node, &fetching.source, hold);
    let given_up = mutant::is(Mutant::DueWithoutCold) || fetching.overdue && row.since + COLD_READ_MAX <= now.mono;
    fetching.overdue = true;
    if given_up || is_enough(node, &fetching) {
        answer::send(node, &row.ask, fetching);
    } else {
        proceed(node, now, row.ask, fetching, Span::ZERO);
    }
}

/// Ends the row with what was found.
fn end(node: &mut Node, hold: HoldId, fetching: Fetching) {
    session::leave(node, &fetching.source, hold);
    if let Some(row) = node.hold.take(hold) {
        answer::send(node, &row.ask, fetching);
    }
}

fn key_of(by_id: bool, topic: uuid::Uuid, name: &TopicName, partition: i32) -> SlotKey {
    if by_id {
        SlotKey { topic: topic.into(), name: Default::default(), partition }
    } else {
        SlotKey { topic: Uuid::ZERO, name: name.0.clone(), partition }
    }
}

#[cfg(test)]
mod tests;
