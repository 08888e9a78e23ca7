//! Which requests each listener serves, in which versions, and the answer to ApiVersions.

use crate::io::Listener;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::messages::api_versions_response::ApiVersion;

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Broker,
    Controller,
    Both,
}
use On::{Both, Broker, Controller};

/// Every request that is served, and on which listeners (`listeners` in Kafka's message definitions).
const SERVED: &[(ApiKey, On)] = &[
    (ApiKey::Produce, Broker),
    (ApiKey::Fetch, Both),
    (ApiKey::ListOffsets, Broker),
    (ApiKey::Metadata, Broker),
    (ApiKey::OffsetCommit, Broker),
    (ApiKey::OffsetFetch, Broker),
    (ApiKey::FindCoordinator, Broker),
    (ApiKey::JoinGroup, Broker),
    (ApiKey::Heartbeat, Broker),
    (ApiKey::LeaveGroup, Broker),
    (ApiKey::SyncGroup, Broker),
    (ApiKey::DescribeGroups, Broker),
    (ApiKey::ListGroups, Broker),
    (ApiKey::SaslHandshake, Both),
    (ApiKey::ApiVersions, Both),
    (ApiKey::CreateTopics, Both),
    (ApiKey::DeleteTopics, Both),
    (ApiKey::DeleteRecords, Broker),
    (ApiKey::InitProducerId, Broker),
    (ApiKey::OffsetForLeaderEpoch, Broker),
    (ApiKey::DescribeAcls, Both),
    (ApiKey::CreateAcls, Both),
    (ApiKey::DeleteAcls, Both),
    (ApiKey::DescribeConfigs, Both),
    (ApiKey::AlterConfigs, Both),
    (ApiKey::AlterReplicaLogDirs, Broker),
    (ApiKey::DescribeLogDirs, Broker),
    (ApiKey::SaslAuthenticate, Both),
    (ApiKey::CreatePartitions, Both),
    (ApiKey::DeleteGroups, Broker),
    (ApiKey::ElectLeaders, Both),
    (ApiKey::IncrementalAlterConfigs, Both),
    (ApiKey::AlterPartitionReassignments, Both),
    (ApiKey::ListPartitionReassignments, Both),
    (ApiKey::OffsetDelete, Broker),
    (ApiKey::Vote, Controller),
    (ApiKey::BeginQuorumEpoch, Controller),
    (ApiKey::EndQuorumEpoch, Controller),
    (ApiKey::DescribeQuorum, Both),
    (ApiKey::AlterPartition, Controller),
    (ApiKey::FetchSnapshot, Controller),
    (ApiKey::DescribeCluster, Both),
    (ApiKey::DescribeProducers, Broker),
    (ApiKey::BrokerRegistration, Controller),
    (ApiKey::BrokerHeartbeat, Controller),
    (ApiKey::UnregisterBroker, Both),
    (ApiKey::AllocateProducerIds, Controller),
    (ApiKey::ListConfigResources, Both),
    (ApiKey::DescribeTopicPartitions, Broker),
];

/// The versions of a request that the listener serves; `None`: it does not know the request.
pub fn served(listener: Listener, key: ApiKey) -> Option<RangeInclusive<i16>> {
    let (_, on) = SERVED.iter().find(|(served, _)| *served == key)?;
    let here = match listener {
        Listener::Broker => *on != Controller,
        Listener::Controller => *on != Broker,
    };
    here.then(|| supported(key))
}

/// The version of DescribeLogDirs from which a folder says whether it is cordoned (KIP-1066).
pub const CORDONED: i16 = 5;

/// The versions that are understood: all that the codec knows, but for those that Kafka itself calls unstable, and those
/// beyond it of which [`codec`] says how they are read.
pub fn supported(key: ApiKey) -> RangeInclusive<i16> {
    let range = key.valid_versions();
    match key {
        ApiKey::ListOffsets => range.min..=11,
        ApiKey::DescribeLogDirs => range.min..=CORDONED,
        // 6 is two-phase commit (KIP-939), not released.
        ApiKey::InitProducerId => range.min..=5,
        // The codec names 10 and does not know it.
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => range.min..=9,
        _ => range.min..=range.max,
    }
}

/// The version in which the codec reads and writes what has this version. Kafka 4.3 knows two that it does not:
/// ListOffsets 11, whose form is that of 10, and DescribeLogDirs 5, whose request is that of 4 (its reply: [`super::log_dirs`]).
pub fn codec(key: ApiKey, version: i16) -> i16 {
    match key {
        ApiKey::ListOffsets | ApiKey::DescribeLogDirs => version.min(key.valid_versions().max),
        _ => version,
    }
}

/// What ApiVersions lists for a listener, in the order of the keys.
pub fn listed(listener: Listener) -> Vec<ApiVersion> {
    let mut list = Vec::with_capacity(SERVED.len());
    for &(key, _) in SERVED {
        let Some(range) = served(listener, key) else { continue };
        // librdkafka looks for version 0 of Produce before it believes in message format v2 (KAFKA-18659).
        let min = if key == ApiKey::Produce { 0 } else { *range.start() };
        let mut version = ApiVersion::default();
        version.api_key = key as i16;
        version.min_version = min;
        version.max_version = *range.end();
        list.push(version);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn produce_is_listed_from_zero_and_served_from_three() {
        let list = listed(Listener::Broker);
        assert_eq!((list[0].api_key, list[0].min_version, list[0].max_version), (0, 0, 13));
        assert_eq!(served(Listener::Broker, ApiKey::Produce), Some(3..=13));
        assert!(list.windows(2).all(|pair| pair[0].api_key < pair[1].api_key));
    }

    #[test]
    fn each_listener_has_its_own() {
        assert_eq!(served(Listener::Broker, ApiKey::Vote), None);
        assert_eq!(served(Listener::Controller, ApiKey::Produce), None);
        assert_eq!(served(Listener::Controller, ApiKey::Fetch), Some(4..=18));
        assert!(listed(Listener::Controller).iter().all(|v| v.api_key != ApiKey::Produce as i16));
        assert_eq!(served(Listener::Broker, ApiKey::InitProducerId), Some(0..=5));
    }

    #[test]
    fn newer_than_the_codec_and_read_by_it() {
        for (key, version) in [(ApiKey::ListOffsets, 11), (ApiKey::DescribeLogDirs, 5)] {
            assert_eq!(*supported(key).end(), version);
            assert!(version > key.valid_versions().max, "{key:?}: the codec has caught up, own code can go");
            assert_eq!((codec(key, version), codec(key, 3)), (key.valid_versions().max, 3));
        }
        assert_eq!(codec(ApiKey::Fetch, 18), 18);
    }
}
