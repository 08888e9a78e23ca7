//! Creates the topics of the plan, and is done.

use super::link::DATA;
use super::{Client, Ctx, Event, Heard, Link, Me, earliest};
use crate::history::{Act, State};
use crate::net::Peer;
use crate::plan::TopicPlan;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{ApiKey, CreateTopicsRequest, CreateTopicsResponse, ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;

const TIMEOUT_US: u64 = 1_500_000;
const RETRY_US: u64 = 100_000;

/// Makes what the other clients use.
#[derive(Debug)]
pub struct Opener {
    me: Me,
    link: Link<u64>,
    missing: Vec<TopicPlan>,
    turn: Peer,
    not_before: u64,
}

impl Opener {
    pub fn new(topics: &[TopicPlan], me: Me) -> Self {
        Self { link: Link::new(me.peer, "opener"), missing: topics.to_vec(), turn: 0, not_before: 0, me }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for op in self.link.expire(ctx) {
            self.on_lost(ctx, op);
        }
        if self.missing.is_empty() || self.link.open().next().is_some() || ctx.now < self.not_before {
            return;
        }
        let mut request = CreateTopicsRequest::default();
        request.timeout_ms = (TIMEOUT_US / 1000) as i32;
        request.topics = self.missing.iter().map(creatable).collect();
        self.turn = (self.turn + 1) % ctx.plan.nodes.len() as Peer;
        let op = self.me.invoke(ctx, Act::Admin { what: "create topics".into() });
        self.link.ask(ctx, (self.turn, DATA), ApiKey::CreateTopics, 5, request, TIMEOUT_US, op);
    }

    fn on_made(&mut self, ctx: &mut Ctx<'_>, op: u64, answer: &CreateTopicsResponse) {
        let made = |code| code == 0 || code == Code::TopicAlreadyExists.code();
        self.missing.retain(|topic| {
            !answer.topics.iter().any(|told| told.name.0.as_str() == topic.name && made(told.error_code))
        });
        let codes: Vec<i16> = answer.topics.iter().map(|told| told.error_code).collect();
        self.me.end(ctx, op, State::Ok, Act::Admin { what: format!("create topics: {codes:?}") });
        self.not_before = ctx.now + RETRY_US;
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, op: u64) {
        self.me.unknown(ctx, op, "connection lost");
        self.not_before = ctx.now + RETRY_US;
    }
}

fn creatable(topic: &TopicPlan) -> CreatableTopic {
    let mut wanted = CreatableTopic::default();
    wanted.name = TopicName(StrBytes::from(topic.name.clone()));
    wanted.num_partitions = topic.partitions as i32;
    wanted.replication_factor = topic.replicas as i16;
    wanted.configs = topic
        .settings
        .iter()
        .map(|(name, value)| {
            let mut config = CreatableTopicConfig::default();
            config.name = StrBytes::from(name.clone());
            config.value = Some(StrBytes::from(value.clone()));
            config
        })
        .collect();
    wanted
}

impl Client for Opener {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(op, ResponseKind::CreateTopics(answer)) => self.on_made(ctx, op, &answer),
            Heard::Lost(lost) => lost.into_iter().for_each(|op| self.on_lost(ctx, op)),
            Heard::Answer(..) | Heard::Quiet | Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let idle = self.link.open().next().is_none() && !self.missing.is_empty();
        earliest([self.link.next_deadline(), idle.then_some(self.not_before)])
    }

    fn settled(&self, _gone: Option<Peer>) -> Result<(), String> {
        self.missing.first().map_or(Ok(()), |topic| Err(format!("topic {} could not be created", topic.name)))
    }
}
