//! One file a request, opening with its key, the versions served and what it does. Error codes are chosen here.

pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod begin_quorum_epoch;
pub mod delete_groups;
pub mod describe_groups;
pub mod describe_quorum;
pub mod end_quorum_epoch;
pub mod fetch;
pub mod fetch_metadata;
pub mod fetch_snapshot;
pub mod find_coordinator;
pub mod heartbeat;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod list_partition_reassignments;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
mod place;
pub mod produce;
pub mod quorum_asks;
pub mod receive;
pub mod sync_group;
pub mod vote;
