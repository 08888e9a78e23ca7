use crate::error::ErrorCode;
use crate::id::{LeaderEpoch, NodeId, Offset};
use bytes::Bytes;

/// What a follower would ask its leader for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPlan {
    pub leader: NodeId,
    pub epoch: LeaderEpoch,
    pub offset: Offset,
    pub last_epoch: Option<LeaderEpoch>,
    /// Where the follower's log starts.
    pub start: Offset,
    /// Up to where it is on stable storage: what the leader may count.
    pub synced: Offset,
}

/// The leader's answer for one partition.
#[derive(Clone, Debug)]
pub struct Replicated {
    /// The plan that was sent: an answer to an older one is not used.
    pub asked: FetchPlan,
    pub result: Result<(), ErrorCode>,
    pub records: Bytes,
    pub watermark: Offset,
    /// Where the leader's log starts; -1: it does not say.
    pub start: Offset,
    pub diverging: Option<(LeaderEpoch, Offset)>,
}

/// What a follower does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowerStep {
    /// Ask again: at once if there was something to append, else when the leader has news.
    Fetch,
    /// Ask again after a while: the answer was an error that may pass.
    Backoff,
    /// The answer belongs to a plan that is no longer followed.
    Stale,
}
