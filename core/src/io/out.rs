//! The queue of outputs, and the node's calls to itself.

use super::{Address, DiskOp, DiskTag, Lane, Note, Output, Owner, Reply};
use crate::id::{CallId, ConnId};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use kafka_protocol::messages::{ApiKey, RequestKind};

/// Collects what the machines want done while one input is handled, in the order in which they want it.
///
/// A call to this very node does not go out: it, and its answer, stay inside as [`Local`], so that a machine need not
/// know whether the node it calls is its own, and a node alone needs no open port to talk to itself.
#[derive(Debug, Default)]
pub struct Out {
    queue: VecDeque<Output>,
    local: VecDeque<Local>,
    own: Vec<Address>,
    calls: u64,
}

/// A step of a call from this node to itself.
#[derive(Debug)]
pub enum Local {
    Call {
        call: CallId,
        lane: Lane,
        key: ApiKey,
        version: i16,
        body: Box<RequestKind>,
    },
    Answer {
        call: CallId,
        reply: Reply,
    },
    /// The answering side closed its end: no open call gets an answer.
    Closed,
}

impl Out {
    /// `own`: the addresses at which this node is called.
    pub fn new(own: Vec<Address>) -> Self {
        Self { own, ..Self::default() }
    }

    /// The next step of a call of this node to itself; to be taken before an input's handling ends.
    pub fn pop_local(&mut self) -> Option<Local> {
        self.local.pop_front()
    }

    pub fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn disk(&mut self, owner: Owner, serial: u64, op: DiskOp) {
        self.push(Output::Disk { tag: DiskTag { owner, serial }, op });
    }

    pub fn note(&mut self, note: Note) {
        self.push(Output::Note(note));
    }

    /// On [`ConnId::LOCAL`], `seq` is the number of the call.
    pub fn reply(&mut self, conn: ConnId, seq: u64, reply: Reply) {
        if conn == ConnId::LOCAL {
            self.local.push_back(Local::Answer { call: CallId(seq), reply });
        } else {
            self.push(Output::Reply { conn, seq, reply });
        }
    }

    /// Ends a connection once the replies before are out.
    pub fn close(&mut self, conn: ConnId) {
        if conn == ConnId::LOCAL {
            self.local.push_back(Local::Closed);
        } else {
            self.push(Output::Close { conn });
        }
    }

    /// Sends a request to another node; the id comes back with the answer.
    pub fn call(&mut self, to: Address, lane: Lane, key: ApiKey, version: i16, body: RequestKind) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        let body = Box::new(body);
        if self.own.contains(&to) {
            self.local.push_back(Local::Call { call, lane, key, version, body });
        } else {
            self.push(Output::Call { call, to, lane, key, version, body });
        }
        call
    }
}
