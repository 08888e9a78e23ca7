//! A topic is made with the partitions, the replicas and the settings that were asked for, or not at all; it grows to as many partitions as
//! were asked for, and the first of them stay what they were; only what is named is deleted. What is only to be looked at changes nothing.

use super::super::Broken;
use super::configs::is_nonsense;
use esker_core::config::TopicDefaults;
use esker_core::metadata::{Image, Topic};
use esker_core::node::Node as Core;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest};
use std::collections::BTreeMap;

/// What is wanted of a topic.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Wish {
    /// So many partitions of so many replicas, with these settings.
    Made {
        partitions: usize,
        factor: usize,
        settings: BTreeMap<String, String>,
    },
    /// So many partitions.
    Wider(usize),
    Gone,
    /// What there is.
    Nothing,
}

/// What the present input asks the active controller for: of each topic that is named, what there was; and how many there were.
#[derive(Debug, Default)]
pub struct Topics {
    wishes: Vec<(String, Option<Topic>, Wish)>,
    before: usize,
}

impl Topics {
    pub fn on_make(&mut self, request: &CreateTopicsRequest, core: &Core) {
        let named = request.topics.iter().map(|topic| (topic.name.to_string(), made(topic, &core.config.topics)));
        self.ask(named.collect(), request.validate_only, core);
    }

    pub fn on_widen(&mut self, request: &CreatePartitionsRequest, core: &Core) {
        let named = request.topics.iter().map(|topic| {
            let count = usize::try_from(topic.count).unwrap_or(0);
            (topic.name.to_string(), Wish::Wider(count))
        });
        self.ask(named.collect(), request.validate_only, core);
    }

    pub fn on_delete(&mut self, request: &DeleteTopicsRequest, core: &Core) {
        let by_state = request.topics.iter().map(|topic| topic.name.as_ref().map(|name| name.to_string()));
        let all: Option<Vec<String>> =
            by_state.chain(request.topic_names.iter().map(|name| Some(name.to_string()))).collect();
        // Whoever names a topic by its id is not judged.
        let wish = || if core.config.topics.delete_enable { Wish::Gone } else { Wish::Nothing };
        let named = all.unwrap_or_default().into_iter().map(|name| (name, wish()));
        self.ask(named.collect(), false, core);
    }

    fn ask(&mut self, named: Vec<(String, Wish)>, looks: bool, core: &Core) {
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return };
        self.before = image.topics().count();
        self.wishes = named
            .into_iter()
            .map(|(name, wish)| {
                let was = image.topic_named(&name).cloned();
                let collides = image.topics().any(|topic| collide(topic.name.as_str(), &name));
                let wish = if collides { wish.of_none() } else { wish };
                (name, was, if looks { Wish::Nothing } else { wish })
            })
            .collect();
    }

    /// The input is handled: `image` is what the controller has decided, if it still is one.
    pub fn look(&mut self, image: Option<&Image>) -> Result<(), Broken> {
        let wishes = std::mem::take(&mut self.wishes);
        let Some(image) = image.filter(|_| !wishes.is_empty()) else { return Ok(()) };
        let (mut made, mut gone) = (0, 0);
        for (name, was, wish) in &wishes {
            let is = image.topic_named(name);
            made += usize::from(was.is_none() && is.is_some());
            gone += usize::from(was.is_some() && is.is_none());
            judge(name, was.as_ref(), wish, is)?;
        }
        let (before, after) = (self.before, image.topics().count());
        if before + made == after + gone {
            return Ok(());
        }
        let what = format!("of {before} topics {made} were made and {gone} deleted, and there are {after}: {wishes:?}");
        Err(("topics-otherwise", what))
    }
}

impl Wish {
    /// What may come of it where nothing may be made.
    fn of_none(self) -> Self {
        if matches!(self, Self::Made { .. }) { Self::Nothing } else { self }
    }
}

/// Names that differ in dots and underscores alone (they are one name for metrics).
pub(super) fn collide(one: &str, other: &str) -> bool {
    one != other && one.replace('.', "_") == other.replace('.', "_")
}

