//! Topics are made, deleted, and given more partitions.

use super::names::{check_topic_name, collide};
use super::place::Placer;
use super::{Controller, Decision};
use crate::config::{Given, Layers, Setting, Source, TOPIC, TopicConfig};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, PartitionKey, Uuid};
use crate::metadata::{Partition, Record, Resource, Text, Topic, encode};
use crate::mutant::{self, Mutant};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// Records that one request may make (`QuorumController.MAX_RECORDS_PER_USER_OP`).
pub(super) const RECORDS_MAX: usize = 10_000;
/// And their bytes (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`).
const BYTES_MAX: usize = 8 << 20;
/// Longest value of a config: with its name it stays far below the longest record.
pub(super) const VALUE_MAX: usize = 64 << 10;
/// Name of the metadata's own topic, which nobody may make.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// A topic that can be made.
struct Draft {
    id: Uuid,
    partitions: Vec<Partition>,
    configs: Given,
}

impl Controller {
    /// CreateTopics: each topic is made or refused by itself. A name that occurs twice is refused.
    pub fn decide_create_topics(&self, request: &CreateTopicsRequest) -> Decision<CreateTopicsResponse> {
        let mut records = Vec::new();
        let mut placer = Placer::new(&self.image);
        let mut names = BTreeMap::<&str, usize>::new();
        request.topics.iter().for_each(|topic| *names.entry(topic.name.as_str()).or_default() += 1);
        let (mut results, mut refused) = (Vec::new(), Vec::new());
        for (place, wanted) in (0..).zip(&request.topics) {
            let name = wanted.name.as_str();
            let times = names.get_mut(name).map_or(0, core::mem::take);
            let early = match times {
                // Said already, where the name first came.
                0 => continue,
                1 if name == METADATA_TOPIC => {
                    Some(format!("Creation of internal topic {METADATA_TOPIC} is prohibited."))
                }
                1 => None,
                _ => Some("Duplicate topic name.".into()),
            };
            if let Some(why) = early {
                refused.push(topic_refused(wanted, &Refusal::because(ErrorCode::InvalidRequest, why)));
                continue;
            }
            let draft = self.draft(place, wanted, &records, &mut placer);
            results.push(match draft {
                Ok(draft) => {
                    let result = self.topic_made(wanted, &draft);
                    push_topic(&mut records, wanted, draft);
                    result
                }
                Err(refusal) => topic_refused(wanted, &refusal),
            });
        }
        if !mutant::is(Mutant::CreateRefusedUntold) {
            results.append(&mut refused);
        }
        if is_too_much(&records) {
            let refusal = too_much();
            results = request.topics.iter().map(|topic| topic_refused(topic, &refusal)).collect();
            records.clear();
        }
        if request.validate_only && !mutant::is(Mutant::ValidateOnlyMakes) {
            records.clear();
        }
        Decision { records, reply: CreateTopicsResponse::default().with_topics(results) }
    }

    fn draft(
        &self,
        place: u64,
        wanted: &CreatableTopic,
        made: &[Record],
        placer: &mut Placer,
    ) -> Result<Draft, Refusal> {
        self.name_is_free(wanted.name.as_str(), made)?;
        let configs = configs_of(wanted)?;
        TopicConfig::check(&configs)?;
        let partitions = if wanted.assignments.is_empty() {
            self.place_topic(wanted, placer)?
        } else {
            let given = self.assigned_topic(wanted)?;
            given.iter().for_each(|partition| placer.count(&partition.replicas));
            given
        };
        placer.check()?;
        Ok(Draft { id: self.draw_id(place), partitions, configs })
    }

    fn name_is_free(&self, name: &str, made: &[Record]) -> Result<(), Refusal> {
        check_topic_name(name)?;
        if self.image.topic_named(name).is_some() {
            let why = format!("Topic '{name}' already exists.");
            return Err(Refusal::because(ErrorCode::TopicAlreadyExists, why));
        }
        let new = made
            .iter()
            .filter_map(|record| if let Record::Topic { name, .. } = record { Some(name.as_str()) } else { None });
        let all = || {
            self.image
                .topics_by_name()
                .map(|topic| topic.name.as_str())
                .chain(new.clone().filter(|_| !mutant::is(Mutant::CollideInOneRequest)))
        };
        // Most names hold neither of the two: nothing can collide with them.
        if name.contains(['.', '_'])
            && !mutant::is(Mutant::NamesCollide)
            && let Some(other) = all().find(|other| collide(name, other))
        {
            let why = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(Refusal::because(ErrorCode::InvalidTopicException, why));
        }
        Ok(())
    }

