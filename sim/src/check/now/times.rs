//! ListOffsets by time names the first record that is not older than what is asked for (KIP-79), among those that are committed; none
//! only where there is none. Asked for the largest timestamp it names the first record that has it (KIP-734). With it comes the epoch of
//! that record (KIP-320).

use super::earliest::EPOCHS;
use super::shadow::{Entry, Shadow};
use super::{At, Broken, Glance};
use crate::table::Map;
use esker_core::id::{Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

/// Kafka's name for the largest timestamp.
const LARGEST: i64 = -3;

/// The questions without an answer, with the time that each asks for.
#[derive(Debug, Default)]
pub struct Times {
    /// The time, and whether the answer names epochs.
    asked: Map<At, (i64, bool)>,
}

/// What is known of a partition beside its log, as [`Times::on_reply`] says.
type Known<'a> = (&'a dyn Fn(&Partition) -> Option<Glance>, &'a dyn Fn(&Partition) -> Option<Offset>);

/// What is known of the log beside its batches.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Where it started before the answer was made, and starts now.
    starts: (i64, i64),
    /// Up to where it was committed before, whether its leader knew or not, and is as far as that knows now.
    watermarks: (i64, i64),
}

impl Times {
    /// A consumer's request: one that asks for a time in a single partition is remembered.
    pub fn on_request(&mut self, at: At, version: i16, request: &ListOffsetsRequest) {
        if let [topic] = request.topics.as_slice()
            && let [part] = topic.partitions.as_slice()
            && request.replica_id.0 < 0
            && (part.timestamp >= 0 || part.timestamp == LARGEST)
        {
            self.asked.insert(at, (part.timestamp, version >= EPOCHS));
        }
    }

