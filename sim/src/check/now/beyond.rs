//! A leader's watermark waits for everybody whom the controller has in sync, whether the leader has heard that yet or not (KIP-497): what it
//! asked for may have been granted, and whoever is in that set may lead next.

use super::Broken;
use crate::node::Node;
use esker_core::id::NodeId;
use esker_core::metadata::Partition as State;
use esker_core::partition::Partition;

/// The watermark moved. `gone`: the node whose disk was lost.
pub fn look(leader: &Partition, gone: Option<usize>, nodes: &[Node]) -> Result<(), Broken> {
    let Some(known) = leader.state() else { return Ok(()) };
    let images = nodes.iter().filter_map(|node| Some(&node.process.as_ref()?.broker.node().image));
    let states = images.filter_map(|image| image.partition(leader.key()));
    let newer = |state: &&State| state.leader_epoch == known.leader_epoch && state.epoch > known.epoch;
    let Some(granted) = states.filter(newer).max_by_key(|state| state.epoch) else { return Ok(()) };
    let counted = leader.maximal_isr();
    for member in granted.isr.iter().filter(|member| **member != leader.me()) {
        let place = member.0 as usize - 1;
        let process = nodes.get(place).filter(|_| gone != Some(place)).and_then(|node| node.process.as_ref());
        let Some(replica) = process.and_then(|process| process.broker.node().partitions.get(leader.key())) else {
            continue;
        };
        let same_story = replica.leader_epoch() <= leader.leader_epoch();
        if replica.is_open() && replica.is_online() && same_story && !counted.contains(member) {
            judge(leader, *member, leader.watermark().0, replica.log().synced().0)?;
        }
    }
    Ok(())
}

fn judge(leader: &Partition, member: NodeId, watermark: i64, synced: i64) -> Result<(), Broken> {
    if watermark <= synced {
        return Ok(());
    }
    let folder = leader.folder();
    Err((
        "watermark-beyond-granted",
        format!(
            "{folder} has the watermark {watermark}, which does not wait for {member}: the controller has it in sync, with {synced}"
        ),
    ))
}
