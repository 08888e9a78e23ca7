//! Commits rising offsets for one group, without being a member, and remembers the last one acknowledged.

use super::{Pulse, Stage};
use crate::conn::Conn;
use crate::rpc::{PATIENCE, call, name};
use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestTopic};
use kafka_protocol::protocol::StrBytes;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Errors that pass: a coordinator that moves or loads, a commit that timed out.
const PASSING: [i16; 6] = [7, 13, 14, 15, 16, 27];

/// Offsets of partition 0: the last one acknowledged and the last one sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    pub acked: i64,
    pub sent: i64,
}

fn group(stage: &Stage) -> GroupId {
    GroupId(StrBytes::from_string(stage.group.clone()))
}

fn coordinator(stage: &Stage) -> Result<Conn, String> {
    let request = FindCoordinatorRequest::default().with_key(StrBytes::from_string(stage.group.clone()));
    let mut last = "no broker was named".to_owned();
    for address in &stage.bootstrap {
        let answer =
            Conn::open(*address).map_err(|e| e.to_string()).and_then(|mut c| call(&mut c, 2, &request, PATIENCE));
        match answer {
            Ok(a) if a.error_code == 0 => {
                let at = format!("{}:{}", a.host, a.port).parse().map_err(|e| format!("{e}"))?;
                return Conn::open(at).map_err(|e| e.to_string());
            }
            other => last = format!("{other:?}"),
        }
    }
    Err(last)
}

/// Commits until the stage stops. An error is a broken promise.
pub fn run(stage: &Stage, pulse: &Pulse) -> Result<Committed, String> {
    let (mut committed, mut conn) = (Committed::default(), None);
    pulse.beat(stage);
    while !stage.stopped() {
        sleep(Duration::from_millis(5));
        if conn.is_none() {
            conn = coordinator(stage).ok();
        }
        let Some(c) = conn.as_mut() else { continue };
        committed.sent += 1;
        let row = OffsetCommitRequestPartition::default().with_committed_offset(committed.sent);
        let topic = OffsetCommitRequestTopic::default().with_name(name(&stage.topic)).with_partitions(vec![row]);
        let request = OffsetCommitRequest::default().with_group_id(group(stage)).with_topics(vec![topic]);
        match call(c, 7, &request, 2 * PATIENCE).map(|a| a.topics[0].partitions[0].error_code) {
            Ok(0) => {
                committed.acked = committed.sent;
                pulse.beat(stage);
            }
            Ok(error) if PASSING.contains(&error) => conn = None,
            Ok(error) => return Err(format!("OffsetCommit failed with error {error}")),
            Err(_) => conn = None,
        }
    }
    Ok(committed)
}

/// What the group's coordinator has.
pub fn fetch(stage: &Stage) -> Result<i64, String> {
    let topic = OffsetFetchRequestTopic::default().with_name(name(&stage.topic)).with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default().with_group_id(group(stage)).with_topics(Some(vec![topic]));
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = coordinator(stage).and_then(|mut c| call(&mut c, 5, &request, PATIENCE));
        match answer {
            Ok(a) if a.error_code == 0 && a.topics.len() == 1 => return Ok(a.topics[0].partitions[0].committed_offset),
            other if Instant::now() > end => return Err(format!("{other:?}")),
            _ => sleep(Duration::from_millis(50)),
        }
    }
}
