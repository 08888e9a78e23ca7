//! Names and text formats of Kafka's log folders, both ways.
//!
//! ```text
//! <data folder>/meta.properties, .kafka_cleanshutdown, *-checkpoint
//!   <topic>-<n>/                          a partition
//!     <20 digits>.log .index .timeindex .txnindex     a segment, by its base offset
//!     <20 digits>.snapshot                            producers as of that offset
//!     <any of these>.deleted                          on its way out
//!     leader-epoch-checkpoint, partition.metadata
//!   <topic>-<n>.<32 hex digits>-delete/   a partition on its way out
//!   <topic>-<n>.<32 hex digits>-stray/    a partition that was found at a start and that nobody gave this node: kept aside
//! ```
//!
//! (Kafka: `LogFileUtils`, `CheckpointFile`, `PartitionMetadataFile`, `LocalLog`.)

use crate::id::{LeaderEpoch, Offset, Uuid};
use crate::io::FileName;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// `esker.format` in `meta.properties`: of what is Esker's own in the data folder. 1 has the metadata log's records, 2 the shell's journal
/// as well, which a program that does not know of it would pass over. 3 may have long data apart in the journal, and entries that say
/// which before them are durable: a program that knows 2 alone would take them for torn. This one reads what 2 wrote.
pub const FORMAT: &str = "3";

const RETIRED: &str = ".deleted";
const DELETED: &str = "-delete";
const STRAY: &str = "-stray";

/// The name of a file on disk.
pub fn file_text(name: FileName) -> String {
    match name {
        FileName::Log(base) => format!("{:020}.log", base.0),
        FileName::Index(base) => format!("{:020}.index", base.0),
        FileName::TimeIndex(base) => format!("{:020}.timeindex", base.0),
        FileName::TxnIndex(base) => format!("{:020}.txnindex", base.0),
        FileName::ProducerSnapshot(offset) => format!("{:020}.snapshot", offset.0),
        FileName::RetiredLog(base) => file_text(FileName::Log(base)) + RETIRED,
        FileName::RetiredIndex(base) => file_text(FileName::Index(base)) + RETIRED,
        FileName::RetiredTimeIndex(base) => file_text(FileName::TimeIndex(base)) + RETIRED,
        FileName::RetiredTxnIndex(base) => file_text(FileName::TxnIndex(base)) + RETIRED,
        FileName::RetiredProducerSnapshot(offset) => file_text(FileName::ProducerSnapshot(offset)) + RETIRED,
        FileName::LeaderEpochs => "leader-epoch-checkpoint".to_string(),
        FileName::PartitionMetadata => "partition.metadata".to_string(),
        FileName::MetadataSnapshot(offset, epoch) => format!("{:020}-{epoch:010}.checkpoint", offset.0),
        FileName::QuorumState => "quorum-state".to_string(),
        FileName::MetaProperties => "meta.properties".to_string(),
        FileName::CleanShutdown => ".kafka_cleanshutdown".to_string(),
        FileName::RecoveryPoints => "recovery-point-offset-checkpoint".to_string(),
        FileName::HighWatermarks => "replication-offset-checkpoint".to_string(),
        FileName::LogStartOffsets => "log-start-offset-checkpoint".to_string(),
    }
}

/// The meaning of a name on disk; `None` for a file that is none of ours.
pub fn file_name(text: &str) -> Option<FileName> {
    match text {
        "leader-epoch-checkpoint" => return Some(FileName::LeaderEpochs),
        "partition.metadata" => return Some(FileName::PartitionMetadata),
        "quorum-state" => return Some(FileName::QuorumState),
        "meta.properties" => return Some(FileName::MetaProperties),
        ".kafka_cleanshutdown" => return Some(FileName::CleanShutdown),
        "recovery-point-offset-checkpoint" => return Some(FileName::RecoveryPoints),
        "replication-offset-checkpoint" => return Some(FileName::HighWatermarks),
        "log-start-offset-checkpoint" => return Some(FileName::LogStartOffsets),
        _ => {}
    }
    if let Some(stem) = text.strip_suffix(".checkpoint") {
        let (offset, epoch) = stem.split_once('-')?;
        return Some(FileName::MetadataSnapshot(digits(offset, 20)?, i32::try_from(digits(epoch, 10)?.0).ok()?));
    }
    let (kept, retired) = text.strip_suffix(RETIRED).map_or((text, false), |kept| (kept, true));
    let (stem, suffix) = kept.split_once('.')?;
    let at = digits(stem, 20)?;
    Some(match (suffix, retired) {
        ("log", false) => FileName::Log(at),
        ("index", false) => FileName::Index(at),
        ("timeindex", false) => FileName::TimeIndex(at),
        ("txnindex", false) => FileName::TxnIndex(at),
        ("snapshot", false) => FileName::ProducerSnapshot(at),
        ("log", true) => FileName::RetiredLog(at),
        ("index", true) => FileName::RetiredIndex(at),
        ("timeindex", true) => FileName::RetiredTimeIndex(at),
        ("txnindex", true) => FileName::RetiredTxnIndex(at),
        ("snapshot", true) => FileName::RetiredProducerSnapshot(at),
        _ => return None,
    })
}

