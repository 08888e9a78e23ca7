//! Logs go by what is set for their topic, their broker and all brokers, from when the node has learnt of it: by a record, or with a snapshot.

use super::super::Broken;
use esker_core::id::{NodeId, Uuid};
use esker_core::metadata::Resource;
use esker_core::node::Node as Core;
use std::collections::BTreeMap;

type Given = BTreeMap<String, String>;

/// What was set when a node was looked at last: for it, for all, and for each topic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Set {
    broker: (Given, Given),
    topics: BTreeMap<Uuid, Given>,
}

#[derive(Debug, Default)]
pub struct Configured {
    seen: BTreeMap<NodeId, Set>,
}

impl Configured {
    /// A node has learnt more of the metadata.
    pub fn look(&mut self, node: NodeId, core: &Core) -> Result<(), Broken> {
        // Who is not registered anew takes up nothing; nor does who stops.
        let registered =
            core.image.broker(node).is_some_and(|known| known.incarnation == core.config.identity.incarnation);
        if !registered || core.quorum.is_stopping() {
            self.seen.remove(&node);
            return Ok(());
        }
        let broker = |resource| core.image.configs(resource).clone();
        let set = Set {
            broker: (broker(Resource::Broker(node)), broker(Resource::BrokerDefault)),
            topics: core.image.topics().map(|topic| (topic.id, topic.configs.clone())).collect(),
        };
        let before = self.seen.get(&node);
        if before == Some(&set) {
            return Ok(());
        }
        let same = before.filter(|before| before.broker == set.broker);
        for topic in core.image.topics() {
            if same.is_some_and(|same| same.topics.get(&topic.id) == Some(&topic.configs)) {
                continue;
            }
            let wanted = core.topic_config(topic).retention;
            for (key, _) in topic.each_partition() {
                let Some(replica) = core.partitions.get(key) else { continue };
                let wanted = wanted.map_or(-1, |wanted| wanted.as_millis() as i64);
                judge(replica.folder(), replica.log().config().retention_ms, wanted)?;
            }
        }
        self.seen.insert(node, set);
        Ok(())
    }
}

fn judge(folder: &str, has: i64, wanted: i64) -> Result<(), Broken> {
    if has == wanted {
        return Ok(());
    }
    Err(("goes-by-old-settings", format!("{folder} keeps its records for {has} ms, and {wanted} is set")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_goes_by_something_else_is_caught() {
        assert!(judge("t-0", 5, 5).is_ok());
        assert_eq!(judge("t-0", 5, 6).unwrap_err().0, "goes-by-old-settings");
    }
}
