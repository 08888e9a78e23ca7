//! Random requests and deaths against the controller: what must hold, holds after each.

use super::fixture::{Cluster, creatable, nodes};
use crate::id::{NodeId, PartitionKey};
use crate::metadata::{Image, Partition, decode, encode};
use crate::rng::Rng;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, ElectLeadersRequest, TopicName,
};

const BROKERS: i32 = 5;

/// A cluster under random events, and what was true before the last one.
struct Model {
    cluster: Cluster,
    rng: Rng,
    /// Which brokers' processes live, and how often each was started.
    alive: Vec<bool>,
    starts: Vec<u128>,
    before: BTreeMap<PartitionKey, Partition>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let cluster = Cluster::with(BROKERS, &[("default.replication.factor", "3"), ("num.partitions", "2")]);
        let alive = (0..BROKERS).map(|_| true).collect();
        let starts = (0..BROKERS).map(|_| 0).collect();
        Self { cluster, rng: Rng::new(seed, 0), alive, starts, before: BTreeMap::new() }
    }

    fn below(&mut self, bound: i32) -> i32 {
        i32::try_from(self.rng.below(u64::from(bound.unsigned_abs()))).unwrap_or(0)
    }

    fn living(&self) -> Vec<i32> {
        (1..).zip(&self.alive).filter(|(_, alive)| **alive).map(|(id, _)| id).collect()
    }

    fn any_partition(&mut self) -> Option<(PartitionKey, Partition)> {
        let all: Vec<_> = self
            .cluster
            .controller
            .image()
            .topics()
            .flat_map(|t| t.each_partition())
            .map(|(k, s)| (k, s.clone()))
            .collect();
        let at = usize::try_from(self.below(i32::try_from(all.len()).unwrap_or(0))).unwrap_or(0);
        all.get(at).cloned()
    }

    fn step(&mut self) {
        match self.below(11) {
            0 => self.create(),
            1 => self.delete_or_widen(),
            2 => self.die_or_start(),
            3 => self.elect(),
            4..=7 => self.alter(),
            8 => self.reassign(),
            _ => {
                let (ms, living) = (u64::from(self.below(3000).unsigned_abs()), self.living());
                self.cluster.pass(ms, &living);
            }
        }
        self.hold();
    }

    fn create(&mut self) {
        let name = format!("t{}", self.below(6));
        let unclean = self.below(3) == 0;
        let mut topic = creatable(&name, 1 + self.below(4), 1 + i16::try_from(self.below(3)).unwrap_or(0));
        if unclean {
            let config = kafka_protocol::messages::create_topics_request::CreatableTopicConfig::default();
            topic
                .configs
                .push(config.with_name("unclean.leader.election.enable".into()).with_value(Some("true".into())));
        }
        let request = CreateTopicsRequest::default().with_topics([topic].into());
        let decision = self.cluster.controller.decide_create_topics(&request);
        assert_eq!(decision, self.cluster.controller.decide_create_topics(&request), "decided twice, decided the same");
        self.cluster.take(decision);
    }

    fn delete_or_widen(&mut self) {
        let name = TopicName(format!("t{}", self.below(6)).into());
        if self.below(2) == 0 {
            let topic = DeleteTopicState::default().with_name(Some(name));
            let decision = self
                .cluster
                .controller
                .decide_delete_topics(6, &DeleteTopicsRequest::default().with_topics([topic].into()));
            self.cluster.take(decision);
        } else {
            let topic =
                CreatePartitionsTopic::default().with_name(name).with_count(1 + self.below(6)).with_assignments(None);
            let request = CreatePartitionsRequest::default().with_topics([topic].into());
            let decision = self.cluster.controller.decide_create_partitions(&request);
            self.cluster.take(decision);
        }
    }

    fn die_or_start(&mut self) {
        let id = 1 + self.below(BROKERS);
        let at = usize::try_from(id - 1).unwrap_or(0);
        if self.alive[at] {
            self.cluster.kill(id);
        } else {
            self.starts[at] += 1;
            let incarnation = 1000 + id.unsigned_abs() as u128 + 100 * self.starts[at];
            let request = self.cluster.registration(id, incarnation);
            if self.cluster.register(&request).error_code != 0 {
                return;
            }
            self.cluster.heartbeat(id, |_| ());
        }
        self.alive[at] = !self.alive[at];
    }

    fn elect(&mut self) {
        let kind = i8::try_from(self.below(2)).unwrap_or(0);
        let request = ElectLeadersRequest::default().with_election_type(kind).with_topic_partitions(None);
        // An unclean election that an admin asks for is his own: the model is about what happens unasked.
        if kind == 0 {
            let decision = self.cluster.controller.decide_elect_leaders(&request);
            self.cluster.take(decision);
        }
    }

    /// Some brokers, in some order; or what was begun is given up.
    fn reassign(&mut self) {
        let Some((key, _)) = self.any_partition() else { return };
        let Some(name) = self.cluster.controller.image().topic(key.topic).map(|topic| topic.name.wire()) else {
            return;
        };
        let first = self.below(BROKERS);
        let count = 1 + self.below(3);
        let replicas = (0..count).map(|step| BrokerId(1 + (first + step * 2) % BROKERS)).collect();
        let partition = ReassignablePartition::default()
            .with_partition_index(key.partition)
            .with_replicas((self.below(4) > 0).then_some(replicas));
        let topic = ReassignableTopic::default().with_name(TopicName(name)).with_partitions([partition].into());
        let request = AlterPartitionReassignmentsRequest::default().with_topics([topic].into());
        let decision = self.cluster.controller.decide_alter_partition_reassignments(&request);
        self.cluster.take(decision);
    }

    /// A leader, or somebody who believes to be it, asks for a random in-sync set.
    fn alter(&mut self) {
        let Some((key, state)) = self.any_partition() else { return };
        let asker =
            if self.below(5) == 0 { NodeId(1 + self.below(BROKERS)) } else { state.leader.unwrap_or(NodeId(1)) };
        let Some(broker) = self.cluster.controller.image().broker(asker).cloned() else { return };
        let mut isr = Vec::new();
        for node in nodes(&[1, 2, 3, 4, 5]) {
            let wanted = state.has_replica(node) || self.below(20) == 0;
            if wanted && (Some(node) == state.leader || self.below(2) == 0) {
                let epoch = self.cluster.controller.broker_epoch(node).map_or(-1, |epoch| epoch.0);
                isr.push(
                    BrokerState::default()
                        .with_broker_id(BrokerId(node.0))
                        .with_broker_epoch(epoch - i64::from(self.below(8) == 0)),
                );
            }
        }
        let partition = PartitionData::default()
            .with_partition_index(key.partition)
            .with_leader_epoch(state.leader_epoch.0 - i32::from(self.below(8) == 0))
            .with_partition_epoch(state.epoch.0 - i32::from(self.below(8) == 0))
            .with_new_isr_with_epochs(isr);
        let topic = TopicData::default().with_topic_id(key.topic.into()).with_partitions([partition].into());
        let request = AlterPartitionRequest::default()
            .with_broker_id(BrokerId(asker.0))
            .with_broker_epoch(broker.epoch.0)
            .with_topics([topic].into());
        let decision = self.cluster.controller.decide_alter_partition(3, &request);
        self.cluster.take(decision);
    }

    fn hold(&mut self) {
        let controller = &self.cluster.controller;
        controller.check();
        controller.check_image();
        let image = controller.image();
        let records = image.to_records();
        for record in &records {
            assert_eq!(decode(&encode(record)).as_ref(), Ok(record));
        }
        assert_eq!(&Image::from_records(image.offset(), image.epoch(), &records), image, "a snapshot is the image");
        let mut after = BTreeMap::new();
        for topic in image.topics() {
            let unclean = topic.configs.contains_key("unclean.leader.election.enable");
            for (key, state) in topic.each_partition() {
                if let Some(was) = self.before.get(&key) {
                    follows(was, state, unclean);
                }
                after.insert(key, state.clone());
            }
        }
        self.before = after;
    }
}

