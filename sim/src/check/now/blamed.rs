//! Nobody is fenced for a silence in which the controller itself stood still: it has had the time to hear of whom it fences, awake, for as long
//! as calls that fail have to fail before they count.

use super::Broken;
use crate::table::{Map, Set};
use esker_core::controller::Controller;
use esker_core::id::{BrokerEpoch, LeaderEpoch, NodeId};
use esker_core::metadata::Image;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::RequestKind;

/// A gap between two inputs in which a process stood still: a controller wakes more often by itself.
const STOOD_STILL: Span = Span::from_millis(1_000);
/// How long calls to a broker have to fail before it is fenced.
const GRACE: Span = Span::from_millis(600);

#[derive(Debug, Default)]
struct Seat {
    epoch: LeaderEpoch,
    since: Mono,
    /// When each was heard of; a gap moves it on.
    heard: Map<NodeId, Mono>,
    /// Who served when it was looked at last, in which incarnation.
    serves: Map<NodeId, BrokerEpoch>,
    /// Who asked to be fenced.
    willing: Set<NodeId>,
}

/// The controllers, by their nodes.
#[derive(Debug, Default)]
pub struct Blamed {
    seats: Map<usize, Seat>,
    awake: Map<usize, Mono>,
}

impl Blamed {
    pub fn on_start(&mut self, node: usize) {
        self.seats.remove(&node);
        self.awake.remove(&node);
    }

    /// An input comes to a node.
    pub fn on_input(&mut self, node: usize, now: Mono) {
        let gap = self.awake.insert(node, now).map_or(Span::ZERO, |awake| now.since(awake));
        if gap > STOOD_STILL
            && let Some(seat) = self.seats.get_mut(&node)
        {
            seat.since = seat.since + gap;
            seat.heard.values_mut().for_each(|heard| *heard = *heard + gap);
        }
    }

    pub fn on_request(&mut self, node: usize, now: Mono, body: &RequestKind, image: &Image) {
        let RequestKind::BrokerHeartbeat(beat) = body else { return };
        if image.broker(NodeId(beat.broker_id.0)).is_none_or(|known| known.epoch.0 != beat.broker_epoch) {
            return;
        }
        if let Some(seat) = self.seats.get_mut(&node) {
            let from = NodeId(beat.broker_id.0);
            seat.heard.insert(from, now);
            if beat.want_fence || beat.want_shut_down {
                seat.willing.insert(from);
            }
        }
    }

    /// A node controls, whether it has decided anything yet or not.
    pub fn controls(&mut self, node: usize, now: Mono, controller: &Controller) {
        let seat = self.seats.entry(node).or_default();
        if seat.epoch != controller.epoch() {
            let serves = serving(node, controller.image());
            *seat = Seat { epoch: controller.epoch(), since: now, serves, ..Seat::default() };
        }
    }

    /// A controller has decided something.
    pub fn look(&mut self, node: usize, now: Mono, controller: &Controller, session: Span) -> Result<(), Broken> {
        let image = controller.image();
        let serves = serving(node, image);
        let seat = self.seats.entry(node).or_default();
        // Another incarnation is fenced until it has caught up.
        let same = |id: NodeId, epoch: BrokerEpoch| image.broker(id).is_some_and(|broker| broker.epoch == epoch);
        let gone = seat.serves.iter().filter(|(id, epoch)| !serves.contains_key(*id) && same(**id, **epoch));
        for (id, _) in gone.filter(|(id, _)| !seat.willing.contains(*id)) {
            let heard = seat.heard.get(id).map_or(seat.since, |heard| (*heard).max(seat.since));
            judge(*id, now.since(heard), session.min(GRACE))?;
        }
        seat.willing.retain(|id| seat.serves.contains_key(id));
        seat.serves = serves;
        Ok(())
    }
}

/// The brokers that serve but the controller's own: itself it hears without a request.
fn serving(node: usize, image: &Image) -> Map<NodeId, BrokerEpoch> {
    let others = image.brokers().filter(|broker| !broker.fenced && broker.id.0 as usize - 1 != node);
    others.map(|broker| (broker.id, broker.epoch)).collect()
}

fn judge(id: NodeId, silent: Span, patience: Span) -> Result<(), Broken> {
    if silent >= patience {
        return Ok(());
    }
    let (silent, patience) = (silent.as_millis(), patience.as_millis());
    Err((
        "blamed",
        format!("fences {id}, of which it was awake to hear for {silent} ms, and needs {patience} ms at least"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_no_time_to_be_heard_is_not_fenced() {
        let patience = Span::from_millis(600);
        assert!(judge(NodeId(2), patience, patience).is_ok());
        assert_eq!(judge(NodeId(2), Span::from_millis(599), patience).unwrap_err().0, "blamed");
    }

    #[test]
    fn a_gap_is_no_silence() {
        let mut blamed = Blamed::default();
        blamed.on_input(1, Mono(0));
        blamed.seats.entry(1).or_default().heard.insert(NodeId(2), Mono(10));
        blamed.on_input(1, Mono(0) + STOOD_STILL);
        assert_eq!(blamed.seats[&1].heard[&NodeId(2)], Mono(10), "it may have been idle");
        blamed.on_input(1, Mono(1) + STOOD_STILL + STOOD_STILL);
        assert_eq!(blamed.seats[&1].heard[&NodeId(2)], Mono(11) + STOOD_STILL);
    }
}
