//! BeginQuorumEpoch: an elected leader makes itself known. EndQuorumEpoch: a leader that goes says so (KIP-595).

use super::answer::Answer;
use super::hear::Heard;
use super::machine::Quorum;
use super::message;
use super::role::Role;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId};
use crate::io::Out;
use crate::time::{Now, Span};
use alloc::vec::Vec;
use kafka_protocol::messages::{
    BeginQuorumEpochRequest, BeginQuorumEpochResponse, EndQuorumEpochRequest, EndQuorumEpochResponse,
};

impl Quorum {
    /// # Errors in the reply
    /// `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST` for the whole; `FENCED_LEADER_EPOCH`, `INVALID_REQUEST`, `INCONSISTENT_VOTER_SET`,
    /// `INVALID_VOTER_KEY` for the partition.
    pub fn on_begin_epoch(
        &mut self,
        now: Now,
        request: &BeginQuorumEpochRequest,
        out: &mut Out,
    ) -> Answer<BeginQuorumEpochResponse> {
        if self.journal().is_none() {
            return Answer::Wait;
        }
        let whole = |code: ErrorCode| Answer::Reply(BeginQuorumEpochResponse::default().with_error_code(code.code()));
        if !self.is_our_cluster(request.cluster_id.as_ref()) {
            return whole(ErrorCode::InconsistentClusterId);
        }
        let part = message::only(&request.topics).and_then(|topic| {
            message::only(&topic.partitions).filter(|p| message::is_metadata(&topic.topic_name, p.partition_index))
        });
        let Some(part) = part else { return whole(ErrorCode::InvalidRequest) };
        let (leader, epoch) = (NodeId(part.leader_id.0), LeaderEpoch(part.leader_epoch));
        let mut code = self.refuse_leader(leader, epoch);
        if code.is_none() {
            self.learn(now, Some(leader), epoch, out);
            let other = message::node(request.voter_id).filter(|voter| *voter != self.config.node);
            code = other.map(|_| ErrorCode::InvalidVoterKey);
            self.drive(now, out);
        }
        if !self.ballot.is_saved() {
            return Answer::Wait;
        }
        Answer::Reply(message::begin_reply(code, &self.standing()))
    }

    /// # Errors in the reply
    /// As [`Quorum::on_begin_epoch`].
    pub fn on_end_epoch(
        &mut self,
        now: Now,
        request: &EndQuorumEpochRequest,
        out: &mut Out,
    ) -> Answer<EndQuorumEpochResponse> {
        if self.journal().is_none() {
            return Answer::Wait;
        }
        let whole = |code: ErrorCode| Answer::Reply(EndQuorumEpochResponse::default().with_error_code(code.code()));
        if !self.is_our_cluster(request.cluster_id.as_ref()) {
            return whole(ErrorCode::InconsistentClusterId);
        }
        let part = message::only(&request.topics).and_then(|topic| {
            message::only(&topic.partitions).filter(|p| message::is_metadata(&topic.topic_name, p.partition_index))
        });
        let Some(part) = part else { return whole(ErrorCode::InvalidRequest) };
        let (leader, epoch) = (NodeId(part.leader_id.0), LeaderEpoch(part.leader_epoch));
        let code = self.refuse_leader(leader, epoch);
        if code.is_none() {
            self.learn(now, Some(leader), epoch, out);
            let mut successors: Vec<NodeId> =
                part.preferred_candidates.iter().map(|c| NodeId(c.candidate_id.0)).collect();
            if successors.is_empty() {
                successors = part.preferred_successors.iter().map(|id| NodeId(*id)).collect();
            }
            self.on_leader_ended(now, leader, &successors);
            self.drive(now, out);
        }
        if !self.ballot.is_saved() {
            return Answer::Wait;
        }
        Answer::Reply(message::end_reply(code, &self.standing()))
    }

    fn refuse_leader(&self, leader: NodeId, epoch: LeaderEpoch) -> Option<ErrorCode> {
        if epoch < self.epoch() {
            return Some(ErrorCode::FencedLeaderEpoch);
        }
        if leader < NodeId(0) || leader == self.config.node {
            return Some(ErrorCode::InvalidRequest);
        }
        (!self.is_voter(leader) || !self.is_voter(self.config.node)).then_some(ErrorCode::InconsistentVoterSet)
    }

    /// The first successor stands for election at once, the others later and later (Kafka's strict exponential back-off).
    fn on_leader_ended(&mut self, now: Now, leader: NodeId, successors: &[NodeId]) {
        let most = self.config.election_backoff_max;
        let place = successors.iter().position(|id| *id == self.config.node);
        let wait = match place {
            Some(0) => Span::ZERO,
            Some(place) => Span(most.0 >> (successors.len() - place).min(16)),
            None => most,
        };
        if let Role::Follower(role) = &mut self.role
            && role.leader == leader
        {
            role.heard = false;
            role.fetch_until = role.fetch_until.min(now.mono + wait);
        }
    }

    pub(super) fn on_begin_reply(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: LeaderEpoch,
        reply: &BeginQuorumEpochResponse,
        out: &mut Out,
    ) {
        let part = message::only(&reply.topics).and_then(|topic| message::only(&topic.partitions));
        if let Some(part) = part
            && self.hear(now, part.error_code, message::node(part.leader_id), LeaderEpoch(part.leader_epoch), out)
                == Heard::GoOn
            && part.error_code == 0
            && epoch == self.epoch()
            && let Role::Leader(role) = &mut self.role
        {
            role.told.insert(from, now.mono);
        } else {
            self.on_call_failed(now, from, super::calls::Asked::Begin { epoch });
        }
    }

    pub(super) fn on_end_reply(&mut self, now: Now, from: NodeId, reply: &EndQuorumEpochResponse, out: &mut Out) {
        if let Some(part) = message::only(&reply.topics).and_then(|topic| message::only(&topic.partitions)) {
            self.hear(now, part.error_code, message::node(part.leader_id), LeaderEpoch(part.leader_epoch), out);
        }
        if let Role::Resigned(role) = &mut self.role {
            role.untold.remove(&from);
        }
    }
}
