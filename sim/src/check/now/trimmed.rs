//! Of the snapshots of the metadata that a node writes it keeps the newest two: whoever lags a little needs none, and older ones are of no use.

use super::Broken;
use crate::table::Map;
use esker_core::id::Offset;
use esker_core::io::{DiskOp, DiskTag, FileName};
use std::collections::BTreeSet;

/// Beside those that stay one is being written, and one may be about to go.
const MOST: usize = 4;

/// A snapshot: where it ends, and the epoch there.
type Id = (Offset, i32);

/// The snapshots that this process of each node has written and not deleted.
#[derive(Debug, Default)]
pub struct Trimmed {
    kept: Map<usize, BTreeSet<Id>>,
    /// On its way: where there is no room none comes of it.
    writing: Map<(usize, DiskTag), Id>,
}

impl Trimmed {
    pub fn on_start(&mut self, node: usize) {
        self.kept.remove(&node);
        self.writing.retain(|(of, _), _| *of != node);
    }

    /// Where the newest ends; zero where there is none.
    pub fn newest(&self, node: usize) -> Offset {
        self.kept.get(&node).and_then(BTreeSet::last).map_or(Offset::ZERO, |(end, _)| *end)
    }

    pub fn on_disk_op(&mut self, node: usize, tag: DiskTag, op: &DiskOp) {
        match op {
            DiskOp::Replace { file, .. } => {
                if let FileName::MetadataSnapshot(offset, epoch) = file.name {
                    self.writing.insert((node, tag), (offset, epoch));
                }
            }
            DiskOp::Delete { file } => {
                if let FileName::MetadataSnapshot(offset, epoch) = file.name {
                    self.kept.entry(node).or_default().remove(&(offset, epoch));
                }
            }
            _ => {}
        }
    }

    pub fn on_disk_done(&mut self, node: usize, tag: DiskTag, done: bool) -> Result<(), Broken> {
        let Some(id) = self.writing.remove(&(node, tag)).filter(|_| done) else { return Ok(()) };
        let kept = self.kept.entry(node).or_default();
        kept.insert(id);
        judge(kept.len())
    }
}

fn judge(kept: usize) -> Result<(), Broken> {
    if kept <= MOST {
        return Ok(());
    }
    Err(("not-trimmed", format!("has written {kept} snapshots of the metadata, and deletes none")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_that_stay_are_caught() {
        assert!(judge(MOST).is_ok());
        assert_eq!(judge(MOST + 1).unwrap_err().0, "not-trimmed");
    }
}
