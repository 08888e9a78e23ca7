//! Retention takes away a segment only where all of it was deleted, where `retention.bytes` are left without it, or where its newest record
//! is older than `retention.ms`; and never what is not committed. Where nothing is written any more it takes all that.

use super::shadow::Shadow;
use super::{Broken, Glance, Watch};
use esker_core::io::{DiskOp, FileId, FileName};
use esker_core::node::Node as Core;

/// What is to be kept of a log, by a node whose clock says `wall`.
#[derive(Clone, Copy)]
pub struct Kept {
    /// `retention.bytes`; negative where there is no limit.
    pub bytes: i64,
    /// `retention.ms`; negative where there is no limit.
    pub ms: i64,
    pub wall: i64,
}

impl Watch {
    /// A segment is taken out of a log by retention.
    pub(super) fn look_at_drop(&self, node: usize, op: &DiskOp, core: &Core) -> Result<(), Broken> {
        let DiskOp::Rename { from: FileId { dir, name: FileName::Log(base) }, .. } = op else { return Ok(()) };
        if self.rotten == Some(node) {
            return Ok(());
        }
        let Some(replica) = core.partitions.key_of(*dir).and_then(|key| core.partitions.get(key)) else {
            return Ok(());
        };
        let (Some(log), Some(before)) = (self.shadows[node].log(replica.folder()), self.seen.get(&(node, *dir))) else {
            return Ok(());
        };
        let config = replica.log().config();
        let bound = |bound: i64| if config.delete_policy { bound } else { -1 };
        let (bytes, ms) = (bound(config.retention_bytes), bound(config.retention_ms));
        let kept = Kept { bytes, ms, wall: self.now.wall.0 };
        on_dropped(replica.folder(), log, base.0, *before, kept)
    }
}

impl Watch {
    /// A log that retention has left longer, or older, than it may be, on a node whose clock says `wall`.
    pub fn outstayed(&self, node: usize, core: &Core, wall: i64) -> Option<String> {
        if self.rotten == Some(node) {
            return None;
        }
        core.partitions.iter().filter(|replica| replica.is_online() && replica.is_open()).find_map(|replica| {
            let config = replica.log().config();
            let log = self.shadows[node].log(replica.folder()).filter(|_| config.delete_policy)?;
            let kept = Kept { bytes: config.retention_bytes, ms: config.retention_ms, wall };
            let segment = stays(log, replica.watermark().0, kept)?;
            Some(format!("{} keeps the segment {segment}, which is too much, or too old", replica.folder()))
        })
    }
}

/// The first segment of a log, if it is to go.
fn stays(log: &Shadow, watermark: i64, kept: Kept) -> Option<i64> {
    let (segment, _) = log.entries.first()?.place();
    let last = log.last_of_segment(segment)?;
    (last < watermark && last + 1 < log.end() && kept.is_over(log, segment)).then_some(segment)
}

impl Kept {
    /// Whether a segment is more than is to be kept, or older.
    fn is_over(&self, log: &Shadow, segment: i64) -> bool {
        let left = log.bytes_behind(segment);
        let over = self.bytes >= 0 && i64::try_from(left).is_ok_and(|left| left >= self.bytes);
        over || self.ms >= 0 && self.wall.saturating_sub(log.newest_of_segment(segment)) > self.ms
    }
}

/// A segment of a log goes that stood so before.
pub fn on_dropped(folder: &str, log: &Shadow, segment: i64, before: Glance, kept: Kept) -> Result<(), Broken> {
    let Some(last) = log.last_of_segment(segment) else { return Ok(()) };
    let left = log.bytes_behind(segment);
    if last < before.start.0 || kept.is_over(log, segment) && last < before.watermark.0 {
        return Ok(());
    }
    Err((
        "retained",
        format!(
            "drops the segment {segment} of {folder}, up to {last}: deleted is what is below {}, committed what is below {}, \
             {left} bytes are left of {}",
            before.start, before.watermark, kept.bytes
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{LeaderEpoch, Offset};

    #[test]
    fn what_was_to_go_is_seen() {
        let log = Shadow::in_segments(&[(0, 1, 0), (2, 3, 0), (4, 4, 4)]);
        let judge = |watermark, bytes, ms, wall| stays(&log, watermark, Kept { bytes, ms, wall });
        assert_eq!(judge(5, 1, -1, 0), Some(0), "one byte is left without it");
        assert_eq!(judge(5, 2, -1, 0), None);
        assert_eq!(judge(3, 1, -1, 0), None, "it is not committed");
        assert_eq!(judge(5, -1, 10, 11), Some(0), "its records are of the time 0");
        assert_eq!(judge(5, -1, 10, 10), None);
        let last = Shadow::in_segments(&[(4, 4, 4)]);
        assert_eq!(stays(&last, 5, Kept { bytes: 0, ms: 0, wall: 9 }), None, "what is written to is rolled first");
    }

    #[test]
    fn what_was_to_be_kept_is_missed() {
        let log = Shadow::in_segments(&[(0, 1, 0), (2, 3, 0), (4, 4, 4), (5, 6, 4)]);
        let before = |start, watermark| Glance {
            leads: true,
            epoch: LeaderEpoch(1),
            state: None,
            in_sync: 1,
            watermark: Offset(watermark),
            start: Offset(start),
            end: Offset(7),
            synced: Offset(7),
        };
        let judge = |before, bytes| on_dropped("t-0", &log, 0, before, Kept { bytes, ms: -1, wall: 0 });
        assert!(judge(before(4, 7), -1).is_ok(), "all of it was deleted");
        assert_eq!(judge(before(3, 7), -1).unwrap_err().0, "retained");
        assert!(judge(before(0, 7), 2).is_ok(), "two bytes are left");
        assert_eq!(judge(before(0, 7), 3).unwrap_err().0, "retained");
        assert_eq!(judge(before(0, 3), 2).unwrap_err().0, "retained", "its last record is not committed");
        // Their records are of the time 0.
        let judge = |before, wall| on_dropped("t-0", &log, 0, before, Kept { bytes: -1, ms: 1000, wall });
        assert!(judge(before(0, 7), 1001).is_ok());
        assert_eq!(judge(before(0, 7), 1000).unwrap_err().0, "retained", "it is not older than that yet");
        assert_eq!(judge(before(0, 3), 1001).unwrap_err().0, "retained", "nor is it committed");
    }
}
