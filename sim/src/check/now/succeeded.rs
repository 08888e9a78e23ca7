//! A coordinator that was fenced, or stops, and has a successor, tells nobody the offsets of before: who asks after the successor has
//! acknowledged a commit hears of the groups in that partition from him alone, also when the other was cut off and knows nothing of him.
//!
//! Where an admin or the balance of leaders moves one that lives, it tells them until it hears of that (as Kafka's does; seed 50000000726).

use super::told::{epoch_of, log_of};
use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, PartitionKey};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse};

#[derive(Debug, Default)]
pub struct Succeeded {
    /// The commits without an answer: their group.
    commits: Map<At, String>,
    /// The last epoch in which something was acknowledged.
    acked: Map<PartitionKey, Acked>,
    /// The questions without an answer: each group, and the last epoch of then.
    asked: Map<At, Vec<Asked>>,
}

#[derive(Clone, Debug)]
struct Acked {
    epoch: LeaderEpoch,
    /// The brokers that were fenced by then, or stopped.
    gone: Vec<NodeId>,
}

#[derive(Debug)]
struct Asked {
    group: String,
    acked: Acked,
}

impl Succeeded {
    pub fn on_commit(&mut self, at: At, group: &str) {
        self.commits.insert(at, group.to_string());
    }

    pub fn on_committed(&mut self, at: At, response: &OffsetCommitResponse, core: &Core) {
        let Some(group) = self.commits.remove(&at) else { return };
        let Some(log) = log_of(core, &group) else { return };
        if response.topics.iter().flat_map(|topic| &topic.partitions).any(|part| part.error_code == 0) {
            let epoch = epoch_of(core, &group);
            let acked = self.acked.entry(log).or_insert(Acked { epoch, gone: Vec::new() });
            if acked.epoch < epoch {
                *acked = Acked { epoch, gone: Vec::new() };
            }
            let gone = core.image.brokers().filter(|broker| broker.fenced || broker.leaving).map(|broker| broker.id);
            acked.gone.extend(gone.filter(|id| acked.epoch == epoch && !acked.gone.contains(id)).collect::<Vec<_>>());
        }
    }

    pub fn on_fetch(&mut self, at: At, request: &OffsetFetchRequest, core: &Core) {
        let one = |group: &str| {
            let acked = self.acked.get(&log_of(core, group)?)?.clone();
            Some(Asked { group: group.to_string(), acked })
        };
        let many = request.groups.iter().filter_map(|group| one(&group.group_id));
        let asked: Vec<Asked> = many.chain(one(&request.group_id)).collect();
        if !asked.is_empty() {
            self.asked.insert(at, asked);
        }
    }

    pub fn on_fetched(&mut self, at: At, response: &OffsetFetchResponse, core: &Core) -> Result<(), Broken> {
        let mut asked = self.asked.remove(&at).into_iter().flatten();
        let told = |group: &str| match response.groups.iter().find(|told| told.group_id.0.as_str() == group) {
            Some(told) => told.error_code == 0,
            None => response.groups.is_empty() && response.error_code == 0,
        };
        asked.try_for_each(|asked| judge(&asked, told(&asked.group), core.config.node, epoch_of(core, &asked.group)))
    }
}

fn judge(asked: &Asked, told: bool, node: NodeId, epoch: LeaderEpoch) -> Result<(), Broken> {
    let Asked { group, acked, .. } = asked;
    if !told || epoch >= acked.epoch || !acked.gone.contains(&node) {
        return Ok(());
    }
    let later = acked.epoch;
    Err((
        "told-by-succeeded",
        format!("tells the offsets of {group} as of {epoch:?}; {later:?} has acknowledged a commit"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_as_of_an_epoch_that_is_over_is_caught() {
        let acked = Acked { epoch: LeaderEpoch(2), gone: vec![NodeId(1)] };
        let asked = Asked { group: "g".to_string(), acked };
        assert!(judge(&asked, true, NodeId(1), LeaderEpoch(2)).is_ok());
        assert!(judge(&asked, false, NodeId(1), LeaderEpoch(1)).is_ok(), "refused");
        assert!(judge(&asked, true, NodeId(3), LeaderEpoch(1)).is_ok(), "moved, and has not heard of it");
        assert_eq!(judge(&asked, true, NodeId(1), LeaderEpoch(1)).unwrap_err().0, "told-by-succeeded");
    }
}
