//! Nobody reads a value whose send failed, or that nobody sent (G1a).

use super::View;
use crate::check::Anomaly;
use crate::history::State;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for (partition, records) in &view.seen {
        for (offset, value, when) in records {
            let name = view.name(*partition);
            let what = match view.sender.get(value).map(|send| &view.sends[*send]) {
                None => format!("{name} offset {offset} shows {value}, which nobody sent"),
                Some(send) if send.op.state == State::Fail => {
                    format!("{name} offset {offset} shows {value}, whose send failed")
                }
                Some(send) if send.op.invoked > *when => {
                    format!("{name} offset {offset} shows {value} before it was sent")
                }
                Some(send) if send.partition != *partition => {
                    format!("{name} offset {offset} shows {value}, sent to {}", view.name(send.partition))
                }
                Some(_) => continue,
            };
            found.push(Anomaly::new("aborted-read", *when, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::story;
    use super::check;

    #[test]
    fn a_read_of_a_refused_or_invented_value_is_caught() {
        assert_eq!(story().refused(7).polled(2, &[(0, 7)]).judged(check), ["aborted-read"]);
        assert_eq!(story().polled(2, &[(0, 7)]).judged(check), ["aborted-read"]);
        assert_eq!(story().polled(2, &[(0, 7)]).sent(7, 0).judged(check), ["aborted-read"]);
    }

    #[test]
    fn a_read_of_an_unknown_send_passes() {
        assert!(story().unknown(7).refused(8).polled(2, &[(0, 7)]).judged(check).is_empty());
    }
}
