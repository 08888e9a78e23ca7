//! What an opened folder holds and no log needs: leavings of a crash, of a truncation, of retention.

use super::Log;
use super::pending::Then;
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Out};

impl Log {
    /// Deletes files that belong to no segment, and snapshots that no recovery would use.
    pub(super) fn delete_strays(&mut self, out: &mut Out) {
        let names = self.recovery().names();
        let end = self.end;
        let newest = self.snapshots.keys().copied().rfind(|offset| *offset <= end);
        for name in names {
            let has = |base: Offset| self.segments.iter().any(|segment| segment.base == base);
            let stray = match name {
                FileName::RetiredLog(_)
                | FileName::RetiredIndex(_)
                | FileName::RetiredTimeIndex(_)
                | FileName::RetiredTxnIndex(_)
                | FileName::RetiredProducerSnapshot(_) => true,
                FileName::Index(base) | FileName::TimeIndex(base) | FileName::TxnIndex(base) => !has(base),
                FileName::ProducerSnapshot(offset) => offset > end || (!has(offset) && Some(offset) != newest),
                FileName::Log(_)
                | FileName::LeaderEpochs
                | FileName::PartitionMetadata
                | FileName::MetadataSnapshot(..)
                | FileName::QuorumState
                | FileName::MetaProperties
                | FileName::CleanShutdown
                | FileName::RecoveryPoints
                | FileName::HighWatermarks
                | FileName::LogStartOffsets => false,
            };
            if stray {
                self.change(DiskOp::Delete { file: self.file(name) }, Then::Nothing, out);
                if let FileName::ProducerSnapshot(offset) = name {
                    self.snapshots.remove(&offset);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Bench, Disk};
    use super::super::model::{batch, config};
    use super::super::{LogEvent, Opening, Origin, layout};
    use super::*;
    use crate::id::{LeaderEpoch, Uuid};

    /// Opens a folder as somebody's, which ends with that event.
    #[track_caller]
    fn opened_as(disk: Disk, opening: Opening, event: LogEvent) -> Bench {
        let mut bench = Bench::open(disk, config(), opening);
        bench.settle();
        assert_eq!(bench.events.last(), Some(&event));
        bench
    }

    #[test]
    fn the_folder_of_another_topic_is_not_touched() {
        let opening = |id| Opening { topic_id: Some(Uuid(id)), ..Opening::default() };
        let mut bench = Bench::opened(Disk::default(), config(), opening(1));
        for value in 0..12u8 {
            let bytes = batch(&[value; 110], 1, Some((5, 0, i32::from(value))));
            bench.log.append(bench.now, LeaderEpoch(3), bytes, Origin::Client, &mut bench.out).unwrap();
            bench.settle();
        }
        let bench = bench.crash(opening(1));
        assert_eq!(bench.log.end(), Offset(12), "the same topic finds its records");
        let before = bench.disk.image();
        let bench = opened_as(bench.disk, opening(2), LogEvent::Foreign);
        assert!(!bench.log.is_open() && bench.disk.image() == before);
        // A crash may have left no more of the other one than its name.
        let mut disk = Disk::default();
        disk.put(FileName::PartitionMetadata, layout::partition_metadata_text(Uuid(1)).into_bytes());
        for (id, event) in [(2, LogEvent::Foreign), (1, LogEvent::Opened)] {
            opened_as(disk.clone(), opening(id), event);
        }
    }
}
