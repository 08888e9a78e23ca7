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
                write!(
                    f,
                    "a metadata record of version {version}, where this Esker knows version {VERSION}: it was not written by this or an older Esker"
                )
            }
            Self::Garbled => write!(f, "a metadata record that cannot be read: damaged, or written by a newer Esker"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, PartitionKey, Uuid};
    use crate::metadata::{Partition, Resource};
    use crate::rng::Rng;
    use alloc::string::ToString;

    fn samples() -> Vec<Record> {
        let state = Partition::new([NodeId(1), NodeId(2)].into(), [NodeId(1)].into());
        let (resource, name) = (Resource::Broker(NodeId(1)), "log.retention.ms".into());
        [
            Record::Cluster { id: "AAAAAAAAAAAAAAAAAAAAAQ".into() },
            Record::Partition { key: PartitionKey { topic: Uuid(7), partition: 3 }, state },
            Record::Config { resource, name, value: None },
        ]
        .into()
    }

    #[test]
    fn bytes_are_as_they_have_always_been() {
        // Golden: a change here needs a new version of the envelope.
        assert_eq!(&encode(&Record::Cluster { id: "x".into() })[..], [1, 0, 1, b'x']);
        assert_eq!(&encode(&Record::ProducerIds { next: 1000 })[..], [1, 9, 251, 0xd0, 0x07]);
        let state = Partition::new([NodeId(1), NodeId(2)].into(), [NodeId(1)].into());
        let record = Record::Partition { key: PartitionKey { topic: Uuid(7), partition: 3 }, state };
        assert_eq!(&encode(&record)[..], [1, 7, 7, 6, 2, 2, 4, 1, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_record_is_an_error_and_never_a_panic() {
        assert_eq!(decode(&[]), Err(CodecError::Empty));
        assert_eq!(decode(&[9, 0]), Err(CodecError::UnknownVersion(9)));
        assert!(CodecError::UnknownVersion(9).to_string().contains("version 9"));
        assert_eq!(decode(&[1, 200]), Err(CodecError::Garbled), "a variant that is not known");
        let mut rng = Rng::new(1, 1);
        for record in samples() {
            let bytes = encode(&record).to_vec();
            assert_eq!(decode(&bytes), Ok(record));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err());
            }
            let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
            assert_eq!(decode(&longer), Err(CodecError::Garbled));
            for _ in 0..2000 {
                let mut bad = bytes.clone();
                let at = usize::try_from(rng.below(bad.len() as u64)).unwrap_or(0);
                bad[at] = rng.next_u64() as u8;
                let _ = decode(&bad);
            }
        }
        // A length of nearly 2^64 allocates nothing.
        assert_eq!(decode(&[1, 0, 253, 255, 255, 255, 255, 255, 255, 255, 127]), Err(CodecError::Garbled));
    }
}
