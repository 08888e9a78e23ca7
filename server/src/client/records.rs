//! The records of batches, decompressed.

use crate::exit::Failure;
use crate::unpack::unpack;
use esker_core::batch::{Batches, HEADER_BYTES, Header, Record, Records};

/// Decompressed records of one batch take at most so much.
const UNPACKED_MAX: usize = 512 << 20;

/// Calls `each` with the records of every whole batch; markers are left out. Answers the offset after the last batch.
pub fn each(bytes: &[u8], mut each: impl FnMut(&Record<'_>) -> Result<(), Failure>) -> Result<Option<i64>, Failure> {
    let mut next = None;
    let mut batches = Batches::of(bytes);
    for (header, batch) in batches.by_ref() {
        next = Some(header.next_offset().0);
        if !header.is_control() {
            of_batch(&header, batch, &mut each)?;
        }
    }
    // What is cut at its end comes whole in another answer; what has no length that could be never does.
    let rest = Header::read(batches.rest()).filter(|header| next.is_none() && header.size().is_none());
    rest.map_or(Ok(next), |header| Err(damaged(&header, "its length is none that could be")))
}

/// Calls `each` with the records of one batch.
pub fn of_batch(
    header: &Header<'_>,
    batch: &[u8],
    each: &mut impl FnMut(&Record<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let packed = batch.get(HEADER_BYTES..).unwrap_or_default();
    let codec = header.codec().map_or(0, |codec| codec.bits());
    let plain = if codec == 0 {
        packed.to_vec()
    } else {
        unpack(codec, packed, UNPACKED_MAX).map_err(|why| damaged(header, &why.to_string()))?
    };
    for record in Records::unpacked(header, &plain) {
        each(&record.map_err(|why| damaged(header, &why.to_string()))?)?;
    }
    Ok(())
}

fn damaged(header: &Header<'_>, why: &str) -> Failure {
    Failure::failed(format!("the batch at offset {} is damaged: {why}", header.base_offset().0)).for_good()
}
