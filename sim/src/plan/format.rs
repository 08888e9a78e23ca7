//! The parts of a plan, and its text.

use super::strike::Fault;
use crate::disk::DiskProfile;
use crate::net::LinkProfile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format.
pub const VERSION: u32 = 1;

/// Kafka's setting for the replicas of __consumer_offsets, and what it is where nobody sets it.
const OFFSETS_FACTOR: &str = "offsets.topic.replication.factor";
const OFFSETS_FACTOR_DEFAULT: u32 = 3;

/// Kafka's setting for how often expired offsets are looked for: ten minutes where nobody sets it, longer than any run.
pub const EXPIRY: &str = "offsets.retention.check.interval.ms";

/// From this version on Produce and Fetch name topics by their id alone.
pub const BY_ID: i16 = 13;

const fn is_false(value: &bool) -> bool {
    !*value
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

const fn is_none_yet(sequence: &i32) -> bool {
    *sequence == 0
}

/// Everything that a run is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub esker_plan: u32,
    /// All that the plan does not say is drawn from it: delays, what a torn write leaves, what a client sends next.
    pub seed: u64,
    /// A named bug of `core/src/mutant/list.rs` that is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
    pub nodes: Vec<NodePlan>,
    /// Kafka's configs, the same for all nodes.
    pub settings: BTreeMap<String, String>,
    pub topics: Vec<TopicPlan>,
    /// The links between nodes, and those between nodes and clients.
    pub node_links: LinkProfile,
    pub client_links: LinkProfile,
    /// A call between nodes that has no answer for so long breaks its connection.
    pub call_timeout_us: u64,
    pub clients: Vec<ClientPlan>,
    pub phases: Phases,
    /// In the order of their time.
    pub faults: Vec<Fault>,
    /// More events than this are a failure: a storm of messages, not a hang.
    pub event_budget: u64,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodePlan {
    pub disk: DiskProfile,
    /// Millionths by which its clocks run fast.
    pub drift_ppm: i64,
    /// How far its wall clock is off.
    pub wall_off_ms: i64,
    /// When it starts first.
    pub start_us: u64,
}

/// One topic, which exists from the beginning.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPlan {
    pub name: String,
    pub partitions: u32,
    pub replicas: u32,
    pub settings: BTreeMap<String, String>,
}

/// Anything may fail until `safety_us`; then all is healed. At `quiet_us` clients begin nothing new, every partition is sent one
/// more value, and the last readers read all from the start; by `liveness_us` they must be at the end. The run ends when they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    pub safety_us: u64,
    pub quiet_us: u64,
    pub liveness_us: u64,
}

