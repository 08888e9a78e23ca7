//! A run as a person sees it afterwards: who lived, who led what in which epoch, where the watermarks stood, moment by moment.
//!
//! After every event all nodes are looked at, and what changed is written down. Costs as much as the run itself, so only a
//! run that is to be shown is filmed.

use crate::node::Node;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a node does as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    Down,
    /// The process runs and does not serve yet.
    Boots,
    Serves,
    /// It stands still.
    Paused,
}

/// A change of something that has a value at every moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Shot<T> {
    /// In microseconds of virtual time.
    pub t: u64,
    #[serde(flatten)]
    pub is: T,
}

/// A node's part in the metadata quorum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Quorum {
    pub role: &'static str,
    pub epoch: i32,
}

/// A node's part in a partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// `leads`, `follows`, `opens`, `offline`.
    pub role: &'static str,
    pub epoch: i32,
    /// The in-sync set, as the leader knows it.
    pub isr: Vec<i32>,
}

/// How far a replica is: `[t, start, watermark, synced end, end]`.
pub type Reach = (u64, i64, i64, i64, i64);

/// What is known of one node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reel {
    pub life: Vec<Shot<Alive>>,
    pub quorum: Vec<Shot<Quorum>>,
    /// By the partition's folder; a part whose role is empty is none.
    pub parts: BTreeMap<String, Vec<Shot<Part>>>,
    pub reach: BTreeMap<String, Vec<Reach>>,
}

/// [`Life`] under its name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Alive {
    pub life: Life,
}

/// The film of a run: a reel a node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Film {
    pub reels: Vec<Reel>,
}

/// Keeps a value if it is not the last one.
fn keep<T: PartialEq>(of: &mut Vec<Shot<T>>, t: u64, is: T) {
    if of.last().is_none_or(|last| last.is != is) {
        of.push(Shot { t, is });
    }
}

impl Film {
    /// Looks at all nodes.
    pub fn look(&mut self, t: u64, nodes: &[Node]) {
        self.reels.resize_with(nodes.len(), Reel::default);
        for (reel, node) in self.reels.iter_mut().zip(nodes) {
            reel.look(t, node);
        }
    }
}

impl Reel {
    fn look(&mut self, t: u64, node: &Node) {
        let Some(process) = &node.process else {
            keep(&mut self.life, t, Alive { life: Life::Down });
            keep(&mut self.quorum, t, Quorum { role: "", epoch: 0 });
            self.parts.values_mut().for_each(|shots| keep(shots, t, Part { role: "", epoch: 0, isr: Vec::new() }));
            return;
        };
        let life = match (node.paused_until.is_some(), process.ready) {
            (true, _) => Life::Paused,
            (false, true) => Life::Serves,
            (false, false) => Life::Boots,
        };
        keep(&mut self.life, t, Alive { life });
        let core = process.broker.node();
        keep(&mut self.quorum, t, Quorum { role: core.quorum.role_name(), epoch: core.quorum.epoch().0 });
        for partition in core.partitions.iter() {
            let role = if partition.is_opening() {
                "opens"
            } else if !partition.is_online() {
                "offline"
            } else if partition.is_leader() {
                "leads"
            } else {
                "follows"
            };
            let isr = partition.state().map(|state| state.isr.iter().map(|node| node.0).collect()).unwrap_or_default();
            let folder = partition.folder();
            if !self.parts.contains_key(folder) {
                self.parts.insert(folder.into(), Vec::new());
                self.reach.insert(folder.into(), Vec::new());
            }
            if let Some(shots) = self.parts.get_mut(folder) {
                keep(shots, t, Part { role, epoch: partition.leader_epoch().0, isr });
            }
            if !partition.is_open() || !partition.is_online() {
                continue;
            }
            let log = partition.log();
            let (start, end) = (partition.log_start().0, partition.log_end().0);
            let reach = (t, start, partition.watermark().0, log.synced().0, end);
            if let Some(known) = self.reach.get_mut(folder)
                && known
                    .last()
                    .is_none_or(|last| (last.1, last.2, last.3, last.4) != (reach.1, reach.2, reach.3, reach.4))
            {
                known.push(reach);
            }
        }
    }
}
