//! Bytes of a record: one byte for the version of the envelope, then bincode 1.3 with variable-length integers.
//!
//! ```text
//! 0   version  u8  (1)
//! 1   record   bincode: variant as varint, then its fields in order
//! ```
//!
//! A variant may be appended under the same version: an older node then refuses it by name ("unknown record") rather than
//! misread it. Any other change of shape is a new version. bincode is frozen (RUSTSEC-2025-0141): it stays inside this file.

use super::Record;
use alloc::vec::Vec;
use bincode::Options;
use bytes::Bytes;
use core::fmt;

const VERSION: u8 = 1;

/// Longest record, in bytes: a broker with many listeners or a config with a long value stays far below.
const RECORD_BYTES_MAX: u64 = 1 << 20;

/// Why bytes are no record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodecError {
    Empty,
    /// Written by a newer Esker, or not by Esker at all.
    UnknownVersion(u8),
    Garbled,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_varint_encoding().with_limit(RECORD_BYTES_MAX).reject_trailing_bytes()
}

/// The bytes of a record.
///
/// # Panics
/// If the record is longer than a record may be: who decided it had to refuse.
pub fn encode(record: &Record) -> Bytes {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(VERSION);
    assert!(options().serialize_into(&mut bytes, record).is_ok(), "a record fits its bound: {record}");
    Bytes::from(bytes)
}

/// Reads a record back.
///
/// # Errors
/// Whatever the bytes are, at worst an error: they come from a disk or a peer.
pub fn decode(bytes: &[u8]) -> Result<Record, CodecError> {
    let (version, body) = bytes.split_first().ok_or(CodecError::Empty)?;
    if *version != VERSION {
        return Err(CodecError::UnknownVersion(*version));
    }
    options().deserialize(body).map_err(|_| CodecError::Garbled)
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a metadata record without bytes"),
            Self::UnknownVersion(version) => {
                write!(f, "a metadata record of version {version}, where this Esker knows version {VERSION}: it was not written by this or an older Esker")
            }
            Self::Garbled => write!(f, "a metadata record that cannot be read: damaged, or written by a newer Esker"),
        }
    }
}
