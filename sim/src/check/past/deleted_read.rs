//! What was deleted (an acked DeleteRecords) is gone for good: whatever crashes, the last reader does not find it. (Before, a
//! consumer may still be served by a leader that was cut off and replaced, and knows nothing of the deletion.)

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let last: BTreeSet<u32> =
        view.ops.iter().filter(|op| matches!(op.asked, Act::End { .. })).map(|op| op.client).collect();
    let mut moments: Vec<(u64, usize)> = Vec::new();
    for (place, op) in view.ops.iter().enumerate() {
        match (op.asked, op.state) {
            (Act::Delete { .. }, State::Ok) => moments.push((op.ended, place)),
            (Act::Poll { .. }, State::Ok) if last.contains(&op.client) => moments.push((op.invoked, place)),
            _ => {}
        }
    }
    moments.sort_unstable();
    let mut found = Vec::new();
    let mut start: BTreeMap<u32, i64> = BTreeMap::new();
    for (_, place) in moments {
        let op = &view.ops[place];
        match (op.asked, op.told) {
            (Act::Delete { partition, before }, _) => {
                let start = start.entry(*partition).or_default();
                *start = (*start).max(*before);
            }
            (_, Some(Act::Polled { reads })) => {
                for read in reads {
                    let start = start.get(&read.partition).copied().unwrap_or(0);
                    for (offset, _) in read.records.iter().filter(|(offset, _)| *offset < start) {
                        let what = format!(
                            "client {} read {} offset {offset}, deleted up to {start}",
                            op.client,
                            view.name(read.partition)
                        );
                        found.push(Anomaly::new("deleted-read", op.ended, what));
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
    use super::super::story::story;
    use super::check;
    use crate::history::{Act, State};

    fn delete() -> Act {
        Act::Delete { partition: 0, before: 1 }
    }

    #[test]
    fn a_read_of_the_deleted_is_caught() {
        let story = story().sent(7, 0).whole(3, delete(), State::Ok, Act::Done).polled(9, &[(0, 7)]).ended(1);
        assert_eq!(story.judged(check), ["deleted-read"]);
    }

    #[test]
    fn a_read_before_or_of_the_rest_passes() {
        let story = story().sent(7, 0).sent(8, 1).polled(9, &[(0, 7)]);
        let story = story.whole(3, delete(), State::Ok, Act::Done).polled(9, &[(1, 8)]).ended(2);
        assert!(story.judged(check).is_empty());
        let story = super::super::story::story().sent(7, 0).whole(3, delete(), State::Info, Act::Done);
        assert!(story.polled(9, &[(0, 7)]).ended(1).judged(check).is_empty(), "perhaps it was not deleted");
    }

    #[test]
    fn a_leader_that_was_cut_off_may_still_serve_it() {
        let story = story().sent(7, 0).whole(3, delete(), State::Ok, Act::Done).polled(2, &[(0, 7)]).ended(1);
        assert!(story.judged(check).is_empty());
    }
}
