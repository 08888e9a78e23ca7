//! How long a group waits: for its members to join as long as the most patient of them said when it joined last (`rebalance.timeout.ms`), and
//! once more so long for all to ask for their parts. Whoever comes meanwhile makes it no longer, and it waits for nobody who is not missing.
//! A group that was empty waits for more to come, for no longer than that either (KIP-134).

use super::{At, Broken};
use crate::table::Map;
use esker_core::group::Wait;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// Group and member.
type Who = (StrBytes, StrBytes);

/// A wait as it was seen last: in which epoch of the coordinator, for which generation, and until when.
#[derive(Clone, Copy, Debug)]
struct Seen {
    epoch: LeaderEpoch,
    generation: i32,
    joining: bool,
    stable: bool,
    until: Mono,
    /// When it has to be over, where only time ends it.
    most: Mono,
}

/// The longest that the members of a group said: at least, and at most, if that is known of all. Who has gone since may have said the most.
type Longest = (Span, Option<Span>);

#[derive(Debug, Default)]
pub struct Patience {
    /// Joins without an answer, with what they say.
    asked: Map<At, (Who, Span)>,
    /// What members said that have joined, to whom: a later coordinator knows what was written down.
    said: Map<Who, (usize, LeaderEpoch, Span)>,
    waits: Map<(usize, StrBytes), Seen>,
}

impl Patience {
    pub fn on_start(&mut self, node: usize) {
        self.waits.retain(|(of, _), _| *of != node);
    }

    pub fn on_join(&mut self, at: At, request: &JoinGroupRequest) {
        let who = (request.group_id.0.clone(), request.member_id.clone());
        self.asked.insert(at, (who, Span::from_kafka_millis(i64::from(request.rebalance_timeout_ms))));
    }

    pub fn on_joined(&mut self, node: usize, at: At, response: &JoinGroupResponse, core: &Core) {
        let Some(((group, _), said)) = self.asked.remove(&at).filter(|_| response.error_code == 0) else { return };
        if let Some(epoch) = core.groups.epoch_of(core.groups.partition_of(&group)) {
            self.said.insert((group, response.member_id.clone()), (node, epoch, said));
        }
    }

    /// A node has handled an input.
    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        if !core.groups.has_changed() {
            return Ok(());
        }
        let mut there = Vec::new();
        for wait in core.groups.waits() {
            let Some(epoch) = core.groups.epoch_of(core.groups.partition_of(wait.group)) else { continue };
            let key = (node, wait.group.clone());
            let before = self.waits.get(&key).copied();
            let before =
                before.filter(|was| (was.epoch, was.generation, was.joining) == (epoch, wait.generation, wait.joining));
            let most = match before {
                Some(was) if was.until == wait.until || wait.delayed => was.most,
                _ => {
                    let longest = self.longest(node, epoch, wait.group, core);
                    if !wait.delayed {
                        judge_length(&wait, wait.until.since(now), longest)?;
                    }
                    let delay = core.groups.settings().initial_rebalance_delay;
                    longest.1.map_or(Mono(u64::MAX), |most| now + most.max(delay))
                }
            };
            judge(&wait, before.map(|was| was.until), most, now)?;
            let seen = Seen {
                epoch,
                generation: wait.generation,
                joining: wait.joining,
                stable: wait.stable,
                until: wait.until,
                most,
            };
            self.waits.insert(key, seen);
            there.push(wait.group.clone());
        }
        self.waits.retain(|(of, group), _| *of != node || there.contains(group));
        Ok(())
    }

    /// Whether a group was being put together anew when the node's last input was handled.
    pub fn gathered(&self, node: usize, group: &StrBytes) -> bool {
        self.waits.get(&(node, group.clone())).is_some_and(|was| !was.stable)
    }

    fn longest(&self, node: usize, epoch: LeaderEpoch, group: &StrBytes, core: &Core) -> Longest {
        let members = core.groups.sight(group).map(|sight| sight.members).unwrap_or_default();
        let of_group = |who: &Who| who.0 == *group;
        // Of those who said it to an earlier coordinator some may have been here, and gone at this very moment (seed 40000000187).
        let ever = self.said.iter().filter(|(who, _)| of_group(who));
        let ever = ever
            .map(|(_, said)| said.2)
            .chain(self.asked.values().filter(|(who, _)| of_group(who)).map(|asked| asked.1));
        let (mut least, mut most) = (Span::ZERO, Some(ever.max().unwrap_or(Span::ZERO)));
        // Of one that has no members nobody knows who they were.
        if members.is_empty() {
            return (least, None);
        }
        for member in members {
            let who = (group.clone(), member.id);
            let said = self.said.get(&who).filter(|said| (said.0, said.1) == (node, epoch)).map(|said| said.2);
            // Whether what it asks now was heard already nobody can tell.
            let asks = self.asked.values().filter(|(of, _)| *of == who).map(|(_, said)| *said);
            let all: Vec<Span> = said.into_iter().chain(asks).collect();
            let known = said.is_some();
            least = least.max(all.iter().min().copied().filter(|_| known).unwrap_or(Span::ZERO));
            most = most.filter(|_| known);
        }
        (least, most)
    }
}

