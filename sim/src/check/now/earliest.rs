//! Asked for the earliest offset a leader tells where its log starts, and the epoch of the record there (KIP-320), by which who begins
//! there knows later whether its place is still in the log.

use super::shadow::Shadow;
use super::{At, Broken, Glance};
use crate::table::Map;
use esker_core::id::PartitionKey;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

/// Kafka's name for the first offset there is.
const EARLIEST: i64 = -2;
/// The version of ListOffsets from which an answer names the epoch (KIP-320).
pub const EPOCHS: i16 = 4;

/// The questions without an answer.
#[derive(Debug, Default)]
pub struct Earliest {
    /// Whether the answer names epochs, as from [`EPOCHS`] on.
    asked: Map<At, bool>,
}

impl Earliest {
    /// A request that asks for nothing else is remembered.
    pub fn on_request(&mut self, at: At, version: i16, request: &ListOffsetsRequest) {
        let mut parts = request.topics.iter().flat_map(|topic| &topic.partitions);
        if parts.all(|part| part.timestamp == EARLIEST) {
            self.asked.insert(at, version >= EPOCHS);
        }
    }

    /// An answer leaves a node; `before`: how a partition stood when the present input came.
    pub fn on_reply<'a>(
        &mut self,
        at: At,
        response: &ListOffsetsResponse,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
        before: &dyn Fn(&Partition) -> Option<Glance>,
    ) -> Result<(), Broken> {
        let Some(epochs) = self.asked.remove(&at) else { return Ok(()) };
        for topic in &response.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
                let key = PartitionKey { topic: id, partition: told.partition_index };
                let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
                let Some(was) = before(replica).filter(|was| was.leads) else { continue };
                let Some(log) = log(replica.folder()) else { continue };
                let starts = [was.start.0, replica.log_start().0];
                judge(replica.folder(), log, (told.offset, epochs.then_some(told.leader_epoch)), starts)?;
            }
        }
        Ok(())
    }
}

/// `starts`: where the log started before the answer was made, and starts now.
fn judge(folder: &str, log: &Shadow, (offset, epoch): (i64, Option<i32>), starts: [i64; 2]) -> Result<(), Broken> {
    let first = log.entries.iter().find(|entry| entry.last >= offset);
    if starts.contains(&offset) && first.is_none_or(|first| epoch.is_none_or(|epoch| first.epoch == epoch)) {
        return Ok(());
    }
    let own = first.map(|first| first.epoch);
    Err((
        "wrong-start",
        format!("tells that {folder} starts at {offset} in {epoch:?}: {starts:?}, and that is of {own:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_start_and_another_epoch_are_caught() {
        let log = Shadow::of(&[(0, 2, 1), (3, 8, 3)]);
        let judge = |told, start| judge("t-0", &log, told, [start, start]).map_err(|broken| broken.0);
        assert_eq!(judge((1, Some(1)), 1), Ok(()));
        assert_eq!(judge((9, Some(4)), 9), Ok(()), "nothing is there yet");
        assert_eq!(judge((0, Some(1)), 1), Err("wrong-start"));
        assert_eq!(judge((1, Some(3)), 1), Err("wrong-start"));
    }
}
