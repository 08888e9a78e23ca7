//! A producer may have five batches under way, and sends them again when it does not know what became of them (KIP-98): one that is
//! among its last five in the log is known there, and not refused as out of order. Nor is the one that comes next, or any of a producer of
//! which the log knows nothing: retention may have taken what came before (KIP-360). And only who has written in a later epoch is fenced.

use super::shadow::{Entry, Shadow, Stamp, stamp};
use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::batch::{Header, advance_sequence};
use esker_core::error::ErrorCode;
use esker_core::id::PartitionKey;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// How many of its last batches a producer may send again.
const KNOWN: usize = 5;

/// A batch, and whether it was what follows the last one of its producer when it came.
type Asked = (Stamp, bool);

/// The batches of Produce requests without an answer, in their order; those without a producer are `None`.
#[derive(Debug, Default)]
pub struct Retries {
    asked: Map<At, Vec<Option<Asked>>>,
    /// The producers that ever wrote to each log, and in which epoch at most.
    wrote: Map<String, Map<i64, i16>>,
}

impl Retries {
    pub fn on_request<'a>(
        &mut self,
        at: At,
        request: &ProduceRequest,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
    ) {
        let mut asked = Vec::new();
        for topic in &request.topic_data {
            let id = id_of(&core.image, &topic.name, topic.topic_id.into());
            for part in &topic.partition_data {
                let header = Header::read(part.records.as_deref().unwrap_or_default());
                let leader = id.and_then(|topic| core.partitions.get(PartitionKey { topic, partition: part.index }));
                let log = leader.filter(|replica| replica.is_leader()).and_then(|replica| log(replica.folder()));
                asked.push(
                    header
                        .and_then(|header| stamp(&header))
                        .map(|stamp| (stamp, log.is_some_and(|log| follows(log, stamp)))),
                );
            }
        }
        if asked.iter().any(Option::is_some) {
            self.asked.insert(at, asked);
        }
    }

    /// It waits until its node takes clients: what was when it came says nothing of its answer.
    pub fn put_off(&mut self, at: At) {
        for (_, followed) in self.asked.get_mut(&at).into_iter().flatten().flatten() {
            *followed = false;
        }
    }

    /// A leader appends.
    pub fn on_appended(&mut self, folder: &str, appended: &[Entry]) {
        for stamp in appended.iter().filter_map(|entry| entry.producer) {
            let wrote = match self.wrote.get_mut(folder) {
                Some(wrote) => wrote,
                None => self.wrote.entry(folder.into()).or_default(),
            };
            let epoch = wrote.entry(stamp.id).or_insert(stamp.epoch);
            *epoch = stamp.epoch.max(*epoch);
        }
    }

    pub fn on_reply<'a>(
        &mut self,
        at: At,
        response: &ProduceResponse,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        let parts =
            response.responses.iter().flat_map(|topic| topic.partition_responses.iter().map(move |one| (topic, one)));
        for ((topic, told), asked) in parts.zip(asked) {
            let of_epoch = told.error_code == ErrorCode::InvalidProducerEpoch.code();
            let of_order = told.error_code == ErrorCode::OutOfOrderSequenceNumber.code();
            let Some((stamp, followed)) = asked.filter(|_| of_order || of_epoch) else { continue };
            let Some(id) = id_of(&core.image, &topic.name, topic.topic_id.into()) else { continue };
            let replica = core.partitions.get(PartitionKey { topic: id, partition: told.index });
            if let Some(replica) = replica.filter(|_| of_epoch) {
                let known = self.wrote.get(replica.folder()).and_then(|wrote| wrote.get(&stamp.id));
                judge_epoch(replica.folder(), stamp, known.copied())?;
                continue;
            }
            if let Some(log) = replica.and_then(|replica| log(replica.folder())) {
                let folder = replica.map_or("?", |replica| replica.folder());
                judge_new(folder, stamp, self.wrote.get(folder).is_some_and(|wrote| wrote.contains_key(&stamp.id)))?;
                judge_next(folder, log, stamp, followed)?;
                judge(folder, log, stamp)?;
            }
        }
        Ok(())
    }
}

