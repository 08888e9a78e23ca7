//! A keeper of topics: makes some of its own, widens and deletes them, sets and takes back what is set for them and for brokers, and makes
//! them anew under the name that they had. What it was told is done is so on every node in the end (`world/kept.rs`).
//!
//! An odd one also asks for what has to be refused (`keeper/odd.rs`).
//!
//! A request that is lost or refused may be carried out all the same, or later: what it was about is in doubt from then on, and left alone.

mod odd;

use super::batch::{self, Sender, Shape};
use super::keeps::{KEPT, Keeps, Kept, Settings};
use super::link::DATA;
use super::{Client, Ctx, Event, Heard, Link, Me, earliest};
use crate::dice::Dice;
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource as Whole, AlterableConfig as Value};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiKey, BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest, ProduceRequest, RequestKind, ResponseKind, TopicName, UnregisterBrokerRequest,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use uuid::Uuid;

/// `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// How an incremental change alters a config (`AlterConfigOp.OpType`).
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;
/// How long records are kept: far longer than clocks jump.
const TIMES: [&str; 3] = ["90000000", "180000000", "360000000"];

/// What is so when a request was carried out.
#[derive(Debug)]
enum Purpose {
    Topic(String, Kept),
    Broker(String, Settings),
    /// Whatever comes of it.
    Any,
}

/// Who looks after topics of its own.
#[derive(Debug)]
pub struct Keeper {
    me: Me,
    pause_us: u64,
    request_timeout: u64,
    link: Link<Purpose>,
    keeps: Keeps,
    /// The id that each of its topics was made with.
    ids: BTreeMap<String, Uuid>,
    names: u32,
    nodes: u32,
    /// Of a topic that is made without saying how many.
    partitions: i32,
    one_dies: bool,
    odd: bool,
    next: u64,
    quiet: bool,
}

