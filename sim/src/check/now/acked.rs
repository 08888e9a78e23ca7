//! A Produce is acknowledged when its records are where its `acks` wants them: below the watermark with `all`, on the leader's disk with 1.
//! With 0 nothing is said, and its records are in the log. Where the log starts is told as it is.

use super::latest::Latest;
use super::{At, Broken, id_of};
use crate::table::Map;
use bytes::Bytes;
use esker_core::batch::Batches;
use esker_core::id::{Offset, PartitionKey, Uuid};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};

/// Produce requests without an answer.
#[derive(Debug, Default)]
pub struct Acked {
    asked: Map<At, Asked>,
}

#[derive(Debug)]
struct Asked {
    acks: i16,
    /// How many offsets the batches of each partition take.
    counts: Vec<(TopicName, Uuid, i32, i64)>,
    /// With acks=0: where the logs ended that this node leads.
    ends: Vec<(PartitionKey, Offset)>,
}

impl Acked {
    pub fn on_request(&mut self, at: At, request: &ProduceRequest, core: &Core) {
        let count =
            |records: &Bytes| Batches::of(records).map(|(batch, _)| i64::from(batch.last_offset_delta()) + 1).sum();
        let each =
            request.topic_data.iter().flat_map(|topic| topic.partition_data.iter().map(move |data| (topic, data)));
        let mut ends = Vec::new();
        for (topic, data) in each.clone().filter(|_| request.acks == 0) {
            let id = id_of(&core.image, &topic.name, topic.topic_id.into());
            let key = id.map(|topic| PartitionKey { topic, partition: data.index });
            let led = key.and_then(|key| core.partitions.get(key)).filter(|replica| replica.is_leader());
            ends.extend(led.map(|replica| (replica.key(), replica.log_end())));
        }
        let counts = each.map(|(topic, data)| {
            (topic.name.clone(), topic.topic_id.into(), data.index, data.records.as_ref().map_or(0, count))
        });
        self.asked.insert(at, Asked { acks: request.acks, counts: counts.collect(), ends });
    }

    /// A node has nothing to say to a request, and keeps its connection: all is well.
    pub fn on_silence(&mut self, at: At, core: &Core) -> Result<(), Broken> {
        let Some(Asked { counts, ends, .. }) = self.asked.remove(&at) else { return Ok(()) };
        ends.iter().try_for_each(|(key, end)| {
            let Some(replica) = core.partitions.get(*key) else { return Ok(()) };
            let own = |(name, id, index, _): &&(TopicName, Uuid, i32, i64)| {
                id_of(&core.image, name, *id) == Some(key.topic) && *index == key.partition
            };
            let count = counts.iter().filter(own).map(|(.., count)| count).sum();
            judge_silence(replica.folder(), *end, count, replica.log_end())
        })
    }

    /// An answer leaves a node; `latest` is to know what it acknowledges.
    pub fn on_reply(
        &mut self,
        at: At,
        response: &ProduceResponse,
        core: &Core,
        latest: &mut Latest,
    ) -> Result<(), Broken> {
        let Some(Asked { acks, counts, .. }) = self.asked.remove(&at) else { return Ok(()) };
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.name, topic.topic_id.into()) else { continue };
            for told in topic.partition_responses.iter().filter(|told| told.error_code == 0) {
                let key = PartitionKey { topic: id, partition: told.index };
                if let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) {
                    let reached = if acks == 1 { replica.log().synced() } else { replica.watermark() };
                    let this = |(name, id, index, _): &&(TopicName, Uuid, i32, i64)| {
                        *name == topic.name && *id == Uuid::from(topic.topic_id) && *index == told.index
                    };
                    let count = counts.iter().find(this).map_or(0, |(.., count)| *count);
                    let end = Offset(told.base_offset).plus(count);
                    judge(replica.folder(), acks, end, reached)?;
                    judge_start(replica.folder(), Offset(told.log_start_offset), replica.log_start())?;
                    if acks == -1 {
                        latest.on_acked(key, replica.leader_epoch(), end);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Nothing is said of what was to be appended behind `end`.
fn judge_silence(folder: &str, end: Offset, count: i64, now: Offset) -> Result<(), Broken> {
    if now >= end.plus(count) {
        return Ok(());
    }
    Err(("silent-loss", format!("{count} records with acks=0 came when {folder} ended at {end}, and it ends at {now}")))
}

fn judge(folder: &str, acks: i16, end: Offset, reached: Offset) -> Result<(), Broken> {
    if end <= reached {
        return Ok(());
    }
    Err((
        "acked-early",
        format!("acks={acks} of what ends at {end} in {folder} is answered, and only what is below {reached} is there"),
    ))
}

/// A producer learns where the log starts: what it sent before is not there any more.
fn judge_start(folder: &str, told: Offset, start: Offset) -> Result<(), Broken> {
    if told <= start {
        return Ok(());
    }
    Err(("start-not-there", format!("a producer is told that {folder} starts at {told}; it starts at {start}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_has_not_come_yet_is_caught() {
        assert!(judge_start("t-0", Offset(4), Offset(5)).is_ok(), "it moved since");
        assert_eq!(judge_start("t-0", Offset(6), Offset(5)).unwrap_err().0, "start-not-there");
    }

    #[test]
    fn records_that_silence_hides_are_missed() {
        assert!(judge_silence("t-0", Offset(4), 3, Offset(7)).is_ok());
        assert_eq!(judge_silence("t-0", Offset(4), 3, Offset(6)).unwrap_err().0, "silent-loss");
    }

    #[test]
    fn an_answer_before_its_time_is_caught() {
        assert!(judge("t-0", -1, Offset(5), Offset(5)).is_ok());
        assert_eq!(judge("t-0", -1, Offset(6), Offset(5)).unwrap_err().0, "acked-early");
    }
}
