//! Whoever leads a partition of `__consumer_offsets` coordinates its groups, in the epoch in which he leads it; and each request to the
//! coordinator that waits is waited for by somebody.

use super::Broken;
use esker_core::group;
use esker_core::id::LeaderEpoch;
use esker_core::node::{Node as Core, Waiting};

/// A node has handled an input.
pub fn look(core: &Core) -> Result<(), Broken> {
    let Some(topic) = core.image.topic_named(group::TOPIC).map(|topic| topic.id) else { return Ok(()) };
    let live = |key: esker_core::id::PartitionKey| key.topic == topic;
    for replica in core.partitions.recent().filter(|replica| live(replica.key()) && replica.is_open()) {
        let leads = (replica.is_leader() && replica.is_online()).then(|| replica.leader_epoch());
        judge(replica.folder(), leads, core.groups.epoch_of(replica.key().partition))?;
    }
    let mut waiting = core.hold.iter().filter(|(_, row)| matches!(row.waiting, Waiting::Group)).peekable();
    if waiting.peek().is_none() {
        return Ok(());
    }
    let known = core.groups.waiting();
    match waiting.find(|(hold, _)| !known.contains(hold)) {
        None => Ok(()),
        Some((hold, row)) => {
            Err(("waits-for-nobody", format!("{hold} waits for the coordinator, in vain: {:?}", row.ask)))
        }
    }
}

fn judge(folder: &str, leads: Option<LeaderEpoch>, coordinates: Option<LeaderEpoch>) -> Result<(), Broken> {
    if leads == coordinates {
        return Ok(());
    }
    Err(("coordinates-another", format!("leads {folder} in {leads:?}, and coordinates its groups in {coordinates:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_of_another_epoch_is_caught() {
        let epoch = |number| Some(LeaderEpoch(number));
        assert!(judge("o-0", None, None).is_ok() && judge("o-0", epoch(3), epoch(3)).is_ok());
        assert_eq!(judge("o-0", epoch(4), epoch(3)).unwrap_err().0, "coordinates-another");
        assert!(judge("o-0", None, epoch(3)).is_err() && judge("o-0", epoch(3), None).is_err());
    }
}
