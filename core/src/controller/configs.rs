//! Configs of topics and brokers are set and taken back while they run (KIP-226, KIP-339).

use super::names::check_topic_name;
use super::topics::{VALUE_MAX, is_too_much, too_much};
use super::{Controller, Decision};
use crate::config::{Def, Given, Kind, TopicConfig, broker_def, check_dynamic, topic_def};
use crate::error::{ErrorCode, Refusal};
use crate::id::NodeId;
use crate::metadata::{Record, Resource, Text};
use crate::mutant::{self, Mutant};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
    alter_configs_response, incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;

/// `ConfigResource.Type` of the wire.
const TOPIC_TYPE: i8 = 2;
const BROKER_TYPE: i8 = 4;
/// Known, and without configs here.
const METRICS_TYPE: i8 = 16;
const GROUP_TYPE: i8 = 32;
const BROKER_LOGGER_TYPE: i8 = 8;

const MIN_INSYNC: &str = "min.insync.replicas";

/// What is done to one config (`AlterConfigOp.OpType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    Set,
    Delete,
    Append,
    Subtract,
}

/// One config to alter: name, wire's number of what to do, value.
type Alter<'a> = (&'a StrBytes, i8, Option<&'a StrBytes>);

/// A resource to alter: the wire's number of its kind, its name, and what is to be done.
struct Asked<'a> {
    kind: i8,
    name: &'a StrBytes,
    alters: Vec<Alter<'a>>,
}

/// What is told of a resource: Kafka's error code, 0 for none, and why.
struct Told {
    kind: i8,
    name: StrBytes,
    code: i16,
    message: Option<StrBytes>,
}

