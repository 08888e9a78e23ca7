//! Who leads or is in sync is a broker that may: registered, not fenced, not leaving (KIP-841). Only where all of a set went does it stay
//! as it was, and without a leader: with it would go what they alone have. Of these, whoever comes back leads, and the rest stay in
//! its set until they are back as well or it asks for a smaller one.

use super::Broken;
use crate::table::{Map, Set};
use esker_core::id::{LeaderEpoch, NodeId, Offset, PartitionKey};
use esker_core::metadata::{Image, Partition};

/// Who stayed in a set when all of it were gone, and did not come back since.
#[derive(Default, Debug)]
pub struct Active {
    stayed: Set<(PartitionKey, NodeId)>,
    /// Who came back of these, as a controller of `of` decided at that offset of the metadata, which is not committed yet: with that
    /// controller the decision may be lost.
    returned: Vec<((PartitionKey, NodeId), Offset)>,
    of: LeaderEpoch,
    /// The leaders' epoch of each partition when it was looked at last.
    seen: Map<PartitionKey, LeaderEpoch>,
}

impl Active {
    /// Looks at the cluster's state as the active controller of that epoch has just decided it: others may see two decisions as one. The
    /// metadata is committed up to `committed`.
    pub fn look(&mut self, image: &Image, epoch: LeaderEpoch, committed: Offset) -> Result<(), Broken> {
        self.begin(epoch, committed);
        for topic in image.topics() {
            for (key, state) in topic.each_partition() {
                // In words of its own: what the brokers take for one that may is what is judged.
                let may = |node| image.broker(node).is_some_and(|broker| !broker.fenced && !broker.leaving);
                self.judge(key, state, image.offset(), &may)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, epoch: LeaderEpoch, committed: Offset) {
        if std::mem::replace(&mut self.of, epoch) != epoch {
            self.stayed.extend(self.returned.drain(..).map(|(who, _)| who));
        }
        self.returned.retain(|(_, at)| *at >= committed);
    }

    fn judge(
        &mut self,
        key: PartitionKey,
        state: &Partition,
        at: Offset,
        active: &dyn Fn(NodeId) -> bool,
    ) -> Result<(), Broken> {
        let seen = self.seen.insert(key, state.leader_epoch);
        // One turn of the controller may decide twice: that all are gone, and that one is back.
        let unseen = seen.is_some_and(|seen| seen.0 + 1 < state.leader_epoch.0);
        let all_gone = unseen || state.leader.is_none() && !state.isr.iter().any(|node| active(*node));
        for &node in &state.replicas {
            let idle = state.in_sync(node) && !active(node);
            if !idle {
                if self.stayed.remove(&(key, node)) {
                    self.returned.push(((key, node), at));
                }
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
    const AT: Offset = Offset(9);

    fn both(leader: Option<NodeId>) -> Partition {
        Partition { leader, ..Partition::new(vec![ONE, TWO], vec![ONE, TWO]) }
    }

    #[test]
    fn a_fenced_one_in_sync_is_caught_beside_one_that_is_not() {
        let mut active = Active::default();
        assert!(active.judge(KEY, &both(Some(ONE)), AT, &|_| true).is_ok());
        assert_eq!(active.judge(KEY, &both(Some(ONE)), AT, &|node| node == ONE).unwrap_err().0, "idle-in-sync");
        assert_eq!(active.judge(KEY, &both(None), AT, &|node| node == ONE).unwrap_err().0, "idle-in-sync");
    }

    #[test]
    fn all_may_have_been_gone_between_two_looks() {
        let led = |epoch| Partition { leader_epoch: LeaderEpoch(epoch), ..both(Some(ONE)) };
        for (epoch, well) in [(2, false), (3, true)] {
            let mut active = Active::default();
            assert!(active.judge(KEY, &led(1), AT, &|_| true).is_ok());
            assert_eq!(active.judge(KEY, &led(epoch), AT, &|node| node == ONE).is_ok(), well);
        }
    }

    #[test]
    fn who_was_lost_with_all_others_stays_until_it_is_back() {
        let mut active = Active::default();
        assert!(active.judge(KEY, &both(None), AT, &|_| false).is_ok());
        assert!(active.judge(KEY, &both(Some(TWO)), AT, &|node| node == TWO).is_ok());
        assert!(active.judge(KEY, &both(Some(TWO)), AT, &|_| true).is_ok());
        assert_eq!(active.judge(KEY, &both(Some(TWO)), AT, &|node| node == TWO).unwrap_err().0, "idle-in-sync");
    }

    #[test]
    fn a_return_that_was_lost_with_its_controller_was_none() {
        for (committed, well) in [(AT, true), (Offset(10), false)] {
            let mut active = Active::default();
            active.begin(LeaderEpoch(1), Offset::ZERO);
            assert!(active.judge(KEY, &both(None), AT, &|_| false).is_ok());
            assert!(active.judge(KEY, &both(Some(TWO)), AT, &|_| true).is_ok());
            active.begin(LeaderEpoch(1), committed);
            active.begin(LeaderEpoch(2), committed);
            assert_eq!(active.judge(KEY, &both(Some(TWO)), AT, &|node| node == TWO).is_ok(), well);
        }
    }
}
