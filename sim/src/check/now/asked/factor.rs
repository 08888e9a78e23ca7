//! A partition has as many replicas after a reassignment as before it, where the request does not say that there may be others (KIP-860);
//! no node has it twice, and none is there that nobody knows.

use super::super::Broken;
use esker_core::id::{NodeId, PartitionKey};
use esker_core::metadata::{Image, Partition};
use esker_core::node::Node as Core;
use kafka_protocol::messages::AlterPartitionReassignmentsRequest;

/// What the present input asks the active controller to move: what was there, and whether there is leave to change the factor.
#[derive(Debug, Default)]
pub struct Factor {
    asked: Vec<(PartitionKey, Partition, bool)>,
}

impl Factor {
    pub fn on_request(&mut self, request: &AlterPartitionReassignmentsRequest, core: &Core) {
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return };
        for asked in &request.topics {
            let Some(topic) = image.topic_named(&asked.name) else { continue };
            for part in asked.partitions.iter().filter(|part| part.replicas.is_some()) {
                if let Some(was) = topic.partition(part.partition_index) {
                    let key = PartitionKey { topic: topic.id, partition: part.partition_index };
                    self.asked.push((key, was.clone(), request.allow_replication_factor_change));
                }
            }
        }
    }

    /// The input is handled: `image` is what the controller has decided, if it still is one.
    pub fn look(&mut self, image: Option<&Image>) -> Result<(), Broken> {
        for (key, was, free) in self.asked.drain(..) {
            if let Some((image, is)) = image.and_then(|image| Some((image, image.partition(key)?))) {
                judge(&was, is, free, &|id| image.broker(id).is_some())?;
            }
        }
        Ok(())
    }
}

/// How many it has in the end.
fn target(partition: &Partition) -> usize {
    partition.replicas.iter().filter(|id| !partition.removing.contains(id)).count()
}

/// `free`: the factor may change; `known`: whether a node is one of the cluster's.
fn judge(was: &Partition, is: &Partition, free: bool, known: &dyn Fn(NodeId) -> bool) -> Result<(), Broken> {
    let twice = is.replicas.iter().enumerate().any(|(place, id)| is.replicas[..place].contains(id));
    let nowhere = is.replicas.iter().any(|id| !was.has_replica(*id) && !known(*id));
    if (free || target(is) == target(was)) && !twice && !nowhere {
        return Ok(());
    }
    Err(("factor-changed", format!("{was} becomes {is}, with leave for another factor: {free}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_factor_or_a_node_that_is_none_is_caught() {
        let ids = |ids: &[i32]| ids.iter().map(|id| NodeId(*id)).collect::<Vec<_>>();
        let state = |replicas: &[i32], removing: &[i32]| Partition {
            removing: ids(removing),
            ..Partition::new(ids(replicas), ids(&[1]))
        };
        let was = state(&[1, 2], &[]);
        let judge = |is: &Partition, free| judge(&was, is, free, &|id| id.0 < 9).map_err(|broken| broken.0);
        assert_eq!(judge(&state(&[1, 2, 3], &[3]), false), Ok(()));
        assert_eq!(judge(&state(&[1, 2, 3], &[]), true), Ok(()));
        assert_eq!(judge(&state(&[1, 2, 3], &[]), false), Err("factor-changed"));
        assert_eq!(judge(&state(&[2, 2], &[]), false), Err("factor-changed"));
        assert_eq!(judge(&state(&[1, 9], &[]), false), Err("factor-changed"));
    }
}
