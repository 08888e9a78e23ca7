//! The brokers, the coordinator of a group, and the moves under way.

use super::super::Broken;
use super::wrong;
use esker_core::group;
use esker_core::id::{NodeId, PartitionKey};
use esker_core::metadata::{Image, Partition};
use esker_core::node::Node as Core;
use kafka_protocol::messages::list_partition_reassignments_response::OngoingPartitionReassignment;
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    ListPartitionReassignmentsResponse,
};

pub fn on_described(
    request: &DescribeClusterRequest,
    response: &DescribeClusterResponse,
    core: &Core,
) -> Result<(), Broken> {
    let told: Vec<(NodeId, bool)> =
        response.brokers.iter().map(|one| (NodeId(one.broker_id.0), one.is_fenced)).collect();
    let all = core.image.brokers().map(|broker| (broker.id, broker.fenced));
    let own: Vec<_> = all.filter(|(_, fenced)| request.include_fenced_brokers || !fenced).collect();
    if response.error_code != 0 || told == own {
        return Ok(());
    }
    wrong(format!("shows the brokers {told:?}, which are {own:?}"))
}

/// Whoever is told to coordinate a group leads its partition, as far as the node knows.
pub fn on_found(
    request: &FindCoordinatorRequest,
    response: &FindCoordinatorResponse,
    core: &Core,
) -> Result<(), Broken> {
    // Several keys at a time nobody asks for.
    if request.key_type != 0 || response.error_code != 0 || !response.coordinators.is_empty() {
        return Ok(());
    }
    let partition = core.groups.partition_of(&request.key);
    let topic = core.image.topic_named(group::TOPIC);
    let leader = topic.and_then(|topic| topic.partition(partition)).and_then(|state| state.leader);
    judge_coordinator(&request.key, NodeId(response.node_id.0), leader)
}

fn judge_coordinator(group: &str, told: NodeId, leader: Option<NodeId>) -> Result<(), Broken> {
    if leader == Some(told) {
        return Ok(());
    }
    wrong(format!("says that {told} coordinates {group}, whose partition {leader:?} leads"))
}

/// The controller tells of moves; whoever passes the question on is not judged.
pub fn on_moves(response: &ListPartitionReassignmentsResponse, core: &Core) -> Result<(), Broken> {
    let Some(controller) = core.controller.as_ref().filter(|_| response.error_code == 0) else { return Ok(()) };
    let image = controller.image();
    let each = response.topics.iter().flat_map(|topic| {
        let id = image.topic_named(&topic.name).map(|known| known.id);
        let key = move |partition| id.map(|topic| PartitionKey { topic, partition });
        topic.partitions.iter().map(move |told| (key(told.partition_index), told))
    });
    judge_moves(image, &each.collect::<Vec<_>>())
}

fn judge_moves(image: &Image, told: &[(Option<PartitionKey>, &OngoingPartitionReassignment)]) -> Result<(), Broken> {
    let moves = |state: &Partition| !state.adding.is_empty() || !state.removing.is_empty();
    let all = image.topics().flat_map(|topic| topic.each_partition());
    let under_way: Vec<_> = all.filter(|(_, state)| moves(state)).collect();
    let same = |told: &[BrokerId], own: &[NodeId]| told.iter().map(|id| id.0).eq(own.iter().map(|id| id.0));
    let right = |(key, told): &(Option<PartitionKey>, &OngoingPartitionReassignment)| {
        under_way.iter().any(|(own, state)| {
            Some(*own) == *key
                && same(&told.replicas, &state.replicas)
                && same(&told.adding_replicas, &state.adding)
                && same(&told.removing_replicas, &state.removing)
        })
    };
    if told.len() == under_way.len() && told.iter().all(right) {
        return Ok(());
    }
    wrong(format!("tells of the moves {told:?}; under way are {under_way:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{LeaderEpoch, Offset, Uuid};
    use esker_core::metadata::Record;

    #[test]
    fn another_coordinator_is_caught() {
        assert!(judge_coordinator("g", NodeId(1), Some(NodeId(1))).is_ok());
        assert!(judge_coordinator("g", NodeId(1), Some(NodeId(2))).is_err());
        assert!(judge_coordinator("g", NodeId(1), None).is_err());
    }

    #[test]
    fn a_move_that_is_not_told_is_caught() {
        let key = PartitionKey { topic: Uuid(7), partition: 0 };
        let mut state = Partition::new([NodeId(1), NodeId(2)].into(), [NodeId(1)].into());
        state.adding = [NodeId(2)].into();
        let records = [Record::Topic { id: Uuid(7), name: "t".into() }, Record::Partition { key, state }];
        let image = Image::from_records(Offset(1), LeaderEpoch(1), &records);
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let told = OngoingPartitionReassignment::default().with_replicas(ids(&[1, 2])).with_adding_replicas(ids(&[2]));
        assert!(judge_moves(&image, &[(Some(key), &told)]).is_ok());
        assert!(judge_moves(&image, &[]).is_err());
        assert!(judge_moves(&image, &[(None, &told)]).is_err());
        assert!(judge_moves(&image, &[(Some(key), &told.clone().with_adding_replicas(ids(&[])))]).is_err());
    }
}
