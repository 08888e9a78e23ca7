//! Bits that flip on a disk, writes that go nowhere or elsewhere, and disks that are lost: in what is committed, and what another replica in sync has as well.

use super::World;
use crate::dice::Dice;
use crate::disk::{File, Folder, Loss};
use crate::node::Node;
use crate::plan::Damage;
use esker_core::batch::Batches;
use esker_core::id::{NodeId, Offset};
use esker_core::io::FileName;
use esker_core::log::SyncPolicy;
use esker_core::metadata::{Partition, Topic};
use esker_core::node::Node as Core;
use std::collections::BTreeMap;

/// Where a batch's CRC begins to protect it: before that lie its base offset, length, leader epoch and magic.
const PROTECTED_FROM: usize = 21;
/// Less than any batch is long.
const SHIFT_MAX: u64 = 60;

impl World {
    /// Damages a place on the disk of a node, if there is one that may be lost there.
    pub(super) fn rot(&mut self, node: usize, damage: Damage, dice: &mut Dice) {
        if *self.rotten.get_or_insert(node) != node {
            return;
        }
        let places = self.perishable(node);
        if places.is_empty() {
            return;
        }
        let (folder, name, batches) = &places[dice.below(places.len() as u64) as usize];
        // What only the place behind it tells from a torn tail is hit often.
        let last = batches[batches.len() - 1];
        let (at, len) = if dice.chance(1, 3) { last } else { dice.pick(batches) };
        let byte = at + PROTECTED_FROM + dice.below((len - PROTECTED_FROM) as u64) as usize;
        if let Some(file) = self.nodes[node].disk.named_mut(folder).and_then(|folder| folder.file_mut(*name).ok()) {
            match damage {
                Damage::Flip => file.rot(byte),
                // A whole batch, or its end.
                Damage::Zeros => {
                    let from = if dice.chance(1, 2) { at } else { byte };
                    file.displace(from, at + len - from, None);
                }
                Damage::Elsewhere => {
                    // Near by, and never a whole batch: that one could be told by nothing.
                    let by = 1 + dice.below(SHIFT_MAX) as usize;
                    let from = if at + len + by <= file.held().len() { at + by } else { at.saturating_sub(by) };
                    file.displace(at, len, Some(from));
                }
            }
            self.watch.on_rot(node);
        }
    }

    /// A node dies; with its disk, if that may be lost.
    pub(super) fn lose_disk(&mut self, node: usize) {
        let may = self.is_dispensable(node) && *self.rotten.get_or_insert(node) == node;
        self.kill(node, Loss::Nothing, true);
        if may {
            self.on_disk_lost(node);
        }
    }

    /// An empty disk is in the place of a node's.
    pub(crate) fn on_disk_lost(&mut self, node: usize) {
        self.nodes[node].disk.lose();
        self.nodes[node].disks += 1;
        self.watch.on_disk_lost(node);
    }

    /// Whether the node serves, nobody knows of a partition in which it alone is in sync, and, if it votes, the other voters are there and
    /// know for good the disk that it votes from.
    fn is_dispensable(&self, node: usize) -> bool {
        let Some(process) = &self.nodes[node].process else { return false };
        let config = &process.broker.node().config;
        let alone = |state: &Partition| state.isr == [config.node];
        let known = |core: &Core| {
            let opened = core.partitions.iter().filter_map(|replica| replica.state());
            opened.chain(core.image.topics().flat_map(Topic::each_partition).map(|(_, state)| state)).any(alone)
        };
        let cores = self.nodes.iter().filter_map(|node| Some(node.process.as_ref()?.broker.node()));
        let votes = |id: NodeId| config.voters.iter().any(|voter| voter.node == id);
        let mut others = self.nodes.iter().filter(|other| other.id != config.node && votes(other.id));
        let own = Some(config.identity.directory);
        // Durably: what it only has in memory it may have forgotten when it is asked for its vote (seed 9221240 at 8395a4e).
        let knows = |other: &Node| {
            other.process.as_ref().map(|process| process.broker.node()).is_some_and(|core| {
                core.quorum.directory_of(config.node) == own && core.quorum.synced() >= core.image.offset()
            })
        };
        let voters = config.voters.len() > 1 && others.all(knows);
        (voters || !config.is_voter()) && process.ready && !cores.into_iter().any(known)
    }

    /// What may rot on a node: of partitions that others have in sync, batches below the watermark, with their place and size by
    /// file. In the last segment, those below the watermark that the node wrote down: what came since (it is written down every five seconds) is
    /// no more than a torn tail to a recovery, if nothing whole stands behind it, and a replica that alone is in sync then leads without it.
    /// A log that is not synced ends at any bad place. The last segment is that which a crash would leave as the last (seed 74000002151).
    fn perishable(&self, node: usize) -> Vec<(String, FileName, Vec<(usize, usize)>)> {
        let own = &self.nodes[node];
        let Some(process) = &own.process else { return Vec::new() };
        let written = own.disk.named("").map(written).unwrap_or_default();
        let mut places = Vec::new();
        let me = NodeId(node as i32 + 1);
        for replica in process.broker.node().partitions.iter() {
            let shared = replica.state().is_some_and(|state| state.isr.iter().any(|member| *member != me));
            let Some(folder) = own.disk.named(replica.folder()).filter(|_| shared && replica.is_online()) else {
                continue;
            };
            let bases: Vec<Offset> = folder.list().filter_map(|(name, _)| base_of(name)).collect();
            let promises = replica.log().config().sync == SyncPolicy::Always;
            let last = written.get(replica.folder()).copied().filter(|_| promises).unwrap_or(Offset::ZERO);
            let last = last.min(replica.watermark());
            let lasts = |next: Offset| folder.lasting().any(|name| base_of(name) == Some(next));
            let closed = bases.iter().skip(1).map(|next| {
                if *next > replica.watermark() {
                    Offset::ZERO
                } else if lasts(*next) {
                    *next
                } else {
                    last.min(*next)
                }
            });
            for (base, below) in bases.iter().zip(closed.chain([last])) {
                let name = FileName::Log(*base);
                let held = folder.file(name).map(File::held).unwrap_or_default();
                let mut at = 0;
                let batches: Vec<(usize, usize)> = Batches::of(held)
                    .take_while(|(header, _)| header.last_offset() < below)
                    .map(|(_, batch)| {
                        at += batch.len();
                        (at - batch.len(), batch.len())
                    })
                    .collect();
                if !batches.is_empty() {
                    places.push((replica.folder().to_string(), name, batches));
                }
            }
        }
        places
    }
}

/// The watermarks that stand durably in `replication-offset-checkpoint`, by folder.
fn written(root: &Folder) -> BTreeMap<String, Offset> {
    let held = root.file(FileName::HighWatermarks).map(File::held).unwrap_or_default();
    let lines = std::str::from_utf8(held).unwrap_or_default().lines().skip(2);
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter_map(|words| {
            let [topic, partition, offset] = words[..] else { return None };
            Some((format!("{topic}-{partition}"), Offset(offset.parse().ok()?)))
        })
        .collect()
}

fn base_of(name: FileName) -> Option<Offset> {
    match name {
        FileName::Log(base) => Some(base),
        _ => None,
    }
}
