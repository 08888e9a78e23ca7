//! Where a scenario is played: the world, its clients, and who leads what.

use super::words::{Told, Words, Wrong};
use crate::client::{Answer, DATA, Desk, Slip};
use crate::disk::DiskProfile;
use crate::net::{LinkProfile, Peer};
use crate::plan::{NodePlan, Phases, Plan, VERSION};
use crate::trace::Keep;
use crate::world::{NEVER, World};
use esker_core::id::{NodeId, PartitionKey};
use esker_core::metadata;
use esker_core::metadata::Image;
use esker_core::partition::Partition;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const MS: u64 = 1_000;
/// How long the answer to a request is waited for, if the line does not say.
pub const PATIENCE_US: u64 = 20_000 * MS;
/// How finely a script looks at the clock.
const STEP_US: u64 = MS;

/// An answer that is still to come: whose, and how it is told.
pub struct Open {
    pub client: String,
    pub ticket: u64,
    pub tell: fn(&ResponseKind) -> Vec<String>,
}

/// A producer that counts its batches.
#[derive(Clone, Debug)]
pub struct Sender {
    pub id: i64,
    pub epoch: i16,
    /// The next sequence of each partition.
    pub next: BTreeMap<String, i32>,
    /// The last batch, to be sent again: partition, acks, bytes.
    pub last: Option<(String, i16, bytes::Bytes)>,
}

/// What a member knows of itself.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    pub id: StrBytes,
    pub generation: i32,
    pub instance: Option<StrBytes>,
    pub leads: bool,
    pub session_ms: i32,
}

/// Where a scenario is played.
pub struct Stage {
    world: Option<World>,
    pub desk: Desk,
    keep: Keep,
    pub open: Vec<Open>,
    pub senders: BTreeMap<String, Sender>,
    /// Members by group and name: their id, generation and whether they lead.
    pub members: BTreeMap<(String, String), Seat>,
}

/// Small, and the same everywhere: a story is short.
const DISK: DiskProfile = DiskProfile { write_us: 10, sync_us: 500, read_us: 50, slow: 1, page: 512 };
const LINK: LinkProfile = LinkProfile { min_us: 300, max_us: 500, spike_one_in: 0, spike_us: 0 };

/// What a cluster is told where the story says nothing: the defaults would make every story a long one.
const SETTINGS: &[(&str, &str)] = &[
    ("auto.leader.rebalance.enable", "false"),
    ("broker.heartbeat.interval.ms", "100"),
    ("broker.session.timeout.ms", "500"),
    ("controller.quorum.election.backoff.max.ms", "100"),
    ("controller.quorum.election.timeout.ms", "300"),
    ("controller.quorum.fetch.timeout.ms", "600"),
    ("controller.quorum.request.timeout.ms", "500"),
    ("group.initial.rebalance.delay.ms", "100"),
    ("group.min.session.timeout.ms", "100"),
    ("offsets.topic.num.partitions", "1"),
    ("replica.fetch.wait.max.ms", "100"),
    ("replica.fetch.backoff.ms", "50"),
    ("replica.lag.time.max.ms", "1000"),
    ("replica.socket.timeout.ms", "500"),
];

/// The plan of a world that is driven by hand.
pub fn plan(seed: u64, nodes: usize, extra: &[(String, String)]) -> Plan {
    let mut settings: BTreeMap<String, String> =
        SETTINGS.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    settings.insert("offsets.topic.replication.factor".into(), nodes.min(3).to_string());
    settings.extend(extra.iter().cloned());
    let node = NodePlan { disk: DISK, drift_ppm: 0, wall_off_ms: 0, start_us: NEVER };
    Plan {
        esker_plan: VERSION,
        seed,
        mutant: None,
        nodes: vec![node; nodes],
        settings,
        topics: Vec::new(),
        node_links: LINK,
        client_links: LINK,
        call_timeout_us: 800 * MS,
        clients: Vec::new(),
        phases: Phases { safety_us: NEVER, quiet_us: NEVER, liveness_us: NEVER },
        faults: Vec::new(),
        event_budget: u64::MAX,
    }
}

