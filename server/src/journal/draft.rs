//! The journal's entries in the making.

use super::entry::{APART, BLOCK, ENTRY_MAX, FORGET, HEAD, Head, ITEM, ITEMS_MAX, MAGIC, WRITE, WRITE_APART};
use bytes::Bytes;
use std::io::IoSlice;

/// From this length on it is cheaper to give the medium each page by itself than to copy.
const APART_MIN: usize = 32 << 10;
/// Bytes before and behind a middle.
const EDGES_MAX: usize = 2 * (BLOCK - 1);

/// An entry in the making, in memory that is aligned as a direct write wants it.
#[derive(Debug)]
pub struct Draft {
    /// One block more than is used: `start` is where the first whole block begins.
    raw: Vec<u8>,
    start: usize,
    len: usize,
    items: u16,
    /// Of the items so far.
    crc: u32,
    /// Whole blocks, as a direct write wants them: some media take no shorter ones.
    body: Vec<Bytes>,
    body_len: usize,
}

impl Default for Draft {
    fn default() -> Self {
        Self { raw: Vec::new(), start: 0, len: HEAD, items: 0, crc: 0, body: Vec::new(), body_len: 0 }
    }
}

impl Draft {
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Bytes that the entry takes in the journal.
    pub const fn padded(&self) -> usize {
        self.len.next_multiple_of(BLOCK) + self.body_len
    }

    /// The memory is taken with the first entry: a node that writes nothing does without.
    fn allocate(&mut self) {
        if self.raw.is_empty() {
            self.raw = vec![0; ITEMS_MAX + BLOCK];
            self.start = self.raw.as_ptr().align_offset(BLOCK);
            assert!(self.start < BLOCK, "a vector of bytes can be aligned");
        }
    }

    /// Whole blocks of zeros, for what is written over; the draft is begun anew.
    pub fn zeros(&mut self, len: usize) -> &[u8] {
        self.allocate();
        self.clear();
        let zeros = &mut self.raw[self.start..self.start + len];
        zeros.fill(0);
        zeros
    }

    /// Part of an item. Its CRC is taken here, while it is near.
    fn put(&mut self, bytes: &[u8]) {
        self.allocate();
        let at = self.start + self.len;
        self.raw[at..at + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self.crc = crc32c::crc32c_append(self.crc, bytes);
    }

    fn put_item(&mut self, kind: u8, name: &str, at: u64, data_len: usize) {
        let mut head = [0; ITEM];
        head[0] = kind;
        head[2..4].copy_from_slice(&(name.len() as u16).to_le_bytes());
        head[4..8].copy_from_slice(&(data_len as u32).to_le_bytes());
        head[8..16].copy_from_slice(&at.to_le_bytes());
        self.put(&head);
        self.put(name.as_bytes());
        self.items += 1;
    }

    /// Bytes that fit behind `before` more of an item, among the items.
    fn room(&self, before: usize) -> usize {
        ITEMS_MAX.min(ENTRY_MAX - self.body_len).saturating_sub(self.len + before)
    }

    /// Takes as much of the data as there is room for, from its front; answers how much that was.
    pub fn write(&mut self, name: &str, at: u64, data: &Bytes) -> usize {
        if data.len() >= APART_MIN {
            return self.write_apart(name, at, data);
        }
        let taken = self.room(ITEM + name.len()).min(data.len());
        if taken > 0 {
            self.put_item(WRITE, name, at, taken);
            self.put(&data[..taken]);
        }
        taken
    }

    fn write_apart(&mut self, name: &str, at: u64, data: &Bytes) -> usize {
        let edges = ITEM + name.len() + APART + EDGES_MAX;
        if self.room(edges) == 0 {
            return 0;
        }
        let room = (ENTRY_MAX - (self.len + edges).next_multiple_of(BLOCK)).saturating_sub(self.body_len);
        let before = data.as_ptr().align_offset(BLOCK);
        let middle = (data.len() - before).min(room) / BLOCK * BLOCK;
        if middle == 0 {
            return 0;
        }
        let behind = if middle == room { 0 } else { (data.len() - before - middle).min(BLOCK - 1) };
        let taken = &data[..before + middle + behind];
        self.put_item(WRITE_APART, name, at, taken.len());
        for number in [crc32c::crc32c(&taken[before..before + middle]), before as u32, behind as u32] {
            self.put(&number.to_le_bytes());
        }
        self.put(&taken[..before]);
        self.put(&taken[before + middle..]);
        self.body.push(data.slice(before..before + middle));
        self.body_len += middle;
        taken.len()
    }

    /// Whether there was room for it.
    pub fn forget(&mut self, name: &str) -> bool {
        let fits = self.room(0) >= ITEM + name.len();
        if fits {
            self.put_item(FORGET, name, 0, 0);
        }
        fits
    }

    /// The entry's bytes, as long as [`Self::padded`] says.
    pub fn finish(&mut self, head: Head) -> Vec<IoSlice<'_>> {
        self.allocate();
        let (len, items, crc) = (self.len, self.items, self.crc);
        let bytes = &mut self.raw[self.start..self.start + len.next_multiple_of(BLOCK)];
        bytes[len..].fill(0);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&head.life.to_le_bytes());
        bytes[16..24].copy_from_slice(&head.generation.to_le_bytes());
        bytes[24..32].copy_from_slice(&head.number.to_le_bytes());
        bytes[32..36].copy_from_slice(&head.before.to_le_bytes());
        bytes[36..40].copy_from_slice(&head.synced.to_le_bytes());
        bytes[40..44].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[44..46].copy_from_slice(&items.to_le_bytes());
        bytes[46..48].copy_from_slice(&((self.body_len / BLOCK) as u16).to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &bytes[8..HEAD]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        let parts = std::iter::once(&*bytes).chain(self.body.iter().map(|part| &part[..]));
        parts.map(IoSlice::new).collect()
    }