    fn place_topic(&self, wanted: &CreatableTopic, placer: &mut Placer) -> Result<Vec<Partition>, Refusal> {
        let (count, factor) = (wanted.num_partitions, wanted.replication_factor);
        if factor < -1 || factor == 0 {
            let why = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::because(ErrorCode::InvalidReplicationFactor, why));
        }
        if count < -1 || count == 0 {
            let why = "Number of partitions was set to an invalid non-positive value.";
            return Err(Refusal::because(ErrorCode::InvalidPartitions, why));
        }
        let count = if count == -1 && mutant::is(Mutant::DefaultCountIgnored) { 1 } else { count };
        let count = if count == -1 { self.settings.topics.partitions } else { count };
        let factor = if factor == -1 { self.settings.topics.replication_factor } else { factor };
        self.place_partitions(count, factor, placer)
    }

    /// New partitions, placed; the replicas that are active are in sync.
    fn place_partitions(&self, count: i32, factor: i16, placer: &mut Placer) -> Result<Vec<Partition>, Refusal> {
        let unable = |why: &str| format!("Unable to replicate the partition {factor} time(s): {why}");
        let count = usize::try_from(count).unwrap_or(0);
        if count > RECORDS_MAX {
            return Err(too_much());
        }
        let mut partitions = Vec::with_capacity(count);
        for _ in 0..count {
            let replicas = placer.place(factor).map_err(|refusal| {
                Refusal::because(refusal.code, unable(refusal.message.as_deref().unwrap_or_default()))
            })?;
            let isr: Vec<NodeId> = replicas
                .iter()
                .copied()
                .filter(|node| self.image.active(*node) || mutant::is(Mutant::MadeWithFenced))
                .collect();
            assert!(!isr.is_empty(), "a partition is led by an unfenced broker");
            partitions.push(Partition::new(replicas, isr));
        }
        Ok(partitions)
    }

    fn assigned_topic(&self, wanted: &CreatableTopic) -> Result<Vec<Partition>, Refusal> {
        let bad_request = |why: &str| Err(Refusal::because(ErrorCode::InvalidRequest, why));
        if wanted.replication_factor != -1 {
            return bad_request(
                "A manual partition assignment was specified, but replication factor was not set to -1.",
            );
        }
        if wanted.num_partitions != -1 {
            return bad_request("A manual partition assignment was specified, but numPartitions was not set to -1.");
        }
        let bad = |why: String| Err(Refusal::because(ErrorCode::InvalidReplicaAssignment, why));
        let mut made = BTreeMap::new();
        let mut factor = None;
        for assignment in &wanted.assignments {
            let number = assignment.partition_index;
            if made.contains_key(&number) {
                return bad(format!("Found multiple manual partition assignments for partition {number}"));
            }
            made.insert(number, self.assigned(number, &assignment.broker_ids, factor)?);
            factor = Some(assignment.broker_ids.len());
        }
        if !made.keys().copied().eq((0..).take(made.len())) && !mutant::is(Mutant::AssignmentGapTaken) {
            return bad("partitions should be a consecutive 0-based integer sequence".into());
        }
        Ok(made.into_values().collect())
    }

    /// Brokers that may hold the replicas of a partition: registered, and none named twice (`validateManualPartitionAssignment`).
    ///
    /// # Errors
    /// `INVALID_REPLICA_ASSIGNMENT`.
    pub(super) fn assignable(&self, brokers: &[BrokerId]) -> Result<Vec<NodeId>, Refusal> {
        let bad = |why: String| Err(Refusal::because(ErrorCode::InvalidReplicaAssignment, why));
        let replicas: Vec<NodeId> = brokers.iter().map(|id| NodeId(id.0)).collect();
        let mut sorted = replicas.clone();
        sorted.sort();
        if sorted.is_empty() {
            return bad("The manual partition assignment includes an empty replica list.".into());
        }
        for (at, id) in sorted.iter().enumerate() {
            if self.image.broker(*id).is_none() {
                return bad(format!(
                    "The manual partition assignment includes broker {id}, but no such broker is registered."
                ));
            }
            if sorted[..at].last() == Some(id) {
                return bad(format!("The manual partition assignment includes the broker {id} more than once."));
            }
        }
        Ok(replicas)
    }

    /// A partition on exactly these brokers.
    fn assigned(&self, number: i32, brokers: &[BrokerId], factor: Option<usize>) -> Result<Partition, Refusal> {
        let bad = |why: String| Err(Refusal::because(ErrorCode::InvalidReplicaAssignment, why));
        let replicas = self.assignable(brokers)?;
        if let Some(factor) = factor
            && factor != replicas.len()
            && !mutant::is(Mutant::UnequalFactorsTaken)
        {
            return bad(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
                 previous partitions, which have {factor} replica(s).",
                replicas.len()
            ));
        }
        let isr: Vec<NodeId> = replicas
            .iter()
            .copied()
            .filter(|node| self.image.active(*node) || mutant::is(Mutant::AssignedWithFenced))
            .collect();
        if isr.is_empty() {
            return bad(format!(
                "All brokers specified in the manual partition assignment for partition {number} are fenced or in controlled shutdown."
            ));
        }
        Ok(Partition::new(replicas, isr))
    }

    fn topic_made(&self, wanted: &CreatableTopic, draft: &Draft) -> CreatableTopicResult {
        let factor = draft.partitions.first().map_or(0, |first| first.replicas.len());
        CreatableTopicResult::default()
            .with_name(wanted.name.clone())
            .with_topic_id(draft.id.into())
            .with_error_message(None)
            .with_num_partitions(i32::try_from(draft.partitions.len()).unwrap_or(i32::MAX))
            .with_replication_factor(i16::try_from(factor).unwrap_or(i16::MAX))
            .with_configs(Some(configs_made(self.layers(), &draft.configs)))
    }

    /// DeleteTopics, by name or by id (from version 6); what is named twice or both ways is refused.
    pub fn decide_delete_topics(&self, version: i16, request: &DeleteTopicsRequest) -> Decision<DeleteTopicsResponse> {
        let mut names = BTreeMap::<&TopicName, usize>::new();
        let mut ids = BTreeMap::<Uuid, usize>::new();
        let mut responses = Vec::new();
        let mut refuse = |name: Option<&TopicName>, id: Uuid, code: ErrorCode, why: &str| {
            responses.push(deleted(name, id, Err(Refusal::because(code, why))));
        };
        request.topic_names.iter().for_each(|name| *names.entry(name).or_default() += 1);
        for topic in &request.topics {
            let id = Uuid::from(topic.topic_id);
            match &topic.name {
                None if id == Uuid::ZERO => {
                    refuse(None, id, ErrorCode::InvalidRequest, "Neither topic name nor id were specified.")
                }
                None => *ids.entry(id).or_default() += 1,
                Some(name) if id == Uuid::ZERO => *names.entry(name).or_default() += 1,
                Some(name) => refuse(
                    Some(name),
                    id,
                    ErrorCode::InvalidRequest,
                    "You may not specify both topic name and topic id.",
                ),
            }
        }
        let mut doomed = BTreeSet::new();
        for (id, times) in &ids {
            match self.image.topic(*id) {
                _ if *times > 1 => refuse(None, *id, ErrorCode::InvalidRequest, "Duplicate topic id."),
                None => refuse(None, *id, ErrorCode::UnknownTopicId, "This server does not host this topic ID."),
                Some(_) => drop(doomed.insert(*id)),
            }
        }
        for (name, times) in &names {
            match self.image.topic_named(name) {
                _ if *times > 1 => refuse(Some(name), Uuid::ZERO, ErrorCode::InvalidRequest, "Duplicate topic name."),
                None => {
                    let why = "This server does not host this topic-partition.";
                    refuse(Some(name), Uuid::ZERO, ErrorCode::UnknownTopicOrPartition, why);
                }
                Some(topic) if ids.contains_key(&topic.id) => {
                    if !mutant::is(Mutant::DeletedThoughTwice) {
                        doomed.remove(&topic.id);
                    }
                    let why = "The provided topic name maps to an ID that was already supplied.";
                    refuse(Some(name), topic.id, ErrorCode::InvalidRequest, why);
                }
                Some(topic) => drop(doomed.insert(topic.id)),
            }
        }
        let disabled = (!self.settings.topics.delete_enable && !mutant::is(Mutant::DeletionAlways))
            .then(|| deletion_disabled(version));
        let mut records = Vec::new();
        for topic in doomed.iter().filter_map(|id| self.image.topic(*id)) {
            let name = TopicName(topic.name.wire());
            responses.push(deleted(Some(&name), topic.id, disabled.clone().map_or(Ok(()), Err)));
            if disabled.is_none() {
                records.push(Record::TopicRemoved { id: topic.id });
            }
        }
        Decision { records, reply: DeleteTopicsResponse::default().with_responses(responses) }
    }

    /// CreatePartitions: topics get more partitions, never fewer.
    pub fn decide_create_partitions(&self, request: &CreatePartitionsRequest) -> Decision<CreatePartitionsResponse> {
        let mut times = BTreeMap::<&str, usize>::new();
        request.topics.iter().for_each(|topic| *times.entry(topic.name.as_str()).or_default() += 1);
        let mut placer = Placer::new(&self.image);
        let mut records = Vec::new();
        let mut results = Vec::new();
        for wanted in &request.topics {
            let outcome = match times.get_mut(wanted.name.as_str()).map_or(0, core::mem::take) {
                0 => continue,
                1 => self.widen(wanted, &mut placer, &mut records),
                _ => Err(Refusal::because(ErrorCode::InvalidRequest, "Duplicate topic name.")),
            };
            results.push(widened(&wanted.name, outcome));
        }
        if is_too_much(&records) {
            results.iter_mut().for_each(|result| *result = widened(&result.name, Err(too_much())));
            records.clear();
        }
        if request.validate_only && !mutant::is(Mutant::ValidateOnlyWidens) {
            records.clear();
        }
        Decision { records, reply: CreatePartitionsResponse::default().with_results(results) }
    }

    fn widen(
        &self,
        wanted: &CreatePartitionsTopic,
        placer: &mut Placer,
        records: &mut Vec<Record>,
    ) -> Result<(), Refusal> {
        let topic = self.image.topic_named(&wanted.name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let has = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let bad_count = |why: String| Err(Refusal::because(ErrorCode::InvalidPartitions, why));
        if wanted.count == has {
            return bad_count(format!("Topic already has {has} partition(s)."));
        }
        if wanted.count < has {
            let (name, count) = (&topic.name, wanted.count);
            return bad_count(format!(
                "The topic {name} currently has {has} partition(s); {count} would not be an increase."
            ));
        }
        let more = wanted.count - has;
        let factor = topic.partitions.first().map_or(1, |first| first.replicas.len());
        let partitions = match &wanted.assignments {
            None => self.place_partitions(more, i16::try_from(factor).unwrap_or(i16::MAX), placer)?,
            Some(given) if i32::try_from(given.len()) != Ok(more) => {
                let why = format!(
                    "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                    given.len()
                );
                return Err(Refusal::because(ErrorCode::InvalidReplicaAssignment, why));
            }
            Some(given) => {
                let each = (has..).zip(given).map(|(number, one)| self.assigned(number, &one.broker_ids, Some(factor)));
                let given = each.collect::<Result<Vec<Partition>, _>>()?;
                given.iter().for_each(|partition| placer.count(&partition.replicas));
                given
            }
        };
        placer.check()?;
        push_partitions(records, topic, if mutant::is(Mutant::WidenFromZero) { 0 } else { has }, partitions);
        Ok(())
    }
}

