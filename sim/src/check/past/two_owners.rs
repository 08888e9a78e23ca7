//! In one generation of a group each partition has one owner, each member one part, and generations only rise. Who takes the place of a
//! static member takes its part as well (KIP-345). A coordinator that was deposed and has not heard of it goes on telling a member
//! what it told before (it needs to write nothing for that, as Kafka's does not): an old generation that was there passes.

use super::View;
use crate::check::Anomaly;
use crate::history::Act;
use crate::table::{Map, Set};
use std::collections::BTreeSet;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut owner: Map<(u32, i32, u32), (u32, Option<&str>)> = Map::default();
    let mut parts: Map<(u32, i32, u32), BTreeSet<u32>> = Map::default();
    let mut told: Set<(u32, i32)> = Set::default();
    let mut last: Map<(u32, u32), i32> = Map::default();
    for op in &view.ops {
        let Act::Assigned { group, generation, partitions, instance } = op.asked else { continue };
        if view.history.passing.contains(group) {
            continue;
        }
        let before = last.insert((*group, op.client), *generation).unwrap_or(-1);
        let new = told.insert((*group, *generation));
        if *generation < before && new {
            let what = format!("member {} of group {group} is in generation {generation} after {before}", op.client);
            found.push(Anomaly::new("generation-falls", op.invoked, what));
        }
        let part: BTreeSet<u32> = partitions.iter().copied().collect();
        let had = parts.entry((*group, *generation, op.client)).or_insert_with(|| part.clone());
        if *had != part {
            let what = format!(
                "member {} has {part:?} in generation {generation} of group {group}, and had {had:?} in it",
                op.client
            );
            found.push(Anomaly::new("two-parts", op.invoked, what));
        }
        for partition in partitions {
            let own = (op.client, instance.as_deref());
            let (first, place) = *owner.entry((*group, *generation, *partition)).or_insert(own);
            if first != op.client && (place.is_none() || place != own.1) {
                let what = format!(
                    "{} belongs to members {first} and {} in generation {generation} of group {group}",
                    view.name(*partition),
                    op.client
                );
                found.push(Anomaly::new("two-owners", op.invoked, what));
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

    fn assigned(story: Story, client: u32, generation: i32, partitions: &[u32]) -> Story {
        placed(story, client, generation, partitions, None)
    }

    fn placed(story: Story, client: u32, generation: i32, partitions: &[u32], instance: Option<&str>) -> Story {
        let instance = instance.map(str::to_string);
        let act = Act::Assigned { group: 0, generation, partitions: partitions.to_vec(), instance };
        story.alone(client, State::Ok, act)
    }

    #[test]
    fn two_owners_and_falling_generations_are_caught() {
        assert_eq!(assigned(assigned(story(), 1, 3, &[0, 1]), 2, 3, &[1]).judged(check), ["two-owners"]);
        assert_eq!(assigned(assigned(story(), 1, 3, &[0]), 1, 2, &[0]).judged(check), ["generation-falls"]);
    }

    #[test]
    fn an_old_generation_passes_only_as_it_was() {
        let moved_on = || assigned(assigned(story(), 1, 2, &[0]), 1, 3, &[0, 1]);
        assert!(assigned(moved_on(), 1, 2, &[0]).judged(check).is_empty());
        assert_eq!(assigned(moved_on(), 1, 2, &[0, 1]).judged(check), ["two-parts"]);
        assert_eq!(assigned(moved_on(), 1, 3, &[1]).judged(check), ["two-parts"]);
        assert_eq!(assigned(moved_on(), 1, 1, &[0]).judged(check), ["generation-falls"]);
    }

    #[test]
    fn one_that_takes_a_static_members_place_passes_and_another_place_does_not() {
        let first = || placed(story(), 1, 3, &[0], Some("a"));
        assert!(placed(first(), 2, 3, &[0], Some("a")).judged(check).is_empty());
        assert_eq!(placed(first(), 2, 3, &[0], Some("b")).judged(check), ["two-owners"]);
        assert_eq!(assigned(first(), 2, 3, &[0]).judged(check), ["two-owners"]);
    }

    #[test]
    fn another_generation_or_partition_passes() {
        assert!(assigned(assigned(assigned(story(), 1, 3, &[0]), 2, 3, &[1]), 2, 4, &[0, 1]).judged(check).is_empty());
    }
}
