//! An OffsetCommit is acknowledged when its record is committed: it was appended behind all that the group's log had when it came.

use super::told::log_of;
use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{Offset, PartitionKey};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

/// The commits without an answer: the log of their group, and where it ended when they came.
#[derive(Debug, Default)]
pub struct Commits {
    asked: Map<At, (PartitionKey, Offset)>,
}

impl Commits {
    pub fn on_request(&mut self, at: At, request: &OffsetCommitRequest, core: &Core) {
        let Some(key) = log_of(core, &request.group_id) else { return };
        if let Some(replica) = core.partitions.get(key).filter(|replica| replica.is_leader()) {
            self.asked.insert(at, (key, replica.log_end()));
        }
    }

    pub fn on_reply(&mut self, at: At, response: &OffsetCommitResponse, core: &Core) -> Result<(), Broken> {
        let Some((key, end)) = self.asked.remove(&at) else { return Ok(()) };
        let mut parts = response.topics.iter().flat_map(|topic| &topic.partitions);
        match core.partitions.get(key).filter(|replica| replica.is_leader()) {
            Some(replica) if parts.any(|part| part.error_code == 0) => {
                judge(replica.folder(), end, replica.watermark())
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn judge(folder: &str, end: Offset, watermark: Offset) -> Result<(), Broken> {
    if watermark > end {
        return Ok(());
    }
    Err((
        "commit-early",
        format!("acknowledges a commit that came when {folder} ended at {end}, and it is committed up to {watermark}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_is_not_committed_is_caught() {
        assert!(judge("o-0", Offset(4), Offset(5)).is_ok());
        assert_eq!(judge("o-0", Offset(4), Offset(4)).unwrap_err().0, "commit-early");
    }
}
