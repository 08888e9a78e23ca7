//! What may be deleted of a group: all of one that has no members, and single offsets unless its members read the topic. What is said to be
//! deleted is: the record that ends it is committed by then.

use super::super::told::log_of;
use super::super::{At, Broken};
use super::subscribed;
use crate::table::Map;
use esker_core::error::ErrorCode;
use esker_core::group::Sight;
use esker_core::id::{Offset, PartitionKey};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse};
use kafka_protocol::protocol::StrBytes;

/// A group that is to be deleted, or of which something is.
#[derive(Debug)]
struct Asked {
    sight: Sight,
    /// Its log, and where that ended.
    log: Option<(PartitionKey, Offset)>,
}

#[derive(Debug, Default)]
pub struct Goes {
    asked: Map<At, Vec<(StrBytes, Option<Asked>)>>,
}

impl Goes {
    pub fn on_groups(&mut self, at: At, request: &DeleteGroupsRequest, core: &Core) {
        let groups = request.groups_names.iter().map(|group| (group.0.clone(), asked(&group.0, core)));
        self.asked.insert(at, groups.collect());
    }

    pub fn on_offsets(&mut self, at: At, request: &OffsetDeleteRequest, core: &Core) {
        let group = &request.group_id.0;
        self.asked.insert(at, vec![(group.clone(), asked(group, core))]);
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_groups_gone(&mut self, at: At, response: &DeleteGroupsResponse, core: &Core) -> Result<(), Broken> {
        let groups = self.asked.remove(&at).unwrap_or_default();
        let done: Vec<&str> =
            response.results.iter().filter(|told| told.error_code == 0).map(|told| told.group_id.as_str()).collect();
        judge_once(&done)?;
        for told in &response.results {
            // One that is named twice goes once.
            let mut named = groups.iter().filter(|(group, _)| *group == told.group_id.0);
            let (Some((group, Some(asked))), None) = (named.next(), named.next()) else { continue };
            judge_group(group, &asked.sight, told.error_code)?;
            if told.error_code == 0 {
                judge_committed(group, asked, true, core)?;
            }
        }
        Ok(())
    }

    pub fn on_offsets_gone(&mut self, at: At, response: &OffsetDeleteResponse, core: &Core) -> Result<(), Broken> {
        let groups = self.asked.remove(&at).unwrap_or_default();
        let Some((group, Some(asked))) = groups.first().filter(|_| response.error_code == 0) else { return Ok(()) };
        let read = subscribed(&asked.sight);
        for topic in &response.topics {
            let codes: Vec<i16> = topic.partitions.iter().map(|part| part.error_code).collect();
            judge_topic(group, &topic.name, read.as_deref(), &codes)?;
            if codes.contains(&0) {
                judge_committed(group, asked, false, core)?;
            }
        }
        Ok(())
    }
}

fn asked(group: &StrBytes, core: &Core) -> Option<Asked> {
    let sight = core.groups.sight(group)?;
    let replica = log_of(core, group).and_then(|key| core.partitions.get(key)).filter(|replica| replica.is_leader());
    Some(Asked { sight, log: replica.map(|replica| (replica.key(), replica.log_end())) })
}

/// The groups that were deleted by one request.
fn judge_once(done: &[&str]) -> Result<(), Broken> {
    match done.iter().enumerate().find(|(place, group)| done[..*place].contains(group)) {
        None => Ok(()),
        Some((_, group)) => Err(("deletes-wrongly", format!("deletes {group} twice at once"))),
    }
}

fn judge_group(group: &str, sight: &Sight, code: i16) -> Result<(), Broken> {
    let (absent, used) = (ErrorCode::GroupIdNotFound.code(), ErrorCode::NonEmptyGroup.code());
    let right = match sight.state {
        "Dead" => code == absent,
        "Empty" => code != absent && code != used,
        _ => code == used,
    };
    if right {
        return Ok(());
    }
    let members = sight.members.len();
    Err((
        "deletes-wrongly",
        format!("answers {code} to the deletion of {group}: {} with {members} members", sight.state),
    ))
}

/// `read`: the topics that its members read, if that is known.
fn judge_topic(group: &str, topic: &str, read: Option<&[StrBytes]>, codes: &[i16]) -> Result<(), Broken> {
    let Some(read) = read else { return Ok(()) };
    let is_read = read.iter().any(|name| name.as_str() == topic);
    let refused = ErrorCode::GroupSubscribedToTopic.code();
    let wrong = |code: &&i16| if is_read { **code == 0 } else { **code == refused };
    match codes.iter().find(wrong) {
        None => Ok(()),
        Some(code) => Err((
            "deletes-wrongly",
            format!("answers {code} to the deletion of {topic} in {group}, which reads {read:?}"),
        )),
    }
}

/// What was deleted has a record (`anew`: of its own, behind all that was there), and that is committed.
fn judge_committed(group: &str, asked: &Asked, anew: bool, core: &Core) -> Result<(), Broken> {
    let Some((key, end)) = asked.log else { return Ok(()) };
    let watermark = core.partitions.get(key).filter(|replica| replica.is_leader()).map(|replica| replica.watermark());
    match watermark.filter(|watermark| *watermark < end.plus(i64::from(anew))) {
        None => Ok(()),
        Some(watermark) => Err((
            "delete-early",
            format!("says that {group} is deleted, asked for at {end}, and has {watermark} committed"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_once() {
        assert!(judge_once(&["g", "h"]).is_ok());
        assert_eq!(judge_once(&["g", "h", "g"]).unwrap_err().0, "deletes-wrongly");
    }
    use crate::check::now::asked::tests::{sight, text};

    #[test]
    fn a_group_with_members_stays() {
        let judge = |state, members: &[(&'static str, Option<&'static str>)], code: ErrorCode| {
            judge_group("g", &sight(state, 4, members), code.code()).is_ok()
        };
        let stable = |code| judge("Stable", &[("a", None)], code);
        assert!(stable(ErrorCode::NonEmptyGroup) && judge("Dead", &[], ErrorCode::GroupIdNotFound));
        assert!(judge("Empty", &[], ErrorCode::CoordinatorNotAvailable), "it could not be written");
        assert!(!stable(ErrorCode::GroupIdNotFound) && !judge("Empty", &[], ErrorCode::NonEmptyGroup));
        assert!(judge_group("g", &sight("Stable", 4, &[("a", None)]), 0).is_err());
    }

    #[test]
    fn offsets_of_a_topic_that_is_read_stay() {
        let refused = ErrorCode::GroupSubscribedToTopic.code();
        let judge = |topic, code| judge_topic("g", topic, Some(&[text("t")]), &[code]).is_ok();
        assert!(judge("t", refused) && judge("u", 0));
        assert!(!judge("t", 0) && !judge("u", refused));
        assert!(judge_topic("g", "t", None, &[0]).is_ok());
    }
}
