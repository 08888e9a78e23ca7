//! A small blocking client for the commands: knows the brokers and the leaders, and tries again when they change.

mod link;
pub mod records;

pub use link::Link;

use crate::exit::{Failure, Why, say};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, FindCoordinatorRequest, MetadataRequest, MetadataResponse, RequestKind, ResponseKind, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long a command tries again before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
/// What is over sooner is not worth a word: a leader moves within that, and a topic is made.
pub const SILENCE: Duration = Duration::from_secs(1);

/// What an answer must be, or the command fails.
#[macro_export]
macro_rules! answer {
    ($kind:ident, $result:expr) => {
        match $result? {
            kafka_protocol::messages::ResponseKind::$kind(body) => body,
            _ => return Err($crate::exit::Failure::failed("the broker answered another request")),
        }
    };
}

/// A cluster as the commands see it.
#[derive(Debug)]
pub struct Cluster {
    /// Where any broker is looked for, the one that answered last first.
    bootstrap: Vec<String>,
    links: HashMap<String, Link>,
    /// Addresses by node.
    nodes: HashMap<i32, String>,
}

/// A topic's id, and the leader of each of its partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    pub name: String,
    pub id: esker_core::id::Uuid,
    /// [`NO_LEADER`] where a partition has none for now.
    pub leaders: Vec<i32>,
}

/// Stands for the leader of a partition that has none.
pub const NO_LEADER: i32 = -1;

impl Topic {
    pub fn has(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|place| place < self.leaders.len())
    }

    pub fn leader(&self, partition: i32) -> Option<i32> {
        let leader = usize::try_from(partition).ok().and_then(|place| self.leaders.get(place)).copied();
        leader.filter(|leader| *leader > NO_LEADER)
    }

    /// Some of its partitions by their leaders; `None`: those without one.
    pub fn by_leader(&self, partitions: impl IntoIterator<Item = i32>) -> BTreeMap<Option<i32>, Vec<i32>> {
        let mut all: BTreeMap<Option<i32>, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            all.entry(self.leader(partition)).or_default().push(partition);
        }
        all
    }
}

/// The name of an error, as people write it; `None`: no error.
pub fn error_text(code: i16) -> Option<String> {
    let error = ResponseError::try_from_code(code)?;
    let mut text = String::new();
    for char in format!("{error:?}").chars() {
        if char.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(char.to_ascii_lowercase());
    }
    Some(text)
}

/// The name of an error as the server's documentation has it: `KAFKA_STORAGE_ERROR`; `None`: no error.
pub fn error_name(code: i16) -> Option<String> {
    ResponseError::try_from_code(code).map(esker_core::error::name_of)
}

/// Whether trying again may help.
pub fn is_passing(code: i16) -> bool {
    ResponseError::try_from_code(code).is_some_and(|error| error.is_retriable())
}

/// What an error code means for whoever asked a partition's leader.
pub fn of_leader(code: i16, what: &str) -> Result<(), Failure> {
    const MOVED: [ResponseError; 8] = [
        ResponseError::NotLeaderOrFollower,
        ResponseError::LeaderNotAvailable,
        ResponseError::ReplicaNotAvailable,
        ResponseError::FencedLeaderEpoch,
        ResponseError::UnknownLeaderEpoch,
        ResponseError::UnknownTopicOrPartition,
        ResponseError::UnknownTopicId,
        ResponseError::KafkaStorageError,
    ];
    let Some(text) = error_text(code) else { return Ok(()) };
    let why = Failure::failed(format!("{what}: {text}"));
    let moved = MOVED.iter().any(|error| error.code() == code);
    Err(if moved {
        why.stale()
    } else if is_passing(code) {
        why
    } else {
        why.for_good()
    })
}

/// Refuses any error, with what was asked for.
pub fn expect(code: i16, what: &str) -> Result<(), Failure> {
    error_text(code).map_or(Ok(()), |error| Err(Failure::failed(format!("{what}: {error}")).for_good()))
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Tries until there is an answer, or time is up; `None` of `work` asks for another try.
pub fn patiently<T>(what: &str, mut work: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
    let end = Instant::now() + PATIENCE;
    loop {
        let last = match work() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => Failure::failed(format!("{what}: not ready after {} s", PATIENCE.as_secs())),
            Err(why) if why.is_final() => return Err(why),
            Err(why) => why,
        };
        if Instant::now() >= end {
            return Err(last);
        }
        std::thread::sleep(PAUSE);
    }
}

