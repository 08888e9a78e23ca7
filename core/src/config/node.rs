//! A node's configuration, from names and values to typed settings.

use super::def::{Use, bool_of, list_of};
use super::layers::{Given, Layers};
use super::listeners::{Door, Reach, Voter, Written, doors_of, voters_of};
use super::nearest::nearest;
use super::settings::{
    BrokerSettings, ChoreSettings, FetchSettings, GroupSettings, LimitSettings, ProducerSettings, QuorumSettings, Read,
    ReplicaSettings, TopicDefaults,
};
use super::topic::TopicConfig;
use super::{BROKER, broker_def, topic_def};
use crate::id::{NodeId, Uuid};
use crate::io::{Address, Listener};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What the shell knows of a node beyond its file: found in, or drawn for, the data folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// The data folder's own id (KIP-858).
    pub directory: Uuid,
    /// This run's id: new at each start (KIP-631).
    pub incarnation: Uuid,
    /// The cluster's id where the folder knows it.
    pub cluster: Option<String>,
    /// The machine's name, by which other machines look it up.
    pub host: Option<String>,
    /// Source of all random numbers of the node.
    pub seed: u64,
}

/// Everything the core reads of a node's configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeConfig {
    pub node: NodeId,
    pub identity: Identity,
    pub is_broker: bool,
    pub is_controller: bool,
    /// The metadata quorum; never empty.
    pub voters: Vec<Voter>,
    pub doors: Vec<Door>,
    /// The name of the listener over which brokers reach each other.
    pub inter_broker: String,
    pub rack: Option<String>,
    pub topics: TopicDefaults,
    pub quorum: QuorumSettings,
    pub brokers: BrokerSettings,
    pub replicas: ReplicaSettings,
    pub fetches: FetchSettings,
    pub groups: GroupSettings,
    pub producers: ProducerSettings,
    pub chores: ChoreSettings,
    pub limits: LimitSettings,
    /// Names and values as the file gave them: the layer of [`super::Source::StaticBroker`].
    pub file: Given,
}

/// Why a configuration is not accepted; one line that names the thing and the remedy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError(pub String);

