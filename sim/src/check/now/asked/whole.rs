//! A generation has the members that joined for it, and has them until the next one begins: who did not come is not in it, unless it is a static
//! member, which has its place until its session ends (KIP-345), and never leads it; it begins when nobody is missing any more, and then nobody waits any
//! longer for it; and when one goes the others are told.

use super::super::Broken;
use crate::table::Map;
use esker_core::group::Sight;
use esker_core::id::{LeaderEpoch, NodeId};
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// A generation as it was seen: where, in which epoch of the coordinator, and with which members.
type Seen = (NodeId, LeaderEpoch, i32, Vec<StrBytes>);

#[derive(Debug, Default)]
pub struct Whole {
    /// The generation that each member of each group had before it when it joined last.
    joined: Map<(StrBytes, StrBytes), i32>,
    seen: Map<StrBytes, Seen>,
    /// While its members join: the static ones, each with when its session ends.
    statics: Map<StrBytes, (NodeId, LeaderEpoch, i32, Vec<(StrBytes, Mono)>)>,
}

impl Whole {
    pub fn on_join(&mut self, request: &JoinGroupRequest, sight: &Sight) {
        if !request.member_id.is_empty() {
            self.joined.insert((request.group_id.0.clone(), request.member_id.clone()), sight.generation);
        }
    }

    pub fn on_joined(&mut self, group: &StrBytes, response: &JoinGroupResponse) {
        if response.error_code == 0 {
            // One that said its id is counted from when it did.
            let who = (group.clone(), response.member_id.clone());
            self.joined.entry(who).or_insert(response.generation_id);
        }
    }

    /// It is heard when the node takes clients: nobody has seen in which generation.
    pub fn forget(&mut self, group: &StrBytes) {
        self.joined.retain(|(of, _), _| of != group);
    }

    /// A member leaves, is taken out, or finds no room: nothing is said of who is missing then.
    pub fn on_gone(&mut self, group: &StrBytes) {
        self.statics.remove(group);
    }

    /// An input is handled that was about that group.
    pub fn on_handled(group: &StrBytes, core: &Core) -> Result<(), Broken> {
        core.groups.sight(group).map_or(Ok(()), |sight| judge_told(group, &sight))
    }

    pub fn look(&mut self, group: &StrBytes, now: Mono, core: &Core) -> Result<(), Broken> {
        let epoch = core.groups.epoch_of(core.groups.partition_of(group));
        let (Some(sight), Some(epoch)) = (core.groups.sight(group), epoch) else { return Ok(()) };
        let (sight, at) = (&sight, (core.config.node, epoch));
        if sight.state == "CompletingRebalance"
            && let Some((node, epoch, generation, before)) = self.statics.remove(group)
            && (node, epoch, generation + 1) == (at.0, at.1, sight.generation)
        {
            judge_statics(group, sight, &before, now)?;
        }
        if sight.state == "PreparingRebalance" {
            let named = sight.members.iter().filter_map(|one| {
                let (until, _) = core.groups.session_of(group, &one.id)?;
                Some((one.instance.clone()?, until))
            });
            self.statics.insert(group.clone(), (at.0, at.1, sight.generation, named.collect()));
        }
        if !matches!(sight.state, "CompletingRebalance" | "Stable") {
            judge_waits(group, sight)?;
            self.seen.remove(group);
            return Ok(());
        }
        if sight.state == "CompletingRebalance" {
            let known = |id: &StrBytes| self.joined.get(&(group.clone(), id.clone())).copied();
            judge_joined(group, sight, known)?;
        }
        let members: Vec<StrBytes> = sight.members.iter().map(|one| one.id.clone()).collect();
        let now = (at.0, at.1, sight.generation, members);
        let before = self.seen.insert(group.clone(), now.clone());
        before.map_or(Ok(()), |before| judge_kept(group, &before, &now))
    }
}

/// `joined`: the generation that there was when a member joined last, if that is known.
fn judge_joined(group: &str, sight: &Sight, joined: impl Fn(&StrBytes) -> Option<i32>) -> Result<(), Broken> {
    let leads = |id: &StrBytes| sight.leader.as_ref() == Some(id);
    let has_to = sight.members.iter().filter(|one| one.instance.is_none() || leads(&one.id));
    match has_to.into_iter().find(|one| joined(&one.id).is_some_and(|was| was < sight.generation - 1)) {
        None => Ok(()),
        Some(late) => {
            let (id, was) = (late.id.as_str(), joined(&late.id));
            Err((
                "never-joined",
                format!("has {id} in generation {} of {group}, which joined in {was:?}", sight.generation),
            ))
        }
    }
}

/// A session may become a little shorter when its member joins.
const SLACK: Span = Span::from_millis(100);

