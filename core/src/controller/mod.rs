//! What the active controller decides: who is alive, who leads, which topics there are, what is configured.
//!
//! A decision is a value: the records to append and the reply to give once they are committed. The node appends the
//! records to the metadata's log, applies them at once to the controller's own image ([`Controller::apply`]), which thereby is
//! ahead of the committed one, and holds the reply. Losing the leadership drops the controller, its image and all
//! sessions; a new one begins with the committed image and every record appended since.
//!
//! Soft state (when each broker was heard of last) is not in the records: `sessions` and `watch` keep it.

use crate::id::{BrokerEpoch, ConnId, LeaderEpoch, NodeId, Offset};
use crate::io::Address;
use crate::metadata::{Change, Image, Record, Text};
use crate::time::{Mono, Now, Span};
use alloc::vec::Vec;
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, AllocateProducerIdsResponse, AlterConfigsRequest, AlterConfigsResponse, AlterPartitionRequest,
    AlterPartitionResponse, BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
    BrokerRegistrationResponse, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, ElectLeadersRequest, ElectLeadersResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, UnregisterBrokerRequest, UnregisterBrokerResponse,
};

/// What the controller is told once, from the node's configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Draws topic ids and the cluster's id.
    pub seed: u64,
    /// `cluster.id`, if the configuration names one.
    pub cluster_id: Option<Text>,
    /// `broker.session.timeout.ms`.
    pub session_timeout: Span,
    /// `num.partitions`.
    pub partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
    /// `unclean.leader.election.enable` of the node's file.
    pub unclean_election: bool,
    /// `auto.leader.rebalance.enable`, `leader.imbalance.check.interval.seconds`, `leader.imbalance.per.broker.percentage`.
    pub rebalance: bool,
    pub rebalance_interval: Span,
    pub imbalance_percent: u32,
}

/// What was decided: append `records` as one batch, apply them, and give `reply` when they are committed (at once where there are none).
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Decision<R> {
    pub records: Vec<Record>,
    pub reply: R,
}

/// The active controller.
#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    /// The epoch of the quorum in which this node leads it.
    epoch: LeaderEpoch,
    /// Ahead of the committed image by what was appended and not yet committed.
    image: Image,
}

impl Controller {
    /// This node leads the quorum in `epoch` from now on. `image` has every record of the log.
    pub fn new(now: Now, settings: Settings, image: Image, epoch: LeaderEpoch) -> Self {
        let _ = now;
        Self { settings, epoch, image }
    }

    /// The cluster's state with all that was decided, committed or not.
    pub const fn image(&self) -> &Image {
        &self.image
    }

    pub const fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Takes in a record that was appended at `offset`.
    pub fn apply(&mut self, now: Now, offset: Offset, record: &Record) -> Change {
        let _ = now;
        self.image.apply(offset, record)
    }

    /// What a new controller writes first: the cluster's id and features if they are not there yet.
    pub fn decide_activation(&self) -> Vec<Record> {
        unimplemented!("{:?}", self.settings)
    }

    /// What time brings: sessions that ran out, brokers that cannot be reached, leaders to move back.
    pub fn decide_tick(&mut self, _now: Now) -> Vec<Record> {
        unimplemented!()
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        unimplemented!()
    }

    /// A connection on the controller's listener ended: if a broker's heartbeats came on it, that broker is suspected.
    pub fn on_conn_gone(&mut self, _now: Now, _conn: ConnId) {
        unimplemented!()
    }

    /// Suspected brokers that are to be called now: with ApiVersions, on [`crate::io::Lane::Control`].
    pub fn probes(&mut self, _now: Now) -> Vec<(NodeId, Address)> {
        unimplemented!()
    }

    /// How such a call ended: with a reply of any kind (`reached`), or without.
    pub fn on_probe(&mut self, _now: Now, _node: NodeId, _reached: bool) {
        unimplemented!()
    }

    pub fn decide_broker_registration(&self, _now: Now, _request: &BrokerRegistrationRequest) -> Decision<BrokerRegistrationResponse> {
        unimplemented!()
    }

    /// `conn`: the connection on which it came.
    pub fn on_broker_heartbeat(&mut self, _now: Now, _conn: ConnId, _request: &BrokerHeartbeatRequest) -> Decision<BrokerHeartbeatResponse> {
        unimplemented!()
    }

    pub fn decide_alter_partition(&self, _version: i16, _request: &AlterPartitionRequest) -> Decision<AlterPartitionResponse> {
        unimplemented!()
    }

    pub fn decide_create_topics(&self, _version: i16, _request: &CreateTopicsRequest) -> Decision<CreateTopicsResponse> {
        unimplemented!()
    }

    pub fn decide_delete_topics(&self, _version: i16, _request: &DeleteTopicsRequest) -> Decision<DeleteTopicsResponse> {
        unimplemented!()
    }

    pub fn decide_create_partitions(&self, _request: &CreatePartitionsRequest) -> Decision<CreatePartitionsResponse> {
        unimplemented!()
    }

    pub fn decide_elect_leaders(&self, _version: i16, _request: &ElectLeadersRequest) -> Decision<ElectLeadersResponse> {
        unimplemented!()
    }

    pub fn decide_incremental_alter_configs(&self, _request: &IncrementalAlterConfigsRequest) -> Decision<IncrementalAlterConfigsResponse> {
        unimplemented!()
    }

    pub fn decide_alter_configs(&self, _request: &AlterConfigsRequest) -> Decision<AlterConfigsResponse> {
        unimplemented!()
    }

    pub fn decide_allocate_producer_ids(&self, _request: &AllocateProducerIdsRequest) -> Decision<AllocateProducerIdsResponse> {
        unimplemented!()
    }

    pub fn decide_unregister_broker(&self, _request: &UnregisterBrokerRequest) -> Decision<UnregisterBrokerResponse> {
        unimplemented!()
    }

    /// The broker's epoch, if it is registered: AlterPartition and heartbeats of another one are refused.
    pub fn broker_epoch(&self, node: NodeId) -> Option<BrokerEpoch> {
        self.image.broker(node).map(|broker| broker.epoch)
    }

    /// Asserts what must hold after every event.
    pub fn check(&self) {
        self.image.check();
    }
}
