//! What a node does now and then for its own sake: checkpoints, the metadata snapshot, `meta.properties`.

use super::roles::Roles;
use super::serials::{CHECKPOINT, META, STARTS};
use super::{apply, checkpoint};
use crate::id::{DirId, Offset};
use crate::io::{DiskOp, FileId, FileName, Owner};
use crate::log::layout;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::partition::Partition;
use crate::quorum;
use crate::time::{Mono, Now, Span};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Starts that move within so long are written down together. DeleteRecords waits for it, on each replica.
const STARTS_TOGETHER: Span = Span::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Chores {
    /// `replication.high.watermark.checkpoint.interval.ms`
    checkpoint_at: Option<Mono>,
    /// What the checkpoint files say.
    watermarks: Bytes,
    /// How many of the former are on their way to the disk.
    watermarks_saving: u32,
    starts: Bytes,
    /// Starts that are on their way to the disk, by folder: one entry for each write.
    saving: VecDeque<Vec<(DirId, Offset)>>,
    /// When the starts are to be written because one moved.
    starts_at: Option<Mono>,
    /// `meta.properties` lacks the cluster's id, which is known now.
    pub meta_due: bool,
}

impl Chores {
    pub fn next_deadline(&self) -> Option<Mono> {
        match (self.checkpoint_at, self.starts_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The start of a log moved, or was written down: whoever waits for its deletion waits for the checkpoint.
    pub fn on_start_moved(&mut self, partition: &Partition, now: Now) {
        if partition.is_online() && partition.is_start_unsaved() && self.starts_at.is_none() {
            self.starts_at = Some(now.mono + STARTS_TOGETHER);
        }
    }

    /// The oldest checkpoint of starts that was on its way is on stable storage.
    pub fn on_starts_saved(&mut self, node: &mut Node, now: Now) {
        for (dir, start) in
            (if mutant::is(Mutant::SavedStartOfLater) { self.saving.pop_back() } else { self.saving.pop_front() })
                .unwrap_or_default()
        {
            let Some(key) = node.partitions.key_of(dir) else { continue };
            let Some(partition) = node.partitions.get_mut(key) else { continue };
            // The next one, on its way already, may say less.
            let next = self.saving.iter().flatten().filter(|(other, _)| *other == dir).map(|(_, start)| *start);
            let event = partition.on_start_saved(now, next.fold(start, Offset::min), &mut node.out);
            node.partitions.note(dir, event);
        }
    }

    pub fn on_tick(&mut self, node: &mut Node, roles: &Roles, now: Now) {
        if self.meta_due {
            self.meta_due = false;
            write_meta(node);
        }
        if self.checkpoint_at.is_none_or(|at| at <= now.mono) {
            self.checkpoint_at = Some(now.mono + node.config.chores.watermarks);
            if mutant::is(Mutant::WatermarksNotWritten) {
                self.save_starts(node, roles);
            } else {
                self.checkpoint(node, roles);
            }
            snapshot(node);
        } else if self.starts_at.is_some_and(|at| at <= now.mono) {
            self.save_starts(node, roles);
        }
    }

    /// Writes down, where they moved, the watermarks (a replica that starts anew knows how far it may be read) and the logs' starts
    /// (deleted records stay deleted).
    pub fn checkpoint(&mut self, node: &mut Node, roles: &Roles) {
        self.save_watermarks(node, roles);
        self.save_starts(node, roles);
    }

    fn save_watermarks(&mut self, node: &mut Node, roles: &Roles) {
        // What was read at the start and not used yet is written again: its partition is still to be opened.
        let reached = |partition: &Partition| {
            if mutant::is(Mutant::WatermarkCheckpointAhead) { partition.log_end() } else { partition.promised() }
        };
        let watermarks = node.partitions.iter().map(|partition| (partition.folder(), reached(partition)));
        let committed = (quorum::FOLDER, node.quorum.promised());
        let watermarks = checkpoint::write(
            watermarks
                .chain(unused(&roles.watermarks).filter(|_| !mutant::is(Mutant::UnopenedWatermarksDropped)))
                .chain([committed]),
        );
        if watermarks != self.watermarks {
            self.watermarks = watermarks.clone();
            let file = FileId::new(DirId::ROOT, FileName::HighWatermarks);
            self.watermarks_saving += 1;
            node.out.disk(Owner::Node, CHECKPOINT, DiskOp::Replace { file, bytes: watermarks });
        }
    }

    /// Whether a checkpoint is on its way to the disk.
    pub fn is_saving(&self) -> bool {
        !self.saving.is_empty() || self.watermarks_saving > 0
    }

    /// A checkpoint of the watermarks is on disk.
    pub const fn on_watermarks_saved(&mut self) {
        self.watermarks_saving -= 1;
    }

    /// Writes down, where one moved or is no more, where the logs start.
    pub fn save_starts(&mut self, node: &mut Node, roles: &Roles) {
        self.starts_at = None;
        // A log that is still being opened starts where it was written down to.
        let start = |partition: &Partition| {
            if partition.is_opening() { partition.saved_start() } else { partition.log_start() }
        };
        let starts = node.partitions.iter().map(|partition| (partition.folder(), start(partition)));
        let starts = checkpoint::write(
            starts.chain(unused(&roles.starts).filter(|_| !mutant::is(Mutant::UnopenedStartsDropped))),
        );
        let under_way: BTreeSet<DirId> = self.saving.iter().flatten().map(|(dir, _)| *dir).collect();
        let moved = |partition: &&Partition| {
            !partition.is_opening() && (partition.is_start_unsaved() || under_way.contains(&partition.dir()))
        };
        let moved = node.partitions.iter().filter(moved).map(|partition| (partition.dir(), partition.log_start()));
        let moved: Vec<_> = moved.collect();
        // A start that went back and came again is written once more: nobody may wait for a checkpoint that does not come.
        if starts == self.starts && moved.is_empty() {
            return;
        }
        // A start that is above the watermark on record is not believed after a crash: that comes first.
        if !mutant::is(Mutant::WatermarksNotWritten) {
            self.save_watermarks(node, roles);
        }
        self.starts = starts.clone();
        self.saving.push_back(moved);
        let file = FileId::new(DirId::ROOT, FileName::LogStartOffsets);
        node.out.disk(Owner::Node, STARTS, DiskOp::Replace { file, bytes: starts });
    }
}

fn unused(offsets: &BTreeMap<String, Offset>) -> impl Iterator<Item = (&str, Offset)> {
    offsets.iter().map(|(folder, offset)| (folder.as_str(), *offset))
}

/// Writes the committed image down when the log since the last snapshot has grown long (`metadata.log.max.record.bytes.between.snapshots`).
fn snapshot(node: &mut Node) {
    if node.quorum.bytes_since_snapshot() < node.config.quorum.snapshot_every_bytes {
        return;
    }
    let one = i64::from(!mutant::is(Mutant::SnapshotOneShort));
    let (offset, epoch) = (node.image.offset().plus(one), node.image.epoch());
    let epoch = if mutant::is(Mutant::SnapshotOfLaterEpoch) { node.quorum.epoch() } else { epoch };
    let bytes = apply::snapshot_of(&node.image);
    node.quorum.write_snapshot(offset, epoch, bytes, &mut node.out);
}

/// `meta.properties` in Kafka's form, with the cluster's id.
fn write_meta(node: &mut Node) {
    let Some(cluster) = node.image.cluster_id() else { return };
    if node.config.identity.cluster.as_deref() == Some(cluster.as_str()) {
        return;
    }
    let text = format!(
        "version=1\nnode.id={}\ndirectory.id={}\ncluster.id={}\nesker.format={}\n",
        node.config.node,
        node.config.identity.directory,
        cluster.as_str(),
        layout::FORMAT
    );
    node.config.identity.cluster = Some(cluster.as_str().into());
    let file = FileId::new(DirId::ROOT, FileName::MetaProperties);
    node.out.disk(Owner::Node, META, DiskOp::Replace { file, bytes: Bytes::from(text) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::{Bench, batch};
    use crate::id::PartitionKey;
    use crate::io::Output;
    use crate::partition::Acks;
    use alloc::vec;

    /// A partition that its node leads alone, with a log that starts at 2 since a moment ago.
    fn deleted() -> (Bench, PartitionKey, DirId) {
        let mut bench = Bench::new();
        let key = PartitionKey { topic: bench.topic("t", &[&[1]]), partition: 0 };
        let partition = bench.node.partitions.get_mut(key).expect("a partition");
        for _ in 0..3 {
            partition.on_produce(bench.now, batch(b"v"), Acks::Leader, &mut bench.node.out).expect("leads");
        }
        bench.sync();
        let partition = bench.node.partitions.get_mut(key).expect("a partition");
        partition.delete_records(bench.now, Offset(2)).expect("committed");
        let dir = partition.dir();
        (bench, key, dir)
    }

    fn saved(bench: &Bench, key: PartitionKey) -> Option<Offset> {
        bench.node.partitions.get(key).map(Partition::saved_start)
    }

    #[test]
    fn a_start_is_not_written_down_while_a_later_checkpoint_says_less() {
        let (mut bench, key, dir) = deleted();
        let mut chores =
            Chores { saving: [vec![(dir, Offset(2))], vec![(dir, Offset(1))]].into(), ..Chores::default() };
        chores.on_starts_saved(&mut bench.node, bench.now);
        assert_eq!(saved(&bench, key), Some(Offset(1)), "a crash may leave the second");
        chores.save_starts(&mut bench.node, &Roles::default());
        chores.on_starts_saved(&mut bench.node, bench.now);
        assert_eq!(saved(&bench, key), Some(Offset(1)));
        chores.on_starts_saved(&mut bench.node, bench.now);
        assert_eq!(saved(&bench, key), Some(Offset(2)));
    }

    #[test]
    fn a_start_is_written_down_behind_the_watermark_that_it_is_believed_for() {
        let (mut bench, ..) = deleted();
        while bench.node.out.pop().is_some() {}
        Chores::default().save_starts(&mut bench.node, &Roles::default());
        let outputs = core::iter::from_fn(|| bench.node.out.pop());
        let written = outputs.filter_map(|output| {
            if let Output::Disk { op: DiskOp::Replace { file, .. }, .. } = output { Some(file.name) } else { None }
        });
        assert_eq!(written.collect::<Vec<_>>(), [FileName::HighWatermarks, FileName::LogStartOffsets]);
    }

    #[test]
    fn a_checkpoint_counts_for_those_that_one_under_way_counts_for() {
        let (mut bench, key, dir) = deleted();
        let mut chores = Chores { saving: [vec![(dir, Offset(2))]].into(), ..Chores::default() };
        chores.on_starts_saved(&mut bench.node, bench.now);
        assert_eq!(saved(&bench, key), Some(Offset(2)));
        chores.saving.push_back(vec![(dir, Offset(1))]);
        chores.save_starts(&mut bench.node, &Roles::default());
        assert_eq!(
            chores.saving.back(),
            Some(&vec![(dir, Offset(2))]),
            "it is where it was, and the one before says less"
        );
    }
}
