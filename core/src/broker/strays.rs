//! Folders that stood at the start and that nobody gave this node: a replica was moved away, or a topic deleted, while it was down.
//!
//! They are renamed and kept (`orders-0` to `orders-0.<unique>-stray`), as Kafka does (`LogManager.loadLog`, `isStrayReplica`): what is in
//! them may be the last there is of it, and only a person can know. What is marked as deleted is deleted.

use super::{Broker, serials, setup};
use crate::id::{PartitionKey, Uuid};
use crate::io::{DiskOp, Note, Owner, STRAY};
use crate::log::layout::{self, Folder};
use crate::mutant::{self, Mutant};
use crate::quorum;
use crate::time::Now;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

impl Broker {
    /// When the node knows what it is to keep, it looks once. Whether anything was done.
    pub(super) fn look_for_strays(&mut self) -> bool {
        let Some(found) = self.roles.found.take() else { return false };
        self.look_for_dead_lines(&found);
        let moved = !found.is_empty() || self.roles.gave_up;
        for name in found.into_iter().filter(|name| name != quorum::FOLDER) {
            match layout::folder(&name) {
                Some(Folder::Partition { topic, partition }) if !self.is_mine(&topic, partition) => {
                    let aside = self.stray_name(&name);
                    self.clear_found(name, |dir| {
                        if mutant::is(Mutant::StrayDeleted) {
                            return DiskOp::RemoveDir { dir };
                        }
                        DiskOp::RenameDir { dir, name: aside }
                    });
                }
                Some(Folder::Stray { .. }) => {
                    let text = format!("the folder {name} is nobody's, and is kept: delete it if it is not wanted");
                    self.node.out.note(Note::Text { topic: STRAY, text });
                }
                Some(Folder::Deleted { .. }) => self.clear_found(name, |dir| DiskOp::RemoveDir { dir }),
                Some(Folder::Partition { .. }) | None => {}
            }
        }
        moved
    }

    /// Kafka's checkpoints speak of logs that live. Of a replica of this node whose folder is not there they still tell what it had promised.
    fn look_for_dead_lines(&mut self, found: &[String]) {
        let found: BTreeSet<&String> = found.iter().collect();
        let lines = self.roles.watermarks.keys().chain(self.roles.starts.keys());
        let dead: BTreeSet<String> =
            lines.filter(|name| !found.contains(name) && !self.is_named(name)).cloned().collect();
        dead.into_iter().for_each(|name| self.forget_lines(name));
    }

    /// What the checkpoints say of a folder that is not there is nobody's: the next log of that name is not held to it, and waits until they
    /// say it no more.
    pub(super) fn forget_lines(&mut self, name: String) {
        self.roles.watermarks.remove(&name);
        self.roles.starts.remove(&name);
        self.roles.forgotten.insert(name);
        self.roles.gave_up = true;
    }

    /// The folder of a topic that is no more has the name of one that is: it goes aside, and the replica gets a new one.
    pub(super) fn put_foreign_aside(&mut self, now: Now, key: PartitionKey) {
        let Some(partition) = self.node.partitions.get(key) else { return };
        let aside = self.stray_name(&String::from(partition.folder()));
        self.give_up(now, key, |dir, _| DiskOp::RenameDir { dir, name: aside });
        self.roles.pending.insert(key);
        self.miss(key);
    }

    /// Whether a folder of that name is that of a replica of this node.
    fn is_named(&self, name: &str) -> bool {
        matches!(layout::folder(name), Some(Folder::Partition { topic, partition }) if self.is_mine(&topic, partition))
    }

    fn is_mine(&self, topic: &str, partition: i32) -> bool {
        let Some(topic) = self.node.image.topic_named(topic) else { return false };
        let state = self.node.image.partition(PartitionKey { topic: topic.id, partition });
        state.is_some_and(|state| state.has_replica(self.node.config.node))
    }

    /// Gives a folder that no partition of this process has a number, and lets it go.
    fn clear_found(&mut self, name: String, op: impl FnOnce(crate::id::DirId) -> DiskOp) {
        self.roles.watermarks.remove(&name);
        self.roles.starts.remove(&name);
        let dir = self.node.partitions.new_dir();
        self.node.out.disk(Owner::Node, serials::STRAY, DiskOp::OpenDir { dir, name: name.clone() });
        self.clear(dir, &name, op(dir));
    }

    /// A name that the folder never had; a line says what becomes of it.
    fn stray_name(&mut self, name: &str) -> String {
        let unique = Uuid(setup::stray_stream(&self.node.config, self.roles.strays).next_u128());
        self.roles.strays += 1;
        let (topic, partition) = match layout::folder(name) {
            Some(
                Folder::Partition { topic, partition }
                | Folder::Deleted { topic, partition }
                | Folder::Stray { topic, partition },
            ) => (topic, partition),
            None => (name.into(), 0),
        };
        let aside = layout::stray_folder(&topic, partition, unique);
        let text = format!("no replica of this node is in the folder {name}: it is kept as {aside}");
        self.node.out.note(Note::Text { topic: STRAY, text });
        aside
    }
}
