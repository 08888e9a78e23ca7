//! The leader of the metadata's quorum shows itself in its epoch, all voters, nobody of them ahead of it or of what it said itself, and of what is
//! committed a majority said once that it has it: a Fetch that comes late takes back what is shown (seed 3676729061191), as with Kafka's
//! `LeaderState`, and not what was said.

use super::super::Broken;
use super::wrong;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, Offset, Uuid};
use esker_core::node::Node as Core;
use kafka_protocol::messages::describe_quorum_response::PartitionData;
use kafka_protocol::messages::{DescribeQuorumResponse, FetchRequest};
use std::ops::RangeInclusive;

/// What the one who tells knows of itself; of its end and its watermark, when it was asked and when the answer left.
struct Own<'a> {
    id: NodeId,
    epoch: LeaderEpoch,
    end: RangeInclusive<Offset>,
    watermark: RangeInclusive<Offset>,
    voters: &'a [NodeId],
}

/// The furthest that each voter fetched from in an epoch of the quorum: all before it has.
#[derive(Debug, Default)]
pub struct Said(Map<(LeaderEpoch, NodeId), Offset>);

impl Said {
    /// Somebody fetches from a node.
    pub fn on_request(&mut self, request: &FetchRequest, core: &Core) {
        let (from, epoch) = (NodeId(request.replica_state.replica_id.0), core.quorum.epoch());
        let metadata = request.topics.iter().find(|topic| Uuid::from(topic.topic_id) == Uuid::METADATA_TOPIC);
        let parts = metadata.filter(|_| core.quorum.is_leader()).into_iter().flat_map(|topic| &topic.partitions);
        for part in parts.filter(|part| part.current_leader_epoch == epoch.0) {
            let most = self.0.entry((epoch, from)).or_insert(Offset::NONE);
            *most = (*most).max(Offset(part.fetch_offset));
        }
    }

    /// Told by the leader; whoever passes the question on is not judged.
    pub fn on_described(
        &self,
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
        let said = |voter| self.0.get(&(epoch, voter)).copied().unwrap_or(Offset::NONE);
        judge(told, &Own { id, epoch, end, watermark, voters: &voters }, &said)
    }
}

/// `said`: the furthest that a voter said it has.
fn judge(told: &PartitionData, own: &Own<'_>, said: &dyn Fn(NodeId) -> Offset) -> Result<(), Broken> {
    let of = |id: NodeId| told.current_voters.iter().find(|voter| voter.replica_id.0 == id.0);
    let ends: Vec<i64> = own.voters.iter().filter_map(|id| Some(of(*id)?.log_end_offset)).collect();
    let reaches = |id: &NodeId| if *id == own.id { own.end.end().0 } else { said(*id).0 };
    let has = own.voters.iter().filter(|id| reaches(id) >= told.high_watermark).count();
    let observer_votes = told.observers.iter().any(|one| own.voters.iter().any(|id| id.0 == one.replica_id.0));
    if (told.leader_id.0, told.leader_epoch) == (own.id.0, own.epoch.0)
        && (own.watermark.contains(&Offset(told.high_watermark)) || told.high_watermark == -1)
        && ends.len() == own.voters.len()
        && told.current_voters.len() == own.voters.len()
        && of(own.id).is_some_and(|one| own.end.contains(&Offset(one.log_end_offset)))
        && own.voters.iter().zip(&ends).all(|(id, end)| *end <= own.end.end().0.min(reaches(id)))
        && has * 2 > ends.len()
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
        let judge = |told: &PartitionData, said: [i64; 2]| {
            judge(told, &own, &|id| Offset(said[id.0 as usize - 2])).map_err(|broken| broken.0)
        };
        assert!(judge(&told(&[9, 8, -1]), [8, -1]).is_ok());
        assert!(judge(&told(&[9, 8]), [8, 8]).is_err(), "one is missing");
        assert!(judge(&told(&[9, 10, 8]), [10, 8]).is_err(), "ahead of its leader");
        assert!(judge(&told(&[9, 7, 7]), [7, 7]).is_err(), "committed by one alone");
        assert!(judge(&told(&[9, 7, 7]), [8, 7]).is_ok(), "a Fetch came late");
        assert!(judge(&told(&[9, 9, 8]), [8, 8]).is_err(), "nobody said that");
        assert!(judge(&told(&[8, 8, 8]), [8, 8]).is_err(), "its own end");
        assert!(judge(&told(&[9, 8, 8]).with_leader_epoch(3), [8, 8]).is_err());
        assert!(
            judge(&told(&[9, 8, 8]).with_observers(vec![ReplicaState::default().with_replica_id(BrokerId(2))]), [8, 8])
                .is_err()
        );
    }
}
