//! Time passes: what each role does by itself, and what it asks of the others.

use super::calls::Asked;
use super::machine::Quorum;
use super::message::{self, Ballotpaper};
use super::role::Role;
use super::stage::Stage;
use crate::id::{NodeId, Uuid};
use crate::io::{Lane, Out};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now, Span, earliest};
use alloc::vec::Vec;
use kafka_protocol::messages::{ApiKey, RequestKind};

/// Role changes that one moment may bring: a lone voter goes from unattached to leader.
const STEPS_MAX: u8 = 8;

/// A snapshot's file that nobody asked for so long is dropped from memory.
const WARM: Span = Span::from_millis(30_000);

impl Quorum {
    pub fn on_tick(&mut self, now: Now, out: &mut Out) {
        let watermark = self.watermark;
        let Some(journal) = self.journal_mut() else { return };
        let event = journal.log.on_tick(now, watermark, out);
        self.on_log_event(event);
        if self.warm_snapshot.as_ref().is_some_and(|(_, _, used)| now.mono.since(*used) >= WARM) {
            self.warm_snapshot = None;
        }
        self.drive(now, out);
    }

    /// When `on_tick` is wanted.
    pub fn next_deadline(&self) -> Option<Mono> {
        let journal = self.journal()?;
        let role = self.role.deadline(self.config.fetch_timeout).filter(|_| self.acts_on_deadline());
        let own = match &self.role {
            Role::Leader(role) => self.begin_due(role),
            Role::Follower(role) => role.wait_until,
            Role::Unattached(_) | Role::Prospective(_) | Role::Candidate(_) | Role::Resigned(_) => None,
        };
        // Nothing leaves before the vote file is written, whatever the time: its completion goes on.
        let own = own.filter(|_| self.ballot.is_saved() || mutant::is(Mutant::VoteBeforeSync));
        earliest([role, own, self.calls.deadline(), journal.log.next_deadline()])
    }

    /// Whether the role's time-out leads to anything.
    fn acts_on_deadline(&self) -> bool {
        match &self.role {
            Role::Leader(_) | Role::Prospective(_) => true,
            // A candidate that won waits for its disk, not for the time.
            Role::Candidate(role) => self.may_stand() && (role.lost_until.is_some() || !role.tally.is_won()),
            Role::Unattached(_) | Role::Resigned(_) => self.may_stand(),
            Role::Follower(_) => self.may_stand() || !self.is_voter(self.config.node),
        }
    }

    /// Does what is due. Called at the end of every turn.
    pub(super) fn drive(&mut self, now: Now, out: &mut Out) {
        if self.journal().is_none() {
            return;
        }
        self.calls.expire(now.mono, self.config.retry_backoff);
        for step in 0.. {
            assert!(step < STEPS_MAX, "the roles go in circles");
            if !self.step(now, out) {
                break;
            }
        }
        self.advance();
        if self.ballot.is_saved() || mutant::is(Mutant::VoteBeforeSync) {
            self.ask_others(now, out);
        }
    }

    /// One change of role, if one is due.
    fn step(&mut self, now: Now, out: &mut Out) -> bool {
        let before = core::mem::discriminant(&self.role);
        let (may_stand, stopping, fetch_timeout) = (self.may_stand(), self.stopping, self.config.fetch_timeout);
        let saved = self.ballot.is_saved() || mutant::is(Mutant::VoteBeforeSync);
        let settled = self.journal().is_some_and(|journal| journal.log.is_settled());
        let due = |at: Mono| at <= now.mono;
        match &mut self.role {
            Role::Unattached(role) if may_stand && due(role.election_at) => self.become_prospective(now, out),
            Role::Prospective(role) if role.tally.is_won() && may_stand => self.become_candidate(now, out),
            Role::Prospective(role) if role.tally.is_lost() || due(role.until) || !may_stand => {
                self.end_prospective(now, out)
            }
            Role::Candidate(role) if role.lost_until.is_none() && role.tally.is_won() => {
                // A log that is still being cut takes no record.
                if saved && settled && !stopping {
                    self.become_leader(now, out);
                }
            }
            Role::Candidate(role) if role.lost_until.is_none() && (role.tally.is_lost() || due(role.until)) => {
                let backoff = self.backoff();
                if let Role::Candidate(role) = &mut self.role {
                    role.lost_until = Some(now.mono + backoff);
                }
            }
            Role::Candidate(role) if may_stand && role.lost_until.is_some_and(due) => self.become_prospective(now, out),
            Role::Leader(role) if stopping || role.resign_at(fetch_timeout).is_some_and(due) => {
                self.become_resigned(now, out)
            }
            Role::Follower(role) if due(role.fetch_until) => self.on_leader_gone(now, out),
            Role::Resigned(role) if may_stand && due(role.until) => {
                let next = self.epoch().0.saturating_add(1);
                self.become_unattached(now, crate::id::LeaderEpoch(next), out);
            }
            Role::Unattached(_)
            | Role::Prospective(_)
            | Role::Candidate(_)
            | Role::Leader(_)
            | Role::Follower(_)
            | Role::Resigned(_) => {}
        }
        self.journal().is_some() && core::mem::discriminant(&self.role) != before
    }

    fn on_leader_gone(&mut self, now: Now, out: &mut Out) {
        if self.may_stand() {
            self.become_prospective(now, out);
        } else if !self.is_voter(self.config.node) {
            self.role = self.unattached(now.mono);
            self.calls.forget();
            self.note_role(out);
        }
    }

