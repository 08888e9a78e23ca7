//! A leader of the quorum that a majority does not fetch from any more gives up its lead (KRaft's check quorum).

use super::Broken;
use crate::table::Map;
use esker_core::id::LeaderEpoch;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::RequestKind;

/// How long it may take to notice.
const SLACK: Span = Span::from_millis(1_000);

/// When each node heard of the others while it led, and since when it leads.
#[derive(Debug, Default)]
pub struct Followed {
    heard: Map<(usize, i32), Mono>,
    /// The epoch, and when it was seen first; when it was seen first that nobody follows.
    leads: Map<usize, (LeaderEpoch, Mono, Option<Mono>)>,
}

impl Followed {
    pub fn on_start(&mut self, node: usize) {
        self.heard.retain(|(of, _), _| *of != node);
        self.leads.remove(&node);
    }

    /// Another node asks for records of the metadata, or for a snapshot of it.
    pub fn on_request(&mut self, node: usize, now: Mono, body: &RequestKind, core: &Core) {
        let from = match body {
            RequestKind::Fetch(request) => request.replica_state.replica_id,
            RequestKind::FetchSnapshot(request) => request.replica_id,
            _ => return,
        };
        if core.quorum.is_leader() {
            self.heard.insert((node, from.0), now);
        }
    }

    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        if !core.quorum.is_leader() || core.quorum.voters().len() < 2 {
            self.leads.remove(&node);
            return Ok(());
        }
        let epoch = core.quorum.epoch();
        let (seen, since, alone) = *self.leads.entry(node).or_insert((epoch, now, None));
        if seen != epoch {
            self.leads.insert(node, (epoch, now, None));
            return Ok(());
        }
        let others = core.quorum.voters().iter().filter(|voter| voter.id != core.config.node);
        let heard = others.map(|voter| self.heard.get(&(node, voter.id.0)).copied().unwrap_or(since).max(since));
        let timeout = core.config.quorum.fetch_timeout;
        let lonely = is_alone(heard.collect(), now, Span(timeout.0 + timeout.0 / 2));
        // One that stood still has a moment to see that it did.
        let alone = if lonely { alone.or(Some(now)) } else { None };
        self.leads.insert(node, (epoch, since, alone));
        match alone {
            Some(since) if now > since + SLACK => {
                Err(("not-followed", format!("leads the quorum in {epoch}, and no majority has fetched for long")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether too few of the others were heard of within `patience` for them to be a majority with the leader.
fn is_alone(heard: Vec<Mono>, now: Mono, patience: Span) -> bool {
    let needed = heard.len().div_ceil(2);
    heard.iter().filter(|at| **at + patience >= now).count() < needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_has_to_follow() {
        let alone = |heard: &[u64]| is_alone(heard.iter().map(|at| Mono(*at)).collect(), Mono(1_000), Span(100));
        assert!(!alone(&[900, 0]), "one of two others makes three of them a majority");
        assert!(alone(&[899, 0]));
        assert!(!alone(&[900]) && alone(&[899]), "of two all are needed");
    }
}
