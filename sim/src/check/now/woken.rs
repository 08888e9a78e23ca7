//! Whoever waits for what is there is told at once: when an input is handled no Produce waits any more for a partition that has its
//! records where `acks` wants them, no DeleteRecords for one whose replicas all start where it said, and no Fetch for one that has
//! something for it, or that its node leads no more. And whoever waits has a time when it is told in any case.

use super::Broken;
use esker_core::id::{DirId, PartitionKey};
use esker_core::node::{Fetching, Node as Core, Slot, Source, Waiting};
use esker_core::partition::Partition;

/// Looks at the replies that wait for partitions which the last input touched.
pub fn look(core: &Core) -> Result<(), Broken> {
    for (_, row) in core.hold.iter() {
        let timed = row.deadline.is_some();
        match &row.waiting {
            Waiting::Produce(producing) => {
                in_time("Produce", timed)?;
                for wait in &producing.waits {
                    kept_here("Produce", core, wait.partition, wait.dir)?;
                    let replica = touched(core, |replica| replica.dir() == wait.dir);
                    let ended = replica.and_then(|replica| replica.acked(&wait.appended, producing.acks));
                    judge("Produce", wait.appended.base.0, replica, ended.is_some())?;
                }
            }
            Waiting::DeleteRecords(deleting) => {
                in_time("DeleteRecords", timed)?;
                for wait in &deleting.waits {
                    kept_here("DeleteRecords", core, wait.partition, wait.dir)?;
                    let replica = touched(core, |replica| replica.dir() == wait.dir && replica.is_leader());
                    let low = replica.map(|replica| replica.low_watermark(|node| core.image.alive(node)));
                    judge("DeleteRecords", wait.start.0, replica, low.is_some_and(|low| low >= wait.start))?;
                }
            }
            Waiting::Fetch(fetching) => {
                in_time("Fetch", timed)?;
                look_at_fetch(core, fetching)?;
            }
            Waiting::ListOffsets(listing) => {
                in_time("ListOffsets", timed)?;
                listing.waits.iter().try_for_each(|wait| kept_here("ListOffsets", core, wait.partition, wait.dir))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A reader that wants any byte there is.
fn look_at_fetch(core: &Core, fetching: &Fetching) -> Result<(), Broken> {
    let set = match &fetching.source {
        Source::Session(id) => core.sessions.get(*id).map(|session| &session.set),
        Source::Own(set) => Some(set),
    };
    let Some(set) = set.filter(|_| fetching.min_bytes <= 1) else { return Ok(()) };
    for slot in set.slots() {
        let (Some(key), Some(dir)) = (slot.partition, slot.dir) else { continue };
        kept_here("Fetch", core, key, dir)?;
        let replica = touched(core, |replica| replica.dir() == dir && replica.is_online());
        let there = replica.is_some_and(|replica| has_news(replica, fetching, slot));
        judge("Fetch", slot.wanted.query.offset.0, replica, there)?;
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

fn touched(core: &Core, is: impl Fn(&Partition) -> bool) -> Option<&Partition> {
    core.partitions.recent().find(|replica| is(replica))
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
    fn who_waits_for_ever_is_caught() {
        assert!(in_time("Produce", true).is_ok());
        assert_eq!(in_time("Produce", false).unwrap_err().0, "waits-for-ever");
    }
}
