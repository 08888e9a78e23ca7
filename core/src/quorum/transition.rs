//! From role to role; the table stands above [`Role`].

use super::candidate::Candidate;
use super::election::Election;
use super::follower::Follower;
use super::leader::Leader;
use super::machine::Quorum;
use super::message;
use super::prospective::Prospective;
use super::resigned::Resigned;
use super::role::Role;
use super::stage::Purpose;
use super::state_file::{self, QuorumState};
use super::tally::Tally;
use super::unattached::Unattached;
use crate::batch::Builder;
use crate::id::{LeaderEpoch, NodeId};
use crate::io::{DiskOp, FileName, Out};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now, Span};
use alloc::format;
use alloc::vec::Vec;

/// The shortest back-off after a lost election; it doubles with each.
const BACKOFF_FIRST: Span = Span::from_millis(50);

impl Quorum {
    /// Decides, and writes what was decided. Nothing leaves before the write is done.
    pub(super) fn decide(&mut self, election: Election, out: &mut Out) {
        if self.ballot.decide(election) {
            self.write_state(election, out);
        }
    }

    pub(super) fn write_state(&mut self, election: Election, out: &mut Out) {
        let state = QuorumState { election, directories: self.directories.clone() };
        let bytes = state_file::encode(&state, &self.config.voters);
        let file = Self::file(FileName::QuorumState);
        self.disk(Purpose::WriteState(election), DiskOp::Replace { file, bytes }, out);
    }

    /// An observer never looks whether it could be elected, nor does a node that stops.
    pub(super) fn unattached(&self, election_at: Mono) -> Role {
        let election_at = if self.may_stand() { election_at } else { Mono(u64::MAX) };
        Role::Unattached(Unattached { election_at })
    }

    pub(super) fn following(&mut self, now: Now, leader: NodeId) -> Role {
        Role::Follower(Follower::new(leader, now.mono + self.config.fetch_timeout))
    }

    fn enter(&mut self, role: Role, out: &mut Out) {
        self.role = role;
        self.calls.forget();
        self.note_role(out);
    }

    /// Somebody counted the epoch up; who leads it is not known.
    pub(super) fn become_unattached(&mut self, now: Now, epoch: LeaderEpoch, out: &mut Out) {
        assert!(epoch > self.epoch(), "epoch {epoch} is not new");
        self.decide(Election::unknown(epoch), out);
        let patience = self.jittered(self.config.election_timeout);
        let role = self.unattached(now.mono + patience);
        self.enter(role, out);
    }

    /// The leader of the epoch became known.
    pub(super) fn become_follower(&mut self, now: Now, epoch: LeaderEpoch, leader: NodeId, out: &mut Out) {
        assert_ne!(leader, self.config.node, "a node does not follow itself");
        let decided = self.ballot.decided();
        assert!(!self.is_leader() || epoch > decided.epoch, "the leader of {epoch} cannot follow in it");
        self.decide(decided.led_by(epoch, leader), out);
        self.lost = 0;
        let role = self.following(now, leader);
        self.enter(role, out);
    }

    /// Asks whether an election could be won; the epoch stays.
    pub(super) fn become_prospective(&mut self, now: Now, out: &mut Out) {
        assert!(self.may_stand());
        let until = now.mono + self.jittered(self.config.election_timeout);
        let tally = self.new_tally();
        self.enter(Role::Prospective(Prospective { tally, until }), out);
    }

    /// It could not be won: back to where it was.
    pub(super) fn end_prospective(&mut self, now: Now, out: &mut Out) {
        let role = match self.ballot.decided().leader {
            Some(leader) if leader != self.config.node && self.is_voter(leader) => self.following(now, leader),
            Some(_) | None => {
                let backoff = self.backoff();
                self.unattached(now.mono + backoff)
            }
        };
        self.enter(role, out);
    }

    pub(super) fn become_candidate(&mut self, now: Now, out: &mut Out) {
        assert!(self.is_voter(self.config.node));
        let kept = mutant::is(Mutant::SameEpochElection);
        let next = LeaderEpoch(self.epoch().0.saturating_add(i32::from(!kept)));
        if next == self.epoch() && !kept {
            // The epoch of a batch is not under its CRC: nobody has voted so often.
            return self.fail("the metadata log is damaged: it names the last epoch there is".into());
        }
        self.decide(Election::standing(next, self.config.node), out);
        let until = now.mono + self.jittered(self.config.election_timeout);
        let tally = self.new_tally();
        self.enter(Role::Candidate(Candidate { tally, until, lost_until: None }), out);
    }

    /// Elected, and its own vote is on stable storage. Its first record is that of the change itself: only a record of its
    /// own epoch moves the watermark, and with it all that came before.
    pub(super) fn become_leader(&mut self, now: Now, out: &mut Out) {
        assert!(
            self.ballot.is_saved() || mutant::is(Mutant::VoteBeforeSync),
            "it leads on a vote that may be forgotten"
        );
        let Role::Candidate(candidate) = &self.role else { panic!("only a candidate is elected") };
        let granting: Vec<NodeId> = candidate.tally.granting().into_iter().collect();
        let (own, epoch) = (self.config.node, self.epoch());
        self.decide(self.ballot.decided().led_by(epoch, own), out);
        let voters: Vec<NodeId> = self.config.voters.iter().map(|voter| voter.id).collect();
        let Some(journal) = self.journal_mut() else { return };
        let epoch_start = journal.log.end();
        let (key, value) = message::leader_change(own, &voters, &granting);
        let mut batch = Builder::new().control();
        batch.push(now.wall.0, Some(&key), Some(&value), &[]);
        if let Err(why) = journal.append(now, epoch, batch, out) {
            self.fail(format!("the metadata log takes no record: {why}"));
            return;
        }
        self.lost = 0;
        let others = voters.into_iter().filter(|voter| *voter != own);
        self.enter(Role::Leader(Leader::new(now.mono, epoch_start, others)), out);
    }

    /// Gives up the lead, and tells the others whom it would see in its place.
    pub(super) fn become_resigned(&mut self, now: Now, out: &mut Out) {
        let Role::Leader(leader) = &self.role else { panic!("only a leader resigns") };
        let successors = leader.successors();
        let untold = leader.voters.keys().copied().collect();
        let until = now.mono + self.jittered(self.config.election_timeout);
        self.enter(Role::Resigned(Resigned { successors, untold, until }), out);
    }

    /// Lost an election: how long it keeps still.
    pub(super) fn backoff(&mut self) -> Span {
        self.lost = self.lost.saturating_add(1);
        let most = Span(BACKOFF_FIRST.0 << self.lost.min(10)).min(self.config.election_backoff_max);
        Span(self.rng.below(most.0))
    }

    fn new_tally(&self) -> Tally {
        Tally::new(self.config.voters.iter().map(|voter| voter.id), self.config.node)
    }
}
