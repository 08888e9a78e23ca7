//! What the controller is told once, from the node's configuration.

use crate::config::{BrokerSettings, Given, NodeConfig, TopicDefaults};
use crate::id::{NodeId, Uuid};
use crate::metadata::Text;

/// The part of the node's configuration that the controller decides by.
#[derive(Clone, Debug)]
pub struct Settings {
    pub node: NodeId,
    /// This process, if it is the quorum's only voter. The metadata log is in its folder then, and nowhere else: whoever was
    /// registered under its id before had the folder's lock, and is gone.
    pub alone: Option<Uuid>,
    /// Draws topic ids and the cluster's id.
    pub seed: u64,
    /// `cluster.id`, if the configuration names one.
    pub cluster_id: Option<Text>,
    pub topics: TopicDefaults,
    pub brokers: BrokerSettings,
    /// Names and values of the node's file: the lowest layer of every config.
    pub file: Given,
}

impl Settings {
    pub fn of(config: &NodeConfig) -> Self {
        Self {
            node: config.node,
            alone: config.is_alone().then_some(config.identity.incarnation),
            seed: config.identity.seed,
            cluster_id: config.identity.cluster.as_deref().map(Text::from),
            topics: config.topics.clone(),
            brokers: config.brokers.clone(),
            file: config.file.clone(),
        }
    }
}
