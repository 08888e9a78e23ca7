//! What a quorum is told at its start.

use crate::id::{NodeId, Uuid};
use crate::io::Address;
use crate::time::Span;
use alloc::string::String;
use alloc::vec::Vec;

/// One of `controller.quorum.voters`: `<id>@<host>:<port>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    pub id: NodeId,
    /// Its controller listener.
    pub address: Address,
}

/// The quorum's part of a node's configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumConfig {
    pub node: NodeId,
    /// The folder's id (`directory.id`): another one where a disk was lost.
    pub directory: Uuid,
    /// Kafka's text of the cluster's id; `None`: not known yet, and then nobody is refused for it.
    pub cluster_id: Option<String>,
    /// Static voters. A node that is not among them is an observer: it reads along and never votes.
    pub voters: Vec<Voter>,
    /// Seeds the election time-outs.
    pub seed: u64,
    /// `controller.quorum.election.timeout.ms`: an election takes one to two times as long before it is given up.
    pub election_timeout: Span,
    /// `controller.quorum.fetch.timeout.ms`: how long a follower goes without an answer of its leader. A leader that
    /// a majority did not fetch from for one and a half times as long resigns (check quorum).
    pub fetch_timeout: Span,
    /// `controller.quorum.election.backoff.max.ms`.
    pub election_backoff_max: Span,
    /// `controller.quorum.request.timeout.ms`.
    pub request_timeout: Span,
    /// `controller.quorum.retry.backoff.ms`.
    pub retry_backoff: Span,
    /// `controller.quorum.fetch.max.bytes`: bytes of records that a Fetch of this node asks for; one batch comes at least.
    pub fetch_bytes: u32,
    /// `controller.quorum.fetch.snapshot.max.bytes`: bytes of a snapshot that a FetchSnapshot of this node asks for.
    pub snapshot_bytes: u32,
    /// Segments of the metadata log (`metadata.log.segment.bytes`).
    pub segment_bytes: u32,
}

impl QuorumConfig {
    /// Kafka's defaults for a node and its voters.
    pub const fn new(node: NodeId, voters: Vec<Voter>, seed: u64) -> Self {
        Self {
            node,
            directory: Uuid::ZERO,
            cluster_id: None,
            voters,
            seed,
            election_timeout: Span::from_millis(1000),
            fetch_timeout: Span::from_millis(2000),
            election_backoff_max: Span::from_millis(1000),
            request_timeout: Span::from_millis(2000),
            retry_backoff: Span::from_millis(20),
            fetch_bytes: 1 << 20,
            snapshot_bytes: 1 << 20,
            segment_bytes: 1 << 30,
        }
    }
}
