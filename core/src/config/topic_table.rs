//! Every config of topics, sorted by name. Names, types, defaults and ranges are those of Kafka 4.3.1
//! (`AbstractKafkaConfig.CONFIG_DEF`, `LogConfig`, `DynamicBrokerConfig`); Esker's own say so.

use super::def::{Def, Kind, Range, Use};

#[rustfmt::skip]
pub const TOPIC: &[Def] = &[
    Def::new("cleanup.policy", Kind::List, Some("delete"), Range::EachOf(&["compact", "delete"]), Use::Used).broker("log.cleanup.policy").doc("What happens to old records: delete, compact, both, or none."),
    Def::new("compression.gzip.level", Kind::Int, Some("-1"), Range::OneOf(&["-1", "1", "2", "3", "4", "5", "6", "7", "8", "9"]), Use::Idle).broker("compression.gzip.level"),
    Def::new("compression.lz4.level", Kind::Int, Some("9"), Range::Between(1, 17), Use::Idle).broker("compression.lz4.level"),
    Def::new("compression.type", Kind::Text, Some("producer"), Range::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Use::Used).broker("compression.type").doc("Compression of stored batches; producer: as they come."),
    Def::new("compression.zstd.level", Kind::Int, Some("3"), Range::Between(-131072, 22), Use::Idle).broker("compression.zstd.level"),
    Def::new("delete.retention.ms", Kind::Long, Some("86400000"), Range::AtLeast(0), Use::Idle).broker("log.cleaner.delete.retention.ms").doc("How long a tombstone stays in a compacted topic."),
    Def::new("durability", Kind::Text, Some("sync"), Range::OneOf(&["sync", "os"]), Use::Used).broker("durability").doc("Esker's own. sync: a record is acknowledged when it is on stable storage; os: when it is in the page cache."),
    Def::new("file.delete.delay.ms", Kind::Long, Some("60000"), Range::AtLeast(0), Use::Used).broker("log.segment.delete.delay.ms").doc("How long a dropped segment's files stay on disk."),
    Def::new("flush.messages", Kind::Long, Some("9223372036854775807"), Range::AtLeast(1), Use::Used).broker("log.flush.interval.messages").doc("Under durability=os: records after which a log is synced."),
    Def::new("flush.ms", Kind::Long, Some("9223372036854775807"), Range::AtLeast(0), Use::Used).broker("log.flush.interval.ms").doc("Under durability=os: time after which a log is synced."),
    Def::new("follower.replication.throttled.replicas", Kind::List, Some(""), Range::Throttle, Use::Idle),
    Def::new("index.interval.bytes", Kind::Int, Some("4096"), Range::AtLeast(0), Use::Used).broker("log.index.interval.bytes").doc("Bytes of log between two entries of its index."),
    Def::new("internal.segment.bytes", Kind::Int, None, Range::Any, Use::Used).internal().doc("Like segment.bytes, without its lower bound: for tests."),
    Def::new("leader.replication.throttled.replicas", Kind::List, Some(""), Range::Throttle, Use::Idle),
    Def::new("local.retention.bytes", Kind::Long, Some("-2"), Range::AtLeast(-2), Use::Idle).broker("log.local.retention.bytes"),
    Def::new("local.retention.ms", Kind::Long, Some("-2"), Range::AtLeast(-2), Use::Idle).broker("log.local.retention.ms"),
    Def::new("max.compaction.lag.ms", Kind::Long, Some("9223372036854775807"), Range::AtLeast(1), Use::Idle).broker("log.cleaner.max.compaction.lag.ms").doc("Longest time for which a record may escape compaction."),
    Def::new("max.message.bytes", Kind::Int, Some("1048588"), Range::AtLeast(0), Use::Used).broker("message.max.bytes").doc("Largest record batch, as it is sent."),
    Def::new("message.downconversion.enable", Kind::Bool, Some("true"), Range::Any, Use::Idle).internal(),
    Def::new("message.timestamp.after.max.ms", Kind::Long, Some("3600000"), Range::AtLeast(0), Use::Used).broker("log.message.timestamp.after.max.ms").doc("How far a timestamp may lie ahead of the broker's clock."),
    Def::new("message.timestamp.before.max.ms", Kind::Long, Some("9223372036854775807"), Range::AtLeast(0), Use::Used).broker("log.message.timestamp.before.max.ms").doc("How far a timestamp may lie behind the broker's clock."),
    Def::new("message.timestamp.type", Kind::Text, Some("CreateTime"), Range::OneOf(&["CreateTime", "LogAppendTime"]), Use::Used).broker("log.message.timestamp.type").doc("Whether a record keeps its producer's time or gets that of its append."),
    Def::new("min.cleanable.dirty.ratio", Kind::Double, Some("0.5"), Range::Ratio, Use::Idle).broker("log.cleaner.min.cleanable.ratio").doc("Share of a log that must be dirty before it is compacted."),
    Def::new("min.compaction.lag.ms", Kind::Long, Some("0"), Range::AtLeast(0), Use::Idle).broker("log.cleaner.min.compaction.lag.ms").doc("Shortest time for which a record escapes compaction."),
    Def::new("min.insync.replicas", Kind::Int, Some("1"), Range::AtLeast(1), Use::Used).broker("min.insync.replicas").doc("Fewest in-sync replicas with which acks=all is accepted."),
    Def::new("preallocate", Kind::Bool, Some("false"), Range::Any, Use::Idle).broker("log.preallocate"),
    Def::new("remote.log.copy.disable", Kind::Bool, Some("false"), Range::Any, Use::Idle),
    Def::new("remote.log.delete.on.disable", Kind::Bool, Some("false"), Range::Any, Use::Idle),
    Def::new("remote.storage.enable", Kind::Bool, Some("false"), Range::Any, Use::Protects),
    Def::new("retention.bytes", Kind::Long, Some("-1"), Range::Any, Use::Used).broker("log.retention.bytes").doc("Bytes of a partition above which old segments are dropped; -1: no limit."),
    Def::new("retention.ms", Kind::Long, Some("604800000"), Range::AtLeast(-1), Use::Used).broker("log.retention.ms").doc("Milliseconds for which records are kept; -1: for ever."),
    Def::new("segment.bytes", Kind::Int, Some("1073741824"), Range::AtLeast(1048576), Use::Used).broker("log.segment.bytes").doc("Bytes after which a segment is closed."),
    Def::new("segment.index.bytes", Kind::Int, Some("10485760"), Range::AtLeast(4), Use::Used).broker("log.index.size.max.bytes").doc("Largest index of one segment."),
    Def::new("segment.jitter.ms", Kind::Long, Some("0"), Range::AtLeast(0), Use::Used).broker("log.roll.jitter.ms").doc("Milliseconds by which the closing of segments is spread."),
    Def::new("segment.ms", Kind::Long, Some("604800000"), Range::AtLeast(1), Use::Used).broker("log.roll.ms").doc("Milliseconds after which a segment is closed."),
    Def::new("unclean.leader.election.enable", Kind::Bool, Some("false"), Range::Any, Use::Used).broker("unclean.leader.election.enable").doc("Whether a replica out of sync may lead when no other is left; acknowledged records may be lost."),
];
