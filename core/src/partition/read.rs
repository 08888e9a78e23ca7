use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset};

/// How far a reader sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// In-cluster followers: to the end.
    End,
    /// Consumers with `read_uncommitted`: to the watermark.
    Watermark,
    /// Consumers with `read_committed`: to the last stable offset.
    Stable,
}

/// What a reader asks of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchQuery {
    /// The leader epoch that the reader believes in (KIP-320); `None`: it does not say.
    pub epoch: Option<LeaderEpoch>,
    pub offset: Offset,
    /// The epoch of the last record that the reader has (KIP-595); `None`: it does not say.
    pub last_epoch: Option<LeaderEpoch>,
    pub max_bytes: usize,
    /// A first batch larger than `max_bytes` is handed out nevertheless.
    pub at_least_one: bool,
}

/// A follower's fetch: what it says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaFetch {
    pub node: NodeId,
    /// The incarnation that fetches (KIP-903); -1: it does not say.
    pub broker_epoch: BrokerEpoch,
    /// Up to where it holds the log on stable storage: tagged field 100, or the fetch offset.
    pub synced: Offset,
    /// Where its log starts; -1: it does not say.
    pub start: Offset,
    /// Whether the metadata would let it into the in-sync set: alive, not fenced, not leaving, this very incarnation.
    pub eligible: bool,
}

/// What a partition hands to a reader.
#[derive(Debug)]
pub struct Fetched {
    /// The reader's log differs from here on: the leader's epoch at or before the reader's last, and where that ends.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    pub watermark: Offset,
    /// The last stable offset; until there are transactions it is the watermark.
    pub stable: Offset,
    pub start: Offset,
}
