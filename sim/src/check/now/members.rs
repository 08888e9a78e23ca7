//! Whom a leader asks for in its in-sync set: nobody new that lacks what is committed, or still has what was deleted, or is not there; and
//! everybody that held all there was less than `replica.lag.time.max.ms` ago stays (KIP-16, KIP-903), unless it says that what is committed
//! is not whole with it any more. Each is named in the incarnation in which it fetched. What was asked once is asked until it is decided.

use super::{Broken, Glance};
use crate::table::Map;
use bytes::Bytes;
use esker_core::api::fetch::SYNCED_TAG;
use esker_core::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionKey};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{AlterPartitionRequest, FetchRequest};

/// What followers told the leaders of each node.
#[derive(Debug, Default)]
pub struct Members {
    told: Map<(usize, PartitionKey), (LeaderEpoch, Mono, Map<NodeId, Told>)>,
    asked: Map<(usize, PartitionKey), (Asked, Mono)>,
    /// When each node led the quorum last, whether it was the controller yet or not: what it asks itself is not seen, and asked again of the next one.
    controlled: Map<usize, Mono>,
    /// When each node knew of no controller last: what it wanted then it asks the next one for.
    alone: Map<usize, Mono>,
}

/// An in-sync set as it was asked for last, with the epochs of leader and partition.
type Asked = (i32, i32, Vec<i32>);

/// So long it waits until it asks for the same again, whatever it was told.
const PAUSE: Span = Span::from_millis(100);

/// What a follower told last in an epoch.
#[derive(Clone, Copy, Debug)]
struct Told {
    incarnation: BrokerEpoch,
    /// The most, in this incarnation: requests may come late.
    synced: Offset,
    start: Offset,
    /// The last moment when it is known to have held everything.
    whole: Option<Mono>,
    /// Where the log ended at some fetch of its, and when that was: when it holds that, it was behind by no more.
    mark: (Offset, Mono),
    /// When the mark before was made, which it has reached. A leader that made its marks between these knows of this one at least, not
    /// of the last (seed 74000005248).
    reached: Option<Mono>,
}

impl Members {
    pub fn on_start(&mut self, node: usize) {
        self.told.retain(|(of, _), _| *of != node);
        self.asked.retain(|(of, _), _| *of != node);
        self.controlled.remove(&node);
        self.alone.remove(&node);
    }

    /// The node leads the quorum.
    pub fn controls(&mut self, node: usize, now: Mono) {
        self.controlled.insert(node, now);
    }

    /// The node knows of no controller.
    pub fn is_alone(&mut self, node: usize, now: Mono) {
        self.alone.insert(node, now);
    }

