//! Who asks a group's coordinator is told what its protocol knows: an error of the log below, which no member could make anything of, is told
//! as one of the coordinator's (Kafka's `CoordinatorOperationExceptionHelper`). And a heartbeat is good while the group is being read: who reads it
//! gives its member all its time.

use super::super::Broken;
use esker_core::error::ErrorCode;
use kafka_protocol::messages::ResponseKind;

/// What the log says of an append, and nobody else.
const OF_THE_LOG: [ErrorCode; 8] = [
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::RequestTimedOut,
    ErrorCode::NotEnoughReplicas,
    ErrorCode::NotEnoughReplicasAfterAppend,
    ErrorCode::KafkaStorageError,
    ErrorCode::MessageTooLarge,
    ErrorCode::RecordListTooLarge,
    ErrorCode::FencedLeaderEpoch,
];

pub fn on_reply(body: &ResponseKind) -> Result<(), Broken> {
    let told: Vec<i16> = match body {
        ResponseKind::JoinGroup(told) => vec![told.error_code],
        ResponseKind::SyncGroup(told) => vec![told.error_code],
        ResponseKind::Heartbeat(told) if told.error_code == ErrorCode::CoordinatorLoadInProgress.code() => {
            return Err(("not-for-members", "refuses a heartbeat, for it reads the group".into()));
        }
        ResponseKind::Heartbeat(told) => vec![told.error_code],
        ResponseKind::LeaveGroup(told) => vec![told.error_code],
        ResponseKind::OffsetCommit(told) => {
            told.topics.iter().flat_map(|topic| &topic.partitions).map(|part| part.error_code).collect()
        }
        ResponseKind::OffsetFetch(told) => {
            let groups = told.groups.iter().map(|group| group.error_code);
            groups.chain([told.error_code]).collect()
        }
        ResponseKind::OffsetDelete(told) => vec![told.error_code],
        ResponseKind::DeleteGroups(told) => told.results.iter().map(|one| one.error_code).collect(),
        _ => return Ok(()),
    };
    judge(&told)
}

fn judge(told: &[i16]) -> Result<(), Broken> {
    match told.iter().find_map(|code| OF_THE_LOG.iter().find(|known| known.code() == *code)) {
        None => Ok(()),
        Some(code) => Err(("not-for-members", format!("a coordinator answers {code:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_says_is_not_for_members() {
        assert!(judge(&[0, ErrorCode::NotCoordinator.code(), ErrorCode::RebalanceInProgress.code()]).is_ok());
        assert_eq!(judge(&[0, ErrorCode::NotEnoughReplicas.code()]).unwrap_err().0, "not-for-members");
    }
}