/// What the group waits for is to last `length`.
fn judge_length(wait: &Wait<'_>, length: Span, (least, most): Longest) -> Result<(), Broken> {
    if length >= least && most.is_none_or(|most| length <= most) {
        return Ok(());
    }
    let (group, ms) = (wait.group.as_str(), length.as_millis());
    let longest = (least.as_millis(), most.map(Span::as_millis));
    let what = if wait.joining { "to join" } else { "to ask for their parts" };
    Err(("impatient", format!("gives the members of {group} {ms} ms {what}, and they said {longest:?} at most")))
}

/// `before`: until when the same was waited for; `most`: when it is over in any case.
fn judge(wait: &Wait<'_>, before: Option<Mono>, most: Mono, now: Mono) -> Result<(), Broken> {
    let (group, generation) = (wait.group.as_str(), wait.generation);
    if !wait.delayed && !wait.missing {
        return Err((
            "waits-for-nobody",
            format!("waits in generation {generation} of {group}, and nobody is missing"),
        ));
    }
    let longer = before.is_some_and(|until| until > now && wait.until != until);
    if longer || wait.delayed && wait.until > most {
        let (until, is) = (before.unwrap_or(most).0, wait.until.0);
        return Err(("waits-anew", format!("waits in generation {generation} of {group} until {is}, and not {until}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: StrBytes = StrBytes::from_static_str("g");

    fn wait(group: &StrBytes, until: u64) -> Wait<'_> {
        Wait { group, generation: 3, joining: true, stable: false, delayed: false, missing: true, until: Mono(until) }
    }

    #[test]
    fn as_long_as_the_most_patient_said() {
        let group = GROUP;
        let judge = |length, most: Option<u64>| {
            judge_length(&wait(&group, 0), Span(length), (Span(50), most.map(Span))).map_err(|broken| broken.0)
        };
        assert_eq!((judge(50, Some(50)), judge(70, None), judge(60, Some(70))), (Ok(()), Ok(()), Ok(())));
        assert_eq!((judge(49, Some(50)), judge(71, Some(70))), (Err("impatient"), Err("impatient")));
    }

    #[test]
    fn who_comes_makes_it_no_longer() {
        let group = GROUP;
        let judge = |before, until, now| judge(&wait(&group, until), before, Mono(900), Mono(now)).is_ok();
        assert!(judge(None, 100, 10) && judge(Some(Mono(100)), 100, 20));
        assert!(judge(Some(Mono(100)), 200, 100), "its time was up, and static members have theirs");
        assert!(!judge(Some(Mono(100)), 120, 20));
    }

    #[test]
    fn a_wait_for_nobody_and_a_delay_without_end_are_caught() {
        let group = GROUP;
        let judge = |wait: Wait<'_>| judge(&wait, None, Mono(900), Mono(10)).map_err(|broken| broken.0);
        assert_eq!(judge(Wait { missing: false, ..wait(&group, 100) }), Err("waits-for-nobody"));
        assert_eq!(judge(Wait { missing: false, delayed: true, ..wait(&group, 900) }), Ok(()));
        assert_eq!(judge(Wait { delayed: true, ..wait(&group, 901) }), Err("waits-anew"));
    }
}
