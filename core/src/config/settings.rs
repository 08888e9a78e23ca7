//! The typed settings of a node, by who reads them. Every value was checked before it is read here.

use super::def::{bool_of, find};
use super::layers::Given;
use super::{BROKER, Def};
use crate::time::Span;
use alloc::string::String;

/// Reads checked values; what is not given has its default.
pub(super) struct Read<'a>(pub &'a Given);

impl Read<'_> {
    pub(super) fn text(&self, name: &str) -> String {
        let def = find(BROKER, name);
        assert!(def.is_some(), "no broker config {name}");
        let default = || def.and_then(|def: &Def| def.default).unwrap_or("");
        self.0.get(name).map_or_else(default, |value| value.trim()).into()
    }

    fn long(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or(i32::MAX)
    }

    fn size(&self, name: &str) -> usize {
        usize::try_from(self.long(name)).unwrap_or(0)
    }

    fn bytes(&self, name: &str) -> u32 {
        u32::try_from(self.long(name)).unwrap_or(0)
    }

    fn flag(&self, name: &str) -> bool {
        bool_of(&self.text(name)) == Some(true)
    }

    fn ms(&self, name: &str) -> Span {
        Span::from_kafka_millis(self.long(name))
    }
}

/// What a topic gets when it is made without saying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicDefaults {
    pub partitions: i32,
    pub replication_factor: i16,
    pub auto_create: bool,
    pub delete_enable: bool,
}

/// The metadata quorum (`QuorumConfig`, `MetadataLogConfig`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumSettings {
    pub election_timeout: Span,
    pub election_backoff_max: Span,
    pub fetch_timeout: Span,
    pub request_timeout: Span,
    pub retry_backoff: Span,
    pub fetch_bytes: u32,
    pub snapshot_fetch_bytes: u32,
    /// A snapshot is taken after so many bytes of records.
    pub snapshot_every_bytes: u64,
    pub segment_bytes: u32,
}

/// A broker among others, and the controller that watches it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerSettings {
    pub heartbeat_interval: Span,
    pub session_timeout: Span,
    pub controlled_shutdown: bool,
    pub rebalance_leaders: bool,
    pub rebalance_interval: Span,
}

/// Followers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaSettings {
    pub lag_max: Span,
    pub fetch_wait: Span,
    pub fetch_backoff: Span,
    pub fetch_bytes_min: u32,
    /// Per partition, and per reply.
    pub fetch_bytes: u32,
    pub response_bytes: u32,
    pub request_timeout: Span,
}

/// Replies to Fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchSettings {
    pub bytes_max: u32,
    pub sessions_max: usize,
}

/// The group coordinator (`GroupCoordinatorConfig`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSettings {
    pub session_min: Span,
    pub session_max: Span,
    pub initial_delay: Span,
    pub members_max: usize,
    pub offsets_partitions: i32,
    pub offsets_replication_factor: i16,
    pub offsets_segment_bytes: u32,
    pub offsets_retention: Span,
    pub offsets_retention_check: Span,
    pub offset_metadata_max: usize,
    pub commit_timeout: Span,
}

/// Idempotent producers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerSettings {
    pub expiration: Span,
}

/// What is done from time to time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChoreSettings {
    pub retention_check: Span,
    pub watermarks: Span,
}

/// Bounds that the shell keeps, and a few of requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitSettings {
    pub connections: usize,
    pub connections_per_ip: usize,
    pub idle: Span,
    pub request_bytes: usize,
    /// Requests of one connection that are handled at a time.
    pub requests_per_connection: usize,
    /// Bytes of requests that are handled at a time, over all connections.
    pub in_flight_bytes: usize,
    pub described_partitions: i32,
    pub backlog: i32,
}

/// `queued.max.request.bytes` where it is -1 or 0. A client's largest request is half of it at most, so that one always fits.
const IN_FLIGHT_BYTES: usize = 256 << 20;
const _: () = assert!(IN_FLIGHT_BYTES >= 2 * crate::limits::REQUEST_BYTES_MAX);

