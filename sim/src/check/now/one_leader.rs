//! At most one node leads a partition in an epoch, and the metadata quorum in an epoch.

use super::Broken;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, PartitionKey};

/// Who was seen to lead.
#[derive(Debug, Default)]
pub struct OneLeader {
    partitions: Map<(PartitionKey, LeaderEpoch), usize>,
    quorum: Map<LeaderEpoch, usize>,
}

impl OneLeader {
    pub fn leads(&mut self, node: usize, key: PartitionKey, epoch: LeaderEpoch) -> Result<(), Broken> {
        let first = *self.partitions.entry((key, epoch)).or_insert(node);
        if first == node {
            return Ok(());
        }
        Err(("one-leader", format!("leads {key} in {epoch}, as node {} did", first + 1)))
    }

    pub fn leads_quorum(&mut self, node: usize, epoch: LeaderEpoch) -> Result<(), Broken> {
        let first = *self.quorum.entry(epoch).or_insert(node);
        if first == node {
            return Ok(());
        }
        Err(("one-quorum-leader", format!("leads the quorum in {epoch}, as node {} did", first + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_leaders_of_an_epoch_are_caught_and_of_two_epochs_are_not() {
        let mut seen = OneLeader::default();
        let key = PartitionKey { topic: Default::default(), partition: 0 };
        assert!(seen.leads(0, key, LeaderEpoch(1)).is_ok());
        assert!(seen.leads(0, key, LeaderEpoch(1)).is_ok());
        assert!(seen.leads(1, key, LeaderEpoch(2)).is_ok());
        assert!(seen.leads(1, key, LeaderEpoch(1)).is_err());
        assert!(seen.leads_quorum(2, LeaderEpoch(1)).is_ok());
        assert!(seen.leads_quorum(1, LeaderEpoch(1)).is_err());
    }
}
