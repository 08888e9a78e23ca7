//! Having given up the lead.

use crate::id::NodeId;
use crate::time::Mono;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// It tells the others (EndQuorumEpoch), and leads the epoch no more.
#[derive(Clone, Debug)]
pub struct Resigned {
    /// Who should be elected, the first one first.
    pub successors: Vec<NodeId>,
    /// Who has not answered yet.
    pub untold: BTreeSet<NodeId>,
    /// When it stands for election again, unless it is to stop.
    pub until: Mono,
}
