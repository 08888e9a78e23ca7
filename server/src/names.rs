//! Names on disk; gives way to `esker_core::log::layout` once that has landed.
use esker_core::id::Offset;
use esker_core::io::FileName;

const RETIRED: &str = ".deleted";

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

