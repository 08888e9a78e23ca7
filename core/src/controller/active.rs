//! The active controller itself: taking over, and what time brings.

use super::Settings;
use super::sessions::Sessions;
use crate::config::Layers;
use crate::id::{BrokerEpoch, ConnId, LeaderEpoch, NodeId, Offset, Uuid};
use crate::io::Address;
use crate::metadata::{Change, Image, Record, Resource, Text};
use crate::mutant::{self, Mutant};
use crate::rng::Rng;
use crate::time::{Mono, Now, Span, earliest};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Finalised features and their levels (KIP-584), as a fresh Kafka 4.3 cluster has them; `kraft.version` is the quorum's.
/// Each is also the highest level that this broker supports. What Kafka has on and is not built here (`transaction.version`,
/// `group.version`, `share.version`, `streams.version`, `eligible.leader.replicas.version`) is not named, so that no client
/// counts on it; a client takes that for level 0.
pub const FEATURES: &[(&str, i16)] = &[("metadata.version", 30)];

/// How often the controller looks at its own clock, to notice that it stood still.
const PULSE: Span = Span::from_millis(500);
/// A turn this much later than a pulse means that this node stood still, and not that the brokers were silent.
const STOOD_STILL: Span = Span::from_millis(1000);
/// How often partitions without a leader are looked at where unclean election is allowed.
const UNCLEAN_EVERY: Span = Span::from_millis(5000);
/// Stream of random numbers for ids that the controller draws.
const ID_STREAM: u64 = 0x1d5;

/// The active controller.
#[derive(Debug)]
pub struct Controller {
    pub(super) settings: Settings,
    /// The epoch of the quorum in which this node leads it.
    epoch: LeaderEpoch,
    /// Ahead of the committed image by what was appended and not yet committed.
    pub(super) image: Image,
    pub(super) sessions: Sessions,
    last_turn: Mono,
    next_rebalance: Mono,
    next_unclean: Mono,
}

impl Controller {
    /// This node leads the quorum in `epoch` from now on. `image` has every record of the log.
    /// Each unfenced broker has a fresh session, and is called until it is heard of.
    pub fn new(now: Now, settings: Settings, image: Image, epoch: LeaderEpoch) -> Self {
        let mut sessions = Sessions::new(settings.brokers.session_timeout);
        for broker in image.brokers() {
            sessions.begin(now.mono, broker.id, !broker.fenced);
            if broker.fenced {
                sessions.must_learn(broker.id, image.offset());
            }
        }
        let next_rebalance = now.mono + settings.brokers.rebalance_interval;
        let next_unclean = now.mono + UNCLEAN_EVERY;
        Self { settings, epoch, image, sessions, last_turn: now.mono, next_rebalance, next_unclean }
    }

    /// The cluster's state with all that was decided, committed or not.
    pub const fn image(&self) -> &Image {
        &self.image
    }

    pub const fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The log went on with something that is no record of ours (the quorum's own).
    pub fn advance(&mut self, offset: Offset) {
        self.image.advance(offset, self.epoch);
    }

    /// Takes in a record that was appended at `offset`.
    pub fn apply(&mut self, now: Now, offset: Offset, record: &Record) -> Change {
        let change = self.image.apply(offset, record);
        assert_ne!(change, Change::Stray, "the controller decides nothing about what is not there: {record}");
        match record {
            Record::Broker(broker) => self.sessions.begin(now.mono, broker.id, false),
            Record::BrokerRemoved { id, .. } => self.sessions.end(*id),
            Record::BrokerState { id, fenced: true, .. } => self.sessions.must_learn(*id, offset),
            Record::Cluster { .. }
            | Record::Feature { .. }
            | Record::BrokerState { .. }
            | Record::Topic { .. }
            | Record::TopicRemoved { .. }
            | Record::Partition { .. }
            | Record::Config { .. }
            | Record::ProducerIds { .. } => {}
        }
        change
    }

    /// What a new controller writes first: the cluster's id and features if they are not there yet.
    pub fn decide_activation(&self) -> Vec<Record> {
        let mut records = Vec::new();
        if self.image.cluster_id().is_none() {
            let id = self.settings.cluster_id.clone().unwrap_or_else(|| Text::from(self.draw_id(0).to_string()));
            records.push(Record::Cluster { id });
        }
        let missing = FEATURES.iter().filter(|(name, _)| !self.image.features().contains_key(*name));
        records.extend(missing.map(|(name, level)| Record::Feature { name: Text::from(*name), level: *level }));
        // An earlier version named features that it did not have.
        let gone = self.image.features().keys().filter(|name| FEATURES.iter().all(|(known, _)| **name != **known));
        records.extend(gone.map(|name| Record::Feature { name: name.clone(), level: 0 }));
        records
    }

    /// A random id: the same one whenever the same decision is made, another one for each `place` and after each record.
    pub(super) fn draw_id(&self, place: u64) -> Uuid {
        let stream = ID_STREAM ^ (self.image.offset().0.unsigned_abs() << 20) ^ (place << 44);
        let mut rng = Rng::new(self.settings.seed ^ u64::from(self.epoch.0.unsigned_abs()), stream);
        // Version 4 of RFC 9562, as Kafka draws them: the reserved small ids cannot occur.
        let drawn = rng.next_u128() & !(0xf << 76) & !(0b11 << 62);
        Uuid(drawn | 4 << 76 | 0b10 << 62)
    }

    /// The layers under a topic's own configs, as this node sees them.
    pub(super) fn layers(&self) -> Layers<'_> {
        Layers {
            dynamic_broker: self.image.configs(Resource::Broker(self.settings.node)),
            dynamic_default: self.image.configs(Resource::BrokerDefault),
            file: &self.settings.file,
        }
    }

