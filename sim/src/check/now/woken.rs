//! Whoever waits for what is there is told at once: when an input is handled no Produce waits any more for a partition that has its
//! records where `acks` wants them, no DeleteRecords for one whose replicas all start where it said, no Fetch for one that has
//! something for it, or that its node leads no more, nobody who made a topic for logs that are open, and no follower of the quorum for
//! what its leader has. And whoever waits has a time when it is told in any case.

use super::Broken;
use super::measure::next_offset;
use crate::table::Set;
use esker_core::id::{DirId, HoldId, Offset, PartitionKey};
use esker_core::node::{Fetching, Node as Core, Slot, Source, Waiting};
use esker_core::partition::Partition;
use kafka_protocol::messages::RequestKind;

/// The Fetches of the quorum that stood at the end of the leader's log, by node and row: what comes after it is in its memory.
#[derive(Debug, Default)]
pub struct Woken {
    at_end: Set<(usize, HoldId)>,
}

impl Woken {
    pub fn on_start(&mut self, node: usize) {
        self.at_end.retain(|(of, _)| *of != node);
    }

    /// A node has handled an input.
    pub fn look(&mut self, node: usize, core: &Core) -> Result<(), Broken> {
        look(core)?;
        for (hold, row) in core.hold.iter() {
            let Waiting::Quorum { request } = &row.waiting else { continue };
            let RequestKind::Fetch(request) = &**request else { continue };
            let part = request.topics.first().and_then(|topic| topic.partitions.first());
            let Some(part) = part.filter(|part| part.current_leader_epoch == core.quorum.epoch().0) else { continue };
            // One whose log has failed has none, and its node ends.
            if core.quorum.is_leader() && core.quorum.last().is_some() {
                let at = (part.fetch_offset, part.high_watermark);
                let has = (core.quorum.end().0, core.quorum.watermark().0);
                fetches(at, has, self.at_end.contains(&(node, hold)))?;
                if at.0 == has.0 {
                    self.at_end.insert((node, hold));
                }
            }
        }
        Ok(())
    }
}

