//! From a request's frame to its parts.

use super::read::{Flaw, Reader};
use super::{shape, versions};
use crate::io::Listener;
use bytes::Bytes;
use core::fmt;
use kafka_protocol::messages::{ApiKey, RequestKind};
use kafka_protocol::protocol::StrBytes;

/// What a reply's frame needs to know of its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slip {
    pub key: ApiKey,
    pub version: i16,
    /// Comes back in the reply as it was.
    pub correlation: i32,
}

/// A frame that was understood.
#[derive(Clone, PartialEq, Debug)]
pub enum Decoded {
    Request {
        slip: Slip,
        client_id: StrBytes,
        body: RequestKind,
        /// What the decoded body takes in memory at most, beyond the frame that it refers to.
        cost: usize,
    },
    /// ApiVersions of a version that is not served: answered in version 0 with UNSUPPORTED_VERSION, so that the client
    /// can choose again (KIP-511). See [`super::encode::unsupported_version`].
    UnsupportedVersion { correlation: i32 },
}

/// A frame after which Kafka closes the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadFrame {
    /// The header itself is wrong.
    Header(Flaw),
    /// No request has this key, or this listener does not serve it.
    UnknownKey {
        key: i16,
    },
    UnknownVersion {
        key: ApiKey,
        version: i16,
    },
    Body {
        key: ApiKey,
        version: i16,
        flaw: Flaw,
    },
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(flaw) => write!(f, "malformed header: {flaw:?}"),
            Self::UnknownKey { key } => write!(f, "request key {key} is not served here"),
            Self::UnknownVersion { key, version } => write!(f, "{key:?} has no version {version}"),
            Self::Body { key, version, flaw } => write!(f, "malformed {key:?} v{version}: {flaw:?}"),
        }
    }
}

/// Decodes a request's frame, without its length. The parts refer to the frame; nothing of size is copied.
pub fn request(frame: &Bytes, listener: Listener) -> Result<Decoded, BadFrame> {
    let mut reader = Reader::new(frame);
    let (key, version, correlation) = start(&mut reader).map_err(BadFrame::Header)?;
    let unknown = BadFrame::UnknownKey { key };
    let key = ApiKey::try_from(key).map_err(|()| unknown)?;
    let served = versions::served(listener, key).ok_or(unknown)?;
    if !served.contains(&version) {
        return match key {
            ApiKey::ApiVersions => Ok(Decoded::UnsupportedVersion { correlation }),
            _ => Err(BadFrame::UnknownVersion { key, version }),
        };
    }
    let client_id = client_id(&mut reader, frame).map_err(BadFrame::Header)?;
    if key.request_header_version(version) >= 2 {
        skip_tags(&mut reader).map_err(BadFrame::Header)?;
    }
    let mut body = frame.slice(frame.len() - reader.left()..);
    let wrong = |flaw| BadFrame::Body { key, version, flaw };
    let cost = shape::check_request(key, version, &body).map_err(wrong)?;
    let body = RequestKind::decode(key, &mut body, versions::codec(key, version)).map_err(|_| wrong(Flaw::Codec))?;
    Ok(Decoded::Request { slip: Slip { key, version, correlation }, client_id, body, cost })
}

fn start(reader: &mut Reader<'_>) -> Result<(i16, i16, i32), Flaw> {
    Ok((reader.i16()?, reader.i16()?, reader.i32()?))
}

/// Null counts as empty. Its length is never compact, so that a broker can read it in any version (KIP-511).
fn client_id(reader: &mut Reader<'_>, frame: &Bytes) -> Result<StrBytes, Flaw> {
    let len = reader.short_len()?.unwrap_or(0);
    let text = reader.take(len)?;
    StrBytes::from_utf8(frame.slice_ref(text)).map_err(|_| Flaw::Codec)
}

fn skip_tags(reader: &mut Reader<'_>) -> Result<(), Flaw> {
    for _ in 0..reader.varint()? {
        reader.varint()?;
        let size = reader.varint()?;
        reader.take(size)?;
    }
    Ok(())
}
