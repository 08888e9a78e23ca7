//! What a cluster at rest is like: everybody serves, every replica is in sync and like its leader, leaders are where they are preferred,
//! groups have given out all there is, moves are over. Until it is so, a run does not end.

use super::{Kind, World};
use crate::net::Peer;
use crate::plan::EXPIRY;
use esker_core::id::{LeaderEpoch, NodeId, PartitionKey};
use esker_core::io::FileName;
use esker_core::log::layout::{self, Folder};
use esker_core::metadata::{Image, Partition, Topic};
use esker_core::node::Node as Core;
use esker_core::partition::Partition as Replica;
use esker_core::quorum;
use esker_core::time::Span;
use std::collections::BTreeSet;

/// The longest `file.delete.delay.ms` of a plan's topics.
const DELETE_DELAY_MAX: Span = Span::from_millis(5_000);

/// So long after all is healed the voters have had the time to agree on a leader, in microseconds.
const ELECTIONS_US: u64 = 3_000_000;
/// Epochs that the quorum may take from then on: one is for a leader that dies for good, and its votes may be split.
const ELECTIONS_MAX: i32 = 4;

impl World {
    /// What is not as it must be at the end.
    pub(super) fn unsettled(&self) -> Option<String> {
        // What a client misses may be for want of something in the cluster.
        let why = |missed: String| self.unequal().map_or(missed.clone(), |why| format!("{missed}: {why}"));
        let gone = self.perished.map(|place| place as Peer);
        let client = || self.seats.iter().find_map(|seat| seat.client.settled(gone).err()).map(why);
        self.unready()
            .or_else(client)
            .or_else(|| self.unread())
            .or_else(|| self.unmoved())
            .or_else(|| self.unequal())
            .or_else(|| self.unkept())
            .or_else(|| self.overdue())
            .or_else(|| self.outstayed())
            .or_else(|| self.undeleted())
            .or_else(|| self.littered())
    }

    /// A node that does not serve, though it is to.
    fn unready(&self) -> Option<String> {
        let mut nodes = self.nodes.iter().enumerate().filter(|(place, _)| self.perished != Some(*place));
        let idle = nodes.find(|(_, node)| node.process.as_ref().is_none_or(|process| !process.ready));
        idle.map(|(_, node)| format!("node {} does not serve", node.id))
    }

    /// A log that is longer, or older, than it may be.
    fn outstayed(&self) -> Option<String> {
        // Else it takes minutes.
        self.plan.settings.get("log.retention.check.interval.ms")?;
        self.nodes.iter().enumerate().find_map(|(place, node)| {
            let core = node.process.as_ref()?.broker.node();
            let what = self.watch.outstayed(place, core, node.clock.now(self.now).wall.0)?;
            Some(format!("on node {} {what}", node.id))
        })
    }

    /// A segment that was dropped, and whose file is still there when `file.delete.delay.ms` are over; where that is not a minute.
    fn undeleted(&self) -> Option<String> {
        self.cores().find_map(|(id, core)| {
            let disk = &self.nodes[id.0 as usize - 1].disk;
            let soon = |replica: &&Replica| replica.log().config().file_delete_delay <= DELETE_DELAY_MAX;
            let kept = core.partitions.iter().filter(|replica| replica.is_online() && replica.is_open()).filter(soon);
            let mut folders = kept.filter_map(|replica| Some((replica.folder(), disk.named(replica.folder())?)));
            let retired = |(name, _): &(FileName, u64)| matches!(name, FileName::RetiredLog(_));
            folders.find_map(|(name, folder)| {
                let (file, _) = folder.list().find(retired)?;
                Some(format!("node {id} still has {file:?} in {name}, which was dropped"))
            })
        })
    }