fn digits(text: &str, count: usize) -> Option<Offset> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok().map(Offset) } else { None }
}

/// What a folder of the data folder is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Folder {
    /// A partition's log.
    Partition { topic: String, partition: i32 },
    /// A partition's log that is being deleted.
    Deleted { topic: String, partition: i32 },
    /// A partition's log that was put aside.
    Stray { topic: String, partition: i32 },
}

/// The folder of a partition: `topic-0`.
pub fn partition_folder(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// The folder of a partition that is put aside; its topic is shortened so that the name has at most 255 characters.
pub fn stray_folder(topic: &str, partition: i32, unique: Uuid) -> String {
    marked(topic, partition, unique, STRAY)
}

/// What a folder of that name is called while its files are deleted one after the other.
pub fn deleted_folder(name: &str, unique: Uuid) -> String {
    match folder(name) {
        Some(Folder::Deleted { .. }) => name.to_string(),
        Some(Folder::Partition { topic, partition } | Folder::Stray { topic, partition }) => {
            marked(&topic, partition, unique, DELETED)
        }
        None => marked(name, 0, unique, DELETED),
    }
}

fn marked(topic: &str, partition: i32, unique: Uuid, mark: &str) -> String {
    let suffix = format!("-{partition}.{:032x}{mark}", unique.0);
    let room = 255usize.saturating_sub(suffix.len());
    let topic = topic.get(..topic.len().min(room)).unwrap_or(topic);
    format!("{topic}{suffix}")
}

/// The meaning of a folder's name; `None` for a folder that is none of ours.
pub fn folder(text: &str) -> Option<Folder> {
    if let Some(kept) = text.strip_suffix(DELETED) {
        let (topic, partition) = named(kept)?;
        return Some(Folder::Deleted { topic, partition });
    }
    if let Some(kept) = text.strip_suffix(STRAY) {
        let (topic, partition) = named(kept)?;
        return Some(Folder::Stray { topic, partition });
    }
    let (topic, partition) = split(text)?;
    Some(Folder::Partition { topic, partition })
}

/// The topic and partition before a unique suffix.
fn named(text: &str) -> Option<(String, i32)> {
    let (name, unique) = text.rsplit_once('.')?;
    let unique = unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    split(name).filter(|_| unique)
}

fn split(text: &str) -> Option<(String, i32)> {
    let (topic, partition) = text.rsplit_once('-')?;
    let plain = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    if topic.is_empty() || !plain {
        return None;
    }
    Some((topic.to_string(), partition.parse().ok()?))
}

/// `partition.metadata`.
pub fn partition_metadata_text(topic_id: Uuid) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

/// Reads `partition.metadata`.
pub fn partition_metadata(bytes: &[u8]) -> Option<Uuid> {
    let text = core::str::from_utf8(bytes).ok()?;
    text.lines().find_map(|line| Uuid::parse(line.strip_prefix("topic_id:")?.trim()))
}

/// The lines of a checkpoint file: version 0, number of lines, lines.
fn checkpoint_lines(bytes: &[u8]) -> Option<Vec<&str>> {
    let mut lines = core::str::from_utf8(bytes).ok()?.lines();
    if lines.next()?.trim() != "0" {
        return None;
    }
    let count: usize = lines.next()?.trim().parse().ok()?;
    let rest: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    (rest.len() == count).then_some(rest)
}

/// `leader-epoch-checkpoint`: each epoch and its first offset.
pub fn epochs_text(epochs: &[(LeaderEpoch, Offset)]) -> String {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, start) in epochs {
        let _ = writeln!(text, "{} {}", epoch.0, start.0);
    }
    text
}

/// Reads `leader-epoch-checkpoint`; `None` if it is malformed or not in order.
pub fn epochs(bytes: &[u8]) -> Option<Vec<(LeaderEpoch, Offset)>> {
    let mut epochs: Vec<(LeaderEpoch, Offset)> = Vec::new();
    for line in checkpoint_lines(bytes)? {
        let mut words = line.split_whitespace();
        let epoch = LeaderEpoch(words.next()?.parse().ok()?);
        let start = Offset(words.next()?.parse().ok()?);
        let follows = epochs.last().is_none_or(|last| last.0 < epoch && last.1 <= start);
        if words.next().is_some() || epoch.0 < 0 || start.0 < 0 || !follows {
            return None;
        }
        epochs.push((epoch, start));
    }
    Some(epochs)
}

/// An offset checkpoint of the data folder (`log-start-offset-checkpoint` and its like): topic, partition, offset.
pub fn offsets_text<'a>(rows: impl ExactSizeIterator<Item = (&'a str, i32, Offset)>) -> String {
    let mut text = format!("0\n{}\n", rows.len());
    for (topic, partition, offset) in rows {
        let _ = writeln!(text, "{topic} {partition} {}", offset.0);
    }
    text
}

