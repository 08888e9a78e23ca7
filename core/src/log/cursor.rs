//! Walks bytes that come from a disk, batch by batch, and believes none of them.
//!
//! No CRC covers a batch's base offset. Where it lies behind the end of the batch before, either offsets are missing, as Kafka's cleaner leaves
//! them (ours never does; and of a folder of Kafka's nobody knows what its topic's policy has been), or the base is not what was written. It is
//! believed only if the next whole batch does not begin before this one's end: a wild base never makes the good batches behind it bad. Where no
//! whole one follows, the batch has to end within what is known to have been there ([`Walk::surely`]).

use crate::batch::{HEADER_BYTES, Header, MAGIC, PREFIX_BYTES, is_intact};
use crate::id::Offset;
use crate::limits::REQUEST_BYTES_MAX;

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// All bytes were walked.
    End,
    /// The bytes end within a batch (or what looks like one) of so many bytes, or within the one that has to bear it out.
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
    /// Bytes that the file has from where `bytes` begin.
    room: u64,
    /// The log is known to have reached so far.
    sure: Offset,
    /// The first batch is known to end at or before it.
    first_ends: Offset,
    checked: bool,
    stop: Option<Stop>,
}

impl<'a> Walk<'a> {
    pub const fn new(bytes: &'a [u8], least: Offset, until: Offset) -> Self {
        let (room, first_ends) = (bytes.len() as u64, Offset::ZERO);
        Self { bytes, at: 0, least, until, room, sure: until, first_ends, checked: false, stop: None }
    }

    /// A walk over bytes that passed a walk before.
    pub const fn unchecked(bytes: &'a [u8]) -> Self {
        Self { checked: true, ..Self::new(bytes, Offset::ZERO, Offset(i64::MAX)) }
    }

    /// The file has so many bytes from where these begin: what bears a batch out may lie behind these.
    pub const fn within(self, room: u64) -> Self {
        Self { room, ..self }
    }

    /// The log is known to have reached `sure`, which otherwise is `until`: up to there the last batch may lie behind a gap.
    pub const fn surely(self, sure: Offset) -> Self {
        Self { sure, ..self }
    }

    /// The first batch is known to end at `end`, or before it with others up to there behind it: where it begins is not in doubt, if so.
    pub const fn first_ends(self, end: Offset) -> Self {
        Self { first_ends: end, ..self }
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
        let (header, size) = front(rest)?;
        if header.base_offset() < self.least || header.next_offset() > self.until {
            return Err(Stop::Bad);
        }
        let batch = rest.get(..size).ok_or(Stop::Cut { need: size })?;
        if self.checked || is_intact(batch) && self.may_begin_there(&header, size)? {
            return Ok((header, batch));
        }
        Err(Stop::Bad)
    }

    /// Whether to believe where the next batch, of `size` bytes, begins.
    fn may_begin_there(&self, header: &Header<'_>, size: usize) -> Result<bool, Stop> {
        let end = header.next_offset();
        if header.base_offset() == self.least || self.at == 0 && end == self.first_ends {
            return Ok(true);
        }
        // Kafka's index may name several batches that came together by the last of them: then the next one is of those.
        let next_before = if self.at == 0 && end < self.first_ends { self.first_ends } else { Offset(i64::MAX) };
        let behind = &self.bytes[self.at + size..];
        let need = match front(behind) {
            Ok((next, len)) => match behind.get(..len) {
                Some(batch) if is_intact(batch) => {
                    return Ok((end..next_before).contains(&next.base_offset()));
                }
                Some(_) => 0,
                None => len,
            },
            Err(Stop::Cut { need }) => need,
            Err(Stop::End) => HEADER_BYTES,
            Err(Stop::Bad) => 0,
        };
        let follows = need > 0 && need <= REQUEST_BYTES_MAX && (self.at + size + need) as u64 <= self.room;
        if follows { Err(Stop::Cut { need: size + need }) } else { Ok(end <= self.sure) }
    }
}

/// The header of what may be a batch at the front of `bytes`, and how many bytes it says that it has.
fn front(bytes: &[u8]) -> Result<(Header<'_>, usize), Stop> {
    if bytes.is_empty() {
        return Err(Stop::End);
    }
    if bytes.len() < PREFIX_BYTES {
        return Err(Stop::Cut { need: HEADER_BYTES });
    }
    let length = bytes.get(8..PREFIX_BYTES).and_then(|field| field.try_into().ok()).map_or(0, i32::from_be_bytes);
    let size = usize::try_from(length).ok().and_then(|length| length.checked_add(PREFIX_BYTES)).ok_or(Stop::Bad)?;
    if size < HEADER_BYTES {
        return Err(Stop::Bad);
    }
    let header = Header::read(bytes).ok_or(Stop::Cut { need: size })?;
    let plausible = header.magic() == MAGIC && header.last_offset_delta() >= 0;
    if plausible { Ok((header, size)) } else { Err(Stop::Bad) }
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

    /// The bases of four batches from 10 on, of which the log is known to have reached `sure`: how many are believed.
    #[track_caller]
    fn believes(bases: [i64; 4], sure: i64, batches: usize) {
        let bytes = bases.map(batch).concat();
        let size = (bytes.len() / 4) as u64;
        let walk = |bytes| Walk::new(bytes, Offset(10), Offset(i64::MAX)).within(4 * size).surely(Offset(sure));
        assert_eq!(walk(&bytes).count(), batches, "{bases:?}");
        // As far as there are bytes; and more are asked for where they decide.
        for len in 0..bytes.len() {
            let mut part = walk(&bytes[..len]);
            let whole = part.by_ref().count();
            assert!(whole <= batches && whole * size as usize <= len);
            if let Stop::Cut { need } = part.stop() {
                assert!(need > len - part.walked(), "{bases:?}, {len} bytes");
            }
        }
    }

    #[test]
    fn a_batch_behind_a_gap_is_believed_if_the_next_one_bears_it_out() {
        believes([10, 12, 14, 16], 0, 4);
        believes([10, 40, 50, 52], 0, 4);
        believes([10, 40, 50, 60], 0, 3);
        believes([10, 40, 50, 60], 62, 4);
        believes([10, 12, 14, 17], 18, 3);
        for wild in [13, 14, 20, 12 + (1 << 40)] {
            believes([10, wild, 14, 16], 18, 1);
            believes([wild, 12, 14, 16], 18, 0);
        }
    }

    #[test]
    fn a_batch_behind_a_gap_that_nothing_whole_follows_has_to_be_known() {
        let mut bytes = [batch(10), batch(40), batch(42)].concat();
        let size = bytes.len() / 3;
        bytes[2 * size + 70] ^= 1;
        for len in [2 * size, 2 * size + 5, 2 * size + 30, 3 * size] {
            let walk = |sure| Walk::new(&bytes[..len], Offset(10), Offset(i64::MAX)).surely(Offset(sure)).count();
            assert_eq!((walk(41), walk(42)), (1, 2), "{len} bytes");
        }
        let wild = [batch(2), batch(40), batch(42)].concat();
        let named = |bytes, ends| Walk::new(bytes, Offset(0), Offset(i64::MAX)).first_ends(Offset(ends)).count();
        assert_eq!(
            (named(&wild[..], 40), named(&wild[..], 41), named(&bytes[..], 42)),
            (0, 3, 2),
            "one, or two together"
        );
        let first = |ends| Walk::new(&bytes[size..2 * size], Offset(10), Offset(i64::MAX)).first_ends(Offset(ends));
        assert_eq!((first(42).surely(Offset(0)).count(), first(41).surely(Offset(0)).count()), (1, 0));
    }
}
