//! The quorum's requests and replies as Kafka's messages: one topic, one partition.

use super::snapshot_file::SnapshotId;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset, Uuid};
use crate::io::Address;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::{self as m, BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Tagged field of a FetchPartition between Esker nodes: how far the follower's log is on its stable storage.
pub const SYNCED_TAG: i32 = 100;

const TOPIC: &str = "__cluster_metadata";

/// Who leads which epoch, as replies say it. The address is added where the message has room for it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub leader: Option<(NodeId, Option<Address>)>,
    pub epoch: LeaderEpoch,
}

impl Standing {
    fn id(&self) -> BrokerId {
        self.leader.as_ref().map_or(BrokerId(-1), |(id, _)| BrokerId(id.0))
    }

    fn address(&self) -> Option<(BrokerId, &Address)> {
        let (id, address) = self.leader.as_ref()?;
        Some((BrokerId(id.0), address.as_ref()?))
    }
}

/// The leader's address for a reply that has room for it: `NodeEndpoint` is each message's own type.
macro_rules! endpoints {
    ($standing:expr) => {{
        let endpoint = |(id, at): (BrokerId, &Address)| {
            NodeEndpoint::default().with_node_id(id).with_host(at.host.clone()).with_port(at.port.into())
        };
        $standing.address().map(endpoint).into_iter().collect()
    }};
}

/// The reply to a leader that begins or ends its epoch.
macro_rules! epoch_reply {
    ($module:ident, $response:ident, $code:expr, $standing:expr) => {{
        use m::$module::{NodeEndpoint, PartitionData, TopicData};
        let partition = PartitionData::default()
            .with_error_code(wire($code))
            .with_leader_id($standing.id())
            .with_leader_epoch($standing.epoch.0);
        m::$response::default()
            .with_topics(vec![TopicData::default().with_topic_name(topic()).with_partitions(vec![partition])])
            .with_node_endpoints(endpoints!($standing))
    }};
}

pub fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

pub fn cluster(id: Option<&String>) -> Option<StrBytes> {
    id.map(|id| StrBytes::from_string(id.clone()))
}

/// The only element of the list; `None`: there are none, or several.
pub fn only<T>(list: &[T]) -> Option<&T> {
    match list {
        [one] => Some(one),
        _ => None,
    }
}

/// A node's id from the wire; negative: none.
pub fn node(id: BrokerId) -> Option<NodeId> {
    (id.0 >= 0).then_some(NodeId(id.0))
}

/// Whether the topic and partition are the metadata's.
pub fn is_metadata(name: &TopicName, partition: i32) -> bool {
    name.as_str() == TOPIC && partition == 0
}

pub fn vote_request(cluster: Option<StrBytes>, to: NodeId, ask: Ballotpaper) -> m::VoteRequest {
    use m::vote_request::{PartitionData, TopicData};
    let partition = PartitionData::default()
        .with_partition_index(0)
        .with_replica_epoch(ask.epoch.0)
        .with_replica_id(BrokerId(ask.from.0))
        .with_replica_directory_id(ask.directory.into())
        .with_voter_directory_id(ask.voter.into())
        .with_last_offset_epoch(ask.last_epoch.0)
        .with_last_offset(ask.end.0)
        .with_pre_vote(ask.pre);
    let topic = TopicData::default().with_topic_name(topic()).with_partitions(vec![partition]);
    m::VoteRequest::default().with_cluster_id(cluster).with_voter_id(BrokerId(to.0)).with_topics(vec![topic])
}

/// What a candidate says of itself, and of the voter that it asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ballotpaper {
    pub from: NodeId,
    /// The candidate's folder, and the one from which it thinks that the voter votes; zero: it does not know.
    pub directory: Uuid,
    pub voter: Uuid,
    pub epoch: LeaderEpoch,
    pub last_epoch: LeaderEpoch,
    pub end: Offset,
    pub pre: bool,
}

/// What a Vote request asks; `None`: it is not about the metadata.
pub fn read_vote(request: &m::VoteRequest) -> Option<Ballotpaper> {
    let topic = only(&request.topics)?;
    let ask = only(&topic.partitions)?;
    is_metadata(&topic.topic_name, ask.partition_index).then_some(Ballotpaper {
        from: NodeId(ask.replica_id.0),
        directory: Uuid::from(ask.replica_directory_id),
        voter: Uuid::from(ask.voter_directory_id),
        epoch: LeaderEpoch(ask.replica_epoch),
        last_epoch: LeaderEpoch(ask.last_offset_epoch),
        end: Offset(ask.last_offset),
        pre: ask.pre_vote,
    })
}

