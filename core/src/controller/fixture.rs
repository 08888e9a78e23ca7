//! A cluster for the controller's tests: decides, applies, and keeps the time.

use super::{Controller, Decision, Settings};
use crate::config::NodeConfig;
use crate::id::{BrokerEpoch, ConnId, LeaderEpoch, NodeId, Offset, PartitionKey, Uuid};
use crate::metadata::{Broker, Endpoint, Image, Partition, Record};
use crate::time::{Mono, Now, Span, Wall};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::broker_registration_request::{Feature, Listener};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerId, BrokerRegistrationRequest, BrokerRegistrationResponse,
    CreateTopicsRequest, TopicName,
};

/// A broker as a record has it.
pub fn broker(id: i32, fenced: bool) -> Broker {
    let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "host".into(), port: 9092, security: 0 };
    Broker {
        id: NodeId(id),
        epoch: BrokerEpoch(id.into()),
        incarnation: Uuid(1000 + id.unsigned_abs() as u128),
        endpoints: vec![endpoint],
        rack: None,
        directories: vec![Uuid(5000 + id.unsigned_abs() as u128)],
        fenced,
        leaving: false,
    }
}

/// A controller, and the brokers that talk to it.
pub struct Cluster {
    pub controller: Controller,
    pub now: Now,
    pub offset: Offset,
}

impl Cluster {
    /// A controller that has taken over an empty log.
    pub fn empty(extra: &[(&str, &str)]) -> Self {
        let config = NodeConfig::for_test(NodeId(1), &[(1, "host", 9093)], extra);
        let now = Now { mono: Mono(1_000_000), wall: Wall(0) };
        let controller = Controller::new(now, Settings::of(&config), Image::new(), LeaderEpoch(1));
        let mut cluster = Self { controller, now, offset: Offset::NONE };
        let records = cluster.controller.decide_activation();
        cluster.append(&records);
        cluster
    }

    /// With brokers 1 to `count`, registered and unfenced.
    pub fn of(count: i32) -> Self {
        Self::with(count, &[])
    }

    pub fn with(count: i32, extra: &[(&str, &str)]) -> Self {
        let mut cluster = Self::empty(extra);
        (1..=count).for_each(|id| cluster.join(id));
        cluster
    }

    pub fn append(&mut self, records: &[Record]) {
        for record in records {
            self.offset = self.offset.plus(1);
            self.controller.apply(self.now, self.offset, record);
            self.controller.check();
            self.controller.check_image();
        }
    }

    /// Carries the decision out.
    pub fn take<R>(&mut self, decision: Decision<R>) -> R {
        self.append(&decision.records);
        decision.reply
    }

    /// Lets time go by; the controller has its turns, and brokers of `alive` their heartbeats, all of them on time.
    pub fn pass(&mut self, ms: u64, alive: &[i32]) {
        let end = self.now.mono + Span::from_millis(ms);
        while self.now.mono < end {
            self.now.mono = self.now.mono + Span::from_millis(100);
            for id in alive {
                self.heartbeat(*id, |_| ());
            }
            loop {
                let records = self.controller.decide_tick(self.now);
                if records.is_empty() {
                    break;
                }
                self.append(&records);
            }
        }
    }

    pub fn registration(&self, id: i32, incarnation: u128) -> BrokerRegistrationRequest {
        let features = super::FEATURES.iter().map(|(name, level)| {
            Feature::default().with_name(name.to_string().into()).with_max_supported_version(*level)
        });
        let listener =
            Listener::default().with_name("PLAINTEXT".into()).with_host(id.to_string().into()).with_port(9092);
        BrokerRegistrationRequest::default()
            .with_broker_id(BrokerId(id))
            .with_cluster_id(self.controller.image().cluster_id().map(|id| id.wire()).unwrap_or_default())
            .with_incarnation_id(Uuid(incarnation).into())
            .with_listeners(vec![listener])
            .with_features(features.collect())
            .with_log_dirs(vec![Uuid(5000 + id.unsigned_abs() as u128).into()])
    }

    pub fn register(&mut self, request: &BrokerRegistrationRequest) -> BrokerRegistrationResponse {
        let decision = self.controller.decide_broker_registration(self.now, request);
        self.take(decision)
    }

    /// Registers the broker, its first incarnation, and unfences it.
    pub fn join(&mut self, id: i32) {
        let reply = self.register(&self.registration(id, 1000 + id.unsigned_abs() as u128));
        assert_eq!(reply.error_code, 0);
        assert!(!self.heartbeat(id, |_| ()).is_fenced);
    }

    pub fn conn(id: i32) -> ConnId {
        ConnId(id.unsigned_abs().into())
    }

    /// A heartbeat of a broker that has applied everything and wants to serve, changed as the test likes.
    pub fn heartbeat(&mut self, id: i32, change: impl Fn(&mut BrokerHeartbeatRequest)) -> BrokerHeartbeatResponse {
        let epoch = self.controller.broker_epoch(NodeId(id)).map_or(-1, |epoch| epoch.0);
        let mut request = BrokerHeartbeatRequest::default()
            .with_broker_id(BrokerId(id))
            .with_broker_epoch(epoch)
            .with_current_metadata_offset(self.offset.0);
        change(&mut request);
        let decision = self.controller.on_broker_heartbeat(self.now, Self::conn(id), &request);
        self.take(decision)
    }

    /// The broker's process dies: its connection ends, and it refuses new ones.
    pub fn kill(&mut self, id: i32) {
        self.controller.on_conn_gone(self.now, Self::conn(id));
    }

    /// Creates a topic with these replicas, one list a partition.
    pub fn topic(&mut self, name: &str, replicas: &[&[i32]], configs: &[(&str, &str)]) -> PartitionKey {
        let assignments = (0..).zip(replicas).map(|(number, ids)| {
            let ids = ids.iter().map(|id| BrokerId(*id)).collect();
            CreatableReplicaAssignment::default().with_partition_index(number).with_broker_ids(ids)
        });
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(name.to_string().into())
                .with_value(Some(value.to_string().into()))
        });
        let topic = creatable(name, -1, -1).with_assignments(assignments.collect()).with_configs(configs.collect());
        let decision = self.controller.decide_create_topics(&CreateTopicsRequest::default().with_topics(vec![topic]));
        let reply = self.take(decision);
        assert_eq!(reply.topics[0].error_code, 0, "{:?}", reply.topics[0].error_message);
        PartitionKey { topic: reply.topics[0].topic_id.into(), partition: 0 }
    }

    pub fn partition(&self, key: PartitionKey) -> &Partition {
        self.controller.image().partition(key).expect("a partition")
    }

    /// `leader epoch isr` of a partition, as a test wants to read it.
    pub fn line(&self, key: PartitionKey) -> alloc::string::String {
        let state = self.partition(key);
        let leader = state.leader.map_or("none".to_string(), |leader| leader.to_string());
        alloc::format!("{leader} {} {:?}", state.leader_epoch, state.isr)
    }
}

pub fn creatable(name: &str, partitions: i32, factor: i16) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(TopicName(name.to_string().into()))
        .with_num_partitions(partitions)
        .with_replication_factor(factor)
}

pub fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().map(|id| NodeId(*id)).collect()
}
