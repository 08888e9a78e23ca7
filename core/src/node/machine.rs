//! The struct of a node.

use super::{Automatic, Forwards, Newest, Partitions, ProducerIds, Room, Sessions, Waiting};
use crate::config::{NodeConfig, TopicConfig};
use crate::controller::Controller;
use crate::group::Groups;
use crate::hold::Table;
use crate::id::{HoldId, Offset};
use crate::io::{Address, Out};
use crate::metadata::{Image, Resource, Topic};
use crate::quorum::Quorum;
use crate::time::Mono;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// One node.
#[derive(Debug)]
pub struct Node {
    pub config: NodeConfig,
    /// What the node wants done; drained by whoever drives the broker.
    pub out: Out,
    /// The replies that wait.
    pub hold: Table<Waiting>,
    /// The cluster's state, as the quorum has committed it.
    pub image: Image,
    pub quorum: Quorum,
    /// The active controller, while this node is it: through [`Node::controller`] for those who only look.
    pub controller: Option<Controller>,
    pub partitions: Partitions,
    /// The group coordinator's shards that this node leads.
    pub groups: Groups,
    pub forwards: Forwards,
    pub automatic: Automatic,
    pub(super) newest: Newest,
    /// The producer ids that this node may give out.
    pub producer_ids: ProducerIds,
    /// The fetch sessions of readers.
    pub sessions: Sessions,
    /// Rows that wait for a commit of the quorum, by the end that has to be committed.
    pub commits: BTreeSet<(Offset, HoldId)>,
    /// Rows that wait for the quorum to be asked again.
    pub quorum_asks: BTreeSet<HoldId>,
    /// Of the medium of the data folder.
    pub room: Room,
    /// Until then the controller is taken to have this broker in service, as its last answer to a heartbeat said (`broker::alive`).
    pub vouched_until: Mono,
}

impl Node {
    /// A node that has not booted.
    pub fn new(config: NodeConfig, quorum: Quorum, groups: Groups) -> Self {
        let own_voter = config.voters.iter().find(|voter| voter.node == config.node).map(|voter| voter.address.clone());
        let own: Vec<Address> = config.doors.iter().map(|door| door.advertised.clone()).chain(own_voter).collect();
        let sessions = Sessions::new(config.identity.seed, config.fetches.sessions_max);
        Self {
            config,
            out: Out::new(own),
            hold: Table::default(),
            image: Image::new(),
            quorum,
            controller: None,
            partitions: Partitions::default(),
            groups,
            forwards: Forwards::default(),
            automatic: Automatic::default(),
            newest: Newest::default(),
            producer_ids: ProducerIds::default(),
            sessions,
            commits: BTreeSet::new(),
            quorum_asks: BTreeSet::new(),
            room: Room::UNKNOWN,
            vouched_until: Mono(0),
        }
    }

    /// A topic's settings as they are in force on this node.
    pub fn topic_config(&self, topic: &Topic) -> TopicConfig {
        let dynamic_broker = self.image.configs(Resource::Broker(self.config.node));
        let dynamic_default = self.image.configs(Resource::BrokerDefault);
        self.config.topic(dynamic_broker, dynamic_default, &topic.configs)
    }

    /// Asserts what must hold between inputs.
    pub fn check(&self) {
        self.hold.check();
        self.sessions.check();
        self.quorum.check();
        if let Some(controller) = &self.controller {
            controller.check();
        }
        self.partitions.check();
        self.groups.check();
    }

    /// The controller listener of the active controller, as far as this node knows.
    pub fn controller_address(&self) -> Option<Address> {
        let (leader, _) = self.quorum.leader()?;
        self.quorum.voters().iter().find(|voter| voter.id == leader).map(|voter| voter.address.clone())
    }
}
