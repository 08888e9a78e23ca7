//! The end of a partition, as those are told who ask for it (ListOffsets, latest), never goes back from one leader to the next
//! (KIP-207): a new leader refuses to tell it until it knows that all before its epoch is committed.
//!
//! A leader that was deposed and has not heard of it goes on telling the end that it knew: Kafka's leaders hold no lease, and
//! neither do ours. So an answer is held against what was told before the question in *its own epoch and in earlier ones*, and
//! not against what a later leader has told. An answer that names no epoch says nothing, and nor does an ack, which names
//! none: that an ack is in what the same leader or a later one tells is seen inside (`check::now::latest`).
//!
//! A poll that comes back empty says nothing of the end: a new leader learns its watermark from its followers first.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::BTreeMap;

/// The highest end that was told of a partition in each epoch.
type Told = BTreeMap<i32, i64>;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    // Moments in order: a question, and what it then has to be answered with; an answer, and what it makes known.
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (at, op) in view.ops.iter().enumerate().filter(|(_, op)| op.state == State::Ok) {
        if matches!(op.asked, Act::Latest { .. }) {
            moments.extend([(op.invoked, false, at), (op.ended, true, at)]);
        }
    }
    // At one moment questions come first: only what was told strictly before counts.
    moments.sort_unstable();
    let mut found = Vec::new();
    let mut told: BTreeMap<u32, Told> = BTreeMap::new();
    let mut wanted: BTreeMap<usize, (i32, i64)> = BTreeMap::new();
    for (when, ends, at) in moments {
        let op = &view.ops[at];
        let (Act::Latest { partition }, Some(Act::LatestIs { offset, epoch: Some(epoch) })) = (op.asked, op.told)
        else {
            continue;
        };
        let told = told.entry(*partition).or_default();
        if !ends {
            if let Some(least) = told.range(..=*epoch).max_by_key(|(_, end)| **end) {
                wanted.insert(at, (*least.0, *least.1));
            }
            continue;
        }
        if let Some((of, least)) = wanted.remove(&at).filter(|(_, least)| offset < least) {
            let (client, name) = (op.client, view.name(*partition));
            let what = format!(
                "client {client} is told that {name} ends at {offset} in epoch {epoch}, and in epoch {of} {least} was told"
            );
            found.push(Anomaly::new("stale-end", when, what));
        }
        let known = told.entry(*epoch).or_default();
        *known = (*known).max(*offset);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, story};
    use super::check;
    use crate::history::{Act, State};

    fn latest(story: Story, epoch: Option<i32>, offset: i64) -> Story {
        story.whole(4, Act::Latest { partition: 0 }, State::Ok, Act::LatestIs { offset, epoch })
    }

    #[test]
    fn an_end_before_what_this_or_an_earlier_leader_told_is_caught() {
        assert_eq!(latest(latest(story(), Some(3), 8), Some(3), 7).judged(check), ["stale-end"]);
        assert_eq!(latest(latest(story(), Some(3), 8), Some(5), 7).judged(check), ["stale-end"]);
        assert_eq!(latest(latest(latest(story(), Some(3), 8), Some(4), 9), Some(5), 8).judged(check), ["stale-end"]);
    }

    #[test]
    fn a_deposed_leader_may_tell_the_end_that_it_knew() {
        assert!(latest(latest(latest(story(), Some(3), 8), Some(5), 11), Some(3), 8).judged(check).is_empty());
        // But not less than it had told itself.
        assert_eq!(latest(latest(latest(story(), Some(3), 8), Some(5), 11), Some(3), 7).judged(check), ["stale-end"]);
    }

    #[test]
    fn what_names_no_epoch_says_nothing() {
        assert!(latest(latest(story(), Some(3), 8), None, 7).judged(check).is_empty());
        assert!(latest(latest(story(), None, 8), Some(3), 7).judged(check).is_empty());
        assert!(latest(story().sent(7, 0).sent(8, 1), Some(3), 1).judged(check).is_empty());
    }

    #[test]
    fn an_end_that_was_asked_for_before_the_other_was_told_passes() {
        let mut story = story();
        let asked = story.invoke(4, Act::Latest { partition: 0 });
        let mut story = latest(story, Some(3), 8);
        story.end(4, asked, State::Ok, Act::LatestIs { offset: 7, epoch: Some(3) });
        assert!(story.judged(check).is_empty());
    }
}
