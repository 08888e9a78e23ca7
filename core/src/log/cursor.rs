//! Walks bytes that come from a disk, batch by batch, and believes none of them.

use crate::batch::{HEADER_BYTES, Header, MAGIC, PREFIX_BYTES, is_intact};
use crate::id::Offset;

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// All bytes were walked.
    End,
    /// The bytes end within a batch (or what looks like one) of so many bytes.
    Cut { need: usize },
    /// What comes next is no batch of this log.
    Bad,
}

/// Walks whole, intact batches whose offsets rise from `least` and stay below `until`.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    least: Offset,
    until: Offset,
    checked: bool,
    stop: Option<Stop>,
}

impl<'a> Walk<'a> {
    pub const fn new(bytes: &'a [u8], least: Offset, until: Offset) -> Self {
        Self { bytes, at: 0, least, until, checked: false, stop: None }
    }

    /// A walk over bytes that passed a walk before.
    pub const fn unchecked(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, least: Offset::ZERO, until: Offset(i64::MAX), checked: true, stop: None }
    }

    /// How many bytes the batches have that were walked.
    pub const fn walked(&self) -> usize {
        self.at
    }

    /// The offset behind the last batch walked.
    pub const fn reached(&self) -> Offset {
        self.least
    }

    /// Why the walk ended. Only after its end.
    pub fn stop(&self) -> Stop {
        self.stop.unwrap_or(Stop::End)
    }

    fn step(&self) -> Result<(Header<'a>, &'a [u8]), Stop> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return Err(Stop::End);
        }
        if rest.len() < PREFIX_BYTES {
            return Err(Stop::Cut { need: HEADER_BYTES });
        }
        let length = rest.get(8..PREFIX_BYTES).and_then(|field| field.try_into().ok()).map_or(0, i32::from_be_bytes);
        let size = usize::try_from(length).ok().and_then(|length| length.checked_add(PREFIX_BYTES)).ok_or(Stop::Bad)?;
        if size < HEADER_BYTES {
            return Err(Stop::Bad);
        }
        let Some(header) = Header::read(rest) else {
            return Err(Stop::Cut { need: size });
        };
        let fits = header.magic() == MAGIC
            && header.base_offset() >= self.least
            && header.last_offset_delta() >= 0
            && header.next_offset() <= self.until;
        if !fits {
            return Err(Stop::Bad);
        }
        let batch = rest.get(..size).ok_or(Stop::Cut { need: size })?;
        if self.checked || is_intact(batch) { Ok((header, batch)) } else { Err(Stop::Bad) }
    }
}

impl<'a> Iterator for Walk<'a> {
    /// Where the batch begins, its header, the whole of it.
    type Item = (usize, Header<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.stop.is_some() {
            return None;
        }
        match self.step() {
            Ok((header, batch)) => {
                let at = self.at;
                self.at += batch.len();
                self.least = header.next_offset();
                Some((at, header, batch))
            }
            Err(stop) => {
                self.stop = Some(stop);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use alloc::vec;
    use alloc::vec::Vec;

    fn batch(base: i64) -> Vec<u8> {
        let mut batch = Builder::new().base(Offset(base));
        batch.push(1, None, Some(b"value"), &[]);
        batch.push(1, None, Some(b"value"), &[]);
        batch.finish().to_vec()
    }

    #[track_caller]
    fn check(bytes: &[u8], batches: usize, stop: Stop) {
        let mut walk = Walk::new(bytes, Offset(10), Offset(100));
        assert_eq!(walk.by_ref().count(), batches);
        assert_eq!(walk.stop(), stop);
    }

    #[test]
    fn walks_what_is_whole_and_in_order() {
        let size = batch(10).len();
        let two = [batch(10), batch(12)].concat();
        check(&two, 2, Stop::End);
        check(&[batch(10), batch(50)].concat(), 2, Stop::End);
        check(&two[..two.len() - 1], 1, Stop::Cut { need: size });
        check(&two[..size + 20], 1, Stop::Cut { need: size });
        check(&two[..size + 5], 1, Stop::Cut { need: HEADER_BYTES });
        check(&[batch(10), batch(11)].concat(), 1, Stop::Bad);
        check(&batch(9), 0, Stop::Bad);
        check(&batch(99), 0, Stop::Bad);
        check(&[batch(10), vec![0; 100]].concat(), 1, Stop::Bad);
        let mut flipped = two;
        flipped[size + 70] ^= 1;
        check(&flipped, 1, Stop::Bad);
    }
}
