//! Vote: who may be elected (KIP-595), and who could be (KIP-996).

use super::answer::Answer;
use super::calls::Asked;
use super::election::Election;
use super::hear::Heard;
use super::machine::Quorum;
use super::message::{self, Ballotpaper};
use super::role::Role;
use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset};
use crate::io::Out;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use kafka_protocol::messages::{VoteRequest, VoteResponse};

impl Quorum {
    /// # Errors in the reply
    /// `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST` for the whole; `INVALID_REQUEST` (impossible epochs), `FENCED_LEADER_EPOCH` (an old
    /// epoch), `INCONSISTENT_VOTER_SET` (one of the two is no voter), `INVALID_VOTER_KEY` (meant for another, or for
    /// this node with the disk that it had) for the partition.
    pub fn on_vote(&mut self, now: Now, request: &VoteRequest, out: &mut Out) -> Answer<VoteResponse> {
        if self.journal().is_none() {
            return Answer::Wait;
        }
        let whole = |code: ErrorCode| Answer::Reply(VoteResponse::default().with_error_code(code.code()));
        if !self.is_our_cluster(request.cluster_id.as_ref()) {
            return whole(ErrorCode::InconsistentClusterId);
        }
        let Some(ask) = message::read_vote(request) else { return whole(ErrorCode::InvalidRequest) };
        if let Some(code) = self.refuse_vote(&ask, message::node(request.voter_id)) {
            return Answer::Reply(message::vote_reply(Some(code), &self.standing(), false));
        }
        if ask.epoch > self.epoch() {
            self.become_unattached(now, ask.epoch, out);
        }
        let granted = self.may_grant(&ask);
        if granted && !ask.pre {
            self.grant(now, ask.from, out);
        }
        self.drive(now, out);
        if !self.ballot.is_saved() && !mutant::is(Mutant::VoteBeforeSync) {
            return Answer::Wait;
        }
        Answer::Reply(message::vote_reply(None, &self.standing(), granted))
    }

    fn refuse_vote(&self, ask: &Ballotpaper, meant_for: Option<NodeId>) -> Option<ErrorCode> {
        // A candidate's records are all of epochs before the one that it stands for; of a pre-vote's epoch there may be some.
        let last_fits = if ask.pre { ask.last_epoch <= ask.epoch } else { ask.last_epoch < ask.epoch };
        if ask.end < Offset::ZERO || ask.last_epoch < LeaderEpoch(0) || !last_fits {
            return Some(ErrorCode::InvalidRequest);
        }
        if ask.epoch < self.epoch() {
            return Some(ErrorCode::FencedLeaderEpoch);
        }
        if ask.from < NodeId(0) || ask.from == self.config.node {
            return Some(ErrorCode::InvalidRequest);
        }
        if !self.is_voter(ask.from) || !self.is_voter(self.config.node) {
            return Some(ErrorCode::InconsistentVoterSet);
        }
        let other = meant_for.is_some_and(|voter| voter != self.config.node);
        (other || self.is_another(ask.voter)).then_some(ErrorCode::InvalidVoterKey)
    }

    /// Whether this node's word goes to the candidate. A vote that was given once is given again.
    fn may_grant(&self, ask: &Ballotpaper) -> bool {
        let Some(journal) = self.journal() else { return false };
        let up_to_date = (ask.last_epoch, ask.end) >= (journal.last_epoch(), journal.log.end())
            || mutant::is(Mutant::VoteWithoutLogCheck)
            || mutant::is(Mutant::VoteEpochAlone) && ask.last_epoch >= journal.last_epoch();
        let Election { leader, voted, .. } = self.ballot.decided();
        if ask.pre {
            return (up_to_date || mutant::is(Mutant::PreVoteAnyLog))
                && match &self.role {
                    Role::Unattached(_) | Role::Prospective(_) | Role::Candidate(_) | Role::Resigned(_) => true,
                    Role::Follower(role) => !role.heard || mutant::is(Mutant::PreVoteWhileLed),
                    // It may be a leader that nobody follows.
                    Role::Leader(role) => !role.established,
                };
        }
        match &self.role {
            Role::Unattached(_) | Role::Prospective(_) => {
                voted == Some(ask.from) || voted.is_none() && leader.is_none() && up_to_date
            }
            Role::Candidate(_) | Role::Leader(_) | Role::Follower(_) | Role::Resigned(_) => false,
        }
    }

    fn grant(&mut self, now: Now, candidate: NodeId, out: &mut Out) {
        let decided = self.ballot.decided();
        if decided.voted == Some(candidate) {
            return;
        }
        assert!(decided.voted.is_none(), "a second vote in {}", decided.epoch);
        self.decide(Election { voted: Some(candidate), ..decided }, out);
        let patience = self.jittered(self.config.election_timeout);
        if let Role::Unattached(role) = &mut self.role {
            role.election_at = now.mono + patience;
        }
    }

    pub(super) fn on_vote_reply(&mut self, now: Now, from: NodeId, asked: Asked, reply: &VoteResponse, out: &mut Out) {
        let part = message::only(&reply.topics).and_then(|topic| message::only(&topic.partitions));
        let (Asked::Vote { epoch, pre }, Some(part)) = (asked, part) else {
            // The whole request was refused: a cluster or a version that is not ours.
            return self.record_vote(from, asked, false);
        };
        let heard = self.hear(now, part.error_code, message::node(part.leader_id), LeaderEpoch(part.leader_epoch), out);
        match heard {
            Heard::GoOn if self.epoch() == epoch => {
                self.record_vote(
                    from,
                    Asked::Vote { epoch, pre },
                    part.error_code == 0 && (part.vote_granted || mutant::is(Mutant::RefusalCounts)),
                );
            }
            Heard::GoOn | Heard::Moved => {}
        }
    }

    fn record_vote(&mut self, from: NodeId, asked: Asked, granted: bool) {
        match (&mut self.role, asked) {
            (Role::Prospective(role), Asked::Vote { pre: true, .. }) => role.tally.record(from, granted),
            (Role::Candidate(role), Asked::Vote { pre: false, .. }) => role.tally.record(from, granted),
            _ => {}
        }
    }
}
