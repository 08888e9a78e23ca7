//! A member of a consumer group, as `esker consume --group` is one: classic protocol, range assignment.

use crate::answer;
use crate::client::{Cluster, error_text, expect, is_passing, patiently, text, topic_name};
use crate::exit::{Failure, say};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition};
use kafka_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const SESSION_MS: i32 = 30_000;
const BEAT: Duration = Duration::from_secs(3);
const PROTOCOL: &str = "range";
/// Another node coordinates by now, or this one does not yet.
const ELSEWHERE: [ResponseError; 3] =
    [ResponseError::NotCoordinator, ResponseError::CoordinatorLoadInProgress, ResponseError::CoordinatorNotAvailable];

fn is_elsewhere(code: i16) -> bool {
    ELSEWHERE.iter().any(|error| error.code() == code)
}

pub struct Member {
    group: GroupId,
    topic: String,
    id: StrBytes,
    generation: i32,
    joined: bool,
    /// So many partitions of the topic were shared out, where this member leads the group.
    shared: Option<usize>,
    beaten: Instant,
}

impl Member {
    pub fn new(group: &str, topic: &str) -> Self {
        let group = GroupId(text(group));
        Self {
            group,
            topic: topic.into(),
            id: StrBytes::new(),
            generation: -1,
            joined: false,
            shared: None,
            beaten: Instant::now(),
        }
    }

    pub const fn needs_to_join(&self) -> bool {
        !self.joined
    }

    /// Joins the group. Answers this member's partitions and what was committed for each, -1 where nothing was.
    pub fn join(&mut self, cluster: &mut Cluster) -> Result<Vec<(i32, i64)>, Failure> {
        let what = format!("group {}", self.group.0.as_str());
        let mine = patiently(&what, || {
            let node = cluster.coordinator(self.group.0.as_str())?;
            let mut request = JoinGroupRequest::default();
            request.group_id = self.group.clone();
            request.session_timeout_ms = SESSION_MS;
            request.rebalance_timeout_ms = SESSION_MS;
            request.member_id = self.id.clone();
            request.protocol_type = StrBytes::from_static_str("consumer");
            let metadata = self.subscription();
            request.protocols =
                vec![JoinGroupRequestProtocol::default().with_name(text(PROTOCOL)).with_metadata(metadata)];
            let answer = answer!(JoinGroup, cluster.node(node, ApiKey::JoinGroup, request));
            if answer.error_code == ResponseError::MemberIdRequired.code() {
                self.id = answer.member_id;
                return Ok(None);
            }
            if !self.goes_on(answer.error_code)? {
                return Ok(None);
            }
            self.id = answer.member_id;
            self.generation = answer.generation_id;
            self.shared = None;
            let mut shares = Vec::new();
            if answer.leader == self.id {
                let (wanted, partitions) = counts(cluster, &answer.members)?;
                self.shared = Some(partitions.get(&self.topic).copied().unwrap_or(0));
                shares = share(&wanted, &partitions);
            }
            self.sync(cluster, node, shares)
        })?;
        self.joined = true;
        self.beaten = Instant::now();
        let committed = super::group::committed(cluster, self.group.0.as_str())?;
        let known: BTreeMap<i32, i64> = committed
            .into_iter()
            .filter(|row| row.topic == self.topic)
            .map(|row| (row.partition, row.offset))
            .collect();
        Ok(mine.into_iter().map(|one| (one, known.get(&one).copied().unwrap_or(-1))).collect())
    }

    /// Hears how many partitions the topic has. Who leads the group shares them out anew where they are not as many as before.
    pub fn heed(&mut self, partitions: usize) {
        self.joined &= self.shared.is_none_or(|shared| shared == partitions);
    }

    fn subscription(&self) -> Bytes {
        let subscription = ConsumerProtocolSubscription::default().with_topics(vec![text(&self.topic)]);
        versioned(&subscription)
    }

    fn sync(
        &mut self,
        cluster: &mut Cluster,
        node: i32,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) -> Result<Option<Vec<i32>>, Failure> {
        let mut request = SyncGroupRequest::default();
        request.group_id = self.group.clone();
        request.generation_id = self.generation;
        request.member_id = self.id.clone();
        request.protocol_type = Some(StrBytes::from_static_str("consumer"));
        request.protocol_name = Some(text(PROTOCOL));
        request.assignments = assignments;
        let answer = answer!(SyncGroup, cluster.node(node, ApiKey::SyncGroup, request));
        if !self.goes_on(answer.error_code)? {
            return Ok(None);
        }
        let mut bytes = answer.assignment;
        if bytes.len() < 2 {
            return Ok(Some(Vec::new()));
        }
        let version = bytes.get_i16();
        let assignment = ConsumerProtocolAssignment::decode(&mut bytes, version.clamp(0, 3))
            .map_err(|why| Failure::failed(format!("the group's leader assigned what cannot be read: {why}")))?;
        let mine = assignment.assigned_partitions.iter().filter(|one| one.topic.0.as_str() == self.topic);
        Ok(Some(mine.flat_map(|one| one.partitions.iter().copied()).collect()))
    }

