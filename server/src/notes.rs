//! The core's notes as log lines and counters.

use crate::metrics::Metrics;
use esker_core::io::Note;

pub fn tell(note: &Note, metrics: &Metrics) {
    let kind = match note {
        Note::LogOpened { .. } => "log-opened",
        Note::LogTruncated { .. } => "log-truncated",
        Note::SegmentRolled { .. } => "segment-rolled",
        Note::SegmentsDropped { .. } => "segments-dropped",
        Note::Damaged { .. } => "damaged",
        Note::Leads { .. } => "leads",
        Note::Follows { .. } => "follows",
        Note::Quorum { .. } => "quorum",
        Note::Text { topic, .. } => topic,
    };
    metrics.note(kind);
    #[cfg(madsim)]
    crate::rt::on_note(note);
    match note {
        Note::Damaged { .. } => tracing::error!("{note}"),
        Note::LogTruncated { .. } | Note::Quorum { .. } | Note::Text { .. } => tracing::info!("{note}"),
        Note::LogOpened { cut_bytes, .. } if *cut_bytes > 0 => tracing::warn!("{note}"),
        Note::LogOpened { .. }
        | Note::SegmentRolled { .. }
        | Note::SegmentsDropped { .. }
        | Note::Leads { .. }
        | Note::Follows { .. } => tracing::debug!("{note}"),
    }
}
