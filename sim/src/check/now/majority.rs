//! What the leader of the quorum takes for committed stands in the logs of a majority of the voters, as in its own (Raft paper, 5.3):
//! whoever is elected next has it.

use super::shadow::{Shadow, Shadows};
use super::{Broken, METADATA};
use esker_core::id::{NodeId, Offset};

/// The watermark of the node that leads has risen. What a voter that is down had it still has, or less: it is believed; and so is one that starts
/// and has not opened its log again (seed 918001583).
pub fn look(
    node: usize,
    watermark: Offset,
    voters: impl Iterator<Item = NodeId>,
    shadows: &[Shadows],
) -> Result<(), Broken> {
    let log = |node: usize| shadows.get(node).and_then(|shadows| shadows.log(METADATA));
    let Some(own) = log(node).and_then(|own| own.hash_at(watermark.0 - 1)) else { return Ok(()) };
    let voters: Vec<Option<&Shadow>> = voters.map(|voter| usize::try_from(voter.0 - 1).ok().and_then(log)).collect();
    let holders = voters.iter().filter(|log| log.is_none_or(|log| holds(log, watermark.0 - 1, own))).count();
    judge(watermark, holders, voters.len())
}

/// Whether the last record that is committed is there, or a snapshot in its place.
fn holds(log: &Shadow, last: i64, own: u64) -> bool {
    let begins = log.entries.first().map(|first| first.base);
    begins.is_some_and(|begins| begins > last) || log.hash_at(last) == Some(own)
}

fn judge(watermark: Offset, holders: usize, voters: usize) -> Result<(), Broken> {
    if holders * 2 > voters {
        return Ok(());
    }
    Err(("no-majority", format!("commits up to {watermark} what {holders} of {voters} voters have")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_minority_has_is_not_committed() {
        assert!(judge(Offset(5), 2, 3).is_ok() && judge(Offset(5), 1, 1).is_ok());
        assert_eq!(judge(Offset(5), 1, 3).unwrap_err().0, "no-majority");
        assert_eq!(judge(Offset(5), 1, 2).unwrap_err().0, "no-majority");
    }

    #[test]
    fn another_record_at_its_place_is_not_it() {
        let mut log = Shadow::of(&[(2, 3, 1), (4, 6, 1)]);
        log.entries[1].hash = 9;
        assert!(holds(&log, 5, 9) && holds(&log, 6, 9) && holds(&log, 1, 9));
        assert!(!holds(&log, 6, 8) && !holds(&log, 7, 9) && !holds(&Shadow::of(&[]), 0, 9));
    }
}
