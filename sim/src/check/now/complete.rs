//! Whoever leads has all that was committed in the epochs before its own (Raft paper, 5.4: leader completeness; for a partition it is
//! what the in-sync set is for), and a leader of the quorum commits nothing but up to a record of its own epoch (5.4.2).

use super::Broken;
use super::shadow::Shadow;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, Offset};
use std::collections::BTreeMap;

/// How far each log was committed in which epoch.
#[derive(Debug, Default)]
pub struct Complete {
    /// By epoch, the highest watermark of its leader.
    committed: Map<String, BTreeMap<LeaderEpoch, Offset>>,
}

impl Complete {
    /// The leader of an epoch has this watermark.
    pub fn on_committed(&mut self, folder: &str, epoch: LeaderEpoch, watermark: Offset) {
        if !self.committed.contains_key(folder) {
            self.committed.insert(folder.into(), BTreeMap::new());
        }
        let of = self.committed.get_mut(folder).expect("just put there");
        let known = of.entry(epoch).or_insert(watermark);
        *known = (*known).max(watermark);
    }

    /// A node begins to lead, with a log that ends at `end`.
    pub fn on_leads(&self, folder: &str, epoch: LeaderEpoch, end: Offset) -> Result<(), Broken> {
        let Some(of) = self.committed.get(folder) else { return Ok(()) };
        let Some((before, needed)) = of.range(..epoch).max_by_key(|(_, watermark)| **watermark) else { return Ok(()) };
        if end >= *needed {
            return Ok(());
        }
        Err((
            "leader-incomplete",
            format!("leads {folder} in {epoch} with the end {end}, though {needed} was committed in {before}"),
        ))
    }

    /// The quorum's leader of `epoch` moves its watermark up to `watermark`.
    pub fn own_epoch(shadow: &Shadow, epoch: LeaderEpoch, watermark: Offset) -> Result<(), Broken> {
        let place = shadow.entries.partition_point(|entry| entry.last < watermark.0 - 1);
        match shadow.entries.get(place).filter(|entry| entry.last == watermark.0 - 1) {
            Some(last) if last.epoch != epoch.0 => Err((
                "old-epoch-committed",
                format!(
                    "the leader of {epoch} commits the metadata up to {watermark}, whose last record is of {}",
                    last.epoch
                ),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_without_what_was_committed_is_caught() {
        let mut seen = Complete::default();
        seen.on_committed("t-0", LeaderEpoch(2), Offset(5));
        seen.on_committed("t-0", LeaderEpoch(4), Offset(9));
        seen.on_committed("t-0", LeaderEpoch(4), Offset(7));
        assert_eq!(seen.on_leads("t-0", LeaderEpoch(5), Offset(8)).unwrap_err().0, "leader-incomplete");
        assert!(seen.on_leads("t-0", LeaderEpoch(5), Offset(9)).is_ok());
        assert!(seen.on_leads("t-1", LeaderEpoch(5), Offset(0)).is_ok());
        // It heard of its election late: what came after it does not count.
        assert!(seen.on_leads("t-0", LeaderEpoch(3), Offset(5)).is_ok());
        assert!(seen.on_leads("t-0", LeaderEpoch(3), Offset(4)).is_err());
    }

    #[test]
    fn committing_an_older_epoch_is_caught() {
        let shadow = Shadow::of(&[(0, 3, 1), (4, 4, 2)]);
        assert!(Complete::own_epoch(&shadow, LeaderEpoch(2), Offset(5)).is_ok());
        assert!(Complete::own_epoch(&shadow, LeaderEpoch(1), Offset(4)).is_ok());
        assert_eq!(Complete::own_epoch(&shadow, LeaderEpoch(2), Offset(4)).unwrap_err().0, "old-epoch-committed");
    }
}