pub fn vote_reply(code: Option<ErrorCode>, standing: &Standing, granted: bool) -> m::VoteResponse {
    use m::vote_response::{NodeEndpoint, PartitionData, TopicData};
    let partition = PartitionData::default()
        .with_error_code(wire(code))
        .with_leader_id(standing.id())
        .with_leader_epoch(standing.epoch.0)
        .with_vote_granted(granted);
    m::VoteResponse::default()
        .with_topics(vec![TopicData::default().with_topic_name(topic()).with_partitions(vec![partition])])
        .with_node_endpoints(endpoints!(standing))
}

pub fn begin_request(
    cluster: Option<StrBytes>,
    to: NodeId,
    leader: NodeId,
    epoch: LeaderEpoch,
) -> m::BeginQuorumEpochRequest {
    use m::begin_quorum_epoch_request::{PartitionData, TopicData};
    let partition = PartitionData::default().with_leader_id(BrokerId(leader.0)).with_leader_epoch(epoch.0);
    m::BeginQuorumEpochRequest::default()
        .with_cluster_id(cluster)
        .with_voter_id(BrokerId(to.0))
        .with_topics(vec![TopicData::default().with_topic_name(topic()).with_partitions(vec![partition])])
}

pub fn begin_reply(code: Option<ErrorCode>, standing: &Standing) -> m::BeginQuorumEpochResponse {
    epoch_reply!(begin_quorum_epoch_response, BeginQuorumEpochResponse, code, standing)
}

pub fn end_request(
    cluster: Option<StrBytes>,
    leader: NodeId,
    epoch: LeaderEpoch,
    successors: &[NodeId],
) -> m::EndQuorumEpochRequest {
    use m::end_quorum_epoch_request::{PartitionData, ReplicaInfo, TopicData};
    let candidates = successors.iter().map(|id| ReplicaInfo::default().with_candidate_id(BrokerId(id.0))).collect();
    let partition = PartitionData::default()
        .with_leader_id(BrokerId(leader.0))
        .with_leader_epoch(epoch.0)
        .with_preferred_candidates(candidates);
    m::EndQuorumEpochRequest::default()
        .with_cluster_id(cluster)
        .with_topics(vec![TopicData::default().with_topic_name(topic()).with_partitions(vec![partition])])
}

pub fn end_reply(code: Option<ErrorCode>, standing: &Standing) -> m::EndQuorumEpochResponse {
    epoch_reply!(end_quorum_epoch_response, EndQuorumEpochResponse, code, standing)
}

/// What a follower's Fetch says of its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogEnd {
    pub end: Offset,
    pub last_epoch: LeaderEpoch,
    pub synced: Offset,
    pub start: Offset,
    /// The watermark it knows: the leader answers at once when its own is higher (KIP-1166).
    pub watermark: Offset,
}

pub fn fetch_request(
    cluster: Option<StrBytes>,
    from: NodeId,
    epoch: LeaderEpoch,
    log: LogEnd,
    limits: (i32, i32),
) -> m::FetchRequest {
    use m::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
    let (max_wait_ms, max_bytes) = limits;
    let mut partition = FetchPartition::default()
        .with_current_leader_epoch(epoch.0)
        .with_fetch_offset(log.end.0)
        .with_last_fetched_epoch(log.last_epoch.0)
        .with_log_start_offset(log.start.0)
        .with_partition_max_bytes(max_bytes)
        .with_high_watermark(log.watermark.0);
    let synced = Bytes::copy_from_slice(&log.synced.0.to_be_bytes());
    partition.unknown_tagged_fields.insert(SYNCED_TAG, synced);
    let topic = FetchTopic::default()
        .with_topic(topic())
        .with_topic_id(Uuid::METADATA_TOPIC.into())
        .with_partitions(vec![partition]);
    m::FetchRequest::default()
        .with_cluster_id(cluster)
        .with_replica_state(ReplicaState::default().with_replica_id(BrokerId(from.0)))
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(0)
        .with_max_bytes(max_bytes)
        .with_topics(vec![topic])
}

