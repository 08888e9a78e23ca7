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