/// Looks at the replies that wait for partitions which the last input touched.
fn look(core: &Core) -> Result<(), Broken> {
    let recent: Vec<&Partition> = core.partitions.recent().collect();
    for (hold, row) in core.hold.iter() {
        let timed = row.deadline.is_some();
        match &row.waiting {
            Waiting::Produce(producing) => {
                in_time("Produce", timed)?;
                for wait in &producing.waits {
                    kept_here("Produce", core, wait.partition, wait.dir)?;
                    let replica = touched(&recent, |replica| replica.dir() == wait.dir);
                    let ended = replica.and_then(|replica| replica.acked(&wait.appended, producing.acks));
                    judge("Produce", wait.appended.base.0, replica, ended.is_some())?;
                }
            }
            Waiting::DeleteRecords(deleting) => {
                in_time("DeleteRecords", timed)?;
                for wait in &deleting.waits {
                    kept_here("DeleteRecords", core, wait.partition, wait.dir)?;
                    let replica = touched(&recent, |replica| replica.dir() == wait.dir && replica.is_leader());
                    let low = replica.map(|replica| lowest_start(core, replica));
                    judge("DeleteRecords", wait.start.0, replica, low.is_some_and(|low| low >= wait.start))?;
                }
            }
            Waiting::Fetch(fetching) => {
                in_time("Fetch", timed)?;
                look_at_fetch(core, &recent, fetching)?;
            }
            Waiting::ListOffsets(listing) => {
                in_time("ListOffsets", timed)?;
                listing.waits.iter().try_for_each(|wait| kept_here("ListOffsets", core, wait.partition, wait.dir))?;
            }
            Waiting::Forward(_) if !core.forwards.has(hold) => {
                return Err((
                    "not-woken",
                    format!("{hold} waits for the controller, and nobody asks it: {:?}", row.ask),
                ));
            }
            Waiting::Opening { left, .. } => {
                let replica = |dir: &DirId| core.partitions.key_of(*dir).and_then(|key| core.partitions.get(key));
                if let Some(dir) = left.iter().find(|dir| !replica(dir).is_some_and(Partition::is_opening)) {
                    return Err(("not-woken", format!("who made a topic waits for the log of {dir}, which is open")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Below it no replica that is there has anything, as its leader knows.
fn lowest_start(core: &Core, leader: &Partition) -> Offset {
    let replicas = leader.state().into_iter().flat_map(|state| &state.replicas);
    let alive = replicas.filter(|node| core.image.alive(**node)).filter_map(|node| leader.follower(*node));
    alive.fold(leader.saved_start(), |lowest, progress| lowest.min(progress.start))
}

/// A reader that has what it waits for is answered; one that wants any byte there is, with any.
fn look_at_fetch(core: &Core, recent: &[&Partition], fetching: &Fetching) -> Result<(), Broken> {
    let set = match &fetching.source {
        Source::Session(id) => core.sessions.get(*id).map(|session| &session.set),
        Source::Own(set) => Some(set),
    };
    let Some(set) = set else { return Ok(()) };
    gathers(there(set.slots(), set.bytes(), fetching.max_bytes), (fetching.min_bytes, fetching.max_bytes))?;
    if fetching.min_bytes > 1 {
        return Ok(());
    }
    for slot in set.slots() {
        let (Some(key), Some(dir)) = (slot.partition, slot.dir) else { continue };
        kept_here("Fetch", core, key, dir)?;
        let replica = touched(recent, |replica| replica.dir() == dir && replica.is_online());
        let there = replica.is_some_and(|replica| has_news(replica, fetching, slot));
        judge("Fetch", slot.wanted.query.offset.0, replica, there)?;
    }
    Ok(())
}

/// The bytes that were found, and as many more as a partition has and its reader may have.
fn there<'a>(slots: impl Iterator<Item = &'a Slot>, bytes: usize, most: usize) -> usize {
    let counts = |slot: &Slot| {
        let Some(found) = &slot.found else { return 0 };
        let has_more = next_offset(&found.records).is_some_and(|next| next.0 < found.data.high_watermark);
        let room = most.saturating_sub(bytes - found.bytes);
        if has_more { found.bytes.max(slot.wanted.query.max_bytes.min(room)) } else { found.bytes }
    };
    slots.map(counts).sum()
}

/// A reader that wants so many bytes at least, and so many at most, waits where so many were found.
fn gathers(found: usize, (least, most): (usize, usize)) -> Result<(), Broken> {
    if found == 0 || found < least.min(most) {
        return Ok(());
    }
    Err(("not-woken", format!("a Fetch of {least} to {most} bytes waits, and {found} were found for it")))
}

/// A follower of the quorum waits at this place, and knows of this watermark; the leader `has` this end and this watermark.
fn fetches(at: (i64, i64), has: (i64, i64), stood_at_end: bool) -> Result<(), Broken> {
    let (news, committed) = (at.0 < has.0 && stood_at_end, at.0 == has.0 && at.1 < has.1);
    if news || committed {
        return Err(("not-woken", format!("a follower of the quorum waits at {at:?}, whose leader has {has:?}")));
    }
    Ok(())
}

/// Whether the partition would say something else than that there is nothing yet. What the disk is to bring is on its way.
fn has_news(replica: &Partition, fetching: &Fetching, slot: &Slot) -> bool {
    let wanted = slot.wanted.query;
    let until = if fetching.reader.replica.is_some() { replica.log_end() } else { replica.watermark() };
    let records = replica.log_start() <= wanted.offset && wanted.offset < until;
    let cold = slot.found.as_ref().is_some_and(|found| found.cold);
    !replica.is_leader() || records && !cold
}

/// What waits for a replica that is not here any more waits for nothing.
fn kept_here(what: &str, core: &Core, key: PartitionKey, dir: DirId) -> Result<(), Broken> {
    match core.partitions.get(key).filter(|replica| replica.dir() == dir) {
        Some(_) => Ok(()),
        None => Err(("not-woken", format!("a {what} waits for {key}, which is not kept here any more"))),
    }
}

/// What waits is told when its time is up, whatever happens.
fn in_time(what: &str, timed: bool) -> Result<(), Broken> {
    if timed { Ok(()) } else { Err(("waits-for-ever", format!("a {what} waits, and has no time when it ends"))) }
}

fn touched<'a>(recent: &[&'a Partition], is: impl Fn(&Partition) -> bool) -> Option<&'a Partition> {
    recent.iter().copied().find(|replica| is(replica))
}

fn judge(what: &str, offset: i64, replica: Option<&Partition>, there: bool) -> Result<(), Broken> {
    told(what, offset, replica.map(Partition::folder), there)
}

/// What waits for a partition, if the last input touched that, and whether it has what is waited for.
fn told(what: &str, offset: i64, folder: Option<&str>, there: bool) -> Result<(), Broken> {
    match folder {
        Some(folder) if there => {
            Err(("not-woken", format!("a {what} of {offset} waits for {folder}, which has what it waits for")))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_what_is_there_is_told_at_once() {
        assert!(told("Produce", 5, Some("t-0"), false).is_ok(), "it is not there yet");
        assert!(told("Produce", 5, None, true).is_ok(), "nothing has happened to the partition");
        assert_eq!(told("Produce", 5, Some("t-0"), true).unwrap_err().0, "not-woken");
    }

    #[test]
    fn who_has_all_that_it_may_have_waits_for_no_more() {
        assert!(gathers(0, (1, 0)).is_ok() && gathers(9, (10, 50)).is_ok());
        assert_eq!(gathers(10, (10, 50)).unwrap_err().0, "not-woken");
        assert_eq!(gathers(50, (100, 50)).unwrap_err().0, "not-woken");
    }

    #[test]
    fn who_waits_for_ever_is_caught() {
        assert!(in_time("Produce", true).is_ok());
        assert_eq!(in_time("Produce", false).unwrap_err().0, "waits-for-ever");
    }

    #[test]
    fn a_follower_of_the_quorum_hears_of_records_and_of_the_watermark() {
        assert!(fetches((9, 7), (9, 7), true).is_ok());
        assert!(fetches((5, 4), (9, 7), false).is_ok(), "what it lacks is read from the disk");
        assert_eq!(fetches((8, 7), (9, 7), true).unwrap_err().0, "not-woken");
        assert_eq!(fetches((9, 7), (9, 8), false).unwrap_err().0, "not-woken");
    }
}