    /// A follower's Fetch comes to a node.
    pub fn on_request(&mut self, node: usize, now: Mono, request: &FetchRequest, core: &Core) {
        let of = NodeId(request.replica_state.replica_id.0);
        let incarnation = BrokerEpoch(request.replica_state.replica_epoch);
        // What is refused as a whole, or comes from an incarnation that is over, is not counted.
        let over = core.image.broker(of).is_some_and(|known| known.epoch > incarnation);
        let session = core.sessions.get(request.session_id).map(|session| session.epoch);
        let missed = request.session_epoch > 0 && session != Some(request.session_epoch);
        if of.0 < 0 || over || missed {
            return;
        }
        for topic in &request.topics {
            for part in &topic.partitions {
                let key = PartitionKey { topic: topic.topic_id.into(), partition: part.partition };
                let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) else { continue };
                let epoch = replica.leader_epoch();
                let Some((known, _, told)) = self.told.get_mut(&(node, key)) else { continue };
                let (end, offset) = (replica.log_end(), Offset(part.fetch_offset));
                let (last, ends) = replica.log().epoch_end(LeaderEpoch(part.last_fetched_epoch));
                let diverges = part.last_fetched_epoch >= 0 && (last.0 < part.last_fetched_epoch || ends < offset);
                let outside = offset < replica.log_start() || offset > end;
                if *known != epoch || part.current_leader_epoch != epoch.0 || diverges || outside {
                    continue;
                }
                let field =
                    part.unknown_tagged_fields.get(&SYNCED_TAG).and_then(|field: &Bytes| field[..].try_into().ok());
                let synced = Offset(field.map_or(part.fetch_offset, i64::from_be_bytes));
                let before = told.get(&of).copied();
                // What comes late of an incarnation before is refused, whether its node knows that it is over or not (seed 1795892881607).
                if before.is_some_and(|told| told.incarnation > incarnation && incarnation.0 >= 0) {
                    continue;
                }
                let whole = before.and_then(|told| told.whole);
                let same = before.filter(|told| told.incarnation == incarnation);
                let synced = same.map_or(synced, |told| told.synced.max(synced));
                let (mark, reached) = before.map_or(((end, now), None), |told| (told.mark, told.reached));
                let (whole, mark, reached) = if synced >= end {
                    (Some(now), (end, now), Some(now))
                } else if before.is_some() && synced >= mark.0 {
                    (whole.max(reached), (end, now), Some(mark.1))
                } else {
                    (whole, mark, reached)
                };
                let start = Offset(part.log_start_offset);
                told.insert(of, Told { incarnation, synced, start, whole, mark, reached });
            }
        }
    }

    /// A replica stands otherwise than `before`.
    pub fn look(&mut self, node: usize, now: Mono, partition: &Partition, before: Option<Glance>, is: Glance) {
        let at = (node, partition.key());
        if !is.leads {
            self.told.remove(&at);
            return;
        }
        let led = before.filter(|was| was.leads && was.epoch == is.epoch);
        let Some((_, _, told)) = self.told.get_mut(&at).filter(|(epoch, ..)| *epoch == is.epoch) else {
            self.told.insert(at, (is.epoch, now, Map::default()));
            return;
        };
        // Who had everything had it until the append.
        let grown = led.filter(|was| was.end < is.end).map(|was| was.end);
        for told in told.values_mut().filter(|told| grown.is_some_and(|end| told.synced >= end)) {
            told.whole = Some(now);
        }
    }

    /// A leader asks the controller for in-sync sets.
    pub fn on_call(
        &mut self,
        node: usize,
        now: Mono,
        request: &AlterPartitionRequest,
        core: &Core,
    ) -> Result<(), Broken> {
        for topic in &request.topics {
            for part in &topic.partitions {
                let key = PartitionKey { topic: topic.topic_id.into(), partition: part.partition_index };
                let set = part.new_isr_with_epochs.iter().map(|one| one.broker_id.0).collect();
                let asked = (part.leader_epoch, part.partition_epoch, set);
                let before =
                    self.asked.insert((node, key), (asked.clone(), now)).filter(|(before, _)| *before == asked);
                if let Some((_, at)) = &before {
                    asks_again(&key.to_string(), now.since(*at))?;
                }
                let again = before.is_some();
                let Some(leader) = core.partitions.get(key).filter(|replica| replica.is_leader() && !again) else {
                    continue;
                };
                let Some((epoch, since, told)) = self.told.get(&(node, key)) else { continue };
                if self.controlled.get(&node).is_some_and(|at| at >= since) {
                    continue;
                }
                let Some(state) = leader.state().filter(|state| state.leader_epoch == *epoch) else { continue };
                let stays = |node: NodeId| part.new_isr_with_epochs.iter().any(|one| one.broker_id.0 == node.0);
                let patience = core.config.replicas.lag_max;
                let alone = self.alone.get(&node).is_some_and(|at| *at + patience >= now);
                for gone in state.isr.iter().filter(|one| !alone && **one != leader.me() && !stays(**one)) {
                    let whole = told.get(gone).map(|told| (told.synced, told.whole));
                    let reach = (leader.watermark(), leader.log_end());
                    leaves(leader.folder(), *gone, (whole, *since), reach, (now, patience))?;
                }
                for one in part.new_isr_with_epochs.iter().filter(|one| !state.in_sync(NodeId(one.broker_id.0))) {
                    let node = NodeId(one.broker_id.0);
                    let there = core.image.broker(node).is_some_and(|known| {
                        known.active() && (one.broker_epoch < 0 || known.epoch.0 == one.broker_epoch)
                    });
                    let told = told.get(&node);
                    named(leader.folder(), node, BrokerEpoch(one.broker_epoch), told.map(|told| told.incarnation))?;
                    let told = told.map(|told| (told.synced, told.start));
                    joins(leader.folder(), node, (told, there), (leader.watermark(), leader.saved_start()))?;
                }
            }
        }
        Ok(())
    }
}

/// The same is asked for again, so long after it was asked for last.
fn asks_again(partition: &str, after: Span) -> Result<(), Broken> {
    if after >= PAUSE {
        return Ok(());
    }
    let ms = after.as_millis();
    Err(("member-asked", format!("asks for the same in-sync set of {partition} again after {ms} ms")))
}

