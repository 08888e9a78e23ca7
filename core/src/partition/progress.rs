use crate::id::{BrokerEpoch, Offset};
use crate::time::Mono;

/// How far a follower has come, as its leader knows it (Kafka's `Replica` and `ReplicaState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The offset it fetches next: its log's end. `Offset::NONE`: it has not fetched in this epoch.
    pub end: Offset,
    /// Up to where it is on its stable storage; at most `end`.
    pub synced: Offset,
    /// Where its log starts.
    pub start: Offset,
    /// The incarnation that fetched last; -1: it did not say.
    pub broker_epoch: BrokerEpoch,
    /// When it last held all that the leader had.
    pub caught_up: Mono,
}