    /// This node stood still. A leader gives up if no majority has asked it for so long that another may have been elected: what it decided
    /// now it would decide in the past.
    pub fn on_standstill(&mut self, now: Now, out: &mut Out) {
        let Role::Leader(role) = &self.role else { return };
        if role.heard_at().is_some_and(|at| at + self.config.fetch_timeout <= now.mono)
            && !mutant::is(Mutant::StandstillUnnoticed)
        {
            self.become_resigned(now, out);
            self.drive(now, out);
        }
    }

    /// Controlled shutdown: a leader hands over (EndQuorumEpoch), and this node does not stand for election any more.
    pub fn resign(&mut self, now: Now, out: &mut Out) {
        self.stopping = true;
        if self.is_leader() {
            self.become_resigned(now, out);
        }
        self.drive(now, out);
    }

    /// Closes the log in order; [`Changes::closed`](super::Changes::closed) follows.
    pub fn close(&mut self, out: &mut Out) {
        self.closing = true;
        match self.journal_mut() {
            Some(journal) => {
                let event = journal.log.close(out);
                self.on_log_event(event);
            }
            // It is still being opened: nothing was written, and what the disk answers now is nobody's.
            None => {
                self.stage = Stage::Closed;
                self.changes.closed = true;
            }
        }
    }

    fn ask_others(&mut self, now: Now, out: &mut Out) {
        match &self.role {
            Role::Prospective(role) => self.ask_votes(now, role.tally.silent().collect(), true, out),
            Role::Candidate(role) if role.lost_until.is_none() => {
                self.ask_votes(now, role.tally.silent().collect(), false, out)
            }
            Role::Leader(_) => self.tell_epoch(now, out),
            Role::Follower(role) => {
                let leader = role.leader;
                self.fetch_from(now, leader, out);
            }
            Role::Unattached(_) if !self.is_voter(self.config.node) => self.seek_leader(now, out),
            Role::Resigned(role) => self.tell_end(now, role.untold.iter().copied().collect(), out),
            Role::Unattached(_) | Role::Candidate(_) => {}
        }
    }

    fn ask_votes(&mut self, now: Now, voters: Vec<NodeId>, pre: bool, out: &mut Out) {
        let Some(journal) = self.journal() else { return };
        let (epoch, end, last_epoch) = (self.epoch(), journal.log.end(), journal.last_epoch());
        let (from, directory) = (self.config.node, self.config.directory);
        for to in voters {
            let voter = self.directory_of(to).unwrap_or(Uuid::ZERO);
            let ask = Ballotpaper { from, directory, voter, epoch, last_epoch, end, pre };
            let request = message::vote_request(self.cluster(), to, ask);
            self.call(now, to, Asked::Vote { epoch, pre }, ApiKey::Vote, RequestKind::Vote(request), out);
        }
    }

    fn tell_end(&mut self, now: Now, voters: Vec<NodeId>, out: &mut Out) {
        let Role::Resigned(role) = &self.role else { return };
        let (own, epoch) = (self.config.node, self.epoch());
        let request = message::end_request(self.cluster(), own, epoch, &role.successors);
        for to in voters {
            let body = RequestKind::EndQuorumEpoch(request.clone());
            self.call(now, to, Asked::End { epoch }, ApiKey::EndQuorumEpoch, body, out);
        }
    }

    /// Whoever does not fetch yet, or does not any more, is told who leads.
    fn tell_epoch(&mut self, now: Now, out: &mut Out) {
        let Role::Leader(role) = &self.role else { return };
        let (own, epoch) = (self.config.node, self.epoch());
        let due: Vec<NodeId> = role
            .voters
            .keys()
            .copied()
            .filter(|voter| self.begin_at(role, *voter).is_none_or(|at| at <= now.mono))
            .collect();
        for to in due {
            let body = RequestKind::BeginQuorumEpoch(message::begin_request(self.cluster(), to, own, epoch));
            self.call(now, to, Asked::Begin { epoch }, ApiKey::BeginQuorumEpoch, body, out);
        }
    }

    /// When the voter is to be told (again); `None`: at once.
    fn begin_at(&self, role: &super::leader::Leader, voter: NodeId) -> Option<Mono> {
        let fetched = role.voters.get(&voter).filter(|seen| seen.synced.is_some()).map(|seen| seen.fetched_at);
        let sign = fetched.max(role.told.get(&voter).copied())?;
        Some(sign + Span(self.config.fetch_timeout.0 / 2))
    }

    fn begin_due(&self, role: &super::leader::Leader) -> Option<Mono> {
        // The end of a call or of a pause has a deadline of its own.
        let idle = |voter: &&NodeId| {
            !self.calls.is_busy(**voter, Lane::QuorumVote) && !self.calls.is_paused(**voter, Lane::QuorumVote)
        };
        role.voters.keys().filter(idle).filter_map(|voter| self.begin_at(role, *voter)).min()
    }

    /// Makes the call if that node may be called now.
    pub(super) fn call(&mut self, now: Now, to: NodeId, asked: Asked, key: ApiKey, body: RequestKind, out: &mut Out) {
        let lane = asked.lane();
        let Some(address) = self.address_of(to) else { return };
        if !self.calls.may(now.mono, to, lane) {
            return;
        }
        // Between Esker's own nodes the newest version of a request is spoken.
        let id = out.call(address, lane, key, key.valid_versions().max, body);
        self.calls.insert(id, to, asked, now.mono + self.config.request_timeout);
    }
}
