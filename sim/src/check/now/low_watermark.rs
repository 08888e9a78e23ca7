//! DeleteRecords is answered when no replica in sync has the records any more (KIP-107): whoever of them leads next does not show them.
//! Then all is gone that was to go: with -1 all that was committed when it was asked.

use super::counted::Counted;
use super::{At, Broken};
use crate::disk::Disk;
use crate::node::Node;
use crate::table::Map;
use esker_core::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionKey};
use esker_core::io::FileName;
use esker_core::metadata::Image;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

/// What is asked for, and what the answers of the present input told.
#[derive(Debug, Default)]
pub struct LowWatermark {
    asked: Map<At, Vec<Asked>>,
    told: Vec<Told>,
}

/// A partition of an answer.
#[derive(Debug)]
struct Told {
    key: PartitionKey,
    low: Offset,
    /// What was known when it was asked, if that is known.
    asked: Option<(LeaderEpoch, Vec<(NodeId, BrokerEpoch)>)>,
}

/// A partition of a request.
#[derive(Debug)]
struct Asked {
    key: PartitionKey,
    /// Up to where it is to be deleted.
    upto: Offset,
    /// The leader that was asked.
    leader: NodeId,
    /// Its replicas that live since it was asked, by their registrations. One partition may be done while the answer waits for others: who is
    /// a replica, or comes back, since then need not have been waited for (seeds 530602244111, 61129074993).
    living: Vec<(NodeId, BrokerEpoch)>,
    /// And it may have been done in this epoch of its leader, who leads in a later one when the answer leaves (seed 50000002830).
    epoch: LeaderEpoch,
}

impl LowWatermark {
    pub fn on_request(&mut self, at: At, request: &DeleteRecordsRequest, core: &Core) {
        let mut asked = Vec::new();
        for topic in &request.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            for part in &topic.partitions {
                let key = PartitionKey { topic: id, partition: part.partition_index };
                let committed =
                    core.partitions.get(key).filter(|replica| replica.is_leader()).map(Partition::watermark);
                let upto = if part.offset < 0 { committed } else { Some(Offset(part.offset)) };
                let replicas = core.partitions.get(key).and_then(Partition::state).map(|state| &state.replicas[..]);
                let living = replicas.unwrap_or_default().iter().filter_map(|node| lives(*node, &core.image));
                let epoch = core.partitions.get(key).map_or(LeaderEpoch::NONE, Partition::leader_epoch);
                asked.extend(upto.map(|upto| Asked {
                    key,
                    upto,
                    leader: core.config.node,
                    living: living.collect(),
                    epoch,
                }));
            }
        }
        self.asked.insert(at, asked);
    }

    pub fn on_reply(&mut self, at: At, response: &DeleteRecordsResponse, core: &Core) -> Result<(), Broken> {
        let asked = self.asked.remove(&at).unwrap_or_default();
        for topic in &response.topics {
            let Some(id) = core.image.topic_named(&topic.name).map(|topic| topic.id) else { continue };
            for part in topic.partitions.iter().filter(|part| part.error_code == 0) {
                let (key, told) =
                    (PartitionKey { topic: id, partition: part.partition_index }, Offset(part.low_watermark));
                let wanted = asked.iter().find(|wanted| wanted.key == key);
                let asked = wanted.map(|wanted| (wanted.epoch, wanted.living.clone()));
                self.told.push(Told { key, low: told, asked });
                if let Some(wanted) = wanted {
                    judge_done(key, wanted.upto, told)?;
                }
            }
        }
        Ok(())
    }

    /// The node has handled its input. `gone`: the node whose disk was lost, and with it where its logs started.
    pub fn look(
        &mut self,
        node: usize,
        core: &Core,
        gone: Option<usize>,
        nodes: &[Node],
        counted: &Counted,
    ) -> Result<(), Broken> {
        for asked in self.asked.values_mut().flatten().filter(|asked| asked.leader == core.config.node) {
            asked.living.retain(|known| lives(known.0, &core.image) == Some(*known));
        }
        for Told { key, low: told, asked } in self.told.drain(..) {
            let Some(leader) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
            let Some(state) = leader.state() else { continue };
            let asked = asked.filter(|(epoch, _)| *epoch == leader.leader_epoch());
            let living = asked.map(|(_, living)| living).unwrap_or_default();
            let waited_for = |other: &&NodeId| {
                **other != leader.me() && lives(**other, &core.image).is_some_and(|known| living.contains(&known))
            };
            for other in state.replicas.iter().filter(waited_for) {
                let heard = counted.start(node, leader, *other);
                judge_heard(leader.folder(), told, other.0, heard)?;
            }
            for member in state.isr.iter().filter(|member| gone != Some(member.0 as usize - 1)) {
                let process = nodes.get(member.0 as usize - 1).and_then(|node| node.process.as_ref());
                let replica = process.and_then(|process| process.broker.node().partitions.get(key));
                // Who knows of a later epoch may have been dropped, and made anew.
                let same = |replica: &&Partition| replica.leader_epoch() <= leader.leader_epoch();
                let alive = replica.filter(|replica| replica.is_open() && replica.is_online()).filter(same);
                if let Some(replica) = alive {
                    judge(leader.folder(), told, member.0, replica.log_start())?;
                    // No crash brings them back: that is written down, or the first segment begins there.
                    let disk = nodes.get(member.0 as usize - 1).map(|node| &node.disk);
                    let written = disk.and_then(|disk| written(disk, replica.folder()));
                    judge(leader.folder(), told, member.0, written.unwrap_or(Offset::ZERO))?;
                }
            }
        }
        Ok(())
    }
}

