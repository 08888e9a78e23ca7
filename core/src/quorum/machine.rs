//! The quorum's state of one node.

use super::answer::{Answer, Changes, Committed, Turn};
use super::config::QuorumConfig;
use crate::error::Refusal;
use crate::id::{CallId, LeaderEpoch, NodeId, Offset};
use crate::io::{CallFault, DiskDone, DiskFault, DiskTag, Out, Records};
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::{
    BeginQuorumEpochRequest, BeginQuorumEpochResponse, DescribeQuorumResponse, EndQuorumEpochRequest,
    EndQuorumEpochResponse, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse, ResponseKind,
    VoteRequest, VoteResponse,
};

/// A Fetch reply; the records of its only partition lie beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchReply {
    pub response: Box<FetchResponse>,
    pub records: Records,
}

/// The metadata log's Raft on one node. After every call that takes `out`, [`Quorum::changes`] tells what it led to.
#[derive(Debug)]
pub struct Quorum {
    config: QuorumConfig,
}

#[allow(unused_variables)]
impl Quorum {
    pub fn new(config: QuorumConfig) -> Self {
        Self { config }
    }

    /// Opens the folder of the metadata log; `clean`: it was closed in order. Ends with [`Changes::opened`].
    pub fn open(&mut self, now: Now, clean: bool, out: &mut Out) {
        unimplemented!()
    }

    /// What happened since the last time it was asked.
    pub fn changes(&mut self) -> Changes {
        unimplemented!()
    }

    /// `controller.quorum.voters`.
    pub fn voters(&self) -> &[super::Voter] {
        &self.config.voters
    }

    /// The cluster's id, once it is known: from then on requests of another cluster are refused.
    pub fn set_cluster_id(&mut self, cluster_id: String) {
        self.config.cluster_id = Some(cluster_id);
    }

    pub fn on_vote(&mut self, now: Now, request: &VoteRequest, out: &mut Out) -> Answer<VoteResponse> {
        unimplemented!()
    }

    pub fn on_begin_epoch(
        &mut self,
        now: Now,
        request: &BeginQuorumEpochRequest,
        out: &mut Out,
    ) -> Answer<BeginQuorumEpochResponse> {
        unimplemented!()
    }

    pub fn on_end_epoch(
        &mut self,
        now: Now,
        request: &EndQuorumEpochRequest,
        out: &mut Out,
    ) -> Answer<EndQuorumEpochResponse> {
        unimplemented!()
    }

    /// A Fetch of the metadata topic. A row that waits has its deadline at `max_wait_ms`.
    pub fn on_fetch(&mut self, now: Now, request: &FetchRequest, turn: Turn, out: &mut Out) -> Answer<FetchReply> {
        unimplemented!()
    }

    pub fn on_fetch_snapshot(
        &mut self,
        now: Now,
        request: &FetchSnapshotRequest,
        turn: Turn,
        out: &mut Out,
    ) -> Answer<FetchSnapshotResponse> {
        unimplemented!()
    }

    /// The partition's part of DescribeQuorum: voters and observers with their ends; `NOT_LEADER_OR_FOLLOWER` off the leader.
    pub fn describe(&self, now: Now) -> Result<DescribeQuorumResponse, Refusal> {
        unimplemented!()
    }

    /// Whether the call is one of the quorum's own.
    pub fn owns_call(&self, call: CallId) -> bool {
        unimplemented!()
    }

    /// The reply to one of its calls, or its failure; `checks` as in `Input::CallDone`. Calls it does not know are ignored.
    pub fn on_call_done(
        &mut self,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: &[Result<(), Refusal>],
        out: &mut Out,
    ) {
        unimplemented!()
    }

    /// A completion of `Owner::Quorum` or of `Owner::Log(DirId::METADATA)`.
    pub fn on_disk(&mut self, now: Now, tag: DiskTag, result: Result<DiskDone, DiskFault>, out: &mut Out) {
        unimplemented!()
    }

    pub fn on_tick(&mut self, now: Now, out: &mut Out) {
        unimplemented!()
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        unimplemented!()
    }

    /// Appends records as one batch, which is committed whole or not at all; answers the offset of the last one.
    /// `NOT_CONTROLLER` off the leader.
    pub fn append(&mut self, now: Now, records: Vec<Bytes>, out: &mut Out) -> Result<Offset, Refusal> {
        unimplemented!()
    }

    /// Leader and epoch as far as this node knows.
    pub fn leader(&self) -> Option<(NodeId, LeaderEpoch)> {
        unimplemented!()
    }

    pub fn epoch(&self) -> LeaderEpoch {
        unimplemented!()
    }

    pub fn is_leader(&self) -> bool {
        unimplemented!()
    }

    /// Whether this node leads, and `next_committed` has given out all that was there before its epoch began:
    /// only then may the layer above decide anything.
    pub fn is_drained(&self) -> bool {
        unimplemented!()
    }

    /// Committed up to here (exclusive), as far as this node knows.
    pub fn watermark(&self) -> Offset {
        unimplemented!()
    }

    /// The end of this node's log.
    pub fn end(&self) -> Offset {
        unimplemented!()
    }

    /// What `next_committed` gives out next.
    pub fn next_offset(&self) -> Offset {
        unimplemented!()
    }

    /// The next piece of the committed log, in order; after the start, and after a snapshot was installed, a snapshot first.
    pub fn next_committed(&mut self, now: Now, out: &mut Out) -> Committed {
        unimplemented!()
    }

    /// Writes the state as of `offset` (exclusive, and given out before), whose last record has `epoch`; afterwards the
    /// log's old prefix is cut. Ignored while another one is written, or if there is a later one.
    pub fn write_snapshot(&mut self, now: Now, offset: Offset, epoch: LeaderEpoch, bytes: Bytes, out: &mut Out) {
        unimplemented!()
    }

    /// The offset of the newest snapshot that is on disk.
    pub fn snapshot_offset(&self) -> Option<Offset> {
        unimplemented!()
    }

    /// Bytes in the log since the newest snapshot: when to write the next one.
    pub fn bytes_since_snapshot(&self) -> u64 {
        unimplemented!()
    }

    /// Controlled shutdown: a leader hands over (EndQuorumEpoch), and this node does not stand for election any more.
    pub fn resign(&mut self, now: Now, out: &mut Out) {
        unimplemented!()
    }

    /// Whether, after [`Quorum::resign`], there is nothing left to wait for.
    pub fn is_resigned(&self) -> bool {
        unimplemented!()
    }

    /// Closes the log in order.
    pub fn close(&mut self, now: Now, out: &mut Out) {
        unimplemented!()
    }

    /// Whether [`Quorum::close`] is done.
    pub fn is_closed(&self) -> bool {
        unimplemented!()
    }

    /// Asserts the invariants.
    pub fn check(&self) {
        unimplemented!()
    }
}
