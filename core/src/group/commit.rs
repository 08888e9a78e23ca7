//! OffsetCommit as a shard handles it.

use super::beside::Beside;
use super::classic::{Group, Phase};
use super::decision::Decision;
use super::records::{Committed, Entry};
use super::refuse;
use super::settings::Settings;
use super::shard::Shard;
use super::text::{TEXT_BYTES_MAX, own};
use crate::error::ErrorCode;
use crate::id::{HoldId, Uuid};
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::vec::Vec;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::OffsetCommitResponsePartition;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use kafka_protocol::protocol::StrBytes;

/// From this version on a commit to a group that is not there says so.
const GROUP_NOT_FOUND_VERSION: i16 = 9;

impl Shard {
    /// Offsets are committed: by a member of the generation, or without membership in a group without members.
    pub fn on_commit(
        &mut self,
        now: Now,
        settings: &Settings,
        out: &mut Decision,
        hold: HoldId,
        ask: &Ask,
        request: &OffsetCommitRequest,
        refused: OffsetCommitResponse,
    ) {
        let known = validate(self.groups.get(&request.group_id.0), request, ask.version);
        let checked = known.and_then(|()| {
            if self.has_room(&request.group_id.0) { Ok(()) } else { Err(ErrorCode::CoordinatorNotAvailable) }
        });
        if let Err(code) = checked {
            return self.turn(now, settings, out).release(hold, refuse::commit(request, refused, code));
        }
        self.with_group(now, settings, out, &request.group_id.0, |group, turn| match group.phase {
            _ if mutant::is(Mutant::CommitGivesNoTime) => {}
            Phase::Stable | Phase::Preparing { .. } => group.expect_again(turn, &request.member_id),
            Phase::Empty | Phase::Completing => {}
        });
        let group = own(&request.group_id.0);
        let mut topics = Beside::new(refused.topics, |topic| &topic.name);
        let mut entries = Vec::new();
        for topic in &request.topics {
            for partition in &topic.partitions {
                let answer = OffsetCommitResponsePartition::default().with_partition_index(partition.partition_index);
                let fits = metadata_fits(partition.committed_metadata.as_ref(), settings);
                let fits = fits || mutant::is(Mutant::MetadataAnyLength);
                let code = if fits { 0 } else { ErrorCode::OffsetMetadataTooLarge.code() };
                refuse::committed(&mut topics, &topic.name, answer.with_error_code(code));
                if fits {
                    entries.push(entry(now, &group, request, topic, partition));
                }
            }
        }
        let response = OffsetCommitResponse::default().with_topics(topics.done());
        self.turn(now, settings, out).reply_after(entries, hold, response);
    }
}

fn validate(group: Option<&Group>, request: &OffsetCommitRequest, version: i16) -> Result<(), ErrorCode> {
    let generation = request.generation_id_or_member_epoch;
    match group {
        Some(group) => group.validate_commit(&request.member_id, request.group_instance_id.as_ref(), generation),
        None if generation < 0 || mutant::is(Mutant::UnknownGroupCommits) => Ok(()),
        None if version >= GROUP_NOT_FOUND_VERSION => Err(ErrorCode::GroupIdNotFound),
        None => Err(ErrorCode::IllegalGeneration),
    }
}

fn metadata_fits(metadata: Option<&StrBytes>, settings: &Settings) -> bool {
    metadata
        .is_none_or(|text| text.len() <= TEXT_BYTES_MAX && text.encode_utf16().count() <= settings.offset_metadata_max)
}

fn entry(
    now: Now,
    group: &StrBytes,
    request: &OffsetCommitRequest,
    topic: &OffsetCommitRequestTopic,
    partition: &OffsetCommitRequestPartition,
) -> Entry {
    // Only versions 2 to 4 say how long an offset is to be kept; -1: as long as the broker says.
    let kept = Some(request.retention_time_ms).filter(|ms| *ms != -1);
    let kept = kept.map(|ms| if mutant::is(Mutant::ExpiresEarly) { ms / 100_000 } else { ms });
    let value = Committed {
        offset: partition.committed_offset,
        leader_epoch: if mutant::is(Mutant::CommitEpochLost) { -1 } else { partition.committed_leader_epoch },
        metadata: partition
            .committed_metadata
            .as_ref()
            .filter(|_| !mutant::is(Mutant::CommitMetadataLost))
            .map(own)
            .unwrap_or_default(),
        committed_at: now.wall.0,
        expires_at: kept.map(|ms| now.wall.0.saturating_add(ms)),
        topic_id: Uuid(topic.topic_id.as_u128()),
    };
    Entry::Offset {
        group: group.clone(),
        topic: own(&topic.name.0),
        partition: partition.partition_index,
        value: Some(value),
    }
}
