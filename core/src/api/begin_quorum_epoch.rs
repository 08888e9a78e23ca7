//! BeginQuorumEpoch (key 53, versions 0 to 1): the new leader of the metadata quorum makes itself known to a voter that does not
//! fetch from it yet (KIP-595). Controller listener only.
//!
//! The reply leaves when the epoch is on stable storage. Errors as in [`vote`](super::vote).

use super::quorum_asks;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::BeginQuorumEpochRequest;

pub fn on_begin_quorum_epoch(node: &mut Node, now: Now, ask: Ask, request: BeginQuorumEpochRequest) {
    quorum_asks::begin(node, now, ask, request, None);
}
