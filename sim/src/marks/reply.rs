//! Marks read off replies: what was refused, what had waited until its deadline, what was answered from memory.

use super::Mark;
use esker_core::error::ErrorCode;
use esker_core::io::Reply;
use kafka_protocol::messages::{FetchResponse, ProduceResponse, ResponseKind};

/// `at_once`: it answers the very request that the node is handling; `waited_out`: it leaves because time is up.
pub fn look(reply: &Reply, at_once: bool, waited_out: bool, hit: &mut impl FnMut(Mark)) {
    match reply {
        Reply::Silence => {}
        Reply::Fetch { response, .. } => fetch(response, waited_out, hit),
        Reply::Plain(body) => plain(body, at_once, waited_out, hit),
    }
}

fn plain(body: &ResponseKind, at_once: bool, waited_out: bool, hit: &mut impl FnMut(Mark)) {
    match body {
        ResponseKind::Fetch(response) => return fetch(response, waited_out, hit),
        ResponseKind::Produce(response) => return produce(response, at_once, waited_out, hit),
        ResponseKind::Vote(response) => {
            for part in response.topics.iter().flat_map(|topic| &topic.partitions) {
                hit(if part.vote_granted { Mark::VoteGranted } else { Mark::VoteRefused });
            }
        }
        ResponseKind::AlterPartition(response) => {
            code(response.error_code, hit);
            let parts = response.topics.iter().flat_map(|topic| &topic.partitions);
            parts.for_each(|part| alter(part.error_code, hit));
        }
        ResponseKind::BrokerHeartbeat(response) => {
            code(response.error_code, hit);
            if response.should_shut_down {
                hit(Mark::BrokerLeaving);
            }
        }
        ResponseKind::BrokerRegistration(response) => code(response.error_code, hit),
        ResponseKind::ElectLeaders(response) => {
            for part in response.replica_election_results.iter().flat_map(|topic| &topic.partition_result) {
                hit(if part.error_code == 0 { Mark::ElectionAsked } else { Mark::ElectionRefused });
            }
        }
        ResponseKind::DeleteRecords(response) => {
            for part in response.topics.iter().flat_map(|topic| &topic.partitions) {
                if part.error_code == 0 {
                    hit(Mark::RecordsDeleted);
                }
            }
        }
        ResponseKind::JoinGroup(response) => code(response.error_code, hit),
        ResponseKind::SyncGroup(response) => code(response.error_code, hit),
        ResponseKind::Heartbeat(response) => code(response.error_code, hit),
        ResponseKind::OffsetCommit(response) => {
            let first = response.topics.iter().flat_map(|topic| &topic.partitions).next();
            first.into_iter().for_each(|part| code(part.error_code, hit));
        }
        ResponseKind::DeleteGroups(response) => response.results.iter().for_each(|told| code(told.error_code, hit)),
        ResponseKind::OffsetDelete(response) => {
            let parts = response.topics.iter().flat_map(|topic| &topic.partitions);
            parts.for_each(|part| code(part.error_code, hit));
        }
        ResponseKind::OffsetFetch(response) => {
            code(response.error_code, hit);
            response.groups.iter().for_each(|group| code(group.error_code, hit));
        }
        _ => {}
    }
    if waited_out {
        hit(match body {
            ResponseKind::JoinGroup(_) | ResponseKind::SyncGroup(_) => Mark::HoldGroup,
            _ => Mark::HoldOther,
        });
    }
}

fn produce(response: &ProduceResponse, at_once: bool, waited_out: bool, hit: &mut impl FnMut(Mark)) {
    for part in response.responses.iter().flat_map(|topic| &topic.partition_responses) {
        match ErrorCode::try_from_code(part.error_code) {
            // What is new waits for its sync at least.
            None if at_once && part.base_offset >= 0 => hit(Mark::ProduceDuplicate),
            Some(ErrorCode::NotLeaderOrFollower) => hit(Mark::ProduceNotLeader),
            Some(ErrorCode::NotEnoughReplicas) => hit(Mark::ProduceTooFew),
            Some(ErrorCode::NotEnoughReplicasAfterAppend) => hit(Mark::ProduceTooFewAfter),
            Some(ErrorCode::OutOfOrderSequenceNumber) => hit(Mark::ProduceOutOfOrder),
            Some(ErrorCode::RequestTimedOut) if waited_out => hit(Mark::HoldProduce),
            _ => {}
        }
    }
}

fn fetch(response: &FetchResponse, waited_out: bool, hit: &mut impl FnMut(Mark)) {
    if waited_out {
        hit(Mark::HoldFetch);
    }
    match ErrorCode::try_from_code(response.error_code) {
        Some(ErrorCode::FetchSessionIdNotFound) => hit(Mark::SessionUnknown),
        Some(ErrorCode::InvalidFetchSessionEpoch) => hit(Mark::SessionEpoch),
        _ => {}
    }
    for part in response.responses.iter().flat_map(|topic| &topic.partitions) {
        if part.diverging_epoch.end_offset >= 0 {
            hit(Mark::FetchDiverging);
        }
        match ErrorCode::try_from_code(part.error_code) {
            Some(ErrorCode::FencedLeaderEpoch) => hit(Mark::FetchFenced),
            Some(ErrorCode::UnknownLeaderEpoch) => hit(Mark::FetchEpochUnknown),
            Some(ErrorCode::NotLeaderOrFollower) => hit(Mark::FetchNotLeader),
            Some(ErrorCode::OffsetOutOfRange) => hit(Mark::FetchOutOfRange),
            _ => {}
        }
    }
}

fn alter(of: i16, hit: &mut impl FnMut(Mark)) {
    match ErrorCode::try_from_code(of) {
        None => hit(Mark::AlterGranted),
        Some(ErrorCode::IneligibleReplica) => hit(Mark::AlterIneligible),
        Some(ErrorCode::FencedLeaderEpoch | ErrorCode::InvalidUpdateVersion | ErrorCode::NewLeaderElected) => {
            hit(Mark::AlterOld)
        }
        Some(_) => {}
    }
}

/// Of a whole reply.
fn code(of: i16, hit: &mut impl FnMut(Mark)) {
    match ErrorCode::try_from_code(of) {
        Some(ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered) => hit(Mark::BrokerStale),
        Some(ErrorCode::NotController) => hit(Mark::NotController),
        Some(ErrorCode::IllegalGeneration) => hit(Mark::GroupOldGeneration),
        Some(ErrorCode::UnknownMemberId) => hit(Mark::GroupUnknownMember),
        Some(ErrorCode::RebalanceInProgress) => hit(Mark::GroupRebalance),
        Some(ErrorCode::FencedInstanceId) => hit(Mark::GroupFenced),
        Some(ErrorCode::GroupMaxSizeReached) => hit(Mark::GroupFull),
        Some(ErrorCode::NonEmptyGroup) => hit(Mark::GroupNotEmpty),
        Some(ErrorCode::GroupSubscribedToTopic) => hit(Mark::GroupSubscribed),
        Some(ErrorCode::CoordinatorLoadInProgress) => hit(Mark::GroupLoading),
        Some(ErrorCode::NotCoordinator) => hit(Mark::GroupNotHere),
        _ => {}
    }
}