    /// What time brings: brokers that were lost, leaders to move back, leaderless partitions to give up on.
    /// To be asked again until it decides nothing more.
    pub fn decide_tick(&mut self, now: Now) -> Vec<Record> {
        self.notice_pause(now.mono);
        let image = &self.image;
        self.sessions.forget_suspicions(|node| image.alive(node));
        let mut records = Vec::new();
        let unfenced = self.image.brokers().filter(|broker| !broker.fenced);
        let lost: Vec<NodeId> =
            unfenced.map(|broker| broker.id).filter(|id| self.sessions.lost(now.mono, *id)).collect();
        if !lost.is_empty() {
            self.fence_records(&lost, &mut records);
            lost.iter().for_each(|id| self.sessions.on_fenced(now.mono, *id));
            return records;
        }
        if self.next_unclean <= now.mono {
            self.next_unclean = now.mono + UNCLEAN_EVERY;
            records = self.unclean_elections();
        }
        if records.is_empty() && self.settings.brokers.rebalance_leaders && self.next_rebalance <= now.mono {
            self.next_rebalance = now.mono + self.settings.brokers.rebalance_interval;
            records = if mutant::is(Mutant::PreferredNever) { records } else { self.preferred_elections() };
        }
        records
    }

    fn notice_pause(&mut self, now: Mono) {
        let gap = now.since(self.last_turn);
        if gap > STOOD_STILL {
            self.sessions.forgive(gap);
        }
        self.last_turn = now;
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        let sessions = self.sessions.next_deadline(|node| self.image.alive(node));
        let rebalance = self.settings.brokers.rebalance_leaders.then_some(self.next_rebalance);
        earliest([sessions, rebalance, Some(self.next_unclean), Some(self.last_turn + PULSE)])
    }

    /// A connection on the controller's listener ended: if a broker's heartbeats came on it, that broker is suspected.
    pub fn on_conn_gone(&mut self, now: Now, conn: ConnId) {
        self.sessions.on_gone(now.mono, conn);
    }

    /// Suspected brokers that are to be called now: with ApiVersions, on [`crate::io::Lane::Control`], at their own listener.
    /// How each call ended is told with [`Controller::on_probe`].
    pub fn probes(&mut self, now: Now) -> Vec<(NodeId, Address)> {
        let image = &self.image;
        self.sessions.forget_suspicions(|node| image.alive(node));
        let nodes = self.sessions.take_probes(now.mono);
        nodes.into_iter().filter_map(|id| Some((id, self.image.broker(id)?.main_address()?))).collect()
    }

    /// How such a call ended: with a reply of any kind (`reached`), or without.
    pub fn on_probe(&mut self, now: Now, node: NodeId, reached: bool) {
        self.sessions.on_probe(now.mono, node, reached);
    }

    /// The broker's epoch, if it is registered.
    pub fn broker_epoch(&self, node: NodeId) -> Option<BrokerEpoch> {
        self.image.broker(node).map(|broker| broker.epoch)
    }

    /// Asserts what must hold after every event.
    pub fn check(&self) {
        self.sessions.check(|node| self.image.broker(node).is_some());
    }

    /// Asserts what must hold after every record that the image takes in.
    pub fn check_image(&self) {
        self.image.check();
        for topic in self.image.topics() {
            for (key, state) in topic.each_partition() {
                let led = state.leader.is_none_or(|leader| self.image.alive(leader));
                assert!(led, "{key} is led by a fenced broker: {state}");
            }
        }
    }
}
