//! A leader of the quorum that a majority does not fetch from any more gives up its lead (KRaft's check quorum): at once, if it stood still
//! meanwhile; and one that a majority fetches from, be it records or a snapshot, leads on until it is stopped.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, NodeId, Uuid};
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{FetchResponse, FetchSnapshotResponse, RequestKind};

/// How long it may take to notice.
const SLACK: Span = Span::from_millis(1_000);

/// When a request came last, and the last one before that moment.
#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Mono,
    before: Option<Mono>,
}

/// When each node heard of the others while it led, and since when it leads.
#[derive(Debug, Default)]
pub struct Followed {
    heard: Map<(usize, i32), Heard>,
    /// The epoch, and when it was seen first; when it was seen first that nobody follows.
    leads: Map<usize, (LeaderEpoch, Mono, Option<Mono>)>,
    /// When the last input came to each node, and that it stood still before the present one.
    awake: Map<usize, (Mono, Span)>,
    /// Requests for records or a snapshot without an answer: where and when they came, in which epoch, and from whom.
    asked: Map<At, (usize, Mono, LeaderEpoch, NodeId)>,
    /// When each voter's last request that was answered with what it asked for had come, in which epoch.
    served: Map<(usize, NodeId), (LeaderEpoch, Mono)>,
}

impl Followed {
    pub fn on_start(&mut self, node: usize) {
        self.heard.retain(|(of, _), _| *of != node);
        self.leads.remove(&node);
        self.awake.remove(&node);
        self.served.retain(|(of, _), _| *of != node);
    }

    /// An input comes.
    pub fn on_input(&mut self, node: usize, now: Mono) {
        let before = self.awake.get(&node).map_or(now, |(awake, _)| *awake);
        self.awake.insert(node, (now, now.since(before)));
    }

    /// Another node asks for records of the metadata, or for a snapshot of it.
    pub fn on_request(&mut self, at: At, node: usize, now: Mono, body: &RequestKind, core: &Core) {
        let from = match body {
            RequestKind::Fetch(request) => request.replica_state.replica_id,
            RequestKind::FetchSnapshot(request) => request.replica_id,
            _ => return,
        };
        if core.quorum.is_leader() {
            let heard = self.heard.entry((node, from.0)).or_insert(Heard { last: now, before: None });
            if heard.last != now {
                *heard = Heard { last: now, before: Some(heard.last) };
            }
            if of_quorum(body) {
                self.asked.insert(at, (node, now, core.quorum.epoch(), NodeId(from.0)));
            }
        }
    }

    /// A leader gives records, or says that there are none.
    pub fn on_fetched(&mut self, at: At, response: &FetchResponse) {
        let Some((node, came, epoch, from)) = self.asked.remove(&at) else { return };
        let mut parts = response.responses.iter().flat_map(|topic| &topic.partitions);
        let (Some(part), None) = (parts.next(), parts.next()) else { return };
        let parts_ways = part.diverging_epoch.epoch >= 0 || part.snapshot_id.epoch >= 0;
        if response.error_code == 0 && part.error_code == 0 && !parts_ways {
            self.on_served(node, came, epoch, from);
        }
    }

    /// A leader gives a piece of a snapshot: it has heard of who asks.
    pub fn on_snapshot(&mut self, at: At, response: &FetchSnapshotResponse, core: &Core) -> Result<(), Broken> {
        let Some((node, came, epoch, from)) = self.asked.remove(&at) else { return Ok(()) };
        let mut parts = response.topics.iter().flat_map(|topic| &topic.partitions);
        let given = response.error_code == 0 && parts.all(|part| part.error_code == 0);
        if !given || core.quorum.epoch() != epoch {
            return Ok(());
        }
        self.on_served(node, came, epoch, from);
        judge_heard(from, came, core.quorum.heard_of(from))
    }

    fn on_served(&mut self, node: usize, came: Mono, epoch: LeaderEpoch, from: NodeId) {
        let served = self.served.entry((node, from)).or_insert((epoch, came));
        *served = (*served).max((epoch, came));
    }

