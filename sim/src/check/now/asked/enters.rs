//! Who joins a group: one that says something else than before, or leads and asks again, gets a later generation than was; one that only
//! asks again gets the one that is, and who leads it all its members. A group takes no more than `group.max.size`, and who takes the place of
//! a static member has it alone (KIP-345).

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::group::{Sight, SightOfMember};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// What a JoinGroup may come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It is refused with this code.
    Refused(ErrorCode),
    /// It is told the generation that is.
    Same(i32),
    /// It is told a later one than this.
    Later(i32),
    /// It depends on what comes.
    Open,
}

#[derive(Debug)]
struct Asked {
    group: StrBytes,
    fate: Fate,
    /// The member whose place it takes.
    old: Option<StrBytes>,
    /// It is a member, or was given its id, and nobody has taken one out since: as long as it waits it is one.
    stays: bool,
}

/// From this version on a member without an id is given one and comes again with it (KIP-394).
const MEMBER_ID_REQUIRED: i16 = 4;

#[derive(Debug, Default)]
pub struct Enters {
    asked: Map<At, Asked>,
}

impl Enters {
    pub fn on_request(&mut self, at: At, request: &JoinGroupRequest, version: i16, core: &Core) {
        let Some(sight) = core.groups.sight(&request.group_id) else { return };
        let mut fate = fate(&sight, request, core.groups.settings().group_max_size);
        let nameless = request.member_id.is_empty() && request.group_instance_id.is_none();
        if version >= MEMBER_ID_REQUIRED && nameless && matches!(fate, Fate::Open) {
            fate = Fate::Refused(ErrorCode::MemberIdRequired);
        }
        let is_there = sight.members.iter().any(|one| one.id == request.member_id);
        let stays = (is_there || sight.expected.contains(&request.member_id)) && !matches!(fate, Fate::Refused(_));
        let instance = request.group_instance_id.as_ref().filter(|_| request.member_id.is_empty());
        let old = instance.and_then(|name| sight.members.iter().find(|one| one.instance.as_ref() == Some(name)));
        let (group, old) = (request.group_id.0.clone(), old.map(|old| old.id.clone()));
        self.asked.insert(at, Asked { group, fate, old, stays });
    }

    /// Somebody leaves, or is taken out.
    pub fn on_leave(&mut self, group: &StrBytes) {
        self.asked.values_mut().filter(|asked| asked.group == *group).for_each(|asked| asked.stays = false);
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, response: &JoinGroupResponse, core: &Core) -> Result<(), Broken> {
        let Some(Asked { group, fate, old, stays }) = self.asked.remove(&at) else { return Ok(()) };
        judge(&group, fate, response)?;
        if stays && response.error_code == ErrorCode::UnknownMemberId.code() {
            let what = format!("puts {} out of {group}, while its JoinGroup waits", response.member_id);
            return Err(("put-out", what));
        }
        let Some(sight) = core.groups.sight(&group).filter(|_| response.error_code == 0) else { return Ok(()) };
        if let Some(old) = old.filter(|old| sight.members.iter().any(|one| one.id == *old)) {
            let what = format!("{group} has {old} still, though {} took its place", response.member_id);
            return Err(("replaced-stays", what));
        }
        judge_told(&group, response, &sight)
    }
}

fn fate(sight: &Sight, request: &JoinGroupRequest, max: usize) -> Fate {
    let own = sight.members.iter().find(|one| one.id == request.member_id);
    let room = match sight.state {
        "PreparingRebalance" => {
            own.is_some_and(|own| own.joins) || sight.members.iter().filter(|one| one.joins).count() < max
        }
        "CompletingRebalance" | "Stable" => own.is_some() || sight.members.len() < max,
        _ => true,
    };
    if !room {
        return Fate::Refused(ErrorCode::GroupMaxSizeReached);
    }
    let Some(own) = own else {
        let stranger = !request.member_id.is_empty() && !sight.expected.contains(&request.member_id);
        // One that names an instance that is another's is fenced; of the two errors either may come first.
        let named = request.group_instance_id.is_some();
        return if stranger && !named { Fate::Refused(ErrorCode::UnknownMemberId) } else { Fate::Open };
    };
    let instance = request.group_instance_id.as_ref();
    if instance.is_some() && own.instance.as_ref() != instance {
        return Fate::Open;
    }
    let leads = sight.leader.as_ref() == Some(&own.id);
    match sight.state {
        "Stable" if leads || !says_the_same(own, request) => Fate::Later(sight.generation),
        "CompletingRebalance" if !says_the_same(own, request) => Fate::Later(sight.generation),
        "Stable" | "CompletingRebalance" => Fate::Same(sight.generation),
        _ => Fate::Open,
    }
}

fn says_the_same(member: &SightOfMember, request: &JoinGroupRequest) -> bool {
    let said = member.protocols.iter().map(|(name, words)| (name, words));
    said.eq(request.protocols.iter().map(|one| (&one.name, &one.metadata)))
}