/// A member is to leave. `whole`: what it told last, and when it held everything; the epoch began at the moment beside it.
fn leaves(
    folder: &str,
    node: NodeId,
    (whole, since): (Option<(Offset, Option<Mono>)>, Mono),
    (watermark, end): (Offset, Offset),
    (now, patience): (Mono, Span),
) -> Result<(), Broken> {
    let lacks = whole.is_some_and(|(synced, _)| synced < watermark);
    let (synced, at) = whole.unwrap_or((Offset::NONE, None));
    let last = at.map_or(since, |at| at.max(since));
    if lacks || synced < end && now > last + patience {
        return Ok(());
    }
    let what =
        format!("{folder} is to drop {node}, which has {synced} of {end} and had everything at {last:?}, at {now:?}");
    Err(("member-dropped", what))
}

/// A replica is to join, in that incarnation: the one in which it told that it may, or the controller could let in what it is by now.
fn named(folder: &str, node: NodeId, asked: BrokerEpoch, told: Option<BrokerEpoch>) -> Result<(), Broken> {
    match told.filter(|told| *told != asked) {
        None => Ok(()),
        Some(told) => Err((
            "member-unnamed",
            format!("{folder} is to take in {node} as it is in {asked}, and it fetched in {told}"),
        )),
    }
}

/// A replica is to join. `told`: how far its log is durable, and where it starts, if that was seen: what a node that starts puts off is
/// not; `there`: the metadata would let it in.
fn joins(
    folder: &str,
    node: NodeId,
    (told, there): (Option<(Offset, Offset)>, bool),
    (watermark, start): (Offset, Offset),
) -> Result<(), Broken> {
    let right = told.is_none_or(|(synced, begins)| synced >= watermark && (begins < Offset::ZERO || begins >= start));
    if right && there {
        return Ok(());
    }
    let what = format!(
        "{folder} is to take in {node}, there: {there}, which said {told:?}: committed {watermark}, start {start}"
    );
    Err(("member-taken", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_without_a_pause_is_caught() {
        assert!(asks_again("t-0", PAUSE).is_ok());
        assert_eq!(asks_again("t-0", Span::from_millis(99)).unwrap_err().0, "member-asked");
    }

    #[test]
    fn who_has_not_lagged_stays() {
        let judge = |whole: Option<(i64, u64)>, now| {
            let whole = whole.map(|(synced, at)| (Offset(synced), Some(Mono(at))));
            leaves("t-0", NodeId(2), (whole, Mono(50)), (Offset(5), Offset(9)), (Mono(now), Span(100)))
                .map_err(|broken| broken.0)
        };
        assert_eq!(judge(Some((8, 60)), 161), Ok(()));
        assert_eq!(judge(Some((8, 60)), 160), Err("member-dropped"));
        assert_eq!(judge(Some((9, 60)), 161), Err("member-dropped"));
        assert_eq!(judge(Some((4, 150)), 151), Ok(()), "it lost what is committed");
        assert_eq!(judge(None, 151), Ok(()));
        assert_eq!(judge(None, 150), Err("member-dropped"), "the epoch is young");
    }

    #[test]
    fn who_joins_is_named_as_what_it_was_when_it_fetched() {
        let judge = |asked, told: Option<i64>| {
            named("t-0", NodeId(2), BrokerEpoch(asked), told.map(BrokerEpoch)).map_err(|broken| broken.0)
        };
        assert_eq!((judge(7, Some(7)), judge(-1, None)), (Ok(()), Ok(())));
        assert_eq!((judge(-1, Some(7)), judge(5, Some(7))), (Err("member-unnamed"), Err("member-unnamed")));
    }

    #[test]
    fn who_lacks_something_does_not_join() {
        let judge = |told: Option<(i64, i64)>, there| {
            let told = told.map(|(synced, start)| (Offset(synced), Offset(start)));
            joins("t-0", NodeId(2), (told, there), (Offset(9), Offset(4))).map_err(|broken| broken.0)
        };
        assert_eq!(judge(Some((9, 4)), true), Ok(()));
        assert_eq!(judge(Some((9, -1)), true), Ok(()));
        assert_eq!(judge(None, true), Ok(()));
        for (told, there) in [(Some((8, 4)), true), (Some((9, 3)), true), (Some((9, 4)), false), (None, false)] {
            assert_eq!(judge(told, there), Err("member-taken"));
        }
    }
}
