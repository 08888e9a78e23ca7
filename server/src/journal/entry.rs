//! The journal's entries: what one write to the journal puts there.
//!
//! ```text
//!  0  magic       4  "eskj"
//!  4  crc         4  CRC-32C of the items, and then of the bytes from 8 to 47
//!  8  life        8  drawn anew by each process: nothing that an earlier one left is taken for this one's
//! 16  generation  8  counts the slots that were begun
//! 24  number      8  entries of this generation before it
//! 32  before      8  entries that the generation before has in all
//! 40  len         4  bytes of the entry, without the padding
//! 44  items       4
//! 48  items, then zeros up to a multiple of 4096
//!
//! item:  0 kind 1 (1 write, 2 forget) · 1 zero 1 · 2 name's length 2 · 4 data's length 4 · 8 position 8 · 16 name · data
//! ```
//! Numbers are little-endian. A name is a file's path below the data folder.

/// Entries begin and end at multiples of this: what a direct write has to be aligned to.
pub const BLOCK: usize = 4096;
/// Bytes of an entry before its items.
pub const HEAD: usize = 48;
/// Bytes of an item before its name.
pub const ITEM: usize = 16;
/// Bytes of an entry, padding included. Larger writes are cut into several items.
pub const ENTRY_MAX: usize = 512 << 10;

const MAGIC: [u8; 4] = *b"eskj";
const WRITE: u8 = 1;
const FORGET: u8 = 2;

/// Where an entry belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub life: u64,
    pub generation: u64,
    pub number: u64,
    pub before: u64,
}

/// What an entry says of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// These bytes stand at that position of the file.
    Write { name: &'a str, at: u64, data: &'a [u8] },
    /// What was said of the file so far is on the medium, and no longer true of it: it is cut, renamed or deleted next.
    Forget { name: &'a str },
}

/// An entry in the making, in memory that is aligned as a direct write wants it.
#[derive(Debug)]
pub struct Draft {
    /// One block more than is used: `start` is where the first whole block begins.
    raw: Vec<u8>,
    start: usize,
    len: usize,
    items: u32,
    /// Of the items so far.
    crc: u32,
}

impl Default for Draft {
    fn default() -> Self {
        Self { raw: Vec::new(), start: 0, len: HEAD, items: 0, crc: 0 }
    }
}

impl Draft {
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Bytes that the entry takes in the journal.
    pub const fn padded(&self) -> usize {
        self.len.next_multiple_of(BLOCK)
    }

