//! From a reply to the frame that carries it.

use super::decode::Slip;
use super::frame::{Frame, Unencodable, header, sealed};
use super::{fetch, log_dirs, versions};
use crate::io::Reply;
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersionsResponse;
use kafka_protocol::messages::{ApiKey, ResponseKind};

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
    let mut buffer = BytesMut::with_capacity(SMALL);
    header(&mut buffer, slip);
    let written = match body {
        ResponseKind::DescribeLogDirs(dirs) if slip.version >= versions::CORDONED => {
            log_dirs::encode(&mut buffer, dirs)
        }
        _ => body.encode(&mut buffer, versions::codec(slip.key, slip.version)).map_err(|why| why.to_string()),
    };
    written.map_err(|why| Unencodable { slip, why })?;
    Ok(Frame { head: sealed(buffer, 0), rest: Vec::new() })
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
