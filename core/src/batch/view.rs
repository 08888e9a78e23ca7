//! The 61-byte header of a record batch v2, read in place.
//!
//! ```text
//!  0  base offset              i64    stamped by the leader
//!  8  batch length             i32    bytes behind this field
//! 12  partition leader epoch   i32    stamped by the leader
//! 16  magic                    i8     2
//! 17  CRC-32C                  u32    of everything from 21 on
//! 21  attributes               i16    bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon
//! 23  last offset delta        i32
//! 27  base timestamp           i64
//! 35  max timestamp            i64
//! 43  producer id              i64
//! 51  producer epoch           i16
//! 53  base sequence            i32
//! 57  record count             i32
//! 61  records, compressed or not
//! ```
//!
//! (Kafka: `DefaultRecordBatch`.)

use crate::id::{LeaderEpoch, Offset, ProducerId};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 61;
/// Bytes that the batch length does not count: base offset and the length itself.
pub const PREFIX_BYTES: usize = 12;
/// Where the bytes that the CRC covers begin.
pub const CRC_FROM: usize = 21;
/// The only magic that is served.
pub const MAGIC: i8 = 2;

pub(crate) const AT_LENGTH: usize = 8;
pub(crate) const AT_EPOCH: usize = 12;
pub(crate) const AT_MAGIC: usize = 16;
pub(crate) const AT_CRC: usize = 17;
pub(crate) const AT_ATTRIBUTES: usize = 21;
pub(crate) const AT_MAX_TIMESTAMP: usize = 35;

pub(crate) const CODEC_MASK: i16 = 0x07;
pub(crate) const LOG_APPEND_TIME: i16 = 0x08;
pub(crate) const TRANSACTIONAL: i16 = 0x10;
pub(crate) const CONTROL: i16 = 0x20;
pub(crate) const DELETE_HORIZON: i16 = 0x40;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// The codec of the attribute bits; `None` for a number that Kafka does not define.
    pub const fn from_bits(bits: i16) -> Option<Self> {
        match bits & CODEC_MASK {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Kafka's number of the codec.
    pub const fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }
}

/// A batch header in place. Nothing in it is believed: every getter is total, whatever the bytes are.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; HEADER_BYTES]);

impl<'a> Header<'a> {
    /// The header at the front of `bytes`; `None` if fewer than 61 bytes are there. Neither magic nor length is checked.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    fn at<const N: usize>(&self, from: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.0[from..from + N]);
        field
    }

    fn int(&self, from: usize) -> i32 {
        i32::from_be_bytes(self.at(from))
    }

    fn long(&self, from: usize) -> i64 {
        i64::from_be_bytes(self.at(from))
    }

    /// Offset of the first record (of the first that there was, in a compacted batch).
    pub fn base_offset(&self) -> Offset {
        Offset(self.long(0))
    }

    /// Offset of the last record; saturates on absurd fields.
    pub fn last_offset(&self) -> Offset {
        Offset(self.long(0).saturating_add(i64::from(self.last_offset_delta())))
    }

    /// The offset behind the batch.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// The length field: bytes behind it. May be anything.
    pub fn length(&self) -> i32 {
        self.int(AT_LENGTH)
    }

    /// Bytes of the whole batch as the length field has it; `None` if it cannot hold a v2 header.
    pub fn size(&self) -> Option<usize> {
        let size = usize::try_from(self.length()).ok()?.checked_add(PREFIX_BYTES)?;
        (size >= HEADER_BYTES).then_some(size)
    }

    /// Epoch of the leader that appended the batch (KIP-101); -1 where a client made it.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(self.int(AT_EPOCH))
    }

    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(self.at(AT_MAGIC))
    }

    /// The CRC-32C that the batch carries.
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(self.at(AT_CRC))
    }

    pub fn attributes(&self) -> i16 {
        i16::from_be_bytes(self.at(AT_ATTRIBUTES))
    }

    /// `None` for a number that Kafka does not define.
    pub fn codec(&self) -> Option<Codec> {
        Codec::from_bits(self.attributes())
    }

    /// The max timestamp is the time of the append, and counts for every record.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes() & LOG_APPEND_TIME != 0
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes() & TRANSACTIONAL != 0
    }

    /// The records are markers (transaction ends, leader changes), not a client's.
    pub fn is_control(&self) -> bool {
        self.attributes() & CONTROL != 0
    }

    /// The base timestamp is the time after which a compaction may drop tombstones (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes() & DELETE_HORIZON != 0
    }

    pub fn last_offset_delta(&self) -> i32 {
        self.int(23)
    }

    /// Timestamp that the records' deltas count from, in ms since 1970; -1: none.
    pub fn base_timestamp(&self) -> i64 {
        self.long(27)
    }

    /// Largest timestamp of the records, in ms since 1970; -1: none.
    pub fn max_timestamp(&self) -> i64 {
        self.long(AT_MAX_TIMESTAMP)
    }

    /// -1: the producer is neither idempotent nor transactional.
    pub fn producer_id(&self) -> ProducerId {
        ProducerId(self.long(43))
    }

    pub fn has_producer(&self) -> bool {
        self.producer_id().0 >= 0
    }

    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(self.at(51))
    }

    /// Sequence number of the first record; -1: none.
    pub fn base_sequence(&self) -> i32 {
        self.int(53)
    }

    /// Sequence number of the last record: it wraps from `i32::MAX` to 0. -1: none.
    pub fn last_sequence(&self) -> i32 {
        let base = self.base_sequence();
        if base < 0 { -1 } else { advance_sequence(base, self.last_offset_delta()) }
    }

    /// Number of records that the header claims.
    pub fn count(&self) -> i32 {
        self.int(57)
    }
}

/// The sequence number `by` further; behind `i32::MAX` comes 0 (Kafka: `DefaultRecordBatch.incrementSequence`).
/// Negative arguments count as zero.
pub fn advance_sequence(sequence: i32, by: i32) -> i32 {
    let sum = i64::from(sequence.max(0)) + i64::from(by.max(0));
    (sum % (i64::from(i32::MAX) + 1)) as i32
}

/// Walks the batches of a record set by their length fields. Ends at the first that is not whole or has an impossible length.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Batches<'a> {
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not walked yet; after the end, the part that is no whole batch.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    /// The header and the whole batch.
    type Item = (Header<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = Header::read(self.rest)?;
        let (batch, rest) = self.rest.split_at_checked(header.size()?)?;
        self.rest = rest;
        Some((header, batch))
    }
}
