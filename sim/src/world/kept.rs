//! What a keeper was told is done is so on every node in the end: its topics, their partitions, what is set; and logs go by that.

use super::World;
use crate::client::{Keeps, Kept};
use esker_core::id::NodeId;
use esker_core::metadata::{Image, Resource};
use esker_core::node::Node as Core;

impl World {
    /// What is not as a keeper was told that it is.
    pub(super) fn unkept(&self) -> Option<String> {
        let all = self.seats.iter().map(|seat| seat.client.keeps()).filter(|keeps| *keeps != Keeps::default());
        let cores = || self.nodes.iter().filter_map(|node| Some(node.process.as_ref()?.broker.node()));
        all.into_iter().find_map(|keeps| {
            cores().find_map(|core| {
                let other = keeps.topics.iter().find_map(|(name, kept)| other_topic(&core.image, name, kept));
                let other = other.or_else(|| other_setting(&core.image, &keeps)).or_else(|| other_log(core, &keeps));
                other.map(|other| format!("on node {} {other}", core.config.node))
            })
        })
    }
}

fn other_topic(image: &Image, name: &str, kept: &Kept) -> Option<String> {
    let found = image.topic_named(name);
    let partitions = found.map_or(0, |topic| topic.partitions.len() as i32);
    if partitions != kept.partitions {
        return Some(format!("{name} has {partitions} partitions, not {}", kept.partitions));
    }
    let other = found.filter(|topic| topic.configs != kept.settings)?;
    Some(format!("{name} has the settings {:?}, not {:?}", other.configs, kept.settings))
}

fn other_setting(image: &Image, keeps: &Keeps) -> Option<String> {
    keeps.brokers.iter().find_map(|(id, known)| {
        let resource = id.parse().map_or(Resource::BrokerDefault, |id| Resource::Broker(NodeId(id)));
        let (known, has) = (known.as_ref()?, image.configs(resource));
        (has != known).then(|| format!("broker {id:?} has the settings {has:?}, not {known:?}"))
    })
}

/// A log that keeps its records for another time than is set for its topic, or for its broker, or for all.
fn other_log(core: &Core, keeps: &Keeps) -> Option<String> {
    let own = keeps.brokers.get(&core.config.node.to_string())?.as_ref()?;
    let all = keeps.brokers.get("")?.as_ref()?;
    let in_force = |kept: &Kept| {
        let set =
            kept.settings.get("retention.ms").or_else(|| own.get("log.retention.ms").or(all.get("log.retention.ms")));
        set.map_or(Some(7 * 24 * 3_600_000), |set| set.parse::<i64>().ok())
    };
    core.partitions.iter().find_map(|replica| {
        let topic = core.image.topic(replica.key().topic)?;
        let wanted = in_force(keeps.topics.get(topic.name.as_str())?)?;
        let has = replica.log().config().retention_ms;
        (has != wanted).then(|| format!("the log {} keeps its records for {has} ms, not {wanted}", replica.folder()))
    })
}