/// What binds a partition's state to the one before.
fn follows(was: &Partition, is: &Partition, unclean: bool) {
    assert!(is.leader_epoch >= was.leader_epoch && is.epoch >= was.epoch, "epochs only rise: {was} then {is}");
    assert!(is == was || is.epoch > was.epoch, "a change is counted: {was} then {is}");
    assert!(
        is.leader == was.leader || is.leader_epoch > was.leader_epoch,
        "a leader has its own epoch: {was} then {is}"
    );
    let elected = is.leader.filter(|leader| Some(*leader) != was.leader);
    assert!(
        unclean
            || elected.is_none_or(|leader| was.in_sync(leader))
            || is.epoch.0 > was.epoch.0 + 1
            || was.is_reassigning() && !is.is_reassigning(),
        "elected from the in-sync set, or with the end of a reassignment from those who joined it then: {was} then {is}"
    );
    let dropped = was.replicas.iter().any(|node| !is.has_replica(*node));
    assert!(!dropped || is.leader_epoch > was.leader_epoch, "who was dropped is fenced: {was} then {is}");
    assert!(!dropped || !is.is_reassigning(), "nobody is dropped on the way: {was} then {is}");
    assert!(!is.isr.is_empty(), "somebody has every committed record: {is}");
}

#[test]
fn random_requests_and_deaths() {
    for seed in 0..20 {
        let mut model = Model::new(seed);
        (0..400).for_each(|_| model.step());
    }
}
