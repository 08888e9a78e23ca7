//! One file a request, opening with its key, the versions served and what it does. Error codes are chosen here.

pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod begin_quorum_epoch;
pub mod describe_quorum;
pub mod end_quorum_epoch;
pub mod fetch;
pub mod fetch_metadata;
pub mod fetch_snapshot;
pub mod list_partition_reassignments;
mod place;
pub mod produce;
pub mod quorum_asks;
pub mod vote;
