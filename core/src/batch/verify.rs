//! Checks a record set before anything is done with it. Pure: the connection's own task runs it, off the drive loop.
//!
//! For a client's bytes the answers are those of Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`
//! and `LogValidator.validateBatch`. Two things differ, on purpose: compressed records are not unpacked, and the records of an
//! uncompressed batch must have the offset deltas 0, 1, 2, …, which Kafka takes for granted.

use super::records::walk;
use super::view::{CRC_FROM, Codec, Header, MAGIC, PREFIX_BYTES};
use super::{Batches, HEADER_BYTES};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::mutant::{self, Mutant};

/// What a record set may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A client's: exactly one batch, made from offset 0, no markers, its records walked. Otherwise a leader's: any number of
    /// batches, the last perhaps cut off.
    pub client: bool,
    /// Zstandard is allowed: Produce from version 7 on.
    pub zstd: bool,
}

impl Limits {
    /// Produce of this version.
    pub const fn produce(version: i16) -> Self {
        Self { client: true, zstd: version >= 7 }
    }

    /// What a leader sent to a follower.
    pub const REPLICA: Self = Self { client: false, zstd: true };
}

/// The batch's CRC-32C fits its bytes. `batch` is one whole batch.
pub fn is_intact(batch: &[u8]) -> bool {
    match (Header::read(batch), batch.get(CRC_FROM..)) {
        (Some(header), Some(covered)) => header.crc() == crc32c::crc32c(covered),
        _ => false,
    }
}

/// Checks every batch of a record set.
///
/// # Errors
/// `INVALID_RECORD` for a set of the wrong shape, `CORRUPT_MESSAGE` for impossible lengths, magics and checksums,
/// `UNSUPPORTED_COMPRESSION_TYPE`.
pub fn verify(bytes: &[u8], limits: Limits) -> Result<(), Refusal> {
    if limits.client { verify_produced(bytes, limits).map(|_| ()) } else { verify_replicated(bytes) }
}

fn verify_replicated(bytes: &[u8]) -> Result<(), Refusal> {
    let mut batches = Batches::of(bytes);
    for (header, batch) in batches.by_ref() {
        if header.magic() != MAGIC || header.last_offset_delta() < 0 || header.base_offset() < Offset::ZERO {
            return Err(Refusal::because(ErrorCode::CorruptMessage, "a batch has impossible fields"));
        }
        if !is_intact(batch) {
            return Err(Refusal::because(ErrorCode::CorruptMessage, "a batch does not fit its checksum"));
        }
    }
    framed(batches.rest()).map(|_| ())
}

/// Looks at the next batch as Kafka's `ByteBufferLogInputStream` does: `None` if it is cut off.
fn framed(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    /// Bytes up to and with the magic.
    const TO_MAGIC: usize = 17;
    /// The least that an old message (magic 0) can have behind its length.
    const LEAST: i32 = 14;
    let Some(length) = bytes.get(8..PREFIX_BYTES).and_then(|field| field.try_into().ok()).map(i32::from_be_bytes)
    else {
        return Ok(None);
    };
    if length < LEAST {
        return Err(Refusal::because(ErrorCode::CorruptMessage, "a batch is shorter than any batch can be"));
    }
    if bytes.len() < TO_MAGIC {
        return Ok(None);
    }
    if !(0..=MAGIC).contains(&i8::from_be_bytes([bytes[16]])) {
        return Err(Refusal::because(ErrorCode::CorruptMessage, "a batch has an unknown magic"));
    }
    let size = PREFIX_BYTES.saturating_add(length as usize);
    Ok((size <= bytes.len()).then_some(size))
}

/// Whether the set is one whole batch of a format that the request may carry, whatever its fields say: Kafka looks at this before it looks for the
/// log (`ProduceRequest.validateRecords`), and what fails here is told nothing of the log.
pub fn is_one_batch(bytes: &[u8], limits: Limits) -> bool {
    one_batch(bytes, limits).is_ok()
}

