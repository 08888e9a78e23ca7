//! The settings of one topic, resolved and typed.

use super::def::{bool_of, decimal, list_of};
use super::layers::{Given, Layers};
use super::topic_def;
use crate::error::{ErrorCode, Refusal};
use crate::time::Span;
use alloc::borrow::Cow;
use alloc::format;

/// When a record counts as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// When it is on stable storage.
    #[default]
    Sync,
    /// When it is in the page cache; it is synced as `flush.messages` and `flush.ms` say, and when its segment is closed.
    Os,
}

/// Which time a record carries (KIP-32).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    #[default]
    CreateTime,
    LogAppendTime,
}

/// How batches are to be stored; Esker stores them as they come and refuses none for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compression {
    #[default]
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// What happens to old records. Neither: they are kept for ever (KIP-1161).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cleanup {
    pub delete: bool,
    pub compact: bool,
}

/// The settings in force for one topic. `None` is "without limit" throughout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicConfig {
    pub cleanup: Cleanup,
    pub compression: Compression,
    pub durability: Durability,
    pub timestamps: TimestampType,
    /// How far a timestamp may lie behind and ahead of the clock.
    pub timestamp_before_max: Option<Span>,
    pub timestamp_after_max: Option<Span>,
    pub retention: Option<Span>,
    pub retention_bytes: Option<u64>,
    pub segment_bytes: u32,
    pub segment_age: Span,
    pub segment_jitter: Span,
    pub index_bytes: u32,
    pub index_interval: u32,
    /// How long the files of a dropped segment stay.
    pub delete_delay: Span,
    pub flush_messages: Option<u64>,
    pub flush_age: Option<Span>,
    pub min_insync: usize,
    pub unclean_election: bool,
    /// Largest batch, as it is sent.
    pub batch_bytes_max: u32,
    pub compaction_lag_min: Span,
    pub compaction_lag_max: Option<Span>,
    /// How long a tombstone stays.
    pub tombstone_retention: Span,
    /// In millionths.
    pub dirty_ratio: u32,
}

impl Default for TopicConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        let none = Given::new();
        Self::resolve(Layers { dynamic_broker: &none, dynamic_default: &none, file: &none }, &none)
    }
}

impl TopicConfig {
    /// The settings of a topic for which `topic` is set, on a broker that has `layers`. Values were checked when they
    /// were accepted; one that is not readable all the same counts as not set.
    pub fn resolve(layers: Layers<'_>, topic: &Given) -> Self {
        let read = Read { layers, topic };
        Self {
            cleanup: Cleanup {
                delete: read.lists("cleanup.policy", "delete"),
                compact: read.lists("cleanup.policy", "compact"),
            },
            compression: read.text("compression.type", compression_of),
            durability: read.text("durability", |text| if text == "os" { Durability::Os } else { Durability::Sync }),
            timestamps: read.text("message.timestamp.type", |text| match text {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            }),
            timestamp_before_max: read.span_limit("message.timestamp.before.max.ms"),
            timestamp_after_max: read.span_limit("message.timestamp.after.max.ms"),
            retention: read.span_limit("retention.ms"),
            retention_bytes: read.limit("retention.bytes"),
            segment_bytes: match read.long("internal.segment.bytes") {
                0 => read.size("segment.bytes"),
                _ => read.size("internal.segment.bytes"),
            },
            segment_age: read.span("segment.ms"),
            segment_jitter: read.span("segment.jitter.ms"),
            index_bytes: read.size("segment.index.bytes"),
            index_interval: read.size("index.interval.bytes"),
            delete_delay: read.span("file.delete.delay.ms"),
            flush_messages: read.limit("flush.messages"),
            flush_age: read.span_limit("flush.ms"),
            min_insync: usize::try_from(read.long("min.insync.replicas")).unwrap_or(1),
            unclean_election: read.text("unclean.leader.election.enable", |text| bool_of(text) == Some(true)),
            batch_bytes_max: read.size("max.message.bytes"),
            compaction_lag_min: read.span("min.compaction.lag.ms"),
            compaction_lag_max: read.span_limit("max.compaction.lag.ms"),
            tombstone_retention: read.span("delete.retention.ms"),
            dirty_ratio: read.text("min.cleanable.dirty.ratio", |text| {
                decimal(text).and_then(|value| u32::try_from(value).ok()).unwrap_or(500_000)
            }),
        }
    }