/// How far the sender's log is on its stable storage: what it says, or without the tag what it fetched.
pub fn read_synced(partition: &m::fetch_request::FetchPartition) -> Offset {
    let tagged = partition.unknown_tagged_fields.get(&SYNCED_TAG).and_then(|bytes| bytes.as_ref().try_into().ok());
    let synced = tagged.map_or(partition.fetch_offset, i64::from_be_bytes);
    Offset(synced.clamp(0, partition.fetch_offset.max(0)))
}

/// A Fetch reply's partition before it is filled in: no error, no records.
pub fn fetch_part(standing: &Standing) -> m::fetch_response::PartitionData {
    use m::fetch_response::{LeaderIdAndEpoch, PartitionData};
    PartitionData::default()
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_current_leader(
            LeaderIdAndEpoch::default().with_leader_id(standing.id()).with_leader_epoch(standing.epoch.0),
        )
        .with_records(Some(Bytes::new()))
}

pub fn fetch_reply(standing: &Standing, partition: m::fetch_response::PartitionData) -> m::FetchResponse {
    use m::fetch_response::{FetchableTopicResponse, NodeEndpoint};
    let topic = FetchableTopicResponse::default()
        .with_topic(topic())
        .with_topic_id(Uuid::METADATA_TOPIC.into())
        .with_partitions(vec![partition]);
    m::FetchResponse::default().with_responses(vec![topic]).with_node_endpoints(endpoints!(standing))
}

/// A request for a piece of a snapshot's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    pub epoch: LeaderEpoch,
    pub id: SnapshotId,
    pub position: i64,
}

pub fn snapshot_request(
    cluster: Option<StrBytes>,
    from: NodeId,
    piece: Piece,
    max_bytes: i32,
) -> m::FetchSnapshotRequest {
    use m::fetch_snapshot_request::{PartitionSnapshot, SnapshotId as WireId, TopicSnapshot};
    let partition = PartitionSnapshot::default()
        .with_partition(0)
        .with_current_leader_epoch(piece.epoch.0)
        .with_snapshot_id(WireId::default().with_end_offset(piece.id.offset.0).with_epoch(piece.id.epoch.0))
        .with_position(piece.position);
    m::FetchSnapshotRequest::default()
        .with_cluster_id(cluster)
        .with_replica_id(BrokerId(from.0))
        .with_max_bytes(max_bytes)
        .with_topics(vec![TopicSnapshot::default().with_name(topic()).with_partitions(vec![partition])])
}

/// A FetchSnapshot reply; `found`: the size of the file, the position and the bytes there.
pub fn snapshot_reply(
    code: Option<ErrorCode>,
    standing: &Standing,
    id: SnapshotId,
    found: Option<(i64, i64, Bytes)>,
) -> m::FetchSnapshotResponse {
    use m::fetch_snapshot_response::{
        LeaderIdAndEpoch, NodeEndpoint, PartitionSnapshot, SnapshotId as WireId, TopicSnapshot,
    };
    let (size, position, bytes) = found.unwrap_or_default();
    let partition = PartitionSnapshot::default()
        .with_error_code(wire(code))
        .with_snapshot_id(WireId::default().with_end_offset(id.offset.0).with_epoch(id.epoch.0))
        .with_current_leader(
            LeaderIdAndEpoch::default().with_leader_id(standing.id()).with_leader_epoch(standing.epoch.0),
        )
        .with_size(size)
        .with_position(position)
        .with_unaligned_records(bytes);
    m::FetchSnapshotResponse::default()
        .with_topics(vec![TopicSnapshot::default().with_name(topic()).with_partitions(vec![partition])])
        .with_node_endpoints(endpoints!(standing))
}

/// Kafka's number of the error; 0: none.
pub fn wire(code: Option<ErrorCode>) -> i16 {
    code.map_or(0, |code| code.code())
}

/// The records of a leader's first batch: LeaderChangeMessage (KIP-595), key and value.
pub fn leader_change(leader: NodeId, voters: &[NodeId], granting: &[NodeId]) -> (Vec<u8>, Vec<u8>) {
    const LEADER_CHANGE: i16 = 2;
    let mut key = Vec::new();
    key.extend_from_slice(&0i16.to_be_bytes());
    key.extend_from_slice(&LEADER_CHANGE.to_be_bytes());
    let mut value = Vec::new();
    value.extend_from_slice(&0i16.to_be_bytes());
    value.extend_from_slice(&leader.0.to_be_bytes());
    for list in [voters, granting] {
        put_unsigned(&mut value, list.len() as u64 + 1);
        for id in list {
            value.extend_from_slice(&id.0.to_be_bytes());
            value.push(0);
        }
    }
    value.push(0);
    (key, value)
}

