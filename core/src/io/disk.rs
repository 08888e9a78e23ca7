//! Disk operations as values. The core names what is to be done, the shell does it.
//!
//! **Order.** Operations of one folder that change something take effect and complete in the order in
//! which they were issued; operations of different folders in any order. A `Read` or `List` sees every
//! operation that was complete when it was issued.
//!
//! **Durability.** Nothing is durable until an operation that says so completes: `Append { sync: true }`,
//! `Sync`, `Replace`, `SyncDir` (for names: a created, renamed or deleted file may come back or vanish
//! at a crash until its folder is synced). `Sync` is a barrier as well: the file is durable before any later operation of its folder
//! takes effect. What `SyncDir` says of names is durable no later than what was changed in files behind it, as far as the file system keeps its
//! own order.
//!
//! **No room.** An `Append`, `Create`, `Replace`, `OpenDir`, `Rename` or `RenameDir` that finds no room on the medium has not failed:
//! it waits, and what was issued behind it in its folder waits with it, until there is some. Meanwhile [`super::Input::Room`] says that
//! none is left. What it wrote in part is cut away, or written over when its turn comes; after a crash it may be there. A `RemoveDir`
//! that comes up behind ends the wait: those before it end with [`DiskFault::Full`], which nobody waits for any more.
//!
//! **Failure.** A failed `Append`, `Sync`, `Truncate`, `Replace` or `SyncDir` is final for the data folder:
//! what the medium holds is unknown from then on, and the core stops the node. A failed `Read` is the reader's business.
//! What fails behind operations that are complete already is told under [`DiskTag::FOLDER`].

use crate::id::{DirId, Offset};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// A file of a folder, by its meaning. `log::layout` knows its name on disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileName {
    /// `<base offset>.log`: record batches.
    Log(Offset),
    /// `<base offset>.index`: offset index.
    Index(Offset),
    /// `<base offset>.timeindex`: time index.
    TimeIndex(Offset),
    /// `<base offset>.txnindex`: aborted transactions.
    TxnIndex(Offset),
    /// `<offset>.snapshot`: producer state as of the offset.
    ProducerSnapshot(Offset),
    /// A file of a retired segment or snapshot: its name with `.deleted` behind.
    RetiredLog(Offset),
    RetiredIndex(Offset),
    RetiredTimeIndex(Offset),
    RetiredTxnIndex(Offset),
    RetiredProducerSnapshot(Offset),
    /// `leader-epoch-checkpoint`.
    LeaderEpochs,
    /// `partition.metadata`: the topic's id.
    PartitionMetadata,
    /// `<offset>-<epoch>.checkpoint`: a snapshot of the metadata.
    MetadataSnapshot(Offset, i32),
    /// `quorum-state`: the vote and the epoch of the metadata quorum.
    QuorumState,
    /// `meta.properties` of the data folder: cluster, node and directory id.
    MetaProperties,
    /// `.kafka_cleanshutdown` of the data folder: every log was closed in order.
    CleanShutdown,
    /// `recovery-point-offset-checkpoint` of the data folder.
    RecoveryPoints,
    /// `replication-offset-checkpoint` of the data folder: high watermarks.
    HighWatermarks,
    /// `log-start-offset-checkpoint` of the data folder.
    LogStartOffsets,
}

/// A file, by its folder and its meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId {
    pub dir: DirId,
    pub name: FileName,
}

/// Bytes that lie on disk: what a Fetch reply names instead of holding them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRange {
    pub file: FileId,
    /// Where the first byte lies in the file.
    pub at: u64,
    pub len: u32,
}

/// Who issued an operation: its completion goes there, with the serial that the owner chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// The log of a folder (that of the metadata as well).
    Log(DirId),
    /// The store of the quorum's vote, `quorum-state`, and of metadata snapshots.
    Quorum,
    /// Boot, and the files of the data folder itself.
    Node,
}

/// Names an operation when it completes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DiskTag {
    pub owner: Owner,
    pub serial: u64,
}

