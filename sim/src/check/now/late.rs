//! What time alone brings a leader does in time: it moves the watermark when nobody who lags is waited for any more, and asks for an in-sync set
//! without who lags, though nothing else happens to the partition.

use super::Broken;
use crate::table::Map;
use esker_core::id::DirId;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};

/// How often it is looked at, and how late it may be.
const EVERY: Span = Span::from_millis(50);
const SLACK: Span = Span::from_millis(150);
/// A gap between two inputs in which a process stood still: a broker sends heartbeats more often (seed 78000010495).
const STOOD_STILL: Span = Span::from_millis(700);

#[derive(Debug, Default)]
pub struct Late {
    awake: Map<usize, Mono>,
    looked: Map<usize, Mono>,
    since: Map<(usize, DirId), Mono>,
}

impl Late {
    pub fn on_start(&mut self, node: usize) {
        self.awake.remove(&node);
        self.looked.remove(&node);
        self.since.retain(|(of, _), _| *of != node);
    }

    /// A node has handled an input.
    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        let gap = self.awake.insert(node, now).map_or(Span::ZERO, |awake| now.since(awake));
        if gap > STOOD_STILL {
            let own = self.since.iter_mut().filter(|((of, _), _)| *of == node);
            own.for_each(|(_, since)| *since = *since + gap);
        }
        if self.looked.get(&node).is_some_and(|looked| now < *looked + EVERY) {
            return Ok(());
        }
        self.looked.insert(node, now);
        for replica in core.partitions.iter() {
            if !replica.is_late(now) {
                self.since.remove(&(node, replica.dir()));
                continue;
            }
            let since = *self.since.entry((node, replica.dir())).or_insert(now);
            judge(replica.folder(), now.since(since))?;
        }
        Ok(())
    }
}

fn judge(folder: &str, late: Span) -> Result<(), Broken> {
    if late <= SLACK {
        return Ok(());
    }
    let ms = late.as_millis();
    Err(("not-woken", format!("leads {folder}, and has not looked for {ms} ms at who lags, or what is committed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_forgets_the_time_is_caught() {
        assert!(judge("t-0", SLACK).is_ok());
        assert_eq!(judge("t-0", Span::from_millis(151)).unwrap_err().0, "not-woken");
    }
}
