//! One file: what its readers see, and what would be left of it after a crash.

use crate::dice::Dice;
use crate::disk::Loss;

/// A file's bytes.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// What readers see: the page cache.
    seen: Vec<u8>,
    /// What the medium holds.
    held: Vec<u8>,
    /// Written and not yet durable, in the order of writing: from, to.
    dirty: Vec<(usize, usize)>,
}

impl File {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> u64 {
        self.seen.len() as u64
    }

    /// A file of which all is durable.
    pub fn durable(bytes: &[u8]) -> Self {
        Self { seen: bytes.to_vec(), held: bytes.to_vec(), dirty: Vec::new() }
    }

    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        let from = at as usize;
        let to = from + bytes.len();
        if self.seen.len() < to {
            self.seen.resize(to, 0);
        }
        self.seen[from..to].copy_from_slice(bytes);
        match self.dirty.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => self.dirty.push((from, to)),
        }
    }

    pub fn read(&self, at: u64, len: u32) -> &[u8] {
        let from = (at as usize).min(self.seen.len());
        let to = from.saturating_add(len as usize).min(self.seen.len());
        &self.seen[from..to]
    }

    pub fn truncate(&mut self, len: u64) {
        let len = len as usize;
        self.seen.truncate(len);
        self.held.truncate(len);
        self.dirty.retain_mut(|range| {
            range.1 = range.1.min(len);
            range.0 < range.1
        });
    }

    pub fn sync(&mut self) {
        for (from, to) in std::mem::take(&mut self.dirty) {
            self.put(from, to);
        }
        // A hole at the end (a longer length without bytes) is durable as well.
        self.held.resize(self.seen.len(), 0);
    }

    /// A sync that failed: each write that waited either reached the medium or never will, and nobody will be told.
    pub fn sync_failed(&mut self, dice: &mut Dice) {
        for (from, to) in std::mem::take(&mut self.dirty) {
            if dice.chance(1, 4) {
                self.put(from, to);
            }
        }
    }

    /// What a crash leaves of it.
    pub fn crash(&mut self, loss: Loss, page: usize, dice: &mut Dice) {
        let dirty = std::mem::take(&mut self.dirty);
        match loss {
            // What was written is still to be made durable. (Of what a sync could not write nothing is left to be written.)
            Loss::Nothing => {
                let written = std::mem::replace(&mut self.seen, self.held.clone());
                for (from, to) in &dirty {
                    self.seen.resize(self.seen.len().max(*to), 0);
                    self.seen[*from..*to].copy_from_slice(&written[*from..*to]);
                }
                self.dirty = dirty;
                return;
            }
            Loss::All => {}
            Loss::Torn => {
                let total: usize = dirty.iter().map(|(from, to)| to - from).sum();
                let mut left = dice.below(total as u64 + 1) as usize;
                for (from, to) in dirty {
                    let taken = left.min(to - from);
                    self.put(from, from + taken);
                    left -= taken;
                }
            }
            Loss::Pages => {
                for (from, to) in dirty {
                    let mut start = from;
                    while start < to {
                        let end = ((start / page + 1) * page).min(to);
                        if dice.chance(1, 2) {
                            self.put(start, end);
                        }
                        start = end;
                    }
                }
            }
        }
        self.seen.clone_from(&self.held);
    }

    /// These bytes reach the medium. What lies before them and was never written reads as zeros.
    fn put(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        if self.held.len() < to {
            self.held.resize(to, 0);
        }
        self.held[from..to].copy_from_slice(&self.seen[from..to]);
    }

    /// A bit of a durable byte flips, on the medium alone: who has the file in the page cache still sees what was written.
    pub fn rot(&mut self, at: usize) {
        if let Some(byte) = self.held.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
    }

    /// Bytes of another place of the file stand on the medium, and there alone; `None`: zeros.
    pub fn displace(&mut self, at: usize, len: usize, from: Option<usize>) {
        match from {
            Some(from) => self.held.copy_within(from..from + len, at),
            None => self.held[at..at + len].fill(0),
        }
    }

    /// Whether a crash would leave all up to byte `to`.
    pub fn is_durable(&self, to: u64) -> bool {
        self.held.len() as u64 >= to && self.dirty.iter().all(|(from, _)| *from as u64 >= to)
    }

    /// What the medium holds.
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// How many bytes a crash could take.
    pub fn unsynced(&self) -> usize {
        self.dirty.iter().map(|(from, to)| to - from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    fn dice(counter: u64) -> Dice {
        Dice::new(1, Stream::Crash, 0, counter)
    }

    #[test]
    fn what_was_synced_survives_every_loss() {
        for loss in [Loss::Nothing, Loss::All, Loss::Torn, Loss::Pages] {
            for counter in 0..50 {
                let mut file = File::default();
                file.write(0, b"synced");
                file.sync();
                file.write(6, b" and then some more that was not");
                file.crash(loss, 4, &mut dice(counter));
                assert_eq!(file.read(0, 6), b"synced");
                assert!(loss != Loss::All || file.len() == 6);
                assert!(loss != Loss::Nothing || file.len() == 38);
            }
        }
    }

    #[test]
    fn what_outlives_a_process_is_not_durable_for_that() {
        let mut file = File::default();
        file.write(0, b"synced");
        file.sync();
        file.write(6, b", written");
        file.crash(Loss::Nothing, 4, &mut dice(0));
        assert_eq!(file.read(0, 99), b"synced, written");
        assert!(file.is_durable(6) && !file.is_durable(7));
        file.crash(Loss::All, 4, &mut dice(0));
        assert_eq!(file.read(0, 99), b"synced");
    }

    #[test]
    fn a_torn_write_ends_at_any_byte() {
        let mut ends = std::collections::BTreeSet::new();
        for counter in 0..200 {
            let mut file = File::default();
            file.write(0, b"0123456789");
            file.crash(Loss::Torn, 4096, &mut dice(counter));
            let left = file.read(0, 99).to_vec();
            assert_eq!(left, b"0123456789"[..left.len()]);
            ends.insert(left.len());
        }
        assert_eq!(ends.len(), 11);
    }

    #[test]
    fn lost_pages_read_as_zeros_between_kept_ones() {
        let holes = (0..200).any(|counter| {
            let mut file = File::default();
            file.write(0, b"aaaabbbbcccc");
            file.crash(Loss::Pages, 4, &mut dice(counter));
            file.read(0, 99) == b"\0\0\0\0bbbb"
        });
        assert!(holes);
    }

    #[test]
    fn after_a_failed_sync_a_good_one_brings_nothing_back() {
        let lost = (0..50).any(|counter| {
            let mut file = File::default();
            file.write(0, b"gone");
            file.sync_failed(&mut dice(counter));
            assert_eq!(file.read(0, 4), b"gone", "still in the page cache");
            file.write(4, b"kept");
            file.sync();
            file.crash(Loss::All, 4096, &mut dice(counter));
            file.read(0, 8) == b"\0\0\0\0kept"
        });
        assert!(lost);
    }

    #[test]
    fn a_cut_forgets_what_was_to_be_written_behind_it() {
        let mut file = File::default();
        file.write(0, b"0123456789");
        file.truncate(4);
        assert_eq!(file.unsynced(), 4);
        file.sync();
        file.crash(Loss::All, 4096, &mut dice(0));
        assert_eq!(file.read(0, 99), b"0123");
    }
}
