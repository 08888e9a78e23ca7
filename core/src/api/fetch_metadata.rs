//! Fetch (key 1, versions 12 to 18) on the controller listener: replicas of the metadata log, voters and observers, fetch from its
//! leader. It waits up to `MaxWaitMs` for records, or for a watermark above the one it names (KIP-1166).
//!
//! Below version 12 a Fetch does not say which epoch it ends with: `UNSUPPORTED_VERSION`. Errors: `INCONSISTENT_CLUSTER_ID` and
//! `INVALID_REQUEST` for the whole; `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`,
//! `KAFKA_STORAGE_ERROR` for the partition. A log that parted from the leader's is told where (`DivergingEpoch`), one that is
//! too far behind which snapshot to take (`SnapshotId`).

use super::quorum_asks;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// The first version with the epoch of the last record.
const VERSION_MIN: i16 = 12;

pub fn on_fetch_metadata(node: &mut Node, now: Now, ask: Ask, request: FetchRequest) {
    if ask.version < VERSION_MIN {
        ask.reply(&mut node.out, FetchResponse::default().with_error_code(ErrorCode::UnsupportedVersion.code()));
        return;
    }
    let deadline = quorum_asks::fetch_deadline(now, request.max_wait_ms);
    quorum_asks::begin(node, now, ask, request, deadline);
}
