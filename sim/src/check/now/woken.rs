//! Whoever waits for what is there is told at once: when an input is handled no Produce waits any more for a partition that has its
//! records where `acks` wants them, and no DeleteRecords for one whose replicas all start where it said.

use super::Broken;
use esker_core::node::{Node as Core, Waiting};
use esker_core::partition::Partition;

/// Looks at the replies that wait for partitions which the last input touched.
pub fn look(core: &Core) -> Result<(), Broken> {
    for (_, row) in core.hold.iter() {
        match &row.waiting {
            Waiting::Produce(producing) => {
                for wait in &producing.waits {
                    let replica = touched(core, |replica| replica.dir() == wait.dir);
                    let ended = replica.and_then(|replica| replica.acked(&wait.appended, producing.acks));
                    judge("Produce", wait.appended.base.0, replica, ended.is_some())?;
                }
            }
            Waiting::DeleteRecords(deleting) => {
                for wait in &deleting.waits {
                    let replica = touched(core, |replica| replica.dir() == wait.dir && replica.is_leader());
                    let low = replica.map(|replica| replica.low_watermark(|node| core.image.alive(node)));
                    judge("DeleteRecords", wait.start.0, replica, low.is_some_and(|low| low >= wait.start))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
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
}
