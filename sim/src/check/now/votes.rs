//! A voter gives one vote in an epoch, and it stands on its disk before anybody hears of it (Raft paper, 5.2): what a vote or a
//! candidacy says when it leaves is in the file `quorum-state`, as it would be found after a crash. It is for one whose log has all that the
//! voter's has; and whoever hears of a leader does not help another one (KIP-996).

use super::{At, Broken};
use crate::disk::Disk;
use crate::table::Map;
use esker_core::id::{LeaderEpoch, Offset};
use esker_core::io::{DiskOp, DiskTag, FileId, FileName};
use kafka_protocol::messages::{RequestKind, ResponseKind};
use serde::Deserialize;

/// What a node's file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
struct Ballot {
    #[serde(rename = "leaderEpoch")]
    epoch: i32,
    #[serde(rename = "votedId")]
    voted: i32,
}

/// A vote that was asked for, and is not yet answered.
#[derive(Clone, Copy, Debug)]
struct Asked {
    epoch: i32,
    candidate: i32,
    /// It only asks whether it could have the vote (KIP-996).
    pre: bool,
    /// The epoch of the candidate's last record, and the end of its log.
    last: (LeaderEpoch, Offset),
}

/// What a voter knows when its answer leaves.
#[derive(Clone, Copy, Default, Debug)]
pub struct Voter {
    /// Epoch of its last record, and the end of its log.
    pub last: Option<(LeaderEpoch, Offset)>,
    /// It follows a leader that answers.
    pub hears_leader: bool,
}

/// What each voter has on its disk, and whom it gave its vote.
#[derive(Debug)]
pub struct Votes {
    durable: Vec<Option<Ballot>>,
    /// Writes under way.
    writing: Map<(usize, DiskTag), Ballot>,
    asked: Map<At, Asked>,
    given: Map<(usize, i32), i32>,
}

impl Votes {
    pub fn new(nodes: usize) -> Self {
        Self { durable: vec![None; nodes], writing: Map::default(), asked: Map::default(), given: Map::default() }
    }

    /// A process starts: what its disk has is durable.
    pub fn on_start(&mut self, node: usize, disk: &Disk) {
        self.writing.retain(|(of, _), _| *of != node);
        let file = disk.named(super::METADATA).and_then(|folder| folder.file(FileName::QuorumState));
        self.durable[node] = file.and_then(|file| serde_json::from_slice(file.read(0, u32::MAX)).ok());
    }

    pub fn on_disk_op(&mut self, node: usize, tag: DiskTag, op: &DiskOp) {
        if let DiskOp::Replace { file: FileId { name: FileName::QuorumState, .. }, bytes } = op
            && let Ok(ballot) = serde_json::from_slice(bytes)
        {
            self.writing.insert((node, tag), ballot);
        }
    }

    pub fn on_disk_done(&mut self, node: usize, tag: DiskTag, done: bool) {
        if self.writing.is_empty() {
            return;
        }
        if let Some(ballot) = self.writing.remove(&(node, tag)).filter(|_| done) {
            self.durable[node] = Some(ballot);
        }
    }

    /// A candidate asks for this node's vote. Whether it could have it (a pre-vote) binds nobody.
    pub fn on_request(&mut self, at: At, body: &RequestKind) {
        let RequestKind::Vote(request) = body else { return };
        let Some(part) = request.topics.first().and_then(|topic| topic.partitions.first()) else { return };
        let last = (LeaderEpoch(part.last_offset_epoch), Offset(part.last_offset));
        let asked = Asked { epoch: part.replica_epoch, candidate: part.replica_id.0, pre: part.pre_vote, last };
        self.asked.insert(at, asked);
    }

    /// An answer leaves the node.
    pub fn on_reply(&mut self, node: usize, at: At, body: &ResponseKind, voter: Voter) -> Result<(), Broken> {
        let ResponseKind::Vote(response) = body else { return Ok(()) };
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        let granted = response.topics.first().and_then(|topic| topic.partitions.first());
        if !granted.is_some_and(|part| part.error_code == 0 && part.vote_granted) {
            return Ok(());
        }
        let Asked { epoch, candidate, pre, last } = asked;
        if voter.last.is_some_and(|own| own > last) {
            let what = format!("votes for {candidate} in epoch {epoch}, whose log ends at {last:?}: {voter:?}");
            return Err(("vote-for-less", what));
        }
        if pre {
            return if voter.hears_leader {
                Err(("vote-while-led", format!("would vote for {candidate} in epoch {epoch}, and hears of its leader")))
            } else {
                Ok(())
            };
        }
        self.stands(node, asked.epoch, asked.candidate)?;
        let first = *self.given.entry((node, asked.epoch)).or_insert(asked.candidate);
        if first == asked.candidate {
            return Ok(());
        }
        Err(("two-votes", format!("votes for {} in epoch {}, as it did for {first}", asked.candidate, asked.epoch)))
    }

    /// A node takes up a role: in an epoch in which it voted, as its disk has it, it knows that.
    pub fn on_role(&self, node: usize, role: &str, epoch: LeaderEpoch) -> Result<(), Broken> {
        match self.durable[node] {
            Some(ballot)
                if ballot.epoch == epoch.0 && ballot.voted >= 0 && matches!(role, "unattached" | "prospective") =>
            {
                Err(("vote-forgotten", format!("is {role} in {epoch}, in which it voted for {}", ballot.voted)))
            }
            _ => Ok(()),
        }
    }

