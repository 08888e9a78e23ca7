//! The core's notes as log lines and counters.

use crate::metrics::Metrics;
use esker_core::id::DirId;
use esker_core::io::{DiskOp, ID_TAKEN, LOG_LOST, Note};
use std::collections::HashMap;
use std::fmt;

/// What is needed to tell them: the core numbers folders, an operator knows their names.
#[derive(Debug, Default)]
pub struct Notes {
    folders: HashMap<DirId, String>,
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

    pub fn tell(&self, note: &Note, metrics: &Metrics) {
        let line = Line(note.dir().and_then(|dir| self.folders.get(&dir)), note);
        tell(note, &line, metrics);
    }
}

fn tell(note: &Note, line: &Line<'_>, metrics: &Metrics) {
    metrics.note(note.kind());
    #[cfg(madsim)]
    crate::rt::on_note(note);
    match note {
        Note::Damaged { .. } | Note::Text { topic: LOG_LOST, .. } => tracing::error!("{line}"),
        Note::Text { topic: ID_TAKEN, .. } => tracing::warn!("{line}"),
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
