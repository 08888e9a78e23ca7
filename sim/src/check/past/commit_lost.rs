//! A group's committed offset never moves back: who asks after a commit was acked is told that offset or a later one.
//!
//! A commit of which nobody knows may still arrive later than one that was acked, and then what is told is exactly what it said.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut moments: Vec<(u64, usize, bool)> = Vec::new();
    let mut unknown: BTreeSet<(u32, u32, i64)> = BTreeSet::new();
    for (place, op) in view.ops.iter().enumerate() {
        match (op.asked, op.state) {
            (Act::Commit { .. }, State::Ok) => moments.push((op.ended, place, true)),
            (Act::Commit { group, offsets, .. }, State::Info | State::Invoke) => {
                unknown.extend(offsets.iter().map(|(partition, offset)| (*group, *partition, *offset)));
            }
            (Act::Ask { .. }, State::Ok) => moments.push((op.invoked, place, false)),
            _ => {}
        }
    }
    moments.sort_unstable();
    let mut found = Vec::new();
    let mut acked: BTreeMap<(u32, u32), i64> = BTreeMap::new();
    for (when, place, _) in moments {
        match (view.ops[place].asked, view.ops[place].told) {
            (Act::Commit { group, offsets, .. }, _) => {
                for (partition, offset) in offsets {
                    let highest = acked.entry((*group, *partition)).or_insert(*offset);
                    *highest = (*highest).max(*offset);
                }
            }
            (Act::Ask { group }, Some(Act::Told { offsets })) => {
                for (partition, offset) in offsets {
                    let Some(highest) = acked.get(&(*group, *partition)) else { continue };
                    if offset < highest && !unknown.contains(&(*group, *partition, *offset)) {
                        let what = format!(
                            "group {group} had committed {highest} of {} and is told {offset}",
                            view.name(*partition)
                        );
                        found.push(Anomaly::new("commit-lost", when, what));
                    }
                }
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

    fn commit(story: Story, offset: i64, state: State) -> Story {
        story.whole(5, Act::Commit { group: 0, generation: 1, offsets: vec![(0, offset)] }, state, Act::Done)
    }

    fn told(story: Story, offset: i64) -> Story {
        story.whole(6, Act::Ask { group: 0 }, State::Ok, Act::Told { offsets: vec![(0, offset)] })
    }

    #[test]
    fn an_acked_commit_that_is_gone_is_caught() {
        assert_eq!(told(commit(story(), 5, State::Ok), 3).judged(check), ["commit-lost"]);
        assert_eq!(told(commit(story(), 5, State::Ok), -1).judged(check), ["commit-lost"]);
        assert_eq!(told(commit(commit(story(), 4, State::Info), 5, State::Ok), 3).judged(check), ["commit-lost"]);
    }

    #[test]
    fn later_commits_and_late_unknown_ones_pass() {
        assert!(told(told(commit(story(), 5, State::Ok), 5), 9).judged(check).is_empty());
        assert!(told(commit(commit(story(), 3, State::Info), 5, State::Ok), 3).judged(check).is_empty());
        assert!(commit(told(story(), -1), 5, State::Ok).judged(check).is_empty());
    }
}
