//! Offsets of a topic that a stable group's members read do not end, whoever asks for it and however old they are: only with their topic. And while
//! members join none ends by itself, for nobody knows what they will read (KIP-211).

use super::super::{Broken, comes_and_goes};
use super::subscribed;
use esker_core::batch::{Batches, Records};
use esker_core::group;
use esker_core::group::records::Entry;
use esker_core::io::DiskOp;
use esker_core::node::Node as Core;
use kafka_protocol::protocol::StrBytes;

/// A node appends to the log of this folder, and has handled what made it do so; `asked`: somebody asked that something be deleted;
/// `gathered`: whether a group gathered its members before, too. Where it did not, what ended its offset may have come before what made it wait.
pub fn on_append(
    folder: &str,
    op: &DiskOp,
    asked: bool,
    core: &Core,
    gathered: impl Fn(&StrBytes) -> bool,
) -> Result<(), Broken> {
    let DiskOp::Append { bytes, .. } = op else { return Ok(()) };
    let led = |of: &str| core.partitions.iter().any(|replica| replica.folder() == of && replica.is_leader());
    if !folder.starts_with(group::TOPIC) || !led(folder) {
        return Ok(());
    }
    for batch in Batches::of(&bytes.concat()).map(|(_, batch)| batch) {
        for record in Records::of(batch).into_iter().flatten().filter_map(Result::ok) {
            let (Some(key), None) = (record.key, record.value) else { continue };
            let Ok(Some(Entry::Offset { group, topic, partition, value: None })) = Entry::decode(key, None) else {
                continue;
            };
            let there = core.image.topic_named(&topic).is_some();
            let sight = core.groups.sight(&group).filter(|_| there);
            if let Some(sight) = sight.as_ref().filter(|_| !asked && !comes_and_goes(&topic) && gathered(&group)) {
                judge_state(&group, (&topic, partition), sight.state)?;
            }
            let sight = sight.filter(|sight| sight.state == "Stable");
            if let Some(read) = sight.as_ref().and_then(subscribed) {
                judge(&group, (&topic, partition), &read)?;
            }
        }
    }
    Ok(())
}

fn judge_state(group: &str, (topic, partition): (&str, i32), state: &str) -> Result<(), Broken> {
    if !matches!(state, "PreparingRebalance" | "CompletingRebalance") {
        return Ok(());
    }
    Err(("offset-ended", format!("ends what {group} has committed of {topic}-{partition}, and it is {state}")))
}

fn judge(group: &str, (topic, partition): (&str, i32), read: &[StrBytes]) -> Result<(), Broken> {
    if read.iter().all(|name| name.as_str() != topic) {
        return Ok(());
    }
    Err((
        "offset-ended",
        format!("ends what {group} has committed of {topic}-{partition}, and its members read {read:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::asked::tests::text;

    #[test]
    fn an_offset_that_ends_while_members_join_is_caught() {
        let judge = |state| judge_state("g", ("t", 0), state).map_err(|broken| broken.0);
        assert_eq!((judge("Stable"), judge("Empty")), (Ok(()), Ok(())));
        assert_eq!(judge("PreparingRebalance"), Err("offset-ended"));
    }

    #[test]
    fn an_offset_that_is_needed_and_ends_is_caught() {
        assert_eq!(judge("g", ("t", 0), &[text("t")]).unwrap_err().0, "offset-ended");
        assert!(judge("g", ("u", 0), &[text("t")]).is_ok());
    }
}