/// An accepted configuration, and the names in it that mean nothing here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub config: NodeConfig,
    pub idle: Vec<&'static str>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NodeConfig {
    /// Reads names and values as a `server.properties` has them.
    pub fn accept(mut file: Given, mut identity: Identity) -> Result<Accepted, ConfigError> {
        let mut idle = Vec::new();
        for (name, value) in &file {
            if check(name, value, &file)? == Use::Idle {
                idle.extend(broker_def(name).map(|def| def.name));
            }
        }
        let node = node_of(&file)?;
        // Whichever was given, both are shown (`KafkaConfig.populateSynonyms`).
        for name in ["node.id", "broker.id"] {
            file.entry(name.into()).or_insert_with(|| node.to_string());
        }
        let read = Read(&file);
        let roles = read.text("process.roles");
        let has = |role: &str| list_of(&roles).any(|one| one == role);
        let (is_broker, is_controller) = (has("broker"), has("controller"));
        if !is_broker && !is_controller {
            return Err(ConfigError(
                "process.roles is missing: give 'broker,controller', 'broker' or 'controller'".into(),
            ));
        }
        if identity.cluster.is_none() {
            identity.cluster = Some(read.text("cluster.id")).filter(|id| !id.is_empty());
        }
        let voters = voters_of(&read.text("controller.quorum.voters"))
            .map_err(|why| ConfigError(format!("controller.quorum.voters: {why}")))?;
        let reach = match &voters[..] {
            [own] if is_broker && is_controller && own.node == node => Reach::Alone,
            _ => Reach::Others(identity.host.as_deref().unwrap_or("localhost")),
        };
        let doors = doors(&read, reach)?;
        let config = Self {
            node,
            identity,
            is_broker,
            is_controller,
            voters,
            doors,
            inter_broker: inter_broker(&read),
            rack: Some(read.text("broker.rack")).filter(|rack| !rack.is_empty()),
            topics: read.topics(),
            quorum: read.quorum(),
            brokers: read.brokers(),
            replicas: read.replicas(),
            fetches: read.fetches(),
            groups: read.groups(),
            producers: read.producers(),
            chores: read.chores(),
            limits: read.limits(),
            file,
        };
        config.agrees()?;
        Ok(Accepted { config, idle })
    }

    /// A node for tests and the simulator: combined roles, one broker listener and one controller listener.
    pub fn for_test(node: NodeId, voters: &[(i32, &str, u16)], extra: &[(&str, &str)]) -> Self {
        let list: Vec<String> = voters.iter().map(|(id, host, port)| format!("{id}@{host}:{port}")).collect();
        let own = voters.iter().find(|(id, ..)| *id == node.0);
        let (host, port) = own.map_or(("broker", 9092), |&(_, host, port)| (host, port));
        let mut file = Given::new();
        let mut put = |name: &str, value: String| file.insert(name.to_string(), value);
        put("node.id", node.0.to_string());
        put("process.roles", if own.is_some() { "broker,controller" } else { "broker" }.into());
        put("controller.quorum.voters", list.join(","));
        put("controller.listener.names", "CONTROLLER".into());
        let broker_port = if own.is_some() { port.saturating_add(1000) } else { port };
        let controller = own.map_or_else(String::new, |_| format!(",CONTROLLER://{host}:{port}"));
        put("listeners", format!("PLAINTEXT://{host}:{broker_port}{controller}"));
        for (name, value) in extra {
            put(name, value.to_string());
        }
        let identity = Identity {
            directory: Uuid(0x0d1e_0000 + node.0.unsigned_abs() as u128),
            incarnation: Uuid(0x1ca4_0000 + node.0.unsigned_abs() as u128),
            cluster: None,
            host: None,
            seed: node.0.unsigned_abs().into(),
        };
        match Self::accept(file, identity) {
            Ok(accepted) => accepted.config,
            Err(error) => panic!("a test's configuration: {error}"),
        }
    }

    /// Whether this node is a voter of the metadata quorum.
    pub fn is_voter(&self) -> bool {
        self.voters.iter().any(|voter| voter.node == self.node)
    }

    /// A quorum of one needs no controller listener: nobody else speaks to it.
    pub fn is_alone(&self) -> bool {
        self.is_controller && self.is_broker && self.voters.len() == 1 && self.is_voter()
    }

    /// Whether clients are told `localhost` though they may come from other machines: nobody has said where they reach this node.
    pub fn sends_away(&self) -> bool {
        let listens_to_others = |door: &Door| {
            let host = door.bind.host.as_str();
            door.listener == Listener::Broker && matches!(host, "" | "0.0.0.0" | "::")
        };
        let is_told = self.file.get("advertised.listeners").is_some_and(|text| !text.trim().is_empty());
        self.is_alone() && !is_told && self.doors.iter().any(listens_to_others)
    }

    /// What others are told to connect to, on the listener of that name.
    pub fn advertised(&self, name: &str) -> Option<&Address> {
        self.doors.iter().find(|door| door.name.eq_ignore_ascii_case(name)).map(|door| &door.advertised)
    }

    /// The settings of a topic, given what is set dynamically for brokers and for the topic.
    pub fn topic(&self, dynamic_broker: &Given, dynamic_default: &Given, topic: &Given) -> TopicConfig {
        TopicConfig::resolve(Layers { dynamic_broker, dynamic_default, file: &self.file }, topic)
    }

    /// What must hold between settings.
    fn agrees(&self) -> Result<(), ConfigError> {
        let fail = |text: String| Err(ConfigError(text));
        if self.voters.is_empty() {
            return fail(self.voters_missing());
        }
        if self.is_controller != self.is_voter() {
            let (is, has) = if self.is_controller { ("is not", "has") } else { ("is", "does not have") };
            return fail(format!(
                "node {} {has} the role controller, but {is} among controller.quorum.voters",
                self.node
            ));
        }
        let listens = |kind: Listener| self.doors.iter().any(|door| door.listener == kind);
        if self.is_broker && !listens(Listener::Broker) {
            return fail("listeners has no listener for clients".into());
        }
        if self.is_controller && !self.is_alone() && !listens(Listener::Controller) {
            return fail("listeners has none of controller.listener.names, which the other nodes need".into());
        }
        if self.is_broker && self.advertised(&self.inter_broker).is_none() {
            return fail(format!("inter.broker.listener.name is {}, which listeners does not have", self.inter_broker));
        }
        if self.brokers.heartbeat_interval >= self.brokers.session_timeout {
            return fail("broker.heartbeat.interval.ms must be less than broker.session.timeout.ms".into());
        }
        // As in Kafka (`KafkaConfig.validateValues`): one large request must not take all the room there is.
        let (room, largest) = (self.limits.in_flight_bytes, self.limits.request_bytes);
        if room < largest {
            return fail(format!(
                "queued.max.request.bytes is {room}, and one request may have {largest}: raise it to that at least, or lower \
                 socket.request.max.bytes"
            ));
        }
        if self.groups.session_min > self.groups.session_max {
            return fail("group.min.session.timeout.ms must not exceed group.max.session.timeout.ms".into());
        }
        Ok(())
    }

    /// Kafka 4's sample files name no voters: there the quorum keeps them itself, and they may change (KIP-853).
    fn voters_missing(&self) -> String {
        let servers = self.file.get("controller.quorum.bootstrap.servers").map_or("", |text| text.trim());
        if servers.is_empty() {
            return "controller.quorum.voters is missing: name the voters as id@host:port".into();
        }
        let line = match list_of(servers).collect::<Vec<_>>()[..] {
            [one] if self.is_controller => format!("controller.quorum.voters={}@{one}", self.node),
            _ => "controller.quorum.voters=ID@HOST:PORT,… with the node.id of each controller".into(),
        };
        format!(
            "controller.quorum.bootstrap.servers without controller.quorum.voters asks for a quorum whose voters change while it \
             runs, which is not built: replace its line with {line}"
        )
    }
}

