//! Requests on their way to the active controller.

use crate::id::{CallId, ConnId, HoldId, NodeId};
use crate::io::Lane;
use crate::time::Mono;
use alloc::boxed::Box;
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use kafka_protocol::messages::{ApiKey, RequestKind};

/// A request on its way to the active controller.
#[derive(Debug)]
pub struct Forwarded {
    pub(super) key: ApiKey,
    pub(super) version: i16,
    pub(super) body: Box<RequestKind>,
}

/// The requests under way: those sent by call, those to be sent again by time.
#[derive(Debug, Default)]
pub struct Forwards {
    pub(super) sent: BTreeMap<CallId, HoldId>,
    pub(super) again: BTreeSet<(Mono, HoldId)>,
}

impl Forwards {
    /// Whether the request was sent and is not answered, or is to be sent again.
    pub fn has(&self, hold: HoldId) -> bool {
        self.sent.values().any(|sent| *sent == hold) || self.again.iter().any(|(_, again)| *again == hold)
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.again.first().map(|(at, _)| *at)
    }
}

/// So many brokers and lanes are told apart. Whoever makes up more of them is not held to his newest connection.
const NEWEST_MAX: usize = 4096;

/// The newest connection on which a broker, registered or not, sent something to this node, by the lane.
#[derive(Debug, Default)]
pub struct Newest(BTreeMap<(Lane, NodeId), ConnId>);

impl Newest {
    /// Takes note of a connection; `false` if the broker has turned to a newer one before, and all it had under way on this one has been
    /// sent again.
    pub(super) fn heed(&mut self, lane: Lane, broker: NodeId, conn: ConnId) -> bool {
        let full = self.0.len() >= NEWEST_MAX;
        let newest = match self.0.entry((lane, broker)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return true,
            Entry::Vacant(new) => new.insert(conn),
        };
        *newest = conn.max(*newest);
        *newest == conn
    }
}
