//! A move of replicas ends when all that are to stay are in sync (KIP-455): until then nobody gives up what it has.

use super::Broken;
use esker_core::id::{NodeId, PartitionEpoch, PartitionKey};
use esker_core::metadata::Partition;

/// `was` and `is`: a partition as one controller decided it, one after the other.
pub fn judge(key: PartitionKey, was: &Partition, is: &Partition) -> Result<(), Broken> {
    let next = is.epoch == PartitionEpoch(was.epoch.0 + 1) && was.is_reassigning() && !is.is_reassigning();
    let stay: Vec<NodeId> = was.replicas.iter().copied().filter(|node| !was.removing.contains(node)).collect();
    // One that was given up has the replicas of before, and they may be the same where a second step takes off what a first one was to add (seed
    // 20000200429); one that recovers has lost those that were in sync.
    let before: Vec<NodeId> = was.replicas.iter().copied().filter(|node| !was.adding.contains(node)).collect();
    if !next
        || is.replicas != stay
        || is.replicas == before
        || is.recovering
        || stay.iter().all(|node| is.in_sync(*node))
    {
        return Ok(());
    }
    Err(("ends-early", format!("the move of {key} ends while not all are in sync: {was} becomes {is}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::Uuid;

    #[test]
    fn a_move_that_ends_before_all_are_in_sync_is_caught() {
        let key = PartitionKey { topic: Uuid(7), partition: 0 };
        let [one, two, three] = [NodeId(1), NodeId(2), NodeId(3)];
        let begun = Partition::new(vec![two, three, one], vec![one]);
        let was = Partition { adding: vec![two, three], removing: vec![one], ..begun };
        let is = |replicas: &[NodeId], isr: &[NodeId]| {
            let is = Partition { epoch: PartitionEpoch(1), ..Partition::new(replicas.to_vec(), isr.to_vec()) };
            judge(key, &was, &is).map_err(|broken| broken.0)
        };
        assert_eq!(is(&[two, three], &[three, two]), Ok(()));
        assert_eq!(is(&[one], &[one]), Ok(()), "it was given up");
        assert_eq!(is(&[two, three], &[two]), Err("ends-early"));
        let was = Partition { adding: vec![one], ..was };
        let is = Partition { epoch: PartitionEpoch(1), ..Partition::new(vec![two, three], vec![two]) };
        assert_eq!(judge(key, &was, &is), Ok(()), "what was to come is given up, or goes: nobody can tell");
    }
}
