//! A node that is stopped in order asks the controller to have its leaders moved away, and goes on until that lets it go (KIP-841): for no
//! longer than ten seconds, and one where there is nobody to ask.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::NodeId;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

/// How long it asks at most.
const PATIENCE: Span = Span::from_millis(10_000);

#[derive(Clone, Debug, Default)]
struct Leaving {
    /// Since when it asks.
    since: Option<Mono>,
    /// It was told that it may go, or that nobody knows it; or there was nobody to ask.
    free: bool,
}

#[derive(Debug)]
pub struct Leaves {
    nodes: Vec<Leaving>,
    asked: Map<At, NodeId>,
}

impl Leaves {
    pub fn new(nodes: usize) -> Self {
        Self { nodes: vec![Leaving::default(); nodes], asked: Map::default() }
    }

    pub fn on_start(&mut self, node: usize) {
        self.nodes[node] = Leaving::default();
    }

    /// A heartbeat leaves a node.
    pub fn on_call(&mut self, node: usize, now: Mono, request: &BrokerHeartbeatRequest) {
        if request.want_shut_down {
            self.nodes[node].since.get_or_insert(now);
        }
    }

    /// It comes to a controller,
    pub fn on_request(&mut self, at: At, request: &BrokerHeartbeatRequest) {
        self.asked.insert(at, NodeId(request.broker_id.0));
    }

    /// and is answered.
    pub fn on_reply(&mut self, at: At, response: &BrokerHeartbeatResponse) {
        let Some(id) = self.asked.remove(&at) else { return };
        if (response.should_shut_down || response.error_code != 0)
            && let Some(leaving) = usize::try_from(id.0 - 1).ok().and_then(|node| self.nodes.get_mut(node))
        {
            leaving.free = true;
        }
    }

    /// A node has handled an input.
    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        let leaving = &mut self.nodes[node];
        let Some(since) = leaving.since else { return Ok(()) };
        // The controller lets itself go; and what a lost one has said nobody knows.
        leaving.free |= core.controller.is_some() || core.quorum.leader().is_none();
        judge(core.quorum.is_stopping() && !leaving.free, now.since(since))
    }
}

fn judge(stops: bool, after: Span) -> Result<(), Broken> {
    if !stops || after >= PATIENCE {
        return Ok(());
    }
    let after = after.as_millis();
    Err(("not-let-go", format!("stops {after} ms after it asked to leave, and the controller has not let it go")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_that_waits_for_nobody_is_caught() {
        assert!(judge(false, Span::ZERO).is_ok() && judge(true, PATIENCE).is_ok());
        assert_eq!(judge(true, Span::from_millis(9_999)).unwrap_err().0, "not-let-go");
    }
}
