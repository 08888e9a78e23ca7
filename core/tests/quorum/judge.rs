//! What must hold whatever happens, looked at after every event.

use crate::world::Node;
use esker_core::id::{LeaderEpoch, Offset};
use esker_core::io::Note;
use esker_core::time::Mono;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    last: Offset,
    epoch: LeaderEpoch,
    values: Vec<u64>,
    state: u64,
}

/// The one history that all nodes must agree on.
#[derive(Default)]
pub struct Judge {
    /// Committed batches by their base offset.
    canon: BTreeMap<Offset, Entry>,
    /// The state after each offset at which a batch ends.
    states: BTreeMap<Offset, u64>,
    /// Who led each epoch.
    leaders: BTreeMap<LeaderEpoch, (i32, u64)>,
    /// Values that were answered as committed: they must be in the history.
    pub acked: BTreeMap<u64, Offset>,
    pub elections: u64,
    pub truncated: u64,
    pub installed: u64,
    trace: Vec<String>,
}

impl Judge {
    /// One node, after it handled something.
    pub fn look(&mut self, id: i32, node: &mut Node) {
        let Some(quorum) = &node.quorum else { return };
        if quorum.is_leader() {
            // Election safety: one leader an epoch. A node that died and came back is another one.
            let known = *self.leaders.entry(quorum.epoch()).or_insert((id, node.life()));
            assert_eq!(known, (id, node.life()), "{} has two leaders", quorum.epoch());
        }
        assert!(
            quorum.watermark() >= node.watermark,
            "the watermark of {id} fell from {} to {}",
            node.watermark,
            quorum.watermark()
        );
        node.watermark = quorum.watermark();
        let (epoch, leads) = (quorum.epoch().0, quorum.is_leader());
        let watermark = node.watermark;
        let mut still = Vec::new();
        for (last, at, value) in core::mem::take(&mut node.waiting) {
            if at == epoch && leads && last < watermark {
                self.acked.insert(value, last);
            } else if at == epoch && leads {
                still.push((last, at, value));
            }
        }
        node.waiting = still;
    }

    /// State-machine safety: no two nodes are ever given different records for the same offset.
    pub fn committed(&mut self, id: i32, base: Offset, last: Offset, epoch: LeaderEpoch, values: Vec<u64>, state: u64) {
        let entry = Entry { last, epoch, values, state };
        if let Some(known) = self.canon.get(&base) {
            assert_eq!(*known, entry, "node {id} was given another record at {base}");
            return;
        }
        let end = self.end();
        assert_eq!(base, end, "node {id} was given {base} to {last} where the history ends at {end}");
        self.states.insert(last.plus(1), state);
        self.canon.insert(base, entry);
    }

    pub fn snapshot(&mut self, id: i32, offset: Offset, state: u64) {
        self.installed += 1;
        assert_eq!(self.states.get(&offset), Some(&state), "node {id} took a snapshot at {offset} of another history");
    }

    pub fn end(&self) -> Offset {
        self.canon.last_key_value().map_or(Offset::ZERO, |(_, entry)| entry.last.plus(1))
    }

    /// Leader completeness, seen from the clients: what was acked is in the history, where it was said to be.
    pub fn finish(&self) {
        for (value, last) in &self.acked {
            let found = self.canon.range(..=*last).next_back().map(|(_, entry)| (entry.last, entry.values.last()));
            assert_eq!(found, Some((*last, Some(value))), "acked value {value} at {last} is lost");
        }
    }

    pub fn note(&mut self, now: Mono, id: i32, note: &Note) {
        match note {
            Note::Quorum { role: "leader", .. } => self.elections += 1,
            Note::LogTruncated { .. } => self.truncated += 1,
            _ => {}
        }
        if self.trace.len() > 400 {
            self.trace.drain(..200);
        }
        self.trace.push(format!("{now} {id} {note}"));
    }

    pub fn trace(&self) -> String {
        self.trace.iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n")
    }
}
