//! Who asks a node that does not lead is told who does (KIP-951), as that node knows it: the leader of that epoch, and no later epoch than
//! there is.

use super::{Broken, id_of};
use esker_core::id::{LeaderEpoch, NodeId, PartitionKey, Uuid};
use esker_core::metadata::Partition as State;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{FetchResponse, ProduceResponse, TopicName};

/// An answer to a producer leaves the node.
pub fn on_produced(response: &ProduceResponse, core: &Core) -> Result<(), Broken> {
    response.responses.iter().try_for_each(|topic| {
        topic.partition_responses.iter().try_for_each(|told| {
            let leader = (told.current_leader.leader_id.0, told.current_leader.leader_epoch);
            look(core, (&topic.name, topic.topic_id.into(), told.index), leader)
        })
    })
}

/// An answer to a reader leaves the node.
pub fn on_fetched(response: &FetchResponse, core: &Core) -> Result<(), Broken> {
    response.responses.iter().try_for_each(|topic| {
        topic.partitions.iter().try_for_each(|told| {
            let leader = (told.current_leader.leader_id.0, told.current_leader.leader_epoch);
            look(core, (&topic.topic, topic.topic_id.into(), told.partition_index), leader)
        })
    })
}

fn look(core: &Core, (name, id, partition): (&TopicName, Uuid, i32), told: (i32, i32)) -> Result<(), Broken> {
    let key = id_of(&core.image, name, id).map(|topic| PartitionKey { topic, partition });
    let Some(key) = key.filter(|_| told.0 >= 0) else { return Ok(()) };
    // The controller's answer may have been faster than its record.
    let own = core.partitions.get(key).and_then(|replica| replica.state());
    own.or_else(|| core.image.partition(key)).map_or(Ok(()), |state| judge(key, told, state))
}

/// What was told may have been put together before the node learnt more.
fn judge(key: PartitionKey, told: (i32, i32), state: &State) -> Result<(), Broken> {
    let (leader, epoch) = (NodeId(told.0), LeaderEpoch(told.1));
    if epoch < state.leader_epoch || epoch == state.leader_epoch && state.leader.is_none_or(|leads| leads == leader) {
        return Ok(());
    }
    Err(("wrong-hint", format!("tells that {leader} leads {key} in {epoch}, which is {state}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_leader_of_the_epoch_is_caught() {
        let mut state = State::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1), NodeId(2)]);
        state.leader_epoch = LeaderEpoch(3);
        let judge = |told| judge(PartitionKey::FIRST, told, &state).map_err(|broken| broken.0);
        assert_eq!(judge((1, 3)), Ok(()));
        assert_eq!(judge((2, 2)), Ok(()), "it was so before");
        assert_eq!(judge((2, 3)), Err("wrong-hint"));
        assert_eq!(judge((1, 4)), Err("wrong-hint"));
    }
}
