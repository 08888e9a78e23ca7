//! The sends of an idempotent producer stand in a partition in the order in which they were invoked, and so do the values of one send.

use super::View;
use crate::check::Anomaly;
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut at: Map<(u32, u64), i64> = Map::default();
    for (partition, records) in &view.seen {
        for (offset, value, _) in records {
            at.entry((*partition, *value)).or_insert(*offset);
        }
    }
    let mut last: Map<(u32, u32), i64> = Map::default();
    for send in view.sends.iter().filter(|send| send.order) {
        for (turn, value) in send.values.iter().enumerate() {
            let acked = send.offset.filter(|_| send.kept).map(|base| base + turn as i64);
            let Some(offset) = at.get(&(send.partition, *value)).copied().or(acked) else { continue };
            let before = last.entry((send.op.client, send.partition)).or_insert(-1);
            if offset <= *before {
                let kind = if turn == 0 { "nonmonotonic-send" } else { "int-nonmonotonic-send" };
                let what = format!(
                    "client {} sent {value} later and it stands at {} offset {offset}, after {before}",
                    send.op.client,
                    view.name(send.partition)
                );
                found.push(Anomaly::new(kind, send.op.ended, what));
            }
            *before = (*before).max(offset);
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
    fn sends_out_of_order_are_caught() {
        assert_eq!(story().sent(7, 1).sent(8, 0).judged(check), ["nonmonotonic-send"]);
        assert_eq!(story().unknown(7).sent(8, 0).polled(2, &[(0, 8), (1, 7)]).judged(check), ["nonmonotonic-send"]);
        let two = Act::Send { partition: 0, values: vec![7, 8], order: true, once: true, kept: true };
        let story = story().whole(1, two, State::Info, Act::Error { why: "timed out".into() });
        assert_eq!(story.polled(2, &[(0, 8), (1, 7)]).judged(check), ["int-nonmonotonic-send"]);
    }

    #[test]
    fn two_clients_and_plain_producers_interleave() {
        let plain = |value| Act::Send { partition: 0, values: vec![value], order: false, once: false, kept: true };
        let story = story().whole(1, plain(7), State::Ok, Act::Sent { offset: Some(1) }).whole(
            1,
            plain(8),
            State::Ok,
            Act::Sent { offset: Some(0) },
        );
        assert!(story.sent(9, 4).sent(10, 9).judged(check).is_empty());
    }
}
