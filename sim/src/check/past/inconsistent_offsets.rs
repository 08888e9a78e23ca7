//! One offset of a partition shows one value, to everybody and for ever.

use super::View;
use crate::check::Anomaly;
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut at: Map<(u32, i64), u64> = Map::default();
    for send in view.sends.iter().filter(|send| send.kept) {
        let Some(base) = send.offset else { continue };
        for (offset, value) in (base..).zip(send.values) {
            at.insert((send.partition, offset), *value);
        }
    }
    for (partition, records) in &view.seen {
        for (offset, value, when) in records {
            let first = *at.entry((*partition, *offset)).or_insert(*value);
            if first != *value {
                let what = format!("{} offset {offset} is {first} and {value}", view.name(*partition));
                found.push(Anomaly::new("inconsistent-offsets", *when, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::story::story;
    use super::check;

    #[test]
    fn two_values_at_one_offset_are_caught() {
        assert_eq!(story().polled(2, &[(0, 7)]).polled(3, &[(0, 8)]).judged(check), ["inconsistent-offsets"]);
        assert_eq!(story().sent(7, 0).polled(3, &[(0, 8)]).judged(check), ["inconsistent-offsets"]);
    }

    #[test]
    fn the_same_value_twice_passes() {
        assert!(story().sent(7, 0).polled(2, &[(0, 7)]).polled(3, &[(0, 7), (1, 8)]).judged(check).is_empty());
    }
}
