//! A leader serves those who name its own epoch, and refuses all others (KIP-101, KIP-320): so what is appended to a log is of the epoch
//! that its node is in, or of one before.

use super::shadow::Entry;
use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, PartitionKey};
use esker_core::metadata::Image;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// The epochs that Fetch requests without an answer named.
#[derive(Debug, Default)]
pub struct Epochs {
    asked: Map<At, Vec<(PartitionKey, i32)>>,
}

impl Epochs {
    pub fn on_request(&mut self, at: At, request: &FetchRequest, image: &Image) {
        let mut asked = Vec::new();
        for topic in &request.topics {
            let Some(id) = id_of(image, &topic.topic, topic.topic_id.into()) else { continue };
            let named = topic.partitions.iter().filter(|part| part.current_leader_epoch >= 0);
            asked.extend(
                named.map(|part| (PartitionKey { topic: id, partition: part.partition }, part.current_leader_epoch)),
            );
        }
        if !asked.is_empty() {
            self.asked.insert(at, asked);
        }
    }

    /// An answer leaves a node: which partitions it serves, and which epoch they are in. It may have been made in the epoch in which the
    /// node led a partition `before` the present input, which raised it.
    pub fn on_reply(
        &mut self,
        at: At,
        response: &FetchResponse,
        core: &Core,
        before: &dyn Fn(&Partition) -> Option<LeaderEpoch>,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.topic, topic.topic_id.into()) else { continue };
            for part in topic.partitions.iter().filter(|part| part.error_code == 0) {
                let key = PartitionKey { topic: id, partition: part.partition_index };
                let named = asked.iter().find(|(asked, _)| *asked == key).map(|(_, epoch)| *epoch);
                let replica = core.partitions.get(key).filter(|replica| replica.is_leader());
                if named.is_some() && named != replica.and_then(before).map(|epoch| epoch.0) {
                    judge(key, named, replica.map(Partition::leader_epoch))?;
                }
            }
        }
        Ok(())
    }
}

fn judge(key: PartitionKey, named: Option<i32>, leads: Option<LeaderEpoch>) -> Result<(), Broken> {
    match (named, leads) {
        (Some(named), Some(epoch)) if named != epoch.0 => {
            Err(("epoch-not-fenced", format!("serves {key} in {epoch} to one that named the epoch {named}")))
        }
        _ => Ok(()),
    }
}

/// Batches are appended to a log whose node is in `epoch`.
pub fn on_appended(folder: &str, appended: &[Entry], epoch: LeaderEpoch) -> Result<(), Broken> {
    match appended.iter().find(|entry| entry.epoch > epoch.0) {
        None => Ok(()),
        Some(late) => Err((
            "later-epoch",
            format!("appends to {folder} at {} a batch of epoch {}, and is in {epoch}", late.base, late.epoch),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shadow::Shadow;
    use super::*;

    #[test]
    fn one_of_another_epoch_that_is_served_is_caught() {
        let key = PartitionKey { topic: esker_core::id::Uuid(1), partition: 0 };
        assert!(judge(key, Some(3), Some(LeaderEpoch(3))).is_ok());
        assert!(judge(key, None, Some(LeaderEpoch(3))).is_ok());
        assert!(judge(key, Some(2), None).is_ok());
        assert_eq!(judge(key, Some(2), Some(LeaderEpoch(3))).unwrap_err().0, "epoch-not-fenced");
        assert_eq!(judge(key, Some(4), Some(LeaderEpoch(3))).unwrap_err().0, "epoch-not-fenced");
    }

    #[test]
    fn a_batch_of_a_later_epoch_is_caught() {
        let log = Shadow::of(&[(0, 3, 1), (4, 4, 2)]);
        assert!(on_appended("t-0", &log.entries, LeaderEpoch(2)).is_ok());
        assert_eq!(on_appended("t-0", &log.entries, LeaderEpoch(1)).unwrap_err().0, "later-epoch");
    }
}
