//! The vocabulary between the core and whoever drives it: inputs, outputs, disk operations, notes.
//!
//! Every one of them has a one-line `Display`. That line is the simulator's trace, the scenario's text and the
//! assertion's message.

mod ask;
mod disk;
mod note;
mod out;

pub use ask::Ask;
pub use disk::{DiskDone, DiskFault, DiskOp, DiskTag, FileId, FileName, FileRange, Owner};
pub use note::{CHECKPOINT, DISBELIEVED, GAP, ID_TAKEN, LOG_LOST, NOT_MADE, Note, STRAY};
pub use out::{Local, Out};

use crate::error::Refusal;
use crate::id::{CallId, ConnId, NodeId};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use kafka_protocol::messages::{ApiKey, FetchResponse, RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;

/// Which door a request came through: Kafka serves different requests on each (`listeners` in the message definitions).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Listener {
    /// A broker's listener: clients, and other brokers' Fetch.
    Broker,
    /// A controller's listener: the metadata quorum, registrations, heartbeats, forwarded admin requests.
    Controller,
}

/// A decoded request. `seq` counts the requests of its connection from 0: a reply names it, and replies leave in its order.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    pub conn: ConnId,
    pub seq: u64,
    pub listener: Listener,
    /// Which of the node's listeners that was, by its place in the configuration: answers tell the addresses of brokers
    /// at the listener of this name.
    pub door: u16,
    /// The header's client id; empty where there is none.
    pub client_id: StrBytes,
    /// The peer's address as Kafka shows it in group descriptions: `/127.0.0.1`.
    pub client_host: StrBytes,
    pub key: ApiKey,
    pub version: i16,
    pub body: RequestKind,
    /// For Produce: what checking each partition's bytes found, in the order of the request. Empty otherwise.
    pub checks: Vec<Result<(), Refusal>>,
}

/// How a request stays with the node that takes it in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stay {
    /// It is answered as soon as the cluster can.
    Brief,
    /// A Produce: it waits for followers, as long as the slowest takes.
    Write,
    /// It waits for what other clients do, for as long as it says: a consumer's Fetch, JoinGroup, SyncGroup.
    Poll,
    /// A follower's Fetch: others' writes wait for it.
    Replica,
}

impl Request {
    pub const fn stay(&self) -> Stay {
        match &self.body {
            // The field moved in version 15 (KIP-903).
            RequestKind::Fetch(fetch) if fetch.replica_id.0 >= 0 || fetch.replica_state.replica_id.0 >= 0 => {
                Stay::Replica
            }
            RequestKind::Fetch(_) | RequestKind::JoinGroup(_) | RequestKind::SyncGroup(_) => Stay::Poll,
            RequestKind::Produce(_) => Stay::Write,
            _ => Stay::Brief,
        }
    }
}

/// The records of one partition in a Fetch reply.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Records {
    /// No bytes: an empty record set.
    #[default]
    Empty,
    /// Batches, one after the other, still in memory.
    Memory(Vec<Bytes>),
    /// A place on disk, verified; the shell moves the bytes.
    File(FileRange),
}

/// A reply's body.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    Plain(Box<ResponseKind>),
    /// A Fetch reply; `records` has an entry for each partition of `response`, in its order, whose own field stays empty.
    Fetch {
        response: Box<FetchResponse>,
        records: Vec<Records>,
    },
    /// Nothing is sent (Produce with `acks=0`): the place in the order of replies is given up.
    Silence,
}

/// A bundle of connections to one address; calls of one lane are answered in order, lanes do not wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// The quorum's Fetch and FetchSnapshot.
    QuorumFetch,
    /// Vote, BeginQuorumEpoch, EndQuorumEpoch.
    QuorumVote,
    /// Requests to the active controller: registrations, heartbeats, AlterPartition, AllocateProducerIds.
    Control,
    /// Requests of clients that are forwarded to the active controller.
    Forward,
    /// A follower's Fetch, and OffsetForLeaderEpoch.
    Replica,
}

impl Lane {
    /// The client id of what the node sends on this lane: `esker-1-forward` and `esker-1-control` of what changes the metadata,
    /// `esker-1` on all others.
    pub fn client_id(self, node: NodeId) -> String {
        alloc::format!("esker-{node}{}", self.suffix())
    }

