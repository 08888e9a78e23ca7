//! A partition's state has one meaning for one partition epoch: nobody's in-sync set or leader is another than the controller granted. And
//! who knows one takes none before it for what is.

use super::Broken;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, PartitionEpoch};
use esker_core::metadata;

/// What each partition epoch was seen to mean.
#[derive(Debug, Default)]
pub struct Granted {
    known: Map<(String, PartitionEpoch), (LeaderEpoch, Option<NodeId>, Vec<NodeId>)>,
    /// The in-sync set of the highest partition epoch, by folder.
    latest: Map<String, (PartitionEpoch, Vec<NodeId>)>,
}

impl Granted {
    pub fn look(&mut self, folder: &str, state: &metadata::Partition) -> Result<(), Broken> {
        let latest = self.latest.get(folder).map(|(epoch, _)| *epoch);
        if latest.is_none_or(|latest| state.epoch > latest) {
            self.latest.insert(folder.into(), (state.epoch, state.isr.clone()));
        }
        let mut isr = state.isr.clone();
        isr.sort_unstable();
        let seen = (state.leader_epoch, state.leader, isr);
        let first = self.known.entry((folder.to_string(), state.epoch)).or_insert_with(|| seen.clone());
        if *first == seen {
            return Ok(());
        }
        Err(("granted", format!("{folder} in {} is {seen:?}, and was {first:?}", state.epoch)))
    }

    /// Whether a node is in sync, as far as anybody knows.
    pub fn in_sync(&self, folder: &str, node: NodeId) -> bool {
        self.latest.get(folder).is_some_and(|(_, isr)| isr.contains(&node))
    }
}

/// What a process knows of a replica's partition.
pub fn rises(folder: &str, was: Option<PartitionEpoch>, is: Option<PartitionEpoch>) -> Result<(), Broken> {
    if was <= is {
        return Ok(());
    }
    Err(("granted", format!("{folder} was known in {was:?}, and is taken for what it was in {is:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_from_before_is_caught() {
        let rises = |was, is| rises("t-0", was, Some(PartitionEpoch(is))).is_ok();
        assert!(rises(None, 4) && rises(Some(PartitionEpoch(4)), 4) && rises(Some(PartitionEpoch(4)), 5));
        assert!(!rises(Some(PartitionEpoch(4)), 3));
    }

    #[test]
    fn two_sets_of_one_epoch_are_caught() {
        let mut seen = Granted::default();
        let all = vec![NodeId(1), NodeId(2)];
        let mut state = metadata::Partition::new(all.clone(), all);
        assert!(seen.look("t-0", &state).is_ok());
        assert!(seen.look("t-0", &state).is_ok());
        assert!(seen.in_sync("t-0", NodeId(2)));
        state.isr.pop();
        assert!(seen.look("t-0", &state).is_err());
        state.epoch = PartitionEpoch(1);
        assert!(seen.look("t-0", &state).is_ok());
        assert!(!seen.in_sync("t-0", NodeId(2)));
    }
}
