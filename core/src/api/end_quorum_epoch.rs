//! EndQuorumEpoch (key 54, versions 0 to 1): the leader of the metadata quorum resigns; the first of the successors it names
//! stands for election at once, the others later (KIP-595). Controller listener only.
//!
//! The reply leaves when the epoch is on stable storage. Errors as in [`vote`](super::vote).

use super::quorum_asks;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::EndQuorumEpochRequest;

pub fn on_end_quorum_epoch(node: &mut Node, now: Now, ask: Ask, request: EndQuorumEpochRequest) {
    quorum_asks::begin(node, now, ask, request, None);
}
