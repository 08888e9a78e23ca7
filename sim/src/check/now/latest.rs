//! A consumer that asks for the end of a partition (ListOffsets, latest) is told of nothing that is not committed, and of no less
//! than what was committed before the leader's epoch, or what leaders of its epoch and of earlier ones have acknowledged with
//! `acks=all`, or told, before: until it knows, it says that it does not (KIP-207). A leader that was deposed and has not heard of it
//! tells an old end: Kafka's has no lease either.

use super::{At, Broken};
use crate::table::{Map, Set};
use esker_core::id::{LeaderEpoch, Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use std::collections::BTreeMap;

/// Kafka's name for the offset behind the last record.
const LATEST: i64 = -1;

/// The questions without an answer, and what each epoch of a partition has made known of its end.
#[derive(Debug, Default)]
pub struct Latest {
    asked: Set<At>,
    known: Map<PartitionKey, BTreeMap<LeaderEpoch, Offset>>,
}

impl Latest {
    /// A consumer's request: one that asks for nothing but ends is remembered.
    pub fn on_request(&mut self, at: At, request: &ListOffsetsRequest) {
        let parts = || request.topics.iter().flat_map(|topic| &topic.partitions);
        if request.replica_id.0 < 0 && parts().all(|part| part.timestamp == LATEST) {
            self.asked.insert(at);
        }
    }

    pub fn on_reply(
        &mut self,
        at: At,
        response: &ListOffsetsResponse,
        core: &Core,
        known: &dyn Fn(&Partition) -> Option<Offset>,
    ) -> Result<(), Broken> {
        if self.asked.is_empty() || !self.asked.remove(&at) {
            return Ok(());
        }
        for topic in &response.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
                let key = PartitionKey { topic: id, partition: told.partition_index };
                if let Some(replica) = core.partitions.get(key) {
                    let known = Some(replica).filter(|replica| replica.is_leader()).and_then(known);
                    judge(replica.folder(), Offset(told.offset), (known, replica.watermark()))?;
                    self.on_told(key, replica.folder(), replica.leader_epoch(), Offset(told.offset))?;
                }
            }
        }
        Ok(())
    }
}

impl Latest {
    /// The leader of an epoch acknowledged what lies below `end`.
    pub fn on_acked(&mut self, key: PartitionKey, epoch: LeaderEpoch, end: Offset) {
        let known = self.known.entry(key).or_default().entry(epoch).or_insert(end);
        *known = (*known).max(end);
    }

    /// The leader of an epoch tells where a partition ends: it is asked and answers at once.
    fn on_told(&mut self, key: PartitionKey, folder: &str, epoch: LeaderEpoch, end: Offset) -> Result<(), Broken> {
        let known = self.known.get(&key).into_iter().flat_map(|known| known.range(..=epoch));
        match known.max_by_key(|(_, known)| **known) {
            Some((of, known)) if *known > end => Err((
                "latest-falls",
                format!("tells that {folder} ends at {end} in {epoch}, and in {of} {known} was acknowledged or told"),
            )),
            _ => {
                self.on_acked(key, epoch, end);
                Ok(())
            }
        }
    }
}

/// `known`: what was committed before the node that answers led.
fn judge(folder: &str, told: Offset, (known, watermark): (Option<Offset>, Offset)) -> Result<(), Broken> {
    if let Some(known) = known.filter(|known| told < *known) {
        return Err((
            "latest-unknown",
            format!("tells that {folder} ends at {told}, and {known} was committed before"),
        ));
    }
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
        assert!(judge("t-0", Offset(4), (None, Offset(4))).is_ok());
        assert_eq!(judge("t-0", Offset(5), (None, Offset(4))).unwrap_err().0, "latest-uncommitted");
    }

    #[test]
    fn an_end_before_what_was_known_is_caught() {
        assert!(judge("t-0", Offset(4), (Some(Offset(4)), Offset(6))).is_ok());
        assert_eq!(judge("t-0", Offset(4), (Some(Offset(5)), Offset(6))).unwrap_err().0, "latest-unknown");
    }

    #[test]
    fn an_end_before_what_this_or_an_earlier_epoch_made_known_is_caught_and_a_deposed_leaders_is_not() {
        let key = PartitionKey { topic: esker_core::id::Uuid(1), partition: 0 };
        let mut seen = Latest::default();
        seen.on_acked(key, LeaderEpoch(3), Offset(5));
        seen.on_acked(key, LeaderEpoch(4), Offset(9));
        assert!(seen.on_told(key, "t-0", LeaderEpoch(3), Offset(5)).is_ok());
        assert_eq!(seen.on_told(key, "t-0", LeaderEpoch(3), Offset(4)).unwrap_err().0, "latest-falls");
        assert_eq!(seen.on_told(key, "t-0", LeaderEpoch(5), Offset(8)).unwrap_err().0, "latest-falls");
        assert!(seen.on_told(key, "t-0", LeaderEpoch(5), Offset(11)).is_ok());
        assert_eq!(seen.on_told(key, "t-0", LeaderEpoch(6), Offset(10)).unwrap_err().0, "latest-falls");
    }
}
