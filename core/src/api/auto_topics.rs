//! Topics that nobody asked to be made, and that are made because somebody uses them: those that a client names, and those of the
//! coordinators.
//!
//! They are asked of the active controller with CreateTopics, and nobody waits for the answer: who needs the topic looks
//! again, and is told no more than that it is not there. Why it could not be made is for the operator. That one asked for twice is there
//! already is no error.

use crate::error::{ErrorCode, name_of};
use crate::group;
use crate::io::{CallFault, Lane, NOT_MADE, Note};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{ApiKey, CreateTopicsRequest, ResponseKind, TopicName};
use kafka_protocol::protocol::StrBytes;

const VERSION: i16 = 7;
const TIMEOUT_MS: i32 = 30_000;

/// Asks for topics of these names; they have proper names, and are not there.
pub fn create(node: &mut Node, names: &[StrBytes]) {
    let Some(to) = node.controller_address().filter(|_| !names.is_empty()) else { return };
    let topics: Vec<_> = names.iter().map(|name| topic(node, name)).collect();
    let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(TIMEOUT_MS);
    let call = node.out.call(to, Lane::Forward, ApiKey::CreateTopics, VERSION, request.into());
    node.automatic.sent(call);
}

/// The controller has answered, or nobody has: then it is asked again soon enough.
pub fn answered(node: &mut Node, result: Result<Box<ResponseKind>, CallFault>) {
    let Ok(ResponseKind::CreateTopics(answer)) = result.map(|body| *body) else { return };
    for topic in &answer.topics {
        let (name, error) = (topic.name.0.as_str(), ErrorCode::try_from_code(topic.error_code));
        let is_news = node.automatic.is_news(name, error);
        if let Some(error) = error.filter(|_| is_news) {
            let why = topic.error_message.as_ref().map(|text| format!(" ({})", text.as_str())).unwrap_or_default();
            let text = format!("topic {name} is used and not there, and could not be made: {}{why}", name_of(error));
            node.out.note(Note::Text { topic: NOT_MADE, text });
        }
    }
}

/// Counts, factors and configs as the node's file wants them, if it does: internal topics have their own.
fn topic(node: &Node, name: &StrBytes) -> CreatableTopic {
    let topic = CreatableTopic::default().with_name(TopicName(name.clone()));
    let (groups, config) = (&node.config.groups, |name, value| {
        CreatableTopicConfig::default().with_name(StrBytes::from_static_str(name)).with_value(Some(value))
    });
    if name.as_str() != group::TOPIC {
        // What this node's file does not say is the controller's to say (-1), whose file may.
        let (defaults, file) = (&node.config.topics, &node.config.file);
        let says = |name: &str| file.contains_key(name);
        return topic
            .with_num_partitions(if says("num.partitions") { defaults.partitions } else { -1 })
            .with_replication_factor(if says("default.replication.factor") {
                defaults.replication_factor
            } else {
                -1
            });
    }
    let policy = if mutant::is(Mutant::OffsetsTopicNotCompacted) { "delete" } else { "compact" };
    topic
        .with_num_partitions(groups.offsets_partitions)
        .with_replication_factor(if mutant::is(Mutant::OffsetsTopicFactorLost) {
            1
        } else {
            groups.offsets_replication_factor
        })
        .with_configs(vec![
            config("cleanup.policy", StrBytes::from_static_str(policy)),
            config("compression.type", StrBytes::from_static_str("producer")),
            config("segment.bytes", groups.offsets_segment_bytes.to_string().into()),
        ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::Bench;
    use crate::io::Output;
    use alloc::string::String;
    use kafka_protocol::messages::CreateTopicsResponse;
    use kafka_protocol::messages::create_topics_response::CreatableTopicResult;

    #[test]
    fn an_operator_is_told_once_why_a_topic_is_not_made() {
        let mut bench = Bench::new();
        while bench.node.out.pop().is_some() {}
        let mut told = |error: Option<ErrorCode>| {
            let topic = CreatableTopicResult::default()
                .with_name(TopicName(StrBytes::from_static_str("t")))
                .with_error_code(error.map_or(0, |error| error.code()))
                .with_error_message(error.map(|_| StrBytes::from_static_str("too few")));
            let answer = CreateTopicsResponse::default().with_topics(vec![topic]);
            answered(&mut bench.node, Ok(Box::new(answer.into())));
            match bench.node.out.pop() {
                Some(Output::Note(note)) => note.to_string(),
                _ => String::new(),
            }
        };
        let few = Some(ErrorCode::InvalidReplicationFactor);
        let line =
            "not-made: topic t is used and not there, and could not be made: INVALID_REPLICATION_FACTOR (too few)";
        assert_eq!([told(few), told(few)], [line, ""]);
        assert_eq!([told(None), told(Some(ErrorCode::TopicAlreadyExists)), told(few)], ["", "", line]);
        answered(&mut bench.node, Err(CallFault::Disconnected));
        assert!(bench.node.out.is_empty());
    }
}
