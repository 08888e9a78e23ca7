//! A committed offset that was deleted is not told any more: who asks after the deletion was acked is told nothing, or what was committed since.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::BTreeMap;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    // When the deletions of each partition of a group were acked, and when invoked.
    let mut deleted: BTreeMap<(u32, u32), Vec<(u64, u64)>> = BTreeMap::new();
    // When each offset may have been committed last.
    let mut committed: BTreeMap<(u32, u32, i64), u64> = BTreeMap::new();
    for op in &view.ops {
        match op.asked {
            Act::Forget { group, partitions } if op.state == State::Ok => {
                for partition in partitions {
                    deleted.entry((*group, *partition)).or_default().push((op.ended, op.invoked));
                }
            }
            Act::Commit { group, offsets, .. } if op.state != State::Fail => {
                let until = if op.state == State::Ok { op.ended } else { u64::MAX };
                for (partition, offset) in offsets {
                    let last = committed.entry((*group, *partition, *offset)).or_default();
                    *last = (*last).max(until);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for op in &view.ops {
        let (Act::Ask { group }, Some(Act::Told { offsets })) = (op.asked, op.told) else { continue };
        for (partition, offset) in offsets.iter().filter(|(_, offset)| *offset >= 0) {
            let before = |(acked, _): &&(u64, u64)| *acked < op.invoked;
            let of = deleted.get(&(*group, *partition)).into_iter().flatten();
            let Some(invoked) = of.filter(before).map(|(_, invoked)| *invoked).max() else { continue };
            if committed.get(&(*group, *partition, *offset)).is_none_or(|until| *until < invoked) {
                let what = format!(
                    "group {group} is told {offset} of {}, which was deleted and not committed since",
                    view.name(*partition)
                );
                found.push(Anomaly::new("commit-comes-back", op.invoked, what));
            }
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
        let act = Act::Commit { group: 0, generation: -1, offsets: vec![(0, offset)], expires: false };
        story.whole(5, act, state, Act::Done)
    }

    fn forget(story: Story, state: State) -> Story {
        story.whole(5, Act::Forget { group: 0, partitions: vec![0, 1] }, state, Act::Done)
    }

    fn told(story: Story, offset: i64) -> Story {
        story.whole(6, Act::Ask { group: 0 }, State::Ok, Act::Told { offsets: vec![(0, offset)] })
    }

    #[test]
    fn what_was_deleted_and_is_told_is_caught() {
        assert_eq!(told(forget(commit(story(), 5, State::Ok), State::Ok), 5).judged(check), ["commit-comes-back"]);
        let anew = commit(forget(commit(story(), 5, State::Ok), State::Ok), 6, State::Ok);
        assert_eq!(told(anew, 5).judged(check), ["commit-comes-back"]);
    }

    #[test]
    fn what_came_since_or_may_come_late_passes() {
        let anew = commit(forget(commit(story(), 5, State::Ok), State::Ok), 6, State::Ok);
        assert!(told(told(anew, 6), -1).judged(check).is_empty());
        assert!(told(forget(commit(story(), 5, State::Info), State::Ok), 5).judged(check).is_empty());
        assert!(told(forget(commit(story(), 5, State::Ok), State::Info), 5).judged(check).is_empty());
        let mut at_once = story();
        let op = at_once.invoke(1, Act::Commit { group: 0, generation: -1, offsets: vec![(0, 5)], expires: false });
        let mut at_once = forget(at_once, State::Ok);
        at_once.end(1, op, State::Ok, Act::Done);
        assert!(told(at_once, 5).judged(check).is_empty(), "nobody knows which of them was first");
    }
}
