//! What was acked to be kept is read by the last reader, who reads each partition to its end.

use super::View;
use crate::check::Anomaly;
use crate::history::State;
use crate::table::Set;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let read: Set<(u32, u64)> =
        view.seen.iter().flat_map(|(p, records)| records.iter().map(|(_, value, _)| (*p, *value))).collect();
    for send in view.sends.iter().filter(|send| send.kept && send.op.state == State::Ok) {
        let Some((end, when)) = view.ends.get(&send.partition) else { continue };
        // What stands behind the end that was read, or may stand there, says nothing.
        if send.offset.map_or(send.op.ended > *when, |offset| offset >= *end) {
            continue;
        }
        let deleted =
            view.deleted.get(&send.partition).is_some_and(|before| send.offset.is_none_or(|offset| offset < *before));
        if deleted {
            continue;
        }
        for value in send.values.iter().filter(|value| !read.contains(&(send.partition, **value))) {
            let place = send.offset.map_or("an offset unknown".into(), |offset| format!("offset {offset}"));
            let what = format!(
                "{} value {value} was acked at {place} and is not in the log, which ends at {end}",
                view.name(send.partition)
            );
            found.push(Anomaly::new("unseen", send.op.ended, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::story;
    use super::check;

    #[test]
    fn an_acked_value_missing_at_the_end_is_caught() {
        assert_eq!(story().sent(7, 0).sent(8, 1).polled(2, &[(0, 7)]).ended(2).judged(check), ["unseen"]);
    }

    #[test]
    fn before_the_end_was_reached_nothing_is_known_and_unknown_sends_may_be_missing() {
        assert!(story().sent(7, 0).polled(2, &[(0, 7)]).ended(1).sent(8, 1).judged(check).is_empty());
        assert!(story().sent(7, 0).sent(8, 1).polled(2, &[(0, 7)]).judged(check).is_empty());
        assert!(story().sent(7, 0).unknown(8).refused(9).polled(2, &[(0, 7)]).ended(1).judged(check).is_empty());
    }
}
