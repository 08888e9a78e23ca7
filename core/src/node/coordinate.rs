//! What the group coordinator decides is carried out: records are appended to `__consumer_offsets`, replies leave.

use super::{Appender, Node, Waiting};
use crate::batch::Builder;
use crate::error::ErrorCode;
use crate::group::{self, Append, Decision, Groups};
use crate::id::{HoldId, Offset, PartitionKey};
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::collections::VecDeque;
use bytes::Bytes;

impl Node {
    /// A request to the group coordinator: its row waits for the coordinator's release, and `act` hands the request over.
    pub fn ask_groups(&mut self, now: Now, ask: Ask, act: impl FnOnce(&mut Groups, HoldId, &Ask) -> Decision) {
        self.learn_offsets_topic();
        let hold = self.hold.insert(ask.clone(), now.mono, None, Waiting::Group);
        let decision = act(&mut self.groups, hold, &ask);
        self.coordinate(now, decision);
    }

    /// How many partitions `__consumer_offsets` has decides which one a group is in.
    fn learn_offsets_topic(&mut self) {
        if let Some(topic) = self.image.topic_named(group::TOPIC) {
            self.groups.set_topic_partitions(topic.partitions.len());
        }
    }

    /// The partition of `__consumer_offsets` that a group is in; `None`: the topic is not there.
    pub fn coordinator_of(&mut self, group: &str) -> Option<PartitionKey> {
        self.learn_offsets_topic();
        self.offsets_partition(if mutant::is(Mutant::CoordinatorOfFirst) { 0 } else { self.groups.partition_of(group) })
    }

    /// Carries out a decision of the coordinator, and those that follow from it.
    pub fn coordinate(&mut self, now: Now, decision: Decision) {
        let mut appends = VecDeque::from(decision.appends);
        self.release(decision.releases);
        while let Some(append) = appends.pop_front() {
            let next = match self.append_offsets(now, &append) {
                Ok(base) => self.groups.on_appended(now, append.partition, base),
                Err(code) => self.groups.on_append_failed(now, append.partition, code),
            };
            appends.extend(next.appends);
            self.release(next.releases);
        }
    }

    fn release(&mut self, releases: impl IntoIterator<Item = group::Release>) {
        for group::Release { hold, response } in releases {
            // The row is gone if its connection is.
            let Some(row) = self.hold.take(hold) else { continue };
            let version = row.ask.version;
            row.ask.reply(&mut self.out, group::shape(response, version));
        }
    }

    /// The partition of `__consumer_offsets` of that number, if the topic is there.
    pub fn offsets_partition(&self, partition: i32) -> Option<PartitionKey> {
        let topic = self.image.topic_named(group::TOPIC)?.id;
        Some(PartitionKey { topic, partition })
    }

    fn append_offsets(&mut self, now: Now, append: &Append) -> Result<Offset, ErrorCode> {
        let key = self.offsets_partition(append.partition).ok_or(ErrorCode::NotLeaderOrFollower)?;
        let batch = batch(now, append);
        let size = batch.len() as u64;
        self.room.admit(Appender::Coordinator, size, &mut self.out)?;
        let partition = self.partitions.get_mut(key).ok_or(ErrorCode::NotLeaderOrFollower)?;
        let dir = partition.dir();
        let (appended, event) = partition.append_internal(now, batch, &mut self.out).map_err(|refusal| refusal.code)?;
        self.partitions.note(dir, event);
        self.room.spend(size);
        Ok(appended.base)
    }
}

fn batch(now: Now, append: &Append) -> Bytes {
    let mut batch = Builder::new();
    for record in &append.records {
        batch.push(now.wall.0, Some(&record.key), record.value.as_deref(), &[]);
    }
    batch.finish()
}