/// Reads an offset checkpoint; `None` if it is malformed.
pub fn offsets(bytes: &[u8]) -> Option<Vec<(String, i32, Offset)>> {
    checkpoint_lines(bytes)?
        .into_iter()
        .map(|line| {
            let mut words = line.split_whitespace();
            let row = (words.next()?.to_string(), words.next()?.parse().ok()?, Offset(words.next()?.parse().ok()?));
            words.next().is_none().then_some(row)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        let at = Offset(1234);
        let names = [
            FileName::Log(at),
            FileName::Index(at),
            FileName::TimeIndex(at),
            FileName::TxnIndex(at),
            FileName::ProducerSnapshot(at),
            FileName::RetiredLog(at),
            FileName::RetiredIndex(at),
            FileName::RetiredTimeIndex(at),
            FileName::RetiredTxnIndex(at),
            FileName::RetiredProducerSnapshot(at),
            FileName::LeaderEpochs,
            FileName::PartitionMetadata,
            FileName::MetadataSnapshot(at, 7),
            FileName::QuorumState,
            FileName::MetaProperties,
            FileName::CleanShutdown,
            FileName::RecoveryPoints,
            FileName::HighWatermarks,
            FileName::LogStartOffsets,
        ];
        for name in names {
            assert_eq!(file_name(&file_text(name)), Some(name));
        }
        assert_eq!(file_text(FileName::Log(at)), "00000000000000001234.log");
        assert_eq!(file_text(FileName::MetadataSnapshot(at, 7)), "00000000000000001234-0000000007.checkpoint");
        for other in
            ["1.log", "0000000000000000123x.log", "00000000000000001234.log.swap", "x", "", "99999999999999999999.log"]
        {
            assert_eq!(file_name(other), None, "{other}");
        }
    }

    #[test]
    fn folders_come_back() {
        let partition = |topic: &str, partition| Some(Folder::Partition { topic: topic.to_string(), partition });
        assert_eq!(folder("a-b.c-12"), partition("a-b.c", 12));
        assert_eq!(folder(&partition_folder("t", 0)), partition("t", 0));
        let stray = stray_folder("t", 3, Uuid(5));
        assert_eq!(stray, "t-3.00000000000000000000000000000005-stray");
        assert_eq!(folder(&stray), Some(Folder::Stray { topic: "t".to_string(), partition: 3 }));
        let deleted = deleted_folder("t-3", Uuid(5));
        assert_eq!(deleted, "t-3.00000000000000000000000000000005-delete");
        assert_eq!(deleted_folder(&deleted, Uuid(6)), deleted);
        assert_eq!(folder(&deleted), Some(Folder::Deleted { topic: "t".to_string(), partition: 3 }));
        assert!(stray_folder(&"x".repeat(249), 3, Uuid(5)).len() <= 255);
        for other in ["t", "t-", "-1", "t-x", "t-3.5-delete", "t-3.5-stray", "lost+found"] {
            assert_eq!(folder(other), None, "{other}");
        }
    }

    #[test]
    fn checkpoints_come_back_and_damage_is_seen() {
        let list = [(LeaderEpoch(0), Offset(0)), (LeaderEpoch(4), Offset(77))];
        assert_eq!(epochs_text(&list), "0\n2\n0 0\n4 77\n");
        assert_eq!(epochs(epochs_text(&list).as_bytes()).as_deref(), Some(&list[..]));
        for bad in [
            "",
            "0\n",
            "1\n0\n",
            "0\n1\n",
            "0\n1\n0\n",
            "0\n1\n0 x\n",
            "0\n2\n4 0\n0 7\n",
            "0\n1\n0 0 0\n",
            "0\n0\n0 0\n",
            "0\n-1\n",
        ] {
            assert_eq!(epochs(bad.as_bytes()), None, "{bad:?}");
        }
        let text = offsets_text([("t", 0, Offset(5)), ("u", 1, Offset(6))].into_iter());
        assert_eq!(text, "0\n2\nt 0 5\nu 1 6\n");
        let rows = offsets(text.as_bytes()).unwrap();
        assert_eq!(rows[1], ("u".to_string(), 1, Offset(6)));
        assert_eq!(offsets(b"0\n1\nt 0\n"), None);
    }

    #[test]
    fn partition_metadata_is_kafkas() {
        let id = Uuid::parse("1kP_yqn1QCi4im-hLFMLdw").unwrap();
        assert_eq!(partition_metadata_text(id), "version: 0\ntopic_id: 1kP_yqn1QCi4im-hLFMLdw");
        assert_eq!(partition_metadata(partition_metadata_text(id).as_bytes()), Some(id));
        assert_eq!(partition_metadata(b"version: 0\n"), None);
    }
}
