//! DescribeConfigs (key 32, versions 1 to 4): the configs of topics and brokers, their values in force, where each comes from.
//!
//! * Topics (type 2): `UNKNOWN_TOPIC_OR_PARTITION` or `INVALID_TOPIC_EXCEPTION` where there is no such topic.
//! * Brokers (4): this node's alone, by its id; without a name, the defaults of all that were set while they run. Another id, or
//!   none at all: `INVALID_REQUEST`.
//! * Loggers (8), client metrics (16) and groups (32) have no configs here yet: an empty list.
//! * Any other type: `INVALID_REQUEST`. A name in `configuration_keys` that is not known is left out; no list, or an empty list: all.

use crate::config::{BROKER, Def, Kind, Layers, Setting, Source, TOPIC};
use crate::controller::check_topic_name;
use crate::error::{ErrorCode, Refusal};
use crate::io::Ask;
use crate::metadata::Resource;
use crate::node::Node;
use crate::time::Now;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

/// What the request wants of each config.
#[derive(Clone, Copy)]
struct Shown {
    synonyms: bool,
    docs: bool,
}

/// Configs that are told again in one answer, for a resource that is named again: a broker has some two hundred. Who names it ten thousand
/// times, in five bytes each, gets no answer.
const AGAIN_MAX: usize = 20_000;

/// Answers at once, each resource by itself.
pub fn on_describe_configs(node: &mut Node, _now: Now, ask: Ask, request: DescribeConfigsRequest) {
    let shown = Shown { synonyms: request.include_synonyms, docs: request.include_documentation };
    let (mut left, mut named) = (AGAIN_MAX, BTreeSet::new());
    let mut results = Vec::new();
    for resource in &request.resources {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        let found = configs_of(node, resource, shown);
        if !named.insert((resource.resource_type, &resource.resource_name)) {
            let told = found.as_ref().map_or(0, Vec::len);
            let Some(rest) = left.checked_sub(told) else { return ask.close(&mut node.out) };
            left = rest;
        }
        results.push(match found {
            // Kafka leaves the message empty, not null.
            Ok(configs) => result.with_error_message(Some(StrBytes::new())).with_configs(configs),
            Err(refusal) => result
                .with_error_code(refusal.code.code())
                .with_error_message(Some(refusal.wire_message().unwrap_or_default())),
        });
    }
    let response = DescribeConfigsResponse::default().with_results(results);
    ask.reply(&mut node.out, response);
}

fn configs_of(
    node: &Node,
    resource: &DescribeConfigsResource,
    shown: Shown,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let bad = |why: String| Err(Refusal::because(ErrorCode::InvalidRequest, why));
    let own = node.config.node;
    let layers = Layers {
        dynamic_broker: node.image.configs(Resource::Broker(own)),
        dynamic_default: node.image.configs(Resource::BrokerDefault),
        file: &node.config.file,
    };
    let name = resource.resource_name.as_str();
    let asked = |def: &&'static Def| is_all(resource) || asked_for(resource, def.name);
    // What is internal is shown where it is set.
    let shows = |(def, setting): &(&'static Def, Setting)| !def.internal || setting.source != Source::Default;
    match (resource.resource_type, name) {
        (2, name) => {
            check_topic_name(name)?;
            let topic = node.image.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
            let each = TOPIC.iter().filter(asked).map(|def| (def, layers.topic(def, &topic.configs))).filter(shows);
            Ok(each.map(|(def, setting)| described(def, setting, false, shown)).collect())
        }
        (4, "") => {
            let each = layers.dynamic_default.iter().filter(|(name, _)| is_all(resource) || asked_for(resource, name));
            Ok(each.map(|(name, value)| set_while_running(name, value, Source::DynamicDefault, shown)).collect())
        }
        (4, id) => match id.parse::<i32>() {
            Ok(number) if number == own.0 => {
                let each = BROKER.iter().filter(asked).map(|def| (def, layers.broker(def))).filter(shows);
                let known = each.map(|(def, setting)| described(def, setting, def.read_only(), shown));
                Ok(known.chain(unknown(&layers, resource, shown)).collect())
            }
            Ok(number) => bad(format!("Unexpected broker id, expected {own} or empty string, but received {number}")),
            Err(_) => bad(format!("Broker id must be an integer, but it is: {id}")),
        },
        (8 | 16 | 32, _) => Ok(vec![]),
        (other, _) => bad(format!("Unsupported resource type {other}")),
    }
}

/// Whether the request names none (Kafka's `ConfigHelper`: an empty list is as good as none).
fn is_all(resource: &DescribeConfigsResource) -> bool {
    resource.configuration_keys.as_ref().is_none_or(Vec::is_empty)
}

fn asked_for(resource: &DescribeConfigsResource, name: &str) -> bool {
    resource.configuration_keys.iter().flatten().any(|key| key.as_str() == name)
}

fn described(def: &'static Def, setting: Setting, read_only: bool, shown: Shown) -> DescribeConfigsResourceResult {
    let synonyms = setting.synonyms.into_iter().map(|synonym| {
        DescribeConfigsSynonym::default()
            .with_name(StrBytes::from_static_str(synonym.name))
            .with_value(synonym.value.map(StrBytes::from_string))
            .with_source(synonym.source as i8)
    });
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(def.name))
        .with_value(setting.value.filter(|_| !def.sensitive()).map(StrBytes::from_string))
        .with_read_only(read_only)
        .with_config_source(setting.source as i8)
        .with_is_sensitive(def.sensitive())
        .with_synonyms(if shown.synonyms { synonyms.collect() } else { vec![] })
        .with_config_type(type_id(def.kind))
        .with_documentation(shown.docs.then(|| StrBytes::from_static_str(def.doc)))
}

