//! One file a request, opening with its key, the versions served and what it does. Error codes are chosen here.

pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod list_partition_reassignments;
pub mod fetch;
mod place;
pub mod produce;
