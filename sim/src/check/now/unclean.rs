//! Who is elected from outside the in-sync set is in sync alone, since the others may have what it has not, and recovers: nobody may take what
//! it has for all that there was (KIP-704).

use super::{Broken, finished};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, PartitionEpoch, PartitionKey};
use esker_core::metadata::{Image, Partition};

/// Each partition as the present controller had it last.
#[derive(Debug, Default)]
pub struct Unclean {
    of: LeaderEpoch,
    known: Map<PartitionKey, Partition>,
}

impl Unclean {
    /// Looks at the cluster's state as the active controller of that epoch has just decided it.
    pub fn look(&mut self, image: &Image, epoch: LeaderEpoch) -> Result<(), Broken> {
        // What another one decided may be lost.
        if std::mem::replace(&mut self.of, epoch) != epoch {
            self.known.clear();
        }
        for (key, state) in image.topics().flat_map(|topic| topic.each_partition()) {
            match self.known.get_mut(&key) {
                Some(known) if known.epoch == state.epoch => {}
                Some(known) => {
                    judge(key, known, state)?;
                    finished::judge(key, known, state)?;
                    known.clone_from(state);
                }
                None => drop(self.known.insert(key, state.clone())),
            }
        }
        Ok(())
    }
}

fn judge(key: PartitionKey, was: &Partition, is: &Partition) -> Result<(), Broken> {
    // Where a move ends its leader may have asked for one more in sync, and be the one that goes.
    let next = is.epoch == PartitionEpoch(was.epoch.0 + 1) && !was.is_reassigning();
    let outsider = is.leader.filter(|leader| next && !was.in_sync(*leader));
    // A leader that lacks something stands back for one that has more, and says so itself.
    if outsider.is_some() && was.leader.is_none() && !is.recovering {
        return Err((
            "not-recovering",
            format!("{key} is led by one that was not in sync as if it were: {was} becomes {is}"),
        ));
    }
    if outsider.is_none_or(|leader| is.isr == [leader]) {
        return Ok(());
    }
    Err(("not-alone", format!("{key} is led by one that was not in sync, and not alone: {was} becomes {is}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{NodeId, Uuid};

    #[test]
    fn who_is_in_sync_with_one_that_was_not_is_caught() {
        let key = PartitionKey { topic: Uuid(7), partition: 0 };
        let [one, two] = [NodeId(1), NodeId(2)];
        let was = Partition { leader: None, ..Partition::new(vec![one, two], vec![one]) };
        let is = |isr: &[NodeId], leader, epoch| {
            let new = Partition::new(vec![one, two], isr.to_vec());
            let recovering = leader == two;
            judge(key, &was, &Partition { leader: Some(leader), epoch: PartitionEpoch(epoch), recovering, ..new })
                .is_ok()
        };
        assert!(is(&[two], two, 1) && is(&[one, two], one, 1) && is(&[two, one], two, 2));
        assert!(!is(&[two, one], two, 1));
        let quiet = Partition { epoch: PartitionEpoch(1), ..Partition::new(vec![one, two], vec![two]) };
        assert_eq!(judge(key, &was, &quiet).unwrap_err().0, "not-recovering");
    }
}
