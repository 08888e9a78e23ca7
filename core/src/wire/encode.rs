//! From a reply to the frame that carries it.

use super::decode::Slip;
use super::frame::{Frame, Unencodable, header, sealed};
use super::{fetch, log_dirs, versions};
use crate::io::Reply;
use crate::limits::ANSWER_BYTES_MAX;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersionsResponse;
use kafka_protocol::messages::{ApiKey, ResponseKind};
use kafka_protocol::protocol::Encodable;

/// Room for the common small reply, so that its buffer grows at most once.
const SMALL: usize = 256;

/// The frame of a reply; `None` where nothing is sent.
pub fn reply(slip: Slip, reply: &Reply) -> Result<Option<Frame>, Unencodable> {
    match reply {
        Reply::Plain(body) => plain(slip, body).map(Some),
        Reply::Fetch { response, records } => fetch::reply(slip, response, records).map(Some),
        Reply::Silence => Ok(None),
    }
}

fn plain(slip: Slip, body: &ResponseKind) -> Result<Frame, Unencodable> {
    let len = long(slip, body);
    if len > ANSWER_BYTES_MAX {
        return Err(Unencodable { slip, why: format!("it would have {} MiB", len >> 20) });
    }
    let mut buffer = BytesMut::with_capacity(SMALL);
    header(&mut buffer, slip);
    let written = match body {
        ResponseKind::DescribeLogDirs(dirs) if slip.version >= versions::CORDONED => {
            log_dirs::encode(&mut buffer, dirs)
        }
        _ => body.encode(&mut buffer, versions::codec(slip.key, slip.version)).map_err(|why| why.to_string()),
    };
    written.map_err(|why| Unencodable { slip, why })?;
    if buffer.len() > ANSWER_BYTES_MAX {
        return Err(Unencodable { slip, why: format!("it has {} MiB", buffer.len() >> 20) });
    }
    Ok(Frame { head: sealed(buffer, 0), rest: Vec::new() })
}

/// The length of an answer that a short request can make long by naming something again and again; 0 for others.
fn long(slip: Slip, body: &ResponseKind) -> usize {
    let version = versions::codec(slip.key, slip.version);
    let len = match body {
        ResponseKind::DescribeGroups(groups) => groups.compute_size(version),
        ResponseKind::OffsetFetch(offsets) => offsets.compute_size(version),
        ResponseKind::DescribeConfigs(configs) => configs.compute_size(version),
        ResponseKind::DescribeProducers(producers) => producers.compute_size(version),
        _ => return 0,
    };
    // What cannot be reckoned cannot be encoded: that says why.
    len.unwrap_or(0)
}

/// The answer to ApiVersions of a version that is not served: version 0, UNSUPPORTED_VERSION, and what is served of
/// ApiVersions itself.
pub fn unsupported_version(correlation: i32) -> Frame {
    let range = versions::supported(ApiKey::ApiVersions);
    let mut version = kafka_protocol::messages::api_versions_response::ApiVersion::default();
    version.api_key = ApiKey::ApiVersions as i16;
    version.min_version = *range.start();
    version.max_version = *range.end();
    let mut body = ApiVersionsResponse::default();
    body.error_code = ResponseError::UnsupportedVersion.code();
    body.api_keys.push(version);
    let slip = Slip { key: ApiKey::ApiVersions, version: 0, correlation };
    let frame = plain(slip, &body.into());
    assert!(frame.is_ok(), "ApiVersions v0 carries these fields");
    frame.unwrap_or_else(|_| Frame { head: Bytes::new(), rest: Vec::new() })
}
