//! Following a leader.

use super::download::Download;
use crate::id::NodeId;
use crate::time::Mono;

/// It fetches from the leader, and appends what it gets.
#[derive(Clone, Debug)]
pub struct Follower {
    pub leader: NodeId,
    /// When the leader counts as gone.
    pub fetch_until: Mono,
    /// The leader answered a Fetch in this epoch, and has not given up or refused since: only then is a pre-vote of
    /// another refused for its sake (KIP-996).
    pub heard: bool,
    /// The last answer was full: the next Fetch does not wait for the write.
    pub more: bool,
    /// What was appended is being written, and the next Fetch, which tells that it is, waits for it until then.
    pub wait_until: Option<Mono>,
    /// Bytes that were appended since everything was on disk.
    pub ahead: usize,
    /// A snapshot on its way here.
    pub download: Option<Download>,
}

impl Follower {
    pub const fn new(leader: NodeId, fetch_until: Mono) -> Self {
        Self { leader, fetch_until, heard: false, more: false, wait_until: None, ahead: 0, download: None }
    }
}
