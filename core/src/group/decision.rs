//! What the group coordinator hands back: records to append, replies to let go.

use crate::id::HoldId;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use kafka_protocol::messages::ResponseKind;

/// What the coordinator wants done. Appends are carried out in their order, each followed by `on_appended` or
/// `on_append_failed` before anything else happens to the coordinator.
#[derive(Clone, PartialEq, Debug, Default)]
#[must_use = "records that are not appended leave their replies waiting"]
pub struct Decision {
    pub appends: Vec<Append>,
    pub releases: Vec<Release>,
}

/// Records for a partition of `__consumer_offsets`, appended as one batch: all of them or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    pub partition: i32,
    pub records: Vec<Record>,
}

/// A record in Kafka's format. No value: a tombstone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub key: Bytes,
    pub value: Option<Bytes>,
}

/// A reply that may leave now.
#[derive(Clone, PartialEq, Debug)]
pub struct Release {
    pub hold: HoldId,
    pub response: ResponseKind,
}

impl Decision {
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.releases.is_empty()
    }
}

impl fmt::Display for Append {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "append {} records to {}-{}", self.records.len(), super::TOPIC, self.partition)
    }
}