impl Read<'_> {
    pub(super) fn topics(&self) -> TopicDefaults {
        TopicDefaults {
            partitions: self.int("num.partitions"),
            replication_factor: i16::try_from(self.int("default.replication.factor")).unwrap_or(i16::MAX),
            auto_create: self.flag("auto.create.topics.enable"),
            delete_enable: self.flag("delete.topic.enable"),
        }
    }

    pub(super) fn quorum(&self) -> QuorumSettings {
        QuorumSettings {
            election_timeout: self.ms("controller.quorum.election.timeout.ms"),
            election_backoff_max: self.ms("controller.quorum.election.backoff.max.ms"),
            fetch_timeout: self.ms("controller.quorum.fetch.timeout.ms"),
            request_timeout: self.ms("controller.quorum.request.timeout.ms"),
            retry_backoff: self.ms("controller.quorum.retry.backoff.ms"),
            fetch_bytes: self.bytes("controller.quorum.fetch.max.bytes"),
            snapshot_fetch_bytes: self.bytes("controller.quorum.fetch.snapshot.max.bytes"),
            snapshot_every_bytes: u64::from(self.bytes("metadata.log.max.record.bytes.between.snapshots")),
            segment_bytes: self.bytes("metadata.log.segment.bytes"),
        }
    }

    pub(super) fn brokers(&self) -> BrokerSettings {
        BrokerSettings {
            heartbeat_interval: self.ms("broker.heartbeat.interval.ms"),
            session_timeout: self.ms("broker.session.timeout.ms"),
            controlled_shutdown: self.flag("controlled.shutdown.enable"),
            rebalance_leaders: self.flag("auto.leader.rebalance.enable"),
            rebalance_interval: Span::from_kafka_millis(
                self.long("leader.imbalance.check.interval.seconds").saturating_mul(1000),
            ),
        }
    }

    pub(super) fn replicas(&self) -> ReplicaSettings {
        ReplicaSettings {
            lag_max: self.ms("replica.lag.time.max.ms"),
            fetch_wait: self.ms("replica.fetch.wait.max.ms"),
            fetch_backoff: self.ms("replica.fetch.backoff.ms"),
            fetch_bytes_min: self.bytes("replica.fetch.min.bytes"),
            fetch_bytes: self.bytes("replica.fetch.max.bytes"),
            response_bytes: self.bytes("replica.fetch.response.max.bytes"),
            request_timeout: self.ms("replica.socket.timeout.ms"),
        }
    }

    pub(super) fn fetches(&self) -> FetchSettings {
        FetchSettings {
            bytes_max: self.bytes("fetch.max.bytes"),
            sessions_max: self.size("max.incremental.fetch.session.cache.slots"),
        }
    }

    pub(super) fn groups(&self) -> GroupSettings {
        GroupSettings {
            session_min: self.ms("group.min.session.timeout.ms"),
            session_max: self.ms("group.max.session.timeout.ms"),
            initial_delay: self.ms("group.initial.rebalance.delay.ms"),
            members_max: self.size("group.max.size"),
            offsets_partitions: self.int("offsets.topic.num.partitions"),
            offsets_replication_factor: i16::try_from(self.int("offsets.topic.replication.factor")).unwrap_or(i16::MAX),
            offsets_segment_bytes: self.bytes("offsets.topic.segment.bytes"),
            offsets_retention: Span::from_kafka_millis(self.long("offsets.retention.minutes").saturating_mul(60_000)),
            offsets_retention_check: self.ms("offsets.retention.check.interval.ms"),
            offset_metadata_max: self.size("offset.metadata.max.bytes"),
            commit_timeout: self.ms("offsets.commit.timeout.ms"),
        }
    }

    pub(super) fn producers(&self) -> ProducerSettings {
        ProducerSettings { expiration: self.ms("producer.id.expiration.ms") }
    }

    pub(super) fn chores(&self) -> ChoreSettings {
        ChoreSettings {
            retention_check: self.ms("log.retention.check.interval.ms"),
            watermarks: self.ms("replica.high.watermark.checkpoint.interval.ms"),
        }
    }

    pub(super) fn limits(&self) -> LimitSettings {
        LimitSettings {
            connections: self.size("max.connections"),
            connections_per_ip: self.size("max.connections.per.ip"),
            idle: self.ms("connections.max.idle.ms"),
            request_bytes: self.size("socket.request.max.bytes").min(crate::limits::REQUEST_BYTES_MAX),
            requests_per_connection: self.size("connection.requests.max"),
            in_flight_bytes: match self.size("queued.max.request.bytes") {
                0 => IN_FLIGHT_BYTES,
                bytes => bytes,
            },
            described_partitions: self.int("max.request.partition.size.limit"),
            backlog: self.int("socket.listen.backlog.size"),
        }
    }
}