fn put_unsigned(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use kafka_protocol::protocol::{Decodable, Encodable, Message};

    fn round<M: Encodable + Decodable + Message + PartialEq + core::fmt::Debug>(message: &M) -> M {
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes, M::VERSIONS.max).expect("the newest version has room for all");
        M::decode(&mut bytes.freeze(), M::VERSIONS.max).expect("what was written is read")
    }

    fn standing() -> Standing {
        let at = Address { host: StrBytes::from_static_str("h"), port: 9 };
        Standing { leader: Some((NodeId(2), Some(at))), epoch: LeaderEpoch(5) }
    }

    #[test]
    fn the_wire_carries_what_is_meant() {
        let ask = Ballotpaper {
            from: NodeId(1),
            directory: Uuid(5),
            voter: Uuid(6),
            epoch: LeaderEpoch(4),
            last_epoch: LeaderEpoch(3),
            end: Offset(9),
            pre: true,
        };
        assert_eq!(read_vote(&round(&vote_request(None, NodeId(2), ask))), Some(ask));
        let reply = round(&vote_reply(None, &standing(), true));
        assert_eq!(reply.node_endpoints.len(), 1);
        assert!(reply.topics[0].partitions[0].vote_granted);
        round(&begin_request(cluster(Some(&String::from("c"))), NodeId(1), NodeId(2), LeaderEpoch(3)));
        round(&begin_reply(Some(ErrorCode::FencedLeaderEpoch), &standing()));
        let end = round(&end_request(None, NodeId(1), LeaderEpoch(3), &[NodeId(2), NodeId(3)]));
        assert_eq!(end.topics[0].partitions[0].preferred_candidates.len(), 2);
        round(&end_reply(None, &standing()));
    }

    #[test]
    fn a_fetch_tells_its_synced_end() {
        let log = LogEnd {
            end: Offset(7),
            last_epoch: LeaderEpoch(2),
            synced: Offset(5),
            start: Offset(0),
            watermark: Offset(4),
        };
        let request = round(&fetch_request(None, NodeId(1), LeaderEpoch(3), log, (500, 100)));
        let part = &request.topics[0].partitions[0];
        assert_eq!(
            (read_synced(part), part.high_watermark, request.replica_state.replica_id),
            (Offset(5), 4, BrokerId(1))
        );
        let plain = part.clone().with_unknown_tagged_fields(Default::default());
        assert_eq!(read_synced(&plain), Offset(7), "without the tag its fetch offset counts");
        for bad in [i64::MIN, -1, 8, i64::MAX] {
            let mut part = part.clone();
            part.unknown_tagged_fields.insert(SYNCED_TAG, Bytes::copy_from_slice(&bad.to_be_bytes()));
            assert!((0..=7).contains(&read_synced(&part).0), "{bad}");
        }
        // Kafka's default for one that does not say: an answer is then never sent for the watermark's sake.
        assert_eq!(m::fetch_request::FetchPartition::default().high_watermark, i64::MAX);
        round(&fetch_reply(&standing(), fetch_part(&standing())));
    }

    #[test]
    fn a_snapshots_piece_goes_over_the_wire() {
        let id = SnapshotId { offset: Offset(10), epoch: LeaderEpoch(2) };
        round(&snapshot_request(None, NodeId(1), Piece { epoch: LeaderEpoch(3), id, position: 4 }, 100));
        let reply = round(&snapshot_reply(None, &standing(), id, Some((8, 4, Bytes::from_static(b"abcd")))));
        assert_eq!(&reply.topics[0].partitions[0].unaligned_records[..], b"abcd");
    }

    #[test]
    fn the_leader_change_is_kafkas() {
        let (key, value) = leader_change(NodeId(1), &[NodeId(1), NodeId(2)], &[NodeId(1)]);
        assert_eq!(key, [0, 0, 0, 2]);
        assert_eq!(value, [0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 1, 0, 0]);
    }
}