/// A broker that is in service, by its registration.
fn lives(node: NodeId, image: &Image) -> Option<(NodeId, BrokerEpoch)> {
    image.broker(node).filter(|_| image.alive(node)).map(|broker| (node, broker.epoch))
}

/// Where a log starts after a crash, as the disk has it on the medium.
fn written(disk: &Disk, folder: &str) -> Option<Offset> {
    let root = disk.named("")?.file(FileName::LogStartOffsets);
    let text = root.map(|file| String::from_utf8_lossy(file.held()).into_owned()).unwrap_or_default();
    let named = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let name = format!("{}-{}", words.next()?, words.next()?);
        (name == folder).then(|| words.next()?.parse().ok()).flatten()
    });
    let segments = disk.named(folder)?.lasting().filter_map(|name| match name {
        FileName::Log(base) => Some(base.0),
        _ => None,
    });
    named.max().max(segments.min()).map(Offset)
}

/// All below `upto` was to be deleted, and the answer says that there is nothing below `told`.
fn judge_done(key: PartitionKey, upto: Offset, told: Offset) -> Result<(), Broken> {
    if told >= upto {
        return Ok(());
    }
    Err(("not-deleted", format!("says that {key} has nothing below {told}; what is below {upto} was to be deleted")))
}

/// `heard`: where the replica said, in this epoch of its leader, that its log starts.
fn judge_heard(folder: &str, told: Offset, replica: i32, heard: Option<Offset>) -> Result<(), Broken> {
    if heard.is_some_and(|heard| heard >= told) {
        return Ok(());
    }
    let what = format!("says that {folder} has nothing below {told}; {replica} said that its log starts at {heard:?}");
    Err(("deleted-unheard", what))
}

fn judge(folder: &str, told: Offset, member: i32, start: Offset) -> Result<(), Broken> {
    if start >= told {
        return Ok(());
    }
    Err((
        "deleted-here-alone",
        format!("says that {folder} has nothing below {told}; {member} is in sync, and its log starts at {start}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_still_has_the_records_is_caught() {
        assert!(judge("t-0", Offset(4), 2, Offset(4)).is_ok());
        assert_eq!(judge("t-0", Offset(4), 2, Offset(3)).unwrap_err().0, "deleted-here-alone");
    }

    #[test]
    fn who_did_not_say_where_its_log_starts_is_waited_for() {
        let judge = |heard: Option<i64>| judge_heard("t-0", Offset(4), 2, heard.map(Offset)).map_err(|broken| broken.0);
        assert_eq!(judge(Some(4)), Ok(()));
        assert_eq!(
            (judge(Some(3)), judge(Some(-1)), judge(None)),
            (Err("deleted-unheard"), Err("deleted-unheard"), Err("deleted-unheard"))
        );
    }

    #[test]
    fn less_than_was_asked_for_is_caught() {
        let key = PartitionKey { topic: esker_core::id::Uuid(1), partition: 0 };
        assert!(judge_done(key, Offset(4), Offset(4)).is_ok());
        assert_eq!(judge_done(key, Offset(4), Offset(3)).unwrap_err().0, "not-deleted");
    }
}
