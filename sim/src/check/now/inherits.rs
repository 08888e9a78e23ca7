//! A follower whose log begins anew where its leader's starts takes over what that knows of the producers of before: what they wrote is deleted,
//! and may be sent again all the same.

use super::{At, Broken};
use crate::table::Map;
use bytes::Bytes;
use esker_core::api::fetch::PRODUCERS_TAG;
use esker_core::id::{DirId, NodeId, Offset, PartitionKey};
use esker_core::partition::Partition;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

#[derive(Debug, Default)]
pub struct Inherits {
    /// Whose Fetch has no answer yet.
    asked: Map<At, NodeId>,
    /// What each was told of the producers at the start of its leader's log; nothing at all, too.
    told: Map<(NodeId, PartitionKey, i64), Vec<Option<Bytes>>>,
    /// Logs that have begun anew, and where.
    begun: Map<(usize, DirId), Offset>,
}

impl Inherits {
    pub fn on_start(&mut self, node: usize) {
        self.begun.retain(|(of, _), _| *of != node);
    }

    pub fn on_request(&mut self, at: At, request: &FetchRequest) {
        if request.replica_state.replica_id.0 >= 0 {
            self.asked.insert(at, NodeId(request.replica_state.replica_id.0));
        }
    }

    /// A leader answers a follower that is out of range.
    pub fn on_reply(&mut self, at: At, response: &FetchResponse) {
        let Some(of) = self.asked.remove(&at) else { return };
        let parts = response.responses.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        for (topic, part) in parts.filter(|(_, part)| part.error_code == ResponseError::OffsetOutOfRange.code()) {
            let producers = part.unknown_tagged_fields.get(&PRODUCERS_TAG).cloned();
            let key = PartitionKey { topic: topic.topic_id.into(), partition: part.partition_index };
            self.told.entry((of, key, part.log_start_offset)).or_default().push(producers);
        }
    }

    /// A log begins anew.
    pub fn on_begun(&mut self, node: usize, dir: DirId, at: Offset) {
        self.begun.insert((node, dir), at);
    }

    pub fn look(&mut self, node: usize, replica: &Partition) -> Result<(), Broken> {
        let Some(at) = self.begun.remove(&(node, replica.dir())).filter(|at| *at == replica.log_start()) else {
            return Ok(());
        };
        let told = self.told.get(&(replica.me(), replica.key(), at.0));
        judge(replica.folder(), at, told.map_or(&[][..], Vec::as_slice), replica.producers_at_start())
    }
}

fn judge(folder: &str, at: Offset, told: &[Option<Bytes>], known: Option<Bytes>) -> Result<(), Broken> {
    if told.is_empty() || told.contains(&known) || told.contains(&None) {
        return Ok(());
    }
    let (told, known) = (told[0].as_ref().map_or(0, Bytes::len), known.map_or(0, |known| known.len()));
    Err((
        "producer-forgotten",
        format!("{folder} begins anew at {at}, is told {told} bytes of producers, and knows {known} bytes of them"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_over_is_caught() {
        let (one, two) = (Some(Bytes::from_static(b"one")), Some(Bytes::from_static(b"two")));
        let judge = |told: &[Option<Bytes>], known| judge("t-0", Offset(7), told, known).map_err(|broken| broken.0);
        assert_eq!(judge(&[], None), Ok(()), "nobody knows what was told");
        assert_eq!(judge(&[one.clone(), two.clone()], two.clone()), Ok(()));
        assert_eq!(judge(&[None, one.clone()], None), Ok(()), "by then it has only what lies behind");
        assert_eq!(judge(std::slice::from_ref(&one), None), Err("producer-forgotten"));
        assert_eq!(judge(&[one], two), Err("producer-forgotten"));
    }
}
