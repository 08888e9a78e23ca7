//! The coordinator with a log in memory: what it appends is kept, what it lets go is kept, time goes by on demand.

mod admin;
mod expiry;
mod failover;
mod golden;
mod joining;
mod lasting;
mod offsets;
mod random;
mod statics;
mod syncing;

use super::decision::{Append, Decision, Record};
use super::groups::Groups;
use super::settings::Settings;
use crate::batch::Builder;
use crate::error::ErrorCode;
use crate::id::{ConnId, HoldId, LeaderEpoch, Offset};
use crate::io::{Ask, Listener};
use crate::rng::Rng;
use crate::time::{Mono, Now, Wall};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchResponse, ResponseKind, SyncGroupRequest, SyncGroupResponse,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;

pub(super) const GROUP: &str = "g";

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

/// A node's coordinator, the log of each partition of its topic, and whoever asks it.
pub(super) struct World {
    pub groups: Groups,
    pub logs: BTreeMap<i32, Vec<(Offset, Record)>>,
    pub watermarks: BTreeMap<i32, i64>,
    /// What is appended is committed at once.
    pub commits: bool,
    /// Whether the controller has vouched for the node of late.
    pub vouched: bool,
    /// The next append is refused.
    pub refuse: Option<ErrorCode>,
    pub now: Now,
    pub replies: BTreeMap<HoldId, ResponseKind>,
    holds: u64,
    pub version: i16,
}

