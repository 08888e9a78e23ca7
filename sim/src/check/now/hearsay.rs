//! A follower takes for committed what the leader of its own epoch said, and nothing that another said before: what a leader of an earlier
//! epoch knew may have been cut since.

use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// A replica: its node and its partition.
type Who = (NodeId, PartitionKey);

#[derive(Debug, Default)]
pub struct Hearsay {
    /// Whose Fetch has no answer yet.
    asked: Map<At, NodeId>,
    /// The highest watermark that the leader of an epoch told it.
    said: Map<(Who, LeaderEpoch), Offset>,
    /// The epoch that each follower was in when it was looked at last, and its watermark when that began.
    since: Map<Who, (LeaderEpoch, Offset)>,
    /// The epoch in which each leader led when it was looked at last: it may answer as the present input takes the replica away from it.
    led: Map<Who, LeaderEpoch>,
}

impl Hearsay {
    /// A process starts: what it knew it knows from its disk.
    pub fn on_start(&mut self, node: usize) {
        self.since.retain(|(of, _), _| of.0 as usize - 1 != node);
        self.led.retain(|(of, _), _| of.0 as usize - 1 != node);
    }

    pub fn on_request(&mut self, at: At, request: &FetchRequest) {
        if request.replica_state.replica_id.0 >= 0 {
            self.asked.insert(at, NodeId(request.replica_state.replica_id.0));
        }
    }

    /// A leader answers a follower.
    pub fn on_reply(&mut self, at: At, response: &FetchResponse, core: &Core) {
        let Some(of) = self.asked.remove(&at) else { return };
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.topic, topic.topic_id.into()) else { continue };
            for part in topic.partitions.iter().filter(|part| part.error_code == 0) {
                let key = PartitionKey { topic: id, partition: part.partition_index };
                let replica = core.partitions.get(key).filter(|replica| replica.is_leader());
                let led = self.led.get(&(core.config.node, key)).copied();
                for epoch in replica.map(Partition::leader_epoch).into_iter().chain(led) {
                    let said = self.said.entry(((of, key), epoch)).or_insert(Offset::NONE);
                    *said = (*said).max(Offset(part.high_watermark));
                }
            }
        }
    }

    /// A replica stands otherwise than `before`, when it had that watermark.
    pub fn look(&mut self, replica: &Partition, before: Option<Offset>) -> Result<(), Broken> {
        let who = (replica.me(), replica.key());
        if replica.is_leader() {
            self.since.remove(&who);
            self.led.insert(who, replica.leader_epoch());
            return Ok(());
        }
        self.led.remove(&who);
        let (epoch, watermark) = (replica.leader_epoch(), replica.watermark());
        let since = self.since.entry(who).or_insert((epoch, before.map_or(watermark, |was| was.max(watermark))));
        if since.0 != epoch {
            *since = (epoch, before.unwrap_or(watermark));
        }
        let said = self.said.get(&(who, epoch)).copied();
        // Where its log begins anew all before is committed.
        judge(replica.folder(), watermark, since.1.max(replica.log_start()), said)
    }
}

fn judge(folder: &str, watermark: Offset, began: Offset, said: Option<Offset>) -> Result<(), Broken> {
    if watermark <= began || said.is_some_and(|said| watermark <= said) {
        return Ok(());
    }
    let what = format!(
        "{folder} follows with the watermark {watermark}: it had {began} when its epoch began, and its leader said {said:?}"
    );
    Err(("watermark-hearsay", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_that_its_leader_did_not_say_is_caught() {
        let judge = |watermark, said: Option<i64>| {
            judge("t-0", Offset(watermark), Offset(5), said.map(Offset)).map_err(|broken| broken.0)
        };
        assert_eq!((judge(5, None), judge(7, Some(7)), judge(4, Some(2))), (Ok(()), Ok(()), Ok(())));
        assert_eq!((judge(6, None), judge(7, Some(6))), (Err("watermark-hearsay"), Err("watermark-hearsay")));
    }
}
