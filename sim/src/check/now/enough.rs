//! A Produce with `acks=all` is taken only where as many replicas are in sync as `min.insync.replicas` says, or as the partition has: those that
//! the controller has granted, and not those that are still asked for (Kafka's `Partition.appendRecordsToLeader`). Where there are as many it is not
//! refused for that.

use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::id::{LeaderEpoch, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// Produce requests without an answer.
#[derive(Debug, Default)]
pub struct Enough {
    asked: Map<At, Vec<Led>>,
}

/// How a partition stood that its node led when the request came, and how many there have to be in sync.
#[derive(Debug)]
struct Led {
    key: PartitionKey,
    epoch: LeaderEpoch,
    in_sync: usize,
    needed: usize,
}

impl Enough {
    pub fn on_request(&mut self, at: At, request: &ProduceRequest, core: &Core) {
        if request.acks != -1 {
            return;
        }
        let each = request.topic_data.iter().flat_map(|topic| topic.partition_data.iter().map(move |one| (topic, one)));
        let led = each.filter_map(|(topic, one)| {
            let id = id_of(&core.image, &topic.name, topic.topic_id.into())?;
            let replica = core.partitions.get(PartitionKey { topic: id, partition: one.index })?;
            led(replica)
        });
        self.asked.insert(at, led.collect());
    }

    /// It waits until its node takes clients: how all stands then nobody has seen.
    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, response: &ProduceResponse, core: &Core) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.name, topic.topic_id.into()) else { continue };
            for told in &topic.partition_responses {
                let key = PartitionKey { topic: id, partition: told.index };
                let led = asked.iter().find(|led| led.key == key);
                // What another epoch brought was not seen.
                let same = core
                    .partitions
                    .get(key)
                    .filter(|replica| led.is_some_and(|led| led.epoch == replica.leader_epoch()));
                if let (Some(led), Some(replica)) = (led, same) {
                    judge(replica.folder(), (led.in_sync, led.needed), told.error_code)?;
                }
            }
        }
        Ok(())
    }
}

fn led(replica: &Partition) -> Option<Led> {
    let state = replica.state().filter(|_| replica.is_leader())?;
    let needed = replica.min_insync().min(state.replicas.len());
    Some(Led { key: replica.key(), epoch: state.leader_epoch, in_sync: state.isr.len(), needed })
}

/// `in_sync`: how many were, and how many there have to be.
fn judge(folder: &str, (in_sync, needed): (usize, usize), told: i16) -> Result<(), Broken> {
    let refused = told == ErrorCode::NotEnoughReplicas.code();
    let taken = told == 0 || told == ErrorCode::RequestTimedOut.code();
    if in_sync < needed && taken || in_sync >= needed && refused {
        let what =
            format!("answers {told} to a Produce for {folder}, with {in_sync} in sync, where {needed} are needed");
        return Err(("min-isr", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_with_too_few_or_refused_with_enough_is_caught() {
        let judge = |in_sync, told: i16| judge("t-0", (in_sync, 2), told).map_err(|broken| broken.0);
        let few = ErrorCode::NotEnoughReplicas.code();
        assert_eq!((judge(2, 0), judge(1, few)), (Ok(()), Ok(())));
        assert_eq!(judge(1, ErrorCode::InvalidRecord.code()), Ok(()), "it is refused for something else");
        assert_eq!(judge(1, 0), Err("min-isr"));
        assert_eq!(judge(1, ErrorCode::RequestTimedOut.code()), Err("min-isr"));
        assert_eq!(judge(2, few), Err("min-isr"));
    }
}
