//! A leader counts of a follower what that said itself, in the leader's present epoch and in its own present incarnation: what it was before
//! it started anew its disk may have lost (KIP-903), and what it said to the leader of another epoch it may have cut since. What it said in these it
//! still has, also where a request of before comes late. And nobody counts who holds no replica.

use super::Broken;
use crate::table::Map;
use bytes::Bytes;
use esker_core::api::fetch::SYNCED_TAG;
use esker_core::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionKey};
use esker_core::partition::Partition;
use kafka_protocol::messages::FetchRequest;

/// A follower of a partition, as a node hears it in an epoch of that: the node may hear of the epoch later than its follower.
type Who = (usize, PartitionKey, NodeId, LeaderEpoch);

/// The numbers of nodes end here.
const NODES: i32 = 16;

/// What followers said.
#[derive(Debug, Default)]
pub struct Counted {
    /// How far it was durable, by its incarnation; the most, for requests may come late.
    synced: Map<(Who, BrokerEpoch), Offset>,
    /// Where its log starts; the most as well.
    start: Map<Who, Offset>,
    /// The incarnation that counted when it was looked at last, and how far that was durable.
    counts: Map<Who, (BrokerEpoch, Offset)>,
}

impl Counted {
    pub fn on_start(&mut self, node: usize) {
        self.synced.retain(|((of, ..), _), _| *of != node);
        self.start.retain(|(of, ..), _| *of != node);
        self.counts.retain(|(of, ..), _| *of != node);
    }

    pub fn on_request(&mut self, node: usize, request: &FetchRequest) {
        let (of, incarnation) = (request.replica_state.replica_id.0, BrokerEpoch(request.replica_state.replica_epoch));
        if of < 0 {
            return;
        }
        for topic in &request.topics {
            for part in &topic.partitions {
                let key = PartitionKey { topic: topic.topic_id.into(), partition: part.partition };
                let who = (node, key, NodeId(of), LeaderEpoch(part.current_leader_epoch));
                let field =
                    part.unknown_tagged_fields.get(&SYNCED_TAG).and_then(|field: &Bytes| field[..].try_into().ok());
                let synced = Offset(field.map_or(part.fetch_offset, i64::from_be_bytes));
                let most = self.synced.entry((who, incarnation)).or_insert(synced);
                *most = (*most).max(synced);
                let start = self.start.entry(who).or_insert(Offset::NONE);
                *start = (*start).max(Offset(part.log_start_offset));
            }
        }
    }

    /// Where the follower said that its log starts.
    pub fn start(&self, node: usize, leader: &Partition, follower: NodeId) -> Option<Offset> {
        self.start.get(&(node, leader.key(), follower, leader.leader_epoch())).copied()
    }

    /// The node has handled an input that touched a partition that it leads.
    pub fn look(&mut self, node: usize, leader: &Partition) -> Result<(), Broken> {
        let Some(state) = leader.state().filter(|_| leader.is_leader()) else { return Ok(()) };
        let mut strangers = (1..=NODES).map(NodeId).filter(|node| !state.has_replica(*node));
        is_replica(leader.folder(), strangers.find(|node| leader.follower(*node).is_some()))?;
        for follower in state.replicas.iter().filter(|other| **other != leader.me()) {
            let counts = leader.follower(*follower).filter(|counts| counts.synced != Offset::NONE);
            let Some(counts) = counts else { continue };
            let who = (node, leader.key(), *follower, leader.leader_epoch());
            let now = (counts.broker_epoch, counts.synced);
            let was = self.counts.insert(who, now).unwrap_or(now);
            stays(leader.folder(), follower.0, was, now)?;
            let before = was.0;
            let said = self.synced.get(&(who, counts.broker_epoch)).copied();
            judge(leader.folder(), follower.0, (counts.broker_epoch, counts.synced), (before, said))?;
        }
        Ok(())
    }
}

/// The incarnation of a follower that counted, and how far it was durable, `before` and `now`.
fn stays(folder: &str, follower: i32, before: (BrokerEpoch, Offset), now: (BrokerEpoch, Offset)) -> Result<(), Broken> {
    if before.0 != now.0 || before.1 <= now.1 {
        return Ok(());
    }
    Err(("counted-unsaid", format!("counts of {follower} in {folder} {now:?}, and counted {before:?} before")))
}

/// Somebody who counts, and holds no replica.
fn is_replica(folder: &str, stranger: Option<NodeId>) -> Result<(), Broken> {
    match stranger {
        None => Ok(()),
        Some(node) => {
            Err(("counted-unsaid", format!("counts in {folder} what {node} says, who holds no replica of it")))
        }
    }
}

/// `before`: the incarnation that counted before; `said`: how far this one said that it was durable.
fn judge(
    folder: &str,
    follower: i32,
    counts: (BrokerEpoch, Offset),
    (before, said): (BrokerEpoch, Option<Offset>),
) -> Result<(), Broken> {
    if counts.0 >= before && said.is_some_and(|said| said >= counts.1) {
        return Ok(());
    }
    let what = format!("counts of {follower} in {folder} {counts:?}, which said {said:?}, and counted {before} before");
    Err(("counted-unsaid", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_forgotten_and_a_stranger_does_not_count() {
        let stays = |before: (i64, i64), now: (i64, i64)| {
            let of = |(epoch, synced)| (BrokerEpoch(epoch), Offset(synced));
            stays("t-0", 2, of(before), of(now)).map_err(|broken| broken.0)
        };
        assert_eq!((stays((5, 3), (5, 3)), stays((5, 3), (6, 0))), (Ok(()), Ok(())));
        assert_eq!(stays((5, 3), (5, 2)), Err("counted-unsaid"));
        assert!(is_replica("t-0", None).is_ok());
        assert_eq!(is_replica("t-0", Some(NodeId(4))).unwrap_err().0, "counted-unsaid");
    }

    #[test]
    fn what_nobody_said_in_this_epoch_and_incarnation_is_not_counted() {
        let judge = |synced, before, said: Option<i64>| {
            let counts = (BrokerEpoch(5), Offset(synced));
            judge("t-0", 2, counts, (BrokerEpoch(before), said.map(Offset))).map_err(|broken| broken.0)
        };
        assert_eq!((judge(3, 5, Some(3)), judge(2, 4, Some(3))), (Ok(()), Ok(())));
        for (before, said) in [(5, None), (5, Some(2)), (6, Some(3))] {
            assert_eq!(judge(3, before, said), Err("counted-unsaid"));
        }
    }
}
