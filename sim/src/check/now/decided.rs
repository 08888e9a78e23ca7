//! What a controller decided is told by that controller, in the epoch in which it did: one that has lost the lead since does not know
//! what became of it.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{RequestKind, ResponseKind};

/// The decisions without an answer: the epoch in which they were asked for.
#[derive(Debug, Default)]
pub struct Decided {
    asked: Map<At, LeaderEpoch>,
}

impl Decided {
    /// A request comes to the active controller. (Who makes topics is told later, when the logs are open: it is decided long since.)
    pub fn on_request(&mut self, at: At, body: &RequestKind, epoch: LeaderEpoch) {
        if let RequestKind::AllocateProducerIds(_)
        | RequestKind::AlterPartition(_)
        | RequestKind::AlterPartitionReassignments(_)
        | RequestKind::BrokerHeartbeat(_)
        | RequestKind::BrokerRegistration(_)
        | RequestKind::DeleteTopics(_)
        | RequestKind::ElectLeaders(_)
        | RequestKind::IncrementalAlterConfigs(_) = body
        {
            self.asked.insert(at, epoch);
        }
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    /// An answer leaves a node, which led the quorum in the epoch `led` before the present input: that may have been its last.
    pub fn on_reply(
        &mut self,
        at: At,
        body: &ResponseKind,
        core: &Core,
        led: Option<LeaderEpoch>,
    ) -> Result<(), Broken> {
        match self.asked.remove(&at) {
            Some(asked) if led != Some(asked) => {
                judge(asked, core.controller.as_ref().map(|controller| controller.epoch()), body)
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn judge(asked: LeaderEpoch, decides: Option<LeaderEpoch>, body: &ResponseKind) -> Result<(), Broken> {
    if decides == Some(asked) {
        return Ok(());
    }
    Err(("told-by-another", format!("tells what was decided in {asked}, and decides in {decides:?}: {body:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::ElectLeadersResponse;

    #[test]
    fn one_that_decides_no_more_tells_nothing() {
        let told = ElectLeadersResponse::default().into();
        assert!(judge(LeaderEpoch(3), Some(LeaderEpoch(3)), &told).is_ok());
        assert_eq!(judge(LeaderEpoch(3), None, &told).unwrap_err().0, "told-by-another");
        assert_eq!(judge(LeaderEpoch(3), Some(LeaderEpoch(5)), &told).unwrap_err().0, "told-by-another");
    }
}
