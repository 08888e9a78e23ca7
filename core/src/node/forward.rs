//! Admin requests that reach a broker which is not the active controller travel on to it, and the answer travels back
//! (KIP-590). The controller closes the connection when it is not active: the request is then sent again, to whoever
//! is, until its time is up.
//!
//! What was sent and is not answered may still arrive, long after it was sent again and answered, and would then undo what
//! was asked for since. So a node that takes forwarded requests goes by the connection: those come one after the other,
//! and what arrives on one that a broker has left behind is not done. So with what a broker asks for itself: an AlterPartition that
//! is late would take into the in-sync set whom a leader has given up, for a later one was refused.

use super::{Forwarded, Node, Waiting};
use crate::id::{CallId, HoldId};
use crate::io::{Ask, CallFault, Lane, Listener};
use crate::mutant::{self, Mutant};
use crate::time::{Now, Span};
use alloc::boxed::Box;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};

/// How long a request is sent again before its client's connection is closed (`request.timeout.ms`).
const PATIENCE: Span = Span::from_millis(30_000);
/// How long to wait before sending again, when there is no controller or it did not answer.
const BACKOFF: Span = Span::from_millis(50);

impl Node {
    /// Sends the request to the active controller; its answer becomes the answer to `ask`.
    /// One that came in over the controller listener was meant for the active controller, and does not travel on.
    pub fn forward(&mut self, now: Now, ask: Ask, key: ApiKey, body: impl Into<RequestKind>) {
        match ask.listener {
            Listener::Broker => {}
            Listener::Controller => return ask.close(&mut self.out),
        }
        let version = ask.version;
        let forwarded = Forwarded { key, version, body: Box::new(body.into()) };
        let hold = self.hold.insert(ask, now.mono, Some(now.mono + PATIENCE), Waiting::Forward(forwarded));
        self.send_forward(now, hold);
    }

    /// Whether the request is of a broker that has since come on a newer connection with what is to change the metadata.
    pub fn is_left_behind(&mut self, ask: &Ask) -> bool {
        if ask.listener != Listener::Controller {
            return false;
        }
        let Some((lane, from)) = Lane::sender(&ask.client_id) else { return false };
        let left = !self.newest.heed(lane, from, ask.conn);
        left && (lane == Lane::Forward || !mutant::is(Mutant::LateCopyHeeded))
    }

    fn send_forward(&mut self, now: Now, hold: HoldId) {
        let Some(Waiting::Forward(forwarded)) = self.hold.get(hold).map(|row| &row.waiting) else { return };
        match self.controller_address() {
            Some(to) => {
                let (key, version, body) = (forwarded.key, forwarded.version, (*forwarded.body).clone());
                let call = self.out.call(to, Lane::Forward, key, version, body);
                self.forwards.sent.insert(call, hold);
            }
            None => {
                self.forwards.again.insert((now.mono + BACKOFF, hold));
            }
        }
    }

    /// Takes the answer if the call was a forwarded request.
    pub fn on_forward_done(&mut self, now: Now, call: CallId, result: Result<Box<ResponseKind>, CallFault>) {
        let Some(hold) = self.forwards.sent.remove(&call) else { return };
        match result {
            Ok(body) => {
                if let Some(row) = self.hold.take(hold) {
                    row.ask.reply(&mut self.out, *body);
                }
            }
            Err(CallFault::Disconnected | CallFault::Garbled) if mutant::is(Mutant::ForwardNotAgain) => {}
            Err(CallFault::Disconnected | CallFault::Garbled) => {
                self.forwards.again.insert((now.mono + BACKOFF, hold));
            }
        }
    }

    /// Sends again what waited long enough.
    pub fn on_forward_tick(&mut self, now: Now) {
        while let Some((at, hold)) = self.forwards.again.pop_first() {
            if at > now.mono {
                self.forwards.again.insert((at, hold));
                return;
            }
            self.send_forward(now, hold);
        }
    }
}