/// Whether one name and value can be accepted, and what it means here.
fn check(name: &str, value: &str, file: &Given) -> Result<Use, ConfigError> {
    // `listener.name.<listener>.<config>` is a config of one listener.
    let plain =
        name.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.')).map_or(name, |(_, rest)| rest);
    let Some(def) = broker_def(plain) else {
        return Err(ConfigError(unknown(name)));
    };
    // An empty value of anything but a text is "not set", as in Kafka's own sample files.
    if !value.trim().is_empty() || def.default.is_some() {
        def.check(value).map_err(|refusal| ConfigError(refusal.message.unwrap_or_default()))?;
    }
    match def.used {
        Use::Protects if def.name == "authorizer.class.name" => authorizer(value, file),
        Use::Protects if !value.trim().is_empty() && Some(value.trim()) != def.default => Err(ConfigError(format!(
            "{name} promises a protection that is not built yet: remove it, and do not rely on it"
        ))),
        Use::Protects => Ok(Use::Used),
        Use::Used | Use::Idle => Ok(def.used),
    }
}

fn unknown(name: &str) -> String {
    if name.starts_with("zookeeper.") {
        return format!("{name}: there is no ZooKeeper here; remove it");
    }
    if let Some(broker) = topic_def(name).and_then(|def| def.broker) {
        return format!("{name} is a topic's config; the broker's, which topics have by default, is {broker}");
    }
    match nearest(name, BROKER.iter().map(|def| def.name)) {
        Some(known) => format!("unknown config {name}; did you mean {known}?"),
        None => format!("unknown config {name}"),
    }
}

