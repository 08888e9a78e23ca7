//! Requests on their way to the active controller.

use crate::id::{CallId, HoldId};
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
