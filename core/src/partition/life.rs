use super::{Partition, Settings};
use crate::id::{DirId, NodeId, Offset, PartitionKey};
use crate::log::{Log, LogConfig};
use alloc::string::String;

// The surface; bodies follow.
#[allow(unused_variables, clippy::too_many_arguments)]
impl Partition {
    /// A replica whose log is being opened. `folder`: the folder's name, `orders-0`. `watermark`: as checkpointed, zero where it was not.
    pub fn new(
        key: PartitionKey,
        dir: DirId,
        folder: String,
        me: NodeId,
        settings: Settings,
        log: Log,
        watermark: Offset,
    ) -> Self {
        unimplemented!()
    }

    /// The name of its folder.
    pub fn folder(&self) -> &str {
        unimplemented!()
    }

    /// The log of this replica.
    pub fn log(&self) -> &Log {
        unimplemented!()
    }

    /// The topic's configuration changed.
    pub fn configure_log(&mut self, config: LogConfig) {
        unimplemented!()
    }

    /// Whether the log is open and not closed since.
    pub fn is_open(&self) -> bool {
        unimplemented!()
    }

    /// Whether [`Partition::close`] is done.
    pub fn is_closed(&self) -> bool {
        unimplemented!()
    }
}
