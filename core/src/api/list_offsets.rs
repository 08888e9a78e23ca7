//! ListOffsets (key 2), versions 1 to 11.
//!
//! | timestamp | answer |
//! |---|---|
//! | -1 | the end that the reader may know: watermark, last stable offset, or the end for a replica |
//! | -2, -4 (from 8) | where the log starts; there is nothing elsewhere than here |
//! | -3 (from 7) | the first record with the largest timestamp (KIP-734) |
//! | -5 (from 9), -6 (from 11) | -1: there is no tiered storage |
//! | from 0 | the first record that is not older |
//!
//! A partition that is named twice is answered once, with `INVALID_REQUEST`. A new leader whose watermark has not reached the beginning of its epoch cannot tell what is committed:
//! `OFFSET_NOT_AVAILABLE`, before version 5 `LEADER_NOT_AVAILABLE` (KIP-207). (Kafka: `ReplicaManager.fetchOffset`.)

use super::place;
use crate::error::ErrorCode;
use crate::id::{DirId, HoldId, LeaderEpoch, Offset, PartitionKey};
use crate::io::{Ask, Out};
use crate::log::TimeLookup;
use crate::mutant::{self, Mutant};
use crate::node::{ListingOffsets, Node, OffsetWait, Waiting};
use crate::partition::{Isolation, Partition};
use crate::time::{Now, Span};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
/// KIP-1023.
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// How long a lookup may take that reads the disk, where the request does not say.
const PATIENCE: Span = Span::from_millis(30_000);

/// Who looks at replicas says that he is this one (`Request.DEBUGGING_CONSUMER_ID`).
const DEBUGGING: BrokerId = BrokerId(-2);

/// What a lookup found.
enum Lookup {
    Found { timestamp: i64, offset: Offset, epoch: LeaderEpoch },
    None,
    Wait,
}

pub fn on_list_offsets(node: &mut Node, now: Now, ask: Ask, request: ListOffsetsRequest) {
    // Replicas, and tools that say -2, see the end; those of any replica.
    let isolation = match (request.replica_id.0, request.isolation_level) {
        (-1, 1) => Some(Isolation::Stable),
        (-1, _) => Some(Isolation::Watermark),
        _ => None,
    };
    let replica = request.replica_id == DEBUGGING;
    let mut listing =
        ListingOffsets { isolation, replica, response: ListOffsetsResponse::default(), waits: Vec::new() };
    for (at, topic) in (0u32..).zip(request.topics) {
        let mut times = BTreeMap::<i32, usize>::new();
        topic.partitions.iter().for_each(|asked| *times.entry(asked.partition_index).or_default() += 1);
        let mut answers = Vec::with_capacity(times.len());
        for asked in &topic.partitions {
            let place = answers.len() as u32;
            let Some(count) = times.remove(&asked.partition_index) else { continue };
            let answer = if count > 1 {
                Err(ErrorCode::InvalidRequest)
            } else {
                on_partition(node, now, ask.version, &listing, &topic.name, asked).map(|(key, dir, found)| {
                    if matches!(found, Lookup::Wait) {
                        let wait = OffsetWait { place: (at, place), partition: key, dir, timestamp: asked.timestamp };
                        listing.waits.push(wait);
                    }
                    found
                })
            };
            answers.push(answered(ask.version, asked.partition_index, answer));
        }
        let name = place::name(node.image.topic_named(&topic.name), &topic.name);
        let topic = ListOffsetsTopicResponse::default().with_name(name).with_partitions(answers);
        listing.response.topics.push(topic);
    }
    if listing.waits.is_empty() {
        ask.reply(&mut node.out, listing.response);
        return;
    }
    let patience = if request.timeout_ms > 0 { Span::from_kafka_millis(request.timeout_ms.into()) } else { PATIENCE };
    let dirs: Vec<DirId> = listing.waits.iter().map(|wait| wait.dir).collect();
    let hold = node.hold.insert(ask, now.mono, Some(now.mono + patience), Waiting::ListOffsets(listing));
    for dir in dirs {
        node.hold.watch(hold, dir);
    }
}

fn on_partition(
    node: &mut Node,
    now: Now,
    version: i16,
    listing: &ListingOffsets,
    topic: &str,
    asked: &ListOffsetsPartition,
) -> Result<(PartitionKey, DirId, Lookup), ErrorCode> {
    let served_from = match asked.timestamp {
        LATEST | EARLIEST | 0.. => 1,
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => i16::MAX,
    };
    if version < served_from {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let key = place::partition(node, place::topic(node, false, Default::default(), topic)?, asked.partition_index)?;
    let Some(partition) = node.partitions.get_mut(key) else { return Err(ErrorCode::NotLeaderOrFollower) };
    let epoch = (asked.current_leader_epoch >= 0).then_some(LeaderEpoch(asked.current_leader_epoch));
    check(partition, epoch.filter(|_| !mutant::is(Mutant::ListEpochIgnored)), listing.replica)?;
    let found = lookup(partition, now, listing.isolation, asked.timestamp, &mut node.out)?;
    Ok((key, partition.dir(), found))
}

/// `replica`: any may answer.
fn check(partition: &Partition, epoch: Option<LeaderEpoch>, replica: bool) -> Result<(), ErrorCode> {
    let checked = if replica { partition.check_replica(epoch) } else { partition.check_leader(epoch) };
    checked.map_err(|refusal| refusal.code)?;
    // While a follower's log is being cut nobody knows what it has.
    if partition.log().is_settled() { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) }
}

