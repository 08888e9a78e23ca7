//! The journal's entries: what one write to the journal puts there.
//!
//! ```text
//!  0  magic       4  "eskj"
//!  4  crc         4  CRC-32C of the items, and then of the bytes from 8 to 47
//!  8  life        8  drawn anew by each process: nothing that an earlier one left is taken for this one's
//! 16  generation  8  counts the slots that were begun
//! 24  number      8  entries of this generation before it
//! 32  before      4  entries that the generation before has in all; 0 in the first generation alone
//! 36  synced      4  entries of this generation that were known to be durable when this one was written
//! 40  len         4  bytes from the magic to the end of the items
//! 44  items       2
//! 46  body        2  its length, in blocks of 4096
//! 48  items, then zeros up to a multiple of 4096
//!     body
//!
//! item:  0 kind 1 · 1 zero 1 · 2 name's length 2 · 4 data's length 4 · 8 position 8 · 16 name · what follows, by its kind:
//!        1 write   data
//!        2 forget  nothing
//!        3 apart   CRC-32C of the data's middle 4 · bytes before it 4 · bytes behind it 4 · those before · those behind
//! ```
//! Numbers are little-endian. A name is a file's path below the data folder. The middle of what is written apart stands in the body,
//! where the middles of all items follow each other, each of whole blocks: it goes there from the memory in which the request came,
//! uncopied. Its CRC is taken of the bytes that are written. One that stands in them is not: nobody checks it for each write, and what
//! looks like a batch need not be one.
//!
//! Each process begins with an entry without items, of generation 0. The journals of folders of format 2 have none, have 0 for `synced`,
//! and nothing that is written apart: they are read all the same (`crate::format`).

/// Entries begin and end at multiples of this.
pub const BLOCK: usize = 4096;
/// Bytes of an entry before its items.
pub const HEAD: usize = 48;
/// Bytes of an item before its name.
pub const ITEM: usize = 16;
/// Bytes of an entry's items and what stands before them, padding included.
pub const ITEMS_MAX: usize = 512 << 10;
/// Bytes of an entry in all. Larger writes are cut into several items.
pub const ENTRY_MAX: usize = 1 << 20;

/// Bytes of an item that is written apart, between its name and what stands before its middle.
pub const APART: usize = 12;

pub const MAGIC: [u8; 4] = *b"eskj";
pub const WRITE: u8 = 1;
pub const FORGET: u8 = 2;
pub const WRITE_APART: u8 = 3;

/// Where an entry belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub life: u64,
    pub generation: u64,
    pub number: u64,
    pub before: u32,
    pub synced: u32,
}

/// What an entry says of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// These bytes stand at that position of the file.
    Write { name: &'a str, at: u64, data: &'a [u8] },
    /// What was said of the file so far is on the medium, and no longer true of it: it is cut, renamed or deleted next.
    Forget { name: &'a str },
}

// Their numbers are of two bytes.
const _: () = assert!(ITEMS_MAX / ITEM <= u16::MAX as usize);
const _: () = assert!(ENTRY_MAX / BLOCK <= u16::MAX as usize);

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Bytes in all of the entry that begins here; `None`: none begins here.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let (len, body) = lengths(bytes)?;
    Some(len.next_multiple_of(BLOCK) + body)
}

/// Bytes to the end of the items, and of the body.
pub fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let len = u32::from_le_bytes(number(bytes, 40)?) as usize;
    let body = u16::from_le_bytes(number(bytes, 46)?) as usize * BLOCK;
    let is_one = bytes.starts_with(&MAGIC) && (HEAD..=ITEMS_MAX).contains(&len);
    (is_one && len.next_multiple_of(BLOCK) + body <= ENTRY_MAX).then_some((len, body))
}

/// Reads the entry that `bytes` begin with. `None`: there is none, or it is damaged.
pub fn read(bytes: &[u8]) -> Option<(Head, Vec<Item<'_>>)> {
    let (len, body) = lengths(bytes)?;
    let from = len.next_multiple_of(BLOCK);
    let mut body = bytes.get(from..from + body)?;
    let bytes = &bytes[..len];
    if u32::from_le_bytes(number(bytes, 4)?) != crc_of(bytes) {
        return None;
    }
    let head = Head {
        life: u64::from_le_bytes(number(bytes, 8)?),
        generation: u64::from_le_bytes(number(bytes, 16)?),
        number: u64::from_le_bytes(number(bytes, 24)?),
        before: u32::from_le_bytes(number(bytes, 32)?),
        synced: u32::from_le_bytes(number(bytes, 36)?),
    };
    let mut items = Vec::new();
    let mut at = HEAD;
    for _ in 0..u16::from_le_bytes(number(bytes, 44)?) {
        at = read_item(bytes, at, &mut body, &mut items)?;
    }
    (at == bytes.len() && body.is_empty()).then_some((head, items))
}

/// `bytes`: from an entry's begin to the end of its items.
pub fn crc_of(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[HEAD..]), &bytes[8..HEAD])
}

/// Reads the item at `at`, of which `body` may have a part; answers where the next one begins.
fn read_item<'a>(bytes: &'a [u8], at: usize, body: &mut &'a [u8], items: &mut Vec<Item<'a>>) -> Option<usize> {
    let name_at = at + ITEM;
    let data_at = name_at + u16::from_le_bytes(number(bytes, at + 2)?) as usize;
    let len = u32::from_le_bytes(number(bytes, at + 4)?) as usize;
    let position = u64::from_le_bytes(number(bytes, at + 8)?);
    let name = core::str::from_utf8(bytes.get(name_at..data_at)?).ok()?;
    match *bytes.get(at)? {
        WRITE => {
            items.push(Item::Write { name, at: position, data: bytes.get(data_at..data_at + len)? });
            Some(data_at + len)
        }
        FORGET if len == 0 => {
            items.push(Item::Forget { name });
            Some(data_at)
        }
        WRITE_APART => {
            let field = |at| Some(u32::from_le_bytes(number(bytes, data_at + at)?) as usize);
            let (crc, before, behind) = (field(0)?, field(4)?, field(8)?);
            let edges = bytes.get(data_at + APART..data_at + APART + before + behind)?;
            let (before, behind) = edges.split_at(before);
            let (middle, rest) = body.split_at_checked(len.checked_sub(edges.len())?)?;
            *body = rest;
            let mut at = position;
            for data in [before, middle, behind] {
                items.push(Item::Write { name, at, data });
                at = at.checked_add(data.len() as u64)?;
            }
            (crc32c::crc32c(middle) as usize == crc).then_some(data_at + APART + edges.len())
        }
        _ => None,
    }
}
