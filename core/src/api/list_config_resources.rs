//! ListConfigResources (key 74, versions 0 to 1): what has configs, by type (KIP-1142).
//!
//! * Version 0 asks for client metrics, of which there are none.
//! * No types named: topics, brokers and their loggers. A type that nobody knows: `UNSUPPORTED_VERSION`.

use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::string::ToString;
use alloc::vec::Vec;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use kafka_protocol::protocol::StrBytes;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Answers at once.
pub fn on_list_config_resources(node: &mut Node, _now: Now, ask: Ask, request: ListConfigResourcesRequest) {
    const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
    let types: &[i8] = match request.resource_types.as_slice() {
        _ if ask.version == 0 => &[CLIENT_METRICS],
        [] => &ALL,
        types => types,
    };
    if types.iter().any(|kind| !ALL.contains(kind)) {
        let refused = ListConfigResourcesResponse::default().with_error_code(ErrorCode::UnsupportedVersion.code());
        return ask.reply(&mut node.out, refused);
    }
    let resource = |kind, name| ConfigResource::default().with_resource_type(kind).with_resource_name(name);
    let mut resources = Vec::new();
    for kind in [BROKER_LOGGER, BROKER].into_iter().filter(|kind| types.contains(kind)) {
        let brokers = node.image.brokers().filter(|broker| !broker.fenced);
        resources.extend(brokers.map(|broker| resource(kind, StrBytes::from_string(broker.id.to_string()))));
    }
    if types.contains(&TOPIC) {
        resources.extend(node.image.topics_by_name().map(|topic| resource(TOPIC, topic.name.wire())));
    }
    ask.reply(&mut node.out, ListConfigResourcesResponse::default().with_config_resources(resources));
}