/// Whether a topic may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.bytes().all(good)
}

fn made(topic: &CreatableTopic, defaults: &TopicDefaults) -> Wish {
    let count = |number: i64| (number != -1).then(|| usize::try_from(number).unwrap_or(0));
    let (partitions, factor) = (count(topic.num_partitions.into()), count(topic.replication_factor.into()));
    if !is_name(&topic.name) || partitions == Some(0) || factor == Some(0) {
        return Wish::Nothing;
    }
    let settings = topic.configs.iter();
    let settings = settings.filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())));
    let settings: BTreeMap<String, String> = settings.collect();
    if is_nonsense(&settings) {
        return Wish::Nothing;
    }
    // Where each replica is to be says how many there are; else what is not said is as the broker has it.
    let (partitions, factor) = match topic.assignments.first() {
        Some(first) => (topic.assignments.len(), first.broker_ids.len()),
        None => (
            partitions.unwrap_or(usize::try_from(defaults.partitions).unwrap_or(0)),
            factor.unwrap_or(usize::try_from(defaults.replication_factor).unwrap_or(0)),
        ),
    };
    Wish::Made { partitions, factor, settings }
}

fn judge(name: &str, was: Option<&Topic>, wish: &Wish, is: Option<&Topic>) -> Result<(), Broken> {
    let right = match (was, is, wish) {
        (None, None, _) | (Some(_), None, Wish::Gone) => true,
        (None, Some(is), Wish::Made { partitions, factor, settings }) => {
            *partitions == is.partitions.len()
                && is.partitions.iter().all(|one| *factor == one.replicas.len())
                && is.configs == *settings
        }
        (Some(was), Some(is), wish) => {
            let (had, has) = (was.partitions.len(), is.partitions.len());
            let wider = *wish == Wish::Wider(has) && has > had;
            was.id == is.id && (has == had || wider) && is.partitions.starts_with(&was.partitions)
        }
        (_, _, _) => false,
    };
    if right {
        return Ok(());
    }
    Err(("topics-otherwise", format!("{name}: asked for {wish:?}, {was:?} becomes {is:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{NodeId, Uuid};
    use esker_core::metadata::Partition;
    use esker_core::metadata::Text;

    fn topic(id: u128, partitions: usize, factor: i32) -> Topic {
        let nodes: Vec<NodeId> = (1..=factor).map(NodeId).collect();
        let one = Partition::new(nodes.clone(), nodes);
        Topic { id: Uuid(id), name: Text::from("t"), partitions: vec![one; partitions], configs: BTreeMap::new() }
    }

    #[test]
    fn another_topic_than_was_wanted_is_caught() {
        let wish = Wish::Made { partitions: 2, factor: 1, settings: BTreeMap::new() };
        let made = |wish: &Wish, is: Topic| judge("t", None, wish, Some(&is)).is_ok();
        assert!(made(&wish, topic(1, 2, 1)) && judge("t", None, &wish, None).is_ok());
        assert!(!made(&wish, topic(1, 3, 1)) && !made(&wish, topic(1, 2, 2)) && !made(&Wish::Nothing, topic(1, 2, 1)));
        assert!(judge("t", Some(&topic(1, 2, 1)), &wish, Some(&topic(9, 2, 1))).is_err(), "it takes another's name");
    }

    #[test]
    fn what_there_was_stays() {
        let was = topic(1, 2, 1);
        let is = |wish: Wish, is: Option<Topic>| judge("t", Some(&was), &wish, is.as_ref()).is_ok();
        assert!(
            is(Wish::Wider(3), Some(topic(1, 3, 1))) && is(Wish::Wider(3), Some(was.clone())) && is(Wish::Gone, None)
        );
        assert!(!is(Wish::Wider(3), Some(topic(1, 4, 1))) && !is(Wish::Nothing, Some(topic(1, 3, 1))));
        assert!(!is(Wish::Wider(1), Some(topic(1, 1, 1))), "fewer than there were");
        assert!(!is(Wish::Wider(3), Some(topic(1, 3, 2))), "others than there were");
        assert!(!is(Wish::Nothing, None));
    }
}
