//! `.snapshot` files: the producers as of an offset, in Kafka's format.
//!
//! ```text
//! 0  version          i16   1
//! 2  CRC-32C          u32   of everything from 6 on
//! 6  number           i32
//! 10 entries of 46 bytes:
//!     0 producer id   i64     8 epoch       i16    10 last sequence  i32    14 last offset       i64
//!    22 offset delta  i32    26 timestamp   i64    34 coordinator    i32    38 transaction from  i64
//! ```
//!
//! Kafka keeps the last batch of each producer only, so that a clean restart loses the rest of its window and an in-flight
//! retry is then refused. Where a producer has more, we add what Kafka's reader passes over (its CRC covers it): the
//! older batches of each window.
//!
//! ```text
//! behind the entries: "ESK1", number i32, then for each producer: producer id i64, batches u8, each of
//!     0 last sequence i32     4 last offset i64     12 offset delta i32     16 timestamp i64
//! ```
//!
//! (Kafka: `ProducerStateManager.readSnapshot`, `ProducerSnapshot.json`.)

use super::producers::{Producer, Producers, WINDOW, Written};
use crate::id::{Offset, ProducerId};
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use bytes::{Buf, BufMut, Bytes, BytesMut};

const VERSION: i16 = 1;
const HEAD: usize = 10;
const ENTRY: usize = 46;
const BATCH: usize = 24;
const WINDOWS: &[u8; 4] = b"ESK1";

/// The file's bytes.
pub fn write(producers: &Producers) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + ENTRY * producers.iter().len());
    bytes.put_i16(VERSION);
    bytes.put_u32(0);
    bytes.put_i32(i32::try_from(producers.iter().len()).unwrap_or(i32::MAX));
    for (id, producer) in producers.iter() {
        let last = producer.window.last();
        bytes.put_i64(id.0);
        bytes.put_i16(if mutant::is(Mutant::SnapshotForgetsEpoch) { 0 } else { producer.epoch });
        bytes.put_i32(last.map_or(-1, |last| last.last_sequence));
        bytes.put_i64(last.map_or(-1, |last| last.last_offset.0));
        bytes.put_i32(last.map_or(0, |last| last.delta));
        bytes.put_i64(producer.timestamp);
        bytes.put_i32(producer.coordinator_epoch);
        bytes.put_i64(producer.transaction.map_or(-1, |offset| offset.0));
    }
    write_windows(producers, &mut bytes);
    let crc = crc32c::crc32c(&bytes[6..]);
    bytes[2..6].copy_from_slice(&crc.to_be_bytes());
    bytes.freeze()
}

fn write_windows(producers: &Producers, bytes: &mut BytesMut) {
    let longer = || producers.iter().filter(|(_, producer)| producer.window.len() > 1);
    if longer().next().is_none() {
        return;
    }
    bytes.put_slice(WINDOWS);
    bytes.put_i32(i32::try_from(longer().count()).unwrap_or(i32::MAX));
    for (id, producer) in longer() {
        let older = &producer.window[usize::from(mutant::is(Mutant::SnapshotShortWindow))..producer.window.len() - 1];
        bytes.put_i64(id.0);
        bytes.put_u8(older.len() as u8);
        for batch in older {
            put_batch(bytes, batch);
        }
    }
}

fn put_batch(bytes: &mut BytesMut, batch: &Written) {
    bytes.put_i32(batch.last_sequence);
    bytes.put_i64(batch.last_offset.0);
    bytes.put_i32(batch.delta);
    bytes.put_i64(batch.timestamp);
}

fn get_batch(bytes: &mut &[u8]) -> Option<Written> {
    if bytes.len() < BATCH {
        return None;
    }
    Some(Written {
        last_sequence: bytes.get_i32(),
        last_offset: Offset(bytes.get_i64()),
        delta: bytes.get_i32(),
        timestamp: bytes.get_i64(),
    })
}

/// Reads a file; `None` if it is damaged.
pub fn read(file: &[u8]) -> Option<Producers> {
    let mut bytes = file;
    if bytes.len() < HEAD || bytes.get_i16() != VERSION || bytes.get_u32() != crc32c::crc32c(&file[6..]) {
        return None;
    }
    let count = usize::try_from(bytes.get_i32()).ok()?;
    if count > bytes.len() / ENTRY {
        return None;
    }
    let mut producers = Producers::default();
    for _ in 0..count {
        let id = ProducerId(bytes.get_i64());
        let epoch = bytes.get_i16();
        let mut last = Written {
            last_sequence: bytes.get_i32(),
            last_offset: Offset(bytes.get_i64()),
            delta: bytes.get_i32().max(0),
            timestamp: 0,
        };
        let timestamp = bytes.get_i64();
        last.timestamp = timestamp;
        let coordinator_epoch = bytes.get_i32();
        let transaction = bytes.get_i64();
        let mut window = Vec::new();
        if last.last_offset >= Offset::ZERO {
            window.push(last);
        }
        let transaction = (transaction >= 0).then_some(Offset(transaction));
        producers.insert(id, Producer { epoch, window, timestamp, coordinator_epoch, transaction });
    }
    read_windows(bytes, &mut producers);
    Some(producers)
}

/// Puts the older batches before the last one. What is not there, or not as we write it, is passed over as Kafka does.
fn read_windows(mut bytes: &[u8], producers: &mut Producers) {
    if bytes.len() < 8 || &bytes[..4] != WINDOWS {
        return;
    }
    bytes.advance(4);
    for _ in 0..bytes.get_i32() {
        if bytes.len() < 9 {
            return;
        }
        let id = ProducerId(bytes.get_i64());
        let count = usize::from(bytes.get_u8());
        let mut window = Vec::new();
        for _ in 0..count {
            let Some(batch) = get_batch(&mut bytes) else { return };
            window.push(batch);
        }
        let Some(producer) = producers.get(id).cloned() else { continue };
        window.extend(producer.window.iter().copied());
        if window.len() <= WINDOW
            && window.is_sorted_by_key(|batch| batch.last_offset)
            && window.iter().all(|batch| batch.delta >= 0)
        {
            producers.insert(id, Producer { window, ..producer });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Builder, Header};

    fn some(batches: i64) -> Producers {
        let mut producers = Producers::default();
        for base in 0..batches {
            let mut batch = Builder::new().base(Offset(base)).producer(ProducerId(base % 2), 3, (base / 2) as i32);
            batch.push(500 + base, None, None, &[]);
            producers.record(&Header::read(&batch.finish()).unwrap(), None);
        }
        producers
    }

    #[test]
    fn comes_back_with_whole_windows() {
        for batches in [0, 1, 2, 3, 20] {
            let producers = some(batches);
            assert_eq!(read(&write(&producers)), Some(producers));
        }
        assert_eq!(write(&some(2)).len(), HEAD + 2 * ENTRY);
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_seen() {
        let bytes = write(&some(9));
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 0x40;
            assert_eq!(read(&changed), None, "byte {at}");
            assert_eq!(read(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn the_golden_file_of_kafka_is_read_and_written_again() {
        let golden = include_bytes!("../../../tests/golden/kafka-partition/00000000000000000170.snapshot");
        let producers = read(golden).unwrap();
        assert_eq!(producers.iter().len(), 2);
        let first = producers.get(ProducerId(1)).unwrap();
        assert_eq!(producers.get(ProducerId(2)).unwrap().window[0].last_offset, Offset(169));
        assert_eq!((first.epoch, first.window[0].last_sequence, first.window[0].delta), (0, 149, 2));
        // Kafka writes its hash map in whatever order; the entries are the same.
        assert_eq!(&write(&producers)[..], &golden[..]);
    }
}