    /// What an error means for this member: `false`: join again.
    fn goes_on(&mut self, code: i16) -> Result<bool, Failure> {
        let again = [ResponseError::RebalanceInProgress, ResponseError::IllegalGeneration];
        if code == ResponseError::UnknownMemberId.code() {
            self.id = StrBytes::new();
            self.joined = false;
            return Ok(false);
        }
        if again.iter().any(|error| error.code() == code) || is_passing(code) {
            self.joined = false;
            return Ok(false);
        }
        expect(code, &format!("group {}", self.group.0.as_str()))?;
        Ok(true)
    }

    /// Tells the coordinator that this member lives, when it is time. One that does not answer is looked for by joining again.
    pub fn beat(&mut self, cluster: &mut Cluster) -> Result<(), Failure> {
        if !self.joined || self.beaten.elapsed() < BEAT {
            return Ok(());
        }
        self.beaten = Instant::now();
        let mut request = HeartbeatRequest::default();
        request.group_id = self.group.clone();
        request.generation_id = self.generation;
        request.member_id = self.id.clone();
        let node = cluster.coordinator(self.group.0.as_str())?;
        match cluster.node(node, ApiKey::Heartbeat, request) {
            Err(why) if !why.is_final() => {
                self.joined = false;
                Ok(())
            }
            answer => {
                let answer = answer!(Heartbeat, answer);
                self.goes_on(answer.error_code).map(|_| ())
            }
        }
    }

    /// Commits the next offset of each partition, at whoever coordinates by then.
    pub fn commit(&mut self, cluster: &mut Cluster, next: &BTreeMap<i32, i64>) -> Result<(), Failure> {
        let partitions = next.iter().map(|(partition, offset)| {
            OffsetCommitRequestPartition::default().with_partition_index(*partition).with_committed_offset(*offset)
        });
        let topic = OffsetCommitRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(partitions.collect());
        let mut request = OffsetCommitRequest::default();
        request.group_id = self.group.clone();
        request.generation_id_or_member_epoch = self.generation;
        request.member_id = self.id.clone();
        request.topics = vec![topic];
        let answer = patiently(&format!("group {}", self.group.0.as_str()), || {
            let node = cluster.coordinator(self.group.0.as_str())?;
            let answer = answer!(OffsetCommit, cluster.node(node, ApiKey::OffsetCommit, request.clone()));
            let mut each = answer.topics.iter().flat_map(|topic| &topic.partitions);
            Ok(if each.any(|one| is_elsewhere(one.error_code)) { None } else { Some(answer) })
        })?;
        for one in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            if !self.goes_on(one.error_code)? {
                let why = error_text(one.error_code).unwrap_or_default();
                say(format_args!("partition {} was not committed ({why}); joining again", one.partition_index));
            }
        }
        Ok(())
    }

    /// Leaves the group, if it was ever joined.
    pub fn leave(&mut self, cluster: &mut Cluster) -> Result<(), Failure> {
        if self.id.is_empty() {
            return Ok(());
        }
        let mut request = LeaveGroupRequest::default();
        request.group_id = self.group.clone();
        let node = cluster.coordinator(self.group.0.as_str())?;
        if cluster.link_to(node)?.version(ApiKey::LeaveGroup)? >= 3 {
            request.members = vec![MemberIdentity::default().with_member_id(self.id.clone())];
        } else {
            request.member_id = self.id.clone();
        }
        cluster.node(node, ApiKey::LeaveGroup, request).map(|_| ())
    }
}

/// A message of the consumer protocol, with its version before it.
fn versioned(message: &impl Encodable) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    let encoded = message.encode(&mut bytes, 0);
    assert!(encoded.is_ok(), "version 0 carries these fields");
    bytes.freeze()
}

/// The topics that each member wants.
type Wanted<'a> = BTreeMap<&'a StrBytes, BTreeSet<String>>;

