//! A static member whose place another has taken is fenced (KIP-345): it commits nothing any more. When a place was taken is not when its
//! member was told so, which may be late; that it committed says that it was its then.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Map;
use std::collections::BTreeMap;

/// A member of a group, as far as a place is concerned.
#[derive(Default)]
struct Member {
    /// When it was told last that the place is its own.
    told: u64,
    /// Its last commit that was acked: when that was sent, and when it was answered.
    committed: Option<(u64, u64)>,
}

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    // Who has or had a place, and which place a client took last.
    let mut members: Map<(u32, &str), BTreeMap<u32, Member>> = Map::default();
    let mut place: Map<(u32, u32), &str> = Map::default();
    for op in &view.ops {
        match op.asked {
            Act::Assigned { group, instance: Some(instance), .. } => {
                let member = Member { told: op.invoked, committed: None };
                members.entry((*group, instance.as_str())).or_default().insert(op.client, member);
                place.insert((*group, op.client), instance.as_str());
            }
            Act::Commit { group, .. } if op.state == State::Ok => {
                let Some(place) = place.get(&(*group, op.client)) else { continue };
                let members = members.entry((*group, *place)).or_default();
                let told = members.get(&op.client).map_or(0, |own| own.told);
                let after = |other: &Member| other.committed.is_some_and(|at| told < at.0 && at.1 < op.invoked);
                let holder = members.iter().find(|(client, other)| **client != op.client && after(other));
                if let Some((holder, _)) = holder {
                    let what = format!(
                        "a commit of member {} of group {group} was acked, though {holder} has its place {place}",
                        op.client
                    );
                    found.push(Anomaly::new("replaced-commit", op.invoked, what));
                }
                members.entry(op.client).or_default().committed = Some((op.invoked, op.ended));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, story};
    use super::check;
    use crate::history::{Act, State};

    fn assigned(story: Story, client: u32) -> Story {
        let instance = Some("a".to_string());
        story.alone(client, State::Ok, Act::Assigned { group: 0, generation: 3, partitions: vec![0], instance })
    }

    fn commit(story: Story, client: u32, state: State) -> Story {
        story.whole(
            client,
            Act::Commit { group: 0, generation: 3, offsets: vec![(0, 1)], expires: false },
            state,
            Act::Done,
        )
    }

    /// The first is told, then the second, which commits.
    fn replaced() -> Story {
        commit(assigned(assigned(story(), 1), 2), 2, State::Ok)
    }

    #[test]
    fn one_that_was_replaced_and_commits_is_caught() {
        assert_eq!(commit(replaced(), 1, State::Ok).judged(check), ["replaced-commit"]);
    }

    #[test]
    fn refused_it_passes_and_so_does_the_new_one_and_one_that_came_back() {
        assert!(commit(replaced(), 1, State::Info).judged(check).is_empty());
        assert!(commit(replaced(), 2, State::Ok).judged(check).is_empty());
        assert!(commit(assigned(replaced(), 1), 1, State::Ok).judged(check).is_empty());
    }

    #[test]
    fn who_was_told_last_need_not_be_who_came_last() {
        assert!(commit(assigned(assigned(story(), 1), 2), 1, State::Ok).judged(check).is_empty());
        let mut late = assigned(assigned(story(), 1), 2);
        let op = late.invoke(2, Act::Commit { group: 0, generation: 3, offsets: vec![(0, 1)], expires: false });
        let mut late = commit(late, 1, State::Ok);
        late.end(2, op, State::Ok, Act::Done);
        assert!(late.judged(check).is_empty(), "nobody knows which of the commits was first");
    }
}
