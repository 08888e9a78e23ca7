//! What must have been committed and lies below what others read is read by somebody.
//!
//! An operation must have been committed if it is ok and was to be kept, or if one of its values was read. It is lost if its last
//! value lies at or below the highest place at which ok reads began, and one of its values was never read.

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Set;
use std::collections::BTreeMap;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let read: Set<(u32, u64)> =
        view.seen.iter().flat_map(|(p, records)| records.iter().map(|(_, value, _)| (*p, *value))).collect();
    let offsets: BTreeMap<(u32, u64), i64> = view
        .seen
        .iter()
        .flat_map(|(p, records)| records.iter().map(|(offset, value, _)| ((*p, *value), *offset)))
        .collect();
    let highest = first_reads(view);
    for send in &view.sends {
        let committed = (send.op.state == State::Ok && send.kept)
            || send.values.iter().any(|value| read.contains(&(send.partition, *value)));
        let known = send.offset.map(|base| base + send.values.len() as i64 - 1);
        let last = known
            .or_else(|| send.values.iter().filter_map(|value| offsets.get(&(send.partition, *value))).max().copied());
        let (true, Some(last), Some(highest)) = (committed, last, highest.get(&send.partition)) else { continue };
        let deleted =
            view.deleted.get(&send.partition).is_some_and(|before| last - (send.values.len() as i64) < *before);
        if last > *highest || deleted {
            continue;
        }
        for value in send.values.iter().filter(|value| !read.contains(&(send.partition, **value))) {
            let what = format!(
                "{} value {value} at or below offset {last} was never read, though reads began at {highest}",
                view.name(send.partition)
            );
            found.push(Anomaly::new("lost-write", send.op.ended, what));
        }
    }
    found
}

/// The highest offset of each partition at which an ok read began.
fn first_reads(view: &View<'_>) -> BTreeMap<u32, i64> {
    let mut highest: BTreeMap<u32, i64> = BTreeMap::new();
    for op in &view.ops {
        let Some(Act::Polled { reads }) = op.told else { continue };
        for read in reads {
            if let Some((offset, _)) = read.records.first() {
                let entry = highest.entry(read.partition).or_insert(*offset);
                *entry = (*entry).max(*offset);
            }
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::super::story::{send, story};
    use super::check;
    use crate::history::{Act, State};

    #[test]
    fn an_acked_value_that_others_read_past_is_caught() {
        assert_eq!(story().sent(7, 0).sent(8, 1).polled(2, &[(1, 8)]).judged(check), ["lost-write"]);
    }

    #[test]
    fn half_of_a_batch_that_was_read_is_caught() {
        let two = Act::Send { partition: 0, values: vec![7, 8], order: true, once: true, kept: true };
        let story = story().whole(1, two, State::Info, Act::Error { why: "timed out".into() }).sent(9, 4);
        assert_eq!(story.polled(2, &[(0, 7)]).polled(2, &[(4, 9)]).judged(check), ["lost-write"]);
    }

    #[test]
    fn what_lies_above_all_reads_or_was_deleted_or_is_unknown_passes() {
        assert!(story().sent(7, 0).sent(8, 1).polled(2, &[(0, 7)]).judged(check).is_empty());
        assert!(story().unknown(7).sent(8, 1).polled(2, &[(1, 8)]).judged(check).is_empty());
        let delete = Act::Delete { partition: 0, before: 1 };
        assert!(
            story()
                .sent(7, 0)
                .sent(8, 1)
                .whole(3, delete, State::Ok, Act::Done)
                .polled(2, &[(1, 8)])
                .judged(check)
                .is_empty()
        );
        let weak = |value| match send(value) {
            Act::Send { partition, values, order, once, .. } => {
                Act::Send { partition, values, order, once, kept: false }
            }
            other => other,
        };
        assert!(
            story()
                .whole(1, weak(7), State::Ok, Act::Sent { offset: Some(0) })
                .sent(8, 0)
                .polled(2, &[(0, 8)])
                .judged(check)
                .is_empty()
        );
    }
}
