//! Of several that leave at once each is told whether it was a member, and those that were are none any more.

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::group::Sight;
use esker_core::node::Node as Core;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// Of each that leaves the member that goes, or why none does.
type Leaving = Vec<Result<StrBytes, ErrorCode>>;

#[derive(Debug, Default)]
pub struct Left {
    asked: Map<At, (StrBytes, Leaving)>,
}

impl Left {
    pub fn on_request(&mut self, at: At, request: &LeaveGroupRequest, core: &Core) {
        let group = &request.group_id.0;
        if let Some(sight) = core.groups.sight(group).filter(|_| !request.members.is_empty()) {
            self.asked.insert(at, (group.clone(), leaving(sight, &request.members)));
        }
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, response: &LeaveGroupResponse, core: &Core) -> Result<(), Broken> {
        let Some((group, expected)) = self.asked.remove(&at).filter(|_| response.error_code == 0) else {
            return Ok(());
        };
        let told: Vec<i16> = response.members.iter().map(|one| one.error_code).collect();
        judge(&group, &expected, &told, core.groups.sight(&group).as_ref())
    }
}

/// One after the other, as they are named.
fn leaving(mut sight: Sight, named: &[MemberIdentity]) -> Leaving {
    named.iter().map(|one| leave(&mut sight, one)).collect()
}

fn leave(sight: &mut Sight, one: &MemberIdentity) -> Result<StrBytes, ErrorCode> {
    let id = one.member_id.clone();
    let holder = one.group_instance_id.as_ref().map(|name| {
        let holder = sight.members.iter().find(|member| member.instance.as_ref() == Some(name));
        holder.map(|holder| holder.id.clone())
    });
    if sight.expected.contains(&id) {
        sight.expected.retain(|known| *known != id);
        return Ok(id);
    }
    let gone = match holder {
        Some(None) => return Err(ErrorCode::UnknownMemberId),
        Some(Some(holder)) if id.is_empty() || holder == id => holder,
        Some(Some(_)) => return Err(ErrorCode::FencedInstanceId),
        None => id,
    };
    let place = sight.members.iter().position(|member| member.id == gone).ok_or(ErrorCode::UnknownMemberId)?;
    Ok(sight.members.remove(place).id)
}

fn judge(group: &str, expected: &Leaving, told: &[i16], sight: Option<&Sight>) -> Result<(), Broken> {
    let codes: Vec<i16> = expected.iter().map(|one| one.as_ref().err().map_or(0, |code| code.code())).collect();
    let stays = |id: &StrBytes| sight.is_some_and(|sight| sight.members.iter().any(|member| member.id == *id));
    let stayed = expected.iter().flatten().find(|id| stays(id));
    if codes == told && stayed.is_none() {
        return Ok(());
    }
    Err(("leaves-wrongly", format!("tells {told:?} where {expected:?} leave {group}, of which {stayed:?} has stayed")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::{sight, text};

    #[test]
    fn each_leaves_or_is_told_why_not() {
        let group = || sight("Stable", 4, &[("a", None), ("b", Some("i"))]);
        let one = |id: &'static str, instance: Option<&'static str>| {
            MemberIdentity::default().with_member_id(text(id)).with_group_instance_id(instance.map(text))
        };
        let named = [one("a", None), one("", Some("i")), one("c", None), one("a", None)];
        let unknown = ErrorCode::UnknownMemberId;
        let all = leaving(group(), &named);
        assert_eq!(all, [Ok(text("a")), Ok(text("b")), Err(unknown), Err(unknown)]);
        assert_eq!(leaving(group(), &[one("a", Some("i"))]), [Err(ErrorCode::FencedInstanceId)]);
        let told = [0, 0, unknown.code(), unknown.code()];
        assert!(judge("g", &all, &told, Some(&sight("Empty", 5, &[]))).is_ok());
        assert!(judge("g", &all, &told, Some(&sight("Stable", 4, &[("b", None)]))).is_err(), "it has stayed");
        assert!(judge("g", &all, &[0; 4], None).is_err());
    }
}