type AlterOne = fn(&Controller, i8, &str, &[Alter<'_>]) -> Result<Vec<Record>, Refusal>;

impl Controller {
    /// IncrementalAlterConfigs: single configs are set, taken back, or have entries added to and taken from their lists.
    /// Each resource is altered whole or not at all.
    pub fn decide_incremental_alter_configs(
        &self,
        request: &IncrementalAlterConfigsRequest,
    ) -> Decision<IncrementalAlterConfigsResponse> {
        let asked = request.resources.iter().map(|resource| Asked {
            kind: resource.resource_type,
            name: &resource.resource_name,
            alters: resource.configs.iter().map(|c| (&c.name, c.config_operation, c.value.as_ref())).collect(),
        });
        let (records, told) = self.alter_each(asked.collect(), request.validate_only, Self::alter_some);
        let response = |told: Told| {
            incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(told.kind)
                .with_resource_name(told.name)
                .with_error_code(told.code)
                .with_error_message(told.message)
        };
        let responses = told.into_iter().map(response).collect();
        Decision { records, reply: IncrementalAlterConfigsResponse::default().with_responses(responses) }
    }

    /// AlterConfigs: what is named is set, and all else of the resource is taken back.
    pub fn decide_alter_configs(&self, request: &AlterConfigsRequest) -> Decision<AlterConfigsResponse> {
        let asked = request.resources.iter().map(|resource| Asked {
            kind: resource.resource_type,
            name: &resource.resource_name,
            alters: resource.configs.iter().map(|c| (&c.name, 0, c.value.as_ref())).collect(),
        });
        let (records, told) = self.alter_each(asked.collect(), request.validate_only, Self::alter_all);
        let response = |told: Told| {
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(told.kind)
                .with_resource_name(told.name)
                .with_error_code(told.code)
                .with_error_message(told.message)
        };
        let responses = told.into_iter().map(response).collect();
        Decision { records, reply: AlterConfigsResponse::default().with_responses(responses) }
    }

    /// Each resource by itself, as `alter` does it: the records of all that may be, and what is told of each.
    fn alter_each(&self, asked: Vec<Asked<'_>>, validate_only: bool, alter: AlterOne) -> (Vec<Record>, Vec<Told>) {
        let twice = twice(asked.iter().map(|one| (one.kind, one.name.as_str())));
        let mut records = Vec::new();
        let each = asked.into_iter().map(|Asked { kind, name, alters }| {
            let outcome = named_once(&twice, kind, name).and_then(|()| alter(self, kind, name, &alters));
            let (code, message) = match outcome {
                Ok(mut made) => {
                    records.append(&mut made);
                    (0, None)
                }
                Err(refusal) => (refusal.code.code(), refusal.wire_message()),
            };
            Told { kind, name: name.clone(), code, message }
        });
        let mut told: Vec<Told> = each.collect();
        if is_too_much(&records) {
            let refusal = too_much();
            told.iter_mut().for_each(|one| (one.code, one.message) = (refusal.code.code(), refusal.wire_message()));
            records.clear();
        }
        if validate_only && !mutant::is(Mutant::ValidateOnlyAlters) {
            records.clear();
        }
        (records, told)
    }

    fn alter_some(&self, kind: i8, name: &str, alters: &[Alter<'_>]) -> Result<Vec<Record>, Refusal> {
        well_formed(alters)?;
        if kind == BROKER_LOGGER_TYPE {
            return no_logger(alters);
        }
        let target = self.target(kind, name)?;
        let before = self.configs_before(&target);
        let mut after = before.clone();
        for (config, op, value) in alters {
            let op = op_of(*op)?;
            let value = value.map_or("", |value| value.as_str());
            match new_value(&target, &before, config, op, value)? {
                Some(value) => after.insert(config.to_string(), value),
                None => after.remove(config.as_str()),
            };
        }
        self.altered(&target, &before, &after, alters)
    }

    fn alter_all(&self, kind: i8, name: &str, alters: &[Alter<'_>]) -> Result<Vec<Record>, Refusal> {
        well_formed(alters)?;
        let target = self.target(kind, name)?;
        let before = self.configs_before(&target);
        let kept = before.clone().into_iter().filter(|_| mutant::is(Mutant::AlterAllKeeps));
        let after = alters
            .iter()
            .filter_map(|(config, _, value)| Some((config.to_string(), value.as_ref()?.to_string())))
            .chain(kept)
            .collect();
        self.altered(&target, &before, &after, alters)
    }

    fn configs_before(&self, target: &Target<'_>) -> Given {
        match target {
            Target::Topic(name) => self.image.topic_named(name).map_or_else(Given::new, |topic| topic.configs.clone()),
            Target::Broker(id) => self.image.configs(Resource::Broker(*id)).clone(),
            Target::AllBrokers => self.image.configs(Resource::BrokerDefault).clone(),
        }
    }

    /// What has to be written for the target to have `after` where it had `before`, if it may.
    fn altered(
        &self,
        target: &Target<'_>,
        before: &Given,
        after: &Given,
        named: &[Alter<'_>],
    ) -> Result<Vec<Record>, Refusal> {
        let resource = match target {
            Target::Topic(name) => {
                TopicConfig::check(after)
                    .or_else(|why| if mutant::is(Mutant::ConfigNotChecked) { Ok(()) } else { Err(why) })?;
                let unknown = || {
                    Refusal::because(ErrorCode::UnknownTopicOrPartition, format!("The topic '{name}' does not exist."))
                };
                Resource::Topic(self.image.topic_named(name).ok_or_else(unknown)?.id)
            }
            Target::Broker(id) => {
                may_change(after, false)?;
                let unknown =
                    || Refusal::because(ErrorCode::BrokerIdNotRegistered, format!("No broker with id {} found.", id.0));
                self.image.broker(*id).map(|_| Resource::Broker(*id)).ok_or_else(unknown)?
            }
            Target::AllBrokers => {
                may_change(after, true)?;
                Resource::BrokerDefault
            }
        };
        may_change_min_insync(target, before, after, named)?;
        if let Some((name, _)) = after.iter().find(|(name, value)| name.len() > VALUE_MAX || value.len() > VALUE_MAX) {
            let name: String = name.chars().take(249).collect();
            let why = format!("The value of {name} is longer than {VALUE_MAX} bytes");
            return Err(Refusal::because(ErrorCode::InvalidConfig, why));
        }
        // A broker that is told the value it has reads it anew (KAFKA-14136).
        let again =
            |name: &str| resource_is_broker(resource) && named.iter().any(|(config, ..)| config.as_str() == name);
        let set = after.iter().filter(|(name, value)| before.get(*name) != Some(*value) || again(name));
        let set = set.map(|(name, value)| record(resource, name, Some(value)));
        let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| record(resource, name, None));
        Ok(set.chain(gone.filter(|_| !mutant::is(Mutant::ConfigDeleteIgnored))).collect())
    }

    fn target<'a>(&self, kind: i8, name: &'a str) -> Result<Target<'a>, Refusal> {
        let bad = |why: String| Err(Refusal::because(ErrorCode::InvalidRequest, why));
        match (kind, name) {
            (TOPIC_TYPE, "") => bad("Default topic resources are not allowed.".into()),
            (TOPIC_TYPE, name) => check_topic_name(name).map(|()| Target::Topic(name)),
            (BROKER_TYPE, "") => Ok(Target::AllBrokers),
            (BROKER_TYPE, id) => match id.parse() {
                Ok(number) if number >= 0 => Ok(Target::Broker(NodeId(number))),
                Ok(_) => bad("Invalid negative broker ID.".into()),
                Err(_) => bad(format!("Node id must be an integer, but it is: {id}")),
            },
            (METRICS_TYPE, _) => bad("The configs of client metrics are not supported.".into()),
            (GROUP_TYPE, _) => bad("The configs of groups are not supported.".into()),
            (other, _) => bad(format!("Unknown resource type {other}")),
        }
    }
}

/// What is altered.
enum Target<'a> {
    Topic(&'a str),
    Broker(NodeId),
    AllBrokers,
}

const fn resource_is_broker(resource: Resource) -> bool {
    match resource {
        Resource::Topic(_) => false,
        Resource::Broker(_) | Resource::BrokerDefault => true,
    }
}

fn record(resource: Resource, name: &str, value: Option<&String>) -> Record {
    Record::Config { resource, name: Text::from(name), value: value.map(|value| Text::from(value.as_str())) }
}

/// A value that a broker may not have is an invalid request, not an invalid config (KAFKA-13609).
fn may_change(after: &Given, for_all: bool) -> Result<(), Refusal> {
    if mutant::is(Mutant::StaticAltered) {
        return Ok(());
    }
    check_dynamic(after, for_all).map_err(|refusal| Refusal { code: ErrorCode::InvalidRequest, ..refusal })
}

/// What is in sync decides who may lead, anywhere: one broker has no minimum of its own, and the cluster's is set, not taken back (KIP-966;
/// Kafka: `ConfigurationControlManager`, as with `eligible.leader.replicas.version` 1, its default).
fn may_change_min_insync(
    target: &Target<'_>,
    before: &Given,
    after: &Given,
    named: &[Alter<'_>],
) -> Result<(), Refusal> {
    let named = named.iter().any(|(config, ..)| config.as_str() == MIN_INSYNC);
    let (had, has) = (before.contains_key(MIN_INSYNC), after.contains_key(MIN_INSYNC));
    let why = match target {
        Target::Broker(_) if named || had && !has => {
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        }
        Target::AllBrokers if (named || had) && !has => {
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        }
        Target::Topic(_) | Target::Broker(_) | Target::AllBrokers => return Ok(()),
    };
    Err(Refusal::because(ErrorCode::InvalidConfig, why))
}

fn twice<'a>(named: impl Iterator<Item = (i8, &'a str)>) -> BTreeSet<(i8, String)> {
    let mut times = BTreeMap::<(i8, &str), usize>::new();
    named.for_each(|resource| *times.entry(resource).or_default() += 1);
    times.into_iter().filter(|(_, times)| *times > 1).map(|((kind, name), _)| (kind, String::from(name))).collect()
}

fn named_once(twice: &BTreeSet<(i8, String)>, kind: i8, name: &str) -> Result<(), Refusal> {
    if twice.iter().any(|(k, n)| *k == kind && n == name) && !mutant::is(Mutant::ResourceTwiceAltered) {
        return Err(Refusal::because(ErrorCode::InvalidRequest, "Each resource must appear at most once."));
    }
    Ok(())
}

fn well_formed(alters: &[Alter<'_>]) -> Result<(), Refusal> {
    let names: BTreeSet<&str> = alters.iter().map(|(name, ..)| name.as_str()).collect();
    if names.len() < alters.len() {
        return Err(Refusal::because(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
    }
    let null = alters.iter().filter(|(_, op, value)| *op != 1 && value.is_none()).map(|(name, ..)| name.as_str());
    let null: Vec<&str> = null.collect();
    if null.is_empty() {
        return Ok(());
    }
    Err(Refusal::because(ErrorCode::InvalidRequest, format!("Null value not supported for : {}", null.join(", "))))
}

/// This broker's log is no tree of named loggers: DescribeConfigs lists none, and none can be set (KIP-412; Kafka:
/// `RuntimeLoggerManager.validateLogLevelConfigs`).
fn no_logger(alters: &[Alter<'_>]) -> Result<Vec<Record>, Refusal> {
    let Some((name, op, _)) = alters.first() else { return Ok(Vec::new()) };
    match op_of(*op)? {
        Op::Set | Op::Delete => {
            Err(Refusal::because(ErrorCode::InvalidConfig, format!("Logger {name} does not exist!")))
        }
        Op::Append | Op::Subtract => {
            let why = "Entries cannot be added to or taken from the level of a logger.";
            Err(Refusal::because(ErrorCode::InvalidRequest, why))
        }
    }
}

fn op_of(number: i8) -> Result<Op, Refusal> {
    match number {
        0 => Ok(Op::Set),
        1 => Ok(Op::Delete),
        2 => Ok(Op::Append),
        3 => Ok(Op::Subtract),
        other => Err(Refusal::because(ErrorCode::InvalidRequest, format!("Unknown operations type {other}"))),
    }
}

fn def_of(target: &Target<'_>, name: &str) -> Option<&'static Def> {
    match target {
        Target::Topic(_) => topic_def(name),
        Target::Broker(_) | Target::AllBrokers => broker_def(name),
    }
}

fn new_value(target: &Target<'_>, before: &Given, name: &str, op: Op, value: &str) -> Result<Option<String>, Refusal> {
    let word = match op {
        Op::Set => return Ok(Some(value.to_string())),
        Op::Delete => return Ok(None),
        Op::Append => "APPEND",
        Op::Subtract => "SUBTRACT",
    };
    let def = def_of(target, name).filter(|def| def.kind == Kind::List);
    let Some(def) = def else {
        let why = format!("Can't {word} to key {name} because its type is not LIST.");
        return Err(Refusal::because(ErrorCode::InvalidConfig, why));
    };
    let old = before.get(name).map_or(def.default.unwrap_or(""), String::as_str);
    let mut parts: Vec<&str> =
        old.split(',').filter(|part| !part.is_empty() && !mutant::is(Mutant::AppendReplacesList)).collect();
    for part in value.split(',') {
        match op {
            Op::Subtract => parts.retain(|old| *old != part || mutant::is(Mutant::SubtractNothing)),
            Op::Append | Op::Set | Op::Delete if !parts.contains(&part) => parts.push(part),
            Op::Append | Op::Set | Op::Delete => {}
        }
    }
    Ok(Some(parts.join(",")))
}
