use super::decision::Decision;
use super::settings::Settings;
use crate::error::ErrorCode;
use crate::id::{HoldId, LeaderEpoch, Offset};
use crate::io::Ask;
use crate::rng::Rng;
use crate::time::{Mono, Now};
use bytes::Bytes;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    ListGroupsRequest, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetFetchRequest,
    SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

/// The groups of one node: a shard for each partition of `__consumer_offsets` that it leads.
///
/// Every request has a row in `node.hold` before it comes here; its answer is a [`super::Release`] of that row, in this
/// decision or a later one.
#[derive(Debug)]
pub struct Groups {
    settings: Settings,
    rng: Rng,
}

impl Groups {
    /// `rng` makes member ids; it must differ between two starts of a node.
    pub fn new(settings: Settings, rng: Rng) -> Self {
        Self { settings, rng }
    }

    /// How many partitions `__consumer_offsets` has, once it is there.
    pub fn set_topic_partitions(&mut self, count: i32) {
        self.settings.topic_partitions = count;
    }

    /// The partition of `__consumer_offsets` that holds `group`: Java's `Utils.abs(group.hashCode()) % partitions`.
    pub fn partition_of(&self, _group: &str) -> i32 {
        unimplemented!()
    }

    /// This node leads `partition` from `epoch` on: the log is to be read from its start to its end. Until
    /// [`Groups::on_load_done`] requests are answered with COORDINATOR_LOAD_IN_PROGRESS.
    pub fn on_leader(&mut self, _now: Now, _partition: i32, _epoch: LeaderEpoch) -> Decision {
        unimplemented!()
    }

    /// Whether `partition` still waits for its log in `epoch`.
    pub fn is_loading(&self, _partition: i32, _epoch: LeaderEpoch) -> bool {
        unimplemented!()
    }

    /// Whole record batches of `partition`'s log, in order, compacted or not.
    pub fn on_loaded_batches(&mut self, _partition: i32, _batches: &[Bytes]) {
        unimplemented!()
    }

    /// All of the log was seen; `watermark` is how far it is committed now.
    pub fn on_load_done(&mut self, _now: Now, _partition: i32, _watermark: Offset) -> Decision {
        unimplemented!()
    }

    /// This node does not lead `partition` any more: whatever waits is told NOT_COORDINATOR.
    pub fn on_unload(&mut self, _partition: i32) -> Decision {
        unimplemented!()
    }

    /// The oldest append of `partition` that was not reported yet got the offsets from `base` on.
    pub fn on_appended(&mut self, _now: Now, _partition: i32, _base: Offset) -> Decision {
        unimplemented!()
    }

    /// The oldest append of `partition` that was not reported yet was refused with `code`; nothing was written.
    pub fn on_append_failed(&mut self, _now: Now, _partition: i32, _code: ErrorCode) -> Decision {
        unimplemented!()
    }

    /// Records of `partition` below `watermark` are committed.
    pub fn on_committed(&mut self, _now: Now, _partition: i32, _watermark: Offset) -> Decision {
        unimplemented!()
    }

    /// Topics were deleted: the offsets committed for them go.
    pub fn on_topics_deleted(&mut self, _now: Now, _topics: &[StrBytes]) -> Decision {
        unimplemented!()
    }

    pub fn on_tick(&mut self, _now: Now) -> Decision {
        unimplemented!()
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }

    pub fn on_join(&mut self, _now: Now, _hold: HoldId, _ask: &Ask, _request: &JoinGroupRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_sync(&mut self, _now: Now, _hold: HoldId, _request: &SyncGroupRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_heartbeat(&mut self, _now: Now, _hold: HoldId, _request: &HeartbeatRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_leave(&mut self, _now: Now, _hold: HoldId, _ask: &Ask, _request: &LeaveGroupRequest) -> Decision {
        unimplemented!()
    }

    /// `refused` has the partitions that the caller refused already; the others' answers are put beside them.
    pub fn on_commit(
        &mut self,
        _now: Now,
        _hold: HoldId,
        _ask: &Ask,
        _request: &OffsetCommitRequest,
        _refused: OffsetCommitResponse,
    ) -> Decision {
        unimplemented!()
    }

    pub fn on_fetch(&mut self, _now: Now, _hold: HoldId, _ask: &Ask, _request: &OffsetFetchRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_offset_delete(&mut self, _now: Now, _hold: HoldId, _request: &OffsetDeleteRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_describe(&mut self, _hold: HoldId, _ask: &Ask, _request: &DescribeGroupsRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_list(&mut self, _hold: HoldId, _request: &ListGroupsRequest) -> Decision {
        unimplemented!()
    }

    pub fn on_delete(&mut self, _now: Now, _hold: HoldId, _request: &DeleteGroupsRequest) -> Decision {
        unimplemented!()
    }

    /// Asserts the invariants of every group and shard.
    pub fn check(&self) {}
}