impl World {
    pub fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { topic_partitions: 1, ..Settings::default() };
        change(&mut settings);
        let partitions = settings.topic_partitions;
        let mut world = Self {
            groups: Groups::new(settings, Rng::new(1, 1)),
            logs: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            commits: true,
            vouched: true,
            refuse: None,
            now: Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) },
            replies: BTreeMap::new(),
            holds: 0,
            version: 9,
        };
        for partition in 0..partitions {
            world.load(partition);
        }
        world
    }

    /// The node begins to lead `partition`, whose log is as it is.
    pub fn load(&mut self, partition: i32) {
        let decision = self.groups.on_leader(self.now, partition, LeaderEpoch(1));
        self.carry_out(decision);
        let batches = self.batches(partition);
        assert_eq!(self.groups.on_loaded_batches(self.now, partition, &batches), 0);
        let watermark = Offset(self.watermarks.get(&partition).copied().unwrap_or(0));
        let decision = self.groups.on_load_done(self.now, partition, watermark);
        self.carry_out(decision);
    }

    /// A batch a record, at its own offset: as a log that was compacted may be.
    pub fn batches(&self, partition: i32) -> Vec<Bytes> {
        let log = self.logs.get(&partition).map_or(&[][..], Vec::as_slice);
        let batch = |(at, record): &(Offset, Record)| {
            let mut batch = Builder::new().base(*at);
            batch.push(0, Some(&record.key), record.value.as_deref(), &[]);
            batch.finish()
        };
        log.iter().map(batch).collect()
    }

    pub fn carry_out(&mut self, decision: Decision) {
        let mut appends: VecDeque<Append> = decision.appends.into();
        self.keep(decision.releases);
        while let Some(Append { partition, records }) = appends.pop_front() {
            let next = match self.refuse.take() {
                Some(code) => self.groups.on_append_failed(self.now, partition, code),
                None => {
                    // What nobody waits for is not to fail by its length.
                    let keys: usize = records.iter().map(|record| record.key.len()).sum();
                    assert!(records.iter().any(|record| record.value.is_some()) || keys < 20_000, "{keys} bytes");
                    let log = self.logs.entry(partition).or_default();
                    let base = log.last().map_or(Offset(0), |(at, _)| at.plus(1));
                    log.extend(records.into_iter().enumerate().map(|(i, record)| (base.plus(i as i64), record)));
                    self.groups.on_appended(self.now, partition, base)
                }
            };
            appends.extend(next.appends);
            self.keep(next.releases);
            if self.commits {
                let next = self.commit_partition(partition);
                appends.extend(next.appends);
                self.keep(next.releases);
            }
        }
        self.groups.check();
    }

    fn commit_partition(&mut self, partition: i32) -> Decision {
        let end = self.logs.get(&partition).and_then(|log| log.last()).map_or(0, |(at, _)| at.0 + 1);
        self.watermarks.insert(partition, end);
        self.groups.on_committed(self.now, partition, Offset(end))
    }

    /// All that was appended is committed now.
    pub fn commit_all(&mut self) {
        for partition in self.logs.keys().copied().collect::<Vec<_>>() {
            let decision = self.commit_partition(partition);
            self.carry_out(decision);
        }
    }

    fn keep(&mut self, releases: Vec<super::Release>) {
        for release in releases {
            let before = self.replies.insert(release.hold, release.response);
            assert!(before.is_none(), "{} was answered twice", release.hold);
        }
    }

    /// Time goes by; whatever becomes due on the way happens at its time.
    pub fn wait(&mut self, ms: u64) {
        let end = Mono(self.now.mono.0 + ms * 1000);
        loop {
            let next = self.groups.next_deadline().filter(|at| *at <= end);
            let at = next.unwrap_or(end).max(self.now.mono);
            self.now.wall.0 += ((at.0 - self.now.mono.0) / 1000) as i64;
            self.now.mono = at;
            let decision = self.groups.on_tick(self.now);
            self.carry_out(decision);
            if next.is_none() {
                return;
            }
        }
    }

    pub fn hold(&mut self) -> HoldId {
        self.holds += 1;
        HoldId(self.holds)
    }

    pub fn ask(&self) -> Ask {
        Ask {
            conn: ConnId(1),
            seq: 0,
            version: self.version,
            listener: Listener::Broker,
            door: 0,
            client_id: text("cli"),
            client_host: text("/127.0.0.1"),
        }
    }

    pub fn send_join(&mut self, request: &JoinGroupRequest) -> HoldId {
        let (hold, ask) = (self.hold(), self.ask());
        let decision = self.groups.on_join(self.now, hold, &ask, request);
        self.carry_out(decision);
        hold
    }

    /// A dynamic member's join, with the round trip for its id if it has none. Answers its id and the waiting request.
    pub fn join(&mut self, member: &str) -> (String, HoldId) {
        let mut request = join_request(member);
        let hold = self.send_join(&request);
        if member.is_empty() && self.version >= 4 {
            let given = self.joined(hold);
            assert_eq!(given.error_code, ErrorCode::MemberIdRequired.code());
            request.member_id = given.member_id.clone();
            return (given.member_id.to_string(), self.send_join(&request));
        }
        (member.to_string(), hold)
    }

    pub fn sync(&mut self, member: &str, generation: i32, assignments: &[(&str, &str)]) -> HoldId {
        let request = sync_request(member, generation, assignments);
        let hold = self.hold();
        let decision = self.groups.on_sync(self.now, hold, &request);
        self.carry_out(decision);
        hold
    }

    pub fn heartbeat(&mut self, member: &str, generation: i32) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId(text(GROUP)))
            .with_member_id(text(member))
            .with_generation_id(generation);
        let hold = self.hold();
        let decision = self.groups.on_heartbeat(self.now, hold, &request);
        self.carry_out(decision);
        let Some(ResponseKind::Heartbeat(response)) = self.replies.remove(&hold) else { panic!("no heartbeat") };
        response.error_code
    }

    pub fn leave(&mut self, member: &str, instance: Option<&str>) -> LeaveGroupResponse {
        let hold = self.send_leave(member, instance);
        let Some(ResponseKind::LeaveGroup(response)) = self.replies.remove(&hold) else { panic!("no leave") };
        response
    }

    pub fn send_leave(&mut self, member: &str, instance: Option<&str>) -> HoldId {
        let member = MemberIdentity::default().with_member_id(text(member)).with_group_instance_id(instance.map(text));
        let request = LeaveGroupRequest::default().with_group_id(GroupId(text(GROUP))).with_members(vec![member]);
        let hold = self.hold();
        let decision = self.groups.on_leave(self.now, hold, &request);
        self.carry_out(decision);
        hold
    }

    pub fn send_commit(&mut self, request: &OffsetCommitRequest) -> HoldId {
        let (hold, ask) = (self.hold(), self.ask());
        let decision = self.groups.on_commit(self.now, hold, &ask, request, OffsetCommitResponse::default());
        self.carry_out(decision);
        hold
    }

    /// Commits one offset of `t-0`; the code at the partition.
    pub fn commit(&mut self, member: &str, generation: i32, offset: i64) -> i16 {
        let hold = self.send_commit(&commit_request(GROUP, member, generation, "t", 0, offset));
        self.committed(hold)
    }

    pub fn committed(&mut self, hold: HoldId) -> i16 {
        let Some(ResponseKind::OffsetCommit(response)) = self.replies.remove(&hold) else { panic!("no commit") };
        response.topics[0].partitions[0].error_code
    }

    pub fn send_fetch(&mut self, groups: &[OffsetFetchRequestGroup]) -> HoldId {
        let hold = self.hold();
        let decision = self.groups.on_fetch(self.now, hold, groups, true, self.vouched);
        self.carry_out(decision);
        hold
    }

    pub fn fetched(&mut self, hold: HoldId) -> OffsetFetchResponse {
        let Some(response @ ResponseKind::OffsetFetch(_)) = self.replies.remove(&hold) else { panic!("no offsets") };
        let ResponseKind::OffsetFetch(response) = super::shape(response, self.version) else { panic!("no offsets") };
        response
    }

    /// The committed offset of `t-0`; -1: none.
    pub fn offset(&mut self) -> i64 {
        let hold = self.send_fetch(&[fetch_request(GROUP, Some(("t", 0)))]);
        self.fetched(hold).groups[0].topics[0].partitions[0].committed_offset
    }

    pub fn joined(&mut self, hold: HoldId) -> JoinGroupResponse {
        match self.replies.remove(&hold) {
            Some(ResponseKind::JoinGroup(response)) => response,
            other => panic!("no join but {other:?}"),
        }
    }

    pub fn synced(&mut self, hold: HoldId) -> SyncGroupResponse {
        match self.replies.remove(&hold) {
            Some(ResponseKind::SyncGroup(response)) => response,
            other => panic!("no sync but {other:?}"),
        }
    }

    pub fn is_waiting(&self, hold: HoldId) -> bool {
        !self.replies.contains_key(&hold)
    }

    /// A group of as many members, stable in its generation, which is answered; the first one leads.
    pub fn stable(&mut self, members: usize) -> (Vec<String>, i32) {
        let joins: Vec<_> = (0..members).map(|_| self.join("")).collect();
        self.wait(3_000 * members as u64);
        let mut ids: Vec<String> = joins.iter().map(|(id, _)| id.clone()).collect();
        let answers: Vec<_> = joins.iter().map(|(_, hold)| self.joined(*hold)).collect();
        let (leader, generation) = (answers[0].leader.to_string(), answers[0].generation_id);
        assert!(answers.iter().all(|answer| answer.error_code == 0 && answer.generation_id == generation));
        ids.sort_by_key(|id| *id != leader);
        self.sync_all(&ids, generation);
        (ids, generation)
    }

    /// Every member syncs, the first one as the leader; each gets an assignment that is its own id.
    pub fn sync_all(&mut self, ids: &[String], generation: i32) {
        let assignments: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
        let followers: Vec<_> = ids.iter().skip(1).map(|id| self.sync(id, generation, &[])).collect();
        let leader = self.sync(&ids[0], generation, &assignments);
        for (hold, id) in followers.into_iter().chain([leader]).zip(ids.iter().skip(1).chain(ids.first())) {
            let answer = self.synced(hold);
            assert_eq!((answer.error_code, &answer.assignment[..]), (0, id.as_bytes()));
        }
    }

    pub fn state(&self) -> &'static str {
        self.groups.active().find_map(|shard| shard.groups.get(&text(GROUP))).map_or("Dead", |group| group.state())
    }

    pub fn generation(&self) -> i32 {
        self.groups.active().find_map(|shard| shard.groups.get(&text(GROUP))).map_or(-1, |group| group.generation)
    }
}