/// One client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "client", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientPlan {
    /// Sends `batch` values of `size` bytes to one of `partitions`, on average every `pause_us`.
    Producer {
        acks: i16,
        idempotent: bool,
        partitions: Vec<u32>,
        pause_us: u64,
        batch: u32,
        size: u32,
        in_flight: u32,
        /// How long a request may take, and how long a send with all its retries.
        request_timeout_us: u64,
        delivery_timeout_us: u64,
        /// The version of Produce.
        version: i16,
        /// So often an idempotent producer raises its epoch by itself (KIP-360); a batch of the epoch before comes after it, and has to be
        /// refused. 0: never.
        #[serde(default, skip_serializing_if = "is_zero")]
        bump_us: u64,
        /// Each record of a batch is so much younger than the one before.
        #[serde(default, skip_serializing_if = "is_zero")]
        step_ms: u64,
        /// Batches are compressed.
        #[serde(default, skip_serializing_if = "is_false")]
        snappy: bool,
        /// The sequence with which an idempotent producer begins in each partition: near `i32::MAX`, behind which comes 0.
        #[serde(default, skip_serializing_if = "is_none_yet")]
        first_sequence: i32,
        /// Its clock moves in steps of so much: batches of one partition have the same time; 0: of a millisecond.
        #[serde(default, skip_serializing_if = "is_zero")]
        tick_ms: u64,
        /// The headers of its batches do not have the largest timestamp, as Sarama's before 1.45.1.
        #[serde(default, skip_serializing_if = "is_false")]
        untimed: bool,
    },
    /// Reads partitions that it chose itself.
    Reader {
        partitions: Vec<u32>,
        max_bytes: i32,
        max_wait_ms: i32,
        pause_us: u64,
        request_timeout_us: u64,
        version: i16,
        /// One Fetch in so many names the leader epoch before the one that is; 0: none.
        #[serde(default, skip_serializing_if = "is_zero")]
        stale_one_in: u64,
        /// One turn in so many asks for the end of a partition; 0: none.
        #[serde(default, skip_serializing_if = "is_zero")]
        latest_one_in: u64,
        /// It fetches in sessions (KIP-227), as Kafka's consumers do.
        #[serde(default, skip_serializing_if = "is_false")]
        sessions: bool,
        /// Fewer bytes than these it waits for; 0: for any.
        #[serde(default, skip_serializing_if = "is_none_yet")]
        min_bytes: i32,
        /// The most that it wants of one partition; 0: as of all.
        #[serde(default, skip_serializing_if = "is_none_yet")]
        partition_bytes: i32,
    },
    /// A member of a classic consumer group that reads these topics.
    Member {
        group: u32,
        topics: Vec<u32>,
        session_ms: i32,
        rebalance_ms: i32,
        heartbeat_us: u64,
        commit_us: u64,
        request_timeout_us: u64,
        /// `group.instance.id`. Of two members with the same one the later takes the other's place, which then ends for good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
        /// Leaves and joins again so often; 0: never.
        rejoin_us: u64,
        /// Begins only then.
        #[serde(default, skip_serializing_if = "is_zero")]
        from_us: u64,
        /// Falls silent for good then, without a word; 0: never.
        #[serde(default, skip_serializing_if = "is_zero")]
        silent_us: u64,
        /// Then it leaves in order instead.
        #[serde(default, skip_serializing_if = "is_false")]
        leaves: bool,
        /// After a rebalance it commits once more as of the generation before, which has to be refused.
        #[serde(default, skip_serializing_if = "is_false")]
        late_commits: bool,
        /// The assignors that it knows, the one that it likes best first; none: `range`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assignors: Vec<String>,
        /// Asks for all offsets of its group, without naming partitions.
        #[serde(default, skip_serializing_if = "is_false")]
        asks_all: bool,
        /// A static one leaves as an administrator has it leave: by its instance's name alone.
        #[serde(default, skip_serializing_if = "is_false")]
        by_name: bool,
        /// So often it does what one does that has gone wrong, or has forgotten where it is: speaks for generations that are not, commits before
        /// it knows its part, joins again without need, twice at once, and saying something else, and lets the others wait for it; 0: never.
        #[serde(default, skip_serializing_if = "is_zero")]
        unruly_us: u64,
        /// What it commits is to be kept only so long, in ms; 0: it does not say.
        #[serde(default, skip_serializing_if = "is_zero")]
        kept_ms: u64,
    },
    /// Asks what has to be refused (commits in the name of groups that have members, speaks for brokers as they were before they
    /// started anew), and for the offsets of all groups at once.
    Stranger {
        pause_us: u64,
        request_timeout_us: u64,
        /// It fetches as brokers that have started anew since, and sends what no client may: control records, and records without a key where
        /// a topic is compacted.
        #[serde(default, skip_serializing_if = "is_false")]
        trespasses: bool,
        /// It asks what cannot be: acknowledgements that there are not, half of a producer's identity, to be a member like none of the others;
        /// and keeps offsets of topics that come and go.
        #[serde(default, skip_serializing_if = "is_false")]
        improper: bool,
    },
    /// Asks whatever can be looked at: groups, topics, configs, logs, producers, the quorum, moves.
    Onlooker { pause_us: u64, request_timeout_us: u64 },
    /// Keeps offsets in a group that has no members: commits some, asks what is there and, if it does, deletes single ones and the whole group.
    Bookkeeper { group: u32, pause_us: u64, deletes: bool, request_timeout_us: u64 },
    /// Deletes groups and single offsets of theirs, which members have to be refused for, takes several members out at once, and joins a group
    /// as one more.
    GroupAdmin { pause_us: u64, request_timeout_us: u64 },
    /// Makes topics of its own, widens and deletes them, makes them anew, and changes what is set for them and for brokers.
    Keeper {
        pause_us: u64,
        request_timeout_us: u64,
        /// It asks for several things at once, among them what is not there, what is named twice, and what cannot be.
        #[serde(default, skip_serializing_if = "is_false")]
        odd: bool,
    },
    /// Deletes records, elects leaders, moves replicas.
    Admin {
        pause_us: u64,
        deletes: bool,
        elects: bool,
        /// Moves replicas between nodes, and gives up moves. (Plans of before do not say: they have none.)
        #[serde(default, skip_serializing_if = "is_false")]
        moves: bool,
        /// Deletes records of several partitions at once, as far as one node leads them.
        #[serde(default, skip_serializing_if = "is_false")]
        many: bool,
        request_timeout_us: u64,
    },
}