    /// Begins another entry.
    pub fn clear(&mut self) {
        self.len = HEAD;
        self.items = 0;
        self.crc = 0;
        self.body.clear();
        self.body_len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Item, crc_of, length, lengths, read};
    use super::*;

    const HEAD_OF: Head = Head { life: 0x0102_0304, generation: 7, number: 2, before: 9, synced: 1 };

    /// An entry's bytes as they come to lie in the journal.
    fn written(draft: &mut Draft) -> Vec<u8> {
        let (padded, mut bytes) = (draft.padded(), Vec::new());
        for part in draft.finish(HEAD_OF) {
            assert!(part.as_ptr().addr().is_multiple_of(BLOCK), "as a direct write wants it");
            assert!(part.len().is_multiple_of(BLOCK), "as a direct write wants it");
            bytes.extend_from_slice(&part);
        }
        assert!(bytes.len() == padded && padded.is_multiple_of(BLOCK));
        bytes
    }

    fn entry() -> Vec<u8> {
        let mut draft = Draft::default();
        assert_eq!(draft.write("t-0/0.log", 61, &Bytes::from_static(b"abcdef")), 6);
        assert!(draft.forget("t-1/0.log"));
        written(&mut draft)
    }

    /// Bytes that do not repeat soon, at a place that is `skew` off from one that is aligned.
    fn long(skew: usize, len: usize) -> Bytes {
        let mut bytes = vec![0; len + 2 * BLOCK];
        let from = bytes.as_ptr().align_offset(BLOCK) + skew;
        for (at, byte) in bytes[from..from + len].iter_mut().enumerate() {
            *byte = (at / 251 + at % 251) as u8;
        }
        Bytes::from(bytes).slice(from..from + len)
    }

    /// They begin as a batch of just that length does, which says that it has that checksum.
    fn like_a_batch(data: &Bytes, crc: u32) -> Bytes {
        let mut bytes = data.to_vec();
        bytes[8..12].copy_from_slice(&(data.len() as i32 - 12).to_be_bytes());
        bytes[16] = 2;
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        Bytes::from(bytes)
    }

    /// What the entry says is written to the file, by position.
    fn said(bytes: &[u8], len: usize) -> Vec<u8> {
        let mut file = vec![0; len];
        for item in read(bytes).unwrap().1 {
            let Item::Write { name: "t-0/0.log", at, data } = item else { panic!("{item:?}") };
            file[at as usize..][..data.len()].copy_from_slice(data);
        }
        file
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let bytes = entry();
        assert_eq!(bytes.len(), BLOCK);
        let (head, items) = read(&bytes).unwrap();
        assert_eq!(head, HEAD_OF);
        let write = Item::Write { name: "t-0/0.log", at: 61, data: b"abcdef" };
        assert_eq!(items, [write, Item::Forget { name: "t-1/0.log" }]);
    }