impl DiskTag {
    /// No operation's: the data folder itself has failed.
    pub const FOLDER: Self = Self { owner: Owner::Node, serial: u64::MAX };
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskOp {
    /// Names the folders of the data folder. Answer: [`DiskDone::Folders`].
    Folders,
    /// Binds `dir` to the folder of that name; makes it, durably, if it is not there.
    OpenDir { dir: DirId, name: String },
    /// Renames the folder (`topic-0` to `topic-0.<uuid>-delete`), durably.
    RenameDir { dir: DirId, name: String },
    /// Deletes the folder and all in it: its name is gone durably, and room comes free a little later. `dir` names nothing afterwards. Whenever it is cut short: of that name there is the whole
    /// folder or none; what is left of it may be there as `log::layout::deleted_folder` names it.
    RemoveDir { dir: DirId },
    /// Names the known files of the folder and their lengths. Answer: [`DiskDone::Files`].
    List { dir: DirId },
    /// Makes an empty file, or empties one. Not durable before `SyncDir`.
    Create { file: FileId },
    /// Writes `bytes`, one after the other, from position `at`; `sync`: and completes only when they are durable.
    Append { file: FileId, at: u64, bytes: Vec<Bytes>, sync: bool },
    /// Makes durable what was written to the file by all operations issued before.
    Sync { file: FileId },
    /// Reads up to `len` bytes from `at`; fewer at the end of the file. Answer: [`DiskDone::Bytes`].
    Read { file: FileId, at: u64, len: u32 },
    /// Cuts the file to `len` bytes, durably.
    Truncate { file: FileId, len: u64 },
    /// Puts `bytes` in the place of the whole file, atomically and durably (write aside, sync, rename, sync the folder).
    Replace { file: FileId, bytes: Bytes },
    /// Renames a file within its folder. Not durable before `SyncDir`.
    Rename { from: FileId, to: FileName },
    /// Deletes the file if it is there. Not durable before `SyncDir`.
    Delete { file: FileId },
    /// Makes the names in the folder durable.
    SyncDir { dir: DirId },
    /// Decompresses a batch's records with the codec of that number (`batch::Codec::bits`); not more than `max` bytes, else
    /// [`DiskFault::Io`]. Not a disk's work, but the shell's, off the drive loop. Answer: [`DiskDone::Bytes`].
    Unpack { codec: u8, bytes: Bytes, max: u32 },
}

/// How an operation ended well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskDone {
    Done,
    Bytes(Bytes),
    Files(Vec<(FileName, u64)>),
    Folders(Vec<String>),
}

/// How an operation ended badly: a fault of the medium or the environment, never a peer's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskFault {
    /// The medium or the system refused (EIO and its like).
    Io,
    /// There was no room, and the folder goes.
    Full,
    /// The file or folder is not there.
    Missing,
}

impl FileId {
    pub const fn new(dir: DirId, name: FileName) -> Self {
        Self { dir, name }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:?}", self.dir, self.name)
    }
}

impl fmt::Display for DiskTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Owner::Log(dir) => write!(f, "{dir}#{}", self.serial),
            Owner::Quorum => write!(f, "quorum#{}", self.serial),
            Owner::Node => write!(f, "node#{}", self.serial),
        }
    }
}

impl fmt::Display for DiskOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folders => write!(f, "folders"),
            Self::OpenDir { dir, name } => write!(f, "open {dir} {name}"),
            Self::RenameDir { dir, name } => write!(f, "rename {dir} {name}"),
            Self::RemoveDir { dir } => write!(f, "remove {dir}"),
            Self::List { dir } => write!(f, "list {dir}"),
            Self::Create { file } => write!(f, "create {file}"),
            Self::Append { file, at, bytes, sync } => {
                let len: usize = bytes.iter().map(Bytes::len).sum();
                write!(f, "append {file} at {at} len {len}{}", if *sync { " sync" } else { "" })
            }
            Self::Sync { file } => write!(f, "sync {file}"),
            Self::Read { file, at, len } => write!(f, "read {file} at {at} len {len}"),
            Self::Truncate { file, len } => write!(f, "truncate {file} to {len}"),
            Self::Replace { file, bytes } => write!(f, "replace {file} len {}", bytes.len()),
            Self::Rename { from, to } => write!(f, "rename {from} to {to:?}"),
            Self::Delete { file } => write!(f, "delete {file}"),
            Self::SyncDir { dir } => write!(f, "syncdir {dir}"),
            Self::Unpack { codec, bytes, max } => write!(f, "unpack codec {codec} len {} max {max}", bytes.len()),
        }
    }
}

impl fmt::Display for DiskDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Files(files) => write!(f, "{} files", files.len()),
            Self::Folders(folders) => write!(f, "{} folders", folders.len()),
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io => write!(f, "io error"),
            Self::Full => write!(f, "no room"),
            Self::Missing => write!(f, "missing"),
        }
    }
}
