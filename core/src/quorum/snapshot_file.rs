//! A snapshot's file, `<offset>-<epoch>.checkpoint`.
//!
//! ```text
//!  0        8          12         16
//!  | magic  | CRC-32C  | reserved | what the layer above handed in …
//! ```
//! The CRC covers all that follows it. Kafka's own snapshots begin with a record batch and not with the magic.

use crate::id::{LeaderEpoch, Offset};
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

const MAGIC: &[u8; 8] = b"eskersnp";
const CRC_AT: usize = 8;
const CRC_END: usize = 12;
/// Bytes before the body.
pub const HEADER_BYTES: usize = 16;

/// Which snapshot: of all records before `offset`, the last of which has `epoch`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SnapshotId {
    pub offset: Offset,
    pub epoch: LeaderEpoch,
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.offset, self.epoch)
    }
}

/// The file around `body`.
pub fn wrap(body: &[u8]) -> Bytes {
    let mut file = Vec::with_capacity(HEADER_BYTES + body.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[0; HEADER_BYTES - CRC_AT]);
    file.extend_from_slice(body);
    let crc = crc32c::crc32c(file.get(CRC_END..).unwrap_or_default());
    if let Some(field) = file.get_mut(CRC_AT..CRC_END) {
        field.copy_from_slice(&crc.to_be_bytes());
    }
    Bytes::from(file)
}

/// The body in the file; `Err`: why it is none.
pub fn unwrap(file: &Bytes) -> Result<Bytes, &'static str> {
    if file.get(..CRC_AT) != Some(MAGIC) {
        return Err("not Esker's (the metadata log of Apache Kafka cannot be taken over)");
    }
    let stored: [u8; 4] = file.get(CRC_AT..CRC_END).and_then(|b| b.try_into().ok()).ok_or("cut short")?;
    let rest = file.get(CRC_END..).filter(|rest| rest.len() >= HEADER_BYTES - CRC_END).ok_or("cut short")?;
    if crc32c::crc32c(rest) != u32::from_be_bytes(stored) {
        return Err("damaged: its CRC is wrong");
    }
    Ok(file.slice(HEADER_BYTES..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_or_missing_byte_is_noticed() {
        let file = wrap(b"state");
        assert_eq!(unwrap(&file), Ok(Bytes::from_static(b"state")));
        assert_eq!(unwrap(&wrap(b"")), Ok(Bytes::new()));
        for at in 0..file.len() {
            let mut bad = file.to_vec();
            bad[at] ^= 0x10;
            assert!(unwrap(&Bytes::from(bad)).is_err(), "byte {at}");
            assert!(unwrap(&file.slice(..at)).is_err(), "cut at {at}");
        }
    }
}
