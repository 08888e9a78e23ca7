//! Follows the leaders of this node's followers: one fetcher a leader node.

use crate::config::NodeConfig;
use crate::error::Refusal;
use crate::id::{BrokerEpoch, CallId, PartitionKey};
use crate::io::CallFault;
use crate::node::Node;
use crate::partition::PartitionEvent;
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::vec::Vec;
use kafka_protocol::messages::ResponseKind;

#[derive(Debug)]
pub(super) struct Fetchers {}

// The surface; bodies follow.
#[allow(unused_variables)]
impl Fetchers {
    pub fn new(config: &NodeConfig) -> Self {
        Self {}
    }

    /// Called for every partition that an input touched, also where `event` says that nothing changed.
    pub fn on_partition_event(&mut self, node: &mut Node, now: Now, key: PartitionKey, event: PartitionEvent) {}

    /// A broker registered, or its address changed.
    pub fn on_brokers_changed(&mut self) {}

    /// The partition is no longer kept here.
    pub fn forget(&mut self, key: PartitionKey) {}

    /// After every input, when all partitions are settled: sends what can be sent. Whether it sent anything.
    pub fn settle(&mut self, node: &mut Node, now: Now, epoch: Option<BrokerEpoch>) -> bool {
        false
    }

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {}

    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        false
    }

    pub fn on_call_done(
        &mut self,
        node: &mut Node,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: Vec<Result<(), Refusal>>,
    ) {
    }
}
