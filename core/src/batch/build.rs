//! Makes record batches of our own: metadata, group offsets, markers, tests.

use super::view::{CONTROL, CRC_FROM, HEADER_BYTES, LOG_APPEND_TIME, MAGIC, PREFIX_BYTES, TRANSACTIONAL};
use crate::id::{LeaderEpoch, Offset, ProducerId};
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};

/// Gathers records into one uncompressed batch.
#[derive(Clone, Debug)]
pub struct Builder {
    base: Offset,
    epoch: LeaderEpoch,
    attributes: i16,
    base_timestamp: i64,
    max_timestamp: i64,
    producer: ProducerId,
    producer_epoch: i16,
    sequence: i32,
    count: i32,
    records: Vec<u8>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// An empty batch at offset 0, of no epoch and no producer.
    pub const fn new() -> Self {
        Self {
            base: Offset::ZERO,
            epoch: LeaderEpoch::NONE,
            attributes: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer: ProducerId::NONE,
            producer_epoch: -1,
            sequence: -1,
            count: 0,
            records: Vec::new(),
        }
    }

    #[must_use]
    pub const fn base(mut self, base: Offset) -> Self {
        self.base = base;
        self
    }

    #[must_use]
    pub const fn epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.epoch = epoch;
        self
    }

    /// The records are markers.
    #[must_use]
    pub const fn control(mut self) -> Self {
        self.attributes |= CONTROL;
        self
    }

    #[must_use]
    pub const fn transactional(mut self) -> Self {
        self.attributes |= TRANSACTIONAL;
        self
    }

    /// The largest timestamp counts for every record.
    #[must_use]
    pub const fn log_append_time(mut self) -> Self {
        self.attributes |= LOG_APPEND_TIME;
        self
    }

    #[must_use]
    pub const fn producer(mut self, id: ProducerId, epoch: i16, sequence: i32) -> Self {
        self.producer = id;
        self.producer_epoch = epoch;
        self.sequence = sequence;
        self
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Records so far.
    pub const fn count(&self) -> i32 {
        self.count
    }

    /// Bytes that the batch has so far.
    pub const fn size(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// Adds a record; `timestamp` in ms since 1970.
    pub fn push(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, &[u8])]) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let mut body = Vec::with_capacity(32 + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len));
        body.push(0);
        put_varint(&mut body, timestamp.saturating_sub(self.base_timestamp));
        put_varint(&mut body, i64::from(self.count));
        put_nullable(&mut body, key);
        put_nullable(&mut body, value);
        put_varint(&mut body, headers.len() as i64);
        for (key, value) in headers {
            put_nullable(&mut body, Some(key.as_bytes()));
            put_nullable(&mut body, Some(value));
        }
        put_varint(&mut self.records, body.len() as i64);
        self.records.extend_from_slice(&body);
        self.count += 1;
    }

    /// The batch, with its CRC.
    ///
    /// # Panics
    /// If it has no record: such a batch has no offsets.
    pub fn finish(self) -> Bytes {
        assert!(self.count > 0, "a batch has a record");
        let mut bytes = BytesMut::with_capacity(self.size());
        bytes.put_i64(self.base.0);
        bytes.put_i32((self.size() - PREFIX_BYTES) as i32);
        bytes.put_i32(self.epoch.0);
        bytes.put_i8(MAGIC);
        bytes.put_u32(0);
        bytes.put_i16(self.attributes);
        bytes.put_i32(self.count - 1);
        bytes.put_i64(self.base_timestamp);
        bytes.put_i64(self.max_timestamp);
        bytes.put_i64(self.producer.0);
        bytes.put_i16(self.producer_epoch);
        bytes.put_i32(self.sequence);
        bytes.put_i32(self.count);
        bytes.put_slice(&self.records);
        let crc = crc32c::crc32c(&bytes[CRC_FROM..]);
        bytes[CRC_FROM - 4..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
        bytes.freeze()
    }
}

fn put_varint(into: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

fn put_nullable(into: &mut Vec<u8>, bytes: Option<&[u8]>) {
    put_varint(into, bytes.map_or(-1, |bytes| bytes.len() as i64));
    into.extend_from_slice(bytes.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Header, is_intact};

    #[test]
    fn fields_come_back() {
        let mut batch = Builder::new().base(Offset(9)).epoch(LeaderEpoch(3)).control().transactional().producer(
            ProducerId(5),
            2,
            i32::MAX,
        );
        batch.push(100, None, Some(b"a"), &[]);
        batch.push(50, None, Some(b"b"), &[]);
        let size = batch.size();
        let bytes = batch.finish();
        assert_eq!(bytes.len(), size);
        assert!(is_intact(&bytes));
        let header = Header::read(&bytes).unwrap();
        assert_eq!(
            (header.base_offset(), header.last_offset(), header.leader_epoch()),
            (Offset(9), Offset(10), LeaderEpoch(3))
        );
        assert_eq!((header.base_timestamp(), header.max_timestamp(), header.count()), (100, 100, 2));
        assert!(header.is_control() && header.is_transactional() && header.has_producer());
        assert_eq!((header.producer_epoch(), header.base_sequence(), header.last_sequence()), (2, i32::MAX, 0));
        assert_eq!(header.size(), Some(size));
    }
}
