//! A broker that was fenced serves again when it knows the metadata up to there: until then it takes itself for the leader of what others
//! lead by now.

use super::{At, Broken};
use crate::table::Map;
use esker_core::controller::Controller;
use esker_core::id::{LeaderEpoch, NodeId, Offset};
use esker_core::metadata::Image;
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

/// A controller: node and epoch.
type Who = (usize, LeaderEpoch);

#[derive(Debug, Default)]
pub struct Learnt {
    /// How far each controller had decided when it was looked at last, and whom it had fenced.
    seen: Map<Who, (Offset, Vec<NodeId>)>,
    /// The record that fenced a broker lies behind this.
    fenced: Map<(Who, NodeId), Offset>,
    /// How far each node knows the metadata, which is committed, and who is fenced there.
    known: Map<usize, (Offset, Vec<NodeId>)>,
    /// The last committed record that fenced a broker lies behind this: the next controller finds it so. What a controller decided and could not
    /// have committed fenced nobody (seed 2239723450336).
    latest: Map<NodeId, Offset>,
    /// Heartbeats of fenced brokers: how far each knows the metadata, and how far it has to.
    asked: Map<At, (NodeId, Offset, Offset)>,
}

impl Learnt {
    pub fn on_start(&mut self, node: usize) {
        self.known.remove(&node);
    }

    /// A node has learnt more of the metadata.
    pub fn on_image(&mut self, node: usize, image: &Image) {
        let fenced = fenced_in(image);
        if let Some((before, known)) = self.known.insert(node, (image.offset(), fenced.clone())) {
            for id in fenced.into_iter().filter(|id| !known.contains(id)) {
                let latest = self.latest.entry(id).or_insert(before);
                *latest = (*latest).max(before);
            }
        }
    }

    /// A controller has decided something.
    pub fn look(&mut self, node: usize, controller: &Controller) {
        let (who, image) = ((node, controller.epoch()), controller.image());
        let fenced = fenced_in(image);
        if let Some((before, known)) = self.seen.get(&who) {
            for id in fenced.iter().filter(|id| !known.contains(id)) {
                self.fenced.insert((who, *id), *before);
            }
        } else {
            for id in &fenced {
                if let Some(behind) = self.latest.get(id) {
                    self.fenced.insert((who, *id), *behind);
                }
            }
        }
        self.seen.insert(who, (image.offset(), fenced));
    }

    pub fn on_request(&mut self, node: usize, at: At, request: &BrokerHeartbeatRequest, controller: &Controller) {
        let id = NodeId(request.broker_id.0);
        let fenced = controller.image().broker(id).is_some_and(|broker| broker.fenced);
        let behind = self.fenced.get(&((node, controller.epoch()), id)).filter(|_| fenced);
        if let Some(behind) = behind {
            self.asked.insert(at, (id, Offset(request.current_metadata_offset), *behind));
        }
    }

    pub fn on_reply(&mut self, at: At, response: &BrokerHeartbeatResponse) -> Result<(), Broken> {
        match self.asked.remove(&at).filter(|_| response.error_code == 0 && !response.is_fenced) {
            None => Ok(()),
            Some((id, knows, behind)) => judge(id, knows, behind),
        }
    }
}

fn fenced_in(image: &Image) -> Vec<NodeId> {
    image.brokers().filter(|broker| broker.fenced).map(|broker| broker.id).collect()
}

fn judge(id: NodeId, knows: Offset, behind: Offset) -> Result<(), Broken> {
    if knows > behind {
        return Ok(());
    }
    let what = format!("lets {id} serve again, which knows the metadata up to {knows}, and was fenced behind {behind}");
    Err(("not-learnt", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_know_why_it_was_fenced_does_not_serve() {
        assert!(judge(NodeId(1), Offset(8), Offset(7)).is_ok());
        assert_eq!(judge(NodeId(1), Offset(7), Offset(7)).unwrap_err().0, "not-learnt");
    }
}
