//! What one request may cost the group coordinator: a node does nothing else meanwhile. The bounds are far above what it takes, and far below
//! what it takes where the work is a product.
//!
//! With the feature `mutants` another bug is chosen for the whole process.
#![cfg(not(feature = "mutants"))]

use bytes::Bytes;
use esker_core::error::ErrorCode;
use esker_core::group::{Decision, Groups, Settings};
use esker_core::id::{ConnId, HoldId, LeaderEpoch, Offset};
use esker_core::io::{Ask, Listener};
use esker_core::rng::Rng;
use esker_core::time::{Mono, Now, Wall};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::OffsetCommitResponseTopic;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_delete_response::OffsetDeleteResponseTopic;
use kafka_protocol::messages::{
    DeleteGroupsRequest, GroupId, JoinGroupRequest, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    ResponseKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const NOW: Now = Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) };
const MOST: Duration = Duration::from_secs(8);

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

/// A coordinator whose log takes everything at once.
struct World {
    groups: Groups,
    end: i64,
    holds: u64,
    appended: usize,
}

impl World {
    fn new() -> Self {
        let settings = Settings { topic_partitions: 1, ..Settings::default() };
        let mut world = Self { groups: Groups::new(settings, Rng::new(1, 1)), end: 0, holds: 0, appended: 0 };
        let led = world.groups.on_leader(NOW, 0, LeaderEpoch(1));
        world.carry_out(led);
        let loaded = world.groups.on_load_done(NOW, 0, Offset(0));
        world.carry_out(loaded);
        world
    }

    fn carry_out(&mut self, decision: Decision) -> Vec<ResponseKind> {
        let mut appends = VecDeque::from(decision.appends);
        let mut releases = decision.releases;
        while let Some(append) = appends.pop_front() {
            let base = Offset(self.end);
            self.end += append.records.len() as i64;
            self.appended += append.records.len();
            for next in [self.groups.on_appended(NOW, 0, base), self.groups.on_committed(NOW, 0, Offset(self.end))] {
                appends.extend(next.appends);
                releases.extend(next.releases);
            }
        }
        releases.into_iter().map(|release| release.response).collect()
    }

    /// The replies that leave at once.
    fn ask(&mut self, act: impl FnOnce(&mut Groups, HoldId) -> Decision) -> Vec<ResponseKind> {
        self.holds += 1;
        let decision = act(&mut self.groups, HoldId(self.holds));
        self.carry_out(decision)
    }

    fn commit(&mut self, group: &str, topics: &[StrBytes], refused: &[StrBytes]) -> Vec<ResponseKind> {
        let topics = topics.iter().map(|name| {
            let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
            OffsetCommitRequestTopic::default().with_name(TopicName(name.clone())).with_partitions([partition].into())
        });
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(topics.collect());
        let refused =
            refused.iter().map(|name| OffsetCommitResponseTopic::default().with_name(TopicName(name.clone())));
        let refused = OffsetCommitResponse::default().with_topics(refused.collect());
        self.ask(|groups, hold| groups.on_commit(NOW, hold, &ask(), &request, refused))
    }
}

fn ask() -> Ask {
    Ask {
        conn: ConnId(1),
        seq: 0,
        version: 3,
        listener: Listener::Broker,
        door: 0,
        client_id: text("cli"),
        client_host: text("/127.0.0.1"),
    }
}

fn names(what: &str, count: usize) -> Vec<StrBytes> {
    (0..count).map(|number| text(&format!("{what}{number:05}"))).collect()
}

#[track_caller]
fn in_time<T>(act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < MOST, "it took {:?}", begun.elapsed());
    done
}

/// Nor do topics cost anything that no group has offsets of.
#[test]
fn topics_are_deleted_without_a_look_at_the_offsets_of_others() {
    let mut world = World::new();
    let kept = names("kept", 100);
    for group in names("g", 300) {
        world.commit(&group, &kept, &[]);
    }
    world.commit("g", &[text("gone")], &[]);
    let before = world.appended;
    in_time(|| {
        for topic in names("unread", 1000) {
            let decision = world.groups.on_topics_deleted(NOW, &[topic]);
            assert!(decision.is_empty());
        }
    });
    let decision = world.groups.on_topics_deleted(NOW, &[text("gone"), text("unread")]);
    world.carry_out(decision);
    assert_eq!(world.appended, before + 1);
}

