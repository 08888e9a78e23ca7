//! The file of a segment that is dropped stays for `file.delete.delay.ms`: who reads from it goes on.

use super::Broken;
use crate::table::Map;
use esker_core::io::{DiskOp, FileId, FileName};
use esker_core::time::{Mono, Span};

#[derive(Debug, Default)]
pub struct Retired {
    since: Map<(usize, FileId), Mono>,
}

impl Retired {
    /// Nobody reads any more.
    pub fn on_start(&mut self, node: usize) {
        self.since.retain(|(of, _), _| *of != node);
    }

    /// A node asks its disk for something, for a log whose files stay for so long.
    pub fn on_disk_op(&mut self, (node, now): (usize, Mono), op: &DiskOp, delay: Span) -> Result<(), Broken> {
        match op {
            DiskOp::Rename { from, to: to @ FileName::RetiredLog(_) } => {
                self.since.insert((node, FileId::new(from.dir, *to)), now);
                Ok(())
            }
            DiskOp::Delete { file: file @ FileId { name: FileName::RetiredLog(base), .. } } => {
                match self.since.remove(&(node, *file)) {
                    Some(since) if now < since + delay => {
                        let kept = now.since(since).as_millis();
                        let delay = delay.as_millis();
                        Err((
                            "deleted-early",
                            format!("the segment {base} was dropped {kept} ms ago and is deleted, not {delay} ms"),
                        ))
                    }
                    Some(_) | None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{DirId, Offset};

    #[test]
    fn a_file_that_goes_too_early_is_missed() {
        let file = |name| FileId::new(DirId(3), name);
        let (log, old) = (FileName::Log(Offset(7)), FileName::RetiredLog(Offset(7)));
        let judge = |after: u64| {
            let mut retired = Retired::default();
            let delay = Span::from_millis(100);
            let dropped = DiskOp::Rename { from: file(log), to: old };
            retired.on_disk_op((0, Mono(0)), &dropped, delay).unwrap();
            let at = Mono(0) + Span::from_millis(after);
            retired.on_disk_op((0, at), &DiskOp::Delete { file: file(old) }, delay).map_err(|broken| broken.0)
        };
        assert_eq!(judge(100), Ok(()));
        assert_eq!(judge(99), Err("deleted-early"));
    }
}