    /// A call leaves the node: a candidate's own vote is one as well.
    pub fn on_call(&mut self, node: usize, body: &RequestKind) -> Result<(), Broken> {
        let RequestKind::Vote(request) = body else { return Ok(()) };
        let Some(part) = request.topics.first().and_then(|topic| topic.partitions.first()) else { return Ok(()) };
        if part.pre_vote { Ok(()) } else { self.stands(node, part.replica_epoch, part.replica_id.0) }
    }

    fn stands(&self, node: usize, epoch: i32, candidate: i32) -> Result<(), Broken> {
        let found = self.durable[node];
        // A later epoch on disk binds as much: in this one it will not vote again.
        if found.is_some_and(|ballot| ballot.epoch > epoch || ballot.epoch == epoch && ballot.voted == candidate) {
            return Ok(());
        }
        Err(("vote-not-durable", format!("a vote for {candidate} in epoch {epoch} leaves, and its disk has {found:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use esker_core::id::ConnId;
    use esker_core::id::DirId;
    use esker_core::io::Owner;
    use kafka_protocol::messages::vote_request::{PartitionData as Wanted, TopicData as WantedTopic};
    use kafka_protocol::messages::vote_response::{PartitionData, TopicData};
    use kafka_protocol::messages::{VoteRequest, VoteResponse};

    const CONN: ConnId = ConnId(7);

    fn ask(epoch: i32, candidate: i32) -> RequestKind {
        let part = Wanted::default().with_replica_epoch(epoch).with_replica_id(candidate.into());
        RequestKind::Vote(VoteRequest::default().with_topics(vec![WantedTopic::default().with_partitions(vec![part])]))
    }

    fn granted() -> ResponseKind {
        let part = PartitionData::default().with_vote_granted(true);
        ResponseKind::Vote(VoteResponse::default().with_topics(vec![TopicData::default().with_partitions(vec![part])]))
    }

    const fn tag(serial: u64) -> DiskTag {
        DiskTag { owner: Owner::Quorum, serial }
    }

    fn write(votes: &mut Votes, serial: u64, text: &'static str) {
        let file = FileId::new(DirId(1), FileName::QuorumState);
        votes.on_disk_op(0, tag(serial), &DiskOp::Replace { file, bytes: Bytes::from_static(text.as_bytes()) });
    }

    #[test]
    fn a_vote_before_its_write_is_done_is_caught() {
        let mut votes = Votes::new(1);
        votes.on_request((CONN, 1), &ask(4, 2));
        write(&mut votes, 9, r#"{"leaderEpoch":4,"votedId":2,"data_version":0}"#);
        assert_eq!(votes.on_reply(0, (CONN, 1), &granted(), Voter::default()).unwrap_err().0, "vote-not-durable");
        votes.on_request((CONN, 2), &ask(4, 2));
        votes.on_disk_done(0, tag(9), true);
        assert!(votes.on_reply(0, (CONN, 2), &granted(), Voter::default()).is_ok());
        assert!(votes.on_call(0, &ask(4, 2)).is_ok());
        assert_eq!(votes.on_call(0, &ask(5, 2)).unwrap_err().0, "vote-not-durable");
    }

    #[test]
    fn a_second_vote_in_an_epoch_is_caught() {
        let mut votes = Votes::new(1);
        for (serial, text) in [
            (1, r#"{"leaderEpoch":4,"votedId":2,"data_version":0}"#),
            (2, r#"{"leaderEpoch":4,"votedId":3,"data_version":0}"#),
        ] {
            write(&mut votes, serial, text);
            votes.on_disk_done(0, tag(serial), true);
            assert!(votes.on_role(0, "unattached-voted", LeaderEpoch(4)).is_ok());
            assert!(votes.on_role(0, "unattached", LeaderEpoch(5)).is_ok());
            assert_eq!(votes.on_role(0, "unattached", LeaderEpoch(4)).unwrap_err().0, "vote-forgotten");
            votes.on_request((CONN, serial), &ask(4, serial as i32 + 1));
            let judged = votes.on_reply(0, (CONN, serial), &granted(), Voter::default());
            assert_eq!(judged.err().map(|broken| broken.0), (serial == 2).then_some("two-votes"));
        }
    }

    #[test]
    fn a_vote_for_less_or_against_a_leader_is_caught() {
        let mut votes = Votes::new(1);
        let mut judge = |pre, last, hears_leader| {
            let mut ask = ask(4, 2);
            if let RequestKind::Vote(request) = &mut ask {
                let part = &mut request.topics[0].partitions[0];
                (part.pre_vote, part.last_offset_epoch, part.last_offset) = (pre, 3, 10);
            }
            votes.on_request((CONN, 1), &ask);
            let voter = Voter { last: Some((LeaderEpoch(3), Offset(last))), hears_leader };
            votes.on_reply(0, (CONN, 1), &granted(), voter).err().map(|broken| broken.0)
        };
        assert_eq!(judge(true, 10, false), None);
        assert_eq!(judge(true, 11, false), Some("vote-for-less"));
        assert_eq!(judge(true, 10, true), Some("vote-while-led"));
        assert_eq!(judge(false, 11, false), Some("vote-for-less"));
    }
}
