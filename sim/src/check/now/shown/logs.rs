//! A log is as long as its batches are together, and its producers are those that wrote to it last.

use super::super::shadow::{Entry, Shadow, Stamp};
use super::super::{Broken, comes_and_goes};
use super::wrong;
use esker_core::id::{Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_producers_response::ProducerState;
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeProducersResponse};

/// What a node holds of a partition.
fn held<'a>(core: &'a Core, topic: &str, partition: i32) -> Option<&'a Partition> {
    let topic = core.image.topic_named(topic)?.id;
    let held = core.partitions.get(PartitionKey { topic, partition })?;
    (held.is_online() && held.is_open() && !comes_and_goes(held.folder())).then_some(held)
}

pub fn on_described<'a>(
    request: &DescribeLogDirsRequest,
    response: &DescribeLogDirsResponse,
    core: &Core,
    log: &dyn Fn(&str) -> Option<&'a Shadow>,
) -> Result<(), Broken> {
    let told =
        response.results.iter().flat_map(|result| &result.topics).map(|topic| topic.partitions.len()).sum::<usize>();
    let kept = core.partitions.keys().into_iter().filter(|key| core.image.topic(key.topic).is_some()).count();
    if told != kept && request.topics.is_none() {
        return wrong(format!("shows {told} of the {kept} logs that it has"));
    }
    for topic in response.results.iter().flat_map(|result| &result.topics) {
        for told in &topic.partitions {
            judge_asked(request, &topic.name, told.partition_index)?;
            let Some(held) = held(core, &topic.name, told.partition_index).filter(|held| held.log().is_settled())
            else {
                continue;
            };
            if let Some(log) = log(held.folder()) {
                judge_size(held.folder(), log, held.log_start(), told.partition_size)?;
            }
            if held.is_leader() && told.offset_lag != 0 {
                return wrong(format!("leads {}, and says that it lacks {}", held.folder(), told.offset_lag));
            }
        }
    }
    Ok(())
}

fn judge_asked(request: &DescribeLogDirsRequest, topic: &str, partition: i32) -> Result<(), Broken> {
    let named = |topics: &Vec<DescribableLogDirTopic>| {
        topics.iter().any(|one| one.topic.as_str() == topic && one.partitions.contains(&partition))
    };
    if request.topics.as_ref().is_none_or(named) {
        return Ok(());
    }
    wrong(format!("shows the log of {topic}-{partition}, which nobody asked for"))
}

/// What was deleted (the log begins at `start`) may still lie there, in segments that nobody knows any more.
fn judge_size(folder: &str, log: &Shadow, start: Offset, told: i64) -> Result<(), Broken> {
    let own: u64 = log.entries.iter().map(Entry::size).sum();
    let own = i64::try_from(own).unwrap_or(i64::MAX);
    if own == told || start > Offset::ZERO && own < told {
        return Ok(());
    }
    wrong(format!("says that {folder} has {told} bytes: {own}"))
}

pub fn on_producers<'a>(
    response: &DescribeProducersResponse,
    core: &Core,
    log: &dyn Fn(&str) -> Option<&'a Shadow>,
) -> Result<(), Broken> {
    for topic in &response.topics {
        for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
            let Some(held) = held(core, &topic.name, told.partition_index) else { continue };
            if let Some(log) = log(held.folder()) {
                let stamped = |entry: &Entry| Some((entry.producer?, entry.time));
                let last = |id| log.entries.iter().rev().filter_map(stamped).find(|(stamp, _)| stamp.id == id);
                told.active_producers
                    .iter()
                    .try_for_each(|told| judge_producer(held.folder(), told, last(told.producer_id.0)))?;
            }
        }
    }
    Ok(())
}

/// `last`: what it wrote last and of which time, if that is still there.
fn judge_producer(folder: &str, told: &ProducerState, last: Option<(Stamp, i64)>) -> Result<(), Broken> {
    let said = (told.producer_epoch, told.last_sequence, told.last_timestamp);
    let same = |(last, time): (Stamp, i64)| (i32::from(last.epoch), last.last, time) == said;
    if last.is_none_or(same) {
        return Ok(());
    }
    wrong(format!("says of {folder} that {told:?} wrote to it, and its log has {last:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::ProducerId;

    #[test]
    fn another_size_is_caught() {
        let log = Shadow::of(&[(0, 3, 1), (4, 4, 1)]);
        assert!(judge_size("t-0", &log, Offset(0), 2).is_ok());
        assert!(judge_size("t-0", &log, Offset(0), 1).is_err() && judge_size("t-0", &log, Offset(1), 1).is_err());
        assert!(judge_size("t-0", &log, Offset(0), 3).is_err() && judge_size("t-0", &log, Offset(1), 3).is_ok());
    }

    #[test]
    fn another_sequence_is_caught() {
        let told =
            ProducerState::default().with_producer_id(ProducerId(7)).with_producer_epoch(1).with_last_sequence(4);
        let told = told.with_last_timestamp(9);
        let stamp = |epoch, last| Some((Stamp { id: 7, epoch, first: 0, last }, 9));
        assert!(judge_producer("t-0", &told, stamp(1, 4).map(|(stamp, _)| (stamp, 8))).is_err(), "another time");
        assert!(judge_producer("t-0", &told, stamp(1, 4)).is_ok() && judge_producer("t-0", &told, None).is_ok());
        assert!(
            judge_producer("t-0", &told, stamp(1, 5)).is_err() && judge_producer("t-0", &told, stamp(2, 4)).is_err()
        );
    }
}
