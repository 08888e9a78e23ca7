//! A commit of an old generation is refused: once a member was told its part of a later one, no commit that is invoked afterwards
//! with an earlier generation is acked.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut latest: Map<u32, i32> = Map::default();
    let passing = |group: &u32| view.history.passing.contains(group);
    for op in &view.ops {
        match op.asked {
            Act::Assigned { group, .. } | Act::Commit { group, .. } if passing(group) => {}
            Act::Assigned { group, generation, .. } => {
                let latest = latest.entry(*group).or_insert(*generation);
                *latest = (*latest).max(*generation);
            }
            Act::Commit { group, generation, .. } if op.state == State::Ok => {
                let latest = latest.get(group).copied().unwrap_or(-1);
                if *generation < latest {
                    let what = format!(
                        "a commit of generation {generation} of group {group} was acked, though {latest} had begun"
                    );
                    found.push(Anomaly::new("stale-commit", op.invoked, what));
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

    fn assigned(story: Story, client: u32, generation: i32) -> Story {
        story.alone(client, State::Ok, Act::Assigned { group: 0, generation, partitions: vec![0], instance: None })
    }

    fn commit(story: Story, generation: i32, state: State) -> Story {
        story.whole(1, Act::Commit { group: 0, generation, offsets: vec![(0, 1)], expires: false }, state, Act::Done)
    }

    #[test]
    fn an_old_generation_that_commits_is_caught() {
        assert_eq!(commit(assigned(assigned(story(), 1, 3), 2, 4), 3, State::Ok).judged(check), ["stale-commit"]);
    }

    #[test]
    fn a_refused_one_or_one_of_the_present_passes() {
        assert!(commit(assigned(assigned(story(), 1, 3), 2, 4), 3, State::Info).judged(check).is_empty());
        assert!(commit(assigned(story(), 1, 3), 3, State::Ok).judged(check).is_empty());
    }
}
