//! What was promised against what is there.

use super::committer::Committed;
use super::producer::{BATCH, Promised};
use super::reader::Seen;
use std::collections::BTreeMap;

/// Nothing acknowledged is lost, nothing is there twice or out of its order, and what was acknowledged lies where the answer said.
pub fn produced(promised: &Promised, log: &Seen) -> Vec<String> {
    let mut bad = Vec::new();
    let id = promised.id;
    let mut next = 0;
    for (offset, (_, number)) in log.iter().enumerate().filter(|(_, (who, _))| *who == id) {
        if *number != next {
            let what = if *number < next { "again" } else { "too early" };
            bad.push(format!("producer {id}: its record {number} is at offset {offset} {what}; {next} was due"));
        }
        next = number + 1;
    }
    let acked = promised.acked.len() as u64 * BATCH;
    if next < acked {
        bad.push(format!("producer {id}: {acked} records were acknowledged and {next} are there"));
    }
    for (i, offset) in promised.acked.iter().enumerate() {
        let Some(offset) = offset else { continue };
        let (want, got) = ((id, i as u64 * BATCH), log.get(*offset as usize));
        if got != Some(&want) {
            bad.push(format!("producer {id}: record {} was acknowledged at offset {offset}, where {got:?} is", want.1));
        }
    }
    bad.truncate(5);
    bad
}

/// What a consumer saw stays.
pub fn seen(partition: usize, before: &Seen, log: &Seen) -> Vec<String> {
    let differs = before.iter().zip(log).position(|(a, b)| a != b);
    let short = (before.len() > log.len()).then_some(log.len());
    differs
        .or(short)
        .map(|at| format!("partition {partition}: what a consumer saw at offset {at} is no longer there"))
        .into_iter()
        .collect()
}

/// No committed offset is lost, and none comes from nowhere.
pub fn committed(c: Committed, found: i64) -> Vec<String> {
    let fits = (c.acked..=c.sent).contains(&found);
    (!fits)
        .then(|| format!("offset {} was committed (sent up to {}) and {found} is there", c.acked, c.sent))
        .into_iter()
        .collect()
}

/// Nothing is there that no producer of this run wrote.
pub fn strangers(promised: &[Promised], partition: i32, log: &Seen) -> Vec<String> {
    let sent: BTreeMap<u32, u64> =
        promised.iter().filter(|p| p.partition == partition).map(|p| (p.id, p.sent * BATCH)).collect();
    let stranger = log.iter().position(|(id, number)| sent.get(id).is_none_or(|sent| number >= sent));
    stranger.map(|at| format!("partition {partition}: nobody sent what is at offset {at}")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised(acked: &[Option<i64>]) -> Promised {
        Promised { id: 1, partition: 0, acked: acked.to_vec(), sent: acked.len() as u64 }
    }

    fn log(numbers: impl IntoIterator<Item = u64>) -> Seen {
        numbers.into_iter().map(|n| (1, n)).collect()
    }

    #[test]
    fn a_whole_log_passes_and_an_answer_without_offset_is_no_promise_of_one() {
        assert_eq!(produced(&promised(&[Some(0), None]), &log(0..20)), Vec::<String>::new());
    }

    #[test]
    fn lost_repeated_and_misplaced_records_are_told() {
        assert_eq!(produced(&promised(&[Some(0), Some(10)]), &log(0..10)).len(), 2);
        assert_eq!(produced(&promised(&[Some(0)]), &log((0..10).chain(0..10))).len(), 1);
        assert_eq!(produced(&promised(&[Some(0)]), &log((0..5).chain(6..10))).len(), 1);
        assert_eq!(produced(&promised(&[Some(3)]), &log(0..10)).len(), 1);
    }

    #[test]
    fn what_was_seen_must_stay() {
        assert_eq!(seen(0, &log(0..5), &log(0..9)), Vec::<String>::new());
        assert_eq!(seen(0, &log(0..5), &log(0..4)).len(), 1);
        assert_eq!(seen(0, &log([0, 1]), &log([0, 2])).len(), 1);
    }

    #[test]
    fn a_commit_lies_between_what_was_acknowledged_and_what_was_sent() {
        let c = Committed { acked: 5, sent: 6 };
        assert_eq!([4, 5, 6, 7].map(|f| committed(c, f).len()), [1, 0, 0, 1]);
    }
}
