//! Requests on their way to the active controller.

use crate::id::{CallId, ConnId, HoldId, NodeId};
use crate::time::Mono;
use alloc::boxed::Box;
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
    /// The newest connection on which a broker forwarded something to this node.
    newest: BTreeMap<NodeId, ConnId>,
}

impl Forwards {
    /// Whether the request was sent and is not answered, or is to be sent again.
    pub fn has(&self, hold: HoldId) -> bool {
        self.sent.values().any(|sent| *sent == hold) || self.again.iter().any(|(_, again)| *again == hold)
    }

    /// Takes note of a connection on which the broker forwards; `false` if it has turned to a newer one before, and
    /// all it had under way on this one has been sent again.
    pub(super) fn heed(&mut self, broker: NodeId, conn: ConnId) -> bool {
        let newest = self.newest.entry(broker).or_insert(conn);
        *newest = conn.max(*newest);
        *newest == conn
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.again.first().map(|(at, _)| *at)
    }
}
