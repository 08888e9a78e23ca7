//! Who leads or is in sync is a broker that may: registered, not fenced, not leaving (KIP-841). Only where all of a set went does it stay
//! as it was, and without a leader: with it would go what they alone have. Of these, whoever comes back leads, and the rest stay in
//! its set until they are back as well or it asks for a smaller one.

use super::Broken;
use crate::table::Set;
use esker_core::id::{NodeId, PartitionKey};
use esker_core::metadata::{Image, Partition};

/// Who stayed in a set when all of it were gone, and did not come back since.
#[derive(Default, Debug)]
pub struct Active {
    stayed: Set<(PartitionKey, NodeId)>,
}

impl Active {
    /// Looks at the cluster's state as the active controller has just decided it: others may see two decisions as one.
    pub fn look(&mut self, image: &Image) -> Result<(), Broken> {
        for topic in image.topics() {
            for (key, state) in topic.each_partition() {
                self.judge(key, state, &|node| image.active(node))?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, key: PartitionKey, state: &Partition, active: &dyn Fn(NodeId) -> bool) -> Result<(), Broken> {
        let all_gone = state.leader.is_none() && !state.isr.iter().any(|node| active(*node));
        for &node in &state.replicas {
            let idle = state.in_sync(node) && !active(node);
            if !idle {
                self.stayed.remove(&(key, node));
            } else if all_gone {
                self.stayed.insert((key, node));
            } else if !self.stayed.contains(&(key, node)) {
                return Err((
                    "idle-in-sync",
                    format!("{key} has {node} in sync, which is fenced or leaves while others stay: {state}"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::Uuid;

    const KEY: PartitionKey = PartitionKey { topic: Uuid(7), partition: 0 };
    const ONE: NodeId = NodeId(1);
    const TWO: NodeId = NodeId(2);

    fn both(leader: Option<NodeId>) -> Partition {
        Partition { leader, ..Partition::new(vec![ONE, TWO], vec![ONE, TWO]) }
    }

    #[test]
    fn a_fenced_one_in_sync_is_caught_beside_one_that_is_not() {
        let mut active = Active::default();
        assert!(active.judge(KEY, &both(Some(ONE)), &|_| true).is_ok());
        assert_eq!(active.judge(KEY, &both(Some(ONE)), &|node| node == ONE).unwrap_err().0, "idle-in-sync");
        assert_eq!(active.judge(KEY, &both(None), &|node| node == ONE).unwrap_err().0, "idle-in-sync");
    }

    #[test]
    fn who_was_lost_with_all_others_stays_until_it_is_back() {
        let mut active = Active::default();
        assert!(active.judge(KEY, &both(None), &|_| false).is_ok());
        assert!(active.judge(KEY, &both(Some(TWO)), &|node| node == TWO).is_ok());
        assert!(active.judge(KEY, &both(Some(TWO)), &|_| true).is_ok());
        assert_eq!(active.judge(KEY, &both(Some(TWO)), &|node| node == TWO).unwrap_err().0, "idle-in-sync");
    }
}
