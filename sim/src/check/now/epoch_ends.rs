//! OffsetForLeaderEpoch, as the leader answers it: what it names as the end of an epoch parts the records of that epoch and of those
//! before from the records of later ones (KIP-101, KIP-279), and is not before the log. An epoch without a record is none that others could have: the
//! one before it is named. Who does not lead does not answer.

use super::shadow::Shadow;
use super::{At, Broken};
use crate::table::Map;
use esker_core::id::PartitionKey;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

/// The questions without an answer, with the epoch that each asks for: those about a single partition.
#[derive(Debug, Default)]
pub struct EpochEnds {
    asked: Map<At, i32>,
}

impl EpochEnds {
    pub fn on_request(&mut self, at: At, request: &OffsetForLeaderEpochRequest) {
        if let [topic] = request.topics.as_slice()
            && let [part] = topic.partitions.as_slice()
        {
            self.asked.insert(at, part.leader_epoch);
        }
    }

    /// An answer leaves a node; `led`: whether it led the partition when the present input came.
    pub fn on_reply<'a>(
        &mut self,
        at: At,
        response: &OffsetForLeaderEpochResponse,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
        led: &dyn Fn(&Partition) -> bool,
    ) -> Result<(), Broken> {
        let Some(epoch) = self.asked.remove(&at) else { return Ok(()) };
        let Some(topic) = response.topics.first() else { return Ok(()) };
        let Some(id) = core.image.topic_named(&topic.topic).map(|topic| topic.id) else { return Ok(()) };
        for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
            let key = PartitionKey { topic: id, partition: told.partition };
            let Some(replica) = core.partitions.get(key) else { continue };
            if !replica.is_leader() {
                if led(replica) {
                    continue;
                }
                return Err(("epoch-end", format!("tells where {epoch} ended in {key}, and does not lead")));
            }
            if let Some(log) = log(replica.folder()) {
                let (told, start) = ((told.leader_epoch, told.end_offset), replica.log_start().0);
                judge(replica.folder(), log, start, epoch, told)?;
                judge_known(replica.folder(), log, (start, replica.leader_epoch().0), told)?;
            }
        }
        Ok(())
    }
}

/// The log starts at `start`, and `leads` is the epoch in which it grows, with a record or without.
fn judge_known(folder: &str, log: &Shadow, (start, leads): (i64, i32), (epoch, end): (i32, i64)) -> Result<(), Broken> {
    if end < 0 {
        return Ok(());
    }
    let mut there = log.entries.iter().filter(|entry| entry.last >= start).map(|entry| entry.epoch);
    let is_empty = epoch != leads && there.clone().all(|other| other != epoch);
    if end >= start && !(is_empty && there.any(|other| other < epoch)) {
        return Ok(());
    }
    Err((
        "epoch-end",
        format!("tells that {epoch} ended at {end} in {folder}, which begins at {start} and has none of it"),
    ))
}

fn judge(folder: &str, log: &Shadow, start: i64, asked: i32, (epoch, end): (i32, i64)) -> Result<(), Broken> {
    if end < 0 {
        return Ok(());
    }
    let wrong = log
        .entries
        .iter()
        .filter(|entry| entry.last >= start)
        .find(|entry| if entry.epoch <= asked { entry.last >= end } else { entry.base.max(start) < end });
    if epoch <= asked && wrong.is_none() {
        return Ok(());
    }
    let batch = wrong.map_or("none".into(), |entry| format!("{} to {} of {}", entry.base, entry.last, entry.epoch));
    Err(("epoch-end", format!("tells that {asked} ended as {epoch} at {end} in {folder}, which has {batch}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_does_not_part_the_epochs_is_caught() {
        let log = Shadow::of(&[(0, 2, 1), (3, 3, 3), (4, 6, 5)]);
        let told = |asked, told| judge("t-0", &log, 0, asked, told);
        assert!(told(3, (3, 4)).is_ok() && told(4, (3, 4)).is_ok() && told(5, (5, 7)).is_ok());
        assert!(told(0, (-1, -1)).is_ok(), "it may not know");
        assert_eq!(told(3, (3, 3)).unwrap_err().0, "epoch-end");
        assert_eq!(told(3, (3, 5)).unwrap_err().0, "epoch-end");
        assert_eq!(told(3, (5, 4)).unwrap_err().0, "epoch-end");
    }

    #[test]
    fn an_epoch_without_records_is_none() {
        let log = Shadow::of(&[(0, 2, 1), (3, 3, 3), (4, 6, 5)]);
        let told = |start, told| judge_known("t-0", &log, (start, 7), told).map_err(|broken| broken.0);
        assert_eq!(
            (told(0, (3, 4)), told(0, (7, 7)), told(0, (0, 0)), told(0, (-1, -1))),
            (Ok(()), Ok(()), Ok(()), Ok(()))
        );
        assert_eq!((told(0, (2, 3)), told(0, (6, 7))), (Err("epoch-end"), Err("epoch-end")));
        assert_eq!((told(3, (2, 3)), told(3, (2, 2))), (Ok(()), Err("epoch-end")));
    }

    #[test]
    fn what_was_deleted_is_in_no_epoch() {
        let log = Shadow::of(&[(0, 2, 1), (3, 8, 3)]);
        assert!(judge("t-0", &log, 5, 1, (1, 5)).is_ok(), "it begins in the middle of a batch");
        assert_eq!(judge("t-0", &log, 5, 1, (1, 6)).unwrap_err().0, "epoch-end");
    }
}