/// What bounds a log.
const BOUNDS: [&str; 2] = ["retention.bytes", "retention.ms"];

impl TopicPlan {
    /// Whether records go without anybody having asked.
    pub fn is_bounded(&self) -> bool {
        BOUNDS.iter().any(|name| self.settings.contains_key(*name))
    }

    /// It takes no record without a key.
    pub fn is_compacted(&self) -> bool {
        self.settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"))
    }

    /// Its records stay.
    pub fn unbind(&mut self) {
        BOUNDS.iter().for_each(|name| drop(self.settings.remove(*name)));
    }
}

impl Plan {
    /// The groups that clients are members of are below this number.
    pub fn groups(&self) -> u32 {
        let group = |client: &ClientPlan| if let ClientPlan::Member { group, .. } = client { *group } else { 0 };
        self.clients.iter().map(group).max().unwrap_or(0) + 1
    }

    /// The groups behind those that a bookkeeper keeps offsets in.
    pub fn books(&self) -> u32 {
        self.clients.iter().filter(|client| matches!(client, ClientPlan::Bookkeeper { .. })).count() as u32
    }

    /// Whether groups that have members may end, and come again under their name with generations that begin anew: because somebody deletes
    /// them, or because they are found empty.
    pub fn groups_end(&self) -> bool {
        let has = |kind: fn(&ClientPlan) -> bool| self.clients.iter().any(kind);
        let ends = |client: &ClientPlan| matches!(client, ClientPlan::GroupAdmin { .. });
        has(|client| matches!(client, ClientPlan::Member { .. })) && (self.settings.contains_key(EXPIRY) || has(ends))
    }

    pub fn partitions(&self) -> impl Iterator<Item = (&TopicPlan, u32)> {
        self.topics.iter().flat_map(|topic| (0..topic.partitions).map(move |partition| (topic, partition)))
    }

    /// Whether replicas move: a partition may then have more of them, or others, than the plan says.
    pub fn moves(&self) -> bool {
        self.clients.iter().any(|client| matches!(client, ClientPlan::Admin { moves: true, .. }))
    }

    /// The text of a plan, as a person edits it.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan has nothing that JSON does not")
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let plan: Self = serde_json::from_str(text).map_err(|error| format!("not a plan: {error}"))?;
        if plan.esker_plan != VERSION {
            return Err(format!("a plan of version {}, this program reads {VERSION}", plan.esker_plan));
        }
        plan.check()?;
        Ok(plan)
    }

    /// Whether the plan's cluster can come up at all: its nodes can hold what they are asked to hold. One that cannot fails, whatever the
    /// brokers do.
    pub fn check(&self) -> Result<(), String> {
        let nodes = self.nodes.len() as u32;
        if nodes == 0 || self.topics.iter().any(|topic| topic.replicas == 0 || topic.replicas > nodes) {
            return Err(format!("{nodes} nodes cannot hold the replicas of the topics"));
        }
        let factor =
            self.settings.get(OFFSETS_FACTOR).map_or(OFFSETS_FACTOR_DEFAULT, |factor| factor.parse().unwrap_or(0));
        let groups = self.clients.iter().any(|client| matches!(client, ClientPlan::Member { .. }));
        if groups && (factor == 0 || factor > nodes) {
            return Err(format!(
                "{nodes} nodes cannot hold the {factor} replicas of __consumer_offsets ({OFFSETS_FACTOR})"
            ));
        }
        Ok(())
    }

    /// When the run ends.
    pub const fn horizon(&self) -> u64 {
        self.phases.liveness_us
    }
}
