//! The frame of a Fetch reply, with its records in place: slices of memory and ranges of files go between the fields
//! without being copied.

use super::decode::Slip;
use super::frame::{Frame, Segment, Unencodable, header, sealed, varint};
use crate::io::{FileRange, Records};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{
    EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData, SnapshotId,
};
use kafka_protocol::protocol::Encodable;

/// Records below this are copied between the fields: a piece more to send costs as much.
const COPIED: usize = 512;

pub(super) fn reply(slip: Slip, response: &FetchResponse, records: &[Records]) -> Result<Frame, Unencodable> {
    let partitions: usize = response.responses.iter().map(|topic| topic.partitions.len()).sum();
    assert_eq!(partitions, records.len(), "a Fetch reply has records for each partition");
    let mut writer = Writer {
        version: slip.version,
        buffer: BytesMut::with_capacity(128 + 96 * partitions),
        pieces: Vec::new(),
        inserted: 0,
    };
    header(&mut writer.buffer, slip);
    writer.response(response, records).map_err(|why| Unencodable { slip, why })?;
    Ok(writer.finish())
}

/// A piece that goes into the buffer at `at`.
struct Piece {
    at: usize,
    segment: Segment,
}

struct Writer {
    version: i16,
    buffer: BytesMut,
    pieces: Vec<Piece>,
    /// Bytes of all pieces.
    inserted: usize,
}

impl Writer {
    fn is_flexible(&self) -> bool {
        self.version >= 12
    }

    fn response(&mut self, response: &FetchResponse, records: &[Records]) -> Result<(), String> {
        self.buffer.put_i32(response.throttle_time_ms);
        if self.version >= 7 {
            self.buffer.put_i16(response.error_code);
            self.buffer.put_i32(response.session_id);
        }
        self.count(response.responses.len());
        let mut records = records.iter();
        for topic in &response.responses {
            self.topic(topic, &mut records)?;
        }
        if !self.is_flexible() {
            return Ok(());
        }
        let mut tags = Tags::default();
        if self.version >= 16 && !response.node_endpoints.is_empty() {
            let mut value = BytesMut::new();
            varint(&mut value, response.node_endpoints.len() + 1);
            for endpoint in &response.node_endpoints {
                endpoint.encode(&mut value, self.version).map_err(|why| why.to_string())?;
            }
            tags.put(0, value.freeze());
        }
        tags.others(&response.unknown_tagged_fields);
        tags.write(&mut self.buffer);
        Ok(())
    }