impl Keeper {
    pub fn new(plan: &Plan, client: &ClientPlan, me: Me) -> Self {
        let ClientPlan::Keeper { pause_us, request_timeout_us, odd } = client else { unreachable!("a keeper's plan") };
        let nodes = plan.nodes.len() as u32;
        let brokers = (1..=nodes).map(|id| id.to_string()).chain([String::new()]);
        Self {
            pause_us: *pause_us,
            request_timeout: *request_timeout_us,
            link: Link::new(me.peer, "keeper"),
            keeps: Keeps { topics: BTreeMap::new(), brokers: brokers.map(|id| (id, Some(Settings::new()))).collect() },
            ids: BTreeMap::new(),
            names: 0,
            nodes,
            partitions: plan.settings.get("num.partitions").and_then(|count| count.parse().ok()).unwrap_or(1),
            one_dies: plan.faults.iter().any(|fault| fault.strike.is_for_good()),
            odd: *odd,
            next: *pause_us,
            quiet: false,
            me,
        }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.doubt(&lost);
        }
        if self.quiet || ctx.now < self.next || self.link.open().next().is_some() {
            return;
        }
        let mut dice = self.me.dice();
        self.next = ctx.now + 1 + dice.between(self.pause_us / 2, self.pause_us * 3 / 2);
        let node = dice.below(self.nodes.into()) as Peer;
        if self.odd && dice.chance(1, 4) {
            return self.ask_oddly(ctx, node, &mut dice);
        }
        if dice.chance(1, 5) {
            return self.set_broker(ctx, node);
        }
        if dice.chance(1, 30) {
            return self.strike_off(ctx, node);
        }
        let known: Vec<(String, Kept)> =
            self.keeps.topics.iter().map(|(name, kept)| (name.clone(), kept.clone())).collect();
        if known.len() < 2 {
            // Names that others could collide with.
            let name = format!("{KEPT}{}_", self.names);
            self.names += 1;
            return self.make(ctx, node, name);
        }
        let (name, kept) = known[dice.below(known.len() as u64) as usize].clone();
        match dice.below(6) {
            _ if kept.partitions == 0 => self.make(ctx, node, name),
            0 => self.delete(ctx, node, name),
            1 if kept.partitions < 3 => self.widen(ctx, node, name, kept),
            2 | 3 => self.set_topic(ctx, node, name, kept),
            _ => self.write(ctx, node, name, &kept),
        }
    }

    fn ask(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: Peer,
        call: (ApiKey, i16),
        request: impl Into<RequestKind>,
        then: Purpose,
    ) {
        self.link.ask(ctx, (to, DATA), call.0, call.1, request, self.request_timeout, then);
    }

    /// Makes a topic, or has it only looked at whether it could be made.
    fn make(&mut self, ctx: &mut Ctx<'_>, node: Peer, name: String) {
        let mut dice = self.me.dice();
        let mut kept = Kept { partitions: dice.between(1, 2) as i32, settings: Settings::new() };
        if dice.chance(1, 2) {
            kept.settings.insert("retention.ms".into(), dice.pick(&TIMES).into());
        }
        // Nobody counts what is in its topics: these may rather lose records than wait for a leader.
        if dice.chance(1, 2) {
            kept.settings.insert("unclean.leader.election.enable".into(), "true".into());
        }
        let mut topic = CreatableTopic::default();
        topic.name = name_of(&name);
        topic.num_partitions = kept.partitions;
        let replicas = dice.between(1, self.nodes.into()) as i16;
        // Where a node dies for good the others must be able to do without it (seed 88001795).
        topic.replication_factor = if self.one_dies { self.nodes as i16 } else { replicas };
        match dice.below(4) {
            // As many as the brokers say.
            0 => (topic.num_partitions, kept.partitions) = (-1, self.partitions),
            1 => assign(&mut topic, self.nodes, &mut dice),
            _ => {}
        }
        let configs = kept.settings.iter().map(|(name, value)| {
            let mut config = CreatableTopicConfig::default();
            (config.name, config.value) = (text(name), Some(text(value)));
            config
        });
        topic.configs = configs.collect();
        let mut request = CreateTopicsRequest::default();
        (request.topics, request.timeout_ms) = (vec![topic], 1_000);
        request.validate_only = dice.chance(1, 4);
        let mut then = Purpose::Topic(name.clone(), if request.validate_only { Kept::default() } else { kept });
        if dice.chance(1, 4) {
            let other = self.keeps.topics.iter().find(|(other, kept)| **other != name && kept.partitions > 0);
            spoil(&mut request.topics[0], self.nodes, other.map(|(other, _)| other.as_str()), &mut dice);
            then = Purpose::Any;
        }
        self.ask(ctx, node, (ApiKey::CreateTopics, 7), request, then);
    }

    fn delete(&mut self, ctx: &mut Ctx<'_>, node: Peer, name: String) {
        let mut topic = DeleteTopicState::default();
        topic.name = Some(name_of(&name));
        let mut request = DeleteTopicsRequest::default();
        (request.topics, request.timeout_ms) = (vec![topic], 1_000);
        self.ask(ctx, node, (ApiKey::DeleteTopics, 6), request, Purpose::Topic(name, Kept::default()));
    }

    fn widen(&mut self, ctx: &mut Ctx<'_>, node: Peer, name: String, kept: Kept) {
        let then = Kept { partitions: kept.partitions + 1, ..kept.clone() };
        let mut topic = CreatePartitionsTopic::default();
        (topic.name, topic.count, topic.assignments) = (name_of(&name), then.partitions, None);
        let mut request = CreatePartitionsRequest::default();
        (request.topics, request.timeout_ms) = (vec![topic], 1_000);
        request.validate_only = self.me.dice().chance(1, 4);
        let then = if request.validate_only { kept.clone() } else { then };
        let mut then = Purpose::Topic(name, then);
        if self.me.dice().chance(1, 6) {
            // No more than there are.
            request.topics[0].count = kept.partitions;
            then = Purpose::Any;
        }
        self.ask(ctx, node, (ApiKey::CreatePartitions, 2), request, then);
    }

    /// Sets, takes back, adds to and takes from what is set for a topic; or all that is set at once; or has that only looked at.
    fn set_topic(&mut self, ctx: &mut Ctx<'_>, node: Peer, name: String, mut kept: Kept) {
        let mut dice = self.me.dice();
        let (setting, value) =
            dice.pick(&[("retention.ms", TIMES[0]), ("retention.ms", TIMES[1]), ("segment.ms", TIMES[2])]);
        let before = kept.clone();
        let settings = &mut kept.settings;
        let (setting, op, value) = match dice.below(4) {
            0 => {
                *settings = [(setting.to_string(), value.to_string())].into();
                let mut config = Value::default();
                (config.name, config.value) = (text(setting), Some(text(value)));
                let mut resource = Whole::default();
                (resource.resource_type, resource.resource_name, resource.configs) = (TOPIC, text(&name), vec![config]);
                let mut request = AlterConfigsRequest::default();
                request.resources = vec![resource];
                request.validate_only = dice.chance(1, 6);
                let then = if request.validate_only { Purpose::Any } else { Purpose::Topic(name, kept) };
                return self.ask(ctx, node, (ApiKey::AlterConfigs, 1), request, then);
            }
            1 => {
                // To what it is without: only `delete`.
                let before = settings.entry("cleanup.policy".into()).or_insert_with(|| "delete".into());
                if !before.contains("compact") {
                    before.push_str(",compact");
                }
                ("cleanup.policy", APPEND, Some("compact"))
            }
            2 => {
                settings.remove(setting);
                (setting, DELETE, None)
            }
            _ => {
                settings.insert(setting.to_string(), value.to_string());
                (setting, SET, Some(value))
            }
        };
        let mut request = incremental(TOPIC, &name, setting, op, value);
        let compacts = before.settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
        let then = match if compacts && dice.chance(1, 3) { 2 } else { dice.below(8) } {
            // It is only looked at.
            0 => {
                request.validate_only = true;
                Purpose::Any
            }
            // What nobody can have.
            1 => {
                request = incremental(TOPIC, &name, "retention.ms", SET, Some("for ever"));
                Purpose::Any
            }
            2 => {
                kept = before;
                let policy = kept.settings.entry("cleanup.policy".into()).or_insert_with(|| "delete".into());
                *policy = "delete".into();
                request = incremental(TOPIC, &name, "cleanup.policy", SUBTRACT, Some("compact"));
                Purpose::Topic(name, kept)
            }
            _ => Purpose::Topic(name, kept),
        };
        self.ask(ctx, node, (ApiKey::IncrementalAlterConfigs, 1), request, then);
    }

    /// How long records are kept is set for a broker, or for all; or it is taken back.
    fn set_broker(&mut self, ctx: &mut Ctx<'_>, node: Peer) {
        let mut dice = self.me.dice();
        let known: Vec<String> =
            self.keeps.brokers.iter().filter(|(_, known)| known.is_some()).map(|(id, _)| id.clone()).collect();
        if known.is_empty() {
            return;
        }
        let id = known[dice.below(known.len() as u64) as usize].clone();
        let value = dice.pick(&TIMES);
        let sets = dice.chance(3, 4);
        let setting = "log.retention.ms";
        let then = if sets { [(setting.to_string(), value.to_string())].into() } else { Settings::new() };
        let (op, value) = if sets { (SET, Some(value)) } else { (DELETE, None) };
        let mut request = incremental(BROKER, &id, setting, op, value);
        request.validate_only = dice.chance(1, 6);
        let then = if request.validate_only { Purpose::Any } else { Purpose::Broker(id, then) };
        self.ask(ctx, node, (ApiKey::IncrementalAlterConfigs, 1), request, then);
    }

    /// A broker is struck off, as one that is gone for good. One that lives registers anew.
    fn strike_off(&mut self, ctx: &mut Ctx<'_>, node: Peer) {
        let mut request = UnregisterBrokerRequest::default();
        request.broker_id = BrokerId(self.me.dice().between(1, self.nodes.into()) as i32);
        self.ask(ctx, node, (ApiKey::UnregisterBroker, 0), request, Purpose::Any);
    }

    /// A record, of which nobody expects anything but that it is gone with its topic.
    fn write(&mut self, ctx: &mut Ctx<'_>, node: Peer, name: String, kept: &Kept) {
        let mut dice = self.me.dice();
        let mut data = PartitionProduceData::default();
        data.index = dice.below(kept.partitions as u64) as i32;
        data.records = Some(batch::encode(&[1], Shape::plain(8), (ctx.now / 1000) as i64, Sender::PLAIN));
        let mut topic = TopicProduceData::default();
        (topic.name, topic.partition_data) = (name_of(&name), vec![data]);
        let mut request = ProduceRequest::default();
        (request.acks, request.timeout_ms, request.topic_data) = (1, 1_000, vec![topic]);
        request.transactional_id = None;
        self.ask(ctx, node, (ApiKey::Produce, 8), request, Purpose::Any);
    }

    fn on_answer(&mut self, purpose: Purpose, answer: &ResponseKind) {
        if !carried_out(answer) {
            return self.doubt(&purpose);
        }
        match purpose {
            Purpose::Topic(name, kept) => {
                if let ResponseKind::CreateTopics(answer) = answer {
                    self.ids.extend(answer.topics.first().map(|told| (name.clone(), told.topic_id)));
                }
                self.keeps.topics.insert(name, kept);
            }
            Purpose::Broker(id, settings) => drop(self.keeps.brokers.insert(id, Some(settings))),
            Purpose::Any => {}
        }
    }

    fn doubt(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Topic(name, _) => drop(self.keeps.topics.remove(name)),
            Purpose::Broker(id, _) => drop(self.keeps.brokers.insert(id.clone(), None)),
            Purpose::Any => {}
        }
    }
}

