//! A coordinator that takes over speaks when all that it has read of its log is committed: a generation, or an offset, that is told
//! and then lost would be told again, and be another.

use super::{Broken, Glance};
use crate::table::{Map, Set};
use esker_core::group;
use esker_core::id::{DirId, LeaderEpoch, Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;

/// The coordinators that are there: node, partition, epoch.
#[derive(Debug, Default)]
pub struct Loads {
    there: Set<(usize, i32, LeaderEpoch)>,
}

impl Loads {
    pub fn on_start(&mut self, node: usize) {
        self.there.retain(|(of, ..)| *of != node);
    }

    /// A node has handled an input: the partitions by which it coordinates since then, all of whose log it has read.
    /// `seen`: what was known of logs before.
    pub fn look<'a>(
        &mut self,
        node: usize,
        core: &'a Core,
        seen: &Map<(usize, DirId), Glance>,
    ) -> Result<Vec<&'a Partition>, Broken> {
        let mut new = Vec::new();
        let active = core.groups.partitions().filter(|partition| !core.groups.is_loading(*partition));
        for (partition, epoch) in active.filter_map(|partition| Some((partition, core.groups.epoch_of(partition)?))) {
            if !self.there.insert((node, partition, epoch)) {
                continue;
            }
            let topic = core.image.topic_named(group::TOPIC).map(|topic| topic.id);
            let replica = topic.and_then(|topic| core.partitions.get(PartitionKey { topic, partition }));
            if let Some(replica) = replica {
                // What was appended since it speaks is behind that.
                let end = seen.get(&(node, replica.dir())).map_or(Offset::ZERO, |seen| seen.end);
                judge(replica.folder(), end, replica.watermark())?;
                new.push(replica);
            }
        }
        Ok(new)
    }
}

fn judge(folder: &str, read: Offset, watermark: Offset) -> Result<(), Broken> {
    if read <= watermark {
        return Ok(());
    }
    let what = format!("coordinates by {folder}, read up to {read}, of which what is below {watermark} is committed");
    Err(("loaded-early", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_not_spoken_of() {
        assert!(judge("__consumer_offsets-0", Offset(7), Offset(7)).is_ok());
        assert_eq!(judge("__consumer_offsets-0", Offset(8), Offset(7)).unwrap_err().0, "loaded-early");
    }
}
