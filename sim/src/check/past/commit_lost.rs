//! A group's committed offset never moves back: who asks after a commit was acked is told that offset or a later one.
//!
//! A commit of which nobody knows may still arrive later than one that was acked, and then what is told is exactly what it said. What is deleted
//! meanwhile, or committed so that it expires, may be gone; of a commit and a deletion that are under way at once nobody knows which is first.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::{BTreeMap, BTreeSet};

/// A partition of a group.
type Place = (u32, u32);

/// What is not known of committed offsets: what may come yet, and what may go.
#[derive(Default)]
struct Doubt {
    late: BTreeSet<(u32, u32, i64)>,
    forgotten: BTreeSet<Place>,
    /// When deletions that were carried out began and ended.
    deleted: BTreeMap<Place, Vec<(u64, u64)>>,
}

impl Doubt {
    fn of(view: &View<'_>) -> Self {
        let mut doubt = Self::default();
        for op in view.ops.iter().filter(|op| op.state == State::Ok) {
            let Act::Forget { group, partitions } = op.asked else { continue };
            for partition in partitions {
                doubt.deleted.entry((*group, *partition)).or_default().push((op.invoked, op.ended));
            }
        }
        for op in view.ops.iter().filter(|op| matches!(op.state, State::Info | State::Invoke)) {
            match op.asked {
                Act::Commit { group, offsets, expires, .. } => {
                    doubt.late.extend(offsets.iter().map(|(partition, offset)| (*group, *partition, *offset)));
                    doubt
                        .forgotten
                        .extend(offsets.iter().filter(|_| *expires).map(|(partition, _)| (*group, *partition)));
                }
                Act::Forget { group, partitions } => {
                    doubt.forgotten.extend(partitions.iter().map(|partition| (*group, *partition)));
                }
                _ => {}
            }
        }
        doubt
    }

    /// Whether it was deleted while a commit or a question of then was under way.
    fn may_be_deleted(&self, place: Place, (invoked, ended): (u64, u64)) -> bool {
        self.deleted.get(&place).into_iter().flatten().any(|deletion| deletion.0 < ended && invoked < deletion.1)
    }
}

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    // A commit counts when it has ended, a deletion from when it is invoked: until it has ended it may be carried out or not.
    let mut moments: Vec<(u64, usize)> = Vec::new();
    for (place, op) in view.ops.iter().enumerate() {
        match op.asked {
            Act::Commit { .. } if op.state == State::Ok => moments.push((op.ended, place)),
            Act::Ask { .. } | Act::Forget { .. } if op.state == State::Ok => moments.push((op.invoked, place)),
            _ => {}
        }
    }
    moments.sort_unstable();
    let doubt = Doubt::of(view);
    let mut found = Vec::new();
    // The highest that was committed, and whether it may be gone: it expires, or was deleted at the same time.
    let mut acked: BTreeMap<Place, (i64, bool)> = BTreeMap::new();
    for (when, place) in moments {
        match (view.ops[place].asked, view.ops[place].told) {
            (Act::Commit { group, offsets, expires, .. }, _) => {
                let span = (view.ops[place].invoked, view.ops[place].ended);
                for (partition, offset) in offsets {
                    let place = (*group, *partition);
                    let passing = *expires || doubt.may_be_deleted(place, span);
                    let highest = acked.entry(place).or_insert((*offset, passing));
                    *highest = (highest.0.max(*offset), passing);
                }
            }
            (Act::Forget { group, partitions }, _) => {
                for partition in partitions {
                    acked.remove(&(*group, *partition));
                }
            }
            (Act::Ask { group }, Some(Act::Told { offsets })) => {
                let asked = (view.ops[place].invoked, view.ops[place].ended);
                for (partition, offset) in offsets {
                    let place = (*group, *partition);
                    let Some((highest, passing)) = acked.get(&place).copied() else { continue };
                    let unsure = passing || doubt.forgotten.contains(&place) || doubt.may_be_deleted(place, asked);
                    let gone = *offset < 0 && unsure;
                    if gone {
                        // Whoever was told so may begin anew, before what was committed once.
                        acked.remove(&place);
                        continue;
                    }
                    if *offset < highest && !doubt.late.contains(&(*group, *partition, *offset)) {
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
        let act = Act::Commit { group: 0, generation: 1, offsets: vec![(0, offset)], expires: false };
        story.whole(5, act, state, Act::Done)
    }

    fn passing(story: Story, offset: i64) -> Story {
        let act = Act::Commit { group: 0, generation: -1, offsets: vec![(0, offset)], expires: true };
        story.whole(5, act, State::Ok, Act::Done)
    }

    fn forget(story: Story, state: State) -> Story {
        story.whole(5, Act::Forget { group: 0, partitions: vec![0] }, state, Act::Done)
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

    #[test]
    fn what_was_deleted_before_or_never_is_no_excuse() {
        let anew = commit(forget(commit(story(), 4, State::Ok), State::Ok), 5, State::Ok);
        assert_eq!(told(anew, -1).judged(check), ["commit-lost"]);
        assert_eq!(told(forget(commit(story(), 5, State::Ok), State::Fail), -1).judged(check), ["commit-lost"]);
        assert_eq!(told(commit(passing(story(), 4), 5, State::Ok), -1).judged(check), ["commit-lost"]);
        assert_eq!(told(passing(commit(story(), 4, State::Ok), 5), 4).judged(check), ["commit-lost"]);
    }

    #[test]
    fn what_is_committed_while_it_is_deleted_may_be_gone() {
        let mut both = story();
        let act = Act::Commit { group: 0, generation: 1, offsets: vec![(0, 5)], expires: false };
        let commit = both.invoke(5, act);
        let deletion = both.invoke(7, Act::Forget { group: 0, partitions: vec![0] });
        both.end(5, commit, State::Ok, Act::Done);
        both.end(7, deletion, State::Ok, Act::Done);
        assert!(told(both, -1).judged(check).is_empty());
    }

    /// Seed 76000002740.
    #[test]
    fn what_is_deleted_while_somebody_asks_may_be_gone() {
        let mut both = commit(story(), 5, State::Ok);
        let question = both.invoke(6, Act::Ask { group: 0 });
        let mut both = forget(both, State::Ok);
        both.end(6, question, State::Ok, Act::Told { offsets: vec![(0, -1)] });
        assert!(both.judged(check).is_empty());
    }

    #[test]
    fn what_is_deleted_or_expires_may_be_gone() {
        assert!(told(forget(commit(story(), 5, State::Ok), State::Ok), -1).judged(check).is_empty());
        assert!(told(commit(forget(story(), State::Info), 5, State::Ok), -1).judged(check).is_empty());
        assert!(told(passing(commit(story(), 4, State::Ok), 5), -1).judged(check).is_empty());
        let anew = commit(told(passing(story(), 5), -1), 3, State::Ok);
        assert!(told(anew, 3).judged(check).is_empty(), "who was told that it is gone begins anew");
        assert_eq!(told(commit(told(passing(story(), 5), -1), 3, State::Ok), 2).judged(check), ["commit-lost"]);
    }
}
