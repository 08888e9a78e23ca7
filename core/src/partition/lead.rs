use super::{
    Acks, Appended, FetchPlan, FetchQuery, Fetched, FollowerStep, Granted, Isolation, Partition, PartitionEvent, Proposal,
    ReplicaFetch, Replicated, Standing,
};
use crate::error::{ErrorCode, Refusal};
use crate::id::{NodeId, Offset};
use crate::io::{DiskDone, DiskFault, Out};
use crate::time::{Mono, Now};
use bytes::Bytes;

// The surface; bodies follow.
#[allow(unused_variables)]
impl Partition {
    /// The metadata says something new of this partition.
    pub fn on_state(&mut self, now: Now, standing: &Standing, out: &mut Out) -> PartitionEvent {
        unimplemented!()
    }

    /// A producer's batches, whose CRCs were checked.
    pub fn on_produce(&mut self, now: Now, bytes: Bytes, acks: Acks, out: &mut Out) -> Result<(Appended, PartitionEvent), Refusal> {
        unimplemented!()
    }

    /// Batches of the node itself (the group coordinator's), as with `acks=all`.
    pub fn append_internal(&mut self, now: Now, bytes: Bytes, out: &mut Out) -> Result<(Appended, PartitionEvent), Refusal> {
        unimplemented!()
    }

    /// Whether what was appended may be acknowledged. `None`: not yet.
    pub fn acked(&self, appended: &Appended, acks: Acks) -> Option<Result<(), ErrorCode>> {
        unimplemented!()
    }

    /// Reads for a consumer or, after [`Partition::on_replica_fetch`], for a follower.
    pub fn on_fetch(&mut self, now: Now, query: &FetchQuery, isolation: Isolation, out: &mut Out) -> Result<Fetched, Refusal> {
        unimplemented!()
    }

    /// A follower says where it stands: once a request.
    pub fn on_replica_fetch(&mut self, now: Now, replica: &ReplicaFetch, query: &FetchQuery) -> Result<PartitionEvent, Refusal> {
        unimplemented!()
    }

    /// What to ask the leader for; `None`: this is no follower, or has no leader.
    pub fn fetch_plan(&self) -> Option<FetchPlan> {
        unimplemented!()
    }

    /// The leader's answer.
    pub fn on_fetched(&mut self, now: Now, answer: Replicated, out: &mut Out) -> (FollowerStep, PartitionEvent) {
        unimplemented!()
    }

    /// An operation of this partition's log ended.
    pub fn on_disk(&mut self, now: Now, serial: u64, result: Result<DiskDone, DiskFault>, out: &mut Out) -> PartitionEvent {
        unimplemented!()
    }

    /// Retention, rolls, laggards: what time alone brings.
    pub fn on_tick(&mut self, now: Now, out: &mut Out) -> PartitionEvent {
        unimplemented!()
    }

    /// When [`Partition::on_tick`] has something to do, at the latest.
    pub fn next_deadline(&self) -> Option<Mono> {
        unimplemented!()
    }

    /// A change of the in-sync set to ask of the controller now: at most one is under way, and it is not handed out twice
    /// before its retry is due.
    pub fn isr_proposal(&mut self, now: Now) -> Option<Proposal> {
        unimplemented!()
    }

    /// The controller's answer to the proposal.
    pub fn on_isr_answer(&mut self, now: Now, answer: Result<Granted, ErrorCode>) -> PartitionEvent {
        unimplemented!()
    }

    /// Moves the log's start (DeleteRecords); `offset` -1: to the watermark. Answers where the log starts now.
    pub fn delete_records(&mut self, now: Now, offset: Offset, out: &mut Out) -> Result<(Offset, PartitionEvent), Refusal> {
        unimplemented!()
    }

    /// The smallest start of the log over this replica and the followers that are `alive`: below it every record is gone.
    pub fn low_watermark(&self, alive: impl Fn(NodeId) -> bool) -> Offset {
        unimplemented!()
    }

    /// Ends the log in order: all synced, checkpoints written.
    pub fn close(&mut self, now: Now, out: &mut Out) {
        unimplemented!()
    }

    /// The first offset that a consumer cannot read yet: the watermark.
    pub fn stable(&self) -> Offset {
        self.watermark()
    }

    pub fn log_start(&self) -> Offset {
        unimplemented!()
    }

    pub fn log_end(&self) -> Offset {
        unimplemented!()
    }
}
