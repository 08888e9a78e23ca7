//! A Produce is acknowledged when its records are where its `acks` wants them: below the watermark with `all`, on the leader's disk with 1.

use super::Broken;
use super::latest::Latest;
use crate::table::Map;
use esker_core::id::{ConnId, Offset, PartitionKey, Uuid};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// The `acks` of Produce requests without an answer.
#[derive(Debug, Default)]
pub struct Acked {
    asked: Map<(usize, ConnId, u64), i16>,
}

impl Acked {
    pub fn on_start(&mut self, node: usize) {
        self.asked.retain(|(of, ..), _| *of != node);
    }

    pub fn on_request(&mut self, node: usize, conn: ConnId, seq: u64, request: &ProduceRequest) {
        self.asked.insert((node, conn, seq), request.acks);
    }

    /// An answer leaves a node; `latest` is to know what it acknowledges.
    pub fn on_reply(
        &mut self,
        (node, conn, seq): (usize, ConnId, u64),
        response: &ProduceResponse,
        core: &Core,
        latest: &mut Latest,
    ) -> Result<(), Broken> {
        let Some(acks) = self.asked.remove(&(node, conn, seq)) else { return Ok(()) };
        for topic in &response.responses {
            let named = core.image.topic_named(&topic.name).map(|topic| topic.id);
            let id = named.unwrap_or(Uuid::from(topic.topic_id));
            for told in topic.partition_responses.iter().filter(|told| told.error_code == 0) {
                let key = PartitionKey { topic: id, partition: told.index };
                if let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) {
                    let reached = if acks == 1 { replica.log().synced() } else { replica.watermark() };
                    judge(replica.folder(), acks, Offset(told.base_offset), reached)?;
                    if acks == -1 {
                        latest.on_acked(key, replica.leader_epoch(), Offset(told.base_offset + 1));
                    }
                }
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, acks: i16, base: Offset, reached: Offset) -> Result<(), Broken> {
    if base < reached {
        return Ok(());
    }
    Err((
        "acked-early",
        format!("acks={acks} at {base} of {folder} is answered, and only what is below {reached} is there"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_before_its_time_is_caught() {
        assert!(judge("t-0", -1, Offset(4), Offset(5)).is_ok());
        assert_eq!(judge("t-0", -1, Offset(5), Offset(5)).unwrap_err().0, "acked-early");
    }
}
