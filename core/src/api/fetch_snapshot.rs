//! FetchSnapshot (key 59, versions 0 to 1): a piece of a snapshot of the metadata (KIP-630), up to 1 MiB from a position.
//! Controller listener only.
//!
//! Errors: `INCONSISTENT_CLUSTER_ID` and `INVALID_REQUEST` for the whole; `UNKNOWN_TOPIC_OR_PARTITION`, `FENCED_LEADER_EPOCH`,
//! `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`, `SNAPSHOT_NOT_FOUND`, `POSITION_OUT_OF_RANGE` for the partition.

use super::quorum_asks;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::FetchSnapshotRequest;

pub fn on_fetch_snapshot(node: &mut Node, now: Now, ask: Ask, request: FetchSnapshotRequest) {
    quorum_asks::begin(node, now, ask, request, None);
}
