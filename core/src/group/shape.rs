//! Replies as each version has them: the coordinator answers in the form of the newest.

use crate::mutant::{self, Mutant};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{JoinGroupResponse, LeaveGroupResponse, OffsetFetchResponse, ResponseKind};

/// The reply in the form of `version`.
pub fn shape(response: ResponseKind, version: i16) -> ResponseKind {
    match response {
        ResponseKind::JoinGroup(response) => join(response, version).into(),
        ResponseKind::LeaveGroup(response) => leave(response, version).into(),
        ResponseKind::OffsetFetch(response) => offset_fetch(response, version).into(),
        // The others' forms differ in fields that an old version leaves out.
        other => other,
    }
}

/// Before version 7 there is no null for "no assignor": the text is empty.
fn join(mut response: JoinGroupResponse, version: i16) -> JoinGroupResponse {
    if version < 7 {
        response.protocol_name.get_or_insert_default();
    }
    response
}

/// Before version 3 exactly one member leaves, and its error is the reply's.
fn leave(mut response: LeaveGroupResponse, version: i16) -> LeaveGroupResponse {
    if version < 3 {
        let member = core::mem::take(&mut response.members).into_iter().next();
        if response.error_code == 0 {
            response.error_code = member.map_or(0, |member| member.error_code);
        }
    }
    response
}

/// Before version 8 there is one group, and its topics are the reply's. A group that gets nothing has no topics, but where there is no other
/// place for its error than each partition, before version 2.
fn offset_fetch(mut response: OffsetFetchResponse, version: i16) -> OffsetFetchResponse {
    for group in response.groups.iter_mut().filter(|group| version >= 2 && group.error_code != 0) {
        group.topics.clear();
    }
    if version >= 8 {
        return response;
    }
    let OffsetFetchResponseGroup { topics, error_code, .. } = response.groups.into_iter().next().unwrap_or_default();
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code)
        });
        OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    let error_code = if mutant::is(Mutant::FetchErrorLost) { 0 } else { error_code };
    OffsetFetchResponse::default().with_topics(topics.collect()).with_error_code(error_code)
}
