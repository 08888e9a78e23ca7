//! Of the snapshots of the metadata that a node writes it keeps the newest two: whoever lags a little needs none, and older ones are of no use.

use super::Broken;
use crate::table::Map;
use esker_core::id::Offset;
use esker_core::io::{DiskOp, FileName};
use std::collections::BTreeSet;

/// Beside those that stay one is being written, and one may be about to go.
const MOST: usize = 4;

/// The snapshots that this process of each node has written and not deleted.
#[derive(Debug, Default)]
pub struct Trimmed {
    kept: Map<usize, BTreeSet<(Offset, i32)>>,
}

impl Trimmed {
    pub fn on_start(&mut self, node: usize) {
        self.kept.remove(&node);
    }

    pub fn on_disk_op(&mut self, node: usize, op: &DiskOp) -> Result<(), Broken> {
        let kept = self.kept.entry(node).or_default();
        match op {
            DiskOp::Replace { file, .. } => {
                if let FileName::MetadataSnapshot(offset, epoch) = file.name {
                    kept.insert((offset, epoch));
                }
            }
            DiskOp::Delete { file } => {
                if let FileName::MetadataSnapshot(offset, epoch) = file.name {
                    kept.remove(&(offset, epoch));
                }
            }
            _ => {}
        }
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
