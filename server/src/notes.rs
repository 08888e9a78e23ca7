//! The core's notes as log lines and counters.

use crate::metrics::Metrics;
use esker_core::id::{DirId, LeaderEpoch, NodeId};
use esker_core::io::{CHECKPOINT, DISBELIEVED, DiskOp, GAP, ID_TAKEN, LOG_LOST, NOT_MADE, Note, STRAY};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// After this long a state of the quorum that comes again is told again.
const QUORUM_AGAIN: Duration = Duration::from_secs(30);

/// What is needed to tell them: the core numbers folders, an operator knows their names.
#[derive(Debug, Default)]
pub struct Notes {
    folders: HashMap<DirId, String>,
    /// The states of the quorum that were told lately: role, epoch and leader, and when.
    quorum: HashMap<(&'static str, LeaderEpoch, NodeId), Instant>,
}

/// A note behind the name of the folder that it is about.
struct Line<'a>(Option<&'a String>, &'a Note);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(folder) => write!(f, "{folder}: {}", self.1),
            None => write!(f, "{}", self.1),
        }
    }
}

impl Notes {
    /// Learns the names of folders from the operations on them.
    pub fn on_op(&mut self, op: &DiskOp) {
        match op {
            DiskOp::OpenDir { dir, name } | DiskOp::RenameDir { dir, name } => {
                self.folders.insert(*dir, name.clone());
            }
            DiskOp::RemoveDir { dir } => {
                self.folders.remove(dir);
            }
            _ => {}
        }
    }

    pub fn tell(&mut self, note: &Note, metrics: &Metrics) {
        let is_news = self.is_news(note, Instant::now());
        let line = Line(note.dir().and_then(|dir| self.folders.get(&dir)), note);
        tell(note, &line, is_news, metrics);
    }

    /// Whether a note says what was not told a moment ago. A voter that hears nobody asks several times a second whether it could be elected
    /// (pre-vote), and is then what it was: that is told now and then.
    fn is_news(&mut self, note: &Note, now: Instant) -> bool {
        let Note::Quorum { role, epoch, leader } = note else { return true };
        self.quorum.retain(|_, told| now - *told < QUORUM_AGAIN);
        let state = (*role, *epoch, *leader);
        let is_news = !self.quorum.contains_key(&state);
        if is_news {
            self.quorum.insert(state, now);
        }
        is_news
    }
}

fn tell(note: &Note, line: &Line<'_>, is_news: bool, metrics: &Metrics) {
    metrics.note(note.kind());
    #[cfg(madsim)]
    crate::rt::on_note(note);
    match note {
        Note::Damaged { .. } | Note::Text { topic: LOG_LOST, .. } => tracing::error!("{line}"),
        Note::Text { topic: ID_TAKEN | NOT_MADE | STRAY | CHECKPOINT | DISBELIEVED | GAP, .. } => {
            tracing::warn!("{line}")
        }
        Note::Quorum { .. } if !is_news => tracing::debug!("{line}"),
        Note::LogTruncated { .. } | Note::Quorum { .. } | Note::Text { .. } => tracing::info!("{line}"),
        Note::NoRoom { .. } => tracing::warn!("{line}"),
        Note::RoomAgain { .. } => tracing::info!("{line}"),
        Note::LogOpened { cut_bytes, .. } if *cut_bytes > 0 => tracing::warn!("{line}"),
        Note::LogOpened { .. }
        | Note::SegmentRolled { .. }
        | Note::SegmentsDropped { .. }
        | Note::Leads { .. }
        | Note::Follows { .. } => tracing::debug!("{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_in_vain_is_told_now_and_then() {
        let (mut notes, begin) = (Notes::default(), Instant::now());
        let mut news = |after: Duration, role, epoch, leader| {
            notes.is_news(&Note::Quorum { role, epoch: LeaderEpoch(epoch), leader: NodeId(leader) }, begin + after)
        };
        let at = Duration::from_secs;
        assert!(news(at(0), "follower", 3, 1) && news(at(1), "prospective-voted", 3, -1));
        assert!(!news(at(2), "follower", 3, 1) && !news(at(3), "prospective-voted", 3, -1), "back where it was");
        assert!(news(at(4), "candidate", 4, -1) && news(at(4), "leader", 4, 2) && news(at(5), "follower", 5, 1));
        assert!(news(QUORUM_AGAIN, "follower", 3, 1) && !news(QUORUM_AGAIN, "prospective-voted", 3, -1));
        assert!(
            notes.is_news(&Note::RoomAgain { left: 1 }, begin) && notes.is_news(&Note::RoomAgain { left: 1 }, begin)
        );
    }
}
