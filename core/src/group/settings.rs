//! The settings of the group coordinator.

use crate::time::Span;

/// How the coordinator is configured: the broker's configs by their meaning, with Kafka's defaults.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `offsets.topic.num.partitions`: partitions of `__consumer_offsets`, as long as the topic is not there.
    pub topic_partitions: i32,
    /// `group.max.size`: members of a group.
    pub group_max_size: usize,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first generation.
    pub initial_rebalance_delay: Span,
    /// `group.min.session.timeout.ms`, in milliseconds.
    pub session_timeout_min_ms: i32,
    /// `group.max.session.timeout.ms`, in milliseconds.
    pub session_timeout_max_ms: i32,
    /// `offset.metadata.max.bytes`: longest text beside a committed offset, in UTF-16 units as Kafka counts them.
    pub offset_metadata_max: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Span,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Span,
    /// `offsets.commit.timeout.ms`: how long a reply waits for its record to be committed.
    pub offset_commit_timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topic_partitions: 50,
            group_max_size: i32::MAX as usize,
            initial_rebalance_delay: Span::from_millis(3_000),
            session_timeout_min_ms: 6_000,
            session_timeout_max_ms: 1_800_000,
            offset_metadata_max: 4096,
            offsets_retention: Span::from_millis(10_080 * 60_000),
            offsets_retention_check_interval: Span::from_millis(600_000),
            offset_commit_timeout: Span::from_millis(5_000),
        }
    }
}
