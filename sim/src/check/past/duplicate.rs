//! A value that was sent by an idempotent producer, or sent once only, stands at one offset.

use super::View;
use crate::check::Anomaly;
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for (partition, records) in &view.seen {
        let mut at: Map<u64, i64> = Map::default();
        for (offset, value, when) in records {
            if !view.sender.get(value).is_some_and(|send| view.sends[*send].once) {
                continue;
            }
            let first = *at.entry(*value).or_insert(*offset);
            if first != *offset {
                let what = format!("{} value {value} stands at {first} and at {offset}", view.name(*partition));
                found.push(Anomaly::new("duplicate", *when, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::story;
    use super::check;
    use crate::history::{Act, State};

    #[test]
    fn one_value_at_two_offsets_is_caught() {
        assert_eq!(story().sent(7, 0).polled(2, &[(0, 7), (1, 7)]).judged(check), ["duplicate"]);
        assert_eq!(story().unknown(7).polled(2, &[(0, 7)]).polled(3, &[(4, 7)]).judged(check), ["duplicate"]);
    }

    #[test]
    fn a_plain_producer_may_repeat_itself_and_a_reader_may_read_again() {
        let plain = Act::Send { partition: 0, values: vec![7], order: false, once: false, kept: true };
        let story = story().whole(1, plain, State::Ok, Act::Sent { offset: Some(1) });
        assert!(
            story
                .polled(2, &[(0, 7), (1, 7)])
                .sent(8, 2)
                .polled(3, &[(2, 8)])
                .polled(2, &[(2, 8)])
                .judged(check)
                .is_empty()
        );
    }
}
