//! DeleteRecords is answered when no replica in sync has the records any more (KIP-107): whoever of them leads next does not show them.

use super::Broken;
use crate::node::Node;
use esker_core::id::{Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::DeleteRecordsResponse;

/// What the answers of the present input told.
#[derive(Debug, Default)]
pub struct LowWatermark {
    told: Vec<(PartitionKey, Offset)>,
}

impl LowWatermark {
    pub fn on_reply(&mut self, response: &DeleteRecordsResponse, core: &Core) {
        for topic in &response.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            let done = topic.partitions.iter().filter(|told| told.error_code == 0);
            self.told.extend(
                done.map(|told| {
                    (PartitionKey { topic: id, partition: told.partition_index }, Offset(told.low_watermark))
                }),
            );
        }
    }

    /// The node has handled its input.
    pub fn look(&mut self, core: &Core, nodes: &[Node]) -> Result<(), Broken> {
        for (key, told) in self.told.drain(..) {
            let Some(leader) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
            let Some(state) = leader.state() else { continue };
            for member in &state.isr {
                let process = nodes.get(member.0 as usize - 1).and_then(|node| node.process.as_ref());
                let replica = process.and_then(|process| process.broker.node().partitions.get(key));
                // Who knows of a later epoch may have been dropped, and made anew.
                let same = |replica: &&Partition| replica.leader_epoch() <= leader.leader_epoch();
                let alive = replica.filter(|replica| replica.is_open() && replica.is_online()).filter(same);
                if let Some(replica) = alive {
                    judge(leader.folder(), told, member.0, replica.log_start())?;
                }
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, told: Offset, member: i32, start: Offset) -> Result<(), Broken> {
    if start >= told {
        return Ok(());
    }
    Err((
        "deleted-here-alone",
        format!("says that {folder} has nothing below {told}; {member} is in sync, and its log starts at {start}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_still_has_the_records_is_caught() {
        assert!(judge("t-0", Offset(4), 2, Offset(4)).is_ok());
        assert_eq!(judge("t-0", Offset(4), 2, Offset(3)).unwrap_err().0, "deleted-here-alone");
    }
}