    /// The memory is taken with the first entry: a node that writes nothing does without.
    fn allocate(&mut self) {
        if self.raw.is_empty() {
            self.raw = vec![0; ENTRY_MAX + BLOCK];
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

    /// Takes as much of the data as there is room for, from its front; answers how much that was.
    pub fn write(&mut self, name: &str, at: u64, data: &[u8]) -> usize {
        let taken = ENTRY_MAX.saturating_sub(self.len + ITEM + name.len()).min(data.len());
        if taken > 0 {
            self.put_item(WRITE, name, at, taken);
            self.put(&data[..taken]);
        }
        taken
    }

    /// Whether there was room for it.
    pub fn forget(&mut self, name: &str) -> bool {
        let fits = self.len + ITEM + name.len() <= ENTRY_MAX;
        if fits {
            self.put_item(FORGET, name, 0, 0);
        }
        fits
    }

    /// The entry's bytes, as long as [`Self::padded`] says.
    pub fn finish(&mut self, head: Head) -> &[u8] {
        assert!(!self.is_empty(), "an entry says something");
        let padded = self.padded();
        let (len, items, crc) = (self.len, self.items, self.crc);
        let bytes = &mut self.raw[self.start..self.start + padded];
        bytes[len..].fill(0);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&head.life.to_le_bytes());
        bytes[16..24].copy_from_slice(&head.generation.to_le_bytes());
        bytes[24..32].copy_from_slice(&head.number.to_le_bytes());
        bytes[32..40].copy_from_slice(&head.before.to_le_bytes());
        bytes[40..44].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[44..48].copy_from_slice(&items.to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &bytes[8..HEAD]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Begins another entry.
    pub const fn clear(&mut self) {
        self.len = HEAD;
        self.items = 0;
        self.crc = 0;
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Bytes of the entry that begins here, without the padding; `None`: none begins here.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let len = u32::from_le_bytes(number(bytes, 40)?) as usize;
    (bytes.starts_with(&MAGIC) && (HEAD..=ENTRY_MAX).contains(&len)).then_some(len)
}

/// Reads the entry that `bytes` begin with. `None`: there is none, or it is damaged.
pub fn read(bytes: &[u8]) -> Option<(Head, Vec<Item<'_>>)> {
    let bytes = bytes.get(..length(bytes)?)?;
    if u32::from_le_bytes(number(bytes, 4)?) != crc_of(bytes) {
        return None;
    }
    let head = Head {
        life: u64::from_le_bytes(number(bytes, 8)?),
        generation: u64::from_le_bytes(number(bytes, 16)?),
        number: u64::from_le_bytes(number(bytes, 24)?),
        before: u64::from_le_bytes(number(bytes, 32)?),
    };
    let mut items = Vec::new();
    let mut at = HEAD;
    for _ in 0..u32::from_le_bytes(number(bytes, 44)?) {
        let (item, next) = read_item(bytes, at)?;
        items.push(item);
        at = next;
    }
    (at == bytes.len()).then_some((head, items))
}

/// `bytes`: a whole entry without its padding.
fn crc_of(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[HEAD..]), &bytes[8..HEAD])
}

fn read_item(bytes: &[u8], at: usize) -> Option<(Item<'_>, usize)> {
    let name_at = at + ITEM;
    let data_at = name_at + u16::from_le_bytes(number(bytes, at + 2)?) as usize;
    let end = data_at + u32::from_le_bytes(number(bytes, at + 4)?) as usize;
    let position = u64::from_le_bytes(number(bytes, at + 8)?);
    let name = core::str::from_utf8(bytes.get(name_at..data_at)?).ok()?;
    let item = match *bytes.get(at)? {
        WRITE => Item::Write { name, at: position, data: bytes.get(data_at..end)? },
        FORGET if data_at == end => Item::Forget { name },
        _ => return None,
    };
    Some((item, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD_OF: Head = Head { life: 0x0102_0304, generation: 7, number: 2, before: 9 };

    fn entry() -> Vec<u8> {
        let mut draft = Draft::default();
        assert_eq!(draft.write("t-0/0.log", 61, b"abcdef"), 6);
        assert!(draft.forget("t-1/0.log"));
        draft.finish(HEAD_OF).to_vec()
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
                "809e0f35",
                "0403020100000000",
                "0700000000000000",
                "0200000000000000",
                "0900000000000000",
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
    fn whatever_bit_flips_it_is_noticed() {
        let bytes = entry();
        let len = length(&bytes).unwrap();
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
            let len = length(&bytes).unwrap_or(HEAD).min(bytes.len());
            let crc = crc_of(&bytes[..len]);
            bytes[4..8].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(read(&bytes), None, "byte {at}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_for_the_next() {
        let mut draft = Draft::default();
        let data = vec![7; 2 * ENTRY_MAX];
        let taken = draft.write("t-0/0.log", 0, &data);
        assert_eq!(taken, ENTRY_MAX - HEAD - ITEM - 9);
        assert_eq!(draft.write("t-0/0.log", taken as u64, &data[taken..]), 0);
        assert!(!draft.forget("t-0/0.log"));
        let bytes = draft.finish(HEAD_OF);
        assert_eq!(bytes.len(), ENTRY_MAX);
        assert!(bytes.as_ptr().addr().is_multiple_of(BLOCK), "as a direct write wants it");
        assert_eq!(read(bytes).unwrap().1, [Item::Write { name: "t-0/0.log", at: 0, data: &data[..taken] }]);
        draft.clear();
        assert!(draft.is_empty());
    }
}