fn push_partitions(records: &mut Vec<Record>, topic: &Topic, first: i32, partitions: Vec<Partition>) {
    let key = |partition| PartitionKey { topic: topic.id, partition };
    records.extend((first..).zip(partitions).map(|(number, state)| Record::Partition { key: key(number), state }));
}

fn push_topic(records: &mut Vec<Record>, wanted: &CreatableTopic, draft: Draft) {
    let id = draft.id;
    records.push(Record::Topic { id, name: Text::from(wanted.name.as_str()) });
    records.extend(draft.configs.iter().filter(|_| !mutant::is(Mutant::TopicConfigLost)).map(|(name, value)| {
        Record::Config {
            resource: Resource::Topic(id),
            name: Text::from(name.as_str()),
            value: Some(Text::from(value.as_str())),
        }
    }));
    let each = (0..).zip(draft.partitions);
    records
        .extend(each.map(|(partition, state)| Record::Partition { key: PartitionKey { topic: id, partition }, state }));
}

fn configs_of(wanted: &CreatableTopic) -> Result<Given, Refusal> {
    let invalid = |why: String| Refusal::because(ErrorCode::InvalidConfig, why);
    let null: Vec<&str> = wanted.configs.iter().filter(|c| c.value.is_none()).map(|c| c.name.as_str()).collect();
    if !null.is_empty() {
        return Err(invalid(format!("Null value not supported for topic configs: {}", null.join(","))));
    }
    let pairs = wanted.configs.iter().filter_map(|c| Some((c.name.to_string(), c.value.as_ref()?.to_string())));
    let configs: Given = pairs.collect();
    match configs.iter().find(|(_, value)| value.len() > VALUE_MAX) {
        Some((name, _)) => Err(invalid(format!("The value of {name} is longer than {VALUE_MAX} bytes"))),
        None => Ok(configs),
    }
}