    /// Whether the values given for a topic can be accepted: known names, right types and ranges, and no promise that
    /// is not kept; and that no two of them are in conflict (`LogConfig.validateValues`). Refuses with `INVALID_CONFIG`.
    pub fn check(given: &Given) -> Result<(), Refusal> {
        given.iter().try_for_each(|(name, value)| super::check_topic(name, value))?;
        let none = Given::new();
        let read = Read { layers: Layers { dynamic_broker: &none, dynamic_default: &none, file: &none }, topic: given };
        let (least, most) = (read.long("min.compaction.lag.ms"), read.long("max.compaction.lag.ms"));
        if least > most {
            let why = format!(
                "conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
            );
            return Err(Refusal::because(ErrorCode::InvalidConfig, why));
        }
        Ok(())
    }
}

fn compression_of(text: &str) -> Compression {
    match text {
        "uncompressed" => Compression::Uncompressed,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => Compression::Producer,
    }
}

struct Read<'a> {
    layers: Layers<'a>,
    topic: &'a Given,
}

impl<'a> Read<'a> {
    fn value(&self, name: &str) -> Option<Cow<'a, str>> {
        let def = topic_def(name);
        assert!(def.is_some(), "no topic config {name}");
        let def = def?;
        let value = self.layers.topic_value(def, self.topic)?;
        match def.check(&value) {
            Ok(()) => Some(value),
            Err(_) => def.default.map(Cow::Borrowed),
        }
    }

    fn text<T>(&self, name: &str, read: impl Fn(&str) -> T) -> T {
        let value = self.value(name);
        read(value.as_deref().map_or("", str::trim))
    }

    fn lists(&self, name: &str, entry: &str) -> bool {
        self.text(name, |text| list_of(text).any(|one| one == entry))
    }

    fn long(&self, name: &str) -> i64 {
        self.text(name, |text| text.parse().unwrap_or(0))
    }

    fn size(&self, name: &str) -> u32 {
        u32::try_from(self.long(name)).unwrap_or(0)
    }

    fn span(&self, name: &str) -> Span {
        Span::from_kafka_millis(self.long(name))
    }

    /// Kafka writes "no limit" as -1 or as the largest number.
    fn limit(&self, name: &str) -> Option<u64> {
        match self.long(name) {
            i64::MAX => None,
            value => u64::try_from(value).ok(),
        }
    }

    fn span_limit(&self, name: &str) -> Option<Span> {
        self.limit(name).map(Span::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn given(pairs: &[(&str, &str)]) -> Given {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn defaults_are_kafkas() {
        let config = TopicConfig::default();
        assert_eq!(config.segment_bytes, 1 << 30);
        assert_eq!(config.retention, Some(Span::from_millis(604_800_000)));
        assert_eq!((config.retention_bytes, config.flush_messages, config.flush_age), (None, None, None));
        assert_eq!(config.cleanup, Cleanup { delete: true, compact: false });
        assert_eq!((config.min_insync, config.batch_bytes_max), (1, 1_048_588));
        assert_eq!(config.durability, Durability::Sync);
        assert_eq!(config.timestamp_after_max, Some(Span::from_millis(3_600_000)));
        assert_eq!(config.dirty_ratio, 500_000);
    }

    #[test]
    fn a_topic_overrides_its_broker() {
        let none = Given::new();
        let file =
            given(&[("durability", "os"), ("log.segment.bytes", "2097152"), ("log.flush.interval.messages", "7")]);
        let layers = Layers { dynamic_broker: &none, dynamic_default: &none, file: &file };
        let plain = TopicConfig::resolve(layers, &none);
        assert_eq!((plain.durability, plain.segment_bytes, plain.flush_messages), (Durability::Os, 2 << 20, Some(7)));
        let own = given(&[
            ("durability", "sync"),
            ("cleanup.policy", ""),
            ("retention.ms", "-1"),
            ("internal.segment.bytes", "512"),
        ]);
        let config = TopicConfig::resolve(layers, &own);
        assert_eq!((config.durability, config.segment_bytes, config.retention), (Durability::Sync, 512, None));
        assert_eq!(config.cleanup, Cleanup { delete: false, compact: false });
    }

    #[test]
    fn a_topics_values_are_checked() {
        assert!(TopicConfig::check(&given(&[("retention.ms", "5")])).is_ok());
        assert!(TopicConfig::check(&given(&[("retention.ms", "five")])).is_err());
        assert!(TopicConfig::check(&given(&[("remote.storage.enable", "true")])).is_err());
        let refusal = TopicConfig::check(&given(&[("retention.msec", "5")])).unwrap_err();
        assert!(refusal.message.unwrap().contains("retention.msec"));
        let lag = |least, most| {
            TopicConfig::check(&given(&[("min.compaction.lag.ms", least), ("max.compaction.lag.ms", most)]))
        };
        assert!(lag("100", "100").is_ok());
        assert!(lag("100", "10").unwrap_err().message.unwrap().contains("(100) > max.compaction.lag.ms (10)"));
    }
}
