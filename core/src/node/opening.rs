//! Who is told that a topic is there may use it at once: the answer waits until this node's replicas of it are open.
//!
//! Kafka answers when the change is committed; whoever produces to the topic right then is told `NOT_LEADER_OR_FOLLOWER`, and says so to
//! its user, until the leader has made its log. Where another node leads that may still be so.

use super::{Node, Waiting};
use crate::id::{DirId, HoldId};
use crate::io::Ask;
use crate::metadata::Topic;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Span};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use kafka_protocol::messages::ResponseKind;

/// Logs that take longer are not waited for.
const PATIENCE: Span = Span::from_millis(1_000);

impl Node {
    /// What was asked is committed, and applied here.
    pub(super) fn reply_when_open(&mut self, now: Now, ask: Ask, reply: Box<ResponseKind>) {
        let left = self.opening(&reply);
        if left.is_empty() || mutant::is(Mutant::MadeBeforeOpen) {
            return ask.reply(&mut self.out, *reply);
        }
        let dirs: Box<[DirId]> = left.iter().copied().collect();
        let hold = self.hold.insert(ask, now.mono, Some(now.mono + PATIENCE), Waiting::Opening { reply, left });
        dirs.iter().for_each(|dir| self.hold.watch(hold, *dir));
    }

    /// Whether a replica of what was made has no log here yet: its folder's name is still that of one which is being removed. Looked at again
    /// after every input.
    pub(super) fn is_blocked(&self, now: Now, hold: HoldId) -> bool {
        let Some(row) = self.hold.get(hold).filter(|row| now.mono < row.since + PATIENCE) else { return false };
        let Waiting::Commit { reply } = &row.waiting else { return false };
        let me = self.config.node;
        let mut each = self.made(reply).into_iter().flat_map(|topic| topic.each_partition());
        each.any(|(key, state)| state.has_replica(me) && self.partitions.get(key).is_none())
            && !mutant::is(Mutant::MadeBeforeOpen)
    }

    /// Replicas of what an answer says was made that are not open yet.
    fn opening(&self, reply: &ResponseKind) -> BTreeSet<DirId> {
        let keys = self.made(reply).into_iter().flat_map(|topic| topic.each_partition().map(|(key, _)| key));
        // All of them: which it leads may be another's turn a moment later.
        let own = keys.filter_map(|key| self.partitions.get(key)).filter(|replica| replica.is_opening());
        own.map(|replica| replica.dir()).collect()
    }

    /// The topics of which an answer says that they were made, or got more partitions.
    fn made(&self, reply: &ResponseKind) -> Vec<&Topic> {
        let named = |name: &str| self.image.topic_named(name);
        match reply {
            ResponseKind::CreateTopics(response) => response
                .topics
                .iter()
                .filter(|made| made.error_code == 0)
                .filter_map(|made| named(&made.name))
                .collect(),
            ResponseKind::CreatePartitions(response) => response
                .results
                .iter()
                .filter(|made| made.error_code == 0)
                .filter_map(|made| named(&made.name))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A log that the row watches has moved: perhaps it is open.
pub fn on_moved(node: &mut Node, hold: HoldId, dir: DirId) {
    let key = node.partitions.key_of(dir);
    let opens = key.and_then(|key| node.partitions.get(key)).is_some_and(|replica| replica.is_opening());
    let Some(Waiting::Opening { left, .. }) = node.hold.get_mut(hold) else { return };
    if !opens {
        left.remove(&dir);
    }
    if left.is_empty() {
        on_due(node, hold);
    }
}

/// It has waited for long enough.
pub fn on_due(node: &mut Node, hold: HoldId) {
    let Some(row) = node.hold.take(hold) else { return };
    let Waiting::Opening { reply, .. } = row.waiting else { unreachable!("{hold} waits for logs to open") };
    row.ask.reply(&mut node.out, *reply);
}