impl Stage {
    pub fn new(keep: Keep) -> Self {
        Self {
            world: None,
            desk: Desk::default(),
            keep,
            open: Vec::new(),
            senders: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// Starts a cluster: of the seeds the first with which node 1 leads the quorum from its first epoch on.
    pub fn raise(&mut self, nodes: usize, settings: &[(String, String)]) -> Result<(), Wrong> {
        for seed in 1..200 {
            let mut world = World::by_hand(plan(seed, nodes, settings), self.keep, &self.desk);
            (0..nodes).for_each(|node| world.start(node));
            let ready = |world: &World| {
                world.nodes.iter().all(|node| node.process.as_ref().is_some_and(|process| process.ready))
            };
            while world.now < 5_000 * MS && world.failure.is_none() && !ready(&world) {
                let at = world.now + STEP_US;
                world.advance(at);
            }
            self.world = Some(world);
            let first = self.controller() == Some(0) && self.image().is_some_and(|image| image.epoch().0 == 1);
            if self.broken().is_some() || first {
                return Ok(());
            }
        }
        Err("with no seed does node 1 lead the quorum first".into())
    }

    pub fn world(&mut self) -> Result<&mut World, Wrong> {
        self.world.as_mut().ok_or_else(|| "there is no cluster yet".to_string())
    }

    /// The world to look at.
    pub fn seen(&self) -> &World {
        self.world.as_ref().expect("a verb that looks came after one that asked for the world")
    }

    /// The promise that was broken, if one was.
    pub fn broken(&self) -> Option<String> {
        let failure = self.world.as_ref()?.failure.as_ref()?;
        Some(format!("broken ({}): {}", failure.kind.name(), failure.anomaly))
    }

    /// Lets time pass.
    pub fn pass(&mut self, us: u64) -> Result<(), Wrong> {
        let world = self.world()?;
        let at = world.now + us;
        world.advance(at);
        Ok(())
    }

    /// Lets time pass until `done`; whether it was in time.
    pub fn pass_until(&mut self, us: u64, mut done: impl FnMut(&mut Self) -> bool) -> Result<bool, Wrong> {
        let end = self.world()?.now + us;
        while !done(self) {
            if self.seen().now >= end || self.broken().is_some() {
                return Ok(false);
            }
            self.pass(STEP_US)?;
        }
        Ok(true)
    }

    /// The node that a word means; `of` belongs to `leader of t-0`.
    pub fn node(&mut self, words: &mut Words) -> Result<usize, Wrong> {
        let word = words.word("a node")?;
        self.named(&word, words)
    }

    /// As [`Stage::node`], for a word that is read already.
    pub fn named(&mut self, word: &str, words: &mut Words) -> Result<usize, Wrong> {
        let nodes = self.world()?.nodes.len();
        match word {
            "controller" => self.controller().ok_or_else(|| "there is no controller".into()),
            "leader" => {
                let name = words.after("of").ok_or("leader of what?")?;
                self.leader(&name)
            }
            number => match number.parse::<usize>() {
                Ok(number) if (1..=nodes).contains(&number) => Ok(number - 1),
                _ => Err(format!("{number} is no node")),
            },
        }
    }

    /// The active controller: of those who think so the one of the highest epoch.
    pub fn controller(&self) -> Option<usize> {
        let quorum = |node: &crate::node::Node| {
            let process = node.process.as_ref()?;
            let quorum = &process.broker.node().quorum;
            quorum.is_leader().then(|| quorum.epoch())
        };
        let nodes = self.world.as_ref()?.nodes.iter().enumerate();
        nodes.filter_map(|(place, node)| Some((quorum(node)?, place))).max().map(|(_, place)| place)
    }

    /// Whether the node leads the quorum and has applied all that was before its epoch.
    pub fn leads_drained(&self, node: usize) -> bool {
        let process = self.seen().nodes[node].process.as_ref();
        process.is_some_and(|process| process.broker.node().controller.is_some())
    }

    /// The newest state of the metadata that any living node has applied.
    pub fn image(&self) -> Option<&Image> {
        let images =
            self.world.as_ref()?.nodes.iter().filter_map(|node| Some(&node.process.as_ref()?.broker.node().image));
        images.max_by_key(|image| image.offset())
    }

    /// A partition by its folder's name: its key and its state.
    pub fn partition(&self, name: &str) -> Result<(PartitionKey, &metadata::Partition), Wrong> {
        let (topic, number) = split(name)?;
        let image = self.image().ok_or("no node lives")?;
        let topic = image.topic_named(&topic).ok_or_else(|| format!("there is no topic {topic}"))?;
        let state = topic.partition(number).ok_or_else(|| format!("there is no partition {name}"))?;
        Ok((PartitionKey { topic: topic.id, partition: number }, state))
    }

    /// A node's replica, while its process lives.
    pub fn replica(&self, node: usize, name: &str) -> Option<&Partition> {
        let (key, _) = self.partition(name).ok()?;
        self.seen().nodes[node].process.as_ref()?.broker.node().partitions.get(key)
    }

    pub fn leader(&self, name: &str) -> Result<usize, Wrong> {
        let (_, state) = self.partition(name)?;
        state.leader.map(|leader| leader.0 as usize - 1).ok_or_else(|| format!("{name} has no leader"))
    }

    /// Any node that lives.
    pub fn living(&self) -> Result<usize, Wrong> {
        self.seen().nodes.iter().position(|node| node.process.is_some()).ok_or_else(|| "no node lives".into())
    }

    /// Sends a request; its answer has this ticket.
    pub fn ask(&mut self, client: &str, node: usize, ask: Ask) -> Result<u64, Wrong> {
        let slip = Slip {
            client: client.into(),
            to: (node as Peer, ask.lane),
            key: ask.key,
            version: ask.version,
            body: ask.body,
            timeout_us: NEVER,
        };
        let ticket = self.desk.put(slip);
        self.world()?.wake_desk();
        Ok(ticket)
    }

    /// Waits for an answer; `None`: the connection was lost, or it took too long.
    pub fn answer(&mut self, ticket: u64) -> Result<Answer, Wrong> {
        let mut found = None;
        self.pass_until(PATIENCE_US, |stage| {
            found = stage.desk.take(ticket);
            found.is_some()
        })?;
        Ok(found.flatten())
    }

    /// Sends a request and tells its answer; with `later` the answer is left to `await`.
    pub fn tell(&mut self, client: &str, node: usize, ask: Ask, later: bool, tell: Teller) -> Told {
        let ticket = self.ask(client, node, ask)?;
        if later {
            self.open.push(Open { client: client.into(), ticket, tell });
            return Ok(Vec::new());
        }
        Ok(self.answer(ticket)?.map_or_else(|| vec!["no answer".into()], |answer| tell(&answer)))
    }
}

/// How an answer is told.
pub type Teller = fn(&ResponseKind) -> Vec<String>;

/// A request as a verb makes it.
pub struct Ask {
    pub key: ApiKey,
    pub version: i16,
    pub body: RequestKind,
    pub lane: u8,
}

impl Ask {
    pub fn new(key: ApiKey, version: i16, body: impl Into<RequestKind>) -> Self {
        Self { key, version, body: body.into(), lane: DATA }
    }

    pub fn on(self, lane: u8) -> Self {
        Self { lane, ..self }
    }
}

/// `t-0` as topic and number.
pub fn split(name: &str) -> Result<(String, i32), Wrong> {
    let (topic, number) = name.rsplit_once('-').ok_or_else(|| format!("{name} is not a partition like t-0"))?;
    let number = number.parse().map_err(|_| format!("{name} is not a partition like t-0"))?;
    Ok((topic.to_string(), number))
}

pub fn topic_name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from(text.to_string())
}

/// An error as Kafka's documentation writes it; `None` for none.
pub fn code(code: i16) -> Option<String> {
    let name = format!("{:?}", ResponseError::try_from_code(code)?);
    let mut out = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    Some(out)
}

/// The code, or `ok`.
pub fn ok(number: i16) -> String {
    code(number).unwrap_or_else(|| "ok".into())
}

/// Nodes as a list.
pub fn nodes(ids: &[NodeId]) -> String {
    if ids.is_empty() { "none".into() } else { ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ") }
}