/// What each member wants, and the partitions that the topics have now: they may be more than at the last join, and members of other
/// kinds may have asked for other topics.
fn counts<'a>(
    cluster: &mut Cluster,
    members: &'a [JoinGroupResponseMember],
) -> Result<(Wanted<'a>, BTreeMap<String, usize>), Failure> {
    let wanted: Wanted<'_> = members.iter().map(|member| (&member.member_id, topics(&member.metadata))).collect();
    let names: BTreeSet<&str> = wanted.values().flatten().map(String::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let found = cluster.metadata(Some(&names), false)?;
    let count = |topic: &MetadataResponseTopic| Some((topic.name.as_ref()?.0.to_string(), topic.partitions.len()));
    let partitions = found.topics.iter().filter_map(count).collect();
    Ok((wanted, partitions))
}

/// Range assignment, topic by topic: members in order of their ids, the first ones get one more where it does not come out even.
fn share(wanted: &Wanted<'_>, partitions: &BTreeMap<String, usize>) -> Vec<SyncGroupRequestAssignment> {
    let mut shares: BTreeMap<&StrBytes, Vec<TopicPartition>> =
        wanted.keys().map(|member| (*member, Vec::new())).collect();
    for (topic, partitions) in partitions {
        let wanting: Vec<&StrBytes> =
            wanted.iter().filter(|(_, topics)| topics.contains(topic)).map(|(member, _)| *member).collect();
        let mut first = 0;
        for (place, member) in wanting.iter().enumerate() {
            let count = partitions / wanting.len() + usize::from(place < partitions % wanting.len());
            let mine: Vec<i32> = (first..first + count).filter_map(|one| i32::try_from(one).ok()).collect();
            first += count;
            if !mine.is_empty() {
                let assigned = TopicPartition::default().with_topic(topic_name(topic)).with_partitions(mine);
                shares.entry(member).or_default().push(assigned);
            }
        }
    }
    let assignment = |(member, assigned): (&StrBytes, Vec<TopicPartition>)| {
        let assignment = ConsumerProtocolAssignment::default().with_assigned_partitions(assigned);
        SyncGroupRequestAssignment::default().with_member_id(member.clone()).with_assignment(versioned(&assignment))
    };
    shares.into_iter().map(assignment).collect()
}

/// The topics that a member has subscribed to; none where that cannot be read.
fn topics(metadata: &Bytes) -> BTreeSet<String> {
    let mut bytes = metadata.clone();
    if bytes.len() < 2 {
        return BTreeSet::new();
    }
    let version = bytes.get_i16().clamp(0, 3);
    ConsumerProtocolSubscription::decode(&mut bytes, version)
        .map_or_else(|_| BTreeSet::new(), |subscription| subscription.topics.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leads_shares_anew_when_there_are_more_partitions() {
        let mut member = Member::new("g", "t");
        (member.joined, member.shared) = (true, Some(3));
        member.heed(3);
        assert!(!member.needs_to_join());
        member.heed(4);
        assert!(member.needs_to_join());
        (member.joined, member.shared) = (true, None);
        member.heed(4);
        assert!(!member.needs_to_join(), "another leads");
    }

    #[test]
    fn every_partition_of_every_wanted_topic_has_one_owner() {
        let [a, b, c] = ["a", "b", "c"].map(text);
        let subscribed = |names: &[&str]| {
            let names = names.iter().map(|name| text(name)).collect();
            topics(&versioned(&ConsumerProtocolSubscription::default().with_topics(names)))
        };
        let wanted =
            BTreeMap::from([(&c, subscribed(&["t"])), (&a, subscribed(&["t", "u"])), (&b, subscribed(&["t", "gone"]))]);
        let partitions = BTreeMap::from([("t".to_string(), 7), ("u".to_string(), 2), ("unwanted".to_string(), 3)]);
        let mut owned = Vec::new();
        for share in share(&wanted, &partitions) {
            let mut bytes = share.assignment.slice(2..);
            let assignment = ConsumerProtocolAssignment::decode(&mut bytes, 0).unwrap();
            for of_topic in assignment.assigned_partitions {
                owned.push((share.member_id.to_string(), of_topic.topic.0.to_string(), of_topic.partitions));
            }
        }
        let expected =
            [("a", "t", vec![0, 1, 2]), ("a", "u", vec![0, 1]), ("b", "t", vec![3, 4]), ("c", "t", vec![5, 6])];
        assert_eq!(owned, expected.map(|(id, topic, mine)| (id.to_string(), topic.to_string(), mine)));
        assert!(topics(&Bytes::from_static(b"\0\0\xff")).is_empty(), "what cannot be read wants nothing");
    }
}
