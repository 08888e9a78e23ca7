//! The leader of the metadata's quorum shows itself in its epoch, all voters, and nobody of them ahead of it. That a majority of them has what is
//! committed it need not show: a Fetch that comes late takes back what a voter was known to have, as it does in Kafka's `LeaderState`
//! (seed 3676729061191). What they have is judged by their disks (`majority`).

use super::super::Broken;
use super::wrong;
use esker_core::id::{LeaderEpoch, NodeId, Offset};
use esker_core::node::Node as Core;
use kafka_protocol::messages::DescribeQuorumResponse;
use kafka_protocol::messages::describe_quorum_response::PartitionData;
use std::ops::RangeInclusive;

/// What the one who tells knows of itself; of its end and its watermark, when it was asked and when the answer left.
struct Own<'a> {
    id: NodeId,
    epoch: LeaderEpoch,
    end: RangeInclusive<Offset>,
    watermark: RangeInclusive<Offset>,
    voters: &'a [NodeId],
}

/// Told by the leader; whoever passes the question on is not judged.
pub fn on_described(
    response: &DescribeQuorumResponse,
    (epoch, end, watermark): (LeaderEpoch, Offset, Offset),
    core: &Core,
) -> Result<(), Broken> {
    let quorum = &core.quorum;
    let told = response.topics.iter().flat_map(|topic| &topic.partitions).find(|told| told.error_code == 0);
    let Some(told) = told.filter(|_| quorum.is_leader() && quorum.epoch() == epoch) else { return Ok(()) };
    let voters: Vec<NodeId> = quorum.voters().iter().map(|voter| voter.id).collect();
    let id = core.config.node;
    let (end, watermark) = (end..=quorum.end(), watermark..=quorum.watermark());
    judge(told, &Own { id, epoch, end, watermark, voters: &voters })
}

fn judge(told: &PartitionData, own: &Own<'_>) -> Result<(), Broken> {
    let of = |id: NodeId| told.current_voters.iter().find(|voter| voter.replica_id.0 == id.0);
    let ends: Vec<i64> = own.voters.iter().filter_map(|id| Some(of(*id)?.log_end_offset)).collect();
    let observer_votes = told.observers.iter().any(|one| own.voters.iter().any(|id| id.0 == one.replica_id.0));
    if (told.leader_id.0, told.leader_epoch) == (own.id.0, own.epoch.0)
        && (own.watermark.contains(&Offset(told.high_watermark)) || told.high_watermark == -1)
        && ends.len() == own.voters.len()
        && told.current_voters.len() == own.voters.len()
        && of(own.id).is_some_and(|one| own.end.contains(&Offset(one.log_end_offset)))
        && ends.iter().all(|end| *end <= own.end.end().0)
        && !observer_votes
    {
        return Ok(());
    }
    let Own { id, epoch, end, watermark, .. } = own;
    wrong(format!("shows the quorum as {told:?}; {id} leads it in {epoch} up to {end:?}, committed is {watermark:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::BrokerId;
    use kafka_protocol::messages::describe_quorum_response::ReplicaState;

    #[test]
    fn a_voter_that_is_missing_or_ahead_is_caught() {
        let voters = [NodeId(1), NodeId(2), NodeId(3)];
        let own = Own {
            id: NodeId(1),
            epoch: LeaderEpoch(4),
            end: Offset(9)..=Offset(9),
            watermark: Offset(8)..=Offset(8),
            voters: &voters,
        };
        let told = |ends: &[i64]| {
            let voter = |(id, end): (i32, &i64)| {
                ReplicaState::default().with_replica_id(BrokerId(id)).with_log_end_offset(*end)
            };
            PartitionData::default()
                .with_leader_id(BrokerId(1))
                .with_leader_epoch(4)
                .with_high_watermark(8)
                .with_current_voters((1..).zip(ends).map(voter).collect())
        };
        assert!(judge(&told(&[9, 8, -1]), &own).is_ok());
        assert!(judge(&told(&[9, 8]), &own).is_err(), "one is missing");
        assert!(judge(&told(&[9, 10, 8]), &own).is_err(), "ahead of its leader");
        assert!(judge(&told(&[9, 7, 7]), &own).is_ok(), "a Fetch came late");
        assert!(judge(&told(&[8, 8, 8]), &own).is_err(), "its own end");
        assert!(judge(&told(&[9, 8, 8]).with_leader_epoch(3), &own).is_err());
        assert!(
            judge(&told(&[9, 8, 8]).with_observers(vec![ReplicaState::default().with_replica_id(BrokerId(2))]), &own)
                .is_err()
        );
    }
}
