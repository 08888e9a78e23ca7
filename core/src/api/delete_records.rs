//! DeleteRecords (key 21), versions 0 to 2: moves the start of logs.
//!
//! The leader moves its own log's start at once; followers learn of it with their next Fetch, and tell theirs with the one
//! after. The answer, the smallest start over all live replicas, waits until that has reached the offset asked for, or
//! until the time is up. A start counts when the checkpoint that says so is on stable storage: what was answered does not come
//! back after a crash. (Kafka answers before, and writes the checkpoint once a minute.) -1: up to the watermark. Beyond the watermark: `OFFSET_OUT_OF_RANGE`; a topic that is only
//! compacted: `POLICY_VIOLATION` (one without a cleanup policy has no rule that it could break); an internal one: `INVALID_TOPIC_EXCEPTION`. (Kafka: `ReplicaManager.deleteRecords`.)

use super::place;
use crate::error::ErrorCode;
use crate::id::{DirId, HoldId, Offset, PartitionKey};
use crate::io::Ask;
use crate::limits::OWN_DISK_MAX;
use crate::metadata::Image;
use crate::mutant::{self, Mutant};
use crate::node::{DeleteWait, DeletingRecords, Node, Partitions, Waiting};
use crate::time::{Now, Span};
use alloc::vec::Vec;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

pub fn on_delete_records(node: &mut Node, now: Now, ask: Ask, request: DeleteRecordsRequest) {
    let mut deleting = DeletingRecords { response: DeleteRecordsResponse::default(), waits: Vec::new() };
    for (at, topic) in (0u32..).zip(request.topics) {
        let mut results = Vec::with_capacity(topic.partitions.len());
        for (place, asked) in (0u32..).zip(&topic.partitions) {
            let result = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            results.push(match on_partition(node, now, &topic.name, asked) {
                Err(code) => result.with_low_watermark(-1).with_error_code(code.code()),
                Ok((partition, dir, start)) => {
                    deleting.waits.push(DeleteWait { place: (at, place), partition, dir, start });
                    result
                        .with_error_code(if mutant::is(Mutant::DeleteDoneOnTimeout) {
                            0
                        } else {
                            ErrorCode::RequestTimedOut.code()
                        })
                        .with_low_watermark(-1)
                }
            });
        }
        let name = place::name(node.image.topic_named(&topic.name), &topic.name);
        let topic = DeleteRecordsTopicResult::default().with_name(name).with_partitions(results);
        deleting.response.topics.push(topic);
    }
    settle(&node.partitions, &node.image, &mut deleting, None);
    if deleting.waits.is_empty() {
        ask.reply(&mut node.out, deleting.response);
        return;
    }
    let deadline = now.mono + Span::from_kafka_millis(request.timeout_ms.into());
    let state = |wait: &DeleteWait| node.partitions.get(wait.partition)?.state();
    let alone = |wait: &DeleteWait| state(wait).is_some_and(|state| state.replicas.len() == 1);
    let own = deleting.waits.iter().all(alone);
    let deadline = if own { deadline.max(now.mono + OWN_DISK_MAX) } else { deadline };
    let dirs: Vec<DirId> = deleting.waits.iter().map(|wait| wait.dir).collect();
    let hold = node.hold.insert(ask, now.mono, Some(deadline), Waiting::DeleteRecords(deleting));
    for (place, dir) in dirs.into_iter().enumerate() {
        if place > 0 && mutant::is(Mutant::DeleteWatchesFirst) {
            continue;
        }
        node.hold.watch(hold, dir);
    }
}

fn on_partition(
    node: &mut Node,
    now: Now,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Result<(PartitionKey, DirId, Offset), ErrorCode> {
    let topic = place::topic(node, false, Default::default(), topic)?;
    let internal = topic.internal();
    let key = place::partition(node, topic, asked.partition_index)?;
    if internal && !mutant::is(Mutant::InternalDeleted) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = node.partitions.get_mut(key).ok_or(ErrorCode::NotLeaderOrFollower)?;
    if !partition.is_leader() {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    let config = partition.log().config();
    if config.compact_policy && !config.delete_policy && !mutant::is(Mutant::CompactedDeleted) {
        return Err(ErrorCode::PolicyViolation);
    }
    let dir = partition.dir();
    let wanted = if asked.offset == -1 && mutant::is(Mutant::DeleteAllNothing) {
        partition.log_start()
    } else if asked.offset == -1 {
        partition.watermark()
    } else {
        Offset(asked.offset)
    };
    let (_, event) = partition.delete_records(now, wanted).map_err(|refusal| refusal.code)?;
    node.partitions.note(dir, event);
    Ok((key, dir, wanted))
}

/// Ends the waits that are over; `dir`: only those of that folder can be.
fn settle(partitions: &Partitions, image: &Image, deleting: &mut DeletingRecords, dir: Option<DirId>) {
    let DeletingRecords { response, waits } = deleting;
    waits.retain(|wait| {
        if dir.is_some_and(|dir| dir != wait.dir) {
            return true;
        }
        let partition = partitions.get(wait.partition).filter(|partition| partition.is_leader());
        let low = partition.map(|partition| partition.low_watermark(|node| image.alive(node)));
        let topic = response.topics.get_mut(wait.place.0 as usize);
        let Some(result) = topic.and_then(|topic| topic.partitions.get_mut(wait.place.1 as usize)) else {
            return false;
        };
        match low {
            None => {
                result.error_code = ErrorCode::NotLeaderOrFollower.code();
                false
            }
            Some(low) if low >= wait.start => {
                result.error_code = 0;
                result.low_watermark = low.0;
                false
            }
            Some(low) => {
                result.low_watermark = low.0;
                true
            }
        }
    });
}

/// The log of `dir` moved, or that of a follower as the leader knows it.
pub fn on_moved(node: &mut Node, hold: HoldId, dir: DirId) {
    let Node { hold: table, partitions, image, .. } = node;
    let Some(Waiting::DeleteRecords(deleting)) = table.get_mut(hold) else { return };
    settle(partitions, image, deleting, Some(dir));
    if deleting.waits.is_empty() {
        on_due(node, hold);
    }
}

/// The row ends: what still waits says `REQUEST_TIMED_OUT`.
pub fn on_due(node: &mut Node, hold: HoldId) {
    let Some(row) = node.hold.take(hold) else { return };
    let Waiting::DeleteRecords(deleting) = row.waiting else { unreachable!("{hold} waits for DeleteRecords") };
    row.ask.reply(&mut node.out, deleting.response);
}

#[cfg(test)]
mod tests;
