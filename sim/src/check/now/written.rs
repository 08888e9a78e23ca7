//! Where its watermarks are a node writes down every `replica.high.watermark.checkpoint.interval.ms`: by that it knows after a crash how
//! far it may be read, and that its log lacks something of what it had promised.

use super::Broken;
use esker_core::id::{DirId, Offset};
use esker_core::io::{DiskOp, FileName};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use esker_core::time::{Mono, Span};
use std::collections::BTreeMap;

/// Who handles nothing for so long stood still, or had nothing to write.
const STILL: Span = Span::from_millis(500);
/// How much later than twice the interval is late.
const LATE: Span = Span::from_millis(1_000);

/// What one node has written down.
#[derive(Clone, Debug, Default)]
struct Checkpoint {
    says: BTreeMap<String, Offset>,
    /// The logs of which it says something else than is so, and since when.
    behind: BTreeMap<String, Mono>,
    looked: Mono,
}

#[derive(Debug)]
pub struct Written {
    nodes: Vec<Checkpoint>,
}

impl Written {
    pub fn new(nodes: usize) -> Self {
        Self { nodes: vec![Checkpoint::default(); nodes] }
    }

    pub fn on_start(&mut self, node: usize) {
        self.nodes[node] = Checkpoint::default();
    }

    pub fn on_disk_op(&mut self, node: usize, op: &DiskOp) {
        if let DiskOp::Replace { file, bytes } = op
            && (file.dir, file.name) == (DirId::ROOT, FileName::HighWatermarks)
        {
            let looked = self.nodes[node].looked;
            self.nodes[node] = Checkpoint { says: read(bytes), behind: BTreeMap::new(), looked };
        }
    }

    /// A watermark has moved: away from what is written down, or back to it.
    pub fn moved(&mut self, node: usize, now: Mono, replica: &Partition) {
        let (checkpoint, folder) = (&mut self.nodes[node], replica.folder());
        if checkpoint.says.get(folder) == Some(&replica.promised()) {
            checkpoint.behind.remove(folder);
        } else if !checkpoint.behind.contains_key(folder) {
            checkpoint.behind.insert(folder.to_string(), now);
        }
    }

    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        let checkpoint = &mut self.nodes[node];
        if now.since(std::mem::replace(&mut checkpoint.looked, now)) > STILL {
            checkpoint.behind.values_mut().for_each(|since| *since = now);
        }
        let every = core.config.chores.watermarks;
        let late = checkpoint.behind.iter().find(|(_, since)| now.since(**since) > bound(every));
        let Some(folder) = late.map(|(folder, _)| folder.clone()) else { return Ok(()) };
        checkpoint.behind.remove(&folder);
        // One that is given up meanwhile is written of no more.
        let replica = core.partitions.iter().find(|replica| replica.is_online() && replica.folder() == folder);
        replica.map_or(Ok(()), |replica| judge(&checkpoint.says, (&folder, replica.promised()), every))
    }
}

/// A watermark that moved is written down by then.
fn bound(every: Span) -> Span {
    Span(every.0.saturating_mul(2).saturating_add(LATE.0))
}

fn read(text: &[u8]) -> BTreeMap<String, Offset> {
    let text = String::from_utf8_lossy(text);
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = format!("{}-{}", words.next()?, words.next()?);
        Some((name, Offset(words.next()?.parse().ok()?)))
    };
    text.lines().filter_map(line).collect()
}

fn judge(says: &BTreeMap<String, Offset>, is: (&str, Offset), every: Span) -> Result<(), Broken> {
    let ((folder, watermark), said) = (is, says.get(is.0));
    if said == Some(&watermark) {
        return Ok(());
    }
    let after = bound(every).as_millis();
    let what = format!("the watermark of {folder} is {watermark}; written down is {said:?}, for {after} ms");
    Err(("not-written", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_that_is_not_written_down_is_caught() {
        let says = read(b"0\n2\nt 0 4\nmade-of-parts 1 7\n");
        let judge = |folder, watermark| {
            judge(&says, (folder, Offset(watermark)), Span::from_millis(5_000)).map_err(|broken| broken.0)
        };
        assert_eq!(judge("t-0", 4).and(judge("made-of-parts-1", 7)), Ok(()));
        assert_eq!(judge("t-0", 5), Err("not-written"));
        assert_eq!(judge("t-1", 0), Err("not-written"), "nothing is written of it");
    }
}
