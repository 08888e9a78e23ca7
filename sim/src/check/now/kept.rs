//! A node has replicas of what the metadata gives it, and of nothing else: what was deleted, or moved away, it gives up, however it
//! heard of that. And each is what the metadata says that it is: who leads by now is heeded by who led before.

use super::Broken;
use crate::table::Map;
use esker_core::id::{NodeId, PartitionEpoch, Uuid};
use esker_core::metadata::Partition as State;
use esker_core::node::Node as Core;

#[derive(Debug, Default)]
pub struct Kept {
    /// The process of each node that was registered last.
    registered: Map<usize, Uuid>,
}

impl Kept {
    /// A node has learnt more of the metadata.
    pub fn look(&mut self, node: usize, core: &Core) -> Result<(), Broken> {
        let (me, own) = (core.config.node, core.config.identity.incarnation);
        match core.image.broker(me) {
            Some(known) if known.incarnation == own => drop(self.registered.insert(node, own)),
            // It was in this life: what it led others lead by now.
            Some(_) | None if self.registered.get(&node) == Some(&own) => {}
            // Who is not registered anew takes up nothing, and gives up nothing.
            Some(_) | None => return Ok(()),
        }
        // Nor does who stops.
        if core.quorum.is_stopping() {
            return Ok(());
        }
        core.partitions.iter().try_for_each(|replica| {
            let known = replica.state().map(|state| state.epoch);
            judge(replica.folder(), me, known, core.image.partition(replica.key()))
        })
    }
}

fn judge(folder: &str, me: NodeId, known: Option<PartitionEpoch>, state: Option<&State>) -> Result<(), Broken> {
    match state.filter(|state| state.has_replica(me)) {
        // A leader is ahead by what it was granted and has not come back to it.
        Some(state) if known >= Some(state.epoch) => Ok(()),
        Some(state) => {
            Err(("state-unheeded", format!("{folder} goes by the state of {known:?}, the metadata says {state}")))
        }
        None => {
            let state = state.map(|state| format!("{state}"));
            Err(("kept-unasked", format!("keeps a replica of {folder}, of which the metadata has {state:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_is_another_s_is_caught() {
        let state = State::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1)]);
        let known = Some(state.epoch);
        assert!(judge("t-0", NodeId(2), known, Some(&state)).is_ok());
        assert_eq!(judge("t-0", NodeId(3), known, Some(&state)).unwrap_err().0, "kept-unasked");
        assert_eq!(judge("t-0", NodeId(1), known, None).unwrap_err().0, "kept-unasked");
    }

    #[test]
    fn one_that_goes_by_what_was_before_is_caught() {
        let state = State::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1)]);
        assert_eq!(judge("t-0", NodeId(2), None, Some(&state)).unwrap_err().0, "state-unheeded");
    }
}
