//! JoinGroup as a group handles it: members that are new, that come back, that take part again.

use super::super::records::Entry;
use super::super::text::{own, own_bytes};
use super::super::turn::{Then, Turn};
use super::group::{Group, Member, Phase};
use crate::error::ErrorCode;
use crate::id::HoldId;
use crate::io::Ask;
use crate::limits::PENDING_JOINS_MAX;
use crate::mutant::{self, Mutant};
use crate::time::Span;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// How long a new member's first join is kept: it has no id yet, and cannot send heartbeats.
const NEW_MEMBER_JOIN_TIMEOUT: Span = Span::from_millis(5 * 60 * 1000);
/// From this version on a member without an id is given one and comes again with it (KIP-394).
const MEMBER_ID_REQUIRED_VERSION: i16 = 4;

/// A join as a group sees it.
#[derive(Debug)]
pub(in super::super) struct Join<'a> {
    pub hold: HoldId,
    pub ask: &'a Ask,
    pub request: &'a JoinGroupRequest,
    /// An id for it, should it need one.
    pub fresh_id: StrBytes,
}

impl Join<'_> {
    pub fn protocols(&self) -> Vec<(StrBytes, Bytes)> {
        self.request.protocols.iter().map(|one| (own(&one.name), own_bytes(&one.metadata))).collect()
    }
}

/// What is to be appended after a join, and what follows.
pub(super) type Joined = Option<(Entry, Then)>;

impl Group {
    /// Somebody joins, or joins again. Its answer waits in the group until the generation begins, unless it is refused or
    /// has nothing to wait for.
    pub fn on_join(&mut self, turn: &mut Turn<'_>, join: &Join<'_>) -> Joined {
        let id = &join.request.member_id;
        let names = join.request.protocols.iter().map(|one| &one.name);
        if !self.accepts(turn, id) && !mutant::is(Mutant::GroupMaxIgnored) {
            self.dismiss(turn, id);
            refuse(turn, join.hold, &StrBytes::new(), ErrorCode::GroupMaxSizeReached);
            // It may have been the last one that was missing.
            return self.maybe_complete_join(turn).map(|entry| (entry, Then::Nothing));
        }
        if !self.supports(&join.request.protocol_type, names) && !mutant::is(Mutant::OtherProtocolTaken) {
            return refuse(turn, join.hold, id, ErrorCode::InconsistentGroupProtocol);
        }
        match (id.is_empty(), &join.request.group_instance_id) {
            (true, Some(instance)) => match self.statics.get(instance).cloned() {
                Some(old) => self.replace_static(turn, join, &own(instance), &old),
                None => self.take_in(turn, join, &join.fresh_id),
            },
            (true, None) if join.ask.version >= MEMBER_ID_REQUIRED_VERSION && !mutant::is(Mutant::MemberIdNotAsked) => {
                if self.pending_joins.len() >= PENDING_JOINS_MAX {
                    return refuse(turn, join.hold, id, ErrorCode::CoordinatorNotAvailable);
                }
                self.give_id(turn, join);
                None
            }
            (true, None) => self.take_in(turn, join, &join.fresh_id),
            (false, instance) if self.pending_joins.contains(id) => match instance {
                None => self.take_in(turn, join, &own(id)),
                // Ids are only given to dynamic members beforehand.
                Some(_) => refuse(turn, join.hold, &StrBytes::new(), ErrorCode::UnknownServerError),
            },
            (false, _) => self.rejoin(turn, join),
        }
    }

    /// Whether there is room (`group.max.size`). While members join those count that have: the last ones to come are left out.
    fn accepts(&self, turn: &Turn<'_>, id: &StrBytes) -> bool {
        let max = turn.settings.group_max_size;
        match self.phase {
            Phase::Empty => true,
            Phase::Preparing { .. } => {
                self.members.get(id).is_some_and(|member| member.joining.is_some()) || self.awaiting() < max
            }
            Phase::Completing | Phase::Stable => self.members.contains_key(id) || self.members.len() < max,
        }
    }

