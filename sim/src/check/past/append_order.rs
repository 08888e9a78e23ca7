//! A send that is invoked after another was acked stands behind it (acks=all), whoever sent it: also a copy that a producer without an
//! identity sends once more.

use super::View;
use crate::check::Anomaly;
use std::collections::BTreeMap;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    // Moments in order: at an invocation remember the highest acked offset, at the ack compare with what was remembered.
    let mut moments: Vec<(u64, usize, bool)> = Vec::new();
    for (place, send) in view.sends.iter().enumerate() {
        if send.kept && send.offset.is_some() {
            moments.push((send.op.invoked, place, false));
            moments.push((send.op.ended, place, true));
        }
    }
    moments.sort_unstable();
    let mut found = Vec::new();
    let mut acked: BTreeMap<u32, i64> = BTreeMap::new();
    let mut before: Vec<i64> = vec![-1; view.sends.len()];
    for (when, place, ends) in moments {
        let send = &view.sends[place];
        let highest = acked.entry(send.partition).or_insert(-1);
        let offset = send.offset.unwrap_or(-1);
        if !ends {
            before[place] = *highest;
        } else {
            if offset <= before[place] {
                let what = format!(
                    "{} offset {offset} was given after offset {} had been acked",
                    view.name(send.partition),
                    before[place]
                );
                found.push(Anomaly::new("append-order", when, what));
            }
            *highest = (*highest).max(offset + send.values.len() as i64 - 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::{send, story};
    use super::check;
    use crate::history::{Act, State};

    #[test]
    fn a_later_send_at_an_earlier_offset_is_caught() {
        let story = story().sent(7, 5).whole(4, send(8), State::Ok, Act::Sent { offset: Some(5) });
        assert_eq!(story.judged(check), ["append-order"]);
    }

    #[test]
    fn the_tail_of_a_producer_without_an_identity_that_was_lost_is_caught() {
        let plain = |value| Act::Send { partition: 0, values: vec![value], order: false, once: false, kept: true };
        let story = story().whole(1, plain(7), State::Ok, Act::Sent { offset: Some(9) });
        assert_eq!(story.whole(4, send(8), State::Ok, Act::Sent { offset: Some(8) }).judged(check), ["append-order"]);
    }

    #[test]
    fn sends_that_overlap_in_time_may_stand_either_way() {
        let mut story = story();
        let early = story.invoke(1, send(7));
        let late = story.invoke(4, send(8));
        story.end(4, late, State::Ok, Act::Sent { offset: Some(6) });
        story.end(1, early, State::Ok, Act::Sent { offset: Some(5) });
        assert!(story.sent(9, 7).judged(check).is_empty());
    }
}
