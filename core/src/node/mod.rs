//! The machines of one node side by side: what an `api` handler may look at and change.
//!
//! A handler is `on_<request>(node: &mut Node, now: Now, ask: Ask, request: XRequest)`. It answers with
//! [`Ask::reply`](crate::io::Ask::reply) on `node.out`, or puts a row into `node.hold` that says what the reply waits for.

mod commit;
mod forward;
mod partitions;
mod waiting;

pub use forward::{Forwarded, Forwards};
pub use partitions::Partitions;
pub use waiting::Waiting;

use crate::controller::Controller;
use crate::group::Groups;
use crate::hold::Table;
use crate::id::{HoldId, Offset};
use crate::io::{Address, Out};
use crate::metadata::Image;
use crate::quorum::Quorum;
use alloc::collections::BTreeSet;

/// One node.
#[derive(Debug)]
pub struct Node {
    /// What the node wants done; drained by whoever drives the broker.
    pub out: Out,
    /// The replies that wait.
    pub hold: Table<Waiting>,
    /// The cluster's state, as the quorum has committed it.
    pub image: Image,
    pub quorum: Quorum,
    /// The active controller, while this node is it: through [`Node::controller`] for those who only look.
    pub controller: Option<Controller>,
    pub partitions: Partitions,
    /// The group coordinator's shards that this node leads.
    pub groups: Groups,
    pub forwards: Forwards,
    /// Rows that wait for a commit of the quorum, by the end that has to be committed.
    pub commits: BTreeSet<(Offset, HoldId)>,
    /// Rows that wait for the quorum to be asked again.
    pub quorum_asks: BTreeSet<HoldId>,
    /// How many bytes are left on the medium of the data folder; `u64::MAX` until the shell told.
    pub room: u64,
}

impl Node {
    /// The controller listener of the active controller, as far as this node knows.
    pub fn controller_address(&self) -> Option<Address> {
        let (leader, _) = self.quorum.leader()?;
        self.quorum.voters().iter().find(|voter| voter.id == leader).map(|voter| voter.address.clone())
    }
}
