//! A broker that says that its disk is full hands its leaders over to others in sync that have room: until it has some, it takes nothing.

use super::Broken;
use crate::table::Map;
use esker_core::controller::FULL_TAG;
use esker_core::id::{LeaderEpoch, NodeId, PartitionKey};
use esker_core::metadata::Image;
use kafka_protocol::messages::BrokerHeartbeatRequest;

/// What a broker said last to the active controller.
#[derive(Debug, Default)]
struct Said {
    full: bool,
    /// What it led then though another could, and in which epochs.
    led: Vec<(PartitionKey, LeaderEpoch)>,
}

/// What brokers told the controller on each node, in its present epoch.
#[derive(Debug, Default)]
pub struct Full {
    said: Map<usize, (LeaderEpoch, Map<NodeId, Said>)>,
}

impl Full {
    /// A heartbeat comes to a controller, which has decided that `image`.
    pub fn on_request(
        &mut self,
        (node, epoch): (usize, LeaderEpoch),
        beat: &BrokerHeartbeatRequest,
        image: &Image,
    ) -> Result<(), Broken> {
        let from = NodeId(beat.broker_id.0);
        let (of, said) = self.said.entry(node).or_default();
        if std::mem::replace(of, epoch) != epoch {
            said.clear();
        }
        let serves = image.broker(from).filter(|known| known.epoch.0 == beat.broker_epoch && known.active());
        if serves.is_none() || beat.want_fence || beat.want_shut_down {
            said.remove(&from);
            return Ok(());
        }
        let full = beat.unknown_tagged_fields.contains_key(&FULL_TAG);
        let roomy =
            |node: &NodeId| *node != from && image.active(*node) && said.get(node).is_some_and(|other| !other.full);
        let led = image.topics().flat_map(|topic| topic.each_partition());
        let led = led.filter(|(_, state)| full && state.leader == Some(from) && state.isr.iter().any(roomy));
        let led: Vec<(PartitionKey, LeaderEpoch)> = led.map(|(key, state)| (key, state.leader_epoch)).collect();
        let before = said.insert(from, Said { full, led: led.clone() }).map_or(Vec::new(), |before| before.led);
        judge(from, &before, &led)
    }
}

/// What a broker led when it said before that it is full, and what it leads when it says so again.
fn judge(
    from: NodeId,
    before: &[(PartitionKey, LeaderEpoch)],
    now: &[(PartitionKey, LeaderEpoch)],
) -> Result<(), Broken> {
    match before.iter().find(|led| now.contains(led)) {
        None => Ok(()),
        Some((key, epoch)) => Err((
            "full-leads",
            format!("{from} said that its disk is full, and leads {key} on in {epoch} where another has room"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::Uuid;

    #[test]
    fn a_full_one_that_leads_on_is_caught() {
        let led = |epoch| (PartitionKey { topic: Uuid(7), partition: 0 }, LeaderEpoch(epoch));
        assert!(judge(NodeId(1), &[], &[led(3)]).is_ok() && judge(NodeId(1), &[led(3)], &[]).is_ok());
        assert!(judge(NodeId(1), &[led(3)], &[led(5)]).is_ok(), "it was handed over, and came back");
        assert_eq!(judge(NodeId(1), &[led(3)], &[led(3)]).unwrap_err().0, "full-leads");
    }
}
