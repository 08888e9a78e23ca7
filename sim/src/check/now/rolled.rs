//! A segment takes nothing that is `segment.ms` later than its first batch: what is old is to be dropped as a whole.

use super::Broken;
use super::shadow::{Entry, Shadow};
use crate::table::Set;
use esker_core::id::DirId;
use esker_core::io::{DiskOp, FileId, FileName};
use esker_core::time::Span;

/// The segments that a process made itself: of others it need not know when they began.
#[derive(Debug, Default)]
pub struct Rolled {
    made: Set<(usize, DirId, i64)>,
}

impl Rolled {
    pub fn on_start(&mut self, node: usize) {
        self.made.retain(|(of, ..)| *of != node);
    }

    /// A node asks its disk for something: for this log, whose segments last so long.
    pub fn on_disk_op(&mut self, node: usize, op: &DiskOp, log: Option<&Shadow>, lasts: Span) -> Result<(), Broken> {
        match op {
            DiskOp::Create { file: FileId { dir, name: FileName::Log(base) } } => {
                self.made.insert((node, *dir, base.0));
                Ok(())
            }
            DiskOp::Append { file: FileId { dir, name: FileName::Log(base) }, .. }
                if self.made.contains(&(node, *dir, base.0)) =>
            {
                let own = log.into_iter().flat_map(|log| log.entries.iter().filter(|entry| entry.place().0 == base.0));
                judge(own, lasts)
            }
            _ => Ok(()),
        }
    }
}

fn judge<'a>(mut segment: impl DoubleEndedIterator<Item = &'a Entry>, lasts: Span) -> Result<(), Broken> {
    let (Some(first), Some(last)) = (segment.next(), segment.next_back()) else { return Ok(()) };
    let late = last.time.saturating_sub(first.time);
    // Batches without a time are as old as their segment.
    let timed = first.time >= 0 && last.time >= 0;
    if !timed || u64::try_from(late).is_ok_and(|late| late <= lasts.as_millis()) || late < 0 {
        return Ok(());
    }
    let (base, at, lasts) = (first.base, last.base, lasts.as_millis());
    Err((
        "not-rolled",
        format!(
            "the batch at {at} is {late} ms later than the one at {base}, where its segment begins: {lasts} ms are its time"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_late_for_a_segment_is_caught() {
        let judge = |times: &[(i64, i64, i64)]| {
            judge(Shadow::timed(times).entries.iter(), Span::from_millis(100)).map_err(|broken| broken.0)
        };
        assert_eq!(judge(&[(0, 0, 50)]), Ok(()));
        assert_eq!(judge(&[(0, 0, 50), (1, 1, 150)]), Ok(()));
        assert_eq!(judge(&[(0, 0, 50), (1, 1, 151)]), Err("not-rolled"));
        assert_eq!(judge(&[(0, 0, 50), (1, 1, 20)]), Ok(()), "an older one");
        assert_eq!(judge(&[(0, 0, -1), (1, 1, 500)]), Ok(()), "the first one has no time");
    }
}