#[test]
fn a_join_may_name_many_assignors() {
    let mut world = World::new();
    let join = |assignors: Vec<StrBytes>| {
        let protocols = assignors
            .into_iter()
            .map(|name| JoinGroupRequestProtocol::default().with_name(name).with_metadata(Bytes::new()));
        JoinGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(60_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(protocols.collect())
    };
    let shared = || text("z");
    let (first, other) = (names("a", 20_000), names("b", 20_000));
    let told = in_time(|| {
        let first = join(first.into_iter().chain([shared()]).collect());
        assert!(world.ask(|groups, hold| groups.on_join(NOW, hold, &ask(), &first)).is_empty(), "it waits");
        let stranger = join(other.clone());
        let refused = world.ask(|groups, hold| groups.on_join(NOW, hold, &ask(), &stranger));
        let second = join(other.into_iter().chain([shared()]).collect());
        assert!(world.ask(|groups, hold| groups.on_join(NOW, hold, &ask(), &second)).is_empty(), "it waits");
        let mut told = refused;
        while told.len() < 3 {
            let at = world.groups.next_deadline().expect("joining has an end");
            let decision = world.groups.on_tick(Now { mono: at, ..NOW });
            told.extend(world.carry_out(decision));
        }
        told
    });
    let told = told.iter().map(|told| match told {
        ResponseKind::JoinGroup(told) => (told.error_code, told.protocol_name.clone()),
        other => panic!("no join but {other:?}"),
    });
    let refused = (ErrorCode::InconsistentGroupProtocol.code(), None);
    assert_eq!(told.collect::<Vec<_>>(), [refused, (0, Some(shared())), (0, Some(shared()))]);
}

#[test]
fn many_groups_are_deleted_at_once() {
    let mut world = World::new();
    world.commit("n00007", &[text("t")], &[]);
    let groups: Vec<_> = names("n", 30_000).into_iter().map(GroupId).collect();
    let request = DeleteGroupsRequest::default().with_groups_names([groups.clone(), groups].concat());
    let told = in_time(|| world.ask(|groups, hold| groups.on_delete(NOW, hold, &request)));
    let [ResponseKind::DeleteGroups(told)] = &told[..] else { panic!("no deletion but {told:?}") };
    let done: Vec<_> = told.results.iter().filter(|one| one.error_code == 0).map(|one| one.group_id.as_str()).collect();
    assert_eq!((told.results.len(), done), (30_000, vec!["n00007"]), "named twice, told once");
}

#[test]
fn many_topics_are_answered_beside_many_that_were_refused() {
    let mut world = World::new();
    let (unknown, known) = (names("u", 20_000), names("k", 20_000));
    let told = in_time(|| world.commit("g", &known, &unknown));
    let [ResponseKind::OffsetCommit(told)] = &told[..] else { panic!("no commit but {told:?}") };
    assert_eq!(told.topics.len(), 40_000);
    let part = OffsetDeleteRequestPartition::default();
    let topics = known.into_iter().map(|name| {
        OffsetDeleteRequestTopic::default().with_name(TopicName(name)).with_partitions([part.clone()].into())
    });
    let request = OffsetDeleteRequest::default().with_group_id(GroupId(text("g"))).with_topics(topics.collect());
    let refused = unknown.into_iter().map(|name| OffsetDeleteResponseTopic::default().with_name(TopicName(name)));
    let refused = refused.collect();
    let told = in_time(|| world.ask(|groups, hold| groups.on_offset_delete(NOW, hold, &request, refused)));
    let [ResponseKind::OffsetDelete(told)] = &told[..] else { panic!("no deletion but {told:?}") };
    assert_eq!(told.topics.len(), 40_000);
}
