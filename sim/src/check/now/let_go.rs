//! A broker that leaves in order may stop when no other takes it for the leader of what it led when it asked to leave (KIP-841): whoever asks
//! one of them is sent to where he is served. What it led before, and what another controller had it leave, is not waited for.

use super::{At, Broken};
use crate::node::Node;
use crate::table::Map;
use esker_core::id::{BrokerEpoch, LeaderEpoch, NodeId, PartitionKey};
use esker_core::metadata::{Broker, Image};
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};
use std::collections::BTreeSet;

/// Who asked to leave, and is not answered.
#[derive(Debug, Default)]
pub struct LetGo {
    /// With those who were in service then: it is they who have to know. Who is let back meanwhile may lag.
    asked: Map<At, Asked>,
    /// Those that the present input let go.
    told: Vec<Asked>,
    /// What each led when it asked, by its registration (an earlier one may have asked, and have come to nothing: seed 50000004088) and by
    /// the epoch of the controller.
    led: Map<(NodeId, BrokerEpoch, LeaderEpoch), BTreeSet<PartitionKey>>,
}

#[derive(Debug)]
struct Asked {
    id: NodeId,
    registered: BrokerEpoch,
    epoch: LeaderEpoch,
    others: Vec<NodeId>,
}

impl LetGo {
    /// A heartbeat comes to the active controller. One of a broker that is fenced already is let go at once: it leads nothing.
    pub fn on_request(&mut self, at: At, request: &BrokerHeartbeatRequest, image: &Image, epoch: LeaderEpoch) {
        let id = NodeId(request.broker_id.0);
        let serves = image.broker(id).is_some_and(|broker| !broker.fenced);
        if request.want_shut_down && !request.want_fence && serves {
            let others = image.brokers().filter(|broker| broker.active()).map(|broker| broker.id);
            let registered = BrokerEpoch(request.broker_epoch);
            self.asked.insert(at, Asked { id, registered, epoch, others: others.collect() });
            let each = image.topics().flat_map(|topic| topic.each_partition());
            let led = each.filter(|(_, state)| state.leader == Some(id)).map(|(key, _)| key);
            self.led.entry((id, registered, epoch)).or_default().extend(led);
        }
    }

    pub fn on_reply(&mut self, at: At, response: &BrokerHeartbeatResponse) {
        let asked = self.asked.remove(&at);
        self.told.extend(asked.filter(|_| response.error_code == 0 && response.should_shut_down));
    }

    /// Looks at what the others know when a node has let one go.
    pub fn look(&mut self, decided: Option<&Image>, nodes: &[Node]) -> Result<(), Broken> {
        for Asked { id: gone, registered, epoch, others } in std::mem::take(&mut self.told) {
            let led = self.led.remove(&(gone, registered, epoch)).unwrap_or_default();
            for process in nodes.iter().filter_map(|node| node.process.as_ref()) {
                let core = process.broker.node();
                let me = core.config.node;
                // One that is not served by itself, or that starts anew, tells nobody anything.
                let serves =
                    |broker: &Broker| broker.active() && broker.incarnation == core.config.identity.incarnation;
                let known = decided.and_then(|image| image.broker(me)).is_some_and(serves);
                if me != gone && others.contains(&me) && known && core.image.broker(me).is_some_and(serves) {
                    judge(gone, &led, me, &core.image)?;
                }
            }
        }
        Ok(())
    }
}

fn judge(gone: NodeId, led: &BTreeSet<PartitionKey>, other: NodeId, image: &Image) -> Result<(), Broken> {
    let mut all = image.topics().flat_map(|topic| topic.each_partition().map(move |each| (topic, each)));
    match all.find(|(_, (key, state))| state.leader == Some(gone) && led.contains(key)) {
        None => Ok(()),
        Some((topic, (key, _))) => Err((
            "let-go-early",
            format!("lets {gone} go, and {other} takes it for the leader of {}-{}", topic.name, key.partition),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{Offset, Uuid};
    use esker_core::metadata::{Partition, Record};

    #[test]
    fn one_that_others_take_for_a_leader_is_not_let_go() {
        let mut image = Image::new();
        let topic = Uuid(7);
        image.apply(Offset(0), &Record::Topic { id: topic, name: "t".into() });
        let state = Partition::new(vec![NodeId(1), NodeId(2)], vec![NodeId(1), NodeId(2)]);
        let key = PartitionKey { topic, partition: 0 };
        image.apply(Offset(1), &Record::Partition { key, state });
        let judge = |gone, led: &[PartitionKey], other| judge(gone, &led.iter().copied().collect(), other, &image);
        assert_eq!(judge(NodeId(1), &[key], NodeId(2)).unwrap_err().0, "let-go-early");
        assert!(judge(NodeId(1), &[], NodeId(2)).is_ok(), "it led that before");
        assert!(judge(NodeId(2), &[key], NodeId(1)).is_ok());
    }
}