/// An authorizer that denies nobody anything promises nothing: without authentication everybody is `User:ANONYMOUS`.
fn authorizer(value: &str, file: &Given) -> Result<Use, ConfigError> {
    let given = |name: &str| file.get(name).map_or("", |text| text.trim());
    let open = bool_of(given("allow.everyone.if.no.acl.found")) == Some(true)
        && given("super.users").split(';').any(|user| user.trim() == "User:ANONYMOUS");
    if value.trim().is_empty() || open {
        return Ok(Use::Used);
    }
    Err(ConfigError(
        "authorizer.class.name promises access control, which is not built yet: remove it, or let it deny nothing with \
         super.users=User:ANONYMOUS and allow.everyone.if.no.acl.found=true"
            .into(),
    ))
}

fn node_of(file: &Given) -> Result<NodeId, ConfigError> {
    let given = |name: &str| file.get(name).and_then(|text| text.trim().parse::<i32>().ok());
    match (given("node.id"), given("broker.id")) {
        (Some(node), Some(broker)) if node != broker => Err(ConfigError("node.id and broker.id differ".into())),
        (Some(node), _) | (None, Some(node)) if node >= 0 => Ok(NodeId(node)),
        (Some(_), _) | (None, _) => Err(ConfigError("node.id is missing: give this node a number from 0".into())),
    }
}

fn doors(read: &Read<'_>, reach: Reach<'_>) -> Result<Vec<Door>, ConfigError> {
    let (listeners, advertised) = (read.text("listeners"), read.text("advertised.listeners"));
    let (controllers, protocols) =
        (read.text("controller.listener.names"), read.text("listener.security.protocol.map"));
    let written = Written {
        listeners: &listeners,
        advertised: &advertised,
        controllers: &controllers,
        protocols: &protocols,
        reach,
    };
    doors_of(&written).map_err(|why| ConfigError(format!("listeners: {why}")))
}

