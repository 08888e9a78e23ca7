//! A leader serves those who name its own epoch, and refuses all others (KIP-101, KIP-320), whether they fetch, or ask where something
//! is: so what is appended to a log is of the epoch that its node is in, or of one before.

use super::shadow::Entry;
use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, PartitionKey, Uuid};
use esker_core::metadata::Image;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, TopicName,
};

/// The metadata's log.
const QUORUM: PartitionKey = PartitionKey { topic: Uuid::METADATA_TOPIC, partition: 0 };

/// The epochs that requests without an answer named.
#[derive(Debug, Default)]
pub struct Epochs {
    asked: Map<At, Vec<(PartitionKey, i32)>>,
}

impl Epochs {
    pub fn on_request(&mut self, at: At, request: &FetchRequest, image: &Image) {
        let mut asked = Vec::new();
        for topic in &request.topics {
            if is_quorum(&topic.topic, topic.topic_id.into()) {
                asked.extend(topic.partitions.iter().map(|part| (QUORUM, part.current_leader_epoch)));
                continue;
            }
            let Some(id) = id_of(image, &topic.topic, topic.topic_id.into()) else { continue };
            let named = topic.partitions.iter().filter(|part| part.current_leader_epoch >= 0);
            asked.extend(
                named.map(|part| (PartitionKey { topic: id, partition: part.partition }, part.current_leader_epoch)),
            );
        }
        self.remember(at, asked);
    }

    /// One that comes in the epoch which it names may wait for the disk until the next.
    pub fn on_list_offsets(&mut self, at: At, request: &ListOffsetsRequest, core: &Core) {
        let each = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (&topic.name, part)));
        let named = each.map(|(name, part)| (name, part.partition_index, part.current_leader_epoch));
        let named = named.filter_map(|named| by_name(&core.image, named));
        let another = |key: PartitionKey, epoch: i32| {
            core.partitions.get(key).is_none_or(|replica| replica.leader_epoch().0 != epoch)
        };
        self.remember(at, named.filter(|(key, epoch)| another(*key, *epoch)).collect());
    }

    pub fn on_epoch_ends(&mut self, at: At, request: &OffsetForLeaderEpochRequest, image: &Image) {
        let each =
            request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (&topic.topic, part)));
        let named = each.map(|(name, part)| (name, part.partition, part.current_leader_epoch));
        self.remember(at, named.filter_map(|named| by_name(image, named)).collect());
    }

    fn remember(&mut self, at: At, asked: Vec<(PartitionKey, i32)>) {
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
        if let Some((_, named)) = self.asked.get(&at).and_then(|asked| asked.iter().find(|(key, _)| *key == QUORUM)) {
            let served = response.responses.iter().flat_map(|topic| &topic.partitions);
            // The answer says in which epoch it was made.
            let mut served = served.filter(|part| part.error_code == 0 && response.error_code == 0);
            served.try_for_each(|part| {
                judge(QUORUM, Some(*named), Some(LeaderEpoch(part.current_leader.leader_epoch)))
            })?;
        }
        let served = response.responses.iter().flat_map(|topic| {
            let id = id_of(&core.image, &topic.topic, topic.topic_id.into());
            let served = topic.partitions.iter().filter(|part| part.error_code == 0);
            served.filter_map(move |part| Some(PartitionKey { topic: id?, partition: part.partition_index }))
        });
        self.on_served(at, served, core, before)
    }

    /// ListOffsets is answered.
    pub fn on_listed(
        &mut self,
        at: At,
        response: &ListOffsetsResponse,
        core: &Core,
        before: &dyn Fn(&Partition) -> Option<LeaderEpoch>,
    ) -> Result<(), Broken> {
        let each =
            response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (&topic.name, part)));
        let served = each.filter(|(_, part)| part.error_code == 0);
        let served = served.filter_map(|(name, part)| by_name(&core.image, (name, part.partition_index, 0)));
        self.on_served(at, served.map(|(key, _)| key), core, before)
    }

    /// OffsetForLeaderEpoch is answered.
    pub fn on_epoch_ends_told(
        &mut self,
        at: At,
        response: &OffsetForLeaderEpochResponse,
        core: &Core,
        before: &dyn Fn(&Partition) -> Option<LeaderEpoch>,
    ) -> Result<(), Broken> {
        let each =
            response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (&topic.topic, part)));
        let served = each.filter(|(_, part)| part.error_code == 0);
        let served = served.filter_map(|(name, part)| by_name(&core.image, (name, part.partition, 0)));
        self.on_served(at, served.map(|(key, _)| key), core, before)
    }

    fn on_served(
        &mut self,
        at: At,
        mut served: impl Iterator<Item = PartitionKey>,
        core: &Core,
        before: &dyn Fn(&Partition) -> Option<LeaderEpoch>,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        served.try_for_each(|key| {
            let named = asked.iter().find(|(asked, _)| *asked == key).map(|(_, epoch)| *epoch);
            let replica = core.partitions.get(key).filter(|replica| replica.is_leader());
            if named.is_none() || named == replica.and_then(before).map(|epoch| epoch.0) {
                return Ok(());
            }
            judge(key, named, replica.map(Partition::leader_epoch))
        })
    }
}

/// Whether a Fetch is of the metadata's log.
fn is_quorum(name: &TopicName, id: Uuid) -> bool {
    name.as_str() == "__cluster_metadata" || id == QUORUM.topic
}

/// The partition, and the epoch that it is named with, if it is with one.
fn by_name(image: &Image, (name, partition, epoch): (&TopicName, i32, i32)) -> Option<(PartitionKey, i32)> {
    let topic = image.topic_named(name)?.id;
    (epoch >= 0).then_some((PartitionKey { topic, partition }, epoch))
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
