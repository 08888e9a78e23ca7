//! What an OffsetFetch tells was committed: the offset with the epoch and the words that came with it, in a record that is committed by
//! then; of all that a group has nothing is left out (where nothing was to be deleted); and who is no member commits nothing where there are members.
//! Nothing is committed for a partition that is not there.

use super::{At, Broken, comes_and_goes};
use crate::table::{Map, Set};
use esker_core::group;
use esker_core::id::{LeaderEpoch, Offset, PartitionKey};
use esker_core::node::Node as Core;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseTopics;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse};

/// Group, topic, partition.
type Place = (String, String, i32);
/// Offset, leader epoch, metadata.
type Words = (i64, i32, String);

/// `offset.metadata.max.bytes`: no run has another.
const METADATA_MAX: usize = 4096;

/// A commit without an answer.
#[derive(Debug)]
struct Asked {
    group: String,
    /// The group has members, and none of them speaks.
    stranger: bool,
    /// Something that comes with an offset is longer than `offset.metadata.max.bytes`.
    wordy: bool,
}

/// An OffsetFetch without an answer: its groups, each with whether it asks for all, and with what had been acknowledged when it came.
#[derive(Debug)]
struct Fetch {
    groups: Vec<(String, Option<Vec<Place>>)>,
}

/// All that was ever asked to be committed, and what was acknowledged.
#[derive(Debug, Default)]
pub struct Told {
    /// With the end of the group's log when it came, the least of them: its record is not before that.
    said: Map<Place, Map<Words, Offset>>,
    /// With the epoch of the group's log in which it was acknowledged first: a leader of before does not know of it.
    acked: Map<Place, LeaderEpoch>,
    commits: Map<At, Asked>,
    fetches: Map<At, Fetch>,
    /// Groups of which offsets were to be deleted, or expire.
    fleeting: Set<String>,
}

/// The partition of `__consumer_offsets` that the group is in.
pub(super) fn log_of(core: &Core, group: &str) -> Option<PartitionKey> {
    let topic = core.image.topic_named(group::TOPIC)?.id;
    Some(PartitionKey { topic, partition: core.groups.partition_of(group) })
}

/// The epoch in which a node has the group's log.
pub(super) fn epoch_of(core: &Core, group: &str) -> LeaderEpoch {
    let replica = log_of(core, group).and_then(|key| core.partitions.get(key));
    replica.map_or(LeaderEpoch::NONE, |replica| replica.leader_epoch())
}

impl Told {
    /// Something that a group has committed may be gone from now on (`past/forgotten.rs` judges whether it is).
    pub fn on_delete(&mut self, group: &str) {
        self.fleeting.insert(group.to_string());
    }

    pub fn on_commit(&mut self, at: At, request: &OffsetCommitRequest, core: &Core) {
        let group = request.group_id.0.to_string();
        if request.retention_time_ms >= 0 {
            self.on_delete(&group);
        }
        let replica = log_of(core, &group).and_then(|key| core.partitions.get(key));
        let end = replica.map_or(Offset::ZERO, |replica| replica.log_end());
        for topic in &request.topics {
            for part in &topic.partitions {
                let metadata = part.committed_metadata.as_ref().map(|text| text.to_string()).unwrap_or_default();
                let words = (part.committed_offset, part.committed_leader_epoch, metadata);
                let place = (group.clone(), topic.name.0.to_string(), part.partition_index);
                let said = self.said.entry(place).or_default().entry(words).or_insert(end);
                *said = end.min(*said);
            }
        }
        let stranger = request.generation_id_or_member_epoch < 0 && core.groups.members_of(&request.group_id) > 0;
        let mut parts = request.topics.iter().flat_map(|topic| &topic.partitions);
        let wordy = parts.any(|part| part.committed_metadata.as_ref().is_some_and(|text| text.len() > METADATA_MAX));
        self.commits.insert(at, Asked { group, stranger, wordy });
    }

    /// Whether the group has members, and what it has committed, is not known of when it will be heard.
    pub fn forget(&mut self, at: At) {
        if let Some(asked) = self.commits.get_mut(&at) {
            asked.stranger = false;
        }
        if let Some(fetch) = self.fetches.get_mut(&at) {
            fetch.groups.iter_mut().for_each(|(_, all)| *all = None);
        }
    }

