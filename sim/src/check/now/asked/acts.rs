//! Who acts in a group's name: a heartbeat, a SyncGroup and a commit are taken of a member of the generation that is, of the one that has its
//! instance now (KIP-345), and in a phase that has a place for them; whoever is refused is told the right reason.

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::group::Sight;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{HeartbeatRequest, OffsetCommitRequest, SyncGroupRequest};
use kafka_protocol::protocol::StrBytes;

/// The codes by which a group says that who speaks may not: others come from below it.
const REASONS: [ErrorCode; 5] = [
    ErrorCode::UnknownMemberId,
    ErrorCode::IllegalGeneration,
    ErrorCode::FencedInstanceId,
    ErrorCode::RebalanceInProgress,
    ErrorCode::InconsistentGroupProtocol,
];

/// Who speaks: member, instance, generation.
type Speaker<'a> = (&'a StrBytes, Option<&'a StrBytes>, i32);

/// What each that has no answer may be told: nothing wrong, or this code.
#[derive(Debug, Default)]
pub struct Acts {
    asked: Map<At, Asked>,
}

#[derive(Debug)]
struct Asked {
    what: String,
    expected: Result<(), ErrorCode>,
    /// Its answer waits for others: by then it may be told something else.
    waits: bool,
}

impl Acts {
    pub fn on_heartbeat(&mut self, at: At, request: &HeartbeatRequest, core: &Core) {
        let speaker = (&request.member_id, request.group_instance_id.as_ref(), request.generation_id);
        self.ask(at, "a heartbeat", &request.group_id, speaker, core, |sight| may_take_part(sight, speaker));
    }

    pub fn on_sync(&mut self, at: At, version: i16, request: &SyncGroupRequest, core: &Core) {
        let speaker = (&request.member_id, request.group_instance_id.as_ref(), request.generation_id);
        self.ask(at, "a SyncGroup", &request.group_id, speaker, core, |sight| may_take_part(sight, speaker));
        // Of members of the generation, whatever the phase.
        let wrong = |sight: Sight| may_speak(&sight, speaker).is_ok() && is_foreign(&sight, request);
        let foreign = core.groups.sight(&request.group_id).is_some_and(wrong);
        // Who has to name the protocol and does not is not looked for.
        let unnamed = version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none());
        if let Some(asked) = self.asked.get_mut(&at).filter(|_| foreign || unnamed) {
            asked.expected = Err(ErrorCode::InconsistentGroupProtocol);
        }
        if let Some(asked) = self.asked.get_mut(&at) {
            let stable = core.groups.sight(&request.group_id).is_some_and(|sight| sight.state == "Stable");
            asked.waits = !stable && asked.expected.is_ok();
        }
    }

    pub fn on_commit(&mut self, at: At, request: &OffsetCommitRequest, core: &Core) {
        let generation = request.generation_id_or_member_epoch;
        let speaker = (&request.member_id, request.group_instance_id.as_ref(), generation);
        self.ask(at, "a commit", &request.group_id, speaker, core, |sight| may_commit(sight, speaker));
    }

    fn ask(
        &mut self,
        at: At,
        what: &str,
        group: &StrBytes,
        (member, _, generation): Speaker<'_>,
        core: &Core,
        may: impl Fn(&Sight) -> Result<(), ErrorCode>,
    ) {
        let Some(sight) = core.groups.sight(group).filter(|_| !group.is_empty()) else { return };
        let what = format!(
            "{what} of {} in generation {generation} of {group}, which is {} in {}",
            member.as_str(),
            sight.state,
            sight.generation
        );
        self.asked.insert(at, Asked { what, expected: may(&sight), waits: false });
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    /// `codes`: of each part of the answer.
    pub fn on_answer(&mut self, at: At, codes: &[i16]) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at).filter(|asked| !asked.waits) else { return Ok(()) };
        judge(&asked.what, asked.expected, codes)
    }
}

/// Whether who speaks is a member, and of this generation.
fn may_speak(sight: &Sight, (member, instance, generation): Speaker<'_>) -> Result<(), ErrorCode> {
    if let Some(instance) = instance {
        let holder = sight.members.iter().find(|one| one.instance.as_ref() == Some(instance));
        if holder.ok_or(ErrorCode::UnknownMemberId)?.id != *member {
            return Err(ErrorCode::FencedInstanceId);
        }
    }
    if !sight.members.iter().any(|one| one.id == *member) {
        return Err(ErrorCode::UnknownMemberId);
    }
    if generation == sight.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
}

