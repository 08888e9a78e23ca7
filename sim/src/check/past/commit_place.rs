//! A member commits what it has read: never an offset beyond the end of what it polled (or was placed at), and within one
//! generation never one before what it committed already, unless it was placed anew.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Map;

/// What a client knows of its place in a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The end of what it has polled, or where it was placed.
    reached: i64,
    /// What it committed last, and in which generation; `None`: nothing since it was placed.
    committed: Option<(i32, i64)>,
}

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    // A poll counts when it has ended, a commit when it is invoked.
    let mut moments: Vec<(u64, usize)> = view
        .ops
        .iter()
        .enumerate()
        .filter_map(|(at, op)| match op.asked {
            Act::Commit { .. } | Act::Seek { .. } => Some((op.invoked, at)),
            Act::Poll { .. } | Act::Ask { .. } if op.state == State::Ok => Some((op.ended, at)),
            _ => None,
        })
        .collect();
    moments.sort_by_key(|(when, at)| (*when, *at));
    let mut places: Map<(u32, u32), Place> = Map::default();
    for (when, at) in moments {
        let op = &view.ops[at];
        match (op.asked, op.told) {
            (Act::Seek { partition, offset }, _) => {
                places.insert((op.client, *partition), Place { reached: *offset, committed: None });
            }
            (_, Some(Act::Told { offsets })) => {
                for (partition, offset) in offsets {
                    places.insert((op.client, *partition), Place { reached: *offset, committed: None });
                }
            }
            (_, Some(Act::Polled { reads })) => {
                for read in reads {
                    let place = places.entry((op.client, read.partition)).or_default();
                    let end = read.records.iter().map(|(offset, _)| offset + 1).max().unwrap_or(0);
                    place.reached = place.reached.max(end);
                }
            }
            (Act::Commit { generation, offsets, .. }, _) => {
                for (partition, offset) in offsets {
                    let place = places.entry((op.client, *partition)).or_default();
                    let what = |how: &str| {
                        let name = view.name(*partition);
                        format!("client {} commits {offset} of {name}, {how}", op.client)
                    };
                    if *offset > place.reached {
                        let what = what(&format!("and has read to {}", place.reached));
                        found.push(Anomaly::new("commit-beyond", when, what));
                    }
                    if let Some((_, before)) =
                        place.committed.filter(|(of, before)| of == generation && before > offset)
                    {
                        found.push(Anomaly::new("commit-back", when, what(&format!("and had committed {before}"))));
                    }
                    place.committed = Some((*generation, *offset));
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

    fn commit(story: Story, generation: i32, offset: i64) -> Story {
        story.whole(
            5,
            Act::Commit { group: 0, generation, offsets: vec![(0, offset)], expires: false },
            State::Ok,
            Act::Done,
        )
    }

    #[test]
    fn a_commit_of_what_was_not_polled_is_caught() {
        assert_eq!(commit(story().polled(5, &[(0, 7), (1, 8)]), 1, 3).judged(check), ["commit-beyond"]);
        assert_eq!(
            commit(story().polled(6, &[(0, 7)]), 1, 1).judged(check),
            ["commit-beyond"],
            "another one polled it"
        );
    }

    #[test]
    fn a_commit_that_goes_back_is_caught() {
        let story = || commit(story().polled(5, &[(0, 7), (1, 8)]), 1, 2);
        assert_eq!(commit(story(), 1, 1).judged(check), ["commit-back"]);
    }

    #[test]
    fn a_commit_of_what_was_polled_or_told_or_sought_passes() {
        assert!(commit(commit(story().polled(5, &[(0, 7), (1, 8)]), 1, 1), 1, 2).judged(check).is_empty());
        let told = Act::Told { offsets: vec![(0, 9)] };
        assert!(commit(story().whole(5, Act::Ask { group: 0 }, State::Ok, told), 1, 9).judged(check).is_empty());
        let sought = commit(story().polled(5, &[(0, 7), (1, 8)]), 1, 2);
        let sought = sought.alone(5, State::Ok, Act::Seek { partition: 0, offset: 1 });
        assert!(commit(sought, 1, 1).judged(check).is_empty());
        let later = commit(story().polled(5, &[(0, 7), (1, 8)]), 1, 2);
        assert!(commit(later, 2, 1).judged(check).is_empty(), "a new generation begins where the group had committed");
    }
}