    /// A file of what a log does not have any more: an index without its segment, or a snapshot of producers before its first one.
    fn littered(&self) -> Option<String> {
        self.cores().find_map(|(id, core)| {
            let disk = &self.nodes[id.0 as usize - 1].disk;
            let open = core.partitions.iter().filter(|replica| replica.is_online() && replica.is_open());
            let mut folders = open.filter_map(|replica| Some((replica, disk.named(replica.folder())?)));
            folders.find_map(|(replica, folder)| {
                let first = folder
                    .list()
                    .find_map(|(name, _)| if let FileName::Log(base) = name { Some(base) } else { None })?;
                let (file, _) = folder.list().find(|(name, _)| match name {
                    FileName::Index(base) | FileName::TimeIndex(base) | FileName::TxnIndex(base) => {
                        folder.file(FileName::Log(*base)).is_none()
                    }
                    FileName::ProducerSnapshot(offset) => *offset < first || *offset > replica.log_end(),
                    _ => false,
                })?;
                Some(format!("node {id} still has {file:?} in {}, which begins at {first}", replica.folder()))
            })
        })
    }

    /// A committed offset whose time is over, and that its coordinator keeps.
    fn overdue(&self) -> Option<String> {
        self.plan.settings.get(EXPIRY)?;
        let mut living = self.nodes.iter().filter_map(|node| Some((node, node.process.as_ref()?)));
        living.find_map(|(node, process)| {
            let group = process.broker.node().groups.overdue(node.clock.now(self.now).wall)?;
            Some(format!("node {} keeps an offset of {} whose time is over", node.id, group.as_str()))
        })
    }

    /// A partition that no member of the group has, though there are members that want it: one that is gone keeps it.
    fn unread(&self) -> Option<String> {
        let mut wanted = BTreeSet::new();
        let mut had = BTreeSet::new();
        for part in self.seats.iter().filter_map(|seat| seat.client.part()) {
            wanted.extend(part.wanted.into_iter().map(|partition| (part.group, partition)));
            had.extend(part.has.into_iter().map(|partition| (part.group, partition)));
        }
        let (group, missing) = wanted.difference(&had).next()?;
        Some(format!("partition {missing} belongs to no member of the group {group} that lives"))
    }

    fn cores(&self) -> impl Iterator<Item = (NodeId, &Core)> {
        self.nodes.iter().filter_map(|node| Some((node.id, node.process.as_ref()?.broker.node())))
    }

    fn core(&self, id: NodeId) -> Option<&Core> {
        Some(self.nodes.get(id.0 as usize - 1)?.process.as_ref()?.broker.node())
    }

    /// The cluster's state as whoever knows the most of it has it.
    fn image(&self) -> Option<&Image> {
        Some(&self.cores().max_by_key(|(_, core)| core.image.offset())?.1.image)
    }

    /// A move of replicas that has not come to its end, or one that has and of which a node does not know: what it is to drop is
    /// still there.
    fn unmoved(&self) -> Option<String> {
        let image = self.image()?;
        if let Some((topic, key, state)) = each(image).find(|(_, _, state)| state.is_reassigning()) {
            return Some(format!("{}-{} is still on the move: {state}", topic.name, key.partition));
        }
        self.cores().find_map(|(id, core)| {
            let mine = |key| image.partition(key).is_some_and(|state| state.has_replica(id));
            if let Some(kept) = core.partitions.iter().find(|replica| !mine(replica.key())) {
                return Some(format!("node {id} still keeps {}, which is others'", kept.folder()));
            }
            let used = |name: &str| core.partitions.iter().any(|replica| replica.folder() == name);
            let partition = |name: &str| matches!(layout::folder(name), Some(Folder::Partition { .. }));
            let mut names = self.nodes[id.0 as usize - 1].disk.names();
            let stray = names.find(|name| *name != quorum::FOLDER && partition(name) && !used(name))?;
            Some(format!("node {id} still has the folder {stray}, which is nobody's"))
        })
    }

