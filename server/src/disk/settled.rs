//! Logs that the journal may speak of: all of them is durable once the rounds so far are.

use esker_core::id::DirId;
use esker_core::io::FileId;
use std::collections::HashMap;

/// Of each such log, the round that has to be complete before the journal speaks of it. Entries of the journal may become durable with a round
/// before their own; where they lie behind a cut they must not come before it, or what was cut would stand behind them once more.
#[derive(Debug, Default)]
pub struct Settled {
    from: HashMap<FileId, u64>,
}

impl Settled {
    /// All of the log is durable with that round. What was known of it before stays: a log that is appended to in every round is not put off
    /// for ever.
    pub fn insert(&mut self, log: FileId, round: u64) {
        self.from.entry(log).or_insert(round);
    }

    /// In that round the log was cut, or made anew.
    pub fn reshaped(&mut self, log: FileId, round: u64) {
        if let Some(from) = self.from.get_mut(&log) {
            *from = round;
        }
    }

    pub fn remove(&mut self, log: FileId) {
        self.from.remove(&log);
    }

    pub fn remove_dir(&mut self, dir: DirId) {
        self.from.retain(|log, _| log.dir != dir);
    }

    pub fn contains(&self, log: FileId) -> bool {
        self.from.contains_key(&log)
    }

    /// Whether the journal may speak of the log, where rounds up to `complete` are.
    pub fn may_be_journaled(&self, log: FileId, complete: u64) -> bool {
        self.from.get(&log).is_some_and(|from| *from <= complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::Offset;
    use esker_core::io::FileName;

    #[test]
    fn the_journal_does_not_overtake_a_cut() {
        let (mut settled, log) = (Settled::default(), FileId::new(DirId(7), FileName::Log(Offset(0))));
        assert!(!settled.may_be_journaled(log, 9), "nothing is known of it");
        settled.insert(log, 3);
        assert!(!settled.may_be_journaled(log, 2) && settled.may_be_journaled(log, 3));
        settled.reshaped(log, 5);
        assert!(!settled.may_be_journaled(log, 4), "the cut is not durable yet");
        settled.insert(log, 6);
        assert!(settled.may_be_journaled(log, 5), "what is appended meanwhile does not put it off");
        settled.remove_dir(DirId(7));
        settled.reshaped(log, 8);
        assert!(!settled.contains(log) && !settled.may_be_journaled(log, 9));
    }
}
