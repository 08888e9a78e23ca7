//! What a node does now and then for its own sake: checkpoints, the metadata snapshot, `meta.properties`.

use super::roles::Roles;
use super::serials::{CHECKPOINT, META};
use super::{apply, checkpoint};
use crate::id::{DirId, Offset};
use crate::io::{DiskOp, FileId, FileName, Owner};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::partition::Partition;
use crate::time::{Mono, Now};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use bytes::Bytes;

#[derive(Debug, Default)]
pub(super) struct Chores {
    /// `replication.high.watermark.checkpoint.interval.ms`
    checkpoint_at: Option<Mono>,
    /// What the checkpoint files say.
    watermarks: Bytes,
    starts: Bytes,
    /// `meta.properties` lacks the cluster's id, which is known now.
    pub meta_due: bool,
}

impl Chores {
    pub fn next_deadline(&self) -> Option<Mono> {
        self.checkpoint_at
    }

    pub fn on_tick(&mut self, node: &mut Node, roles: &Roles, now: Now) {
        if self.meta_due {
            self.meta_due = false;
            write_meta(node);
        }
        if self.checkpoint_at.is_none_or(|at| at <= now.mono) {
            self.checkpoint_at = Some(now.mono + node.config.chores.watermarks);
            self.checkpoint(node, roles);
            snapshot(node, now);
        }
    }

    /// Writes down, where they moved, the watermarks (a replica that starts anew knows how far it may be read) and the logs' starts
    /// (deleted records stay deleted).
    pub fn checkpoint(&mut self, node: &mut Node, roles: &Roles) {
        // What was read at the start and not used yet is written again: its partition is still to be opened.
        let reached = |partition: &Partition| {
            if mutant::is(Mutant::WatermarkCheckpointAhead) { partition.log_end() } else { partition.watermark() }
        };
        let watermarks = node.partitions.iter().map(|partition| (partition.folder(), reached(partition)));
        let watermarks = checkpoint::write(watermarks.chain(unused(&roles.watermarks)));
        let starts = node.partitions.iter().map(|partition| (partition.folder(), partition.log_start()));
        let starts = checkpoint::write(starts.chain(unused(&roles.starts)));
        let mut replace = |name, known: &mut Bytes, bytes: Bytes| {
            if bytes != *known {
                *known = bytes.clone();
                let file = FileId::new(DirId::ROOT, name);
                node.out.disk(Owner::Node, CHECKPOINT, DiskOp::Replace { file, bytes });
            }
        };
        replace(FileName::HighWatermarks, &mut self.watermarks, watermarks);
        replace(FileName::LogStartOffsets, &mut self.starts, starts);
    }
}

fn unused(offsets: &BTreeMap<String, Offset>) -> impl Iterator<Item = (&str, Offset)> {
    offsets.iter().map(|(folder, offset)| (folder.as_str(), *offset))
}

/// Writes the committed image down when the log since the last snapshot has grown long (`metadata.log.max.record.bytes.between.snapshots`).
fn snapshot(node: &mut Node, now: Now) {
    if node.quorum.bytes_since_snapshot() < node.config.quorum.snapshot_every_bytes {
        return;
    }
    let (offset, epoch) = (node.image.offset().plus(1), node.image.epoch());
    let bytes = apply::snapshot_of(&node.image);
    node.quorum.write_snapshot(now, offset, epoch, bytes, &mut node.out);
}

/// `meta.properties` in Kafka's form, with the cluster's id.
fn write_meta(node: &mut Node) {
    let Some(cluster) = node.image.cluster_id() else { return };
    if node.config.identity.cluster.as_deref() == Some(cluster.as_str()) {
        return;
    }
    let text = format!(
        "version=1\nnode.id={}\ndirectory.id={}\ncluster.id={}\nesker.format=1\n",
        node.config.node,
        node.config.identity.directory,
        cluster.as_str()
    );
    node.config.identity.cluster = Some(cluster.as_str().into());
    let file = FileId::new(DirId::ROOT, FileName::MetaProperties);
    node.out.disk(Owner::Node, META, DiskOp::Replace { file, bytes: Bytes::from(text) });
}
