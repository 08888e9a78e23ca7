//! Text and bytes that outlive the frame they came in.

use alloc::string::ToString;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// The longest text that is taken from a peer, in bytes: the records' lengths have 15 bits, and a member id is
/// a client id or an instance id with 37 bytes behind it.
pub(super) const TEXT_BYTES_MAX: usize = 32_000;

const _: () = assert!(TEXT_BYTES_MAX + 37 <= i16::MAX as usize);

/// A copy of its own. What a request holds is a slice of its whole frame: kept for long, it would keep the frame.
pub(super) fn own(text: &StrBytes) -> StrBytes {
    StrBytes::from_string(text.as_str().to_string())
}

/// As [`own`], for bytes.
pub(super) fn own_bytes(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
