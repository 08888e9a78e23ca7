//! A running hash over everything that goes in and out of every node, and, when a person wants to read it, the lines themselves.
//!
//! The hash takes the numbers and bytes of an event, not its text: writing text costs more than most events do. Lines are
//! kept only when asked for; the run is the same with and without, so that a failing seed is simply run again to be read.

use crate::say::say;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::hash::Hasher;

/// A hash that takes 64 bits at a time. Not for hostile input: only runs of one program are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest(u64);

impl Digest {
    pub const fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word ^ 0xf39c_c060_5ced_c835) as u128 * 0x9e37_79b9_7f4a_7c15;
        self.0 = (mixed as u64) ^ ((mixed >> 64) as u64) ^ self.0.rotate_left(23);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.word(u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]));
        }
        let mut last = [0; 8];
        let rest = words.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.word(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.word(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    fn finish(&self) -> u64 {
        self.value()
    }
}

/// Which lines are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// None: the hash alone.
    Nothing,
    /// The last so many.
    Last(usize),
    /// None, but each is printed when it happens.
    Print,
}

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    hash: Digest,
    events: u64,
    keep: Keep,
    lines: VecDeque<String>,
}

impl Trace {
    pub const fn new(keep: Keep) -> Self {
        Self { hash: Digest(0), events: 0, keep, lines: VecDeque::new() }
    }

    /// Whether lines are wanted: otherwise they need not be written.
    pub const fn wants_lines(&self) -> bool {
        !matches!(self.keep, Keep::Nothing)
    }

    /// Counts an event and gives the hash to add its numbers to.
    pub const fn event(&mut self, at: u64) -> &mut Digest {
        self.events += 1;
        self.hash.word(at);
        &mut self.hash
    }

    /// The hash, to add more of the same event to.
    pub const fn hash(&mut self) -> &mut Digest {
        &mut self.hash
    }

    /// A line for the reader: `12.345678s n1 < c3/0 Produce v11`.
    pub fn line(&mut self, at: u64, who: impl fmt::Display, what: impl fmt::Display) {
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = write!(line, "{:>3}.{:06}s {who} {what}", at / 1_000_000, at % 1_000_000);
        match self.keep {
            Keep::Nothing => {}
            Keep::Print => say!("{line}"),
            Keep::Last(most) => {
                if self.lines.len() >= most {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
        }
    }

    pub const fn events(&self) -> u64 {
        self.events
    }

    pub const fn value(&self) -> u64 {
        self.hash.value()
    }

    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

/// When a line of the trace was written, in microseconds.
pub fn moment(line: &str) -> Option<u64> {
    let (seconds, rest) = line.trim_start().split_once('.')?;
    let (micros, _) = rest.split_once('s')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Digest, Keep, Trace, moment};

    #[test]
    fn the_hash_sees_order_length_and_every_byte() {
        let of = |parts: &[&[u8]]| {
            let mut digest = Digest::default();
            parts.iter().for_each(|part| digest.bytes(part));
            digest.value()
        };
        assert_eq!(of(&[b"one", b"two"]), of(&[b"one", b"two"]));
        assert_ne!(of(&[b"one", b"two"]), of(&[b"two", b"one"]));
        assert_ne!(of(&[b"onetwo"]), of(&[b"one", b"two"]));
        assert_ne!(of(&[b"123456789"]), of(&[b"123456780"]));
        assert_ne!(of(&[b"1"]), of(&[b"1\0"]));
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut trace = Trace::new(Keep::Last(2));
        for n in 0..5 {
            trace.line(1_500_000, "n1", n);
        }
        assert_eq!(trace.lines().collect::<Vec<_>>(), ["  1.500000s n1 3", "  1.500000s n1 4"]);
        assert_eq!(trace.lines().map(moment).collect::<Vec<_>>(), [Some(1_500_000); 2]);
        assert_eq!(moment("nothing"), None);
    }
}
