//! Writes what the leader assigns into a batch header, and leaves the records where they are.

use super::view::{AT_ATTRIBUTES, AT_CRC, AT_EPOCH, AT_MAX_TIMESTAMP, CRC_FROM, HEADER_BYTES, Header, LOG_APPEND_TIME};
use crate::id::{LeaderEpoch, Offset};
use bytes::{Bytes, BytesMut};

/// Batches up to this size are copied whole: one small buffer is cheaper than to keep the socket's alive for it.
const COPIED_WHOLE: usize = 4096;

/// What a leader assigns to a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    pub base: Offset,
    pub epoch: LeaderEpoch,
    /// The time of the append in ms since 1970, where the topic has `LogAppendTime`.
    pub append_time: Option<i64>,
}

/// Stamps one whole batch. The two parts, one after the other, are the batch; the second may be empty.
///
/// Base offset and epoch lie before the range of the CRC. The time of the append lies in it; the CRC is then moved by
/// the difference that the header makes, so that damage that came in between still shows.
///
/// # Panics
/// If `batch` is shorter than a header: the caller has checked it.
pub fn stamp(batch: Bytes, stamp: Stamp) -> (Bytes, Bytes) {
    assert!(batch.len() >= HEADER_BYTES, "a batch has a header");
    match batch.try_into_mut() {
        Ok(mut whole) => {
            write(&mut whole, stamp);
            (whole.freeze(), Bytes::new())
        }
        Err(shared) if shared.len() <= COPIED_WHOLE => {
            let mut whole = BytesMut::from(&shared[..]);
            write(&mut whole, stamp);
            (whole.freeze(), Bytes::new())
        }
        Err(shared) => {
            let body = shared.slice(HEADER_BYTES..);
            let mut head = BytesMut::from(&shared[..HEADER_BYTES]);
            let crc = stamp.append_time.map(|time| moved_crc(&shared, |head| write_time(head, time)));
            write_fields(&mut head, stamp, crc);
            (head.freeze(), body)
        }
    }
}

/// The first batch of `bytes` with another largest timestamp in its header.
///
/// # Panics
/// If there is none that is whole: the caller has checked it.
pub fn with_max_timestamp(bytes: &[u8], time: i64) -> Bytes {
    let size = Header::read(bytes).and_then(|header| header.size()).expect("a batch has a header");
    let batch = &bytes[..size];
    let write = |head: &mut [u8]| head[AT_MAX_TIMESTAMP..AT_MAX_TIMESTAMP + 8].copy_from_slice(&time.to_be_bytes());
    let crc = moved_crc(batch, write);
    let mut whole = BytesMut::from(batch);
    write(&mut whole);
    whole[AT_CRC..AT_CRC + 4].copy_from_slice(&crc.to_be_bytes());
    whole.freeze()
}

fn write(whole: &mut BytesMut, stamp: Stamp) {
    let crc = stamp.append_time.map(|time| moved_crc(whole, |head| write_time(head, time)));
    write_fields(whole, stamp, crc);
}

fn write_fields(head: &mut BytesMut, stamp: Stamp, crc: Option<u32>) {
    head[..8].copy_from_slice(&stamp.base.0.to_be_bytes());
    head[AT_EPOCH..AT_EPOCH + 4].copy_from_slice(&stamp.epoch.0.to_be_bytes());
    if let (Some(time), Some(crc)) = (stamp.append_time, crc) {
        write_time(head, time);
        head[AT_CRC..AT_CRC + 4].copy_from_slice(&crc.to_be_bytes());
    }
}

fn write_time(head: &mut [u8], time: i64) {
    let attributes = Header::read(head).map_or(0, |header| header.attributes()) | LOG_APPEND_TIME;
    head[AT_ATTRIBUTES..AT_ATTRIBUTES + 2].copy_from_slice(&attributes.to_be_bytes());
    head[AT_MAX_TIMESTAMP..AT_MAX_TIMESTAMP + 8].copy_from_slice(&time.to_be_bytes());
}

/// The CRC of the batch once its header is changed: CRCs are linear, so the old one moves by what the header's
/// part changes, shifted over the length of the records. The records are not read.
fn moved_crc(batch: &[u8], change: impl FnOnce(&mut [u8])) -> u32 {
    let mut head = [0; HEADER_BYTES];
    head.copy_from_slice(&batch[..HEADER_BYTES]);
    let before = crc32c::crc32c(&head[CRC_FROM..]);
    change(&mut head);
    let after = crc32c::crc32c(&head[CRC_FROM..]);
    let carried = Header::read(batch).map_or(0, |header| header.crc());
    carried ^ crc32c::crc32c_combine(before ^ after, 0, batch.len() - HEADER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Builder, is_intact};
    use alloc::vec;
    use alloc::vec::Vec;

    fn batch(value: usize) -> Bytes {
        let mut batch = Builder::new();
        batch.push(10, None, Some(&vec![7; value]), &[]);
        batch.finish()
    }

    fn joined(parts: (Bytes, Bytes)) -> Vec<u8> {
        [&parts.0[..], &parts.1[..]].concat()
    }

    #[test]
    fn stamps_in_place_where_nobody_else_holds_the_bytes_and_beside_them_otherwise() {
        let with = Stamp { base: Offset(77), epoch: LeaderEpoch(5), append_time: None };
        for size in [10, 5000] {
            let kept = batch(size);
            let shared = joined(stamp(kept.clone(), with));
            let alone = joined(stamp(Bytes::from(kept.to_vec()), with));
            assert_eq!(shared, alone);
            assert_eq!(shared[HEADER_BYTES..], kept[HEADER_BYTES..]);
            assert!(is_intact(&shared));
            let header = Header::read(&shared).unwrap();
            assert_eq!((header.base_offset(), header.leader_epoch()), (Offset(77), LeaderEpoch(5)));
            assert_eq!(header.max_timestamp(), 10);
        }
    }

    #[test]
    fn another_largest_timestamp_moves_the_checksum() {
        for size in [10, 5000] {
            let kept = batch(size);
            let changed = with_max_timestamp(&kept, 99);
            assert!(is_intact(&changed));
            assert_eq!(Header::read(&changed).unwrap().max_timestamp(), 99);
            let more = [&changed[..], &[0; 9]].concat();
            assert_eq!(with_max_timestamp(&more, 10), kept, "what is cut off behind it is nobody's");
        }
    }

    #[test]
    fn a_large_batch_keeps_its_records_where_they_are() {
        let kept = batch(5000);
        let (head, body) = stamp(kept.clone(), Stamp { base: Offset(1), epoch: LeaderEpoch(0), append_time: None });
        assert_eq!(head.len(), HEADER_BYTES);
        assert_eq!(body.as_ptr(), kept[HEADER_BYTES..].as_ptr());
    }

    #[test]
    fn the_time_of_the_append_moves_the_checksum_and_damage_still_shows() {
        let with = Stamp { base: Offset(3), epoch: LeaderEpoch(1), append_time: Some(123_456) };
        for size in [10, 5000] {
            let kept = batch(size);
            let stamped = joined(stamp(kept.clone(), with));
            let header = Header::read(&stamped).unwrap();
            assert!(header.is_log_append_time());
            assert_eq!(header.max_timestamp(), 123_456);
            assert!(is_intact(&stamped));
            let mut damaged = kept.to_vec();
            damaged[70] ^= 1;
            assert!(!is_intact(&joined(stamp(Bytes::from(damaged), with))));
        }
    }
}
