//! What an opened folder holds and no log needs: leavings of a crash, of a truncation, of retention.

use super::pending::Then;
use super::{Log, LogEvent};
use crate::id::Offset;
use crate::io::{DiskOp, FileName, Out};
use crate::time::Now;

impl Log {
    /// The folder was that of another topic, which had this one's name and was deleted while the node was down: the log begins anew.
    /// The batches go before the folder gets its new id.
    pub(super) fn replace_foreign(&mut self, now: Now, out: &mut Out) -> LogEvent {
        for segment in core::mem::take(&mut self.segments).iter().rev() {
            self.delete_segment(segment.base, out);
        }
        self.snapshots.clear();
        self.delete_strays(out);
        self.change(DiskOp::Delete { file: self.file(FileName::LeaderEpochs) }, Then::Nothing, out);
        self.change(DiskOp::SyncDir { dir: self.dir }, Then::Nothing, out);
        let recovery = self.recovery();
        recovery.files.clear();
        recovery.opening.start = Offset::ZERO;
        self.make_first(now, out)
    }

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
    use super::super::{Opening, Origin};
    use super::*;
    use crate::id::{LeaderEpoch, Uuid};

    #[test]
    fn nothing_of_a_deleted_topic_is_in_the_one_that_has_its_name_now() {
        let opening = |id| Opening { topic_id: Some(Uuid(id)), ..Opening::default() };
        let mut bench = Bench::opened(Disk::default(), config(), opening(1));
        for value in 0..12u8 {
            let bytes = batch(&[value; 110], 1, Some((5, 0, i32::from(value))));
            bench.log.append(bench.now, LeaderEpoch(3), bytes, Origin::Client, &mut bench.out).unwrap();
            bench.settle();
        }
        let mut bench = bench.crash(opening(1));
        assert_eq!(bench.log.end(), Offset(12), "the same topic finds its records");
        bench.log.raise_start(bench.now, Offset(4), &mut bench.out).unwrap();
        let start = bench.log.start();
        for start in [start, Offset(0)] {
            bench = bench.crash(Opening { start, ..opening(2) });
            assert_eq!(
                (bench.log.start(), bench.log.end(), bench.log.topic_id()),
                (Offset(0), Offset(0), Some(Uuid(2)))
            );
            assert_eq!((bench.log.latest_epoch(), bench.log.producers().iter().len()), (LeaderEpoch::NONE, 0));
            let files = bench.disk.names();
            assert_eq!(files.iter().filter(|name| matches!(name, FileName::Log(_))).count(), 1, "{files:?}");
            assert!(!files.iter().any(|name| matches!(name, FileName::ProducerSnapshot(_))), "{files:?}");
        }
    }
}