/// What was set of this broker, or of all, under names that are not known: somebody else's, a plugin's for one.
fn unknown<'a>(
    layers: &Layers<'a>,
    resource: &'a DescribeConfigsResource,
    shown: Shown,
) -> impl Iterator<Item = DescribeConfigsResourceResult> + 'a {
    let (own, all) = (layers.dynamic_broker, layers.dynamic_default);
    let own_first = own.iter().map(|one| (one, Source::DynamicBroker));
    let each = own_first
        .chain(all.iter().filter(|(name, _)| !own.contains_key(*name)).map(|one| (one, Source::DynamicDefault)));
    each.filter(|((name, _), _)| crate::config::broker_def(name).is_none())
        .filter(|((name, _), _)| is_all(resource) || asked_for(resource, name))
        .map(move |((name, value), source)| set_while_running(name, value, source, shown))
}

/// A config of a broker, or of all, that was set while it runs. A name that is not known may stand for a secret: its value is not told.
fn set_while_running(name: &str, value: &str, source: Source, shown: Shown) -> DescribeConfigsResourceResult {
    let def = crate::config::broker_def(name);
    let sensitive = def.is_none_or(Def::sensitive);
    let (name, value) =
        (StrBytes::from_string(name.to_string()), (!sensitive).then(|| StrBytes::from_string(value.to_string())));
    let source = source as i8;
    let synonym =
        DescribeConfigsSynonym::default().with_name(name.clone()).with_value(value.clone()).with_source(source);
    DescribeConfigsResourceResult::default()
        .with_name(name)
        .with_value(value)
        .with_read_only(def.is_none_or(Def::read_only))
        .with_config_source(source)
        .with_is_sensitive(sensitive)
        .with_synonyms(if shown.synonyms { vec![synonym] } else { vec![] })
        .with_config_type(def.map_or(0, |def| type_id(def.kind)))
        .with_documentation(def.filter(|_| shown.docs).map(|def| StrBytes::from_static_str(def.doc)))
}

/// `DescribeConfigsResponse.ConfigType`.
const fn type_id(kind: Kind) -> i8 {
    match kind {
        Kind::Bool => 1,
        Kind::Text => 2,
        Kind::Int => 3,
        Kind::Short => 4,
        Kind::Long => 5,
        Kind::Double => 6,
        Kind::List => 7,
        Kind::Class => 8,
        Kind::Password => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::Bench;

    #[test]
    fn who_names_a_broker_again_and_again_gets_no_answer() {
        let mut bench = Bench::new();
        let mut named = |times| {
            let broker = DescribeConfigsResource::default()
                .with_resource_type(4)
                .with_resource_name(StrBytes::from_static_str("1"))
                .with_configuration_keys(None);
            let request = DescribeConfigsRequest::default().with_resources(vec![broker; times]);
            let ask = bench.ask(4);
            on_describe_configs(&mut bench.node, bench.now, ask, request);
            bench.sync();
            bench.closed
        };
        assert!(!named(50) && named(500));
    }
}
