//! Where its watermarks are a node writes down every `replica.high.watermark.checkpoint.interval.ms`: by that it knows after a crash how
//! far it may be read, and that its log lacks something of what it had promised. And what it wrote down of a log that it has not opened since it writes
//! down again.

use super::Broken;
use crate::disk::Disk;
use esker_core::id::{DirId, Offset};
use esker_core::io::{DiskOp, FileName};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use esker_core::time::{Mono, Span};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The logs of which each node found something written down when it started, and whose folders it has not touched since.
    named: Vec<BTreeSet<String>>,
}

impl Written {
    pub fn new(nodes: usize) -> Self {
        Self { nodes: vec![Checkpoint::default(); nodes], named: vec![BTreeSet::new(); nodes] }
    }

    pub fn on_start(&mut self, node: usize, disk: &Disk) {
        self.nodes[node] = Checkpoint::default();
        let file = disk.named("").and_then(|root| root.file(FileName::HighWatermarks));
        let says = file.map(|file| read(file.read(0, u32::MAX))).unwrap_or_default();
        // Of what has no folder nothing can be written down.
        self.named[node] = says.into_keys().filter(|folder| disk.named(folder).is_some()).collect();
    }

    /// An operation is issued; `folder`: the one that it removes, or gives another name. What is opened speaks for itself.
    pub fn on_disk_op(&mut self, node: usize, op: &DiskOp, folder: Option<&str>) -> Result<(), Broken> {
        let opened = if let DiskOp::OpenDir { name, .. } = op { Some(name.as_str()) } else { folder };
        if let Some(folder) = opened {
            self.named[node].remove(folder);
        }
        if let DiskOp::Replace { file, bytes } = op
            && (file.dir, file.name) == (DirId::ROOT, FileName::HighWatermarks)
        {
            let looked = self.nodes[node].looked;
            self.nodes[node] = Checkpoint { says: read(bytes), behind: BTreeMap::new(), looked };
            let says = &self.nodes[node].says;
            still_named(&self.named[node], says)?;
        }
        Ok(())
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

/// What a checkpoint `named` the next one says something of.
fn still_named(named: &BTreeSet<String>, says: &BTreeMap<String, Offset>) -> Result<(), Broken> {
    match named.iter().find(|folder| !says.contains_key(*folder)) {
        None => Ok(()),
        Some(folder) => {
            Err(("not-written", format!("what was written down of {folder}, which is kept, is not any more")))
        }
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
    fn what_is_written_down_of_no_more_is_caught() {
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let says = read(b"0\n2\nt 0 4\nt 1 7\n");
        assert!(still_named(&named(&["t-0"]), &says).is_ok());
        assert_eq!(still_named(&named(&["t-0", "t-2"]), &says).unwrap_err().0, "not-written");
    }

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
