//! What all logs together keep in memory of their newest batches: of more than there is room for, that of the logs goes first
//! that were not appended to for longest. Readers find it on disk.

use crate::id::DirId;
use crate::limits::TAILS_BYTES_MAX;
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};

/// Invariant: `oldest` has exactly what `held` has, and `bytes` is its sum.
#[derive(Debug, Default)]
pub(super) struct Tails {
    /// When the log of a folder was last appended to, and how many bytes it has in memory.
    held: BTreeMap<DirId, (Mono, usize)>,
    oldest: BTreeSet<(Mono, DirId)>,
    bytes: usize,
}

impl Tails {
    /// The log of the folder has so many bytes in memory, and the last of them came at that moment.
    pub fn observe(&mut self, dir: DirId, at: Mono, bytes: usize) {
        let held = (bytes > 0).then_some((at, bytes));
        let before = match held {
            Some(held) => self.held.insert(dir, held),
            None => self.held.remove(&dir),
        };
        if let Some((at, bytes)) = before {
            self.bytes -= bytes;
            self.oldest.remove(&(at, dir));
        }
        if let Some((at, bytes)) = held {
            self.bytes += bytes;
            self.oldest.insert((at, dir));
        }
    }

    /// A folder whose log is to let go of what it has, because all have too much. What it cannot let go of yet, because it is not
    /// written, does not count until the log is looked at again.
    pub fn pop_excess(&mut self) -> Option<DirId> {
        if self.bytes <= TAILS_BYTES_MAX {
            return None;
        }
        let (at, dir) = *self.oldest.first()?;
        self.observe(dir, at, 0);
        Some(dir)
    }

    pub fn check(&self) {
        assert_eq!(self.held.len(), self.oldest.len(), "tails and their order differ");
        assert!(self.bytes <= TAILS_BYTES_MAX, "{} bytes in memory", self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn who_was_not_appended_to_for_longest_lets_go_first() {
        let part = TAILS_BYTES_MAX / 4;
        let mut tails = Tails::default();
        (1..=4).for_each(|number| tails.observe(DirId(number), Mono(u64::from(number)), part));
        assert_eq!(tails.pop_excess(), None);
        tails.observe(DirId(1), Mono(5), part);
        tails.observe(DirId(6), Mono(6), part + 1);
        let excess: Vec<DirId> = core::iter::from_fn(|| tails.pop_excess()).collect();
        assert_eq!(excess, [DirId(2), DirId(3)]);
        tails.observe(DirId(4), Mono(4), 0);
        assert_eq!(tails.bytes, 2 * part + 1);
        tails.check();
    }
}
