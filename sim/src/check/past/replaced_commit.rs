//! A static member whose place another has taken is fenced (KIP-345): it commits nothing any more.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    // Who has a place, and which place a client took last.
    let mut holder: Map<(u32, &str), u32> = Map::default();
    let mut place: Map<(u32, u32), &str> = Map::default();
    for op in &view.ops {
        match op.asked {
            Act::Assigned { group, instance: Some(instance), .. } => {
                holder.insert((*group, instance.as_str()), op.client);
                place.insert((*group, op.client), instance.as_str());
            }
            Act::Commit { group, .. } if op.state == State::Ok => {
                let Some(place) = place.get(&(*group, op.client)) else { continue };
                let holder = holder[&(*group, *place)];
                if holder != op.client {
                    let what = format!(
                        "a commit of member {} of group {group} was acked, though {holder} has its place {place}",
                        op.client
                    );
                    found.push(Anomaly::new("replaced-commit", op.invoked, what));
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

    fn assigned(story: Story, client: u32) -> Story {
        let instance = Some("a".to_string());
        story.alone(client, State::Ok, Act::Assigned { group: 0, generation: 3, partitions: vec![0], instance })
    }

    fn commit(story: Story, client: u32, state: State) -> Story {
        story.whole(client, Act::Commit { group: 0, generation: 3, offsets: vec![(0, 1)] }, state, Act::Done)
    }

    #[test]
    fn one_that_was_replaced_and_commits_is_caught() {
        assert_eq!(commit(assigned(assigned(story(), 1), 2), 1, State::Ok).judged(check), ["replaced-commit"]);
    }

    #[test]
    fn refused_it_passes_and_so_does_the_new_one_and_one_that_came_back() {
        assert!(commit(assigned(assigned(story(), 1), 2), 1, State::Info).judged(check).is_empty());
        assert!(commit(assigned(assigned(story(), 1), 2), 2, State::Ok).judged(check).is_empty());
        assert!(commit(assigned(assigned(assigned(story(), 1), 2), 1), 1, State::Ok).judged(check).is_empty());
    }
}