    /// A replica that is not in sync, or lacks what its leader has; a topic without the settings that it was made with.
    pub(super) fn unequal(&self) -> Option<String> {
        let image = self.image()?;
        let gone = self.perished.map(|place| self.nodes[place].id);
        // Where calls break before a Fetch without news is answered, a follower of a log at rest is not told how far it is committed.
        let told = self.plan.call_timeout_us >= 700_000;
        for (topic, key, state) in each(image) {
            let there: Vec<NodeId> = state.replicas.iter().copied().filter(|node| Some(*node) != gone).collect();
            let name = format!("{}-{}", topic.name, key.partition);
            if there.iter().any(|node| !state.in_sync(*node)) {
                return Some(format!("{name} has not all in sync: {state}"));
            }
            let leader = state.leader.and_then(|leader| self.core(leader)?.partitions.get(key));
            let Some(leader) = leader.filter(|leader| leader.is_leader()) else {
                return Some(format!("{name} is not led by its leader: {state}"));
            };
            for core in there.iter().filter_map(|node| self.core(*node)) {
                let Some(other) = core.partitions.get(key) else { return Some(format!("{name} has a replica less")) };
                let behind = told && other.watermark() != leader.watermark();
                if behind || other.log_end() != leader.log_end() || other.log_start() < leader.log_start() {
                    let stands = |of: &Replica| format!("{} {} {}", of.log_start(), of.watermark(), of.log_end());
                    let (its, own) = (stands(other), stands(leader));
                    return Some(format!("{name} stands at {its} on {}, and on its leader at {own}", other.me()));
                }
            }
        }
        self.unset(image)
    }

    /// A partition that is not led by whom it prefers, though a controller has had the time to see to it.
    pub(super) fn unled(&self) -> Option<String> {
        // Else it takes minutes.
        if !self.plan.settings.contains_key("leader.imbalance.check.interval.seconds") {
            return None;
        }
        let gone = self.perished.map(|place| self.nodes[place].id);
        let preferred = |state: &Partition| state.replicas.first().copied().filter(|first| Some(*first) != gone);
        let (topic, key, state) = each(self.image()?).find(|(_, _, state)| {
            preferred(state).is_some_and(|first| state.in_sync(first) && state.leader != Some(first))
        })?;
        Some(format!("{}-{} is not led by whom it prefers: {state}", topic.name, key.partition))
    }

    /// Where elections of the quorum follow each other no controller stays for long enough to move leaders back.
    pub(super) fn note_controller(&mut self) {
        let epoch = self.cores().map(|(_, core)| core.quorum.epoch()).max();
        // Where messages are held up for about as long as a voter waits for its leader it has reason to ask for another (seed 90000008728).
        let steady = self.plan.node_links.spike_one_in == 0;
        if let Some(epoch) = epoch.filter(|_| steady && self.now > self.plan.phases.safety_us + ELECTIONS_US) {
            let first = *self.epoch_at_rest.get_or_insert(epoch);
            if epoch.0 > first.0 + ELECTIONS_MAX {
                let what =
                    format!("the quorum's epoch was {first} when all had been whole for a while, and is {epoch}");
                self.fail(Kind::Liveness, "restless", what);
            }
        }
        if epoch.is_some_and(|epoch| epoch != self.controller_since.0) {
            self.controller_since = (epoch.unwrap_or(LeaderEpoch::NONE), self.now);
        }
    }

    fn unset(&self, image: &Image) -> Option<String> {
        self.plan.topics.iter().find_map(|wanted| {
            let topic = image.topic_named(&wanted.name)?;
            let other = wanted.settings.iter().find(|(name, value)| topic.configs.get(*name) != Some(value))?;
            Some(format!("{} lacks its setting {}={}", wanted.name, other.0, other.1))
        })
    }

    /// All is healed and whole: who is to die for good can be done without now, and dies. Not in order, and its host says nothing.
    pub(super) fn look_for_end(&mut self) {
        let Some(turn) = self.armed.iter().position(|place| self.plan.faults[*place].strike.is_for_good()) else {
            return;
        };
        if !self.healed || self.unready().or_else(|| self.unmoved()).or_else(|| self.unequal()).is_some() {
            return;
        }
        // A leader may have asked to be in sync alone, before all was healed (seed 910002588).
        if self.cores().any(|(_, core)| core.partitions.iter().any(Replica::is_isr_pending)) {
            return;
        }
        // And a controller that was cut off may have decided that the others are gone: they have that in their logs already, and it is
        // committed when it dies (seed 61129080494).
        let undecided = |core: &Core| core.controller.is_some() && core.quorum.watermark() < core.quorum.end();
        if self.cores().any(|(_, core)| undecided(core)) {
            return;
        }
        let place = self.armed.remove(turn);
        self.perish(place);
    }
}

fn each(image: &Image) -> impl Iterator<Item = (&Topic, PartitionKey, &Partition)> {
    image.topics().flat_map(|topic| topic.each_partition().map(move |(key, state)| (topic, key, state)))
}
