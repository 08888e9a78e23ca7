//! Whoever opens a log, cuts it or begins to lead knows of each producer what the log says: its epoch, and its last five batches, by which
//! what comes again is known and what leaves a gap is refused (KIP-98), and when it wrote the newest, since when it counts as silent. What was
//! deleted it may know besides.

use super::Broken;
use super::shadow::{Shadow, Stamp};
use crate::table::Map;
use esker_core::id::ProducerId;
use esker_core::log::{Log, WINDOW};

/// A batch of a producer: its last offset, and what it says.
type Seen = (i64, Stamp);

/// What is known of a producer: its epoch, last offsets and sequences, and when it wrote.
type Known = (i16, Vec<(i64, i32)>, i64);

pub fn look(folder: &str, shadow: &Shadow, log: &Log) -> Result<(), Broken> {
    let mut last: Map<i64, (i64, Vec<Seen>)> = Map::default();
    let own = shadow.entries.iter().rev().filter(|entry| !entry.damaged && entry.last >= log.start().0);
    for (at, time, stamp) in own.filter_map(|entry| Some((entry.last, entry.time, entry.producer?))) {
        let (_, of) = last.entry(stamp.id).or_insert((time, Vec::new()));
        if of.len() < WINDOW && of.first().is_none_or(|(_, newest)| newest.epoch == stamp.epoch) {
            of.push((at, stamp));
        }
    }
    last.iter().try_for_each(|(id, (wrote, seen))| {
        let known = log.producers().get(ProducerId(*id));
        let known = known.map(|known| {
            let window = known.window.iter().rev();
            let window: Vec<_> = window.map(|one| (one.last_offset.0, one.last_sequence)).collect();
            (known.epoch, window, known.timestamp)
        });
        judge(folder, *id, (seen, *wrote), known)
    })
}

/// What stands in the log of a producer, the newest first, with the time of that; and what is known of it.
fn judge(folder: &str, id: i64, (seen, wrote): (&[Seen], i64), known: Option<Known>) -> Result<(), Broken> {
    let right = known.as_ref().is_some_and(|(epoch, window, time)| {
        // A batch of an older epoch ends what is remembered of the newest.
        let same = seen.iter().take_while(|(_, stamp)| stamp.epoch == *epoch);
        let wanted: Vec<(i64, i32)> = same.map(|(at, stamp)| (*at, stamp.last)).collect();
        !wanted.is_empty() && window.starts_with(&wanted) && *time == wrote
    });
    if right {
        return Ok(());
    }
    Err((
        "producer-forgotten",
        format!("{folder} knows {known:?} of producer {id}, and its log has {seen:?}, the newest of {wrote}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_producer_is_caught() {
        let stamp = |last| Stamp { id: 7, epoch: 2, first: last, last };
        let seen = [(9, stamp(4)), (8, stamp(3))];
        let judge = |known: Option<(i16, Vec<(i64, i32)>)>| {
            let known = known.map(|(epoch, window)| (epoch, window, 50));
            judge("t-0", 7, (&seen, 50), known).map_err(|broken| broken.0)
        };
        assert_eq!(judge(Some((2, vec![(9, 4), (8, 3)]))), Ok(()));
        assert_eq!(judge(Some((2, vec![(9, 4), (8, 3), (5, 2)]))), Ok(()), "what was deleted");
        assert_eq!(judge(None), Err("producer-forgotten"));
        assert_eq!(judge(Some((1, vec![(9, 4), (8, 3)]))), Err("producer-forgotten"));
        assert_eq!(judge(Some((2, vec![(9, 4)]))), Err("producer-forgotten"));
        assert_eq!(judge(Some((2, vec![(8, 3)]))), Err("producer-forgotten"));
        let early = super::judge("t-0", 7, (&seen, 50), Some((2, vec![(9, 4), (8, 3)], 49)));
        assert_eq!(early.unwrap_err().0, "producer-forgotten", "it would be forgotten too early");
    }
}
