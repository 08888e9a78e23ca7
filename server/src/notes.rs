//! The core's notes as log lines and counters.

use crate::metrics::Metrics;
use esker_core::id::{DirId, LeaderEpoch, NodeId};
use esker_core::io::{DiskOp, ID_TAKEN, LOG_LOST, Note};
use std::collections::HashMap;
use std::fmt;

/// How the state is called in which a voter asks whether it could be elected, with or without a vote given in the epoch.
const PROSPECTIVE: &str = "prospective";

/// What is needed to tell them: the core numbers folders, an operator knows their names.
#[derive(Debug, Default)]
pub struct Notes {
    folders: HashMap<DirId, String>,
    /// Where the quorum's state of this node was told last.
    quorum: Option<(&'static str, LeaderEpoch, NodeId)>,
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
        let is_news = self.is_news(note);
        let line = Line(note.dir().and_then(|dir| self.folders.get(&dir)), note);
        tell(note, &line, is_news, metrics);
    }

    /// Whether a note says more than the one before. A voter that hears nobody asks several times a second whether it could be elected (pre-vote), and is
    /// then what it was: for as long as the others are away that is no news.
    fn is_news(&mut self, note: &Note) -> bool {
        match note {
            Note::Quorum { role, .. } if role.starts_with(PROSPECTIVE) => false,
            Note::Quorum { role, epoch, leader } => {
                self.quorum.replace((role, *epoch, *leader)) != Some((role, *epoch, *leader))
            }
            _ => true,
        }
    }
}

fn tell(note: &Note, line: &Line<'_>, is_news: bool, metrics: &Metrics) {
    metrics.note(note.kind());
    #[cfg(madsim)]
    crate::rt::on_note(note);
    match note {
        Note::Damaged { .. } | Note::Text { topic: LOG_LOST, .. } => tracing::error!("{line}"),
        Note::Text { topic: ID_TAKEN, .. } => tracing::warn!("{line}"),
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
    fn asking_in_vain_is_no_news() {
        let mut notes = Notes::default();
        let mut news = |role, epoch, leader| {
            notes.is_news(&Note::Quorum { role, epoch: LeaderEpoch(epoch), leader: NodeId(leader) })
        };
        assert!(news("follower", 3, 1));
        assert!(!news("prospective-voted", 3, -1) && !news("follower", 3, 1), "back where it was");
        assert!(news("unattached", 3, -1) && !news("prospective", 3, -1) && !news("unattached", 3, -1));
        assert!(news("candidate", 4, -1) && news("leader", 4, 2) && news("follower", 5, 1));
        assert!(notes.is_news(&Note::RoomAgain { left: 1 }) && notes.is_news(&Note::RoomAgain { left: 1 }));
    }
}
