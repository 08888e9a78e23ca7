//! DescribeQuorum: how far each node's log is, as the leader knows it.

use super::leader::Progress;
use super::machine::Quorum;
use super::message;
use super::role::Role;
use crate::error::{ErrorCode, Refusal};
use crate::id::NodeId;
use crate::time::{Now, Wall};
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{BrokerId, DescribeQuorumResponse};
use kafka_protocol::protocol::StrBytes;

impl Quorum {
    /// The whole reply about the metadata's partition.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` off the leader.
    pub fn describe(&self, now: Now) -> Result<DescribeQuorumResponse, Refusal> {
        let Role::Leader(role) = &self.role else { return Err(ErrorCode::NotLeaderOrFollower.into()) };
        let own = ReplicaState::default()
            .with_replica_id(BrokerId(self.config.node.0))
            .with_log_end_offset(self.end().0)
            .with_last_fetch_timestamp(now.wall.0)
            .with_last_caught_up_timestamp(now.wall.0);
        let mut voters: Vec<ReplicaState> =
            role.voters.iter().map(|(id, seen)| replica(*id, seen)).chain([own]).collect();
        voters.sort_unstable_by_key(|voter| voter.replica_id.0);
        let partition = PartitionData::default()
            .with_leader_id(BrokerId(self.config.node.0))
            .with_leader_epoch(self.epoch().0)
            .with_high_watermark(if role.established { self.watermark.0 } else { -1 })
            .with_current_voters(voters)
            .with_observers(role.observers.iter().map(|(id, seen)| replica(*id, seen)).collect());
        let nodes = self.config.voters.iter().map(|voter| {
            let listener = Listener::default()
                .with_name(StrBytes::from_static_str("CONTROLLER"))
                .with_host(voter.address.host.clone())
                .with_port(voter.address.port);
            Node::default().with_node_id(BrokerId(voter.id.0)).with_listeners(vec![listener])
        });
        Ok(DescribeQuorumResponse::default()
            .with_topics(vec![TopicData::default().with_topic_name(message::topic()).with_partitions(vec![partition])])
            .with_nodes(nodes.collect()))
    }
}

fn replica(id: NodeId, seen: &Progress) -> ReplicaState {
    let time = |at: Wall| at.0;
    ReplicaState::default()
        .with_replica_id(BrokerId(id.0))
        .with_log_end_offset(seen.synced.map_or(-1, |end| end.0))
        .with_last_fetch_timestamp(time(seen.fetched_wall))
        .with_last_caught_up_timestamp(time(seen.caught_up_wall))
}
