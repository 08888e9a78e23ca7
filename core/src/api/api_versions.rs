//! ApiVersions (key 18, versions 0 to 4): the requests that the listener serves, in which versions, and the cluster's features (KIP-584).
//!
//! * A client whose name or version is not of letters, digits, dots and dashes: `INVALID_REQUEST` (KIP-511).
//! * Another version: `UNSUPPORTED_VERSION` in the form of version 0 (`wire` answers that).
//! * Below version 4, features that may be off are left out of what is supported: those clients cannot read a lowest level of 0
//!   (KAFKA-17011).

use crate::controller::FEATURES;
use crate::error::ErrorCode;
use crate::io::{Ask, Listener};
use crate::node::Node;
use crate::time::Now;
use crate::wire::versions;
use alloc::vec::Vec;
use kafka_protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

/// The lowest `metadata.version` that Kafka 4.3 can be downgraded to; all other features may be off.
const METADATA_VERSION_MIN: i16 = 7;

/// Answers at once, also before the node serves.
pub fn on_api_versions(node: &mut Node, _now: Now, ask: Ask, request: ApiVersionsRequest) {
    let named = proper(&request.client_software_name) && proper(&request.client_software_version);
    if ask.version >= 3 && !named && ask.listener == Listener::Broker {
        return ask
            .reply(&mut node.out, ApiVersionsResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
    }
    let finalized = node.image.features().iter().map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(name.wire())
            .with_max_version_level(*level)
            .with_min_version_level(*level)
    });
    let response = ApiVersionsResponse::default()
        .with_api_keys(versions::listed(ask.listener))
        .with_supported_features(supported(ask.version))
        .with_finalized_features_epoch(node.image.offset().0)
        .with_finalized_features(finalized.collect());
    ask.reply(&mut node.out, response);
}

fn supported(version: i16) -> Vec<SupportedFeatureKey> {
    let lowest = |name: &str| if name == "metadata.version" { METADATA_VERSION_MIN } else { 0 };
    let ours = FEATURES.iter().copied().chain([("kraft.version", 1)]);
    let readable = ours.filter(|(name, _)| version >= 4 || lowest(name) > 0);
    let feature = readable.map(|(name, level)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version(lowest(name))
            .with_max_version(level)
    });
    feature.collect()
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`, as `ApiVersionsRequest.SOFTWARE_NAME_VERSION_PATTERN` has it.
fn proper(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edges = [bytes.first(), bytes.last()];
    edges.iter().all(|edge| edge.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clients() {
        assert!(proper("apache-kafka-java") && proper("1.2.3") && proper("a"));
        assert!(!proper("") && !proper("a b") && !proper("-a") && !proper("a."));
    }

    #[test]
    fn older_clients_are_not_told_of_level_zero() {
        assert_eq!(supported(3).len(), 1);
        assert!(supported(4).iter().any(|feature| feature.name.as_str() == "kraft.version"));
    }
}
