//! What a log is told about itself.

use crate::id::{Offset, Uuid};
use crate::time::Span;

/// Whose timestamps a topic's records carry (`message.timestamp.type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The leader's, at the append.
    LogAppendTime,
}

/// When written bytes count as durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncPolicy {
    /// When the medium has them. Every append is synced.
    Always,
    /// When the operating system has them (`durability=os`). Synced besides after so many records or so many ms
    /// (`flush.messages`, `flush.ms`; `i64::MAX`: never).
    Os { flush_messages: i64, flush_ms: i64 },
}

/// The configuration of one log; names in parentheses are the topic's configs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// `segment.bytes`: a segment that would grow beyond is closed first.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment older than this is closed, however small.
    pub segment: Span,
    /// `segment.index.bytes`: largest size of an index file; a segment whose index is full is closed.
    pub index_bytes: u32,
    /// `index.interval.bytes`: about so many bytes of the log lie between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`; negative: no limit.
    pub retention_ms: i64,
    /// `retention.bytes`; negative: no limit.
    pub retention_bytes: i64,
    /// `cleanup.policy` has `delete`.
    pub delete_policy: bool,
    /// `cleanup.policy` has `compact`: records without a key are refused.
    pub compact_policy: bool,
    /// `max.message.bytes`: largest batch that is taken.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    pub sync: SyncPolicy,
    /// `file.delete.delay.ms`: files of dropped segments stay so long, under their `.deleted` names.
    pub file_delete_delay: Span,
    /// `log.retention.check.interval.ms`.
    pub retention_check: Span,
    /// `producer.id.expiration.ms`: a producer that wrote nothing so long is forgotten.
    pub producer_expiry: Span,
    /// Written bytes that stay in memory for readers at the end of the log.
    pub tail_bytes: u32,
}

impl Default for LogConfig {
    /// Kafka's defaults, and the sync before the ack that is ours.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment: Span::from_millis(7 * 24 * 3_600_000),
            index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            delete_policy: true,
            compact_policy: false,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            sync: SyncPolicy::Always,
            file_delete_delay: Span::from_millis(60_000),
            retention_check: Span::from_millis(300_000),
            producer_expiry: Span::from_millis(86_400_000),
            tail_bytes: 64 << 10,
        }
    }
}

/// What the node knows of a log before it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Opening {
    /// The last process closed every log in order (`.kafka_cleanshutdown`): nothing is scanned.
    pub clean: bool,
    /// Log start offset as checkpointed (`log-start-offset-checkpoint`), zero if it is not there; where a new log begins.
    pub start: Offset,
    /// The watermark as checkpointed (`replication-offset-checkpoint`), zero if it is not there. A start that is not above it is believed,
    /// wherever the log ends.
    pub committed: Offset,
    /// All below was on stable storage once: where a batch of it is not whole, no crash has torn it. Zero: nothing is known.
    pub durable: Offset,
    /// What is damaged, or ends before this, is not opened ([`LogEvent::Damaged`](super::LogEvent::Damaged)). `None`: it is, whatever it lacks.
    pub whole_to: Option<Offset>,
    /// The topic's id, written to `partition.metadata` if that is not there.
    pub topic_id: Option<Uuid>,
}
