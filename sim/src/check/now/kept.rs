//! A node keeps replicas of what the metadata gives it, and of nothing else: what was deleted, or moved away, it gives up, however it
//! heard of that.

use super::Broken;
use esker_core::id::NodeId;
use esker_core::metadata::Partition as State;
use esker_core::node::Node as Core;

/// A node has learnt more of the metadata.
pub fn look(core: &Core) -> Result<(), Broken> {
    let (me, own) = (core.config.node, &core.config.identity);
    // Who is not registered anew takes up nothing, and gives up nothing; nor does who stops.
    let registered = core.image.broker(me).is_some_and(|known| known.incarnation == own.incarnation);
    if !registered || core.quorum.is_stopping() {
        return Ok(());
    }
    core.partitions.iter().try_for_each(|replica| judge(replica.folder(), me, core.image.partition(replica.key())))
}

fn judge(folder: &str, me: NodeId, state: Option<&State>) -> Result<(), Broken> {
    if state.is_some_and(|state| state.has_replica(me)) {
        return Ok(());
    }
    let state = state.map(|state| format!("{state}"));
    Err(("kept-unasked", format!("keeps a replica of {folder}, of which the metadata has {state:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_is_another_s_is_caught() {
        let state = State::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1)]);
        assert!(judge("t-0", NodeId(2), Some(&state)).is_ok());
        assert_eq!(judge("t-0", NodeId(3), Some(&state)).unwrap_err().0, "kept-unasked");
        assert_eq!(judge("t-0", NodeId(1), None).unwrap_err().0, "kept-unasked");
    }
}