/// `before`: the static members while they joined, and when the session of each was to end.
fn judge_statics(group: &str, sight: &Sight, before: &[(StrBytes, Mono)], now: Mono) -> Result<(), Broken> {
    let is_there = |name: &StrBytes| sight.members.iter().any(|one| one.instance.as_ref() == Some(name));
    match before.iter().find(|(name, until)| *until > now + SLACK && !is_there(name)) {
        None => Ok(()),
        Some((name, until)) => {
            let left = until.since(now).as_millis();
            Err((
                "put-out",
                format!(
                    "has no {name} in generation {} of {group}, whose session has {left} ms left",
                    sight.generation
                ),
            ))
        }
    }
}

/// When nobody is missing any more the generation begins.
fn judge_waits(group: &str, sight: &Sight) -> Result<(), Broken> {
    let joining = sight.state == "PreparingRebalance" && !sight.delayed;
    if !(joining && sight.expected.is_empty() && sight.members.iter().all(|one| one.joins)) {
        return Ok(());
    }
    Err((
        "waits-for-nobody",
        format!("begins no generation of {group} behind {}, though all have joined", sight.generation),
    ))
}

/// Whose generation has begun has been told so. (In a stable group one that takes a static member's place waits for its record.)
fn judge_told(group: &str, sight: &Sight) -> Result<(), Broken> {
    let begun = matches!(sight.state, "CompletingRebalance" | "Empty");
    match sight.members.iter().find(|one| begun && one.joins) {
        None => Ok(()),
        Some(one) => {
            let (id, generation) = (one.id.as_str(), sight.generation);
            Err(("waits-for-nobody", format!("does not tell {id} that generation {generation} of {group} has begun")))
        }
    }
}

fn judge_kept(group: &str, before: &Seen, now: &Seen) -> Result<(), Broken> {
    let same = (before.0, before.1, before.2) == (now.0, now.1, now.2);
    // Who takes a static member's place has another id: then nothing is said of who is missing.
    let fewer = now.3.len() < before.3.len() && now.3.iter().all(|id| before.3.contains(id));
    if !(same && fewer) {
        return Ok(());
    }
    let what = format!("goes on in generation {} of {group} with {:?}, which began with {:?}", now.2, now.3, before.3);
    Err(("goes-on-without", what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::{sight, text};

    #[test]
    fn who_did_not_join_is_not_in_it() {
        let mut group = sight("CompletingRebalance", 5, &[("a", None), ("b", Some("i"))]);
        let judge = |group: &Sight, a, b| {
            judge_joined("g", group, |id| if *id == text("a") { a } else { b }).map_err(|broken| broken.0)
        };
        assert_eq!(judge(&group, Some(4), Some(4)), Ok(()));
        assert_eq!(judge(&group, Some(5), Some(2)), Ok(()), "a static member has time");
        assert_eq!(judge(&group, None, None), Ok(()), "nobody knows");
        assert_eq!(judge(&group, Some(3), Some(4)), Err("never-joined"));
        group.leader = Some(text("b"));
        assert_eq!(judge(&group, Some(4), Some(3)), Err("never-joined"), "who leads has to be there");
    }

    #[test]
    fn a_static_member_that_is_late_keeps_its_place() {
        let group = sight("CompletingRebalance", 5, &[("a", None), ("b", Some("i"))]);
        let judge = |name, until| judge_statics("g", &group, &[(text(name), Mono(until))], Mono(1_000_000)).is_ok();
        assert!(judge("i", 9_000_000) && judge("j", 1_000_000));
        assert!(!judge("j", 9_000_000));
    }

    #[test]
    fn when_all_have_joined_it_begins() {
        let mut group = sight("PreparingRebalance", 4, &[("a", None), ("b", None)]);
        group.members[0].joins = true;
        assert!(judge_waits("g", &group).is_ok());
        group.members[1].joins = true;
        assert!(judge_waits("g", &group).is_err());
        group.delayed = true;
        assert!(judge_waits("g", &group).is_ok(), "others may come");
    }

    #[test]
    fn who_joins_when_all_have_joined_is_told() {
        let mut group = sight("CompletingRebalance", 4, &[("a", None), ("b", Some("i"))]);
        assert!(judge_told("g", &group).is_ok());
        group.members[1].joins = true;
        assert_eq!(judge_told("g", &group).unwrap_err().0, "waits-for-nobody");
        group.state = "Stable";
        assert!(judge_told("g", &group).is_ok());
    }

    #[test]
    fn a_member_less_in_the_same_generation_is_caught() {
        let seen = |epoch, generation, members: &[&'static str]| {
            (NodeId(1), LeaderEpoch(epoch), generation, members.iter().map(|id| text(id)).collect())
        };
        let judge = |before: Seen, now: Seen| judge_kept("g", &before, &now).map_err(|broken| broken.0);
        assert_eq!(judge(seen(1, 4, &["a", "b"]), seen(1, 4, &["a"])), Err("goes-on-without"));
        assert_eq!(judge(seen(1, 4, &["a", "b"]), seen(1, 5, &["a"])), Ok(()));
        assert_eq!(judge(seen(1, 4, &["a", "b"]), seen(2, 4, &["a"])), Ok(()), "what the log says");
        assert_eq!(judge(seen(1, 4, &["a", "b"]), seen(1, 4, &["a", "c"])), Ok(()), "in the place of b");
    }
}