    fn give_id(&mut self, turn: &mut Turn<'_>, join: &Join<'_>) {
        let id = &join.fresh_id;
        assert!(!self.members.contains_key(id), "group {}: an id given twice", self.id.as_str());
        self.pending_joins.insert(id.clone());
        turn.arm(self.session(id), Span::from_kafka_millis(i64::from(join.request.session_timeout_ms)));
        refuse(turn, join.hold, id, ErrorCode::MemberIdRequired);
    }

    /// Makes a member of somebody who is not one.
    fn take_in(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, id: &StrBytes) -> Joined {
        if let Phase::Preparing { first: Some(first) } = &mut self.phase {
            first.extended = true;
        }
        let member = Member {
            instance: join.request.group_instance_id.as_ref().map(own),
            client_id: own(&join.ask.client_id),
            client_host: own(&join.ask.client_host),
            rebalance_timeout_ms: join.request.rebalance_timeout_ms,
            session_timeout_ms: join.request.session_timeout_ms,
            protocols: join.protocols(),
            assignment: Bytes::new(),
            joining: Some(join.hold),
            syncing: None,
            is_new: true,
        };
        self.add(id.clone(), own(&join.request.protocol_type), member);
        turn.arm(self.session(id), NEW_MEMBER_JOIN_TIMEOUT);
        self.rebalance(turn).map(|entry| (entry, Then::Nothing))
    }

    /// A member joins again.
    fn rejoin(&mut self, turn: &mut Turn<'_>, join: &Join<'_>) -> Joined {
        let id = &join.request.member_id;
        if let Err(code) = self.validate_member(id, join.request.group_instance_id.as_ref()) {
            return refuse(turn, join.hold, id, code);
        }
        let says_the_same = self.members.get(id).is_some_and(|member| says_the_same(member, join.request));
        let leads = self.is_leader(id);
        let stays = match self.phase {
            Phase::Empty => return refuse(turn, join.hold, id, ErrorCode::UnknownMemberId),
            Phase::Preparing { .. } => false,
            // It may not have got the answer: it gets it again.
            Phase::Completing => says_the_same,
            // A leader that joins again wants new assignments though the members say the same: the topics changed.
            Phase::Stable if says_the_same => !leads || mutant::is(Mutant::LeaderRejoinUnheard),
            Phase::Stable => mutant::is(Mutant::SubscriptionChangeUnheard),
        };
        if stays {
            let with_members = leads && self.phase == Phase::Completing && !mutant::is(Mutant::LeaderRetryGetsNobody);
            turn.release(join.hold, self.joined(id, with_members));
            return None;
        }
        self.update(turn, join, id);
        self.rebalance(turn).map(|entry| (entry, Then::Nothing))
    }

    /// Puts what a member says now in the place of what it said before; its join waits.
    pub fn update(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, id: &StrBytes) {
        self.say(id, join.protocols());
        let Some(member) = self.members.get_mut(id) else { return };
        if !mutant::is(Mutant::RejoinKeepsRebalance) {
            member.rebalance_timeout_ms = join.request.rebalance_timeout_ms;
        }
        if !mutant::is(Mutant::RejoinKeepsSession) {
            member.session_timeout_ms = join.request.session_timeout_ms;
        }
        let before = member.joining.replace(join.hold);
        if let Some(before) = before.filter(|_| !mutant::is(Mutant::FirstJoinUnanswered)) {
            // It asked again: nobody waits for the first answer any more, but it holds the place of those behind it.
            refuse(turn, before, id, ErrorCode::RebalanceInProgress);
        }
    }
}

fn says_the_same(member: &Member, request: &JoinGroupRequest) -> bool {
    let said = member.protocols.iter().map(|(name, data)| (name, data));
    said.eq(request.protocols.iter().map(|one| (&one.name, &one.metadata)))
}

/// Answers a join with nothing but `code`.
pub(super) fn refuse(turn: &mut Turn<'_>, hold: HoldId, id: &StrBytes, code: ErrorCode) -> Joined {
    let response = JoinGroupResponse::default().with_protocol_name(None).with_member_id(id.clone());
    turn.release(hold, response.with_error_code(code.code()));
    None
}