fn judge(group: &str, fate: Fate, response: &JoinGroupResponse) -> Result<(), Broken> {
    let (code, generation) = (response.error_code, response.generation_id);
    let right = match fate {
        Fate::Open => code != ErrorCode::GroupMaxSizeReached.code(),
        Fate::Refused(reason) => code == reason.code() || is_from_elsewhere(code),
        Fate::Same(is) => code == 0 && generation == is || is_from_elsewhere(code),
        Fate::Later(was) => code != 0 || generation > was,
    };
    if right {
        return Ok(());
    }
    Err(("joins-wrongly", format!("answers {code}, generation {generation}, to a JoinGroup of {group}, not {fate:?}")))
}

/// Whether the group was not even asked, or has other assignors.
fn is_from_elsewhere(code: i16) -> bool {
    let told = [
        ErrorCode::InconsistentGroupProtocol,
        ErrorCode::InvalidSessionTimeout,
        ErrorCode::InvalidGroupId,
        ErrorCode::InvalidRequest,
        ErrorCode::NotCoordinator,
        ErrorCode::CoordinatorNotAvailable,
    ];
    told.iter().any(|known| known.code() == code)
}

/// Who is told a generation is a member of it; who leads it is told all of them, as long as it is for it to assign.
fn judge_told(group: &str, response: &JoinGroupResponse, sight: &Sight) -> Result<(), Broken> {
    if sight.generation != response.generation_id {
        return Ok(());
    }
    let mut told: Vec<&StrBytes> = response.members.iter().map(|one| &one.member_id).collect();
    told.sort_unstable();
    let all: Vec<&StrBytes> = sight.members.iter().map(|one| &one.id).collect();
    let leads = sight.leader.as_ref() == Some(&response.member_id);
    let wrong = match sight.state {
        "CompletingRebalance" if leads => told != all,
        "CompletingRebalance" => !told.is_empty(),
        _ => false,
    };
    if !wrong && all.contains(&&response.member_id) {
        return Ok(());
    }
    let what = format!("tells {} the members {told:?} of {group}, which has {all:?}", response.member_id);
    Err(("told-other-members", what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::{sight, text};
    use bytes::Bytes;
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;

    fn join(member: &'static str, words: &'static [u8]) -> JoinGroupRequest {
        let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
        JoinGroupRequest::default()
            .with_member_id(text(member))
            .with_protocols(vec![protocol.with_metadata(Bytes::from_static(words))])
    }

    #[test]
    fn who_changes_or_leads_gets_another_generation() {
        let mut group = sight("Stable", 4, &[("a", None), ("b", None)]);
        let fate = |group: &Sight, request: &JoinGroupRequest, max| super::fate(group, request, max);
        assert_eq!(fate(&group, &join("b", b"t"), 9), Fate::Same(4));
        assert_eq!(fate(&group, &join("b", b"u"), 9), Fate::Later(4));
        assert_eq!(fate(&group, &join("a", b"t"), 9), Fate::Later(4), "it leads");
        assert_eq!(fate(&group, &join("c", b"t"), 9), Fate::Refused(ErrorCode::UnknownMemberId));
        assert_eq!(fate(&group, &join("", b"t"), 2), Fate::Refused(ErrorCode::GroupMaxSizeReached));
        group.state = "CompletingRebalance";
        assert_eq!(fate(&group, &join("a", b"t"), 9), Fate::Same(4), "it may not have got the answer");
        group.state = "PreparingRebalance";
        assert_eq!(fate(&group, &join("a", b"t"), 9), Fate::Open);
    }

    #[test]
    fn another_generation_than_is_due_is_caught() {
        let told =
            |code: i16, generation| JoinGroupResponse::default().with_error_code(code).with_generation_id(generation);
        let judge = |fate, response| judge("g", fate, &response).is_ok();
        assert!(
            judge(Fate::Same(4), told(0, 4)) && judge(Fate::Later(4), told(0, 5)) && judge(Fate::Later(4), told(27, 0))
        );
        assert!(!judge(Fate::Same(4), told(0, 5)) && !judge(Fate::Later(4), told(0, 4)));
        assert!(!judge(Fate::Refused(ErrorCode::GroupMaxSizeReached), told(0, 5)));
    }

    #[test]
    fn a_leader_that_is_not_told_all_is_caught() {
        let group = sight("CompletingRebalance", 4, &[("a", None), ("b", None)]);
        let told = |member: &'static str, members: &[&'static str]| {
            let members = members.iter().map(|id| JoinGroupResponseMember::default().with_member_id(text(id)));
            JoinGroupResponse::default()
                .with_generation_id(4)
                .with_member_id(text(member))
                .with_members(members.collect())
        };
        let judge = |response| judge_told("g", &response, &group).is_ok();
        assert!(judge(told("a", &["b", "a"])) && judge(told("b", &[])));
        assert!(!judge(told("a", &[])) && !judge(told("a", &["a"])) && !judge(told("b", &["a", "b"])));
        assert!(!judge(told("c", &[])), "who is no member");
    }
}
