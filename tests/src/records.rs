//! Produce and Fetch as bytes: requests whose batches are encoded beforehand, answers of which only what counts is read.

use crate::bytes::{Input, varint};
use crate::conn::{self, Conn};

pub const PRODUCE: i16 = 0;
pub const PRODUCE_VERSION: i16 = 9;
pub const FETCH: i16 = 1;
pub const FETCH_VERSION: i16 = 12;

/// The body of a Produce of one batch to one partition.
pub fn produce(topic: &str, partition: i32, acks: i16, batch: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + topic.len() + batch.len());
    varint(&mut out, 0);
    out.extend(acks.to_be_bytes());
    out.extend(30_000_i32.to_be_bytes());
    varint(&mut out, 2);
    varint(&mut out, topic.len() as u64 + 1);
    out.extend(topic.as_bytes());
    varint(&mut out, 2);
    out.extend(partition.to_be_bytes());
    varint(&mut out, batch.len() as u64 + 1);
    out.extend(batch);
    out.extend([0, 0, 0]);
    out
}

/// The same as a whole frame, for [`Conn::send_prepared`].
pub fn produce_frame(topic: &str, partition: i32, acks: i16, batch: &[u8]) -> Vec<u8> {
    conn::prepared(PRODUCE, PRODUCE_VERSION, true, &produce(topic, partition, acks, batch))
}

/// Where in such a body the batch begins.
pub fn batch_at(body_len: usize, batch_len: usize) -> usize {
    body_len - 3 - batch_len
}

/// Error code and base offset of a Produce answer (what follows the correlation id) for one partition.
pub fn produced(answer: &[u8]) -> Result<(i16, i64), String> {
    let mut i = Input(answer);
    i.varint()?;
    i.varint()?;
    let name = i.varint()?.saturating_sub(1) as usize;
    i.take(name)?;
    i.varint()?;
    i.take(4)?;
    Ok((i.int(2)? as i16, i.int(8)?))
}

/// The body of a Fetch outside of any session: (partition, offset) of one topic.
pub fn fetch(topic: &str, at: &[(i32, i64)], max_wait_ms: i32, min_bytes: i32, partition_max: i32) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend((-1_i32).to_be_bytes());
    out.extend(max_wait_ms.to_be_bytes());
    out.extend(min_bytes.to_be_bytes());
    out.extend((50_i32 << 20).to_be_bytes());
    out.push(0);
    out.extend(0_i32.to_be_bytes());
    out.extend((-1_i32).to_be_bytes());
    varint(&mut out, 2);
    varint(&mut out, topic.len() as u64 + 1);
    out.extend(topic.as_bytes());
    varint(&mut out, at.len() as u64 + 1);
    for (partition, offset) in at {
        out.extend(partition.to_be_bytes());
        out.extend((-1_i32).to_be_bytes());
        out.extend(offset.to_be_bytes());
        out.extend((-1_i32).to_be_bytes());
        out.extend((-1_i64).to_be_bytes());
        out.extend(partition_max.to_be_bytes());
        out.push(0);
    }
    out.push(0);
    varint(&mut out, 1);
    varint(&mut out, 1);
    out.push(0);
    out
}

/// One partition of a Fetch answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched<'a> {
    pub partition: i32,
    pub error: i16,
    pub watermark: i64,
    pub records: &'a [u8],
}

/// The partitions of a Fetch answer (what follows the correlation id).
pub fn fetched(answer: &[u8]) -> Result<Vec<Fetched<'_>>, String> {
    let mut i = Input(answer);
    i.varint()?;
    i.take(4)?;
    let error = i.int(2)? as i16;
    if error != 0 {
        return Err(format!("Fetch failed with error {error}"));
    }
    i.take(4)?;
    let mut out = Vec::new();
    for _ in 1..i.varint()? {
        let name = i.varint()?.saturating_sub(1) as usize;
        i.take(name)?;
        for _ in 1..i.varint()? {
            let (partition, error) = (i.int(4)? as i32, i.int(2)? as i16);
            let watermark = i.int(8)?;
            i.take(16)?;
            for _ in 1..i.varint()? {
                i.take(16)?;
                tags(&mut i)?;
            }
            i.take(4)?;
            let len = i.varint()?.saturating_sub(1) as usize;
            let records = i.take(len)?;
            tags(&mut i)?;
            out.push(Fetched { partition, error, watermark, records });
        }
        tags(&mut i)?;
    }
    Ok(out)
}

fn tags(i: &mut Input) -> Result<(), String> {
    for _ in 0..i.varint()? {
        i.varint()?;
        let len = i.varint()? as usize;
        i.take(len)?;
    }
    Ok(())
}

/// The whole batches of fetched bytes; a last one that is cut off is left out.
pub fn batches(mut records: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let len = 12 + i32::from_be_bytes(records.get(8..12)?.try_into().ok()?).max(0) as usize;
        let batch = records.get(..len)?;
        records = &records[len..];
        Some(batch)
    })
}

/// Sends a Produce whose body was encoded beforehand.
pub fn send_produce(conn: &mut Conn, body: &[u8]) -> Result<i32, String> {
    conn.send(PRODUCE, PRODUCE_VERSION, true, body).map_err(|e| e.to_string())
}

/// Sends a Fetch.
pub fn send_fetch(conn: &mut Conn, body: &[u8]) -> Result<i32, String> {
    conn.send(FETCH, FETCH_VERSION, true, body).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kafka_protocol::messages::{FetchRequest, ProduceRequest};
    use kafka_protocol::protocol::Decodable;

    #[test]
    fn the_hand_made_requests_are_what_the_crate_reads() {
        let body = produce("topic", 3, -1, b"batch");
        assert_eq!(&body[batch_at(body.len(), 5)..][..5], b"batch");
        let read = ProduceRequest::decode(&mut Bytes::from(body), PRODUCE_VERSION).expect("decodes");
        assert_eq!((read.acks, read.topic_data[0].name.as_str()), (-1, "topic"));
        assert_eq!(read.topic_data[0].partition_data[0].records.as_deref(), Some(&b"batch"[..]));
        let mut body = Bytes::from(fetch("topic", &[(1, 7), (2, 8)], 100, 1, 1000));
        let read = FetchRequest::decode(&mut body, FETCH_VERSION).expect("decodes");
        assert!(body.is_empty());
        assert_eq!(read.topics[0].partitions[1].fetch_offset, 8);
    }
}
