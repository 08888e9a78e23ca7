//! What a consumer is told of where it reads: `OFFSET_OUT_OF_RANGE` only where its leader has no such place, since who is told so begins
//! elsewhere and skips records, or reads them again (KIP-392 speaks of the same for followers); and bytes up to its limit, but for a
//! first batch that alone is larger (KIP-74). In a session it is answered only in its turn: else it has missed something (KIP-227); only
//! where it names topics as that does (KIP-516); and of no partition that it takes out of it.

use super::{At, Broken, Glance, id_of};
use crate::plan::BY_ID;
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::id::{PartitionKey, Uuid};
use esker_core::io::Records;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};

/// Consumers' Fetch requests without an answer.
#[derive(Debug, Default)]
pub struct Reads {
    asked: Map<At, Asked>,
    /// What a request, also a follower's, takes out of its session.
    forgotten: Map<At, Vec<Named>>,
}

/// A partition as a request names its topic.
type Named = (TopicName, Uuid, i32);

#[derive(Debug)]
struct Asked {
    max_bytes: usize,
    /// It names a session, and not the epoch in which that is, or in another way than that names topics.
    out_of_turn: bool,
    /// Where each partition that is named is to be read from.
    from: Vec<(PartitionKey, i64)>,
}

impl Reads {
    pub fn on_request(&mut self, at: At, version: i16, request: &FetchRequest, core: &Core) {
        let forgotten = request.forgotten_topics_data.iter().flat_map(|topic| {
            topic.partitions.iter().map(|number| (topic.topic.clone(), Uuid::from(topic.topic_id), *number))
        });
        let forgotten: Vec<Named> = forgotten.collect();
        if !forgotten.is_empty() {
            self.forgotten.insert(at, forgotten);
        }
        if request.replica_id.0 >= 0 || request.replica_state.replica_id.0 >= 0 {
            return;
        }
        let each = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        // One who says which epoch its last record is of may have something else there.
        let from = each.filter(|(_, part)| part.last_fetched_epoch < 0).filter_map(|(topic, part)| {
            let id = id_of(&core.image, &topic.topic, topic.topic_id.into())?;
            Some((PartitionKey { topic: id, partition: part.partition }, part.fetch_offset))
        });
        let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0);
        // A session whose topics are named by their ids says nothing to who names them otherwise.
        let session = core.sessions.get(request.session_id).map(|session| (session.epoch, session.by_id));
        let out_of_turn = request.session_epoch > 0 && session != Some((request.session_epoch, version >= BY_ID));
        self.asked.insert(at, Asked { max_bytes, out_of_turn, from: from.collect() });
    }

    /// An answer leaves a node; `before`: how a partition stood when the present input came.
    pub fn on_reply(
        &mut self,
        at: At,
        response: &FetchResponse,
        records: &[Records],
        core: &Core,
        before: &dyn Fn(&Partition) -> Option<Glance>,
    ) -> Result<(), Broken> {
        if let Some(forgotten) = self.forgotten.remove(&at) {
            let told = response.responses.iter().flat_map(|topic| {
                let named = |number: i32| (topic.topic.clone(), Uuid::from(topic.topic_id), number);
                topic.partitions.iter().map(move |part| named(part.partition_index))
            });
            wanted(&forgotten, told)?;
        }
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        in_turn(asked.out_of_turn, response.error_code)?;
        let sizes: Vec<usize> = records.iter().map(Records::len).collect();
        fits(&sizes, asked.max_bytes)?;
        for topic in &response.responses {
            let Some(id) = id_of(&core.image, &topic.topic, topic.topic_id.into()) else { continue };
            for part in &topic.partitions {
                let key = PartitionKey { topic: id, partition: part.partition_index };
                let from = asked.from.iter().find(|(of, _)| *of == key).map(|(_, from)| *from);
                let replica = core.partitions.get(key).filter(|replica| replica.is_leader());
                let (Some(from), Some(replica)) = (from, replica) else { continue };
                let was = before(replica).filter(|was| was.leads && was.epoch == replica.leader_epoch());
                if let Some(was) = was.filter(|_| part.error_code == ErrorCode::OffsetOutOfRange.code()) {
                    let ends = (was.end.min(replica.log_end())).0;
                    in_range(replica.folder(), from, (replica.log_start().0, ends))?;
                }
            }
        }
        Ok(())
    }
}

/// A consumer that reads from `from` is told that there is no such place.
fn in_range(folder: &str, from: i64, (start, end): (i64, i64)) -> Result<(), Broken> {
    if from < start || from > end {
        return Ok(());
    }
    Err((
        "out-of-range",
        format!("tells a reader at {from} of {folder} that it is out of range: from {start} to {end}"),
    ))
}

/// An answer tells of these.
fn wanted(forgotten: &[Named], mut told: impl Iterator<Item = Named>) -> Result<(), Broken> {
    match told.find(|told| forgotten.contains(told)) {
        None => Ok(()),
        Some((topic, id, number)) => {
            Err(("read-unasked", format!("tells of {}-{number} ({id}), which its reader takes out", topic.0)))
        }
    }
}

/// A request in a session is answered with `code`.
fn in_turn(out_of_turn: bool, code: i16) -> Result<(), Broken> {
    if !out_of_turn || code != 0 {
        return Ok(());
    }
    Err((
        "session-epoch",
        "serves a request in a session that is in another epoch, or names topics in another way".into(),
    ))
}

/// The bytes of each partition in an answer, beside the limit of all.
fn fits(sizes: &[usize], limit: usize) -> Result<(), Broken> {
    let (sum, serving) = (sizes.iter().sum::<usize>(), sizes.iter().filter(|size| **size > 0).count());
    if sum <= limit || serving == 1 {
        return Ok(());
    }
    Err(("too-much-read", format!("gives {sum} bytes of {serving} partitions to a reader that wants {limit} at most")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_in_range_is_not_told_that_it_is_not() {
        assert!(in_range("t-0", 3, (4, 9)).is_ok() && in_range("t-0", 10, (4, 9)).is_ok());
        assert_eq!(in_range("t-0", 4, (4, 9)).unwrap_err().0, "out-of-range");
        assert_eq!(in_range("t-0", 9, (4, 9)).unwrap_err().0, "out-of-range");
    }

    #[test]
    fn what_a_reader_takes_out_is_not_told() {
        let named = |number| (TopicName::default(), Uuid(7), number);
        assert!(wanted(&[named(1)], [named(0), named(2)].into_iter()).is_ok());
        assert_eq!(wanted(&[named(1)], [named(0), named(1)].into_iter()).unwrap_err().0, "read-unasked");
    }

    #[test]
    fn a_request_out_of_turn_is_refused() {
        assert!(in_turn(false, 0).is_ok() && in_turn(true, 71).is_ok());
        assert_eq!(in_turn(true, 0).unwrap_err().0, "session-epoch");
    }

    #[test]
    fn more_than_the_limit_is_caught_and_one_large_batch_is_not() {
        assert!(fits(&[0, 500], 100).is_ok() && fits(&[40, 60], 100).is_ok());
        assert_eq!(fits(&[500, 1], 100).unwrap_err().0, "too-much-read");
    }
}
