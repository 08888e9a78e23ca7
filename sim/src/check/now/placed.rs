//! The leaders of a new topic's partitions are spread over the brokers: who becomes the preferred leader of one is preferred, when all of it is
//! placed, by at most one partition more than any other broker that serves.

use super::Broken;
use crate::table::{Map, Set};
use esker_core::id::{LeaderEpoch, NodeId, Uuid};
use esker_core::metadata::{Image, Topic};
use kafka_protocol::messages::CreateTopicsRequest;

#[derive(Debug, Default)]
pub struct Placed {
    /// The topics that the controller of each node knew when it was looked at last, and its epoch.
    seen: Map<usize, (LeaderEpoch, Set<Uuid>)>,
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
        let (known, seen) = self.seen.entry(node).or_default();
        let all = || image.topics().map(|topic| topic.id).collect::<Set<Uuid>>();
        if *known != epoch {
            (*known, *seen) = (epoch, all());
            return Ok(());
        }
        let new: Vec<&Topic> = image.topics().filter(|topic| !seen.contains(&topic.id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        *seen = all();
        if new.iter().any(|topic| self.by_hand.contains(topic.name.as_str())) {
            return Ok(());
        }
        let leads = |node: NodeId| {
            let first = |(_, state): &(_, &esker_core::metadata::Partition)| state.replicas.first() == Some(&node);
            image.topics().flat_map(Topic::each_partition).filter(first).count()
        };
        let serve = image.brokers().filter(|broker| !broker.fenced && !broker.leaving);
        let counts: Vec<(NodeId, usize)> = serve.map(|broker| (broker.id, leads(broker.id))).collect();
        for topic in new {
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
    fn who_has_more_than_another_does_not_get_the_next() {
        let judge = |count, counts: &[(NodeId, usize)]| judge("t", NodeId(1), count, counts).map_err(|broken| broken.0);
        assert_eq!(judge(3, &[(NodeId(1), 3), (NodeId(2), 2), (NodeId(3), 9)]), Ok(()));
        assert_eq!(judge(3, &[(NodeId(1), 3), (NodeId(2), 1)]), Err("placed-unevenly"));
    }
}
