//! A coordinator that takes over speaks when all that it has read of its log is committed: a generation, or an offset, that is told
//! and then lost would be told again, and be another.

use super::{Broken, Glance};
use crate::table::Set;
use esker_core::group;
use esker_core::id::{DirId, LeaderEpoch, Offset};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;

/// The coordinators that are there: node, log, epoch.
#[derive(Debug, Default)]
pub struct Loads {
    there: Set<(usize, DirId, LeaderEpoch)>,
}

impl Loads {
    pub fn on_start(&mut self, node: usize) {
        self.there.retain(|(of, ..)| *of != node);
    }

    /// A partition is another than it was `before` the input.
    pub fn look(
        &mut self,
        node: usize,
        core: &Core,
        replica: &Partition,
        before: Option<Glance>,
    ) -> Result<(), Broken> {
        let (key, epoch) = (replica.key(), replica.leader_epoch());
        let of_group = core.image.topic_named(group::TOPIC).is_some_and(|topic| topic.id == key.topic);
        let there = || {
            let known = core.groups.epoch_of(key.partition) == Some(epoch);
            replica.is_leader() && known && !core.groups.is_loading(key.partition)
        };
        if !of_group || !there() || !self.there.insert((node, replica.dir(), epoch)) {
            return Ok(());
        }
        // What was appended since it speaks is behind that.
        before.map_or(Ok(()), |before| judge(replica.folder(), before.end, replica.watermark()))
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
