//! Whoever has a record of an epoch in which the leader's log has none, but some before, is told where the two part, and no records (KIP-595): what
//! it has of that epoch is not the leader's, however little it is.

use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// The last epoch of who asks, for each partition that its request names.
#[derive(Debug, Default)]
pub struct PartsWays {
    asked: Map<At, Vec<(PartitionKey, i32)>>,
}

impl PartsWays {
    pub fn on_request(&mut self, at: At, request: &FetchRequest, core: &Core) {
        let parts = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        let named = parts.filter(|(_, part)| part.last_fetched_epoch >= 0).filter_map(|(topic, part)| {
            let topic = id_of(&core.image, &topic.topic, topic.topic_id.into())?;
            Some((PartitionKey { topic, partition: part.partition }, part.last_fetched_epoch))
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            self.asked.insert(at, named);
        }
    }

    /// `has`: whether the replica's log has a record of that epoch, or begins with a later one.
    pub fn on_reply(
        &mut self,
        at: At,
        response: &FetchResponse,
        core: &Core,
        has: &dyn Fn(&Partition, i32) -> bool,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.topic, topic.topic_id.into()) else { continue };
            for part in &topic.partitions {
                let key = PartitionKey { topic: id, partition: part.partition_index };
                let Some((_, last)) = asked.iter().find(|(of, _)| *of == key) else { continue };
                let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
                let told = part.error_code != 0 || part.diverging_epoch.epoch >= 0;
                // In its own epoch a leader may have appended nothing yet.
                let known = has(replica, *last) || replica.leader_epoch() == LeaderEpoch(*last);
                judge(replica.folder(), *last, told, known)?;
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, last: i32, told: bool, known: bool) -> Result<(), Broken> {
    if told || known {
        return Ok(());
    }
    Err(("parts-ways", format!("{folder} has no record of epoch {last}, and takes one that has for a part of it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_the_leader_never_had_is_seen() {
        assert!(judge("t-0", 3, true, false).is_ok() && judge("t-0", 3, false, true).is_ok());
        assert_eq!(judge("t-0", 3, false, false).unwrap_err().0, "parts-ways");
    }
}