/// Whether it is what its producer's last batch in the log is followed by. Behind the last sequence comes the first.
fn follows(log: &Shadow, stamp: Stamp) -> bool {
    let last = log.entries.iter().rev().find_map(|entry| entry.producer.filter(|own| own.id == stamp.id));
    last.is_some_and(|last| last.epoch == stamp.epoch && stamp.first == advance_sequence(last.last, 1))
}

/// A batch of this stamp was refused as out of order; `followed`: what is before it stood in the log already when it came.
fn judge_next(folder: &str, log: &Shadow, refused: Stamp, followed: bool) -> Result<(), Broken> {
    if !(followed && follows(log, refused)) {
        return Ok(());
    }
    Err(("next-refused", format!("refuses {refused:?} as out of order, which is the next of its producer in {folder}")))
}

/// A batch of this stamp was refused for its epoch; `known`: the highest in which its producer ever wrote there.
fn judge_epoch(folder: &str, refused: Stamp, known: Option<i16>) -> Result<(), Broken> {
    if known.is_some_and(|known| known > refused.epoch) {
        return Ok(());
    }
    Err((
        "epoch-refused",
        format!("refuses {refused:?} for its epoch, whose producer wrote to {folder} in {known:?} last"),
    ))
}

/// The same; `wrote`: its producer has ever written there.
fn judge_new(folder: &str, refused: Stamp, wrote: bool) -> Result<(), Broken> {
    if wrote {
        return Ok(());
    }
    Err(("new-refused", format!("refuses {refused:?} as out of order, whose producer never wrote to {folder}")))
}

/// A batch of this stamp was refused as out of order.
fn judge(folder: &str, log: &Shadow, refused: Stamp) -> Result<(), Broken> {
    let own = log.entries.iter().rev().filter(|entry| entry.producer.is_some_and(|stamp| stamp.id == refused.id));
    match own.take(KNOWN).find(|entry| entry.producer == Some(refused)) {
        None => Ok(()),
        Some(there) => Err((
            "retry-refused",
            format!("refuses {refused:?} as out of order, which stands at {} of {folder}", there.base),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_not_over_is_not_refused() {
        let judge = |known| judge_epoch("t-0", Stamp { id: 7, epoch: 2, first: 0, last: 0 }, known).is_ok();
        assert!(judge(Some(3)));
        assert!(!judge(Some(2)) && !judge(Some(1)) && !judge(None));
    }

    #[test]
    fn what_comes_next_is_taken_also_behind_the_last_sequence() {
        let stamp = |first| Stamp { id: 7, epoch: 0, first, last: first };
        let log = Shadow::sent(&[stamp(i32::MAX)]);
        assert!(judge_next("t-0", &log, stamp(0), false).is_ok(), "it came before that");
        assert!(judge_next("t-0", &log, stamp(1), true).is_ok());
        assert_eq!(judge_next("t-0", &log, stamp(0), true).unwrap_err().0, "next-refused");
    }

    #[test]
    fn a_producer_begins_with_any_sequence() {
        let stamp = Stamp { id: 7, epoch: 0, first: 3, last: 3 };
        assert!(judge_new("t-0", stamp, true).is_ok());
        assert_eq!(judge_new("t-0", stamp, false).unwrap_err().0, "new-refused");
    }

    #[test]
    fn a_batch_that_may_be_sent_again_is_known() {
        let stamp = |first| Stamp { id: 7, epoch: 0, first, last: first };
        let log = Shadow::sent(&[stamp(0), stamp(1), stamp(2), stamp(3), stamp(4), stamp(5)]);
        assert!(judge("t-0", &log, stamp(9)).is_ok(), "it is not there");
        assert!(judge("t-0", &log, stamp(0)).is_ok(), "five are behind it");
        assert_eq!(judge("t-0", &log, stamp(1)).unwrap_err().0, "retry-refused");
    }
}