/// Says on which brokers its partitions are to be, whether they are there or not.
fn assign(topic: &mut CreatableTopic, nodes: u32, dice: &mut Dice) {
    let factor = u64::try_from(topic.replication_factor).unwrap_or(1);
    let mut place = |index| {
        let first = dice.below(nodes.into());
        let mut one = CreatableReplicaAssignment::default();
        one.partition_index = index;
        one.broker_ids = (0..factor).map(|next| BrokerId(((first + next) % u64::from(nodes)) as i32 + 1)).collect();
        one
    };
    topic.assignments = (0..topic.num_partitions).map(&mut place).collect();
    (topic.num_partitions, topic.replication_factor) = (-1, -1);
}

/// Asks for what nobody can make.
fn spoil(topic: &mut CreatableTopic, nodes: u32, other: Option<&str>, dice: &mut Dice) {
    match (dice.below(5), other) {
        (4, Some(other)) => topic.name = name_of(&other.replace('_', ".")),
        (turn, _) => spoil_parts(topic, nodes, turn),
    }
}

fn spoil_parts(topic: &mut CreatableTopic, nodes: u32, turn: u64) {
    match turn {
        0 => topic.num_partitions = 0,
        1 => topic.replication_factor = nodes as i16 + 1,
        2 => topic.name = name_of("no name!"),
        _ => {
            let mut config = CreatableTopicConfig::default();
            (config.name, config.value) = (text("segment.ms"), Some(text("for ever")));
            topic.configs.push(config);
        }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from(text.to_string())
}

fn name_of(name: &str) -> TopicName {
    TopicName(text(name))
}

fn incremental(kind: i8, name: &str, setting: &str, op: i8, value: Option<&str>) -> IncrementalAlterConfigsRequest {
    let mut config = AlterableConfig::default();
    (config.name, config.config_operation, config.value) = (text(setting), op, value.map(text));
    let mut resource = AlterConfigsResource::default();
    (resource.resource_type, resource.resource_name, resource.configs) = (kind, text(name), vec![config]);
    let mut request = IncrementalAlterConfigsRequest::default();
    request.resources = vec![resource];
    request
}

/// Whether the one thing that was asked for is done.
fn carried_out(answer: &ResponseKind) -> bool {
    match answer {
        ResponseKind::CreateTopics(answer) => answer.topics.iter().all(|told| told.error_code == 0),
        ResponseKind::DeleteTopics(answer) => answer.responses.iter().all(|told| told.error_code == 0),
        ResponseKind::CreatePartitions(answer) => answer.results.iter().all(|told| told.error_code == 0),
        ResponseKind::IncrementalAlterConfigs(answer) => answer.responses.iter().all(|told| told.error_code == 0),
        ResponseKind::AlterConfigs(answer) => answer.responses.iter().all(|told| told.error_code == 0),
        _ => false,
    }
}

impl Client for Keeper {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(purpose, &answer),
            Heard::Lost(lost) => lost.iter().for_each(|purpose| self.doubt(purpose)),
            Heard::Quiet => self.quiet = true,
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let idle = !self.quiet && self.link.open().next().is_none();
        earliest([self.link.next_deadline(), idle.then_some(self.next)])
    }

    /// What is asked for and not answered yet is in doubt.
    fn keeps(&self) -> Keeps {
        let mut keeps = self.keeps.clone();
        for purpose in self.link.open() {
            match purpose {
                Purpose::Topic(name, _) => drop(keeps.topics.remove(name)),
                Purpose::Broker(id, _) => drop(keeps.brokers.insert(id.clone(), None)),
                Purpose::Any => {}
            }
        }
        keeps
    }
}