/// Every config of a new topic with its value in force, as CreateTopics tells them from version 5.
fn configs_made(layers: Layers<'_>, configs: &Given) -> Vec<CreatableTopicConfigs> {
    let shown = TOPIC.iter().filter(|def| !def.internal);
    let config = shown.map(|def| {
        let Setting { value, source, .. } = layers.topic(def, configs);
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(def.name))
            .with_value(value.filter(|_| !def.sensitive()).map(StrBytes::from_string))
            .with_config_source(source_id(source))
            .with_is_sensitive(def.sensitive())
    });
    config.collect()
}

const fn source_id(source: Source) -> i8 {
    source as i8
}

fn topic_refused(wanted: &CreatableTopic, refusal: &Refusal) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(wanted.name.clone())
        .with_error_code(refusal.code.code())
        .with_error_message(refusal.wire_message())
}

fn deleted(name: Option<&TopicName>, id: Uuid, outcome: Result<(), Refusal>) -> DeletableTopicResult {
    let result =
        DeletableTopicResult::default().with_name(name.cloned()).with_topic_id(id.into()).with_error_message(None);
    match outcome {
        Ok(()) => result,
        Err(refusal) => result.with_error_code(refusal.code.code()).with_error_message(refusal.wire_message()),
    }
}

fn deletion_disabled(version: i16) -> Refusal {
    if version < 3 {
        Refusal::because(ErrorCode::InvalidRequest, "Topic deletion is disabled.")
    } else {
        ErrorCode::TopicDeletionDisabled.into()
    }
}

/// Whether it is more than one request may make: a batch of the metadata's log has to stay one that everybody reads.
pub(super) fn is_too_much(records: &[Record]) -> bool {
    records.len() > RECORDS_MAX || records.iter().map(|record| encode(record).len()).sum::<usize>() > BYTES_MAX
}

fn widened(name: &TopicName, outcome: Result<(), Refusal>) -> CreatePartitionsTopicResult {
    let result = CreatePartitionsTopicResult::default().with_name(name.clone()).with_error_message(None);
    match outcome {
        Ok(()) => result,
        Err(refusal) => result.with_error_code(refusal.code.code()).with_error_message(refusal.wire_message()),
    }
}

pub(super) fn too_much() -> Refusal {
    Refusal::because(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.")
}
