//! Whose clock a record has: where a topic says `LogAppendTime` its leader's at the append, with the bit that says so; else the
//! producer's, as it came (KIP-32). A producer is told the time that its records have where that is not its own.

use super::shadow::Entry;
use super::{Broken, comes_and_goes, id_of};
use esker_core::id::PartitionKey;
use esker_core::log::TimestampType;
use esker_core::node::Node as Core;
use kafka_protocol::messages::ProduceResponse;

/// A leader whose wall clock stands at `wall` appends; `append_time`: its clock counts.
pub fn on_appended(folder: &str, appended: &[Entry], append_time: bool, wall: i64) -> Result<(), Broken> {
    let right = |entry: &&Entry| entry.append_time == append_time && (!append_time || entry.time == wall);
    match appended.iter().find(|entry| !right(entry)) {
        None => Ok(()),
        Some(wrong) => Err((
            "wrong-stamp",
            format!(
                "appends to {folder} at {} a batch with the time {}, its own clock's: {}; the clock stands at {wall}, and counts: {append_time}",
                wrong.base, wrong.time, wrong.append_time
            ),
        )),
    }
}

/// Where a topic has another clock than its producers' they are told the time.
pub fn on_produced(response: &ProduceResponse, core: &Core) -> Result<(), Broken> {
    for topic in &response.responses {
        let Some(id) = id_of(&core.image, &topic.name, topic.topic_id.into()) else { continue };
        for told in topic.partition_responses.iter().filter(|told| told.error_code == 0) {
            let replica = core.partitions.get(PartitionKey { topic: id, partition: told.index });
            // What is set for a topic that a keeper has may be another by now.
            let own = replica
                .filter(|replica| !comes_and_goes(replica.folder()))
                .is_some_and(|replica| replica.log().config().timestamp_type == TimestampType::LogAppendTime);
            judge_told(own, told.log_append_time_ms)?;
        }
    }
    Ok(())
}

fn judge_told(append_time: bool, told: i64) -> Result<(), Broken> {
    if told >= 0 || !append_time {
        return Ok(());
    }
    Err(("wrong-stamp", "does not tell a producer the time of its records, which its own clock's is not".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::shadow::Shadow;

    #[test]
    fn a_time_that_is_not_told_is_caught() {
        assert!(judge_told(true, 50).is_ok() && judge_told(false, -1).is_ok());
        assert!(judge_told(true, -1).is_err());
    }

    #[test]
    fn the_wrong_clock_is_caught() {
        let judge = |own, time, append_time| {
            let mut log = Shadow::timed(&[(0, 0, time)]);
            log.entries[0].append_time = own;
            on_appended("t-0", &log.entries, append_time, 50).map_err(|broken| broken.0)
        };
        assert_eq!(judge(true, 50, true), Ok(()));
        assert_eq!(judge(true, 49, true), Err("wrong-stamp"));
        assert_eq!(judge(false, 50, true), Err("wrong-stamp"));
        assert_eq!(judge(false, 7, false), Ok(()));
        assert_eq!(judge(true, 50, false), Err("wrong-stamp"));
    }
}
