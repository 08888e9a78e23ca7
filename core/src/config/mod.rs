//! Names, types, defaults and ranges of every config, and the typed settings that the machines read.
//!
//! * [`def`](Def) is one config; [`TOPIC`] and [`BROKER`] are all of them.
//! * [`Layers`] says which value is in force and where it comes from: DescribeConfigs' answer.
//! * [`TopicConfig`] and [`NodeConfig`] are the same, typed.

mod broker_table;
mod def;
mod dynamic;
mod layers;
mod listeners;
mod nearest;
mod node;
mod settings;
mod topic;
mod topic_table;

pub use broker_table::BROKER;
pub use def::{Change, Def, Kind, Range, Use, list_of};
pub use dynamic::check_dynamic;
pub use layers::{Given, Layers, Setting, Source, Synonym};
pub use listeners::{Door, Voter};
pub use node::{Accepted, ConfigError, Identity, NodeConfig};
pub use settings::{
    BrokerSettings, ChoreSettings, FetchSettings, GroupSettings, LimitSettings, ProducerSettings, QuorumSettings,
    ReplicaSettings, TopicDefaults,
};
pub use topic::{Cleanup, Compression, Durability, TimestampType, TopicConfig};
pub use topic_table::TOPIC;

use crate::error::{ErrorCode, Refusal};
use alloc::format;

/// A topic's config by name.
pub fn topic_def(name: &str) -> Option<&'static Def> {
    def::find(TOPIC, name)
}

/// A broker's config by name.
pub fn broker_def(name: &str) -> Option<&'static Def> {
    def::find(BROKER, name)
}

/// Whether a topic may be given this value. Refuses with `INVALID_CONFIG`, as Kafka does.
pub fn check_topic(name: &str, value: &str) -> Result<(), Refusal> {
    let Some(def) = topic_def(name) else {
        return Err(Refusal::because(ErrorCode::InvalidConfig, format!("Unknown topic config name: {name}")));
    };
    def.check(value)?;
    refuse_promise(def, value)
}

fn refuse_promise(def: &Def, value: &str) -> Result<(), Refusal> {
    let default = def.default.unwrap_or("");
    if def.used == Use::Protects && !value.eq_ignore_ascii_case(default) {
        let text = format!("Invalid value for configuration {}: it is not supported by this broker", def.name);
        return Err(Refusal::because(ErrorCode::InvalidConfig, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_whole() {
        for table in [TOPIC, BROKER] {
            assert!(table.windows(2).all(|pair| pair[0].name < pair[1].name));
            for def in table {
                assert!(def.used != Use::Used || !def.doc.is_empty(), "{}", def.name);
                if let Some(default) = def.default {
                    assert_eq!(def.check(default), Ok(()), "{}", def.name);
                }
            }
        }
        for def in TOPIC {
            assert!(def.broker.is_none_or(|name| broker_def(name).is_some()), "{}", def.name);
        }
    }

    #[test]
    fn a_topic_is_promised_nothing_that_is_not_built() {
        assert_eq!(check_topic("remote.storage.enable", "true").unwrap_err().code, ErrorCode::InvalidConfig);
    }
}