pub(super) fn join_request(member: &str) -> JoinGroupRequest {
    JoinGroupRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_member_id(text(member))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol("range", &["t"])])
}

pub(super) fn static_request(instance: &str, member: &str) -> JoinGroupRequest {
    join_request(member).with_group_instance_id(Some(text(instance)))
}

/// An assignor with the subscription to `topics`, as consumers write it.
pub(super) fn protocol(name: &str, topics: &[&str]) -> JoinGroupRequestProtocol {
    let mut said = vec![0, 0];
    said.extend_from_slice(&(topics.len() as i32).to_be_bytes());
    for topic in topics {
        said.extend_from_slice(&(topic.len() as i16).to_be_bytes());
        said.extend_from_slice(topic.as_bytes());
    }
    said.extend_from_slice(&(-1i32).to_be_bytes());
    JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(Bytes::from(said))
}

pub(super) fn sync_request(member: &str, generation: i32, assignments: &[(&str, &str)]) -> SyncGroupRequest {
    let assignments = assignments.iter().map(|(member, assignment)| {
        SyncGroupRequestAssignment::default()
            .with_member_id(text(member))
            .with_assignment(Bytes::copy_from_slice(assignment.as_bytes()))
    });
    SyncGroupRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_member_id(text(member))
        .with_generation_id(generation)
        .with_assignments(assignments.collect())
}

pub(super) fn commit_request(
    group: &str,
    member: &str,
    generation: i32,
    topic: &str,
    partition: i32,
    offset: i64,
) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("m")));
    let topic = OffsetCommitRequestTopic::default().with_name(TopicName(text(topic))).with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic])
}

pub(super) fn fetch_request(group: &str, place: Option<(&str, i32)>) -> OffsetFetchRequestGroup {
    let topics = place.map(|(topic, partition)| {
        vec![
            OffsetFetchRequestTopics::default()
                .with_name(TopicName(text(topic)))
                .with_partition_indexes(vec![partition]),
        ]
    });
    OffsetFetchRequestGroup::default().with_group_id(GroupId(text(group))).with_topics(topics)
}