    /// Whoever led in this epoch, and does not lead any more, was left by a majority, or is stopped.
    fn judge_lead(&self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        let epoch = core.quorum.epoch();
        let led = self.leads.get(&node).is_some_and(|(of, ..)| *of == epoch);
        if !led || core.quorum.is_leader() || core.quorum.is_stopping() {
            return Ok(());
        }
        let others = core.quorum.voters().iter().filter(|voter| voter.id != core.config.node);
        let served = others.filter_map(|voter| self.served.get(&(node, voter.id)).filter(|(of, _)| *of == epoch));
        let patience = core.config.quorum.fetch_timeout;
        let heard = served.filter(|(_, at)| *at + patience > now).count();
        judge_resigned(epoch, heard, core.quorum.voters().len())
    }

    pub fn look(&mut self, node: usize, now: Mono, core: &Core) -> Result<(), Broken> {
        self.judge_lead(node, now, core)?;
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
        let heard: Vec<Option<Heard>> = others.map(|voter| self.heard.get(&(node, voter.id.0)).copied()).collect();
        let last = |heard: &Option<Heard>| heard.map_or(since, |heard| heard.last.max(since));
        // What the present input says came when it had to be seen already.
        let earlier = |heard: &Option<Heard>| {
            let known = heard.and_then(|heard| if heard.last == now { heard.before } else { Some(heard.last) });
            known.map_or(since, |known| known.max(since))
        };
        let timeout = core.config.quorum.fetch_timeout;
        let gap = self.awake.get(&node).map_or(Span::ZERO, |(_, gap)| *gap);
        let stood_still = gap.0 > core.config.brokers.heartbeat_interval.0.saturating_mul(2);
        if stood_still && is_alone(heard.iter().map(earlier).collect(), now, timeout) && !core.quorum.is_stopping() {
            let ms = gap.as_millis();
            return Err((
                "not-followed",
                format!("stood still for {ms} ms, and leads the quorum in {epoch} all the same"),
            ));
        }
        let lonely = is_alone(heard.iter().map(last).collect(), now, Span(timeout.0 + timeout.0 / 2));
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

/// Whether it asks for the metadata, as those do who follow the quorum.
fn of_quorum(body: &RequestKind) -> bool {
    match body {
        RequestKind::Fetch(request) => request.topics.iter().any(|topic| {
            topic.topic.as_str() == "__cluster_metadata" || Uuid::from(topic.topic_id) == Uuid::METADATA_TOPIC
        }),
        _ => true,
    }
}

/// A voter's request came, and is answered: its leader has heard of it by then.
fn judge_heard(voter: NodeId, came: Mono, heard: Option<Mono>) -> Result<(), Broken> {
    match heard.filter(|heard| *heard < came) {
        None => Ok(()),
        Some(heard) => {
            let late = came.since(heard).as_millis();
            Err(("not-followed", format!("gives {voter} a snapshot, and counts it as silent for {late} ms")))
        }
    }
}

/// A leader gave up, of which so many of the other voters were heard just now.
fn judge_resigned(epoch: LeaderEpoch, heard: usize, voters: usize) -> Result<(), Broken> {
    if heard + 1 < voters / 2 + 1 || voters < 2 {
        return Ok(());
    }
    Err(("resigned", format!("gives up the quorum in {epoch}, and {heard} of {voters} voters have fetched just now")))
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
    fn who_fetches_a_snapshot_is_there() {
        assert!(judge_heard(NodeId(2), Mono(50), Some(Mono(50))).is_ok());
        assert!(judge_heard(NodeId(2), Mono(50), None).is_ok(), "it leads no more");
        assert_eq!(judge_heard(NodeId(2), Mono(50), Some(Mono(49))).unwrap_err().0, "not-followed");
    }

    #[test]
    fn a_leader_that_is_followed_leads_on() {
        let judge = |heard, voters| judge_resigned(LeaderEpoch(3), heard, voters).map_err(|broken| broken.0);
        assert_eq!((judge(0, 3), judge(0, 2), judge(1, 5), judge(0, 1)), (Ok(()), Ok(()), Ok(()), Ok(())));
        assert_eq!((judge(1, 3), judge(1, 2), judge(2, 5)), (Err("resigned"), Err("resigned"), Err("resigned")));
    }

    #[test]
    fn a_majority_has_to_follow() {
        let alone = |heard: &[u64]| is_alone(heard.iter().map(|at| Mono(*at)).collect(), Mono(1_000), Span(100));
        assert!(!alone(&[900, 0]), "one of two others makes three of them a majority");
        assert!(alone(&[899, 0]));
        assert!(!alone(&[900]) && alone(&[899]), "of two all are needed");
    }
}