    /// The format is what lies on people's disks.
    #[test]
    fn golden_bytes() {
        let bytes = entry();
        let text: String = bytes[..104].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            text,
            concat!(
                "65736b6a",
                "b04a7e04",
                "0403020100000000",
                "0700000000000000",
                "0200000000000000",
                "09000000",
                "01000000",
                "68000000",
                "02000000",
                "01000900060000003d00000000000000",
                "742d302f302e6c6f67",
                "616263646566",
                "02000900000000000000000000000000",
                "742d312f302e6c6f67"
            )
        );
    }

    #[test]
    fn what_is_long_stands_in_the_body_wherever_it_came_from() {
        for skew in [0, 1, 300, BLOCK - 1] {
            for len in [APART_MIN, APART_MIN + 1, 100_000] {
                let mut draft = Draft::default();
                let (one, other) = (long(skew, len), long(7, len));
                assert_eq!(draft.write("t-0/0.log", 0, &one), len);
                assert_eq!(draft.write("t-0/0.log", len as u64, &Bytes::from_static(b"abc")), 3);
                assert_eq!(draft.write("t-0/0.log", 3 + len as u64, &other), len);
                let bytes = written(&mut draft);
                assert!(lengths(&bytes).unwrap().0 < 5 * BLOCK, "little of it was copied");
                assert_eq!(said(&bytes, 2 * len + 3), [&one[..], b"abc", &other].concat());
            }
        }
    }

    #[test]
    fn whatever_flips_in_a_body_is_noticed() {
        let (mut draft, data) = (Draft::default(), long(100, APART_MIN));
        assert_eq!(draft.write("t-0/0.log", 0, &data), data.len());
        let bytes = written(&mut draft);
        let (len, body) = lengths(&bytes).unwrap();
        assert!(body > 0);
        let body_from = len.next_multiple_of(BLOCK);
        for at in (8..len).chain(body_from..body_from + body) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(read(&flipped), None, "byte {at}");
        }
        for blocks in [0, body / BLOCK - 1, 200, 0xffff] {
            let mut lying = bytes.clone();
            lying[46..48].copy_from_slice(&(blocks as u16).to_le_bytes());
            let crc = crc_of(&lying[..len]);
            lying[4..8].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(read(&lying), None, "{blocks} blocks");
        }
    }

    /// A record's value, or part of a compressed batch, may be shaped like a batch whose checksum is wrong. It is as durable as any.
    #[test]
    fn what_imitates_a_batch_is_read_whatever_checksum_it_claims() {
        for len in [APART_MIN, APART_MIN + 777, 300_000] {
            let data = long(0, len);
            let right = crc32c::crc32c(&data[21..]);
            for crc in [right, !right, 0] {
                let (mut draft, data) = (Draft::default(), like_a_batch(&data, crc));
                assert_eq!(draft.write("t-0/0.log", 0, &data), len);
                assert_eq!(said(&written(&mut draft), len), &data[..], "{len} bytes");
            }
        }
    }

    #[test]
    fn whatever_bit_flips_it_is_noticed() {
        let bytes = entry();
        let len = lengths(&bytes).unwrap().0;
        for bit in 0..len * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped), None, "bit {bit}");
        }
        for cut in 0..len {
            assert_eq!(read(&bytes[..cut]), None, "cut to {cut}");
        }
    }

    /// A CRC that is right says nothing of the lengths below it.
    #[test]
    fn lengths_that_lie_are_refused() {
        for (at, value) in [(42usize, 0xffu8), (44, 9), (50, 0xff), (51, 0xff), (52, 0xff), (55, 0xff), (48, 3)] {
            let mut bytes = entry();
            bytes[at] = value;
            let len = lengths(&bytes).map_or(HEAD, |(len, _)| len.min(bytes.len()));
            let crc = crc_of(&bytes[..len]);
            bytes[4..8].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(read(&bytes), None, "byte {at}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_for_the_next() {
        let (mut draft, data) = (Draft::default(), long(1, 2 * ENTRY_MAX));
        let taken = draft.write("t-0/0.log", 0, &data);
        assert!((ENTRY_MAX - 4 * BLOCK..ENTRY_MAX).contains(&taken), "{taken}");
        assert_eq!(draft.write("t-0/0.log", taken as u64, &data.slice(taken..)), 0);
        let bytes = written(&mut draft);
        assert_eq!(length(&bytes), Some(bytes.len()));
        assert!(bytes.len() <= ENTRY_MAX);
        assert_eq!(said(&bytes, taken), &data[..taken]);
        draft.clear();
        assert!(draft.is_empty());
    }

    #[test]
    fn many_short_ones_fill_the_items_and_no_more() {
        let (mut draft, piece) = (Draft::default(), long(0, APART_MIN - 1));
        let mut at = 0;
        loop {
            let taken = draft.write("t-0/0.log", at, &piece);
            at += taken as u64;
            if taken < piece.len() {
                break;
            }
        }
        assert!(!draft.forget("t-0/0.log"));
        let bytes = written(&mut draft);
        assert_eq!(bytes.len(), ITEMS_MAX);
        assert_eq!(said(&bytes, at as usize).len() as u64, at);
    }
}