fn lookup(
    partition: &mut Partition,
    now: Now,
    isolation: Option<Isolation>,
    timestamp: i64,
    out: &mut Out,
) -> Result<Lookup, ErrorCode> {
    let end = partition.end_for(isolation.unwrap_or(Isolation::End));
    let lagging = isolation.is_some()
        && partition.epoch_start().is_some_and(|start| start > partition.watermark())
        && !mutant::is(Mutant::EndBeforeKnown);
    let by_time = match timestamp {
        LATEST if lagging => return Err(ErrorCode::OffsetNotAvailable),
        LATEST => return Ok(Lookup::Found { timestamp: -1, offset: end, epoch: partition.leader_epoch() }),
        EARLIEST | EARLIEST_LOCAL => {
            let offset = partition.log_start();
            return Ok(Lookup::Found {
                timestamp: -1,
                offset,
                epoch: if mutant::is(Mutant::EarliestEpochLatest) {
                    partition.leader_epoch()
                } else {
                    partition.epoch_at(offset)
                },
            });
        }
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(Lookup::None),
        MAX_TIMESTAMP => partition.offset_of_max_time(now, out),
        _ => partition.offset_for_time(now, timestamp, isolation.unwrap_or(Isolation::End), out),
    };
    match by_time.map_err(|refusal| refusal.code)? {
        TimeLookup::Wait => Ok(Lookup::Wait),
        TimeLookup::Found { offset, timestamp, epoch } if offset < end || mutant::is(Mutant::TimeUncommitted) => {
            let epoch = if mutant::is(Mutant::TimeEpochOfLeader) { partition.leader_epoch() } else { epoch };
            Ok(Lookup::Found { timestamp, offset, epoch })
        }
        TimeLookup::Found { .. } | TimeLookup::None if lagging && !mutant::is(Mutant::TimeNoneBeforeKnown) => {
            Err(ErrorCode::OffsetNotAvailable)
        }
        TimeLookup::Found { .. } | TimeLookup::None => Ok(Lookup::None),
    }
}

fn answered(version: i16, index: i32, found: Result<Lookup, ErrorCode>) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default().with_partition_index(index).with_timestamp(-1).with_offset(-1);
    match found {
        Ok(Lookup::Found { timestamp, offset, epoch }) => {
            let answer = answer.with_timestamp(timestamp).with_offset(offset.0);
            if version >= 4 { answer.with_leader_epoch(epoch.0) } else { answer }
        }
        Ok(Lookup::None | Lookup::Wait) => answer,
        Err(ErrorCode::OffsetNotAvailable) if version < 5 => {
            answer.with_error_code(ErrorCode::LeaderNotAvailable.code())
        }
        Err(code) => answer.with_error_code(code.code()),
    }
}

/// The log of `dir` moved: the disk may have brought what a lookup waits for.
pub fn on_moved(node: &mut Node, now: Now, hold: HoldId, dir: DirId) {
    let Node { hold: table, partitions, out, .. } = node;
    let Some(version) = table.get(hold).map(|row| row.ask.version) else { return };
    let Some(Waiting::ListOffsets(listing)) = table.get_mut(hold) else { return };
    let ListingOffsets { isolation, replica, response, waits } = listing;
    waits.retain(|wait| {
        if wait.dir != dir {
            return true;
        }
        let found = match partitions.get_mut(wait.partition).filter(|partition| partition.dir() == dir) {
            None => Err(ErrorCode::NotLeaderOrFollower),
            Some(partition) => {
                check(partition, None, *replica).and_then(|()| lookup(partition, now, *isolation, wait.timestamp, out))
            }
        };
        if matches!(found, Ok(Lookup::Wait)) {
            return true;
        }
        put(response, version, wait, found);
        false
    });
    if waits.is_empty() {
        answer(node, hold);
    }
}

/// The row's time is up.
pub fn on_due(node: &mut Node, hold: HoldId) {
    let Some(version) = node.hold.get(hold).map(|row| row.ask.version) else { return };
    let Some(Waiting::ListOffsets(listing)) = node.hold.get_mut(hold) else { return };
    for wait in core::mem::take(&mut listing.waits) {
        put(&mut listing.response, version, &wait, Err(ErrorCode::RequestTimedOut));
    }
    answer(node, hold);
}

fn put(response: &mut ListOffsetsResponse, version: i16, wait: &OffsetWait, found: Result<Lookup, ErrorCode>) {
    let topic = response.topics.get_mut(wait.place.0 as usize);
    if let Some(place) = topic.and_then(|topic| topic.partitions.get_mut(wait.place.1 as usize)) {
        *place = answered(version, wait.partition.partition, found);
    }
}

fn answer(node: &mut Node, hold: HoldId) {
    let Some(row) = node.hold.take(hold) else { return };
    let Waiting::ListOffsets(listing) = row.waiting else { unreachable!("{hold} waits for offsets") };
    row.ask.reply(&mut node.out, listing.response);
}

#[cfg(test)]
mod tests;
