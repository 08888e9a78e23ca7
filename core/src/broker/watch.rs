//! The active controller's calls to brokers that it suspects (`controller::sessions` has the rules): ApiVersions, the smallest
//! request that there is. Whether there is an answer is all that counts.

use crate::id::{CallId, NodeId};
use crate::io::{CallFault, Lane};
use crate::node::Node;
use crate::time::Now;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ResponseKind};

#[derive(Debug, Default)]
pub(super) struct Watch {
    calls: BTreeMap<CallId, NodeId>,
}

impl Watch {
    /// Calls whom the controller wants called. Whether it called anybody.
    pub fn settle(&mut self, node: &mut Node, now: Now) -> bool {
        let Some(controller) = &mut node.controller else {
            self.calls.clear();
            return false;
        };
        let probes = controller.probes(now);
        let any = !probes.is_empty();
        for (id, to) in probes {
            let call = node.out.call(to, Lane::Control, ApiKey::ApiVersions, 0, ApiVersionsRequest::default().into());
            self.calls.insert(call, id);
        }
        any
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    pub fn on_call_done(
        &mut self,
        node: &mut Node,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
    ) {
        let Some(id) = self.calls.remove(&call) else { return };
        if let Some(controller) = &mut node.controller {
            // What cannot be read was said by somebody, too.
            controller.on_probe(now, id, !matches!(result, Err(CallFault::Disconnected)));
        }
    }
}
