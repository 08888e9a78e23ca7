//! Where a reply goes.

use super::{Listener, Out, Reply, Request};
use crate::id::ConnId;
use alloc::string::String;
use kafka_protocol::messages::ResponseKind;
use kafka_protocol::protocol::StrBytes;

/// Who asked, and how: where a reply goes, and what its form depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    pub conn: ConnId,
    /// The request's place on its connection.
    pub seq: u64,
    pub version: i16,
    pub listener: Listener,
    /// As in [`Request`].
    pub door: u16,
    pub client_id: StrBytes,
    /// `/127.0.0.1`, as group descriptions show it.
    pub client_host: StrBytes,
}

impl Ask {
    pub fn of(request: &Request) -> Self {
        Self {
            conn: request.conn,
            seq: request.seq,
            version: request.version,
            listener: request.listener,
            door: request.door,
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
        }
    }

    /// For a wait: what came in the request's frame is copied, so that the frame, which may be large, does not wait as well.
    pub fn apart(mut self) -> Self {
        self.client_id = StrBytes::from_string(String::from(self.client_id.as_str()));
        self
    }

    pub fn reply(&self, out: &mut Out, body: impl Into<ResponseKind>) {
        out.reply(self.conn, self.seq, Reply::plain(body));
    }

    /// Ends the connection without an answer, as Kafka does with what it cannot answer.
    pub fn close(&self, out: &mut Out) {
        out.close(self.conn);
    }
}
