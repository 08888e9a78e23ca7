//! A node that stood still may have been fenced and followed meanwhile: before it has heard from the controller that it is not fenced it
//! takes no client's request, or a group's coordinator would tell the offsets of before. It waits for no longer than a session.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{ConnId, NodeId};
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse, RequestKind};

#[derive(Clone, Debug, Default)]
struct Standing {
    /// When the last input came.
    awake: Option<Mono>,
    /// It stood still, and waits until then at most.
    doubt: Option<Mono>,
}

#[derive(Debug)]
pub struct Doubt {
    nodes: Vec<Standing>,
    /// Heartbeats without an answer of brokers that are in doubt.
    beats: Map<At, NodeId>,
    /// A client's request that came to a node in doubt.
    taken: Option<At>,
}

impl Doubt {
    pub fn new(nodes: usize) -> Self {
        Self { nodes: vec![Standing::default(); nodes], beats: Map::default(), taken: None }
    }

    pub fn on_start(&mut self, node: usize) {
        self.nodes[node] = Standing::default();
    }

    /// An input comes, or was handled.
    pub fn on_input(&mut self, node: usize, now: Mono, core: &Core) {
        let (own, brokers) = (&core.config.identity, &core.config.brokers);
        let registered = core.image.broker(core.config.node).is_some_and(|known| known.incarnation == own.incarnation);
        let standing = &mut self.nodes[node];
        let gap = standing.awake.replace(now).map_or(Span::ZERO, |awake| now.since(awake));
        if registered && stood_still(gap, brokers.heartbeat_interval) {
            standing.doubt = Some(now + brokers.session_timeout);
        }
        // The controller hears itself; who stops is let go.
        let sure = core.controller.is_some() || core.quorum.is_stopping();
        standing.doubt = standing.doubt.filter(|until| *until > now && !sure);
    }

    pub fn on_request(&mut self, node: usize, at: At, body: &RequestKind) {
        let of_client = matches!(
            body,
            RequestKind::OffsetFetch(_)
                | RequestKind::OffsetCommit(_)
                | RequestKind::ListOffsets(_)
                | RequestKind::Metadata(_)
                | RequestKind::Produce(_)
        );
        self.taken = Some(at).filter(|_| of_client && self.nodes[node].doubt.is_some());
    }

    pub fn on_put_off(&mut self, at: At) {
        self.taken = self.taken.filter(|taken| *taken != at);
    }

    pub fn on_close(&mut self, conn: ConnId) {
        self.taken = self.taken.filter(|taken| taken.0 != conn);
    }

    /// A heartbeat comes to a controller.
    pub fn on_beat(&mut self, at: At, request: &BrokerHeartbeatRequest) {
        let id = NodeId(request.broker_id.0);
        let standing =
            id.0.checked_sub(1).and_then(|place| usize::try_from(place).ok()).and_then(|node| self.nodes.get(node));
        if standing.is_some_and(|standing| standing.doubt.is_some()) {
            self.beats.insert(at, id);
        }
    }

    /// And is answered.
    pub fn on_beat_answered(&mut self, at: At, response: &BrokerHeartbeatResponse) {
        let id = self.beats.remove(&at).filter(|_| response.error_code == 0 && !response.is_fenced);
        if let Some(standing) = id.and_then(|id| self.nodes.get_mut(id.0 as usize - 1)) {
            standing.doubt = None;
        }
    }

    /// The node has handled its input.
    pub fn look(&mut self) -> Result<(), Broken> {
        match self.taken.take() {
            None => Ok(()),
            Some(at) => {
                Err(("in-doubt", format!("stood still, takes {at:?} of a client, and has not heard the controller")))
            }
        }
    }
}

/// A heartbeat and its answer would have come.
fn stood_still(gap: Span, interval: Span) -> bool {
    gap.0 > interval.0.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_taken_in_doubt_is_caught() {
        assert!(stood_still(Span(201), Span(100)) && !stood_still(Span(200), Span(100)));
        let mut doubt = Doubt::new(2);
        let (at, fetch) = ((ConnId(1), 1), RequestKind::OffsetFetch(Default::default()));
        doubt.on_request(1, at, &fetch);
        assert!(doubt.look().is_ok());
        doubt.nodes[1].doubt = Some(Mono(10));
        doubt.on_request(1, at, &RequestKind::Fetch(Default::default()));
        assert!(doubt.look().is_ok(), "followers are heard");
        doubt.on_request(1, at, &fetch);
        doubt.on_put_off(at);
        assert!(doubt.look().is_ok());
        doubt.on_request(1, at, &fetch);
        doubt.on_close(at.0);
        assert!(doubt.look().is_ok());
        doubt.on_request(1, at, &fetch);
        assert_eq!(doubt.look().unwrap_err().0, "in-doubt");
    }

    #[test]
    fn the_controller_s_word_ends_it_unless_it_is_that_the_broker_is_fenced() {
        let mut doubt = Doubt::new(2);
        let mut beat = BrokerHeartbeatRequest::default();
        beat.broker_id = 2.into();
        doubt.nodes[1].doubt = Some(Mono(10));
        let mut answer = BrokerHeartbeatResponse::default();
        answer.is_fenced = true;
        doubt.on_beat((ConnId(1), 1), &beat);
        doubt.on_beat_answered((ConnId(1), 1), &answer);
        assert!(doubt.nodes[1].doubt.is_some());
        answer.is_fenced = false;
        doubt.on_beat((ConnId(1), 2), &beat);
        doubt.on_beat_answered((ConnId(1), 2), &answer);
        assert!(doubt.nodes[1].doubt.is_none());
    }
}