    /// Which node sends with this client id, on one of the lanes whose requests change the metadata.
    pub fn sender(client_id: &str) -> Option<(Self, NodeId)> {
        let name = client_id.strip_prefix("esker-")?;
        let of = |lane: Self| Some((lane, NodeId(name.strip_suffix(lane.suffix())?.parse().ok()?)));
        of(Self::Forward).or_else(|| of(Self::Control))
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Forward => "-forward",
            Self::Control => "-control",
            Self::QuorumFetch | Self::QuorumVote | Self::Replica => "",
        }
    }
}

/// Where a node listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    pub host: StrBytes,
    pub port: u16,
}

/// Why a call has no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFault {
    /// No connection could be made, or it ended before the reply came. The peer may have acted on the request.
    Disconnected,
    /// The reply could not be read.
    Garbled,
}

/// The only way in.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The node starts: always the first input, once.
    Boot,
    Request(Box<Request>),
    /// A client's connection ended: nothing can be replied to it any more.
    Gone {
        conn: ConnId,
    },
    /// A reply to a call; `checks` as in [`Request`], for the partitions of a Fetch reply.
    CallDone {
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: Vec<Result<(), Refusal>>,
    },
    Disk {
        tag: DiskTag,
        result: Result<DiskDone, DiskFault>,
    },
    /// A deadline has passed, or may have.
    Tick,
    /// How many bytes are left on the medium of the data folder, of how many.
    Room {
        bytes: u64,
        total: u64,
    },
    /// The operator asks for a clean stop (SIGTERM): hand over, close in order, then [`Output::Stopped`].
    Stop,
}

/// The only way out.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    Reply {
        conn: ConnId,
        seq: u64,
        reply: Reply,
    },
    /// The connection is to be closed once the replies before are out.
    Close {
        conn: ConnId,
    },
    Call {
        call: CallId,
        to: Address,
        lane: Lane,
        key: ApiKey,
        version: i16,
        body: Box<RequestKind>,
    },
    Disk {
        tag: DiskTag,
        op: DiskOp,
    },
    Note(Note),
    /// The node is up and serves.
    Ready,
    /// The node has come to its end; the process exits. `clean`: in order; otherwise `why` says what failed.
    Stopped {
        clean: bool,
        why: String,
    },
}

impl Reply {
    pub fn plain(body: impl Into<ResponseKind>) -> Self {
        Self::Plain(Box::new(body.into()))
    }
}

impl Records {
    pub fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Memory(parts) => parts.iter().map(Bytes::len).sum(),
            Self::File(range) => range.len as usize,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host.as_str(), self.port)
    }
}

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "empty"),
            Self::Memory(_) => write!(f, "memory {}", self.len()),
            Self::File(range) => write!(f, "{} at {} len {}", range.file, range.at, range.len),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => write!(f, "boot"),
            Self::Request(r) => write!(f, "{}/{} {:?} v{}", r.conn, r.seq, r.key, r.version),
            Self::Gone { conn } => write!(f, "{conn} gone"),
            Self::CallDone { call, result: Ok(_), .. } => write!(f, "{call} answered"),
            Self::CallDone { call, result: Err(fault), .. } => write!(f, "{call} failed {fault:?}"),
            Self::Disk { tag, result: Ok(done) } => write!(f, "disk {tag} {done}"),
            Self::Disk { tag, result: Err(fault) } => write!(f, "disk {tag} failed: {fault}"),
            Self::Tick => write!(f, "tick"),
            Self::Room { bytes, .. } => write!(f, "room {bytes}"),
            Self::Stop => write!(f, "stop"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { conn, seq, reply: Reply::Silence } => write!(f, "{conn}/{seq} silence"),
            Self::Reply { conn, seq, reply: Reply::Plain(_) } => write!(f, "{conn}/{seq} reply"),
            Self::Reply { conn, seq, reply: Reply::Fetch { records, .. } } => {
                write!(f, "{conn}/{seq} reply fetch")?;
                records.iter().try_for_each(|r| write!(f, " [{r}]"))
            }
            Self::Close { conn } => write!(f, "close {conn}"),
            Self::Call { call, to, key, version, .. } => write!(f, "{call} to {to} {key:?} v{version}"),
            Self::Disk { tag, op } => write!(f, "disk {tag} {op}"),
            Self::Note(note) => write!(f, "note {note}"),
            Self::Ready => write!(f, "ready"),
            Self::Stopped { clean, why } => write!(f, "stopped clean={clean} {why}"),
        }
    }
}