    /// An answer leaves a node; `before`: how the partition stood when the present input came; `known`: up to where it was committed before
    /// its leader's epoch.
    pub fn on_reply<'a>(
        &mut self,
        at: At,
        response: &ListOffsetsResponse,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
        (before, known): Known<'_>,
    ) -> Result<(), Broken> {
        if self.asked.is_empty() {
            return Ok(());
        }
        let Some((time, epochs)) = self.asked.remove(&at) else { return Ok(()) };
        let Some(topic) = response.topics.first() else { return Ok(()) };
        let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { return Ok(()) };
        for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
            let key = PartitionKey { topic: id, partition: told.partition_index };
            let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
            let Some(was) = before(replica).filter(|was| was.leads && was.epoch == replica.leader_epoch()) else {
                continue;
            };
            let Some(log) = log(replica.folder()) else { continue };
            let starts = (was.start.0, replica.log_start().0);
            let committed = known(replica).map_or(was.watermark, |known| known.max(was.watermark));
            let bounds = Bounds { starts, watermarks: (committed.0, replica.watermark().0) };
            if epochs {
                judge_epoch(replica.folder(), log, (told.offset, told.leader_epoch))?;
            }
            if time == LARGEST {
                judge_largest(replica.folder(), log, (told.offset, told.timestamp), bounds)?;
            } else {
                judge(replica.folder(), log, time, told.offset, bounds)?;
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, log: &Shadow, time: i64, told: i64, bounds: Bounds) -> Result<(), Broken> {
    let first = |start: i64| {
        let found = log.entries.iter().find(|entry| entry.time >= time && entry.last >= start);
        found.map(|entry| entry.first_at(time).max(start))
    };
    let (sooner, now) = (first(bounds.starts.0), first(bounds.starts.1));
    let right = if told < 0 {
        now.is_none_or(|first| first >= bounds.watermarks.0)
    } else {
        told < bounds.watermarks.1 && (sooner == Some(told) || now == Some(told))
    };
    if right {
        return Ok(());
    }
    let committed = bounds.watermarks.1;
    Err((
        "wrong-time",
        format!("tells {told} for the time {time} in {folder}, where it is {now:?} (committed up to {committed})"),
    ))
}

/// Who begins at a record knows by its epoch later whether it is still in the log.
fn judge_epoch(folder: &str, log: &Shadow, (offset, epoch): (i64, i32)) -> Result<(), Broken> {
    let here = log.entries.iter().find(|entry| entry.base <= offset && offset <= entry.last);
    match here.filter(|here| here.epoch != epoch) {
        None => Ok(()),
        Some(here) => {
            let what = format!("tells that {offset} in {folder} is of {epoch}, and its batch is of {}", here.epoch);
            Err(("wrong-epoch", what))
        }
    }
}

/// The record that is told, and its time. Where the first batch with the largest time is not committed, there is none; what was deleted has no
/// part in it.
fn judge_largest(folder: &str, log: &Shadow, told: (i64, i64), bounds: Bounds) -> Result<(), Broken> {
    let first = |start: i64| {
        let kept = |entry: &&Entry| entry.last >= start;
        let largest = log.entries.iter().filter(kept).map(|entry| entry.time).max();
        largest.and_then(|time| log.entries.iter().filter(kept).find(|entry| entry.time == time))
    };
    let right = |start: i64| match first(start).map(|entry| (entry.first_at(entry.time).max(start), entry.time)) {
        Some(first) if told.0 >= 0 => told == first && first.0 < bounds.watermarks.1,
        Some(first) => first.0 >= bounds.watermarks.0,
        None => told.0 < 0,
    };
    if right(bounds.starts.0) || right(bounds.starts.1) {
        return Ok(());
    }
    let place = first(bounds.starts.1).map(|entry| (entry.base, entry.last, entry.time));
    Err((
        "wrong-time",
        format!("tells {told:?} for the largest time in {folder}, which the batch {place:?} has first ({bounds:?})"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(offset: i64) -> Result<(), Broken> {
        let log = Shadow::timed(&[(0, 1, 10), (2, 2, 30), (3, 5, 20), (6, 6, 40)]);
        judge("t-0", &log, 20, offset, Bounds { starts: (0, 0), watermarks: (6, 6) })
    }

    #[test]
    fn another_epoch_is_caught() {
        let log = Shadow::of(&[(0, 2, 1), (3, 8, 3)]);
        assert!(judge_epoch("t-0", &log, (4, 3)).is_ok() && judge_epoch("t-0", &log, (-1, -1)).is_ok());
        assert_eq!(judge_epoch("t-0", &log, (2, 3)).unwrap_err().0, "wrong-epoch");
    }

    #[test]
    fn a_record_that_is_not_the_first_is_caught() {
        assert!(told(2).is_ok(), "times need not rise");
        assert_eq!(told(3).unwrap_err().0, "wrong-time");
        assert_eq!(told(-1).unwrap_err().0, "wrong-time");
    }

    #[test]
    fn the_first_record_with_the_largest_time_is_the_one() {
        let log = Shadow::timed(&[(0, 1, 10), (2, 2, 30), (3, 5, 20), (6, 6, 30)]);
        let bounds = |start, watermark| Bounds { starts: (start, start), watermarks: (watermark, watermark) };
        let told = |offset, bounds| judge_largest("t-0", &log, (offset, 30), bounds);
        assert!(told(2, bounds(0, 7)).is_ok() && told(6, bounds(3, 7)).is_ok() && told(-1, bounds(0, 2)).is_ok());
        assert_eq!(told(-1, bounds(3, 7)).unwrap_err().0, "wrong-time");
        assert_eq!(told(6, bounds(0, 7)).unwrap_err().0, "wrong-time");
        assert_eq!(told(-1, bounds(0, 7)).unwrap_err().0, "wrong-time");
        assert_eq!(judge_largest("t-0", &log, (2, 20), bounds(0, 7)).unwrap_err().0, "wrong-time");
    }

    #[test]
    fn none_is_right_where_none_is_committed() {
        let log = Shadow::timed(&[(0, 1, 10), (2, 2, 30)]);
        let bounds = |watermark| Bounds { starts: (0, 1), watermarks: (watermark, watermark) };
        assert!(judge("t-0", &log, 20, -1, bounds(2)).is_ok());
        assert_eq!(judge("t-0", &log, 20, 2, bounds(2)).unwrap_err().0, "wrong-time");
        assert!(judge("t-0", &log, 5, 0, bounds(2)).is_ok() && judge("t-0", &log, 5, 1, bounds(2)).is_ok());
    }
}
