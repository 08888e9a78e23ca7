//! Requests to another node, and its replies.

use super::decode::{BadFrame, Slip};
use super::frame::{Unencodable, sealed};
use super::read::{Flaw, Reader};
use super::{shape, versions};
use alloc::string::ToString;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestKind, ResponseKind};

/// The frame of a request, with its length before it.
pub fn encode(slip: Slip, client_id: &str, body: &RequestKind) -> Result<Bytes, Unencodable> {
    let mut buffer = BytesMut::with_capacity(256);
    buffer.put_i32(0);
    buffer.put_i16(slip.key as i16);
    buffer.put_i16(slip.version);
    buffer.put_i32(slip.correlation);
    buffer.put_i16(i16::try_from(client_id.len()).unwrap_or(0));
    buffer.put_slice(client_id.as_bytes());
    if slip.key.request_header_version(slip.version) >= 2 {
        buffer.put_u8(0);
    }
    body.encode(&mut buffer, versions::codec(slip.key, slip.version))
        .map_err(|why| Unencodable { slip, why: why.to_string() })?;
    Ok(sealed(buffer, 0))
}

/// Which request a reply's frame (without its length) answers.
pub fn correlation(frame: &[u8]) -> Result<i32, BadFrame> {
    Reader::new(frame).i32().map_err(BadFrame::Header)
}

/// Decodes a reply's frame, without its length. Bytes of size stay where they are. (DescribeLogDirs is called by none of ours
/// and read up to version 4.)
pub fn decode(slip: Slip, frame: &Bytes) -> Result<ResponseKind, BadFrame> {
    let Slip { key, version, .. } = slip;
    let mut reader = Reader::new(frame);
    if reader.i32().map_err(BadFrame::Header)? != slip.correlation {
        return Err(BadFrame::Header(Flaw::Codec));
    }
    if key.response_header_version(version) >= 1 {
        for _ in 0..reader.varint().map_err(BadFrame::Header)? {
            reader.varint().map_err(BadFrame::Header)?;
            let size = reader.varint().map_err(BadFrame::Header)?;
            reader.take(size).map_err(BadFrame::Header)?;
        }
    }
    let mut body = frame.slice(frame.len() - reader.left()..);
    let wrong = |flaw| BadFrame::Body { key, version, flaw };
    shape::check_response(key, version, &body).map_err(wrong)?;
    ResponseKind::decode(key, &mut body, versions::codec(key, version)).map_err(|_| wrong(Flaw::Codec))
}