    fn topic<'a>(
        &mut self,
        topic: &FetchableTopicResponse,
        records: &mut impl Iterator<Item = &'a Records>,
    ) -> Result<(), String> {
        if self.version >= 13 {
            self.buffer.put_slice(topic.topic_id.as_bytes());
        } else {
            self.text(topic.topic.as_bytes());
        }
        self.count(topic.partitions.len());
        for partition in &topic.partitions {
            self.partition(partition, records.next().unwrap_or(&Records::Empty))?;
        }
        if self.is_flexible() {
            let mut tags = Tags::default();
            tags.others(&topic.unknown_tagged_fields);
            tags.write(&mut self.buffer);
        }
        Ok(())
    }

    fn partition(&mut self, data: &PartitionData, records: &Records) -> Result<(), String> {
        self.buffer.put_i32(data.partition_index);
        self.buffer.put_i16(data.error_code);
        self.buffer.put_i64(data.high_watermark);
        self.buffer.put_i64(data.last_stable_offset);
        if self.version >= 5 {
            self.buffer.put_i64(data.log_start_offset);
        }
        self.aborted(data)?;
        if self.version >= 11 {
            self.buffer.put_i32(data.preferred_read_replica.0);
        }
        self.records(records)?;
        if self.is_flexible() {
            let mut tags = Tags::default();
            let version = self.version;
            tags.value(0, &data.diverging_epoch, &EpochEndOffset::default(), version)?;
            tags.value(1, &data.current_leader, &LeaderIdAndEpoch::default(), version)?;
            tags.value(2, &data.snapshot_id, &SnapshotId::default(), version)?;
            tags.others(&data.unknown_tagged_fields);
            tags.write(&mut self.buffer);
        }
        Ok(())
    }

    fn aborted(&mut self, data: &PartitionData) -> Result<(), String> {
        let Some(aborted) = &data.aborted_transactions else {
            if self.is_flexible() {
                self.buffer.put_u8(0)
            } else {
                self.buffer.put_i32(-1)
            }
            return Ok(());
        };
        self.count(aborted.len());
        for transaction in aborted {
            transaction.encode(&mut self.buffer, self.version).map_err(|why| why.to_string())?;
        }
        Ok(())
    }

    fn records(&mut self, records: &Records) -> Result<(), String> {
        let len = records.len();
        if self.is_flexible() {
            varint(&mut self.buffer, len.saturating_add(1));
        } else {
            self.buffer.put_i32(i32::try_from(len).map_err(|_| "records of more than 2 GiB".to_string())?);
        }
        match records {
            Records::Empty => {}
            Records::Memory(parts) if len <= COPIED => parts.iter().for_each(|part| self.buffer.put_slice(part)),
            Records::Memory(parts) => parts.iter().for_each(|part| self.insert(Segment::Bytes(part.clone()))),
            Records::File(range) => self.file(*range),
        }
        Ok(())
    }

    fn file(&mut self, range: FileRange) {
        if range.len > 0 {
            self.insert(Segment::File(range));
        }
    }

    fn insert(&mut self, segment: Segment) {
        self.inserted = self.inserted.saturating_add(segment.len());
        self.pieces.push(Piece { at: self.buffer.len(), segment });
    }

    fn count(&mut self, len: usize) {
        if self.is_flexible() {
            varint(&mut self.buffer, len + 1);
        } else {
            self.buffer.put_i32(i32::try_from(len).unwrap_or(i32::MAX));
        }
    }

    fn text(&mut self, text: &[u8]) {
        if self.is_flexible() {
            varint(&mut self.buffer, text.len() + 1);
        } else {
            self.buffer.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        }
        self.buffer.put_slice(text);
    }

    /// Cuts the buffer where pieces go in.
    fn finish(self) -> Frame {
        let all = sealed(self.buffer, self.inserted);
        let mut rest = Vec::with_capacity(self.pieces.len() * 2);
        let mut from = 0;
        let mut head = None;
        for Piece { at, segment } in self.pieces {
            let fields = all.slice(from..at);
            from = at;
            if head.is_none() {
                head = Some(fields);
            } else if !fields.is_empty() {
                rest.push(Segment::Bytes(fields));
            }
            rest.push(segment);
        }
        let tail = all.slice(from..);
        match head {
            None => Frame { head: tail, rest },
            Some(head) => {
                rest.push(Segment::Bytes(tail));
                rest.retain(|segment| !segment.is_empty());
                Frame { head, rest }
            }
        }
    }
}

/// The tagged fields at the end of a struct.
#[derive(Default)]
struct Tags {
    list: Vec<(usize, Bytes)>,
}

impl Tags {
    fn put(&mut self, tag: usize, value: Bytes) {
        self.list.push((tag, value));
    }

    /// A value that differs from its default.
    fn value<T: Encodable + PartialEq>(
        &mut self,
        tag: usize,
        value: &T,
        default: &T,
        version: i16,
    ) -> Result<(), String> {
        if value != default {
            let mut bytes = BytesMut::new();
            value.encode(&mut bytes, version).map_err(|why| why.to_string())?;
            self.put(tag, bytes.freeze());
        }
        Ok(())
    }

    fn others(&mut self, others: &alloc::collections::BTreeMap<i32, Bytes>) {
        for (tag, value) in others {
            self.put(usize::try_from(*tag).unwrap_or(0), value.clone());
        }
    }

    fn write(self, buffer: &mut BytesMut) {
        varint(buffer, self.list.len());
        for (tag, value) in self.list {
            varint(buffer, tag);
            varint(buffer, value.len());
            buffer.put_slice(&value);
        }
    }
}
