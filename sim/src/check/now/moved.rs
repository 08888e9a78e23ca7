//! A move of replicas aims at what was asked for, and nobody gives up a replica on the way; one that is given up leaves what was there
//! before it (KIP-455).

use super::Broken;
use esker_core::id::{NodeId, PartitionKey};
use esker_core::metadata::{Image, Partition};
use kafka_protocol::messages::AlterPartitionReassignmentsRequest;

/// A move that the present input asks for.
#[derive(Debug)]
struct Asked {
    key: PartitionKey,
    was: Partition,
    /// The replicas that are wanted; `None`: the move under way is to be given up.
    wanted: Option<Vec<NodeId>>,
}

/// What the present input asks the active controller for.
#[derive(Debug, Default)]
pub struct Moved {
    asked: Vec<Asked>,
}

impl Moved {
    pub fn on_request(&mut self, request: &AlterPartitionReassignmentsRequest, image: &Image) {
        for asked in &request.topics {
            let Some(topic) = image.topic_named(&asked.name) else { continue };
            for part in &asked.partitions {
                let Some(was) = topic.partition(part.partition_index) else { continue };
                let key = PartitionKey { topic: topic.id, partition: part.partition_index };
                let wanted = part.replicas.as_ref().map(|ids| ids.iter().map(|id| NodeId(id.0)).collect());
                self.asked.push(Asked { key, was: was.clone(), wanted });
            }
        }
    }

    /// The input is handled: `image` is what the controller has decided, if it still is one.
    pub fn look(&mut self, image: Option<&Image>) -> Result<(), Broken> {
        for Asked { key, was, wanted } in self.asked.drain(..) {
            if let Some(is) = image.and_then(|image| image.partition(key)) {
                judge(&was, is, wanted.as_deref())?;
            }
        }
        Ok(())
    }
}

fn judge(was: &Partition, is: &Partition, wanted: Option<&[NodeId]>) -> Result<(), Broken> {
    let well = match wanted {
        // Refused, or as it is wanted already.
        _ if is.epoch == was.epoch => true,
        None => {
            !is.is_reassigning() && is.replicas.iter().eq(was.replicas.iter().filter(|id| !was.adding.contains(id)))
        }
        Some(wanted) if is.is_reassigning() => {
            is.replicas.starts_with(wanted) && was.replicas.iter().all(|id| is.has_replica(*id))
        }
        Some(wanted) => is.replicas == wanted,
    };
    if well { Ok(()) } else { Err(("moved-elsewhere", format!("asked for {wanted:?}, {was} becomes {is}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::PartitionEpoch;

    fn nodes(ids: &[i32]) -> Vec<NodeId> {
        ids.iter().map(|id| NodeId(*id)).collect()
    }

    fn state(replicas: &[i32], adding: &[i32], removing: &[i32], epoch: i32) -> Partition {
        let made = Partition::new(nodes(replicas), nodes(&replicas[..1]));
        Partition { adding: nodes(adding), removing: nodes(removing), epoch: PartitionEpoch(epoch), ..made }
    }

    #[test]
    fn a_move_aims_at_what_is_wanted() {
        let was = state(&[1, 2], &[], &[], 4);
        let judge = |is: Partition| judge(&was, &is, Some(&nodes(&[3, 1]))).is_ok();
        assert!(judge(was.clone()), "refused");
        assert!(judge(state(&[3, 1, 2], &[3], &[2], 5)));
        assert!(judge(state(&[3, 1], &[], &[], 5)));
        assert!(!judge(state(&[3, 1], &[3], &[], 5)), "2 is dropped on the way");
        assert!(!judge(state(&[1, 3, 2], &[3], &[2], 5)), "another leads by right");
    }

    #[test]
    fn one_that_is_given_up_leaves_what_was() {
        let was = state(&[3, 1, 2], &[3], &[2], 5);
        assert!(judge(&was, &state(&[1, 2], &[], &[], 6), None).is_ok());
        assert_eq!(judge(&was, &state(&[3, 1, 2], &[], &[], 6), None).unwrap_err().0, "moved-elsewhere");
    }
}
