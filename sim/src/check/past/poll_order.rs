//! A consumer that chose its partitions itself reads each record once, in order, without a gap.
//!
//! Between two polls the position moves with ok polls only. A seek begins anew. (Members of a group lose and get
//! partitions, so between their polls gaps and repeats are legal; within one poll they are not.)

use super::View;
use crate::check::Anomaly;
use crate::history::{Act, State};
use crate::table::Map;

pub fn check(view: &View<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    // The rank and offset that a client read last, by client and partition.
    let mut last: Map<(u32, u32), usize> = Map::default();
    for op in &view.ops {
        match (op.asked, op.told) {
            (Act::Seek { partition, .. }, _) => {
                last.remove(&(op.client, *partition));
            }
            (Act::Poll { assigned }, Some(Act::Polled { reads })) if op.state == State::Ok => {
                for read in reads {
                    let mut before = if *assigned { last.get(&(op.client, read.partition)).copied() } else { None };
                    let mut within = false;
                    for (offset, _) in &read.records {
                        let Some(rank) = view.rank(read.partition, *offset) else { continue };
                        if let Some(before) = before {
                            let kind = wrong(rank, before, within);
                            if let Some(kind) = kind {
                                let what = format!(
                                    "client {} read {} offset {offset} after the record of rank {before}, its rank is {rank}",
                                    op.client,
                                    view.name(read.partition)
                                );
                                found.push(Anomaly::new(kind, op.ended, what));
                            }
                        }
                        before = Some(rank);
                        within = true;
                    }
                    if let (true, Some(rank)) = (*assigned, before) {
                        last.insert((op.client, read.partition), rank);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

const fn wrong(rank: usize, before: usize, within: bool) -> Option<&'static str> {
    match (rank > before + 1, rank <= before, within) {
        (true, _, false) => Some("poll-skip"),
        (true, _, true) => Some("int-poll-skip"),
        (_, true, false) => Some("nonmonotonic-poll"),
        (_, true, true) => Some("int-nonmonotonic-poll"),
        (false, false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::story;
    use super::check;
    use crate::history::{Act, Read, State};

    #[test]
    fn gaps_and_steps_back_are_caught() {
        let all = || story().polled(3, &[(0, 7), (1, 8), (2, 9)]);
        assert_eq!(all().polled(2, &[(0, 7)]).polled(2, &[(2, 9)]).judged(check), ["poll-skip"]);
        assert_eq!(all().polled(2, &[(0, 7), (2, 9)]).judged(check), ["int-poll-skip"]);
        assert_eq!(all().polled(2, &[(0, 7)]).polled(2, &[(0, 7)]).judged(check), ["nonmonotonic-poll"]);
        assert_eq!(all().polled(2, &[(1, 8), (0, 7)]).judged(check), ["int-nonmonotonic-poll"]);
    }

    #[test]
    fn holes_in_offsets_seeks_and_groups_pass() {
        assert!(story().polled(2, &[(0, 7)]).polled(2, &[(5, 8)]).judged(check).is_empty());
        let all = || story().polled(3, &[(0, 7), (1, 8), (2, 9)]);
        let seek = Act::Seek { partition: 0, offset: 2 };
        assert!(
            all()
                .polled(2, &[(0, 7)])
                .whole(2, seek, State::Ok, Act::Done)
                .polled(2, &[(2, 9)])
                .judged(check)
                .is_empty()
        );
        let group = |story: super::super::story::Story, offset, value| {
            let reads = vec![Read { partition: 0, records: vec![(offset, value)] }];
            story.whole(2, Act::Poll { assigned: false }, State::Ok, Act::Polled { reads })
        };
        assert!(group(group(all(), 0, 7), 2, 9).judged(check).is_empty());
    }
}
