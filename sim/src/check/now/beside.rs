//! A leader, beside those that it has in sync.

use super::Broken;
use super::watermark::Watermark;
use crate::node::Node;
use esker_core::id::Offset;
use esker_core::partition::Partition;

/// What is committed, as the leader has it or as it was known before it led, beside what those in sync have made durable, as far as their
/// processes live: whenever it moves, and whenever the set is another. `gone`: the node whose disk was lost.
pub fn compare(partition: &Partition, committed: Offset, gone: Option<usize>, nodes: &[Node]) -> Result<(), Broken> {
    let Some(state) = partition.state() else { return Ok(()) };
    // Those who are about to join count already (KIP-497).
    let maximal = partition.maximal_isr();
    for member in state.isr.iter().chain(maximal.iter().filter(|node| !state.in_sync(**node))) {
        let place = member.0 as usize - 1;
        let node = nodes.get(place).filter(|_| gone != Some(place));
        let Some(process) = node.and_then(|node| node.process.as_ref()) else { continue };
        let Some(replica) = process.broker.node().partitions.get(partition.key()) else { continue };
        // One that knows of a later epoch is not what this leader takes it for: it may have been dropped, and made anew. Nor is one
        // that knows that it is in the set no more: it may have cut away what is damaged.
        let later = |own: &esker_core::metadata::Partition| own.epoch > state.epoch && !own.in_sync(*member);
        let same_story = replica.leader_epoch() <= partition.leader_epoch() && !replica.state().is_some_and(later);
        if replica.is_open() && replica.is_online() && same_story {
            Watermark::compare(partition.folder(), committed, *member, replica.log().synced())?;
        }
    }
    Ok(())
}