fn one_batch(bytes: &[u8], limits: Limits) -> Result<(&[u8], Header<'_>), Refusal> {
    let Some(size) = framed(bytes)? else {
        return Err(Refusal::because(ErrorCode::InvalidRecord, "there has to be a record batch for each partition"));
    };
    let (batch, rest) = bytes.split_at(size);
    if batch[16] != MAGIC as u8 {
        return Err(Refusal::because(ErrorCode::InvalidRecord, "only record batches of magic 2 are taken"));
    }
    let Some(header) = Header::read(batch) else {
        return Err(Refusal::because(ErrorCode::CorruptMessage, "a batch is shorter than its header"));
    };
    if header.codec() == Some(Codec::Zstd) && !limits.zstd {
        return Err(Refusal::because(
            ErrorCode::UnsupportedCompressionType,
            "zstd is taken from version 7 of Produce on",
        ));
    }
    if framed(rest)?.is_some() && !mutant::is(Mutant::TwoBatchesTaken) {
        return Err(Refusal::because(ErrorCode::InvalidRecord, "only one record batch is taken for each partition"));
    }
    Ok((batch, header))
}

/// As [`verify`] for a client's bytes. Answers the largest timestamp of the records where the header says another one, as old clients let it
/// (`LogValidator` puts it right): of compressed records no more is known than that it is not before the first one's.
///
/// # Errors
/// As [`verify`].
pub fn verify_produced(bytes: &[u8], limits: Limits) -> Result<Option<i64>, Refusal> {
    let (batch, header) = one_batch(bytes, limits)?;
    if header.base_offset() != Offset::ZERO && !mutant::is(Mutant::BaseOffsetTaken) {
        return Err(Refusal::because(ErrorCode::InvalidRecord, "the base offset of a produced batch has to be 0"));
    }
    if !is_intact(batch) {
        return Err(Refusal::because(ErrorCode::CorruptMessage, "the batch does not fit its checksum"));
    }
    let Some(codec) = header.codec() else {
        return Err(Refusal::because(ErrorCode::CorruptMessage, "the batch names an unknown compression"));
    };
    verify_header(&header)?;
    let latest = if codec == Codec::None {
        header.base_timestamp().saturating_add(walk(&batch[HEADER_BYTES..], header.count())?)
    } else {
        header.max_timestamp().max(header.base_timestamp())
    };
    // One that says whose clock it goes by is refused, or has the clock of the broker.
    Ok((latest != header.max_timestamp() && !header.is_log_append_time()).then_some(latest))
}

