//! This node's registration with the active controller, and its heartbeats.

use crate::config::NodeConfig;
use crate::id::{BrokerEpoch, CallId};
use crate::io::CallFault;
use crate::node::Node;
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use kafka_protocol::messages::ResponseKind;

#[derive(Debug)]
pub(super) struct Alive {}

// The surface; bodies follow.
#[allow(unused_variables)]
impl Alive {
    pub fn new(config: &NodeConfig) -> Self {
        Self {}
    }

    /// The controller's answer to this incarnation's registration; what AlterPartition and fetches name.
    pub fn epoch(&self) -> Option<BrokerEpoch> {
        None
    }

    /// Whether this incarnation's registration has come back through the committed metadata.
    pub fn is_registered(&self, node: &Node) -> bool {
        false
    }

    /// Whether this node is registered and not fenced: clients may be served.
    pub fn is_serving(&self, node: &Node) -> bool {
        false
    }

    /// The node wants to stop: from now on heartbeats ask the controller to move its leaders away.
    pub fn begin_leaving(&mut self, node: &mut Node, now: Now) {}

    /// The controller let this node go (or there is nobody to ask).
    pub fn has_left(&self) -> bool {
        true
    }

    /// After every input: registers when a controller is known, heartbeats at once when the state asks for it. Whether it did anything.
    pub fn settle(&mut self, node: &mut Node, now: Now) -> bool {
        false
    }

    pub fn on_tick(&mut self, node: &mut Node, now: Now) {}

    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        false
    }

    pub fn on_call_done(&mut self, node: &mut Node, now: Now, call: CallId, result: Result<Box<ResponseKind>, CallFault>) {}
}
