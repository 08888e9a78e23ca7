//! Requests of the metadata quorum, one by one: what a voter answers is the promise.

use super::show::place;
use super::stage::{Ask, Stage, code, text, topic_name};
use super::words::{Told, Words, list};
use crate::client::CONTROL;
use esker_core::id::Uuid;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::{
    self as m, ApiKey, BeginQuorumEpochRequest, BrokerId, EndQuorumEpochRequest, FetchRequest, ResponseKind,
    VoteRequest,
};

const CLIENT: &str = "voter";
const TOPIC: &str = "__cluster_metadata";
const CLUSTER: &str = "esker-sim";

fn standing(told: i16, leader: BrokerId, epoch: i32) -> String {
    let leader = if leader.0 < 0 { "no leader".into() } else { format!("leader {}", leader.0) };
    let code = code(told).map_or_else(String::new, |code| format!("{code}, "));
    format!("{code}{leader} in epoch {epoch}")
}

/// `vote 2 for 3 epoch 5 log 10@2`: node 2 is asked for its vote for node 3.
pub fn vote(stage: &mut Stage, words: &mut Words) -> Told {
    let pre = words.has("pre");
    let to = stage.node(words)?;
    let from: i32 = words.number_after("for")?.ok_or("for whom?")?;
    let epoch: i32 = words.number_after("epoch")?.ok_or("in which epoch?")?;
    let log = words.after("log").ok_or("with which log?")?;
    let (end, last) = place(stage, words, &log)?;
    let partition = m::vote_request::PartitionData::default()
        .with_partition_index(0)
        .with_replica_epoch(epoch)
        .with_replica_id(BrokerId(from))
        .with_last_offset_epoch(last)
        .with_last_offset(end)
        .with_pre_vote(pre);
    let topic =
        m::vote_request::TopicData::default().with_topic_name(topic_name(TOPIC)).with_partitions(vec![partition]);
    let request = VoteRequest::default()
        .with_cluster_id(Some(text(CLUSTER)))
        .with_voter_id(BrokerId(to as i32 + 1))
        .with_topics(vec![topic]);
    stage.tell(CLIENT, to, Ask::new(ApiKey::Vote, 2, request).on(CONTROL), false, |answer| {
        let ResponseKind::Vote(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let line = |told: &m::vote_response::PartitionData| {
            let word = if told.vote_granted { "granted" } else { "refused" };
            format!("{word}; {}", standing(told.error_code, told.leader_id, told.leader_epoch))
        };
        parts.map(line).chain(code(answer.error_code)).collect()
    })
}

/// `begin 2 leader 3 epoch 5`: node 2 is told that node 3 leads.
pub fn begin(stage: &mut Stage, words: &mut Words) -> Told {
    let to = stage.node(words)?;
    let leader: i32 = words.number_after("leader")?.ok_or("who leads?")?;
    let epoch: i32 = words.number_after("epoch")?.ok_or("in which epoch?")?;
    let partition = m::begin_quorum_epoch_request::PartitionData::default()
        .with_leader_id(BrokerId(leader))
        .with_leader_epoch(epoch);
    let topic = m::begin_quorum_epoch_request::TopicData::default()
        .with_topic_name(topic_name(TOPIC))
        .with_partitions(vec![partition]);
    let request = BeginQuorumEpochRequest::default()
        .with_cluster_id(Some(text(CLUSTER)))
        .with_voter_id(BrokerId(to as i32 + 1))
        .with_topics(vec![topic]);
    stage.tell(CLIENT, to, Ask::new(ApiKey::BeginQuorumEpoch, 1, request).on(CONTROL), false, |answer| {
        let ResponseKind::BeginQuorumEpoch(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        parts.map(|told| standing(told.error_code, told.leader_id, told.leader_epoch)).collect()
    })
}

/// `end 2 leader 1 epoch 1 prefer 2,3`: node 2 is told that node 1 does not lead any more.
pub fn end(stage: &mut Stage, words: &mut Words) -> Told {
    let to = stage.node(words)?;
    let leader: i32 = words.number_after("leader")?.ok_or("who led?")?;
    let epoch: i32 = words.number_after("epoch")?.ok_or("in which epoch?")?;
    let prefer = words.after("prefer").map(|word| list(&word)).transpose()?.unwrap_or_default();
    let info = |id: &i32| m::end_quorum_epoch_request::ReplicaInfo::default().with_candidate_id(BrokerId(*id));
    let partition = m::end_quorum_epoch_request::PartitionData::default()
        .with_leader_id(BrokerId(leader))
        .with_leader_epoch(epoch)
        .with_preferred_candidates(prefer.iter().map(info).collect());
    let topic = m::end_quorum_epoch_request::TopicData::default()
        .with_topic_name(topic_name(TOPIC))
        .with_partitions(vec![partition]);
    let request = EndQuorumEpochRequest::default().with_cluster_id(Some(text(CLUSTER))).with_topics(vec![topic]);
    stage.tell(CLIENT, to, Ask::new(ApiKey::EndQuorumEpoch, 1, request).on(CONTROL), false, |answer| {
        let ResponseKind::EndQuorumEpoch(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
        parts.map(|told| standing(told.error_code, told.leader_id, told.leader_epoch)).collect()
    })
}

/// `quorum-fetch 1 as 2 epoch 1 at 10@1`: node 1 is asked for what comes after that place of the metadata log.
pub fn fetch(stage: &mut Stage, words: &mut Words) -> Told {
    let to = stage.node(words)?;
    let from: i32 = words.number_after("as")?.ok_or("as whom?")?;
    let epoch: i32 = words.number_after("epoch")?.ok_or("in which epoch?")?;
    let at = words.after("at").ok_or("at which place?")?;
    let (end, last) = place(stage, words, &at)?;
    let partition = FetchPartition::default()
        .with_current_leader_epoch(epoch)
        .with_fetch_offset(end)
        .with_last_fetched_epoch(last)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic_id(Uuid::METADATA_TOPIC.into()).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_cluster_id(Some(text(CLUSTER)))
        .with_replica_state(ReplicaState::default().with_replica_id(BrokerId(from)))
        .with_max_wait_ms(0)
        .with_max_bytes(1 << 20)
        .with_topics(vec![topic]);
    stage.tell(CLIENT, to, Ask::new(ApiKey::Fetch, 17, request).on(CONTROL), false, |answer| {
        let ResponseKind::Fetch(answer) = answer else { return vec![format!("{answer:?}")] };
        let parts = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let line = |told: &m::fetch_response::PartitionData| {
            let standing = standing(told.error_code, told.current_leader.leader_id, told.current_leader.leader_epoch);
            if told.diverging_epoch.end_offset >= 0 {
                return format!("diverges: epoch {} ends before; {standing}", told.diverging_epoch.epoch);
            }
            if told.snapshot_id.end_offset >= 0 {
                return format!("take the snapshot of epoch {}; {standing}", told.snapshot_id.epoch);
            }
            let some = told.records.as_ref().is_some_and(|records| !records.is_empty());
            format!("{}; {standing}", if some { "records" } else { "no records" })
        };
        parts.map(line).chain(code(answer.error_code)).collect()
    })
}