fn verify_header(header: &Header<'_>) -> Result<(), Refusal> {
    let invalid = |why: &str| Err(Refusal::because(ErrorCode::InvalidRecord, why));
    if header.last_offset_delta() < 0 {
        return invalid("the batch has an impossible range of offsets");
    }
    if header.count() <= 0 {
        return invalid("the batch has an impossible number of records");
    }
    if i64::from(header.last_offset_delta()) + 1 != i64::from(header.count()) && !mutant::is(Mutant::CountNotChecked) {
        return invalid("the batch's range of offsets and number of records differ");
    }
    if header.is_control() && !mutant::is(Mutant::ControlTaken) {
        return invalid("a client may not write control records");
    }
    if header.has_producer() && header.base_sequence() < 0 && !mutant::is(Mutant::NoSequenceTaken) {
        return invalid("the batch has a producer id and no sequence number");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use alloc::vec::Vec;

    fn produced() -> Vec<u8> {
        let mut batch = Builder::new();
        batch.push(10, Some(b"k"), Some(b"v"), &[]);
        batch.push(12, None, Some(b"w"), &[("h", b"x")]);
        batch.finish().to_vec()
    }

    /// Puts the right checksum on a batch that was changed.
    fn sealed(mut batch: Vec<u8>) -> Vec<u8> {
        let crc = crc32c::crc32c(&batch[CRC_FROM..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch
    }

    fn changed(at: usize, with: &[u8]) -> Vec<u8> {
        let mut batch = produced();
        batch[at..at + with.len()].copy_from_slice(with);
        sealed(batch)
    }

    #[track_caller]
    fn check(bytes: &[u8], want: Option<ErrorCode>) {
        assert_eq!(verify(bytes, Limits::produce(9)).err().map(|refusal| refusal.code), want);
    }

    #[test]
    fn a_good_batch_passes_and_any_changed_bit_behind_the_magic_does_not() {
        check(&produced(), None);
        for at in 16..produced().len() {
            for bit in 0..8 {
                let mut bytes = produced();
                bytes[at] ^= 1 << bit;
                assert!(verify(&bytes, Limits::produce(9)).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = produced();
        for len in 0..bytes.len() {
            check(&bytes[..len], Some(ErrorCode::InvalidRecord));
        }
    }

    #[test]
    fn a_record_that_nobody_could_read_is_refused() {
        // The last bytes of the batch: header count 1, key "h", value "x".
        let at = produced().len() - 5;
        assert_eq!(produced()[at..], [2, 2, b'h', 2, b'x']);
        check(&changed(at, &[4]), Some(ErrorCode::InvalidRecord));
        check(&changed(at, &[0]), Some(ErrorCode::InvalidRecord));
        check(&changed(at + 1, &[1]), Some(ErrorCode::InvalidRecord));
        check(&changed(at + 3, &[1]), Some(ErrorCode::InvalidRecord));
        check(&changed(at + 2, b"i"), None);
    }

    #[test]
    fn shapes_are_answered_as_kafka_does() {
        check(&[produced(), produced()].concat(), Some(ErrorCode::InvalidRecord));
        check(&changed(0, &[0, 0, 0, 0, 0, 0, 0, 1]), Some(ErrorCode::InvalidRecord));
        check(&changed(8, &3i32.to_be_bytes()), Some(ErrorCode::CorruptMessage));
        check(&changed(8, &(-1i32).to_be_bytes()), Some(ErrorCode::CorruptMessage));
        check(&changed(8, &i32::MAX.to_be_bytes()), Some(ErrorCode::InvalidRecord));
        check(&changed(16, &[0]), Some(ErrorCode::InvalidRecord));
        check(&changed(16, &[1]), Some(ErrorCode::InvalidRecord));
        check(&changed(16, &[3]), Some(ErrorCode::CorruptMessage));
        check(&changed(21, &[0, 0x20]), Some(ErrorCode::InvalidRecord));
        check(&changed(21, &[0, 7]), Some(ErrorCode::CorruptMessage));
        check(&changed(21, &[0, 4]), None);
        check(&changed(23, &(-1i32).to_be_bytes()), Some(ErrorCode::InvalidRecord));
        check(&changed(23, &5i32.to_be_bytes()), Some(ErrorCode::InvalidRecord));
        check(&changed(57, &0i32.to_be_bytes()), Some(ErrorCode::InvalidRecord));
        check(&changed(43, &7i64.to_be_bytes()), Some(ErrorCode::InvalidRecord));
        let mut three = changed(23, &2i32.to_be_bytes());
        three[57..61].copy_from_slice(&3i32.to_be_bytes());
        check(&sealed(three), Some(ErrorCode::InvalidRecord));
        assert_eq!(
            verify(&changed(21, &[0, 4]), Limits::produce(6)).map_err(|refusal| refusal.code),
            Err(ErrorCode::UnsupportedCompressionType)
        );
    }

    #[test]
    fn a_leaders_bytes_may_end_in_a_cut_batch_but_not_in_a_bad_one() {
        let one = produced();
        let two = [one.clone(), one.clone()].concat();
        assert_eq!(verify(&two, Limits::REPLICA), Ok(()));
        assert_eq!(verify(&two[..two.len() - 1], Limits::REPLICA), Ok(()));
        assert_eq!(verify(&[], Limits::REPLICA), Ok(()));
        let mut bad = two.clone();
        bad[one.len() + 40] ^= 1;
        assert!(verify(&bad, Limits::REPLICA).is_err());
        let mut bad = two;
        bad[one.len() + 11] = 2;
        bad[one.len() + 10] = 0;
        assert!(verify(&bad, Limits::REPLICA).is_err());
    }
}