fn inter_broker(read: &Read<'_>) -> String {
    let name = read.text("inter.broker.listener.name");
    if name.is_empty() { "PLAINTEXT".into() } else { name.to_ascii_uppercase() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    /// As `kafka up` writes it for the first of three nodes.
    const THREE: &str = "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092
advertised.listeners=PLAINTEXT://127.0.0.1:9092
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/data/data1
num.partitions=4
default.replication.factor=3
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true";

    fn given(text: &str) -> Given {
        text.lines().filter_map(|line| line.split_once('=')).map(|(n, v)| (n.to_string(), v.to_string())).collect()
    }

    fn with(extra: &str) -> Result<Accepted, ConfigError> {
        let mut file = given(THREE);
        file.extend(given(extra));
        NodeConfig::accept(file, Identity::default())
    }

    fn without(name: &str) -> Result<Accepted, ConfigError> {
        let mut file = given(THREE);
        file.remove(name);
        NodeConfig::accept(file, Identity::default())
    }

    #[test]
    fn a_file_of_kafkas_is_read() {
        let Accepted { config, idle } = with("").unwrap();
        assert_eq!((config.node, config.is_broker, config.is_controller), (NodeId(1), true, true));
        assert_eq!((config.voters.len(), config.doors.len(), config.topics.partitions), (3, 2, 4));
        assert_eq!(config.groups.session_min, Span::from_millis(1000));
        assert_eq!(config.groups.offsets_replication_factor, 3);
        assert_eq!(config.replicas.lag_max, Span::from_millis(30_000));
        assert_eq!(config.file.get("broker.id").map(String::as_str), Some("1"), "both names are shown");
        assert!(idle.contains(&"transaction.state.log.min.isr"));
        assert!(!idle.contains(&"super.users"));
    }

    #[test]
    fn a_slip_names_the_nearest() {
        let error = with("num.partitons=3").unwrap_err();
        assert_eq!(error.0, "unknown config num.partitons; did you mean num.partitions?");
        let error = with("file.delete.delay.ms=1").unwrap_err();
        assert!(error.0.ends_with("is log.segment.delete.delay.ms"), "{error:?}");
        assert!(with("zookeeper.connect=a:1").unwrap_err().0.contains("ZooKeeper"));
        assert!(with("num.partitions=none").unwrap_err().0.contains("num.partitions"));
    }

    #[test]
    fn protection_that_is_not_built_is_never_promised() {
        assert!(with("ssl.keystore.location=/x").is_err());
        assert!(with("sasl.enabled.mechanisms=PLAIN").is_err());
        assert!(with("listener.name.plaintext.sasl.enabled.mechanisms=PLAIN").is_err());
        assert!(with("super.users=User:admin").unwrap_err().0.contains("authorizer.class.name"));
        assert!(without("allow.everyone.if.no.acl.found").is_err());
        assert!(with("listener.security.protocol.map=PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT").is_err());
        assert!(with("ssl.client.auth=none").is_ok());
        assert!(with("max.connection.creation.rate=5").is_err());
    }

    #[test]
    fn settings_must_agree() {
        assert!(without("node.id").is_err());
        assert!(without("process.roles").is_err());
        assert!(without("controller.quorum.voters").is_err());
        assert!(with("node.id=9").unwrap_err().0.contains("voters"));
        let bootstrap = |servers: &str| {
            let mut file = given(THREE);
            file.remove("controller.quorum.voters");
            file.insert("controller.quorum.bootstrap.servers".into(), servers.into());
            NodeConfig::accept(file, Identity::default()).unwrap_err().0
        };
        assert!(
            bootstrap("localhost:9093").ends_with("replace its line with controller.quorum.voters=1@localhost:9093")
        );
        assert!(bootstrap("a:9093,b:9093").contains("controller.quorum.voters=ID@HOST:PORT"));
        assert!(with("inter.broker.listener.name=OTHER").is_err());
        assert!(with("broker.session.timeout.ms=2000").is_err());
        assert!(with("listeners=CONTROLLER://127.0.0.1:19092").is_err());
        assert!(with("listeners=PLAINTEXT://127.0.0.1:9092").is_err());
    }

    #[test]
    fn a_quorum_of_one_needs_no_controller_listener() {
        let config = NodeConfig::for_test(NodeId(1), &[(1, "localhost", 9093)], &[("listeners", "PLAINTEXT://:9092")]);
        assert!(config.is_alone() && config.is_voter());
        assert_eq!(config.advertised("PLAINTEXT").unwrap().to_string(), "localhost:9092");
        assert!(config.sends_away());
        let observer = NodeConfig::for_test(NodeId(7), &[(1, "a", 9093)], &[]);
        assert!(!observer.is_voter() && !observer.is_alone());
    }

    #[test]
    fn a_cluster_is_not_told_of_localhost() {
        let told = |listeners: &str| {
            let mut file = given(THREE);
            file.remove("advertised.listeners");
            file.insert("listeners".into(), format!("{listeners},CONTROLLER://:19092"));
            let identity = Identity { host: Some("one.example".into()), ..Identity::default() };
            NodeConfig::accept(file, identity).map(|it| it.config.advertised("PLAINTEXT").map(ToString::to_string))
        };
        assert_eq!(told("PLAINTEXT://:9092").unwrap().unwrap(), "one.example:9092");
        assert_eq!(told("PLAINTEXT://127.0.0.1:9092").unwrap().unwrap(), "127.0.0.1:9092");
        assert!(told("PLAINTEXT://0.0.0.0:9092").unwrap_err().0.contains("set advertised.listeners"));
    }

    #[test]
    fn room_for_requests_holds_the_largest() {
        let line = with("queued.max.request.bytes=1000000").unwrap_err().0;
        assert!(
            line.contains("is 1000000, and one request may have 104857600") && line.contains("lower socket"),
            "{line}"
        );
        let both = |room| with(&format!("socket.request.max.bytes=1000\nqueued.max.request.bytes={room}"));
        assert_eq!(both(1000).unwrap().config.limits.in_flight_bytes, 1000);
        assert!(both(999).is_err() && both(i64::MAX).is_err() && both(-2).is_err());
        assert_eq!(both(0).unwrap().config.limits, both(-1).unwrap().config.limits);
    }
}
