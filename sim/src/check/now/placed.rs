//! The leaders of a new topic's partitions are spread over the brokers: who becomes the preferred leader of one is preferred, when all of it is
//! placed, by at most one partition more than any other broker that serves. Its replicas are where somebody serves, as far as there are so many;
//! and of these where there were the fewest.

use super::Broken;
use crate::table::{Map, Set};
use esker_core::id::{LeaderEpoch, NodeId, PartitionEpoch, Uuid};
use esker_core::metadata::{Image, Topic};
use kafka_protocol::messages::CreateTopicsRequest;

/// What the controller of a node knew when it was looked at last: its epoch, the topics, where their replicas are, the brokers that served.
#[derive(Debug, Default)]
struct Seen {
    epoch: LeaderEpoch,
    topics: Set<Uuid>,
    placed: Vec<Vec<NodeId>>,
    serve: Vec<NodeId>,
}

/// Where the replicas of these topics' partitions are.
fn placed(image: &Image, counts: impl Fn(&Topic) -> bool) -> Vec<Vec<NodeId>> {
    let topics = image.topics().filter(|topic| counts(topic));
    topics.flat_map(|topic| topic.each_partition().map(|(_, state)| state.replicas.clone())).collect()
}

#[derive(Debug, Default)]
pub struct Placed {
    seen: Map<usize, Seen>,
    /// Topics that somebody placed by hand.
    by_hand: Set<String>,
}

impl Placed {
    pub fn on_request(&mut self, request: &CreateTopicsRequest) {
        let placed = request.topics.iter().filter(|topic| !topic.assignments.is_empty());
        self.by_hand.extend(placed.map(|topic| topic.name.0.as_str().to_string()));
    }

    /// The controller of a node has decided something.
    pub fn look(&mut self, node: usize, epoch: LeaderEpoch, image: &Image) -> Result<(), Broken> {
        let serves = || image.brokers().filter(|broker| !broker.fenced && !broker.leaving);
        let topics = image.topics().map(|topic| topic.id).collect();
        let seen =
            Seen { epoch, topics, placed: placed(image, |_| true), serve: serves().map(|broker| broker.id).collect() };
        let before = self.seen.insert(node, seen).filter(|before| before.epoch == epoch);
        let (Some(before), Some(now)) = (before, self.seen.get(&node)) else { return Ok(()) };
        // Of what one input decides one after the other, nobody can tell who served when the topic came.
        if before.serve != now.serve {
            return Ok(());
        }
        let new: Vec<&Topic> = image.topics().filter(|topic| !before.topics.contains(&topic.id)).collect();
        if new.is_empty() || new.iter().any(|topic| self.by_hand.contains(topic.name.as_str())) {
            return Ok(());
        }
        // Nor what else was there: it may have been moved or deleted in the same input (seed 90000017164).
        if placed(image, |topic| before.topics.contains(&topic.id)) != before.placed {
            return Ok(());
        }
        // Nor what was moved in the same input where it was placed.
        if new.iter().flat_map(|topic| &topic.partitions).any(|state| state.epoch > PartitionEpoch(0)) {
            return Ok(());
        }
        let leads = |node: NodeId| {
            let first = |(_, state): &(_, &esker_core::metadata::Partition)| state.replicas.first() == Some(&node);
            image.topics().flat_map(Topic::each_partition).filter(first).count()
        };
        let counts: Vec<(NodeId, usize)> = serves().map(|broker| (broker.id, leads(broker.id))).collect();
        let racks = image.brokers().any(|broker| broker.rack.is_some());
        let holds =
            |node: NodeId| image.topics().flat_map(Topic::each_partition).filter(|(_, p)| p.has_replica(node)).count();
        let serving: Vec<(NodeId, usize)> = counts.iter().map(|(node, _)| (*node, holds(*node))).collect();
        let last = new.last().and_then(|topic| topic.partitions.last()).filter(|_| new.len() == 1 && !racks);
        for topic in new {
            for (_, state) in topic.each_partition() {
                judge_serves(topic.name.as_str(), &state.replicas, &serving)?;
            }
            if let Some(state) = last {
                judge_spread(topic.name.as_str(), &state.replicas, &serving)?;
            }
            for (_, state) in topic.each_partition() {
                let chosen = state.replicas.first().and_then(|first| counts.iter().find(|(node, _)| node == first));
                if let Some((node, count)) = chosen {
                    judge(topic.name.as_str(), *node, *count, &counts)?;
                }
            }
        }
        Ok(())
    }
}

/// `serving`: the brokers that serve, and how many replicas each has now.
fn judge_serves(topic: &str, replicas: &[NodeId], serving: &[(NodeId, usize)]) -> Result<(), Broken> {
    let serves = |node: &NodeId| serving.iter().any(|(id, _)| id == node);
    let idle = serving.iter().find(|(id, _)| !replicas.contains(id));
    match (replicas.iter().find(|node| !serves(node)), idle) {
        (Some(down), Some((idle, _))) => {
            Err(("placed-unevenly", format!("a replica of {topic} is on {down}, which is down, and none on {idle}")))
        }
        _ => Ok(()),
    }
}

/// The last partition that was placed: who follows had no more than who has none of it.
fn judge_spread(topic: &str, replicas: &[NodeId], serving: &[(NodeId, usize)]) -> Result<(), Broken> {
    let follow = serving.iter().filter(|(id, _)| replicas[1..].contains(id));
    let idle = serving.iter().filter(|(id, _)| !replicas.contains(id)).min_by_key(|(_, count)| *count);
    let Some((idle, fewest)) = idle else { return Ok(()) };
    match follow.into_iter().find(|(_, count)| *count > fewest + 1) {
        None => Ok(()),
        Some((node, count)) => Err((
            "placed-unevenly",
            format!("the last replicas of {topic} are on {replicas:?}: {node} has {count}, and {idle} {fewest}"),
        )),
    }
}

fn judge(topic: &str, chosen: NodeId, count: usize, counts: &[(NodeId, usize)]) -> Result<(), Broken> {
    match counts.iter().find(|(_, other)| count > other + 1) {
        None => Ok(()),
        Some((other, fewer)) => Err((
            "placed-unevenly",
            format!(
                "{chosen} is to lead a partition of the new {topic}, and {count} in all, where {other} has {fewer}"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_where_somebody_serves_and_has_few() {
        let nodes = |ids: &[i32]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
        let serving = |ids: &[(i32, usize)]| ids.iter().map(|(id, count)| (NodeId(*id), *count)).collect::<Vec<_>>();
        assert!(judge_serves("t", &nodes(&[1, 3]), &serving(&[(1, 1)])).is_ok(), "there is nobody else");
        assert!(judge_serves("t", &nodes(&[1, 3]), &serving(&[(1, 1), (2, 0)])).is_err());
        assert!(judge_spread("t", &nodes(&[1, 3]), &serving(&[(1, 9), (2, 4), (3, 5)])).is_ok());
        let broken = judge_spread("t", &nodes(&[1, 3]), &serving(&[(1, 9), (2, 4), (3, 6)]));
        assert_eq!(broken.unwrap_err().0, "placed-unevenly");
    }

    #[test]
    fn who_has_more_than_another_does_not_get_the_next() {
        let judge = |count, counts: &[(NodeId, usize)]| judge("t", NodeId(1), count, counts).map_err(|broken| broken.0);
        assert_eq!(judge(3, &[(NodeId(1), 3), (NodeId(2), 2), (NodeId(3), 9)]), Ok(()));
        assert_eq!(judge(3, &[(NodeId(1), 3), (NodeId(2), 1)]), Err("placed-unevenly"));
    }
}
