//! A consumer that asks for the end of a partition (ListOffsets, latest) is told of nothing that is not committed.

use super::Broken;
use esker_core::id::{ConnId, Offset, PartitionKey};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use std::collections::HashSet;

/// Kafka's name for the offset behind the last record.
const LATEST: i64 = -1;

/// The questions without an answer.
#[derive(Debug, Default)]
pub struct Latest {
    asked: HashSet<(usize, ConnId, u64)>,
}

impl Latest {
    /// A consumer's request: one that asks for nothing but ends is remembered.
    pub fn on_request(&mut self, node: usize, conn: ConnId, seq: u64, request: &ListOffsetsRequest) {
        let parts = || request.topics.iter().flat_map(|topic| &topic.partitions);
        if request.replica_id.0 < 0 && parts().all(|part| part.timestamp == LATEST) {
            self.asked.insert((node, conn, seq));
        }
    }

    pub fn on_reply(
        &mut self,
        node: usize,
        conn: ConnId,
        seq: u64,
        response: &ListOffsetsResponse,
        core: &Core,
    ) -> Result<(), Broken> {
        if self.asked.is_empty() || !self.asked.remove(&(node, conn, seq)) {
            return Ok(());
        }
        for topic in &response.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
                let key = PartitionKey { topic: id, partition: told.partition_index };
                if let Some(replica) = core.partitions.get(key) {
                    judge(replica.folder(), Offset(told.offset), replica.watermark())?;
                }
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, told: Offset, watermark: Offset) -> Result<(), Broken> {
    if told <= watermark {
        return Ok(());
    }
    Err(("latest-uncommitted", format!("tells that {folder} ends at {told}, and it is committed up to {watermark}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_beyond_the_watermark_is_caught() {
        assert!(judge("t-0", Offset(4), Offset(4)).is_ok());
        assert_eq!(judge("t-0", Offset(5), Offset(4)).unwrap_err().0, "latest-uncommitted");
    }
}