/// Whether who speaks takes part in the generation that is.
fn may_take_part(sight: &Sight, speaker: Speaker<'_>) -> Result<(), ErrorCode> {
    may_speak(sight, speaker)?;
    match sight.state {
        "PreparingRebalance" => Err(ErrorCode::RebalanceInProgress),
        "Empty" => Err(ErrorCode::UnknownMemberId),
        _ => Ok(()),
    }
}

/// It takes the group for another than it is (KIP-559).
fn is_foreign(sight: &Sight, request: &SyncGroupRequest) -> bool {
    let differs = |said: &Option<StrBytes>, own: &Option<StrBytes>| said.is_some() && own.is_some() && said != own;
    differs(&request.protocol_type, &sight.protocol_type) || differs(&request.protocol_name, &sight.protocol)
}

fn may_commit(sight: &Sight, speaker: Speaker<'_>) -> Result<(), ErrorCode> {
    let (member, instance, generation) = speaker;
    match sight.state {
        // Offsets by hand.
        "Dead" | "Empty" if generation < 0 => return Ok(()),
        "Dead" => return Err(ErrorCode::IllegalGeneration),
        _ if generation < 0 && member.is_empty() && instance.is_none() => return Err(ErrorCode::UnknownMemberId),
        _ => may_speak(sight, speaker)?,
    }
    // Who knows the generation does not know yet what is its own.
    if sight.state == "CompletingRebalance" { Err(ErrorCode::RebalanceInProgress) } else { Ok(()) }
}

fn judge(what: &str, expected: Result<(), ErrorCode>, codes: &[i16]) -> Result<(), Broken> {
    let is_reason = |code: i16| REASONS.iter().any(|reason| reason.code() == code);
    let wrong = codes.iter().copied().find(|code| match expected {
        Ok(()) => is_reason(*code),
        Err(reason) => *code == 0 || is_reason(*code) && *code != reason.code(),
    });
    match wrong {
        None => Ok(()),
        Some(code) => Err(("acts-wrongly", format!("answers {code} to {what}, where {expected:?} is right"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::{sight, text};

    #[test]
    fn who_may_speak_is_a_member_of_the_generation() {
        let group = sight("Stable", 4, &[("a", None), ("b", Some("i"))]);
        let may = |member: &'static str, instance: Option<&'static str>, generation| {
            may_speak(&group, (&text(member), instance.map(text).as_ref(), generation))
        };
        assert_eq!(may("a", None, 4), Ok(()));
        assert_eq!(may("b", Some("i"), 4), Ok(()));
        assert_eq!(may("a", None, 3), Err(ErrorCode::IllegalGeneration));
        assert_eq!(may("c", None, 4), Err(ErrorCode::UnknownMemberId));
        assert_eq!(may("a", Some("i"), 4), Err(ErrorCode::FencedInstanceId));
    }

    #[test]
    fn commits_wait_for_the_partitions() {
        let may = |state, member: &'static str, generation| {
            may_commit(&sight(state, 4, &[("a", None)]), (&text(member), None, generation))
        };
        assert_eq!(may("Stable", "a", 4), Ok(()));
        assert_eq!(may("CompletingRebalance", "a", 4), Err(ErrorCode::RebalanceInProgress));
        assert_eq!(may("Stable", "", -1), Err(ErrorCode::UnknownMemberId));
        assert_eq!(may_commit(&sight("Empty", 4, &[]), (&text(""), None, -1)), Ok(()));
    }

    #[test]
    fn another_answer_than_the_right_one_is_caught() {
        let judge = |expected, codes: &[i16]| judge("it", expected, codes).is_ok();
        let (old, not_here) = (ErrorCode::IllegalGeneration, ErrorCode::NotCoordinator.code());
        assert!(judge(Ok(()), &[0, not_here]) && judge(Err(old), &[old.code()]) && judge(Err(old), &[not_here]));
        assert!(!judge(Err(old), &[0]) && !judge(Ok(()), &[old.code()]));
        assert!(!judge(Err(old), &[ErrorCode::UnknownMemberId.code()]));
    }
}
