//! A replica's watermark never falls while it keeps its role, and lies within its log; a leader's never exceeds what each
//! replica in sync has made durable, nor moves while fewer than `min.insync.replicas` are in sync (KIP-966).

use super::Broken;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, Offset};
use esker_core::partition::Partition;

/// The last watermark of each node's replicas, by their folders, with the epoch and the role in which it was.
#[derive(Debug, Default)]
pub struct Watermark {
    last: Map<usize, Map<String, (LeaderEpoch, bool, Offset)>>,
}

/// What is seen of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    pub folder: &'a str,
    pub leads: bool,
    pub epoch: LeaderEpoch,
    pub watermark: Offset,
    pub start: Offset,
    pub end: Offset,
}

impl Watermark {
    pub fn forget(&mut self, node: usize) {
        self.last.remove(&node);
    }

    /// A replica's log begins anew.
    pub fn forget_log(&mut self, node: usize, folder: &str) {
        if let Some(last) = self.last.get_mut(&node) {
            last.remove(folder);
        }
    }

    /// Says whether the watermark moved.
    pub fn look(&mut self, node: usize, sight: Sight<'_>) -> Result<bool, Broken> {
        let Sight { folder, leads, epoch, watermark, start, end } = sight;
        if watermark > end || watermark < start {
            return Err((
                "watermark-outside",
                format!("{folder} has the watermark {watermark}, its log goes from {start} to {end}"),
            ));
        }
        let last = self.last.entry(node).or_default();
        let Some(known) = last.get_mut(folder) else {
            last.insert(folder.into(), (epoch, leads, watermark));
            return Ok(true);
        };
        let (was_epoch, led, was) = std::mem::replace(known, (epoch, leads, watermark));
        if was_epoch == epoch && led == leads && watermark < was {
            return Err((
                "watermark-falls",
                format!("{folder} had the watermark {was} in {epoch}, and has {watermark}"),
            ));
        }
        Ok(was != watermark)
    }

    /// The synced end of a replica in sync, beside its leader's watermark.
    pub fn compare(folder: &str, watermark: Offset, member: NodeId, synced: Offset) -> Result<(), Broken> {
        if watermark <= synced {
            return Ok(());
        }
        Err((
            "watermark-unsynced",
            format!("{folder} has the watermark {watermark}; {member} is in sync and has {synced} durable"),
        ))
    }
}

/// A leader's watermark moved up from `was`: enough replicas are in sync for that, or were before: one batch of metadata can take two out
/// of the set, and between them the watermark waits for one less.
pub fn enough_in_sync(partition: &Partition, was: Offset, were_in_sync: usize) -> Result<(), Broken> {
    let Some(state) = partition.state() else { return Ok(()) };
    let needed = partition.min_insync().min(state.replicas.len());
    judge(partition.folder(), (was, partition.watermark()), state.isr.len().max(were_in_sync), needed)
}

fn judge(folder: &str, (was, is): (Offset, Offset), in_sync: usize, needed: usize) -> Result<(), Broken> {
    if in_sync >= needed {
        return Ok(());
    }
    Err((
        "min-isr",
        format!("{folder} moved its watermark from {was} to {is} with {in_sync} in sync, and {needed} are needed"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(epoch: i32, watermark: i64) -> Sight<'static> {
        Sight {
            folder: "t-0",
            leads: true,
            epoch: LeaderEpoch(epoch),
            watermark: Offset(watermark),
            start: Offset(0),
            end: Offset(9),
        }
    }

    #[test]
    fn a_falling_watermark_is_caught_and_a_new_epoch_may_begin_lower() {
        let mut seen = Watermark::default();
        assert_eq!(seen.look(0, sight(1, 5)), Ok(true));
        assert_eq!(seen.look(0, sight(1, 5)), Ok(false));
        assert_eq!(seen.look(0, sight(2, 4)), Ok(true));
        assert_eq!(seen.look(0, sight(2, 3)).unwrap_err().0, "watermark-falls");
        assert_eq!(seen.look(0, sight(2, 10)).unwrap_err().0, "watermark-outside");
    }

    #[test]
    fn a_watermark_that_moves_with_too_few_in_sync_is_caught() {
        assert!(judge("t-0", (Offset(1), Offset(2)), 2, 2).is_ok());
        assert_eq!(judge("t-0", (Offset(1), Offset(2)), 1, 2).unwrap_err().0, "min-isr");
    }

    #[test]
    fn a_watermark_beyond_what_is_durable_is_caught() {
        assert!(Watermark::compare("t-0", Offset(4), NodeId(2), Offset(4)).is_ok());
        assert!(Watermark::compare("t-0", Offset(5), NodeId(2), Offset(4)).is_err());
    }
}
