//! Vote (key 52, versions 0 to 2): a candidate of the metadata quorum asks for this node's vote, or, with `PreVote` (version 2,
//! KIP-996), whether it would get it. Controller listener only.
//!
//! The reply leaves when the vote is on stable storage. Errors: `INCONSISTENT_CLUSTER_ID` and `INVALID_REQUEST` for the whole;
//! `FENCED_LEADER_EPOCH`, `INVALID_REQUEST`, `INCONSISTENT_VOTER_SET`, `INVALID_VOTER_KEY` for the partition.

use super::quorum_asks;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::VoteRequest;

pub fn on_vote(node: &mut Node, now: Now, ask: Ask, request: VoteRequest) {
    quorum_asks::begin(node, now, ask, request, None);
}
