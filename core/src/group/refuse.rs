//! What a request is told when the coordinator as a whole cannot serve it, in the shape that the request's reply has.

use super::beside::Beside;
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    DeleteGroupsResponse, GroupId, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, OffsetCommitRequest,
    OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse, ResponseKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// What Kafka's coordinator makes of an append's error (`CoordinatorOperationExceptionHelper`).
pub(super) fn of_append(code: ErrorCode) -> ErrorCode {
    if mutant::is(Mutant::AppendErrorRaw) {
        return code;
    }
    match code {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize => {
            ErrorCode::UnknownServerError
        }
        other => other,
    }
}

/// The reply that leaves when what `response` says was not committed: each part that promised something says `code`.
pub(super) fn instead_of(response: ResponseKind, code: ErrorCode) -> ResponseKind {
    match response {
        ResponseKind::OffsetCommit(mut response) => {
            for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                if partition.error_code == 0 && !mutant::is(Mutant::CommitErrorSwallowed) {
                    partition.error_code = code.code();
                }
            }
            response.into()
        }
        ResponseKind::DeleteGroups(mut response) => {
            let done = |code: i16| code == 0 && !mutant::is(Mutant::DeleteErrorSwallowed);
            for result in response.results.iter_mut().filter(|result| done(result.error_code)) {
                result.error_code = code.code();
            }
            response.into()
        }
        ResponseKind::OffsetFetch(response) => {
            let groups = response.groups.into_iter().map(|group| {
                let asked = group.topics.into_iter().map(|topic| {
                    let asked = topic.partitions.into_iter().map(|partition| partition.partition_index);
                    (topic.name, asked.collect())
                });
                nothing_fetched(group.group_id, asked, for_fetch(code))
            });
            OffsetFetchResponse::default().with_groups(groups.collect()).into()
        }
        ResponseKind::OffsetDelete(_) => OffsetDeleteResponse::default().with_error_code(code.code()).into(),
        ResponseKind::LeaveGroup(_) => LeaveGroupResponse::default().with_error_code(code.code()).into(),
        ResponseKind::JoinGroup(response) => JoinGroupResponse::default()
            .with_protocol_name(None)
            .with_member_id(response.member_id)
            .with_error_code(code.code())
            .into(),
        ResponseKind::SyncGroup(_) => super::classic::refused_sync(code).into(),
        ResponseKind::Heartbeat(_) => HeartbeatResponse::default().with_error_code(code.code()).into(),
        other => unreachable!("group: {other:?} waits for no record"),
    }
}

/// Old consumers give up at COORDINATOR_NOT_AVAILABLE when they fetch offsets; NOT_COORDINATOR has them look again.
const fn for_fetch(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::CoordinatorNotAvailable => ErrorCode::NotCoordinator,
        other => other,
    }
}

/// A group of an OffsetFetch that gets nothing.
pub(super) fn fetch(request: &OffsetFetchRequestGroup, code: ErrorCode) -> OffsetFetchResponseGroup {
    let asked = request.topics.iter().flatten().map(|topic| (topic.name.clone(), topic.partition_indexes.clone()));
    nothing_fetched(request.group_id.clone(), asked, code)
}

/// The code stands at the group and at each partition: versions differ in where they have a place for it.
fn nothing_fetched(
    group: GroupId,
    asked: impl Iterator<Item = (TopicName, Vec<i32>)>,
    code: ErrorCode,
) -> OffsetFetchResponseGroup {
    let topics = asked.map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|index| no_offset(index).with_error_code(code.code()));
        OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions.collect())
    });
    OffsetFetchResponseGroup::default().with_group_id(group).with_topics(topics.collect()).with_error_code(code.code())
}

/// A partition without a committed offset.
pub(super) fn no_offset(index: i32) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::new()))
}

/// An OffsetCommit that commits nothing: `code` at each partition of the request, beside what was refused before.
pub(super) fn commit(
    request: &OffsetCommitRequest,
    refused: OffsetCommitResponse,
    code: ErrorCode,
) -> OffsetCommitResponse {
    let mut topics = Beside::new(refused.topics, |topic| &topic.name);
    let told = if mutant::is(Mutant::CommitRefusalLacksPartitions) { 1 } else { usize::MAX };
    for topic in &request.topics {
        for partition in topic.partitions.iter().take(told) {
            let answer = OffsetCommitResponsePartition::default().with_partition_index(partition.partition_index);
            committed(&mut topics, &topic.name, answer.with_error_code(code.code()));
        }
    }
    OffsetCommitResponse::default().with_topics(topics.done())
}

/// Puts a partition's answer beside those of its topic.
pub(super) fn committed(
    topics: &mut Beside<OffsetCommitResponseTopic>,
    topic: &TopicName,
    answer: OffsetCommitResponsePartition,
) {
    let beside = topics.of(topic, || OffsetCommitResponseTopic::default().with_name(topic.clone()));
    beside.partitions.push(answer);
}

/// Each group of a DeleteGroups gets `code`.
pub(super) fn deletes(groups: impl IntoIterator<Item = GroupId>, code: ErrorCode) -> DeleteGroupsResponse {
    let results =
        groups.into_iter().map(|id| DeletableGroupResult::default().with_group_id(id).with_error_code(code.code()));
    DeleteGroupsResponse::default().with_results(results.collect())
}

/// A group of a DescribeGroups that cannot be described.
pub(super) fn describe(id: &GroupId, code: ErrorCode) -> DescribedGroup {
    DescribedGroup::default().with_group_id(id.clone()).with_error_code(code.code())
}
