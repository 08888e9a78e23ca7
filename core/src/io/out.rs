use super::{Address, DiskOp, DiskTag, Lane, Note, Output, Owner, Reply};
use crate::id::{CallId, ConnId};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use kafka_protocol::messages::{ApiKey, RequestKind};

/// Collects what the machines want done while one input is handled, in the order in which they want it.
#[derive(Debug, Default)]
pub struct Out {
    queue: VecDeque<Output>,
    calls: u64,
}

impl Out {
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

    pub fn reply(&mut self, conn: ConnId, seq: u64, reply: Reply) {
        self.push(Output::Reply { conn, seq, reply });
    }

    /// Sends a request to another node; the id comes back with the answer.
    pub fn call(&mut self, to: Address, lane: Lane, key: ApiKey, version: i16, body: RequestKind) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        self.push(Output::Call { call, to, lane, key, version, body: Box::new(body) });
        call
    }
}
