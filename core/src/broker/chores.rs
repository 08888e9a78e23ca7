//! What a node does now and then for its own sake: checkpoints, the metadata snapshot, `meta.properties`.

use super::{apply, boot};
use crate::id::{DirId, Offset};
use crate::io::{DiskOp, FileId, FileName, Owner};
use crate::log::layout;
use crate::node::Node;
use crate::time::{Mono, Now};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Serials under [`Owner::Node`] whose completion nobody waits for.
const CHECKPOINT: u64 = boot::SERIAL_FREE;
const META: u64 = boot::SERIAL_FREE + 1;
/// Serials of a clean stop.
pub(super) const MARK: u64 = boot::SERIAL_FREE + 2;
/// From here on a serial is that of the removal of a folder, `REMOVALS + dir`.
pub(super) const REMOVALS: u64 = 1 << 32;

#[derive(Debug, Default)]
pub(super) struct Chores {
    /// `replication.high.watermark.checkpoint.interval.ms`
    checkpoint_at: Option<Mono>,
    /// What the checkpoint file says.
    watermarks: Vec<(String, Offset)>,
    /// `meta.properties` lacks the cluster's id, which is known now.
    pub meta_due: bool,
}

impl Chores {
    pub fn next_deadline(&self) -> Option<Mono> {
        self.checkpoint_at
    }

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {
        if self.meta_due {
            self.meta_due = false;
            write_meta(node);
        }
        if self.checkpoint_at.is_none_or(|at| at <= now.mono) {
            self.checkpoint_at = Some(now.mono + node.config.chores.watermarks);
            self.checkpoint(node);
            snapshot(node, now);
        }
    }

    /// Writes the watermarks down, if they moved: a follower that starts anew can then serve and truncate less.
    pub fn checkpoint(&mut self, node: &mut Node) {
        let open = node.partitions.iter().filter(|partition| partition.is_open());
        let watermarks: Vec<_> = open.map(|partition| (partition.folder().into(), partition.watermark())).collect();
        if watermarks == self.watermarks {
            return;
        }
        let bytes = layout::write_checkpoint(&watermarks);
        self.watermarks = watermarks;
        let file = FileId::new(DirId::ROOT, FileName::HighWatermarks);
        node.out.disk(Owner::Node, CHECKPOINT, DiskOp::Replace { file, bytes });
    }
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
