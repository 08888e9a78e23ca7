//! A read that is invoked after an ack sees what was acked (KIP-207): whoever asks for the end of a partition afterwards is told
//! an offset behind the acked record, whoever leads by then; and the end that is told never goes back.
//!
//! A poll that comes back empty says nothing of the end: a new leader learns its watermark from its followers first.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::BTreeMap;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    // Moments in order: what was acked, or told, when something ends; what must be told, when an asker asks.
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (at, op) in view.ops.iter().enumerate().filter(|(_, op)| op.state == State::Ok) {
        match op.asked {
            Act::Send { kept: true, .. } => moments.push((op.ended, true, at)),
            Act::Latest { .. } => moments.extend([(op.invoked, false, at), (op.ended, true, at)]),
            _ => {}
        }
    }
    moments.sort_unstable();
    let mut found = Vec::new();
    let mut floor: BTreeMap<u32, i64> = BTreeMap::new();
    let mut wanted: BTreeMap<usize, i64> = BTreeMap::new();
    for (when, ends, at) in moments {
        let op = &view.ops[at];
        match (op.asked, op.told) {
            (Act::Send { partition, values, .. }, Some(Act::Sent { offset: Some(offset) })) => {
                let floor = floor.entry(*partition).or_default();
                *floor = (*floor).max(offset + values.len() as i64);
            }
            (Act::Latest { partition }, _) if !ends => {
                wanted.insert(at, floor.get(partition).copied().unwrap_or(0));
            }
            (Act::Latest { partition }, Some(Act::LatestIs { offset })) => {
                let least = wanted.remove(&at).unwrap_or(0);
                if *offset < least {
                    let name = view.name(*partition);
                    let what =
                        format!("client {} is told that {name} ends at {offset}, and {least} was known", op.client);
                    found.push(Anomaly::new("stale-end", when, what));
                }
                let floor = floor.entry(*partition).or_default();
                *floor = (*floor).max(*offset);
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

    fn latest(story: Story, offset: i64) -> Story {
        story.whole(4, Act::Latest { partition: 0 }, State::Ok, Act::LatestIs { offset })
    }

    #[test]
    fn an_end_before_what_was_acked_or_told_is_caught() {
        assert_eq!(latest(story().sent(7, 0).sent(8, 1), 1).judged(check), ["stale-end"]);
        assert_eq!(latest(latest(story().unknown(7), 1), 0).judged(check), ["stale-end"]);
    }

    #[test]
    fn an_end_that_was_asked_for_before_the_ack_passes() {
        let mut story = story();
        let asked = story.invoke(4, Act::Latest { partition: 0 });
        let mut story = story.sent(7, 0);
        story.end(4, asked, State::Ok, Act::LatestIs { offset: 0 });
        assert!(latest(latest(story, 1), 3).judged(check).is_empty());
        assert!(latest(self::story().unknown(7).refused(8), 0).judged(check).is_empty());
    }
}
