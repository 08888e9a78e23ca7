//! What is set after a change of configs is what its operations give, SET, DELETE, APPEND and SUBTRACT one after the other, or what was set
//! before it: each resource as a whole. What is only to be looked at changes nothing, and nobody is given a number that is none.

use super::super::{At, Broken};
use crate::table::Map;
use esker_core::config::topic_def;
use esker_core::id::NodeId;
use esker_core::metadata::{Image, Resource};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{AlterConfigsRequest, IncrementalAlterConfigsRequest};
use std::collections::BTreeMap;

/// `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

type Given = BTreeMap<String, String>;

/// A resource, what was set for it, and what is to be.
#[derive(Debug)]
struct Change {
    at: At,
    kind: i8,
    name: String,
    resource: Resource,
    was: Given,
    /// `None`: nothing else than was.
    wanted: Option<Given>,
}

/// What the present input asks the active controller to set.
#[derive(Debug, Default)]
pub struct Configs {
    changes: Vec<Change>,
    /// What was not done at once of requests that have no answer: a controller that is new puts them off.
    undone: Map<At, Vec<Change>>,
}

impl Configs {
    pub fn on_some(&mut self, at: At, request: &IncrementalAlterConfigsRequest, core: &Core) {
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return };
        for asked in &request.resources {
            let ops = asked.configs.iter().map(|config| {
                let value = config.value.as_ref().map_or("", |value| value.as_str());
                (config.name.as_str(), config.config_operation, value)
            });
            let ops: Vec<(&str, i8, &str)> = ops.collect();
            self.change(image, (at, asked.resource_type, &asked.resource_name), request.validate_only, |was| {
                altered(was, &ops)
            });
        }
    }

    pub fn on_all(&mut self, at: At, request: &AlterConfigsRequest, core: &Core) {
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return };
        for asked in &request.resources {
            let set = asked
                .configs
                .iter()
                .filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())));
            let set: Given = set.collect();
            self.change(image, (at, asked.resource_type, &asked.resource_name), request.validate_only, |_| Some(set));
        }
    }

    fn change(
        &mut self,
        image: &Image,
        (at, kind, name): (At, i8, &str),
        looks: bool,
        to: impl FnOnce(&Given) -> Option<Given>,
    ) {
        let resource = match (kind, name) {
            (TOPIC, name) => image.topic_named(name).map(|topic| Resource::Topic(topic.id)),
            (BROKER, "") => Some(Resource::BrokerDefault),
            (BROKER, id) => id.parse().ok().map(|id| Resource::Broker(NodeId(id))),
            _ => None,
        };
        let Some(resource) = resource else { return };
        let was = image.configs(resource).clone();
        let wanted = Some(()).filter(|()| !looks).and_then(|()| to(&was)).filter(|wanted| !is_nonsense(wanted));
        self.changes.push(Change { at, kind, name: name.to_string(), resource, was, wanted });
    }

    /// The input is handled: `image` is what the controller has decided, if it still is one.
    pub fn look(&mut self, image: Option<&Image>) -> Result<(), Broken> {
        // Of a resource that is named twice nothing is changed, which its second change says as well.
        for change in self.changes.drain(..) {
            let Some(image) = image else { continue };
            judge(&change.was, change.wanted.as_ref(), image.configs(change.resource))?;
            if change.is_undone(image) {
                self.undone.entry(change.at).or_default().push(change);
            }
        }
        Ok(())
    }

    /// `done`: the resources that are said to be altered.
    pub fn on_reply<'a>(
        &mut self,
        at: At,
        core: &Core,
        mut done: impl Iterator<Item = (i8, &'a str)>,
    ) -> Result<(), Broken> {
        let Some(undone) = self.undone.remove(&at) else { return Ok(()) };
        let Some(image) = core.controller.as_ref().map(|controller| controller.image()) else { return Ok(()) };
        let is_not = |(kind, name): (i8, &str)| {
            undone.iter().any(|one| one.kind == kind && one.name == name && one.is_undone(image))
        };
        match done.find(|told| is_not(*told)) {
            None => Ok(()),
            Some((_, name)) => Err(("not-set", format!("says that {name:?} is altered, and nothing was"))),
        }
    }
}

impl Change {
    fn is_undone(&self, image: &Image) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted != image.configs(self.resource))
    }
}

/// What the operations make of what was set; `None`: one of them is none, or is no list's.
fn altered(was: &Given, ops: &[(&str, i8, &str)]) -> Option<Given> {
    let mut is = was.clone();
    for (name, op, value) in ops {
        let before = || is.get(*name).map(String::as_str).or_else(|| topic_def(name)?.default).unwrap_or("");
        let list = |text: &str| -> Vec<String> {
            text.split(',').filter(|entry| !entry.is_empty()).map(str::to_string).collect()
        };
        let (mut has, named) = (list(before()), list(value));
        match op {
            0 => drop(is.insert(name.to_string(), value.to_string())),
            1 => drop(is.remove(*name)),
            2 => {
                named.into_iter().for_each(|entry| {
                    if !has.contains(&entry) {
                        has.push(entry)
                    }
                });
                is.insert(name.to_string(), has.join(","));
            }
            3 => {
                has.retain(|entry| !named.contains(entry));
                is.insert(name.to_string(), has.join(","));
            }
            _ => return None,
        }
    }
    Some(is)
}

/// A number that is none, which nobody may have.
pub(super) fn is_nonsense(given: &Given) -> bool {
    let numbers = given.iter().filter(|(name, _)| name.ends_with(".ms") || name.ends_with(".bytes"));
    numbers.into_iter().any(|(_, value)| value.parse::<i64>().is_err())
}

fn judge(was: &Given, wanted: Option<&Given>, is: &Given) -> Result<(), Broken> {
    if is == was || Some(is) == wanted {
        return Ok(());
    }
    Err(("set-otherwise", format!("asked for {wanted:?}, {was:?} becomes {is:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(set: &[(&str, &str)]) -> Given {
        set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn operations_are_counted_together() {
        let was = given(&[("retention.ms", "5")]);
        let ops = [("retention.ms", 1, ""), ("segment.ms", 0, "7"), ("cleanup.policy", 2, "compact")];
        assert_eq!(altered(&was, &ops), Some(given(&[("cleanup.policy", "delete,compact"), ("segment.ms", "7")])));
        let less = altered(&given(&[("cleanup.policy", "delete,compact")]), &[("cleanup.policy", 3, "delete")]);
        assert_eq!(less, Some(given(&[("cleanup.policy", "compact")])));
        assert!(is_nonsense(&given(&[("retention.ms", "long")])) && !is_nonsense(&given(&[("retention.ms", "-1")])));
    }

    #[test]
    fn what_nobody_asked_for_is_caught() {
        let (was, wanted) = (given(&[("a", "1")]), given(&[("a", "2")]));
        assert!(judge(&was, Some(&wanted), &wanted).is_ok() && judge(&was, Some(&wanted), &was).is_ok());
        assert!(judge(&was, None, &wanted).is_err(), "it was to be looked at");
        assert!(judge(&was, Some(&wanted), &given(&[])).is_err());
    }
}