fn no_topic(name: &str) -> Failure {
    Failure::failed(format!("topic {name} does not exist")).for_good()
}

/// An address to connect to; that of IPv6 stands in brackets.
fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Cluster {
    /// Reaches the first of the addresses that answers.
    pub fn open(bootstrap: &str) -> Result<Self, Failure> {
        let addresses = bootstrap.split(',').map(str::trim).filter(|one| !one.is_empty()).map(String::from);
        let mut cluster = Self { bootstrap: addresses.collect(), links: HashMap::new(), nodes: HashMap::new() };
        cluster.reach().map(|_| cluster)
    }

    /// The address of some broker that can be reached.
    fn reach(&mut self) -> Result<String, Failure> {
        let mut last = Failure::failed("no broker's address is given");
        for place in 0..self.bootstrap.len() {
            let address = self.bootstrap[place].clone();
            match self.link(&address) {
                Ok(_) => {
                    self.bootstrap.swap(0, place);
                    return Ok(address);
                }
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    fn link(&mut self, address: &str) -> Result<&mut Link, Failure> {
        if !self.links.contains_key(address) {
            self.links.insert(address.into(), Link::open(address)?);
        }
        self.links.get_mut(address).ok_or_else(|| Failure::failed("no connection"))
    }

    /// Asks any broker.
    pub fn any(&mut self, key: ApiKey, body: impl Into<RequestKind>) -> Result<ResponseKind, Failure> {
        let address = self.reach()?;
        self.at(&address, key, body)
    }

    fn at(&mut self, address: &str, key: ApiKey, body: impl Into<RequestKind>) -> Result<ResponseKind, Failure> {
        let answer = self.link(address)?.call(key, body);
        if answer.is_err() {
            self.links.remove(address);
        }
        answer
    }

    /// Asks one node.
    pub fn node(&mut self, node: i32, key: ApiKey, body: impl Into<RequestKind>) -> Result<ResponseKind, Failure> {
        let address = self.address(node)?;
        self.at(&address, key, body)
    }

    /// The connection to a node, for requests whose answers are waited for later.
    pub fn link_to(&mut self, node: i32) -> Result<&mut Link, Failure> {
        let address = self.address(node)?;
        self.link(&address)
    }

    /// Sends to a node what it does not answer.
    pub fn tell(&mut self, node: i32, key: ApiKey, body: &RequestKind) -> Result<(), Failure> {
        let address = self.address(node)?;
        let link = self.link(&address)?;
        let sent = if link.is_closed() {
            Err(Failure::failed(format!("{address} has closed the connection")).stale())
        } else {
            link.send(key, body).map(|_| ())
        };
        if sent.is_err() {
            self.links.remove(&address);
        }
        sent
    }

    fn address(&self, node: i32) -> Result<String, Failure> {
        self.nodes.get(&node).cloned().ok_or_else(|| Failure::failed(format!("node {node} is not known")).stale())
    }

    /// The metadata of some topics; `None`: of all.
    pub fn metadata(&mut self, topics: Option<&[&str]>, create: bool) -> Result<MetadataResponse, Failure> {
        let mut request = MetadataRequest::default();
        request.allow_auto_topic_creation = create;
        request.topics = topics.map(|names| {
            let topic = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
            names.iter().map(topic).collect()
        });
        let found = answer!(Metadata, self.any(ApiKey::Metadata, request));
        for broker in &found.brokers {
            let address = address(broker.host.as_str(), broker.port);
            if !self.bootstrap.contains(&address) {
                self.bootstrap.push(address.clone());
            }
            self.nodes.insert(broker.node_id.0, address);
        }
        Ok(found)
    }

    /// A topic. Partitions of it may be without a leader. With `create` a broker is asked to make it, and may not do so: it is waited for all
    /// the same, and not without a word.
    pub fn topic(&mut self, name: &str, create: bool) -> Result<Topic, Failure> {
        let (began, mut told) = (Instant::now(), false);
        patiently(&format!("topic {name}"), || match self.look(name, create)? {
            None if !create => Err(no_topic(name)),
            None if began.elapsed() >= SILENCE => {
                let line = format!(
                    "topic {name} does not exist, and the broker has not created it (auto.create.topics.enable, or its log says why)"
                );
                if !std::mem::replace(&mut told, true) {
                    say(format_args!("{line}; it is waited for up to {} s", PATIENCE.as_secs()));
                }
                Err(Failure::failed(line))
            }
            found => Ok(found),
        })
    }

    /// A topic that was created just now, once each of its partitions has a leader: a broker may not know of it yet.
    pub fn created(&mut self, name: &str) -> Result<Topic, Failure> {
        patiently(&format!("topic {name}"), || {
            let found = self.look(name, false)?;
            Ok(found.filter(|topic| topic.leaders.iter().all(|leader| *leader > NO_LEADER)))
        })
    }

    /// Asks once. `None`: there is no such topic, or not yet.
    fn look(&mut self, name: &str, create: bool) -> Result<Option<Topic>, Failure> {
        let found = self.metadata(Some(&[name]), create)?;
        let what = format!("topic {name}");
        let not_yet = || Failure::failed(format!("{what}: nothing is known of it yet"));
        let one = found.topics.first().ok_or_else(not_yet)?;
        if one.error_code == ResponseError::UnknownTopicOrPartition.code() {
            return Ok(None);
        }
        if is_passing(one.error_code) || (one.error_code == 0 && one.partitions.is_empty()) {
            return Err(
                error_text(one.error_code).map_or_else(not_yet, |text| Failure::failed(format!("{what}: {text}")))
            );
        }
        expect(one.error_code, &what)?;
        let mut partitions: Vec<_> = one.partitions.iter().collect();
        partitions.sort_by_key(|partition| partition.partition_index);
        let leaders = partitions.iter().map(|partition| partition.leader_id.0).collect();
        Ok(Some(Topic { name: name.into(), id: one.topic_id.into(), leaders }))
    }

    /// Does `work` at a topic's leaders until it is done or time is up. Where it fails because other nodes lead by now, they are looked
    /// up first.
    pub fn at_leaders<T>(
        &mut self,
        topic: &mut Topic,
        what: &str,
        mut work: impl FnMut(&mut Self, &Topic) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        patiently(what, || {
            let why = match work(self, topic) {
                Ok(done) => return Ok(Some(done)),
                Err(why) => why,
            };
            if why.why == Why::Stale {
                match self.look(&topic.name, false) {
                    Ok(Some(found)) => *topic = found,
                    Ok(None) => return Err(no_topic(&topic.name)),
                    Err(worse) if worse.is_final() => return Err(worse),
                    // No broker answers for now: what failed first says more.
                    Err(_) => {}
                }
            }
            Err(why)
        })
    }

    /// The node that coordinates a group.
    pub fn coordinator(&mut self, group: &str) -> Result<i32, Failure> {
        patiently(&format!("group {group}"), || {
            let mut request = FindCoordinatorRequest::default();
            let version = self.version(ApiKey::FindCoordinator)?;
            if version >= 4 {
                request.coordinator_keys = vec![text(group)];
            } else {
                request.key = text(group);
            }
            let found = answer!(FindCoordinator, self.any(ApiKey::FindCoordinator, request));
            let one = found.coordinators.first().map(|one| (one.error_code, one.node_id.0, one.host.clone(), one.port));
            let (code, node, host, port) = one.unwrap_or((found.error_code, found.node_id.0, found.host, found.port));
            if code != 0 {
                return if is_passing(code) { Ok(None) } else { expect(code, group).map(|()| None) };
            }
            self.nodes.insert(node, address(host.as_str(), port));
            Ok(Some(node))
        })
    }
}

impl Cluster {
    /// The version in which the first broker is asked.
    pub fn version(&mut self, key: ApiKey) -> Result<i16, Failure> {
        let address = self.reach()?;
        self.link(&address)?.version(key)
    }
}