    pub fn on_committed(&mut self, at: At, response: &OffsetCommitResponse, core: &Core) -> Result<(), Broken> {
        let Some(Asked { group, stranger, wordy }) = self.commits.remove(&at) else { return Ok(()) };
        let epoch = epoch_of(core, &group);
        for topic in &response.topics {
            for part in topic.partitions.iter().filter(|part| part.error_code == 0) {
                if wordy {
                    return Err(("too-many-words", format!("takes a commit of {group} with more words than may be")));
                }
                if stranger {
                    return Err(("stranger-commits", format!("takes the commit of a stranger for {group}")));
                }
                let known = core.image.topic_named(&topic.name).and_then(|topic| topic.partition(part.partition_index));
                judge_place(&group, &topic.name, part.partition_index, known.is_some())?;
                // What is committed for a topic ends with it (`outlived.rs`).
                if comes_and_goes(&topic.name) {
                    continue;
                }
                let place = (group.clone(), topic.name.0.to_string(), part.partition_index);
                self.acked.entry(place).or_insert(epoch);
            }
        }
        Ok(())
    }

    pub fn on_fetch(&mut self, at: At, request: &OffsetFetchRequest, core: &Core) {
        let acked = |group: &str| {
            let epoch = epoch_of(core, group);
            let known = self.acked.iter().filter(|((of, ..), since)| of == group && **since <= epoch);
            known.map(|(place, _)| place.clone()).collect()
        };
        let stays = |group: &str| !self.fleeting.contains(group);
        let one = |group: &str, all: bool| (group.to_string(), (all && stays(group)).then(|| acked(group)));
        let groups = if request.groups.is_empty() {
            vec![one(&request.group_id, request.topics.is_none())]
        } else {
            request.groups.iter().map(|group| one(&group.group_id, group.topics.is_none())).collect()
        };
        self.fetches.insert(at, Fetch { groups });
    }

    pub fn on_fetched(&mut self, at: At, response: &OffsetFetchResponse, core: &Core) -> Result<(), Broken> {
        let Some(Fetch { groups }) = self.fetches.remove(&at) else { return Ok(()) };
        if response.groups.is_empty() {
            let Some((group, all)) = groups.first().filter(|_| response.error_code == 0) else { return Ok(()) };
            let parts = response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
            let told = parts.filter(|(_, part)| part.error_code == 0).map(|(topic, part)| {
                let metadata = part.metadata.as_ref().map(|text| text.to_string()).unwrap_or_default();
                let words = (part.committed_offset, part.committed_leader_epoch, metadata);
                ((group.clone(), topic.name.0.to_string(), part.partition_index), words)
            });
            return self.judge(group, told.collect(), all.as_deref(), core);
        }
        if !response
            .groups
            .iter()
            .map(|told| told.group_id.0.as_str())
            .eq(groups.iter().map(|(group, _)| group.as_str()))
        {
            return Err(("groups-in-disorder", format!("asked for {groups:?} it tells {:?}", response.groups)));
        }
        for (told, (group, all)) in response.groups.iter().zip(&groups).filter(|(told, _)| told.error_code == 0) {
            self.judge(group, words_of(group, &told.topics), all.as_deref(), core)?;
        }
        Ok(())
    }

    fn judge(&self, group: &str, told: Vec<(Place, Words)>, all: Option<&[Place]>, core: &Core) -> Result<(), Broken> {
        let replica =
            log_of(core, group).and_then(|key| core.partitions.get(key)).filter(|replica| replica.is_leader());
        let committed = replica.map(|replica| replica.watermark());
        for (place, words) in told.iter().filter(|(_, words)| words.0 >= 0) {
            match self.said.get(place).and_then(|said| said.get(words)) {
                None => return Err(("told-what-nobody-said", format!("tells {words:?} of {place:?}"))),
                Some(end) if committed.is_some_and(|committed| committed <= *end) => {
                    let what = format!("tells {words:?} of {place:?}, said at {end}, and has {committed:?} committed");
                    return Err(("told-uncommitted", what));
                }
                Some(_) => {}
            }
        }
        let missing = all.into_iter().flatten().find(|place| !told.iter().any(|(known, _)| known == *place));
        match missing {
            None => Ok(()),
            Some(place) => Err(("offset-left-out", format!("asked for all that {group} has it leaves out {place:?}"))),
        }
    }
}

/// Topics that groups read do not go, nor get fewer partitions.
fn judge_place(group: &str, topic: &str, index: i32, known: bool) -> Result<(), Broken> {
    if known {
        return Ok(());
    }
    Err(("committed-nowhere", format!("takes a commit of {group} for {topic}-{index}, which is not there")))
}

fn words_of(group: &str, topics: &[OffsetFetchResponseTopics]) -> Vec<(Place, Words)> {
    let parts = topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
    let told = parts.filter(|(_, part)| part.error_code == 0).map(|(topic, part)| {
        let metadata = part.metadata.as_ref().map(|text| text.to_string()).unwrap_or_default();
        let words = (part.committed_offset, part.committed_leader_epoch, metadata);
        ((group.to_string(), topic.name.0.to_string(), part.partition_index), words)
    });
    told.collect()
}
