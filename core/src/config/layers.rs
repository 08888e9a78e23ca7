//! Where a setting comes from: topic over dynamic broker over dynamic default over the node's file over the built-in default.

use super::def::{Def, Range};
use super::{broker_def, topic_def};
use crate::mutant::{self, Mutant};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Names and values as somebody gave them.
pub type Given = BTreeMap<String, String>;

/// Who gave a value; the numbers are the wire's (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefault = 3,
    StaticBroker = 4,
    Default = 5,
}

/// One place where a value was found, the one in force first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synonym {
    pub name: &'static str,
    pub value: Option<String>,
    pub source: Source,
}

/// A config's value in force and everything it hides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// `None`: null.
    pub value: Option<String>,
    pub source: Source,
    /// As Kafka lists them (`ConfigHelper.configSynonyms`): those before the first of the asked name are left out.
    pub synonyms: Vec<Synonym>,
}

/// The layers that one node sees, without those of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// Set for this broker while it runs.
    pub dynamic_broker: &'a Given,
    /// Set for all brokers while they run.
    pub dynamic_default: &'a Given,
    /// The node's file.
    pub file: &'a Given,
}

/// Other names of a broker's config, the one in force first (`DynamicBrokerConfig.brokerConfigSynonyms`).
fn names_of(name: &'static str) -> &'static [&'static str] {
    const ROLL: &[&str] = &["log.roll.ms", "log.roll.hours"];
    const JITTER: &[&str] = &["log.roll.jitter.ms", "log.roll.jitter.hours"];
    const FLUSH: &[&str] = &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];
    const RETENTION: &[&str] = &["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
    match name {
        "log.roll.ms" | "log.roll.hours" => ROLL,
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => JITTER,
        "log.flush.interval.ms" => FLUSH,
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => RETENTION,
        _ => &[],
    }
}

/// Milliseconds in the unit that a name ends with; 1 for all that are no coarser synonym of a time in milliseconds.
fn unit(name: &str) -> i64 {
    match name.rsplit('.').next() {
        Some("hours") => 3_600_000,
        Some("minutes") => 60_000,
        Some(_) | None => 1,
    }
}

impl<'a> Layers<'a> {
    /// A broker's config.
    pub fn broker(&self, def: &'static Def) -> Setting {
        let synonyms = self.synonyms(def.name);
        let source = synonyms.first().map_or(Source::Default, |first| first.source);
        let value = match synonyms.first() {
            Some(first) if first.value.is_some() => first.value.clone(),
            Some(_) | None => self.in_force(def.name).map(Cow::into_owned).or_else(|| def.default.map(String::from)),
        };
        Setting { value: shown(def, value), source, synonyms }
    }

    /// A topic's config, given what is set for the topic itself.
    pub fn topic(&self, def: &'static Def, topic: &Given) -> Setting {
        let own = topic.get(def.name);
        let mut synonyms = def.broker.map_or_else(Vec::new, |name| self.synonyms(name));
        if let Some(value) = own {
            synonyms.insert(0, Synonym { name: def.name, value: Some(value.clone()), source: Source::Topic });
        }
        let source = synonyms.first().map_or(Source::Default, |first| first.source);
        let value = self.topic_value(def, topic).map(Cow::into_owned);
        Setting { value, source, synonyms }
    }

    /// The value in force of a topic's config, in the topic's unit; `None`: null.
    pub fn topic_value(&self, def: &'static Def, topic: &'a Given) -> Option<Cow<'a, str>> {
        if let Some(value) = topic.get(def.name) {
            return Some(Cow::Borrowed(value));
        }
        def.broker.and_then(|name| self.in_force(name)).or_else(|| def.default.map(Cow::Borrowed))
    }

    /// The value that the layers of the broker give, in the unit of `name`; `None` where only the default is left.
    fn in_force(&self, name: &'static str) -> Option<Cow<'a, str>> {
        let names = names_of(name);
        let names = if names.is_empty() { core::slice::from_ref(&name) } else { names };
        let (from, value) = names.iter().find_map(|&other| {
            let layers = if mutant::is(Mutant::DefaultOverBroker) {
                [self.dynamic_default, self.dynamic_broker, self.file]
            } else {
                [self.dynamic_broker, self.dynamic_default, self.file]
            };
            layers.iter().find_map(|layer| layer.get(other)).map(|value| (other, value))
        })?;
        let scale = unit(from);
        let unlimited = broker_def(from).is_some_and(|def| matches!(def.range, Range::NotZero));
        if scale == unit(name) && !(unlimited && value.trim().starts_with('-')) {
            return Some(Cow::Borrowed(value));
        }
        // A negative value means "unlimited", by whichever name it is given.
        let number = value.trim().parse::<i64>().ok()?;
        Some(Cow::Owned(if number < 0 { -1 } else { number.saturating_mul(scale) }.to_string()))
    }

    fn synonyms(&self, name: &'static str) -> Vec<Synonym> {
        let names = names_of(name);
        let names = if names.is_empty() { core::slice::from_ref(&name) } else { names };
        let layers = [
            (self.dynamic_broker, Source::DynamicBroker),
            (self.dynamic_default, Source::DynamicDefault),
            (self.file, Source::StaticBroker),
        ];
        let mut found = Vec::new();
        for (layer, source) in layers {
            for &other in names {
                if let Some(value) = layer.get(other) {
                    found.push(Synonym { name: other, value: Some(value.clone()), source });
                }
            }
        }
        for &other in names {
            if let Some(default) = broker_def(other).and_then(|def| def.default) {
                found.push(Synonym { name: other, value: Some(default.into()), source: Source::Default });
            }
        }
        found.into_iter().skip_while(|synonym| synonym.name != name).map(hide).collect()
    }
}

fn hide(mut synonym: Synonym) -> Synonym {
    if broker_def(synonym.name).or_else(|| topic_def(synonym.name)).is_some_and(Def::sensitive) {
        synonym.value = None;
    }
    synonym
}

fn shown(def: &Def, value: Option<String>) -> Option<String> {
    if def.sensitive() { None } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn given(pairs: &[(&str, &str)]) -> Given {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn the_nearest_layer_wins_and_hides_the_others() {
        let (file, all, one) = (
            given(&[("log.retention.ms", "1000")]),
            given(&[("log.retention.ms", "2000")]),
            given(&[("log.retention.ms", "3000")]),
        );
        let layers = Layers { dynamic_broker: &one, dynamic_default: &all, file: &file };
        let def = topic_def("retention.ms").unwrap();
        let setting = layers.topic(def, &given(&[("retention.ms", "4000")]));
        assert_eq!(setting.value.as_deref(), Some("4000"));
        let values: Vec<_> = setting.synonyms.iter().map(|s| s.value.as_deref().unwrap()).collect();
        assert_eq!(values, vec!["4000", "3000", "2000", "1000", "168"]);
        assert_eq!(layers.topic(def, &Given::new()).source, Source::DynamicBroker);
    }

    #[test]
    fn whatever_is_negative_keeps_records_for_ever() {
        let none = Given::new();
        for name in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
            let file = given(&[(name, "-5")]);
            let layers = Layers { dynamic_broker: &none, dynamic_default: &none, file: &file };
            let value = layers.topic_value(topic_def("retention.ms").unwrap(), &none);
            assert_eq!(value.as_deref(), Some("-1"), "{name}");
        }
    }

    #[test]
    fn hours_and_minutes_become_milliseconds() {
        let none = Given::new();
        let file = given(&[("log.retention.hours", "2"), ("log.roll.hours", "1")]);
        let layers = Layers { dynamic_broker: &none, dynamic_default: &none, file: &file };
        let value = |name: &str| layers.topic_value(topic_def(name).unwrap(), &none);
        assert_eq!(value("retention.ms").as_deref(), Some("7200000"));
        assert_eq!(value("segment.ms").as_deref(), Some("3600000"));
        let finer = given(&[("log.retention.hours", "2"), ("log.retention.minutes", "3")]);
        let layers = Layers { dynamic_broker: &none, dynamic_default: &none, file: &finer };
        assert_eq!(layers.topic_value(topic_def("retention.ms").unwrap(), &none).as_deref(), Some("180000"));
    }

    /// Seen on Kafka 4.3.1: `segment.ms` and its like show no synonyms on a broker that sets none of them.
    #[test]
    fn a_default_under_another_name_is_no_synonym() {
        let none = Given::new();
        let layers = Layers { dynamic_broker: &none, dynamic_default: &none, file: &none };
        let setting = layers.topic(topic_def("segment.ms").unwrap(), &none);
        assert_eq!((setting.value.as_deref(), setting.source), (Some("604800000"), Source::Default));
        assert!(setting.synonyms.is_empty());
        let setting = layers.topic(topic_def("segment.bytes").unwrap(), &none);
        assert_eq!(setting.synonyms.len(), 1);
        assert_eq!(setting.synonyms[0].name, "log.segment.bytes");
    }
}
