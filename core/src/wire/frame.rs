//! A frame in pieces: memory, and places on disk.

use super::decode::Slip;
use crate::io::FileRange;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// A piece of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    Bytes(Bytes),
    /// Bytes that lie on disk: whoever sends the frame moves them.
    File(FileRange),
}

/// A whole frame, with its length before it, in pieces to be sent one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Never empty: it begins with the length.
    pub head: Bytes,
    /// Empty for most frames; a Fetch reply has its records here.
    pub rest: Vec<Segment>,
}

/// A reply that the version asked for cannot carry (our bug), or that is longer than `ANSWER_BYTES_MAX`. The connection is closed, as Kafka does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unencodable {
    pub slip: Slip,
    pub why: String,
}

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} v{} cannot be encoded: {}", self.slip.key, self.slip.version, self.why)
    }
}

impl Frame {
    /// How many bytes are sent.
    pub fn len(&self) -> usize {
        let rest: usize = self.rest.iter().map(Segment::len).sum();
        self.head.len() + rest
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bytes in memory, put together; a place on disk counts as absent. For tests and peers in memory.
    pub fn in_memory(&self) -> Bytes {
        let mut all = BytesMut::from(self.head.as_ref());
        for segment in &self.rest {
            match segment {
                Segment::Bytes(bytes) => all.extend_from_slice(bytes),
                Segment::File(_) => {}
            }
        }
        all.freeze()
    }
}

impl Segment {
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(range) => range.len as usize,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes room for the length, then the reply's header: version 1, with tagged fields, for flexible versions, except for
/// ApiVersions, whose client may not know yet what the broker speaks.
pub(super) fn header(buffer: &mut BytesMut, slip: Slip) {
    buffer.put_i32(0);
    buffer.put_i32(slip.correlation);
    if slip.key.response_header_version(slip.version) >= 1 {
        buffer.put_u8(0);
    }
}

/// Puts the length in its place; `more` bytes follow behind the buffer.
pub(super) fn sealed(mut buffer: BytesMut, more: usize) -> Bytes {
    let len = buffer.len().saturating_sub(4).saturating_add(more);
    let len = i32::try_from(len).unwrap_or(i32::MAX);
    if let Some(place) = buffer.first_chunk_mut::<4>() {
        *place = len.to_be_bytes();
    }
    buffer.freeze()
}

/// Writes an unsigned varint.
pub(super) fn varint(buffer: &mut BytesMut, value: usize) {
    let mut left = value;
    while left >= 0x80 {
        buffer.put_u8((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    buffer.put_u8(left as u8);
}
