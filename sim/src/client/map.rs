//! What a client knows of the cluster: who leads which partition.

use super::Ctx;
use super::link::{DATA, Link};
use crate::net::Peer;
use crate::plan::Plan;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

/// How long a client waits before it asks again.
const BACKOFF_US: u64 = 60_000;
/// The version of Metadata that is asked.
const VERSION: i16 = 12;

/// Leaders by partition, as last told.
#[derive(Debug)]
pub struct Map {
    leaders: Vec<Option<Peer>>,
    /// The ids of the plan's topics, in their order.
    ids: Vec<Uuid>,
    /// The highest epoch that was told of each: an answer of an older one is a node's that knows less (KIP-320).
    epochs: Vec<i32>,
    nodes: Peer,
    /// Whom to ask next: one after the other.
    turn: Peer,
    wanted: bool,
    asked: bool,
    not_before: u64,
}

/// The name and number of a partition of the plan.
pub fn place(plan: &Plan, partition: u32) -> (TopicName, i32) {
    let (topic, number) = plan.partitions().nth(partition as usize).expect("a partition of the plan");
    (TopicName(StrBytes::from(topic.name.clone())), number as i32)
}

/// The number in the plan of a topic's partition.
pub fn number(plan: &Plan, topic: &TopicName, partition: i32) -> Option<u32> {
    plan.partitions()
        .position(|(known, number)| known.name == topic.0.as_str() && number as i32 == partition)
        .map(|place| place as u32)
}

impl Map {
    pub fn new(plan: &Plan, turn: Peer) -> Self {
        let nodes = plan.nodes.len() as Peer;
        Self {
            leaders: vec![None; plan.partitions().count()],
            epochs: vec![-1; plan.partitions().count()],
            ids: vec![Uuid::nil(); plan.topics.len()],
            nodes,
            turn: turn % nodes,
            wanted: true,
            asked: false,
            not_before: 0,
        }
    }

    pub fn leader(&self, partition: u32) -> Option<Peer> {
        self.leaders.get(partition as usize).copied().flatten()
    }

    /// The epoch in which [`Map::leader`] leads; -1: none is known.
    pub fn epoch(&self, partition: u32) -> i32 {
        self.epochs.get(partition as usize).copied().unwrap_or(-1)
    }

    /// The id of a topic of the plan; none is known: zeros.
    pub fn id(&self, ctx: &Ctx<'_>, name: &TopicName) -> Uuid {
        let place = ctx.plan.topics.iter().position(|known| known.name == name.0.as_str());
        place.map_or(Uuid::nil(), |place| self.ids[place])
    }

    /// The name of the topic of an answer that names it by id, or by name.
    pub fn name(&self, ctx: &Ctx<'_>, name: &TopicName, id: Uuid) -> TopicName {
        let known = self.ids.iter().position(|known| !id.is_nil() && *known == id);
        known.map_or_else(|| name.clone(), |place| TopicName(StrBytes::from(ctx.plan.topics[place].name.clone())))
    }

    /// What is known of this partition is not true any more.
    pub fn forget(&mut self, ctx: &Ctx<'_>, partition: u32) {
        if let Some(leader) = self.leaders.get_mut(partition as usize) {
            *leader = None;
        }
        self.refresh(ctx);
    }

    /// There is that epoch: a leader of one before is none any more.
    pub fn learn(&mut self, ctx: &Ctx<'_>, partition: u32, epoch: i32) {
        if epoch > self.epoch(partition) {
            self.epochs[partition as usize] = epoch;
            self.forget(ctx, partition);
        }
    }

    pub fn refresh(&mut self, ctx: &Ctx<'_>) {
        if !self.wanted {
            self.wanted = true;
            self.not_before = self.not_before.max(ctx.now + 1);
        }
    }

    /// Any node: each call another one.
    pub const fn any(&mut self) -> Peer {
        self.turn = (self.turn + 1) % self.nodes;
        self.turn
    }

    /// Asks anybody, if that is due.
    pub fn ask<T>(&mut self, ctx: &mut Ctx<'_>, link: &mut Link<T>, timeout: u64, purpose: T) {
        if !self.wanted || self.asked || ctx.now < self.not_before {
            return;
        }
        self.asked = true;
        let topics = ctx.plan.topics.iter().map(|topic| {
            let mut wanted = MetadataRequestTopic::default();
            wanted.name = Some(TopicName(StrBytes::from(topic.name.clone())));
            wanted
        });
        let mut request = MetadataRequest::default();
        request.topics = Some(topics.collect());
        request.allow_auto_topic_creation = false;
        link.ask(ctx, (self.any(), DATA), ApiKey::Metadata, VERSION, request, timeout, purpose);
    }

    pub fn on_answer(&mut self, ctx: &Ctx<'_>, answer: &MetadataResponse) {
        self.asked = false;
        self.not_before = ctx.now + BACKOFF_US;
        for topic in &answer.topics {
            let Some(name) = &topic.name else { continue };
            // A node that does not know the topic yet names no id.
            let known = ctx.plan.topics.iter().position(|known| known.name == name.0.as_str());
            if let Some(place) = known.filter(|_| !topic.topic_id.is_nil()) {
                self.ids[place] = topic.topic_id;
            }
            for partition in &topic.partitions {
                if let Some(place) = number(ctx.plan, name, partition.partition_index)
                    && partition.leader_epoch >= self.epoch(place)
                {
                    self.epochs[place as usize] = partition.leader_epoch;
                    let known = (1..=i32::from(self.nodes)).contains(&partition.leader_id.0);
                    self.leaders[place as usize] = known.then(|| (partition.leader_id.0 - 1) as Peer);
                }
            }
        }
        self.wanted = self.leaders.iter().any(Option::is_none);
    }

    pub fn on_lost(&mut self, ctx: &Ctx<'_>) {
        self.asked = false;
        self.wanted = true;
        self.not_before = ctx.now + BACKOFF_US;
    }

    pub fn next_wake(&self) -> Option<u64> {
        (self.wanted && !self.asked).then_some(self.not_before)
    }
}
