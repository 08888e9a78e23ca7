//! The bounds of what a node takes in and keeps, with their reasons; relations between them are asserted at compile time. A bound that is one
//! file's own affair (the rounds of a loop, the bytes of one answer) stands there.

/// Largest request that is read from a socket, in bytes (`socket.request.max.bytes`). The shell enforces it before it allocates.
pub const REQUEST_BYTES_MAX: usize = 104_857_600;

/// Largest answer, in bytes, but for a Fetch's, which has its own bound: a small request that names one group, or one broker's configs, ten
/// thousand times is not to be answered in gigabytes, nor in more than the length of a frame can say.
pub const ANSWER_BYTES_MAX: usize = 256 << 20;

const _: () = assert!(ANSWER_BYTES_MAX < i32::MAX as usize);

/// Replicas that new partitions may bring a node to: bounds its memory and its table of folders. The controller refuses more.
pub const PARTITIONS_MAX: usize = 200_000;

/// Room on the medium, in bytes, that records of clients leave to the rest, on their leader and on its followers: what the node writes
/// for itself still finds some, and no write of a client's meets the end of the medium.
pub const ROOM_RESERVE_BYTES: u64 = 64 << 20;

const _: () = assert!(ROOM_RESERVE_BYTES as usize <= REQUEST_BYTES_MAX);

/// Room, in bytes, that coordinators' records (committed offsets, groups) leave to metadata and checkpoints: consumers go on where
/// producers are refused.
pub const ROOM_RESERVE_COORDINATORS_BYTES: u64 = 32 << 20;

const _: () = assert!(ROOM_RESERVE_COORDINATORS_BYTES < ROOM_RESERVE_BYTES);

/// Records of one batch that a Produce's answer names as refused: who sends a million wrong ones need not be told each.
pub const RECORD_ERRORS_MAX: usize = 1000;

/// Partitions in all fetch sessions together: about 400 bytes each, 300 more while a request waits and they were looked at for it,
/// and before version 13 the topics' names. A reader beyond it fetches without a session, and a session that grows beyond it ends.
pub const SESSION_PARTITIONS_MAX: usize = 400_000;

/// A fetch session that was not used for so long makes room for another (Kafka's `incrementalFetchSessionEvictionMs`).
pub const SESSION_EVICTION_AFTER: crate::time::Span = crate::time::Span::from_millis(120_000);

/// How long a Fetch without wait stays when all it asks for has to be read from the disk first: an answer without records
/// would only bring the same request again.
pub const COLD_READ_MAX: crate::time::Span = crate::time::Span::from_millis(10_000);

/// How long a write waits at least for this node's own disk, whatever its client says: Kafka has appended it by then, and what is not
/// written yet is kept in memory.
pub const OWN_DISK_MAX: crate::time::Span = crate::time::Span::from_millis(30_000);

/// Bytes that a follower takes from one leader before a sync of what it took is done: bounds what a slow disk piles up.
pub const REPLICA_AHEAD_MAX: usize = 32 << 20;

/// Newest batches that all logs of a node together keep in memory: 64 KiB of each of a thousand that are written to. What is only on its
/// way to the disk comes on top.
pub const TAILS_BYTES_MAX: usize = 64 << 20;

/// Groups of one partition of `__consumer_offsets`: whoever joins under ever new names fills no memory without end.
pub const GROUPS_MAX: usize = 1_000_000;

/// Member ids of one group that were given out and not used yet: they live for a session time-out, which may be half an hour.
pub const PENDING_JOINS_MAX: usize = 10_000;
/// Clients' requests that wait for a node to join its cluster, or to hear what became of it while it stood still; more are turned away.
/// Each connection has few under way.
pub const EARLY_REQUESTS_MAX: usize = 1024;

/// Producers of one partition that a leader tells a follower that begins anew at its log's start: about 3 MiB at most.
pub const PRODUCERS_TOLD_MAX: usize = 20_000;
