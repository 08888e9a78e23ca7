//! Record batches as a client makes and reads them: written apart from the core's, so that the two check each other.

use crate::history::Value;
use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of a batch before its records.
const HEADER: usize = 61;
/// Where the CRC stands, and where what it covers begins.
const CRC: usize = 17;
const COVERED: usize = 21;
/// Where the last record's offset stands, less the first one's.
const LAST: usize = 23;
/// Where the attributes stand, and the bit of their second byte that control batches have.
const ATTRIBUTES: usize = 21;
const CONTROL: u8 = 0x20;
/// That of batches of a transaction.
const TRANSACTIONAL: u8 = 0x10;

/// Who sends a batch: id, epoch, first sequence; -1 each for a plain producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    pub id: i64,
    pub epoch: i16,
    pub sequence: i32,
}

impl Sender {
    pub const PLAIN: Self = Self { id: -1, epoch: -1, sequence: -1 };
}

fn put_varint(to: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        to.put_u8(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    to.put_u8(zigzag as u8);
}

const fn varint_len(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    let bits = 64 - (zigzag | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// What the records of a batch are like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Bytes of each value's text, at least 8.
    pub size: u32,
    /// Each record is so much younger than the one before.
    pub step_ms: u64,
    /// They are compressed.
    pub snappy: bool,
    /// The header does not have the largest timestamp.
    pub untimed: bool,
    /// All of them have keys.
    pub keyed: bool,
}

impl Shape {
    /// All of one time, and not compressed.
    pub const fn plain(size: u32) -> Self {
        Self { size, step_ms: 0, snappy: false, untimed: false, keyed: false }
    }
}

/// Kafka's number for snappy, among the attributes of a batch.
const SNAPPY: i16 = 2;
const CODEC: i16 = 7;

/// A batch of version 2, one record a value, the first of the time `timestamp`. One record of three has a key.
pub fn encode(values: &[Value], shape: Shape, timestamp: i64, sender: Sender) -> Bytes {
    let size = shape.size.max(8) as usize;
    let mut batch = BytesMut::with_capacity(HEADER + values.len() * (size + 16));
    batch.put_i64(0);
    batch.put_i32(0);
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(0);
    batch.put_i16(if shape.snappy { SNAPPY } else { 0 });
    batch.put_i32(values.len() as i32 - 1);
    batch.put_i64(timestamp);
    let largest = timestamp + (values.len().max(1) as i64 - 1) * shape.step_ms as i64;
    batch.put_i64(if shape.untimed { -1 } else { largest });
    batch.put_i64(sender.id);
    batch.put_i16(sender.epoch);
    batch.put_i32(sender.sequence);
    batch.put_i32(values.len() as i32);
    assert_eq!(batch.len(), HEADER, "the header of a batch has one length");
    for (place, value) in values.iter().enumerate() {
        let place = place as i64;
        let later = place * shape.step_ms as i64;
        let key = (shape.keyed || value.is_multiple_of(3)).then(|| value.to_be_bytes());
        let key_len = key.map_or(-1, |key| key.len() as i64);
        // attributes, timestamp delta, offset delta, the key, the value, no headers
        let key_bytes = varint_len(key_len) + key.map_or(0, |key| key.len());
        let len = 1 + varint_len(later) + varint_len(place) + key_bytes + varint_len(size as i64) + size + 1;
        put_varint(&mut batch, len as i64);
        batch.put_i8(0);
        put_varint(&mut batch, later);
        put_varint(&mut batch, place);
        put_varint(&mut batch, key_len);
        batch.put_slice(key.as_ref().map_or(&[], |key| &key[..]));
        put_varint(&mut batch, size as i64);
        batch.put_u64(*value);
        batch.put_bytes(*value as u8, size - 8);
        put_varint(&mut batch, 0);
    }
    if shape.snappy {
        let packed = snap::raw::Encoder::new().compress_vec(&batch[HEADER..]).expect("a few records can be compressed");
        batch.truncate(HEADER);
        batch.put_slice(&packed);
    }
    let length = (batch.len() - 12) as u32;
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[COVERED..]);
    batch[CRC..COVERED].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

/// The batch says that it takes one offset more than it has records; its CRC fits.
pub fn miscount(batch: &[u8]) -> Bytes {
    let mut wrong = batch.to_vec();
    let last = i32::from_be_bytes(array(batch, LAST)) + 1;
    wrong[LAST..LAST + 4].copy_from_slice(&last.to_be_bytes());
    let crc = crc32c::crc32c(&wrong[COVERED..]);
    wrong[CRC..COVERED].copy_from_slice(&crc.to_be_bytes());
    wrong.into()
}

/// The batch says that it is a control batch; its CRC fits.
pub fn control(batch: &[u8]) -> Bytes {
    with_bit(batch, CONTROL)
}

/// The batch says that it is of a transaction; its CRC fits.
pub fn transactional(batch: &[u8]) -> Bytes {
    with_bit(batch, TRANSACTIONAL)
}

fn with_bit(batch: &[u8], bit: u8) -> Bytes {
    let mut wrong = batch.to_vec();
    wrong[ATTRIBUTES + 1] |= bit;
    let crc = crc32c::crc32c(&wrong[COVERED..]);
    wrong[CRC..COVERED].copy_from_slice(&crc.to_be_bytes());
    wrong.into()
}

/// Whether a record of a whole batch has no key. (One that cannot be read has none.)
pub fn lacks_key(batch: &[u8]) -> bool {
    let unpacked;
    let mut rest = batch.get(HEADER..).unwrap_or_default();
    if i16::from_be_bytes(array(batch, ATTRIBUTES)) & CODEC == SNAPPY {
        unpacked = snap::raw::Decoder::new().decompress_vec(rest).unwrap_or_default();
        rest = &unpacked;
    }
    let mut key = || {
        let len = usize::try_from(varint(&mut rest)?).ok()?;
        let mut record = rest.get(1..len)?;
        rest = rest.get(len..)?;
        varint(&mut record)?;
        varint(&mut record)?;
        varint(&mut record)
    };
    let count = i32::from_be_bytes(array(batch, HEADER - 4));
    (0..count).any(|_| key().is_none_or(|len| len < 0))
}

/// Reads offsets and values of whole batches, from `from` on; an incomplete last batch is left out, as Kafka's clients do.
/// Also says where the next fetch goes on. An error says what is wrong with the bytes.
pub fn decode(mut bytes: &[u8], from: i64) -> Result<(Vec<(i64, Value)>, i64), String> {
    let mut records = Vec::new();
    let mut next = from;
    while bytes.len() >= HEADER {
        let base = i64::from_be_bytes(array(bytes, 0));
        let length = i32::from_be_bytes(array(bytes, 8));
        let whole = usize::try_from(length).map_err(|_| format!("a batch at {base} has the length {length}"))? + 12;
        if whole > bytes.len() {
            break;
        }
        let batch = &bytes[..whole];
        bytes = &bytes[whole..];
        let crc = u32::from_be_bytes(array(batch, CRC));
        if batch.len() < HEADER || batch[16] != 2 || crc32c::crc32c(&batch[COVERED..]) != crc {
            return Err(format!("the batch at {base} fails its check"));
        }
        let last = base + i64::from(i32::from_be_bytes(array(batch, LAST)));
        let control = batch[ATTRIBUTES + 1] & CONTROL != 0;
        if !control {
            read_records(batch, base, from, &mut records)
                .ok_or_else(|| format!("the records of the batch at {base} cannot be read"))?;
        }
        next = next.max(last + 1);
    }
    Ok((records, next))
}

fn read_records(batch: &[u8], base: i64, from: i64, records: &mut Vec<(i64, Value)>) -> Option<()> {
    let unpacked;
    let mut rest = &batch[HEADER..];
    if i16::from_be_bytes(array(batch, ATTRIBUTES)) & CODEC == SNAPPY {
        unpacked = snap::raw::Decoder::new().decompress_vec(rest).ok()?;
        rest = &unpacked;
    }
    while !rest.is_empty() {
        let len = usize::try_from(varint(&mut rest)?).ok()?;
        let mut record = rest.get(..len)?;
        rest = &rest[len..];
        record = record.get(1..)?;
        varint(&mut record)?;
        let offset = base + varint(&mut record)?;
        let key = usize::try_from(varint(&mut record)?).unwrap_or(0);
        record = record.get(key..)?;
        let size = usize::try_from(varint(&mut record)?).ok()?;
        let value = record.get(..size)?;
        if offset >= from {
            records.push((offset, u64::from_be_bytes(value.get(..8)?.try_into().ok()?)));
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut zigzag: u64 = 0;
    for turn in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        zigzag |= u64::from(first & 0x7f) << (7 * turn);
        if first & 0x80 == 0 {
            return Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
        }
    }
    None
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the header was there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_from_any_offset() {
        let mut bytes =
            encode(&[7, 8, 9], Shape { step_ms: 5, snappy: true, ..Shape::plain(20) }, 1_000, Sender::PLAIN).to_vec();
        let mut second = encode(&[10], Shape::plain(300), 1_000, Sender { id: 5, epoch: 0, sequence: 3 }).to_vec();
        second[..8].copy_from_slice(&3i64.to_be_bytes());
        bytes.extend(second);
        assert_eq!(decode(&bytes, 0), Ok((vec![(0, 7), (1, 8), (2, 9), (3, 10)], 4)));
        assert_eq!(decode(&bytes, 2), Ok((vec![(2, 9), (3, 10)], 4)));
        assert_eq!(decode(&bytes[..bytes.len() - 1], 0), Ok((vec![(0, 7), (1, 8), (2, 9)], 3)));
        bytes[70] ^= 1;
        assert!(decode(&bytes, 0).is_err());
    }

    #[test]
    fn a_record_without_a_key_is_seen_and_a_control_batch_is_not_read() {
        for snappy in [false, true] {
            let of = |keyed, values: &[Value]| {
                encode(values, Shape { snappy, keyed, ..Shape::plain(20) }, 1_000, Sender::PLAIN)
            };
            assert!(!lacks_key(&of(true, &[7, 8])) && !lacks_key(&of(false, &[3])));
            assert!(lacks_key(&of(false, &[3, 4])));
            assert_eq!(decode(&control(&of(true, &[7, 8])), 0), Ok((vec![], 2)));
        }
    }
}
